//! Probes: what is tried, and when.

use std::ops::RangeInclusive;
use std::time::Duration;

use super::container::program;
use super::golden;
use super::ports::Seen;
use super::reader::{Node, Object, shown};
use crate::content::{Check, PortRef, Probe, Probes, Protocol};

pub(super) const PROBES_FIELDS: &[&str] = &["startup", "readiness", "liveness"];
pub(super) const PROBE_FIELDS: &[&str] = &[
    "http",
    "tcp",
    "exec",
    "grpc",
    "initialDelay",
    "period",
    "timeout",
    "failureThreshold",
    "successThreshold",
];
pub(super) const HTTP_FIELDS: &[&str] = &["path", "port"];
pub(super) const TCP_FIELDS: &[&str] = &["port"];
pub(super) const EXEC_FIELDS: &[&str] = &["command"];
pub(super) const GRPC_FIELDS: &[&str] = &["port", "service"];

const CHECKS: [&str; 4] = ["http", "tcp", "exec", "grpc"];
const DELAY: RangeInclusive<Duration> = Duration::ZERO..=Duration::from_hours(1);
const PERIOD: RangeInclusive<Duration> = Duration::from_secs(1)..=Duration::from_hours(1);
const TIMEOUT: RangeInclusive<Duration> = Duration::from_secs(1)..=Duration::from_mins(5);
const THRESHOLD: RangeInclusive<u32> = 1..=1000;

/// The ports whose names a probe may use.
#[derive(Clone, Copy)]
enum Ports<'a> {
    /// These.
    Named(&'a Seen),
    /// The container's ports have no names.
    Nameless,
}

/// What a probe decides.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Purpose {
    Traffic,
    Life,
}

/// The probes of the main container, which golden rules ask for.
pub(super) fn main_probes(spec: &Object<'_>, ports: &Seen) -> Option<Probes> {
    spec.or_nothing("probes", |node| {
        let probes = node.object(PROBES_FIELDS)?;
        if !spec.means("probes") {
            golden::check_probes(&probes);
        }
        read(&probes, Ports::Named(ports))
    })
}

/// The probes of a sidecar: its ports have no names.
pub(super) fn sidecar_probes(node: &Node<'_>) -> Option<Probes> {
    read(&node.object(PROBES_FIELDS)?, Ports::Nameless)
}

fn read(probes: &Object<'_>, ports: Ports<'_>) -> Option<Probes> {
    let startup = probes.optional("startup", |node| probe(&node, ports, Purpose::Life));
    let readiness = probes.optional("readiness", |node| probe(&node, ports, Purpose::Traffic));
    let liveness = probes.optional("liveness", |node| probe(&node, ports, Purpose::Life));
    Some(Probes { startup: startup?, readiness: readiness?, liveness: liveness? })
}

fn probe(node: &Node<'_>, ports: Ports<'_>, purpose: Purpose) -> Option<Probe> {
    let probe = node.object(PROBE_FIELDS)?;
    let check = check(&probe, ports);
    let initial_delay = probe.or("initialDelay", Duration::ZERO, |node| node.duration(DELAY));
    let period = probe.or("period", Duration::from_secs(10), |node| node.duration(PERIOD));
    let timeout = probe.or("timeout", Duration::from_secs(1), |node| node.duration(TIMEOUT));
    let failures = probe.or("failureThreshold", 3, |node| node.whole(THRESHOLD));
    let successes = probe.or("successThreshold", 1, |node| {
        let successes = node.whole(THRESHOLD)?;
        if purpose == Purpose::Life && successes != 1 {
            node.fault("Kubernetes takes only 1 for startup and liveness", "leave it out");
            return None;
        }
        Some(successes)
    });
    Some(Probe {
        check: check?,
        initial_delay: initial_delay?,
        period: period?,
        timeout: timeout?,
        failure_threshold: failures?,
        success_threshold: successes?,
    })
}

fn check(probe: &Object<'_>, ports: Ports<'_>) -> Option<Check> {
    let given: Vec<&str> = CHECKS.into_iter().filter(|check| probe.get(check).is_some()).collect();
    let http = probe.optional("http", |node| http(&node, ports));
    let tcp = probe.optional("tcp", |node| {
        let port = node.object(TCP_FIELDS)?.required("port", |node| port_ref(&node, ports))?;
        Some(Check::Tcp { port })
    });
    let exec = probe.optional("exec", |node| {
        let command = node.object(EXEC_FIELDS)?.required("command", |node| program(&node, 1))?;
        Some(Check::Exec { command })
    });
    let grpc = probe.optional("grpc", |node| grpc(&node));
    match given.as_slice() {
        [] => {
            probe.fault("the probe does not say what it tries", "add one of http, tcp, exec, grpc");
            None
        }
        [_] => http?.or(tcp?).or(exec?).or(grpc?),
        several => {
            probe.fault(format!("the probe tries {} things", several.len()), {
                let listed = several.join(", ");
                format!("keep one of {listed}")
            });
            None
        }
    }
}

fn http(node: &Node<'_>, ports: Ports<'_>) -> Option<Check> {
    let http = node.object(HTTP_FIELDS)?;
    let path = http.required("path", |node| {
        let path = node.text(1..=1024)?;
        if !path.starts_with('/') || path.contains(|c: char| c.is_control() || c == ' ') {
            node.fault(
                format!("`{}` is no path of a URL", shown(&path)),
                "begin it with '/', and write blanks as %20",
            );
            return None;
        }
        Some(path)
    });
    let port = http.required("port", |node| port_ref(&node, ports));
    Some(Check::Http { path: path?, port: port? })
}

fn grpc(node: &Node<'_>) -> Option<Check> {
    let grpc = node.object(GRPC_FIELDS)?;
    let port = grpc.required("port", |node| node.port_number());
    let service = grpc.optional("service", |node| node.prose(1..=253));
    Some(Check::Grpc { port: port?, service: service? })
}

fn port_ref(node: &Node<'_>, ports: Ports<'_>) -> Option<PortRef> {
    if node.is_number() {
        return node.port_number().map(PortRef::Number);
    }
    let name = node.text(1..=15)?;
    let ports = match ports {
        Ports::Named(ports) => ports,
        Ports::Nameless => {
            node.fault("a sidecar's ports have no names", "write the number of the port");
            return None;
        }
    };
    match ports.names.get(&name) {
        Some(Some(Protocol::Tcp) | None) => return Some(PortRef::Name(name)),
        None if !ports.all => return Some(PortRef::Name(name)),
        Some(_) => node.fault(format!("the port `{name}` is no TCP port"), "probe a TCP port, or use exec"),
        None => {
            let names: Vec<&str> = ports.names.keys().map(String::as_str).collect();
            let remedy = match names.as_slice() {
                [] => "add the port to spec.ports, or write its number".to_owned(),
                names => format!("write one of {}, or a number", names.join(", ")),
            };
            node.fault(format!("there is no port `{}` in spec.ports", shown(&name)), remedy);
        }
    }
    None
}
