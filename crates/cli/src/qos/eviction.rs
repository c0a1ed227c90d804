//! Whom a node short of memory gives up first.

use std::collections::BTreeMap;
use std::process::ExitCode;

use plimsoll_qos::{Candidate, Life, Quantity, RunningPod};
use serde::Deserialize;
use serde_json::json;

use super::answer::{ask, items, listed, show, text};
use super::arguments::Eviction;
use super::input::{Found, Input};
use crate::arguments::Format;
use crate::failure::Failure;
use crate::output::{Table, clean, note};

/// An object of a file.
#[derive(Deserialize)]
#[serde(tag = "kind")]
enum Object {
    Pod(Box<RunningPod>),
    PodMetrics(Metrics),
    /// Whatever else was printed along.
    #[serde(other)]
    Other,
}

/// What a pod used, as the metrics server says it.
#[derive(Deserialize)]
struct Metrics {
    metadata: Named,
    #[serde(default)]
    containers: Vec<Used>,
}

#[derive(Deserialize)]
struct Named {
    name: String,
    #[serde(default)]
    namespace: String,
}

#[derive(Deserialize)]
struct Used {
    #[serde(default)]
    usage: BTreeMap<String, Quantity>,
}

pub(super) fn run(format: Format, arguments: &Eviction) -> Result<ExitCode, Failure> {
    let Eviction { files, node } = arguments;
    let mut pods = Vec::new();
    let mut used: BTreeMap<String, Quantity> = BTreeMap::new();
    for path in &files.files {
        for Found { item, .. } in Input::open(path)?.objects::<Object>()? {
            match item {
                Object::Pod(pod) => pods.push(pod),
                Object::PodMetrics(Metrics { metadata, containers }) => {
                    let memory =
                        containers.iter().filter_map(|container| container.usage.get("memory").cloned());
                    used.insert(format!("{}/{}", metadata.namespace, metadata.name), memory.sum());
                }
                Object::Other => {}
            }
        }
    }
    // Each kubelet decides about its own pods.
    let mut nodes: BTreeMap<String, Vec<Candidate>> = BTreeMap::new();
    for pod in pods.into_iter().filter(|pod| pod.life != Life::Finished) {
        let on = pod.spec.node_name.clone().unwrap_or_default();
        if on.is_empty() || node.as_ref().is_some_and(|wanted| *wanted != on) {
            continue;
        }
        let name = pod.full_name();
        if let Some(fault) = pod.spec.contradiction() {
            let said = format!("{}: {fault}; {}", fault.field, fault.remedy());
            return Err(Failure::usage(format!("no API server stores the pod {name}")).with(said));
        }
        nodes.entry(on).or_default().push(Candidate {
            priority: pod.spec.priority.unwrap_or_default(),
            request: pod.spec.requests().amount("memory").clone(),
            usage: used.get(&name).cloned(),
            name,
        });
    }
    if nodes.is_empty() {
        return Err(Failure::usage(match node {
            Some(node) => format!("no pod of these files runs on {node}"),
            None => "these files hold no pod that runs on a node".to_owned(),
        }));
    }
    if used.is_empty() {
        note(
            "no usage is given, so all go by priority; add what `kubectl get podmetrics -A -o json` prints with another -f",
        );
    }
    let (mut answers, mut said) = (Vec::new(), Vec::new());
    for (node, candidates) in nodes {
        let mut answer = ask(&json!({"op": "evictionOrder", "pods": candidates}))?;
        let mut table = Table::new(&["POD", "BECAUSE"]);
        for victim in items(&answer["order"]) {
            table.push([text(&victim["name"]), text(&victim["because"])]);
        }
        said.push(format!("{}: the first one goes first\n{table}", clean(&node)));
        answer["node"] = json!(node);
        answers.push(answer);
    }
    show(format, &listed(answers), || said.join("\n\n"))?;
    Ok(ExitCode::SUCCESS)
}
