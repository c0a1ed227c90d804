//! What a node does with the numbers of a pod: the kubelet's arithmetic of v1.37, and the kernel knobs it turns.
//!
//! Advice for people who ask "why was mine killed" or "why is mine slow"; nothing is sold by it.

mod cpu;
mod eviction;
mod machine;
mod memory;
mod oom;

use num_traits::ToPrimitive;
use serde::Serialize;
use thiserror::Error;

use crate::{
    CPU, Classified, Container, Explained, MEMORY, Pod, PodFault, Quantity, Requirements, Resources,
    qos_class,
};

pub use eviction::{Candidate, EvictionError, Victim, eviction_order};
pub use machine::{Machine, MemoryReservation, WeightCurve};

/// What a node does with a pod.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct NodeView {
    /// The QoS class, which decides much of the rest.
    pub qos: Classified,
    /// Each container: init steps and sidecars first, in the order in which they start.
    pub containers: Vec<ContainerView>,
    /// When the pod is given up under memory pressure.
    pub eviction: String,
}

/// What a node does with a container.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ContainerView {
    /// Its name.
    pub name: String,
    /// What it is in the pod.
    pub kind: ContainerKind,
    /// The kernel kills the process with the highest score first: share of memory in thousandths plus this.
    pub oom_score_adj: Explained<i64>,
    /// `cpu.shares` of cgroup v1, and the runtime's input for the weight.
    pub cpu_shares: Explained<u64>,
    /// `cpu.weight` of cgroup v2: the part it gets of a busy CPU, beside the weights of its neighbours.
    pub cpu_weight: Explained<u64>,
    /// Microseconds of CPU per period, after which it waits for the next; none without a CPU limit.
    pub cpu_quota_us: Option<Explained<u64>>,
    /// Bytes at which it is killed; none without a memory limit.
    pub memory_max: Option<Explained<u64>>,
    /// Bytes at which it is slowed down and made to give memory back.
    pub memory_high: Option<Explained<u64>>,
    /// Bytes that the kernel never takes from it.
    pub memory_min: Option<Explained<u64>>,
    /// Bytes that the kernel takes from it only when nothing else is left.
    pub memory_low: Option<Explained<u64>>,
}

/// What a container is in its pod.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum ContainerKind {
    /// Runs as long as the pod.
    Main,
    /// Runs to its end before the others start.
    Init,
    /// Starts before the others and runs beside them.
    Sidecar,
}

/// Why there is no view of a pod on a node.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum NodeViewError {
    /// The score is a share of the machine's memory.
    #[error("the machine's memory is {0}; give its capacity, for example 64Gi")]
    NoMemory(Quantity),
    /// A page is the step of every memory bound.
    #[error("a page of {0} bytes is none; give a power of two, for example 4096")]
    NoPage(u64),
    /// The kernel takes a thousandth of a second to a second.
    #[error("a CPU period of {0} microseconds is out of range; use 1000 to 1000000")]
    PeriodOutOfRange(u64),
    /// A factor is a share.
    #[error("a memory throttling factor of {} is out of range; use a number above 0 and up to 1, as 0.9", share(.0))]
    FactorOutOfRange(Quantity),
    /// The API server would have refused it.
    #[error("container `{container}` asks for {amount} of {resource}; it must be zero to 8Ei")]
    AmountOutOfRange {
        /// The container.
        container: String,
        /// `cpu` or `memory`.
        resource: &'static str,
        /// What it asks for.
        amount: Quantity,
    },
    /// No API server stores such a pod, and no node sees it.
    #[error("{}: {fault}; {}", fault.field, fault.remedy())]
    Refused {
        /// What is wrong with it.
        fault: Box<PodFault>,
    },
}

/// What a machine does with a pod, which is defaulted first as the API server would.
///
/// The kubelet is taken as v1.37 has it, with cgroup v2 and CFS quota on, and without dynamic resource allocation,
/// pinned CPUs and swap.
pub fn node_view(pod: &Pod, machine: &Machine) -> Result<NodeView, NodeViewError> {
    machine.check()?;
    if let Some(fault) = pod.contradiction() {
        return Err(NodeViewError::Refused { fault: Box::new(fault) });
    }
    let pod = pod.defaulted();
    let parts = pod.init_containers.iter().map(|container| {
        (container, if container.is_sidecar() { ContainerKind::Sidecar } else { ContainerKind::Init })
    });
    let parts: Vec<_> =
        parts.chain(pod.containers.iter().map(|container| (container, ContainerKind::Main))).collect();
    for (container, _) in &parts {
        check(container)?;
    }
    let qos = qos_class(&pod);
    let scores = oom::Scores::new(&pod, qos.class, machine);
    let containers = parts
        .into_iter()
        .map(|(container, kind)| view(container, kind, &pod, &qos, &scores, machine))
        .collect();
    let eviction = eviction::outlook(&pod);
    Ok(NodeView { qos, containers, eviction })
}

fn view(
    container: &Container,
    kind: ContainerKind,
    pod: &Pod,
    qos: &Classified,
    scores: &oom::Scores,
    machine: &Machine,
) -> ContainerView {
    let Requirements { requests, limits } = &container.resources;
    let shares = cpu::shares(requests, limits);
    let limit = |name| effective_limit(container, pod, name);
    let memory = memory::bounds(container, pod, qos.class, machine);
    ContainerView {
        name: container.name.clone(),
        kind,
        oom_score_adj: scores.of(container, kind),
        cpu_weight: cpu::weight(shares.value, machine.weight_curve),
        cpu_shares: shares,
        cpu_quota_us: limit(CPU).map(|limit| cpu::quota(limit, machine.cpu_period_us)),
        memory_max: limit(MEMORY).map(memory::max),
        memory_high: memory.high,
        memory_min: memory.min,
        memory_low: memory.low,
    }
}

/// A container's own limit, or the pod's where it has none.
fn effective_limit<'a>(container: &'a Container, pod: &'a Pod, name: &str) -> Option<&'a Quantity> {
    let whole = || pod.resources.as_ref().and_then(|whole| whole.limits.positive(name));
    container.resources.limits.positive(name).or_else(whole)
}

fn check(container: &Container) -> Result<(), NodeViewError> {
    let Requirements { requests, limits } = &container.resources;
    for resource in [CPU, MEMORY] {
        for amount in [requests, limits].into_iter().filter_map(|list| list.get(resource)) {
            if amount.is_negative() || amount.millis_i64().is_none() {
                let container = container.name.clone();
                return Err(NodeViewError::AmountOutOfRange { container, resource, amount: amount.clone() });
            }
        }
    }
    Ok(())
}

/// Whole bytes, which [`check`] has bounded.
fn bytes(amount: &Quantity) -> u64 {
    amount.value().to_u64().unwrap_or(u64::MAX)
}

/// A share as people write it: `0.9`, not `900m`.
fn share(share: &Quantity) -> String {
    let nanos = share.nanos();
    let digits = format!("{:0>10}", nanos.magnitude().to_string());
    let (whole, rest) = digits.split_at(digits.len() - 9);
    let sign = if share.is_negative() { "-" } else { "" };
    match rest.trim_end_matches('0') {
        "" => format!("{sign}{whole}"),
        rest => format!("{sign}{whole}.{rest}"),
    }
}

fn memory_request(list: &Resources) -> u64 {
    bytes(list.amount(MEMORY))
}
