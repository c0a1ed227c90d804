//! What does not go together with oversell.

use std::collections::BTreeMap;
use std::process::ExitCode;

use plimsoll_core::document::{API_VERSION, AppDocument};
use plimsoll_qos::Policy;
use plimsoll_qos::lint::{Object, lint};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use serde_json::{Value, json};

use super::answer::{answered, items, show, text};
use super::arguments::Lint;
use super::input::{Found, Input};
use super::pods::{app, pod_of};
use super::unless;
use crate::arguments::Format;
use crate::failure::Failure;
use crate::output::{clean, note};

/// What the lint says something about.
const KINDS: &str = "Deployments, StatefulSets, DaemonSets, Jobs, CronJobs, Pods, HorizontalPodAutoscalers, LimitRanges, \
                     ResourceQuotas or App documents";

/// Something of a file.
enum Item {
    /// An object that the lint reads.
    Known(Box<Object>),
    /// An App document, not yet read.
    App(Value),
    /// Something else, by its kind.
    Other(String),
}

impl<'de> Deserialize<'de> for Item {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        let kind = text(&value["kind"]);
        if kind == "App" && value["apiVersion"] == API_VERSION {
            return Ok(Self::App(value));
        }
        match Object::deserialize(value).map_err(D::Error::custom)? {
            Object::Other => Ok(Self::Other(kind)),
            known => Ok(Self::Known(Box::new(known))),
        }
    }
}

pub(super) fn run(format: Format, arguments: &Lint) -> Result<ExitCode, Failure> {
    let Lint { files, policy } = arguments;
    let policy = policy.policy()?;
    let mut objects = Vec::new();
    let mut passed: BTreeMap<String, usize> = BTreeMap::new();
    for path in &files.files {
        let input = Input::open(path)?;
        let before = objects.len();
        for Found { place, item } in input.objects::<Item>()? {
            match item {
                Item::Known(object) => objects.push(*object),
                Item::App(document) => objects.extend(of_app(&place, &document, &policy)?),
                Item::Other(kind) => *passed.entry(kind).or_default() += 1,
            }
        }
        if objects.len() == before {
            return Err(Failure::usage(format!("{} holds nothing that is looked at", input.name()))
                .with(format!("give {KINDS}")));
        }
    }
    if !passed.is_empty() {
        let kinds: Vec<_> = passed.iter().map(|(kind, count)| format!("{count} {kind}")).collect();
        note(&format!("not looked at: {}", kinds.join(", ")));
    }
    let known = objects.len();
    let findings = lint(&objects, &policy);
    let clean_bill = findings.is_empty();
    let answer = answered(&json!({"findings": findings}))?;
    if clean_bill {
        let objects = if known == 1 { "1 object that says" } else { &format!("{known} objects that say") };
        note(&format!("nothing found in {objects} something of resources"));
        if matches!(format, Format::Table | Format::Wide) {
            return Ok(ExitCode::SUCCESS);
        }
    }
    show(format, &answer, || {
        let said = items(&answer["findings"]).iter().map(|finding| {
            let field = |name: &str| clean(&text(&finding[name]));
            format!(
                "{} {}: {} {}\n  {}\n  — {}",
                field("severity"),
                field("rule"),
                field("object"),
                field("field"),
                field("message"),
                field("remedy")
            )
        });
        said.collect::<Vec<_>>().join("\n")
    })?;
    Ok(unless(!clean_bill))
}

/// The Deployment that an App becomes, as far as resources go.
fn of_app(place: &str, document: &Value, policy: &Policy) -> Result<Option<Object>, Failure> {
    let Some(AppDocument { app: name, content, .. }) = app(place, document, policy)? else { return Ok(None) };
    note(&format!("{place}: App {name} is looked at as the Deployment that it becomes"));
    let deployment = json!({
        "kind": "Deployment",
        "metadata": {"name": name.name, "namespace": name.namespace},
        "spec": {"template": {"spec": pod_of(&content, policy)}},
    });
    let object = serde_json::from_value(deployment);
    object.map(Some).map_err(|error| Failure::usage(format!("{place}: {error}")))
}
