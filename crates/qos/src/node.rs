//! As much of a node as capacity needs; it reads a `Node` object in JSON and ignores the rest of it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::resources::PODS;
use crate::{Resources, bounded};

/// A node, as far as placing pods goes.
///
/// In JSON it is Kubernetes' own `Node`, as `kubectl get node -o json` prints it: `metadata.name`,
/// `metadata.labels`, `spec.taints`, `spec.unschedulable` and `status.allocatable` are read and written, every
/// other field is ignored. Where `status.allocatable` is not there, `status.capacity` stands for it, as the API server
/// has it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Object", into = "Object")]
pub struct Node {
    /// Its name.
    pub name: String,
    /// Its labels; zone and hostname among them.
    pub labels: BTreeMap<String, String>,
    /// What its pods may request together, [`PODS`] included.
    pub allocatable: Resources,
    /// Whether that is its capacity, because it does not say `status.allocatable`.
    pub by_capacity: bool,
    /// What keeps pods away.
    pub taints: Vec<Taint>,
    /// Whether the node is cordoned.
    pub unschedulable: bool,
}

/// A mark on a node that pods must tolerate.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Taint {
    /// Its name.
    pub key: String,
    /// Its value, often empty.
    pub value: String,
    /// What it does to pods that do not tolerate it: `NoSchedule`, `PreferNoSchedule` or `NoExecute`.
    pub effect: String,
}

impl Node {
    /// A node of that name without anything on it.
    pub fn named(name: impl Into<String>) -> Self {
        Self { name: name.into(), ..Self::default() }
    }

    /// How many pods the node takes at most; none where it does not say, as the scheduler has it.
    pub fn pod_slots(&self) -> u64 {
        self.allocatable.amount(PODS).value_i64().and_then(|slots| u64::try_from(slots).ok()).unwrap_or(0)
    }
}

/// The shape of Kubernetes' `Node`.
#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
struct Object {
    #[serde(deserialize_with = "bounded::or_default")]
    metadata: Metadata,
    #[serde(deserialize_with = "bounded::or_default")]
    spec: Spec,
    #[serde(deserialize_with = "bounded::or_default")]
    status: Status,
}

#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
struct Metadata {
    name: String,
    #[serde(deserialize_with = "bounded::map")]
    labels: BTreeMap<String, String>,
}

#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
struct Spec {
    #[serde(deserialize_with = "bounded::list")]
    taints: Vec<Taint>,
    unschedulable: bool,
}

#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
struct Status {
    #[serde(skip_serializing_if = "Option::is_none")]
    allocatable: Option<Resources>,
    #[serde(skip_serializing)]
    capacity: Resources,
}

impl From<Object> for Node {
    fn from(object: Object) -> Self {
        let Object { metadata, spec, status } = object;
        let Metadata { name, labels } = metadata;
        let Spec { taints, unschedulable } = spec;
        let Status { allocatable, capacity } = status;
        let by_capacity = allocatable.is_none() && !capacity.is_empty();
        let allocatable = allocatable.unwrap_or(capacity);
        Self { name, labels, allocatable, by_capacity, taints, unschedulable }
    }
}

impl From<Node> for Object {
    fn from(node: Node) -> Self {
        let Node { name, labels, allocatable, by_capacity: _, taints, unschedulable } = node;
        Self {
            metadata: Metadata { name, labels },
            spec: Spec { taints, unschedulable },
            status: Status { allocatable: Some(allocatable), capacity: Resources::new() },
        }
    }
}
