//! Which nodes a pod may go to at all, before anything is counted.

use std::fmt;

use crate::{Node, Pod, Taint};

/// The taint that Kubernetes gives a node that is cordoned.
const CORDON: &str = "node.kubernetes.io/unschedulable";

/// Why a node takes no pod of this kind, however empty it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Bar<'a> {
    /// It is cordoned.
    Cordoned,
    /// It has a taint that the pod does not tolerate.
    Tainted(&'a Taint),
    /// It lacks a label that the pod's node selector asks for.
    NotSelected(&'a str, &'a str),
    /// It does not match the pod's required node affinity.
    NotAffine,
    /// It lacks the label that the pod is to be spread over.
    NoTopology(&'a str),
}

impl<'a> Bar<'a> {
    /// Why that node takes no such pod, if it does not.
    pub(crate) fn of(node: &'a Node, pod: &'a Pod) -> Option<Self> {
        Self::by_labels(node, pod).or_else(|| Self::by_taints(node, pod))
    }

    /// The part of it that comes from labels: selector, affinity, and the topology of hard spreads.
    pub(crate) fn by_labels(node: &'a Node, pod: &'a Pod) -> Option<Self> {
        let missing = pod.node_selector.iter().find(|(key, value)| node.labels.get(*key) != Some(*value));
        if let Some((key, value)) = missing {
            return Some(Self::NotSelected(key, value));
        }
        if pod.affinity.as_ref().is_some_and(|affinity| !affinity.admits(node)) {
            return Some(Self::NotAffine);
        }
        let spreads = pod.topology_spread_constraints.iter().filter(|spread| spread.is_hard());
        spreads
            .map(|spread| spread.topology_key.as_str())
            .find(|key| !node.labels.contains_key(*key))
            .map(Self::NoTopology)
    }

    /// The part of it that comes from taints and from the cordon.
    pub(crate) fn by_taints(node: &'a Node, pod: &Pod) -> Option<Self> {
        let tolerated = |taint: &Taint| pod.tolerations.iter().any(|toleration| toleration.tolerates(taint));
        if node.unschedulable {
            let cordon =
                Taint { key: CORDON.to_owned(), effect: "NoSchedule".to_owned(), ..Taint::default() };
            if !tolerated(&cordon) {
                return Some(Self::Cordoned);
            }
        }
        let keeps_away = |taint: &&Taint| matches!(taint.effect.as_str(), "NoSchedule" | "NoExecute");
        node.taints.iter().filter(keeps_away).find(|taint| !tolerated(taint)).map(Self::Tainted)
    }
}

impl fmt::Display for Bar<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cordoned => f.write_str("is cordoned"),
            Self::Tainted(Taint { key, value, effect }) if value.is_empty() => {
                write!(f, "has the taint {key}:{effect}, which is not tolerated")
            }
            Self::Tainted(Taint { key, value, effect }) => {
                write!(f, "has the taint {key}={value}:{effect}, which is not tolerated")
            }
            Self::NotSelected(key, value) => {
                write!(f, "lacks the label {key}={value} that the node selector asks for")
            }
            Self::NotAffine => f.write_str("does not match the required node affinity"),
            Self::NoTopology(key) => write!(f, "lacks the label {key} that pods are spread over"),
        }
    }
}
