//! As much of a pod as QoS and capacity need; it reads a `PodSpec` in JSON and ignores the rest of it.

mod affinity;
mod attached;
mod defaulting;
mod effective;
mod faults;
mod placement;
mod ports;
mod resize;
mod status;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{Resources, bounded};

pub use affinity::{Affinity, NodeAffinity, NodeSelector, NodeSelectorTerm, PodAffinity, PodAffinityTerm};
pub use attached::{NamedPart, SchedulingGroup, Volume};
pub(crate) use defaulting::is_pod_level;
pub use faults::{PodFault, ResourceFault};
pub use placement::{LabelSelector, SelectorRequirement, Toleration, TopologySpread};
pub use ports::ContainerPort;
pub(crate) use ports::HostPort;
pub use resize::{Resize, ResizeRefusal};
pub use status::{Condition, ContainerStatus, PodStatus};

/// What a container or a pod asks for and may use.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Requirements {
    /// What the scheduler counts.
    pub requests: Resources,
    /// What may be used at most.
    pub limits: Resources,
}

/// A container, as far as resources go.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Container {
    /// Its name, for messages.
    pub name: String,
    /// Its resources.
    #[serde(deserialize_with = "bounded::or_default")]
    pub resources: Requirements,
    /// `Always` makes an init container a sidecar.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub restart_policy: Option<String>,
    /// Whether a resize of this container restarts it, by resource.
    #[serde(deserialize_with = "bounded::list", skip_serializing_if = "Vec::is_empty")]
    pub resize_policy: Vec<ResizePolicy>,
    /// Its ports, those of the node that it takes among them.
    #[serde(deserialize_with = "bounded::list", skip_serializing_if = "Vec::is_empty")]
    pub ports: Vec<ContainerPort>,
}

/// What a change of one resource does to a running container.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ResizePolicy {
    /// `cpu` or `memory`.
    pub resource_name: String,
    /// `NotRequired`, or `RestartContainer`.
    pub restart_policy: String,
}

/// A pod, as far as resources and its place go: Kubernetes' `PodSpec`, as the API stores it.
///
/// What is not named here is ignored when read: ephemeral containers, which carry no resources, and preferences
/// of place among them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Pod {
    /// The containers that run side by side.
    #[serde(deserialize_with = "bounded::list")]
    pub containers: Vec<Container>,
    /// Init steps and sidecars, in order.
    #[serde(deserialize_with = "bounded::list", skip_serializing_if = "Vec::is_empty")]
    pub init_containers: Vec<Container>,
    /// Resources of the pod as a whole (KEP-2837).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resources: Option<Requirements>,
    /// What the runtime needs beside the containers, from the `RuntimeClass`.
    #[serde(skip_serializing_if = "Resources::is_empty")]
    pub overhead: Resources,
    /// The node that the pod is bound to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub node_name: Option<String>,
    /// The value of the pod's `PriorityClass`; absent is zero.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub priority: Option<i32>,
    /// The name of the pod's `PriorityClass`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub priority_class_name: Option<String>,
    /// Labels that a node must have.
    #[serde(deserialize_with = "bounded::map", skip_serializing_if = "BTreeMap::is_empty")]
    pub node_selector: BTreeMap<String, String>,
    /// Which nodes the pod requires, and which pods it must be near to or away from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub affinity: Option<Affinity>,
    /// The taints that the pod tolerates.
    #[serde(deserialize_with = "bounded::list", skip_serializing_if = "Vec::is_empty")]
    pub tolerations: Vec<Toleration>,
    /// How evenly the pod and its like are to be spread.
    #[serde(deserialize_with = "bounded::list", skip_serializing_if = "Vec::is_empty")]
    pub topology_spread_constraints: Vec<TopologySpread>,
    /// Whether it shares the network of its node, so that its ports are ports of the node.
    #[serde(deserialize_with = "bounded::or_default", skip_serializing_if = "is_false")]
    pub host_network: bool,
    /// `Never` where it pushes nobody aside; absent is `PreemptLowerPriority`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub preemption_policy: Option<String>,
    /// Who places it; absent is `default-scheduler`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scheduler_name: Option<String>,
    /// The `RuntimeClass` that gave it its overhead.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub runtime_class_name: Option<String>,
    /// Its volumes.
    #[serde(deserialize_with = "bounded::list", skip_serializing_if = "Vec::is_empty")]
    pub volumes: Vec<Volume>,
    /// Its claims to devices (dynamic resource allocation).
    #[serde(deserialize_with = "bounded::list", skip_serializing_if = "Vec::is_empty")]
    pub resource_claims: Vec<NamedPart>,
    /// What must be taken away before it is placed at all.
    #[serde(deserialize_with = "bounded::list", skip_serializing_if = "Vec::is_empty")]
    pub scheduling_gates: Vec<NamedPart>,
    /// The group that it is placed with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scheduling_group: Option<SchedulingGroup>,
}

impl Pod {
    /// Whether CPU, memory or huge pages are requested or limited for the pod as a whole.
    pub(crate) fn has_own_resources(&self) -> bool {
        self.requests_as_a_whole()
            || self.resources.as_ref().is_some_and(|whole| whole.limits.names().any(is_pod_level))
    }

    /// Whether CPU, memory or huge pages are requested for the pod as a whole.
    pub(crate) fn requests_as_a_whole(&self) -> bool {
        self.resources.as_ref().is_some_and(|whole| whole.requests.names().any(is_pod_level))
    }
}

impl Container {
    /// A container of that name without resources.
    pub fn named(name: impl Into<String>) -> Self {
        Self { name: name.into(), ..Self::default() }
    }

    /// Whether this init container keeps running beside the others (KEP-753).
    pub fn is_sidecar(&self) -> bool {
        self.restart_policy.as_deref() == Some("Always")
    }
}

impl Requirements {
    /// Whether the resources of a pod are set at all: empty maps mean that they are not.
    pub fn is_empty(&self) -> bool {
        self.requests.is_empty() && self.limits.is_empty()
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands on a reference")]
fn is_false(is: &bool) -> bool {
    !*is
}
