//! Disruption budgets, which the scheduler breaks last when it pushes pods aside.

use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};

use super::RunningPod;
use crate::{LabelSelector, bounded};

/// How many of some pods may be disturbed at once.
///
/// In JSON it is Kubernetes' own `PodDisruptionBudget`, as `kubectl get pdb -A -o json` lists it: name, namespace,
/// `spec.selector`, `status.disruptionsAllowed` and the names in `status.disruptedPods` are read, every other field is
/// ignored.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Object", into = "Object")]
pub struct DisruptionBudget {
    /// Its name.
    pub name: String,
    /// Its namespace: it is about pods there.
    pub namespace: String,
    /// Which pods it is about; without one, or without conditions, none.
    pub selector: Option<LabelSelector>,
    /// How many more of them may be disturbed now.
    pub allowed: i32,
    /// Those whose disturbance is counted already.
    pub disrupted: Vec<String>,
}

impl DisruptionBudget {
    /// Whether a pod counts against it.
    ///
    /// Source: `k8s.io/kubernetes` v1.37 `pkg/scheduler/framework/preemption/util.go`.
    pub(crate) fn is_about(&self, pod: &RunningPod) -> bool {
        let selector = self.selector.as_ref().filter(|selector| **selector != LabelSelector::default());
        !pod.labels.is_empty()
            && self.namespace == pod.namespace
            && selector.is_some_and(|selector| selector.matches(&pod.labels))
            && !self.disrupted.contains(&pod.name)
    }

    /// `namespace/name`.
    pub(crate) fn full_name(&self) -> String {
        format!("{}/{}", self.namespace, self.name)
    }
}

/// The shape of Kubernetes' `PodDisruptionBudget`.
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
    namespace: String,
}

#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
struct Spec {
    #[serde(skip_serializing_if = "Option::is_none")]
    selector: Option<LabelSelector>,
}

#[derive(Default, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Status {
    disruptions_allowed: i32,
    #[serde(deserialize_with = "names", serialize_with = "as_map", skip_serializing_if = "Vec::is_empty")]
    disrupted_pods: Vec<String>,
}

fn names<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    Ok(bounded::map::<IgnoredAny, D>(deserializer)?.into_keys().collect())
}

/// Only whose disturbance is counted is kept, not since when.
fn as_map<S: serde::Serializer>(names: &[String], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_map(names.iter().map(|name| (name, "1970-01-01T00:00:00Z")))
}

impl From<Object> for DisruptionBudget {
    fn from(object: Object) -> Self {
        let Object { metadata: Metadata { name, namespace }, spec: Spec { selector }, status } = object;
        let Status { disruptions_allowed: allowed, disrupted_pods: disrupted } = status;
        Self { name, namespace, selector, allowed, disrupted }
    }
}

impl From<DisruptionBudget> for Object {
    fn from(budget: DisruptionBudget) -> Self {
        let DisruptionBudget { name, namespace, selector, allowed, disrupted } = budget;
        let status = Status { disruptions_allowed: allowed, disrupted_pods: disrupted };
        Self { metadata: Metadata { name, namespace }, spec: Spec { selector }, status }
    }
}

/// What is left of the budgets of every cluster while pods are pushed aside.
pub(crate) struct Budgets<'a> {
    all: Vec<&'a [DisruptionBudget]>,
    /// How many more each lets be disturbed.
    left: Vec<Vec<i64>>,
}

impl<'a> Budgets<'a> {
    pub(crate) fn new(all: impl Iterator<Item = &'a [DisruptionBudget]>) -> Self {
        let all: Vec<_> = all.collect();
        let left = all.iter().map(|budgets| budgets.iter().map(|it| i64::from(it.allowed)).collect());
        Self { left: left.collect(), all }
    }

    /// Whether none was given at all.
    pub(crate) fn are_none(&self) -> bool {
        self.all.iter().all(|budgets| budgets.is_empty())
    }

    /// Which of those pods of a cluster, in that order, would break a budget if all of them went.
    pub(crate) fn broken_by<'p>(
        &self,
        ground: usize,
        pods: impl Iterator<Item = &'p RunningPod>,
    ) -> Vec<bool> {
        let mut left = self.left[ground].clone();
        pods.map(|pod| self.take(ground, pod, &mut left).is_some()).collect()
    }

    /// Counts a pod of a cluster that goes; the budget that it breaks, if any.
    pub(crate) fn disturb(&mut self, ground: usize, pod: &RunningPod) -> Option<String> {
        let mut left = std::mem::take(&mut self.left[ground]);
        let broken = self.take(ground, pod, &mut left);
        self.left[ground] = left;
        broken.map(DisruptionBudget::full_name)
    }

    fn take(&self, ground: usize, pod: &RunningPod, left: &mut [i64]) -> Option<&'a DisruptionBudget> {
        let about = self.all[ground].iter().zip(left).filter(|(budget, _)| budget.is_about(pod));
        let mut broken = about.filter_map(|(budget, left)| {
            *left -= 1;
            (*left < 0).then_some(budget)
        });
        // As in the scheduler, budgets behind the first that is broken are left alone.
        broken.next()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_budget_is_written_as_it_is_read() {
        let text = r#"{"metadata":{"name":"shop","namespace":"demo"},"spec":{"selector":{"matchLabels":{"app":"shop"},"matchExpressions":[]}},"status":{"disruptionsAllowed":1,"disruptedPods":{"shop-1":"1970-01-01T00:00:00Z"}}}"#;
        let budget: DisruptionBudget = serde_json::from_str(text).unwrap();
        assert_eq!((budget.allowed, budget.disrupted.as_slice()), (1, &["shop-1".to_owned()][..]));
        assert_eq!(serde_json::to_string(&budget).unwrap(), text);
        let bare: DisruptionBudget = serde_json::from_str("{}").unwrap();
        assert_eq!(bare, DisruptionBudget::default());
    }
}
