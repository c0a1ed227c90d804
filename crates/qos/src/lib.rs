//! Quantities, QoS classes, grades and oversell: how much of the machines may be sold.
//!
//! The crate is pure: numbers in, numbers and reasons out, no IO, and no floating point in anything that is
//! sold. It knows nothing of the rest of Plimsoll and of no Kubernetes client, so that any Rust program can
//! use it alone.
//!
//! ```
//! use plimsoll_qos::{Grade, Amounts, requests};
//!
//! let limit = Amounts { cpu: "333m".parse()?, memory: "1Gi".parse()? };
//! let grade = Grade::General5;
//! let requests = requests(&limit, grade, &grade.terms());
//! assert_eq!(requests.cpu.value.to_string(), "67m");
//! assert_eq!(requests.cpu.because, "ceil(333m / 5), grade general-5");
//! # Ok::<(), plimsoll_qos::QuantityError>(())
//! ```

mod autoscale;
mod bounded;
mod capacity;
mod class;
mod companions;
pub mod eval;
pub mod evidence;
mod grade;
mod kubelet;
mod kubernetes;
pub mod lint;
mod loss;
mod node;
mod oversell;
mod pod;
mod policy;
mod quantity;
mod ratio;
mod resources;

pub use autoscale::{HpaTargetError, hpa_target};
pub use capacity::{
    CapacityError, Cluster, Detail, DisruptionBudget, Fit, FitAnswer, FitRequest, Fraction, Holder,
    Inventory, Ledgers, Life, NodeAnswer, RunningPod, ScopeAnswer, Tied, Uncounted, UsefulRatio, Wanted,
    WantedRequest, fit, useful_ratio,
};
pub use class::{Classified, QosClass, qos_class, qos_class_by};
pub use companions::{
    Budget, BudgetError, LimitRange, PriorityClass, ResourceQuota, best_effort_quota, limit_range,
    priority_classes, processors, resource_quota,
};
pub use grade::{Grade, Terms, UnknownGrade};
pub use kubelet::{
    Candidate, ContainerKind, ContainerView, EvictionError, Machine, MemoryReservation, NodeView,
    NodeViewError, Victim, WeightCurve, eviction_order, node_view,
};
pub use kubernetes::{KubernetesVersion, UnknownVersion};
pub use loss::{
    LossAnswer, LossRequest, Lost, LostNode, Missing, Move, Preempt, Preemption, Pushed, Tier, lose,
};
pub use node::{Node, Taint};
pub use oversell::{Amounts, Explained, Requests, requests};
pub use pod::{
    Affinity, Condition, Container, ContainerPort, ContainerStatus, LabelSelector, NamedPart, NodeAffinity,
    NodeSelector, NodeSelectorTerm, Pod, PodAffinity, PodAffinityTerm, PodFault, PodStatus, Requirements,
    Resize, ResizePolicy, ResizeRefusal, ResourceFault, SchedulingGroup, SelectorRequirement, Toleration,
    TopologySpread, Volume,
};
pub use policy::{
    GradeDraft, GradeName, GradeNameError, GradeRule, NoSuchGrade, Policy, PolicyError, PolicyFault,
};
pub use quantity::{Format, Quantity, QuantityError, Resource, StrictError, StrictFault};
pub use ratio::{Ratio, RatioError};
pub use resources::{CPU, EPHEMERAL_STORAGE, MEMORY, PODS, Resources};

/// The example of the README is a test too.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
