//! What the App is: the parts of its `spec`.

use std::collections::BTreeMap;

use plimsoll_qos::{GradeName, GradeRule, Policy};

use super::reader::{Node, Told};
use super::{container, familiar, files, golden, placement, ports, probe, publish, scale, together};
use crate::content::{ApiToken, Content, RendererVersion, Shutdown};
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
pub(super) const SHUTDOWN_FIELDS: &[&str] = &["drain", "grace"];

/// Fields that have a meaning in the design and none in this version.
pub(super) const NOT_BUILT: &[&str] = &["canary", "hooks", "routes", "secrets", "configs"];

/// Kinds of Apps that have a meaning in the design and none in this version.
const TYPES_NOT_BUILT: [&str; 4] = ["worker", "job", "cron", "stateful"];

/// Beside the service accounts and users that images and nodes bring along.
const DEFAULT_USER: u32 = 10_001;

/// What was read of the App.
pub(super) struct Spec {
    pub(super) content: Option<Content>,
    pub(super) scale: Option<Scale>,
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
    let ports = spec.or("ports", Vec::new(), |node| ports::read(&node));
    let probes = probe::main_probes(&spec, &ports::Seen::of(&spec));
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
    placement::check(node, spec.faults());
    together::check_paths(&own, &secret, &writable, &seen, spec.faults());
    together::check_variables(&seen, &spec);
    together::check_disk(&spec);
    golden::check_heaps(node, spec.faults());
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
            publish: publish?,
        })
    })();
    together::check_bytes(content.as_ref(), &spec);
    if let Some(rule) = grade {
        together::check_class(rule, &spec);
    }
    Some(Spec { content, scale })
}

fn grade<'p>(node: &Node<'_>, policy: &'p Policy) -> Option<&'p GradeRule> {
    let known: Vec<(&str, &GradeRule)> =
        policy.grades().iter().map(|rule| (rule.name.as_str(), rule)).collect();
    node.one_of(&known)
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
