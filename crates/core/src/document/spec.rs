//! What the App is: the parts, and what must fit together between them.

use std::collections::BTreeMap;

use plimsoll_qos::Grade;

use super::reader::{Faults, Node, Object};
use super::{Path, container, familiar, files, placement, probe, publish, scale};
use crate::content::{
    ApiToken, Content, File, MAX_CONTENT, Port, Protocol, RendererVersion, Scratch, Shutdown,
};
use crate::scale::Scale;
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

pub(super) fn read(node: &Node<'_>) -> Option<(Content, Scale)> {
    let spec = node.object_telling(FIELDS, |field| {
        if NOT_BUILT.contains(&field) {
            return Some((format!("`{field}` is not built yet"), "leave it out"));
        }
        familiar::told(field)
    })?;
    let kind = spec.or("type", (), |node| kind(&node));
    let grade = spec.required("grade", |node| node.one_of(&Grade::ALL.map(|grade| (grade.name(), grade))));
    let ports = spec.or("ports", Vec::new(), |node| ports(&node));
    let for_probes = ports.as_deref().map_or(probe::Ports::Faulty, probe::Ports::Named);
    let probes = spec.or_nothing("probes", |node| probe::probes(&node, for_probes));
    let main = container::read(&spec, probes);
    let scale = spec.or_nothing("scale", |node| scale::read(&node));
    let files = spec.or("files", Vec::new(), |node| files::files(&node));
    let secret_files = spec.or("secretFiles", Vec::new(), |node| files::secret_files(&node));
    let scratch = spec.or("scratch", Vec::new(), |node| files::scratch(&node));
    let user = spec.or("user", DEFAULT_USER, |node| user(&node));
    let init = spec.or("init", Vec::new(), |node| container::init(&node));
    let sidecars = spec.or("sidecars", Vec::new(), |node| container::sidecars(&node));
    let shutdown = spec.or_nothing("shutdown", |node| shutdown(&node));
    let api_token = spec.or("apiToken", ApiToken::None, |node| {
        node.one_of(&[("None", ApiToken::None), ("Mounted", ApiToken::Mounted)])
    });
    let overlays = spec.or("dataCenters", BTreeMap::new(), |node| files::overlays(&node));
    let publish = spec.or_nothing("publish", |node| publish::read(&node));
    if let Some(scale) = &scale {
        placement::check(scale, overlays.as_ref(), publish.as_ref(), spec.faults());
    }
    let ((), grade) = (kind?, grade?);
    let content = Content {
        renderer: RendererVersion::CURRENT,
        grade,
        terms: grade.terms(),
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
        publish: publish?,
    };
    check_together(&content, &spec);
    Some((content, scale?))
}

/// What is wrong only between parts that are right by themselves.
fn check_together(content: &Content, spec: &Object<'_>) {
    let faults = spec.faults();
    check_names(content, spec);
    check_paths(content, spec.path(), faults);
    for (dc, overlay) in &content.overlays {
        for name in overlay.env.keys().filter(|name| content.main.env_from_secrets.contains_key(*name)) {
            let path = spec.path().field("dataCenters").field(dc.as_str()).field("env").field(name.as_str());
            let remedy = "leave it out here, or move it from envFromSecrets to env";
            faults.put(&path, "this variable comes from a Secret", remedy);
        }
    }
    if let Some((promised, limit)) = container::scratch_beyond_disk(content) {
        faults.put(
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
    let bytes = serde_json_canonicalizer::to_vec(content).map_or(0, |bytes| bytes.len());
    if bytes > MAX_CONTENT {
        spec.fault(
            format!("what becomes the Release has {bytes} bytes, {MAX_CONTENT} at most"),
            "move large files into the image or into a volume",
        );
    }
}

fn check_names(content: &Content, spec: &Object<'_>) {
    let init = spec.path().field("init");
    let sidecars = spec.path().field("sidecars");
    let named = content.init.iter().enumerate().map(|(n, c)| (init.index(n), c.name.as_str()));
    let beside = content.sidecars.iter().enumerate().map(|(n, c)| (sidecars.index(n), c.name.as_str()));
    container::unique_names(named.chain(beside), spec);
}

fn check_paths(content: &Content, spec: &Path, faults: &Faults) {
    let paths = |files: &[File], list: &Path| files::mounts(files.iter().map(|f| f.path.as_str()), list);
    let own = paths(&content.files, &spec.field("files"));
    let secret = content.secret_files.iter().map(|f| f.path.as_str());
    let secret = files::mounts(secret, &spec.field("secretFiles"));
    let scratch = content.scratch.iter().map(|s| s.path.as_str());
    let scratch = files::mounts(scratch, &spec.field("scratch"));
    files::no_file_at_tmp(&own, faults);
    files::no_file_at_tmp(&secret, faults);
    files::no_overlaps(&[own.as_slice(), &secret, &scratch].concat(), faults);
    let others = [secret, scratch].concat();
    for (dc, overlay) in &content.overlays {
        let list = spec.field("dataCenters").field(dc.as_str()).field("files");
        let overlay = paths(&overlay.files, &list);
        files::no_file_at_tmp(&overlay, faults);
        files::no_overlaps_in_overlay(&overlay, &own, &others, faults);
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
        node.fault(
            "no container runs as root (golden rule `non-root`)",
            "write the user that the image's files belong to, or leave it out for 10001",
        );
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
