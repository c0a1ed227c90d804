//! What is to be placed.

use std::collections::BTreeMap;
use std::fmt;

use super::{CapacityError, Holder};
use crate::resources::{CPU, MEMORY};
use crate::{Amounts, Container, Pod, Quantity, Resource, Terms, requests};

/// A pod of which as many as possible are to be placed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    /// Its requests, and where it may run.
    pub pod: Pod,
    /// Its namespace: spread constraints count pods of one namespace.
    pub namespace: String,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
    /// What one is predicted to use at its peak; without a prediction, its limit, as for every newcomer.
    pub peak: Option<Amounts>,
    /// How its requests came about, for people.
    pub because: String,
}

impl Wanted {
    /// A pod of one container with those limits, and the requests that the terms of its grade make of them.
    pub fn of_size(limit: &Amounts, grade: impl fmt::Display, terms: &Terms) -> Result<Self, CapacityError> {
        for (resource, amount) in [(Resource::Cpu, &limit.cpu), (Resource::Memory, &limit.memory)] {
            amount.check_strictly(resource).map_err(CapacityError::Size)?;
        }
        let asked = requests(limit, grade, terms);
        let list = |amounts: &Amounts| {
            [(CPU, amounts.cpu.clone()), (MEMORY, amounts.memory.clone())].into_iter().collect()
        };
        let mut main = Container::named("main");
        main.resources.requests = list(&asked.amounts());
        main.resources.limits = list(limit);
        let because = format!(
            "cpu {}: {}; memory {}: {}",
            asked.cpu.value, asked.cpu.because, asked.memory.value, asked.memory.because
        );
        Ok(Self { pod: Pod { containers: vec![main], ..Pod::default() }, because, ..Self::default() })
    }

    /// A pod as it stands; see [`Pod::defaulted`] for one that the API server has not stored.
    pub fn of_pod(pod: Pod) -> Self {
        Self { pod, because: "as the pod requests".to_owned(), ..Self::default() }
    }

    /// What one may use of CPU, if it is limited.
    pub(crate) fn cpu_limit(&self) -> Option<Quantity> {
        self.pod.limits().positive(CPU).cloned()
    }

    /// What one is predicted to use at its peak.
    pub(crate) fn predicted_peak(&self) -> Amounts {
        self.peak.clone().unwrap_or_else(|| {
            let (limits, requests) = (self.pod.limits(), self.pod.requests());
            let limit = |name| limits.positive(name).unwrap_or_else(|| requests.amount(name)).clone();
            Amounts { cpu: limit(CPU), memory: limit(MEMORY) }
        })
    }

    /// Refuses what no API server stores, and what keeps pods away where each of the others is.
    pub(crate) fn check(&self) -> Result<(), CapacityError> {
        if let Some(fault) = self.pod.contradiction() {
            return Err(CapacityError::Refused { holder: Holder::Wanted, fault: Box::new(fault) });
        }
        match requires_others(&self.pod) {
            Some(field) => Err(CapacityError::NotCounted { field: field.to_owned() }),
            None => Ok(()),
        }
    }
}

/// What a pod requires of other pods near to it, if anything; no count per node says where such a pod may run.
pub(crate) fn requires_others(pod: &Pod) -> Option<&'static str> {
    let affinity = pod.affinity.as_ref()?;
    if !affinity.pod_affinity.required.is_empty() {
        return Some("a required podAffinity");
    }
    (!affinity.pod_anti_affinity.required.is_empty()).then_some("a required podAntiAffinity")
}
