//! Pods out of what people have: pods, pod templates, App documents; and their QoS class.

use std::process::ExitCode;

use plimsoll_core::content::Content;
use plimsoll_core::document::{API_VERSION, AppDocument, validate_by};
use plimsoll_core::shape::{shape, sizes};
use plimsoll_core::view::ContainerSize;
use plimsoll_qos::{Pod, Policy};
use serde_json::{Value, json};

use super::answer::{ask, items, show, text};
use super::arguments::{Classify, Files};
use super::input::{Found, Input};
use crate::arguments::Format;
use crate::failure::Failure;
use crate::output::{Table, note};

/// A pod and what it is of.
pub(super) struct Described {
    /// `Deployment demo/shop`.
    pub(super) object: String,
    /// Its `PodSpec`.
    pub(super) pod: Value,
    /// Its labels.
    pub(super) labels: Value,
    /// Its namespace.
    pub(super) namespace: String,
    /// How its requests came about, where a grade made them.
    pub(super) because: Option<String>,
}

pub(super) fn classify(format: Format, arguments: Classify) -> Result<ExitCode, Failure> {
    let Classify { files, server_version, policy } = arguments;
    let mut answers = Vec::new();
    let mut table = Table::new(&["OBJECT", "CLASS", "BECAUSE"]);
    let mut refused = Vec::new();
    for Described { object, pod, .. } in read(&files, &policy.policy()?)? {
        let request =
            json!({"op": "qosClass", "pod": pod, "template": true, "server": server_version.to_string()});
        let mut answer = ask(&request)?;
        table.push([object.clone(), text(&answer["class"]), text(&answer["because"])]);
        for fault in items(&answer["faults"]) {
            refused.push(format!("{object}: an API server refuses this: {}", text(fault)));
        }
        answer["object"] = json!(object);
        answers.push(answer);
    }
    show(format, &Value::Array(answers), || table.to_string())?;
    for fault in &refused {
        note(fault);
    }
    Ok(ExitCode::SUCCESS)
}

/// Every pod of these files; what has none is passed over, and files without any are a fault.
pub(super) fn read(files: &Files, policy: &Policy) -> Result<Vec<Described>, Failure> {
    let mut pods = Vec::new();
    for path in &files.files {
        let input = Input::open(path)?;
        let before = pods.len();
        for Found { place, item } in input.objects::<Value>()? {
            pods.extend(described(&place, item, policy)?);
        }
        if pods.len() == before {
            return Err(Failure::usage(format!("{} holds no pod, no pod template and no App", input.name())));
        }
    }
    Ok(pods)
}

/// An App document, if it is one; with all its faults if it is a bad one by these grades.
pub(super) fn app(place: &str, object: &Value, policy: &Policy) -> Result<Option<AppDocument>, Failure> {
    if object["kind"] != "App" || object["apiVersion"] != API_VERSION {
        return Ok(None);
    }
    validate_by(object, policy).map(Some).map_err(|faults| {
        let failure = Failure::usage(format!("{place}: the App document is not valid"));
        faults.iter().fold(failure, |failure, fault| {
            failure.with(format!("{}: {} — {}", fault.path, fault.message, fault.remedy))
        })
    })
}

/// The pod of an App, with the priority that its grade has.
pub(super) fn pod_of(content: &Content, policy: &Policy) -> Pod {
    let mut pod = shape(content, &content.terms);
    pod.priority = policy.grade(content.grade.as_str()).map(|rule| rule.priority);
    pod
}

/// What each container requests by its grade, and why.
fn by_grade(content: &Content) -> String {
    let sizes = sizes(content);
    let alone = sizes.len() == 1;
    let said = sizes.into_iter().map(|ContainerSize { container, cpu, memory }| {
        let of = if alone { String::new() } else { format!("{container}: ") };
        format!("{of}cpu {}: {}; memory {}: {}", cpu.request, cpu.because, memory.request, memory.because)
    });
    said.collect::<Vec<_>>().join("; ")
}

fn described(place: &str, mut object: Value, policy: &Policy) -> Result<Option<Described>, Failure> {
    if let Some(AppDocument { app, content, .. }) = app(place, &object, policy)? {
        let pod = json!(pod_of(&content, policy));
        let namespace = app.namespace.to_string();
        let because = Some(by_grade(&content));
        return Ok(Some(Described {
            object: format!("App {app}"),
            pod,
            labels: json!({}),
            namespace,
            because,
        }));
    }
    let kind = text(&object["kind"]);
    let (above, spec) = match kind.as_str() {
        "Pod" => ("", "/spec"),
        "Deployment" | "StatefulSet" | "DaemonSet" | "ReplicaSet" | "ReplicationController" | "Job" => {
            ("/spec/template", "/spec/template/spec")
        }
        "CronJob" => ("/spec/jobTemplate/spec/template", "/spec/jobTemplate/spec/template/spec"),
        "PodTemplate" => ("/template", "/template/spec"),
        // A PodSpec by itself, as `qos eval` takes it.
        "" if object["containers"].is_array() => ("", ""),
        _ => return Ok(None),
    };
    let called = |field: &str| text(&object["metadata"][field]);
    let (namespace, name) = (called("namespace"), called("name"));
    let full = if namespace.is_empty() { name } else { format!("{namespace}/{name}") };
    let label = match (kind.as_str(), full.as_str()) {
        ("", _) => place.to_owned(),
        (kind, "") => format!("{kind} in {place}"),
        (kind, full) => format!("{kind} {full}"),
    };
    let labels = object.pointer(&format!("{above}/metadata/labels")).cloned().unwrap_or_else(|| json!({}));
    match object.pointer_mut(spec).map(Value::take) {
        Some(pod @ Value::Object(_)) => {
            // What is wrong with it is said here, where its place is known.
            if let Err(error) = serde_json::from_value::<Pod>(pod.clone()) {
                return Err(Failure::usage(format!("{place}: {label}: {error}")));
            }
            Ok(Some(Described { object: label, pod, labels, namespace, because: None }))
        }
        _ => Err(Failure::usage(format!("{place}: {label} has no pod at {}", spec.replace('/', ".")))),
    }
}
