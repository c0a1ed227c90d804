//! Where a pod may run.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{Taint, bounded};

/// A taint, or a family of them, that a pod tolerates.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Toleration {
    /// The taint's key; empty with `Exists` is every taint.
    pub key: String,
    /// `Exists`, or `Equal`, which is what empty stands for.
    pub operator: String,
    /// The value under `Equal`.
    pub value: String,
    /// The effect that is tolerated; empty is every one.
    pub effect: String,
}

impl Toleration {
    /// Whether a pod with this toleration is not kept away by that taint.
    ///
    /// An operator other than `Exists` and `Equal` tolerates nothing.
    pub fn tolerates(&self, taint: &Taint) -> bool {
        let effect = self.effect.is_empty() || self.effect == taint.effect;
        let key = self.key.is_empty() || self.key == taint.key;
        let value = match self.operator.as_str() {
            "" | "Equal" => self.value == taint.value,
            "Exists" => true,
            _ => false,
        };
        effect && key && value
    }
}

/// How evenly pods are to be spread over the nodes of a topology.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct TopologySpread {
    /// How many pods more than in the emptiest domain there may be in any.
    pub max_skew: i32,
    /// The node label whose values are the domains.
    pub topology_key: String,
    /// `DoNotSchedule`, or `ScheduleAnyway`, which keeps nobody away.
    pub when_unsatisfiable: String,
    /// Which pods are counted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub label_selector: Option<LabelSelector>,
    /// Below so many domains the emptiest counts as empty.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_domains: Option<i32>,
    /// Labels of the pod whose values the counted pods must share, beside the selector.
    #[serde(deserialize_with = "bounded::list", skip_serializing_if = "Vec::is_empty")]
    pub match_label_keys: Vec<String>,
    /// `Ignore` counts domains that the pod's node selector and affinity exclude; absent is `Honor`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub node_affinity_policy: Option<String>,
    /// `Honor` leaves out domains whose taints the pod does not tolerate; absent is `Ignore`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub node_taints_policy: Option<String>,
}

impl TopologySpread {
    /// Whether the constraint keeps pods away rather than advising.
    pub fn is_hard(&self) -> bool {
        self.when_unsatisfiable != "ScheduleAnyway"
    }
}

/// Which pods are meant, by their labels.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct LabelSelector {
    /// Labels that a pod must have.
    #[serde(deserialize_with = "bounded::map")]
    pub match_labels: BTreeMap<String, String>,
    /// Conditions that a pod must meet.
    #[serde(deserialize_with = "bounded::list")]
    pub match_expressions: Vec<SelectorRequirement>,
}

/// One condition on labels.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct SelectorRequirement {
    /// The label.
    pub key: String,
    /// `In`, `NotIn`, `Exists` or `DoesNotExist`.
    pub operator: String,
    /// The values of `In` and `NotIn`.
    #[serde(deserialize_with = "bounded::list")]
    pub values: Vec<String>,
}

impl LabelSelector {
    /// Whether those labels are meant; an unknown operator means none. A selector without conditions means all.
    pub fn matches(&self, labels: &BTreeMap<String, String>) -> bool {
        self.match_labels.iter().all(|(key, value)| labels.get(key) == Some(value))
            && self
                .match_expressions
                .iter()
                .all(|condition| condition.matches(labels.get(&condition.key).map(String::as_str)))
    }
}

impl SelectorRequirement {
    /// Whether the value of the label, if there is one, meets the condition.
    pub(super) fn matches(&self, value: Option<&str>) -> bool {
        let listed = |value| self.values.iter().any(|listed| listed == value);
        match self.operator.as_str() {
            "In" => value.is_some_and(listed),
            "NotIn" => !value.is_some_and(listed),
            "Exists" => value.is_some(),
            "DoesNotExist" => value.is_none(),
            _ => false,
        }
    }
}
