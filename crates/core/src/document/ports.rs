//! Ports of the main container, of which no two are the same.

use std::collections::BTreeMap;

use super::reader::{Faults, Node, Object, shown};
use crate::content::{Port, Protocol};

pub(super) const FIELDS: &[&str] = &["name", "port", "protocol", "servicePort"];

const MAX_PORTS: usize = 20;

pub(super) fn read(node: &Node<'_>) -> Option<Vec<Port>> {
    let mut before = Vec::new();
    node.list(0..=MAX_PORTS, |node| {
        let port = port(&node);
        let known = Known::of(&node);
        let clashes = known.clashes(&before);
        let alone = clashes.is_empty();
        for (field, message) in clashes {
            node.fault_at(field, message, "choose another one");
        }
        before.push(known);
        port.filter(|_| alone)
    })
}

fn port(node: &Node<'_>) -> Option<Port> {
    let object = node.object(FIELDS)?;
    let name = object.required("name", |node| name(&node));
    let port = object.required("port", |node| node.port_number());
    let protocol = object.or("protocol", Protocol::Tcp, |node| protocol(&node));
    let service_port = object.optional("servicePort", |node| node.port_number());
    let (name, port, protocol) = (name?, port?, protocol?);
    Some(Port { name, port, protocol, service_port: service_port?.unwrap_or(port) })
}

fn name(node: &Node<'_>) -> Option<String> {
    let name = node.text(1..=15)?;
    let inner = name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
    let dashes = !name.starts_with('-') && !name.ends_with('-') && !name.contains("--");
    if inner && dashes && name.bytes().any(|b| b.is_ascii_lowercase()) {
        return Some(name);
    }
    node.fault(
        format!("`{}` is no name of a port", shown(&name)),
        "write lower-case letters, digits and single '-' between them, with a letter",
    );
    None
}

fn protocol(node: &Node<'_>) -> Option<Protocol> {
    node.one_of(&[("TCP", Protocol::Tcp), ("UDP", Protocol::Udp)])
}

/// What can be read of a port, whatever faults the rest of it has.
struct Known {
    name: Option<String>,
    port: Option<u16>,
    protocol: Option<Protocol>,
    service: Option<u16>,
    /// Whether the port of the Service is written, and not that of the container.
    is_own_service: bool,
}

impl Known {
    fn of(node: &Node<'_>) -> Self {
        let nobody = Faults::default();
        let node = node.silently(&nobody);
        let port = node.get("port").and_then(|node| node.port_number());
        let service = node.get("servicePort");
        Self {
            name: node.get("name").and_then(|node| name(&node)),
            port,
            protocol: node.get("protocol").map_or(Some(Protocol::Tcp), |node| protocol(&node)),
            is_own_service: service.is_some(),
            service: service.map_or(port, |node| node.port_number()),
        }
    }

    /// The fields that say what one of those `before` says.
    fn clashes(&self, before: &[Self]) -> Vec<(&'static str, String)> {
        let same = |is: &dyn Fn(&Self) -> bool| before.iter().position(is);
        let beside = |other: &Self| self.protocol.is_some() && self.protocol == other.protocol;
        let place = |n: usize| format!("spec.ports[{n}]");
        let mut clashes = Vec::new();
        if let Some(name) = &self.name
            && let Some(n) = same(&|other| other.name.as_ref() == Some(name))
        {
            clashes.push(("name", format!("`{name}` is the name of {} too", place(n))));
        }
        let mut is_taken = false;
        if let Some(port) = self.port
            && let Some(n) = same(&|other| beside(other) && other.port == Some(port))
        {
            is_taken = true;
            clashes.push(("port", format!("{port} is the port of {} too", place(n))));
        }
        // Whoever chooses another port has another one at the Service too, unless that is written by itself.
        if let Some(service) = self.service
            && (self.is_own_service || !is_taken)
            && let Some(n) = same(&|other| beside(other) && other.service == Some(service))
        {
            clashes.push(("servicePort", format!("{service} is the Service port of {} too", place(n))));
        }
        clashes
    }
}

/// The ports that a probe may call by their names.
pub(super) struct Seen {
    /// The names that can be read, each with its protocol, if that can be.
    pub(super) names: BTreeMap<String, Option<Protocol>>,
    /// Whether these are all.
    pub(super) all: bool,
}

impl Seen {
    /// Those of the main container.
    pub(super) fn of(spec: &Object<'_>) -> Self {
        let Some(ports) = spec.get("ports") else {
            return Self { names: BTreeMap::new(), all: spec.lacks("ports") && !spec.means("ports") };
        };
        let known: Vec<Known> = ports.items().take(MAX_PORTS).map(|node| Known::of(&node)).collect();
        let all = ports.is_list() && ports.items().count() == known.len();
        let all = all && known.iter().all(|port| port.name.is_some());
        let names = known.into_iter().filter_map(|Known { name, protocol, .. }| Some((name?, protocol)));
        Self { names: names.collect(), all }
    }
}
