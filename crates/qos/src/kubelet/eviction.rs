//! Whom the kubelet gives up first when the node is short of memory.

use std::cmp::Reverse;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::{MEMORY, Pod, QosClass, Quantity, qos_class};

/// A pod on a node that is short of memory.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Candidate {
    /// Its name.
    pub name: String,
    /// The value of its `PriorityClass`; 0 without one.
    #[serde(default)]
    pub priority: i32,
    /// The memory it requests.
    #[serde(default)]
    pub request: Quantity,
    /// The memory it uses; a pod of which nothing is known goes first.
    #[serde(default)]
    pub usage: Option<Quantity>,
}

/// A pod in the order in which the kubelet gives them up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Victim {
    /// Its name.
    pub name: String,
    /// Why it stands here.
    pub because: String,
}

/// Why no order can be told.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error(
    "pods[{index}].{field}: pod `{name}` has {amount} of memory, which is below zero; write zero or more"
)]
pub struct EvictionError {
    /// The place of the pod in the list.
    pub index: usize,
    /// Its name.
    pub name: String,
    /// `request`, or `usage`.
    pub field: &'static str,
    /// The amount.
    pub amount: Quantity,
}

/// The order in which a kubelet evicts pods under memory pressure, the first one first.
///
/// First those whose usage is not known, then those that use more than they request, then by priority, lowest
/// first, then by how much they use beyond their request. QoS class and disruption budgets play no part.
pub fn eviction_order(candidates: &[Candidate]) -> Result<Vec<Victim>, EvictionError> {
    for (index, pod) in candidates.iter().enumerate() {
        let amounts = [("request", Some(&pod.request)), ("usage", pod.usage.as_ref())];
        for (field, amount) in amounts.into_iter().filter_map(|(field, amount)| Some((field, amount?))) {
            if amount.is_negative() {
                let (name, amount) = (pod.name.clone(), amount.clone());
                return Err(EvictionError { index, name, field, amount });
            }
        }
    }
    let mut ranked: Vec<&Candidate> = candidates.iter().collect();
    ranked.sort_by_cached_key(|pod| match &pod.usage {
        None => (0_u8, pod.priority, Reverse(Quantity::default())),
        Some(usage) => {
            let band = if *usage > pod.request { 1 } else { 2 };
            (band, pod.priority, Reverse(usage - &pod.request))
        }
    });
    Ok(ranked.into_iter().map(|pod| Victim { name: pod.name.clone(), because: because(pod) }).collect())
}

fn because(pod: &Candidate) -> String {
    let Candidate { priority, request, usage, .. } = pod;
    match usage {
        None => format!("its usage is not known; priority {priority}"),
        Some(usage) if usage > request => {
            format!("uses {usage}, {} more than it requests; priority {priority}", usage - request)
        }
        Some(usage) => format!("uses {usage}, no more than the {request} it requests; priority {priority}"),
    }
}

/// What a pod has to expect when its node is short of memory: a kubelet spares nobody, it only has an order.
pub(super) fn outlook(pod: &Pod) -> String {
    let (requests, limits) = (pod.requests(), pod.limits());
    let request = requests.amount(MEMORY);
    let priority = pod.priority.unwrap_or_default();
    if request.is_zero() {
        return format!(
            "it requests no memory, so any use makes it one of the first to be evicted; among those, by priority \
             ({priority})"
        );
    }
    if limits.positive(MEMORY) == Some(request) && qos_class(pod).class == QosClass::Guaranteed {
        return format!(
            "it may use no more than the {request} it requests, so it is among the last to be evicted; among those, by \
             priority ({priority})"
        );
    }
    format!(
        "among the last to be evicted while it uses no more than the {request} it requests, beyond that among the first; \
         among its like by priority ({priority}), then by how far beyond"
    )
}
