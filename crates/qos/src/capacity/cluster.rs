//! What there is: clusters, their nodes, and what runs on them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::DisruptionBudget;
use crate::{Amounts, Node, Pod, PodStatus, bounded};

/// One Kubernetes cluster: pods are scheduled, counted and spread within it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Cluster {
    /// Its name, unlike every other one's.
    pub name: String,
    /// The data center that it is in; where it is left out, the cluster is a data center of its own name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data_center: Option<String>,
    /// Its nodes, as `kubectl get nodes -o json` lists them in `items`.
    #[serde(default)]
    pub nodes: Vec<Node>,
    /// Its pods, as `kubectl get pods -A -o json` lists them in `items`.
    #[serde(default)]
    pub pods: Vec<RunningPod>,
    /// Its disruption budgets, as `kubectl get pdb -A -o json` lists them in `items`. Only preemption reads them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub budgets: Vec<DisruptionBudget>,
    /// What pods are predicted to use at their peak, by `namespace/name`; a pod that is not here counts its
    /// requests. Only the second ledger reads it.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub peaks: BTreeMap<String, Amounts>,
}

/// A pod that is there, as far as placing others beside it goes.
///
/// In JSON it is Kubernetes' own `Pod` object: name, namespace, labels, the kind of the owner, the time of
/// deletion, `spec` as [`Pod`], `status` as [`PodStatus`] and its `phase` are read, every other field is ignored.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Object", into = "Object")]
pub struct RunningPod {
    /// Its name.
    pub name: String,
    /// Its namespace.
    pub namespace: String,
    /// Its labels, which spread constraints select by.
    pub labels: BTreeMap<String, String>,
    /// Whether it goes with its node: owned by a `DaemonSet`, or by the node itself (a static pod).
    pub tied: Tied,
    /// Where it is in its life.
    pub life: Life,
    /// What it needs and where it may run; `nodeName` says where it is.
    pub spec: Pod,
    /// What its node says about a resize that is under way.
    pub status: PodStatus,
}

/// Whether a pod comes back elsewhere when its node is lost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Tied {
    /// It does.
    #[default]
    No,
    /// It belongs to its node and goes with it.
    ToItsNode,
}

/// Where a pod is in its life.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Life {
    /// It takes, or is to take, its place.
    #[default]
    Present,
    /// It still takes its place, but no spread constraint counts it.
    Terminating,
    /// It has succeeded or failed and takes no place.
    Finished,
}

impl RunningPod {
    /// A pod of that name that is placed nowhere and needs nothing.
    pub fn named(namespace: impl Into<String>, name: impl Into<String>) -> Self {
        Self { name: name.into(), namespace: namespace.into(), ..Self::default() }
    }

    /// `namespace/name`.
    pub fn full_name(&self) -> String {
        format!("{}/{}", self.namespace, self.name)
    }
}

impl Cluster {
    /// The data center that it is in.
    pub fn data_center(&self) -> &str {
        self.data_center.as_deref().unwrap_or(&self.name)
    }
}

/// The shape of Kubernetes' `Pod`.
#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
struct Object {
    #[serde(deserialize_with = "bounded::or_default")]
    metadata: Metadata,
    #[serde(deserialize_with = "bounded::or_default")]
    spec: Pod,
    #[serde(deserialize_with = "bounded::or_default")]
    status: Status,
}

#[derive(Default, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Metadata {
    name: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    namespace: String,
    #[serde(deserialize_with = "bounded::map", skip_serializing_if = "BTreeMap::is_empty")]
    labels: BTreeMap<String, String>,
    #[serde(deserialize_with = "bounded::list", skip_serializing_if = "Vec::is_empty")]
    owner_references: Vec<Owner>,
    #[serde(skip_serializing_if = "Option::is_none")]
    deletion_timestamp: Option<String>,
}

#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
struct Owner {
    kind: String,
}

#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
struct Status {
    #[serde(skip_serializing_if = "Option::is_none")]
    phase: Option<String>,
    #[serde(flatten)]
    resources: PodStatus,
}

const TIED_TO: [&str; 2] = ["DaemonSet", "Node"];
const FINISHED: [&str; 2] = ["Succeeded", "Failed"];

impl From<Object> for RunningPod {
    fn from(object: Object) -> Self {
        let Object { metadata, spec, status } = object;
        let Metadata { name, namespace, labels, owner_references, deletion_timestamp } = metadata;
        let tied = owner_references.iter().any(|owner| TIED_TO.contains(&owner.kind.as_str()));
        let Status { phase, resources } = status;
        let finished = phase.is_some_and(|phase| FINISHED.contains(&phase.as_str()));
        let life = match deletion_timestamp {
            _ if finished => Life::Finished,
            Some(_) => Life::Terminating,
            None => Life::Present,
        };
        let tied = if tied { Tied::ToItsNode } else { Tied::No };
        Self { name, namespace, labels, tied, life, spec, status: resources }
    }
}

impl From<RunningPod> for Object {
    fn from(pod: RunningPod) -> Self {
        let RunningPod { name, namespace, labels, tied, life, spec, status: resources } = pod;
        let owner_references = match tied {
            Tied::No => Vec::new(),
            Tied::ToItsNode => vec![Owner { kind: TIED_TO[0].to_owned() }],
        };
        // Only that there is a time of deletion is kept, not which.
        let deletion_timestamp = (life == Life::Terminating).then(|| "1970-01-01T00:00:00Z".to_owned());
        let phase = (life == Life::Finished).then(|| FINISHED[0].to_owned());
        let metadata = Metadata { name, namespace, labels, owner_references, deletion_timestamp };
        Self { metadata, spec, status: Status { phase, resources } }
    }
}
