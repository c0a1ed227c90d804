//! What a pod says about the nodes and the pods that it wants to be near to.

use std::cmp::Ordering;

use serde::{Deserialize, Serialize};

use super::{LabelSelector, SelectorRequirement};
use crate::{Node, bounded};

/// A pod's affinities, the required ones; preferences keep nobody away and are not read.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Affinity {
    /// Which nodes it may run on.
    #[serde(deserialize_with = "bounded::or_default")]
    pub node_affinity: NodeAffinity,
    /// Which pods it must be near to.
    #[serde(deserialize_with = "bounded::or_default")]
    pub pod_affinity: PodAffinity,
    /// Which pods it must be away from.
    #[serde(deserialize_with = "bounded::or_default")]
    pub pod_anti_affinity: PodAffinity,
}

/// Which nodes a pod may run on.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct NodeAffinity {
    /// What is required while scheduling; absent means nothing is.
    #[serde(
        rename = "requiredDuringSchedulingIgnoredDuringExecution",
        skip_serializing_if = "Option::is_none"
    )]
    pub required: Option<NodeSelector>,
}

/// Nodes that meet at least one of several terms.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct NodeSelector {
    /// The terms.
    #[serde(deserialize_with = "bounded::list")]
    pub node_selector_terms: Vec<NodeSelectorTerm>,
}

/// Conditions that a node must meet all; a term without conditions is met by none.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct NodeSelectorTerm {
    /// Conditions on labels.
    #[serde(deserialize_with = "bounded::list")]
    pub match_expressions: Vec<SelectorRequirement>,
    /// Conditions on fields, of which Kubernetes knows `metadata.name` alone.
    #[serde(deserialize_with = "bounded::list")]
    pub match_fields: Vec<SelectorRequirement>,
}

/// Which pods a pod must be near to, or away from.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct PodAffinity {
    /// What is required while scheduling.
    #[serde(
        rename = "requiredDuringSchedulingIgnoredDuringExecution",
        deserialize_with = "bounded::list",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub required: Vec<PodAffinityTerm>,
}

/// Pods in a part of the topology.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct PodAffinityTerm {
    /// Which pods are meant.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub label_selector: Option<LabelSelector>,
    /// The node label whose values are the parts.
    pub topology_key: String,
    /// The namespaces of the pods that are meant; none, and no selector either, is the pod's own.
    #[serde(deserialize_with = "bounded::list", skip_serializing_if = "Vec::is_empty")]
    pub namespaces: Vec<String>,
    /// The namespaces by their labels; without conditions all of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub namespace_selector: Option<LabelSelector>,
}

impl Affinity {
    /// Whether the required node affinity admits that node.
    pub fn admits(&self, node: &Node) -> bool {
        let Some(selector) = &self.node_affinity.required else { return true };
        selector.node_selector_terms.iter().any(|term| term.admits(node))
    }
}

impl NodeSelectorTerm {
    fn admits(&self, node: &Node) -> bool {
        let labels = |condition: &SelectorRequirement| {
            meets(condition, node.labels.get(&condition.key).map(String::as_str))
        };
        let fields = |condition: &SelectorRequirement| {
            condition.key == "metadata.name" && meets(condition, Some(&node.name))
        };
        let some = !(self.match_expressions.is_empty() && self.match_fields.is_empty());
        some && self.match_expressions.iter().all(labels) && self.match_fields.iter().all(fields)
    }
}

/// Whether a value meets a condition on nodes, which unlike one on pods may compare whole numbers.
fn meets(condition: &SelectorRequirement, value: Option<&str>) -> bool {
    let compares = |order: Ordering| {
        let number = |text: &str| text.parse::<i64>().ok();
        let [bound] = condition.values.as_slice() else { return false };
        let Some((value, bound)) = value.and_then(number).zip(number(bound)) else { return false };
        value.cmp(&bound) == order
    };
    match condition.operator.as_str() {
        "Gt" => compares(Ordering::Greater),
        "Lt" => compares(Ordering::Less),
        _ => condition.matches(value),
    }
}
