//! The question "how many more fit?" as programs and files ask it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{CapacityError, Cluster, Detail, FitAnswer, Inventory, Ledgers, Wanted};
use crate::{Amounts, GradeName, Pod, Policy, Terms, bounded};

/// How many more of one kind fit into these clusters?
///
/// ```json
/// {"clusters": [{"name": "dc-1", "nodes": [{"metadata": {"name": "n1"},
///                "status": {"allocatable": {"cpu": "96", "memory": "384Gi", "pods": "110"}}}]}],
///  "want": {"grade": "general-5", "size": {"cpu": "2", "memory": "4Gi"}}}
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct FitRequest {
    /// What there is.
    pub clusters: Vec<Cluster>,
    /// What is to be placed.
    pub want: WantedRequest,
    /// Whether predicted peaks are counted beside requests.
    #[serde(default)]
    pub ledgers: Ledgers,
    /// How far down the answer goes.
    #[serde(default)]
    pub detail: Detail,
    /// The grades that there are; Plimsoll's own where it is left out.
    #[serde(default)]
    pub policy: Policy,
}

/// What is to be placed: a size with its grade, or a pod as it stands.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
pub struct WantedRequest {
    /// The grade of a size.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub grade: Option<GradeName>,
    /// The limits of a size.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub size: Option<Amounts>,
    /// Other ratios than those of the grade.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub terms: Option<Terms>,
    /// A `PodSpec` as the API stores it; beside a size, only where it may run is taken from it. The node that it
    /// is bound to, if any, is not read: others like it are wanted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pod: Option<Pod>,
    /// Its namespace.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub namespace: String,
    /// Its labels.
    #[serde(deserialize_with = "bounded::map", skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
    /// What one is predicted to use at its peak; without it, its limit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub peak: Option<Amounts>,
}

impl WantedRequest {
    /// The pod that is meant, its grade taken from the policy.
    pub fn resolve(self, policy: &Policy) -> Result<Wanted, CapacityError> {
        let Self { grade, size, terms, pod, namespace, labels, peak } = self;
        let wanted = match (size, grade, pod) {
            (Some(size), Some(grade), place) => {
                let rule = policy.named(grade.as_str())?;
                let sized = Wanted::of_size(&size, grade, &terms.unwrap_or_else(|| rule.terms()))?;
                let containers = sized.pod.containers;
                let place = place.unwrap_or_default();
                if !place.containers.is_empty() || place.resources.is_some() {
                    return Err(CapacityError::NothingWanted);
                }
                Wanted { pod: Pod { containers, ..place }, ..Wanted { pod: Pod::default(), ..sized } }
            }
            (None, None, Some(pod)) if terms.is_none() => Wanted::of_pod(pod),
            _ => return Err(CapacityError::NothingWanted),
        };
        Ok(Wanted { namespace, labels, peak, ..wanted })
    }
}

/// Answers how many more fit.
pub fn fit(request: FitRequest) -> Result<FitAnswer, CapacityError> {
    let FitRequest { clusters, want, ledgers, detail, policy } = request;
    let wanted = want.resolve(&policy)?;
    let inventory = Inventory::new(clusters, ledgers)?;
    Ok(inventory.fit(&wanted)?.answer(detail))
}
