//! What the App is: the parts, and what must fit together between them.

use std::collections::BTreeMap;

use plimsoll_qos::{GradeName, GradeRule, Policy, qos_class};

use super::files::Mount;
use super::reader::{Faults, Node, Object, Told};
use super::{container, familiar, files, golden, placement, probe, publish, scale};
use crate::content::{
    ApiToken, Container, Content, MAX_CONTENT, Named, Port, Protocol, RendererVersion, Scratch, Shutdown,
};
use crate::policy::PublishPolicy;
use crate::scale::Scale;
use crate::shape::shape;
use std::time::Duration;

pub(super) const FIELDS: &[&str] = &[
    "type",
    "grade",
    "image",
    "command",
    "args",
    "size",
    "scale",
    "ports",
    "probes",
    "env",
    "envFromSecrets",
    "files",
    "secretFiles",
    "scratch",
    "user",
    "init",
    "sidecars",
    "shutdown",
    "apiToken",
    "dataCenters",
    "publish",
];
pub(super) const PORT_FIELDS: &[&str] = &["name", "port", "protocol", "servicePort"];
pub(super) const SHUTDOWN_FIELDS: &[&str] = &["drain", "grace"];

/// Fields that have a meaning in the design and none in this version.
pub(super) const NOT_BUILT: &[&str] = &["canary", "hooks", "routes", "secrets", "configs"];

/// Kinds of Apps that have a meaning in the design and none in this version.
const TYPES_NOT_BUILT: [&str; 4] = ["worker", "job", "cron", "stateful"];

/// Beside the service accounts and users that images and nodes bring along.
const DEFAULT_USER: u32 = 10_001;

const MAX_PORTS: usize = 20;

/// What was read of the App; the parts that admission looks at by themselves too.
pub(super) struct Spec {
    pub(super) content: Option<Content>,
    pub(super) scale: Option<Scale>,
    pub(super) publish: Option<PublishPolicy>,
}

/// The grades that a document may name.
#[derive(Clone, Copy, Debug)]
pub(super) enum Grades<'a> {
    /// Those of an installation.
    Of(&'a Policy),
    /// Whichever have a sound name: nobody knows yet where the document goes. What would become of it is not known
    /// then either.
    Any,
}

pub(super) fn read(node: &Node<'_>, grades: Grades<'_>) -> Option<Spec> {
    let spec = node.object_telling(FIELDS, |field| {
        if NOT_BUILT.contains(&field) {
            let message = format!("`{field}` is not built yet");
            return Some(Told { message, remedy: "leave it out", rule: None, meant: &[] });
        }
        familiar::told(field)
    })?;
    let mut names = container::Names::default();
    let (mut own, mut secret, mut writable, mut seen) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let kind = spec.or("type", (), |node| kind(&node));
    let grade = match grades {
        Grades::Of(policy) => spec.required("grade", |node| grade(&node, policy)),
        Grades::Any => {
            spec.required("grade", |node| node.parsed(str::parse::<GradeName>, "write the name of a grade"));
            None
        }
    };
    let ports = spec.or("ports", Vec::new(), |node| ports(&node));
    let for_probes = ports.as_deref().map_or(probe::Ports::Faulty, probe::Ports::Named);
    let probes = probe::main_probes(&spec, for_probes);
    let main = container::read(&spec, probes);
    let scale = spec.or_nothing("scale", |node| scale::read(&node));
    let files = spec.or("files", Vec::new(), |node| files::files(&node, &mut own));
    let secret_files = spec.or("secretFiles", Vec::new(), |node| files::secret_files(&node, &mut secret));
    let scratch = spec.or("scratch", Vec::new(), |node| files::scratch(&node, &mut writable));
    let user = spec.or("user", DEFAULT_USER, |node| user(&node));
    let init = spec.or("init", Vec::new(), |node| container::init(&node, &mut names));
    let sidecars = spec.or("sidecars", Vec::new(), |node| container::sidecars(&node, &mut names));
    let shutdown = spec.or_nothing("shutdown", |node| shutdown(&node));
    let api_token = spec.or("apiToken", ApiToken::None, |node| {
        node.one_of(&[("None", ApiToken::None), ("Mounted", ApiToken::Mounted)])
    });
    let overlays = spec.or("dataCenters", BTreeMap::new(), |node| files::overlays(&node, &mut seen));
    let publish = spec.or_nothing("publish", |node| publish::read(&node));
    if let Some(scale) = &scale {
        placement::check(scale, overlays.as_ref(), publish.as_ref(), spec.faults());
    }
    check_paths(&own, &secret, &writable, &seen, spec.faults());
    check_variables(&seen, &spec);
    if let (Some(init), Some(sidecars), Some(scratch)) = (&init, &sidecars, &scratch) {
        check_disk(&spec, init, sidecars, scratch);
    }
    let content = (|| {
        kind?;
        let rule = grade?;
        Some(Content {
            renderer: RendererVersion::CURRENT,
            grade: rule.name.clone(),
            terms: rule.terms(),
            main: main?,
            init: init?,
            sidecars: sidecars?,
            ports: ports?,
            files: files?,
            secret_files: secret_files?,
            scratch: scratch?,
            user: user?,
            shutdown: shutdown?,
            api_token: api_token?,
            overlays: overlays?,
            publish: publish.clone()?,
        })
    })();
    if let Some(content) = &content {
        check_bytes(content, &spec);
    }
    if let (Some(content), Some(rule)) = (&content, grade) {
        check_class(content, rule, &spec);
    }
    Some(Spec { content, scale, publish })
}

/// Faults where an overlay sets a variable that comes from a Secret.
fn check_variables(overlays: &[files::Seen], spec: &Object<'_>) {
    let secrets: Vec<&str> =
        spec.get("envFromSecrets").into_iter().flat_map(|secrets| secrets.keys()).collect();
    for overlay in overlays {
        for name in overlay.env.iter().filter(|name| secrets.contains(&name.as_str())) {
            let path = overlay.env_path.field(name.as_str());
            let remedy = "leave it out here, or move it from envFromSecrets to env";
            spec.faults().put(&path, "this variable comes from a Secret", remedy);
        }
    }
}

/// Faults where the scratch paths may hold more than the pod.
fn check_disk(
    spec: &Object<'_>,
    init: &[Named<Container>],
    sidecars: &[Named<Container>],
    scratch: &[Scratch],
) {
    // Its own faults are told already; what it says counts even where its container has others.
    let nobody = Faults::default();
    let size = spec.get("size").and_then(|node| container::size(&node.silently(&nobody)));
    let Some(size) = size else { return };
    if let Some((promised, limit)) = container::scratch_beyond_disk(&size, init, sidecars, scratch) {
        spec.faults().put(
            &spec.path().field("size").field("ephemeralStorage"),
            format!(
                "the scratch paths may hold {promised} together, with the /tmp of each container, the pod only {limit}"
            ),
            format!(
                "write {promised} or more, and room for logs, or make scratch paths smaller; /tmp has {} where \
                 `scratch` gives it no other size",
                Scratch::default_tmp()
            ),
        );
    }
}

/// A fault where the whole is too large to be kept.
fn check_bytes(content: &Content, spec: &Object<'_>) {
    let bytes = serde_json_canonicalizer::to_vec(content).map_or(0, |bytes| bytes.len());
    if bytes > MAX_CONTENT {
        spec.fault(
            format!("what becomes the Release has {bytes} bytes, {MAX_CONTENT} at most"),
            "move large files into the image or into a volume",
        );
    }
}

/// A fault where the pods would get another QoS class than their grade says: what is so small that rounding up takes
/// the oversell away would be Guaranteed, which nobody meant to give it.
fn check_class(content: &Content, rule: &GradeRule, spec: &Object<'_>) {
    let found = qos_class(&shape(content, &content.terms).defaulted());
    if found.class != rule.qos_class {
        spec.faults().put(
            &spec.path().field("size"),
            format!(
                "pods of this size would be {} and not {}, as the grade `{}` is: {}",
                found.class, rule.qos_class, rule.name, found.because
            ),
            "write more CPU or memory, of which rounding up leaves something to sell",
        );
    }
}

fn grade<'p>(node: &Node<'_>, policy: &'p Policy) -> Option<&'p GradeRule> {
    let known: Vec<(&str, &GradeRule)> =
        policy.grades().iter().map(|rule| (rule.name.as_str(), rule)).collect();
    node.one_of(&known)
}

/// Faults where paths are in each other's way.
fn check_paths(
    own: &[Mount],
    secret: &[Mount],
    writable: &[Mount],
    overlays: &[files::Seen],
    faults: &Faults,
) {
    files::no_file_at_tmp(own, faults);
    files::no_file_at_tmp(secret, faults);
    files::no_overlaps(&[own, secret, writable].concat(), faults);
    let others = [secret, writable].concat();
    for overlay in overlays {
        files::no_file_at_tmp(&overlay.files, faults);
        files::no_overlaps_in_overlay(&overlay.files, own, &others, faults);
    }
}

fn kind(node: &Node<'_>) -> Option<()> {
    if let Some(kind) = node.as_str().filter(|kind| TYPES_NOT_BUILT.contains(kind)) {
        node.fault(format!("the type `{kind}` is not built yet"), "write service, or leave it out");
        return None;
    }
    node.exactly("service", None)
}

fn user(node: &Node<'_>) -> Option<u32> {
    let largest = i32::MAX.unsigned_abs();
    let user = node.whole(0..=largest)?;
    if user == 0 {
        golden::refuse_root(node);
        return None;
    }
    Some(user)
}

fn shutdown(node: &Node<'_>) -> Option<Shutdown> {
    let shutdown = node.object(SHUTDOWN_FIELDS)?;
    let drain = shutdown
        .or("drain", Duration::from_secs(5), |node| node.duration(Duration::ZERO..=Duration::from_mins(10)));
    let grace = shutdown.or("grace", Duration::from_secs(30), |node| {
        node.duration(Duration::from_secs(1)..=Duration::from_hours(1))
    });
    Some(Shutdown { drain: drain?, grace: grace? })
}

fn ports(node: &Node<'_>) -> Option<Vec<Port>> {
    let mut seen: Vec<Port> = Vec::new();
    node.list(0..=MAX_PORTS, |node| {
        let port = port(&node)?;
        let place = |n: usize| format!("spec.ports[{n}]");
        let mut clash = None;
        for (n, other) in seen.iter().enumerate() {
            let same_protocol = port.protocol == other.protocol;
            if port.name == other.name {
                clash = Some(("name", format!("`{}` is the name of {} too", port.name, place(n))));
            } else if same_protocol && port.port == other.port {
                clash = Some(("port", format!("{} is the port of {} too", port.port, place(n))));
            } else if same_protocol && port.service_port == other.service_port {
                let message = format!("{} is the Service port of {} too", port.service_port, place(n));
                clash = Some(("servicePort", message));
            }
        }
        seen.push(port.clone());
        if let Some((field, message)) = clash {
            node.fault_at(field, message, "choose another one");
            return None;
        }
        Some(port)
    })
}

fn port(node: &Node<'_>) -> Option<Port> {
    let object = node.object(PORT_FIELDS)?;
    let name = object.required("name", |node| {
        let name = node.text(1..=15)?;
        let inner = name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        let dashes = !name.starts_with('-') && !name.ends_with('-') && !name.contains("--");
        if inner && dashes && name.bytes().any(|b| b.is_ascii_lowercase()) {
            return Some(name);
        }
        node.fault(
            format!("`{}` is no name of a port", super::reader::shown(&name)),
            "write lower-case letters, digits and single '-' between them, with a letter",
        );
        None
    });
    let port = object.required("port", |node| node.port_number());
    let protocol = object
        .or("protocol", Protocol::Tcp, |node| node.one_of(&[("TCP", Protocol::Tcp), ("UDP", Protocol::Udp)]));
    let service_port = object.optional("servicePort", |node| node.port_number());
    let (name, port, protocol) = (name?, port?, protocol?);
    Some(Port { name, port, protocol, service_port: service_port?.unwrap_or(port) })
}
