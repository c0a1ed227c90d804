//! Pods that must go for their node's sake, or for their own: which, when, and in what words.

use std::time::Duration;

use jiff::Timestamp;

use super::run::Run;
use super::{Node, later};
use crate::control::recorder::Kind;
use crate::nodes::Pressure;
use crate::object::{self, integer, list, text};
use crate::tree::Value;

/// How often the kubelet measures volumes.
const MEASURED: Duration = Duration::from_mins(1);
/// How often it looks whether it still lacks something; each time one pod goes.
pub(super) const BETWEEN: Duration = Duration::from_secs(10);
/// What runs gets so much time to leave.
const GRACE: Duration = Duration::from_secs(1);
/// Pods of this priority and above are never evicted.
const CRITICAL: i64 = 2_000_000_000;

/// Why a pod was evicted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Evicted {
    pub(super) message: String,
    /// Whether it went for its node's sake, which a condition says.
    pub(super) for_node: bool,
}

impl Evicted {
    /// For the sake of a node that lacks something.
    pub(super) fn for_node(pod: &Value, pressure: Pressure) -> Self {
        let (resource, name, bound, left, used) = match pressure {
            Pressure::Disk => ("ephemeral-storage", "/ephemeral-storage", "10%", "9%", "1Gi"),
            Pressure::Memory => ("memory", "/memory", "100Mi", "96Mi", "1Gi"),
        };
        let containers = list(pod, "/spec/containers").iter().map(|container| {
            let request = container.pointer(&format!("/resources/requests{name}"));
            let request = request.and_then(Value::as_str).unwrap_or("0");
            format!(
                "Container {} was using {used}, request is {request}, has larger consumption of {resource}. ",
                text(container, "/name"),
            )
        });
        let containers: String = containers.collect();
        let message = format!(
            "The node was low on resource: {resource}. Threshold quantity: {bound}, available: {left}. {containers}"
        );
        Self { message, for_node: true }
    }
}

/// When it is found that a container has filled a volume beyond its bound, and what is told of that.
pub(super) fn overflow(pod: &Value, run: &Run) -> Option<(Timestamp, Evicted)> {
    let full = |container: &super::container::Container| {
        let at = container.fills_at()?;
        let mounts = container.mounts(pod);
        let volumes = list(pod, "/spec/volumes").iter();
        let mut bounds = volumes.filter_map(|volume| Some((text(volume, "/name"), bound(volume)?)));
        let (name, bound) =
            bounds.find(|(name, _)| mounts.iter().any(|mount| text(mount, "/name") == *name))?;
        Some((at, name.to_owned(), bound.to_owned()))
    };
    let (at, name, bound) = run.containers.iter().filter_map(full).min()?;
    let step = MEASURED.as_millis().max(1).cast_signed();
    let passed = at.duration_since(run.started).as_millis().max(0);
    let found = (passed + step - 1) / step * step;
    let found = Duration::from_millis(found.try_into().unwrap_or(u64::MAX));
    let message = format!("Usage of EmptyDir volume \"{name}\" exceeds the limit \"{bound}\". ");
    Some((later(run.started, found), Evicted { message, for_node: false }))
}

fn bound(volume: &Value) -> Option<&str> {
    volume.pointer("/emptyDir/sizeLimit").and_then(Value::as_str).filter(|bound| *bound != "0")
}

impl Run {
    /// Evicts the pod: what runs is told to leave at once.
    pub(super) fn evict(&mut self, node: &Node<'_>, evicted: Evicted) {
        node.pod_event(Kind::Warning, "Evicted", &evicted.message);
        self.evicted = Some(evicted);
        self.stops_at = Some(self.stop(node, later(node.now, GRACE)));
    }
}

/// In which order pods go for their node's sake, the first one first: those that were promised least, then those
/// of the lowest priority. `None` for those that stay.
pub(super) fn rank(pod: &Value) -> Option<(u8, i64, String)> {
    let ended = matches!(text(pod, "/status/phase"), "Succeeded" | "Failed");
    let priority = integer(pod, "/spec/priority").unwrap_or_default();
    if ended || object::is_terminating(pod) || priority >= CRITICAL {
        return None;
    }
    let promised = match text(pod, "/status/qosClass") {
        "BestEffort" => 0,
        "Burstable" => 1,
        _ => 2,
    };
    Some((promised, priority, format!("{}/{}", object::namespace(pod), object::name(pod))))
}
