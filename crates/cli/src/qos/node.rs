//! What a node does with the numbers of pods.

use std::path::Path;
use std::process::ExitCode;

use plimsoll_qos::{MEMORY, Machine, MemoryReservation, Quantity, Resources, WeightCurve};
use serde::Deserialize;
use serde_json::{Value, json};

use super::answer::{ask, items, listed, show, text};
use super::arguments::{Curve, NodeView};
use super::input::{Found, Input};
use super::pods::{Described, read};
use crate::arguments::Format;
use crate::failure::Failure;
use crate::output::{Table, clean};

/// What of a container is set on the node, and under which name people know it.
const KNOBS: [(&str, &str); 8] = [
    ("oomScoreAdj", "oom_score_adj"),
    ("cpuShares", "cpu.shares"),
    ("cpuWeight", "cpu.weight"),
    ("cpuQuotaUs", "CFS quota (µs)"),
    ("memoryMax", "memory.max"),
    ("memoryHigh", "memory.high"),
    ("memoryMin", "memory.min"),
    ("memoryLow", "memory.low"),
];

pub(super) fn run(format: Format, arguments: NodeView) -> Result<ExitCode, Failure> {
    let NodeView {
        files,
        memory,
        node,
        allocatable_memory,
        weight_curve,
        memory_throttling_factor,
        tiered_reservation,
        policy,
    } = arguments;
    let (memory, allocatable_memory) = match (memory, node) {
        (Some(memory), _) => (memory.clone(), within(allocatable_memory, &memory)?),
        (None, Some(path)) => memory_of(&path)?,
        (None, None) => return Err(Failure::usage("give the node's memory, or the node itself")),
    };
    let machine = Machine {
        allocatable_memory,
        weight_curve: match weight_curve {
            Curve::Linear => WeightCurve::Linear,
            Curve::Quadratic => WeightCurve::Quadratic,
        },
        memory_throttling_factor,
        memory_reservation: if tiered_reservation {
            MemoryReservation::TieredReservation
        } else {
            MemoryReservation::None
        },
        ..Machine::with_memory(memory)
    };
    let mut answers = Vec::new();
    let mut said = Vec::new();
    for Described { object, pod, .. } in read(&files, &policy.policy()?)? {
        let answer = ask(&json!({"op": "nodeView", "pod": pod, "machine": machine}));
        let mut answer = answer.map_err(|failure| failure.about(&object))?;
        said.push(told(&object, &answer));
        answer["object"] = json!(object);
        answers.push(answer);
    }
    show(format, &listed(answers), || said.join("\n\n"))?;
    Ok(ExitCode::SUCCESS)
}

/// What pods may have of a node's memory, which is a part of it.
fn within(allocatable: Option<Quantity>, memory: &Quantity) -> Result<Option<Quantity>, Failure> {
    match &allocatable {
        Some(part) if part > memory => Err(Failure::usage(format!(
            "pods may have {part} of memory where the node has only {memory}"
        ))
        .with("give all of the node's memory as --memory, and what is left of it for pods as --allocatable-memory")),
        _ => Ok(allocatable),
    }
}

/// What a node says of its memory: all of it, and what its pods may have.
fn memory_of(path: &Path) -> Result<(Quantity, Option<Quantity>), Failure> {
    let input = Input::open(path)?;
    let mut nodes = input.objects::<Object>()?.into_iter().filter_map(|Found { item, .. }| match item {
        Object::Node { status: Status { capacity, allocatable } } => Some((capacity, allocatable)),
        Object::Other => None,
    });
    let (Some((capacity, allocatable)), None) = (nodes.next(), nodes.next()) else {
        return Err(Failure::usage(format!("{} does not hold one node", input.name()))
            .with("give what `kubectl get node NAME -o json` prints"));
    };
    let Some(memory) = capacity.get(MEMORY) else {
        return Err(Failure::usage(format!("{}: the node has no status.capacity.memory", input.name())));
    };
    Ok((memory.clone(), allocatable.get(MEMORY).cloned()))
}

/// As much of a node as its memory takes.
#[derive(Deserialize)]
#[serde(tag = "kind")]
enum Object {
    Node {
        #[serde(default)]
        status: Status,
    },
    #[serde(other)]
    Other,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Status {
    capacity: Resources,
    allocatable: Resources,
}

fn told(object: &str, answer: &Value) -> String {
    let mut table = Table::new(&["CONTAINER", "SETTING", "VALUE", "BECAUSE"]);
    for container in items(&answer["containers"]) {
        for (field, name) in KNOBS {
            let knob = &container[field];
            if knob.is_object() {
                table.push([
                    text(&container["name"]),
                    name.to_owned(),
                    text(&knob["value"]),
                    text(&knob["because"]),
                ]);
            }
        }
    }
    let qos = &answer["qos"];
    let class = clean(&format!("{object}: {}, because {}", text(&qos["class"]), text(&qos["because"])));
    format!("{class}\n{table}\nmemory pressure: {}", clean(&text(&answer["eviction"])))
}
