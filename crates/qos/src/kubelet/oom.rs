//! Whom the kernel kills first when the machine is out of memory.

use super::{ContainerKind, Machine, bytes, memory_request};
use crate::{Container, Explained, MEMORY, Pod, QosClass};

const GUARANTEED: i64 = -997;
const BEST_EFFORT: i64 = 1000;
/// Kubernetes' own pods that a node cannot be without, from this priority on.
const CRITICAL: i32 = 2_000_000_000;

/// The scores of a pod's containers.
pub(super) struct Scores {
    kind: Kind,
    capacity: u64,
    /// The part of the pod's own request that no container has asked for, per container.
    unassigned: u64,
    /// The smallest request of a main container: no sidecar dies before the main containers.
    smallest: u64,
}

enum Kind {
    Critical,
    Guaranteed,
    BestEffort,
    Burstable,
}

impl Scores {
    pub(super) fn new(pod: &Pod, class: QosClass, machine: &Machine) -> Self {
        let critical = pod.priority.is_some_and(|priority| priority >= CRITICAL)
            && pod.priority_class_name.as_deref() == Some("system-node-critical");
        let kind = match class {
            _ if critical => Kind::Critical,
            QosClass::Guaranteed => Kind::Guaranteed,
            QosClass::BestEffort => Kind::BestEffort,
            QosClass::Burstable => Kind::Burstable,
        };
        let own = |container: &Container| memory_request(&container.resources.requests);
        Self {
            kind,
            capacity: bytes(&machine.memory).max(1),
            unassigned: unassigned(pod),
            smallest: pod.containers.iter().map(own).min().unwrap_or_default(),
        }
    }

    pub(super) fn of(&self, container: &Container, kind: ContainerKind) -> Explained<i64> {
        let fixed = |value, because: &str| Explained { value, because: because.to_owned() };
        match self.kind {
            Kind::Critical => return fixed(GUARANTEED, "the node cannot be without it"),
            Kind::Guaranteed => return fixed(GUARANTEED, "Guaranteed: killed after all others"),
            Kind::BestEffort => return fixed(BEST_EFFORT, "BestEffort: killed before all others"),
            Kind::Burstable => {}
        }
        let own = memory_request(&container.resources.requests);
        let raised = kind == ContainerKind::Sidecar && own < self.smallest;
        let counted = if raised { self.smallest } else { own }.saturating_add(self.unassigned);
        let share = u128::from(counted) * 1000 / u128::from(self.capacity);
        let score = 1000 - i64::try_from(share).unwrap_or(1000);
        let value = score.clamp(1000 + GUARANTEED, BEST_EFFORT - 1);
        let spread = match self.unassigned {
            0 => String::new(),
            part => format!(", {part} of them its part of the pod's own request"),
        };
        let lent = if raised { ", as for the smallest main container" } else { "" };
        let kept = if value == score {
            String::new()
        } else {
            format!(", kept between 3 and 999 for a Burstable pod instead of {score}")
        };
        let because = format!("1000 - 1000 × {counted} / {} bytes{spread}{lent}{kept}", self.capacity);
        Explained { value, because }
    }
}

/// What the pod asks for beyond its containers, split evenly over all of them.
fn unassigned(pod: &Pod) -> u64 {
    let Some(whole) = &pod.resources else { return 0 };
    let containers = pod.containers.len() + pod.init_containers.len();
    let wanted = memory_request(&whole.requests);
    let asked = bytes(pod.aggregate(|container| &container.resources.requests).amount(MEMORY));
    wanted.saturating_sub(asked) / u64::try_from(containers.max(1)).unwrap_or(u64::MAX)
}
