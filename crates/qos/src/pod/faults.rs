//! Resources that an API server refuses, before any class is worked out from them.
//!
//! Source: `k8s.io/kubernetes` v1.37 `pkg/apis/core/validation/validation.go`
//! (`validateResourceRequirements`, `validatePodResourceConsistency`).

use thiserror::Error;

use super::defaulting::is_huge_page;
use super::{Pod, Requirements};
use crate::Quantity;
use crate::resources::{CPU, MEMORY};

/// Why an API server refuses the resources of a pod.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{part}: {fault}")]
pub struct PodFault {
    /// Whose resources are wrong, for people: ``container `main` ``, `the pod`.
    pub part: String,
    /// What is wrong with them.
    pub fault: ResourceFault,
}

/// What is wrong with resources.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ResourceFault {
    /// Nothing is less than nothing.
    #[error("{amount} of {name} is below zero")]
    Negative {
        /// The resource.
        name: String,
        /// The amount.
        amount: Quantity,
    },
    /// More is requested than may be used.
    #[error("requests {request} of {name} and may use only {limit}")]
    RequestAboveLimit {
        /// The resource.
        name: String,
        /// What is requested.
        request: Quantity,
        /// What may be used.
        limit: Quantity,
    },
    /// Huge pages and devices cannot be sold twice.
    #[error("{name} cannot be sold twice, so that its request and its limit must be the same")]
    NotOvercommittable {
        /// The resource.
        name: String,
    },
    /// Huge pages alone make no container.
    #[error("huge pages need CPU or memory beside them")]
    HugePagesAlone,
    /// The containers request more than the pod as a whole.
    #[error("requests {request} of {name}, less than its containers do together ({containers})")]
    BelowContainers {
        /// The resource.
        name: String,
        /// What is requested for the pod as a whole.
        request: Quantity,
        /// What the containers request together.
        containers: Quantity,
    },
    /// A container may use more than the pod as a whole.
    #[error("may use {limit} of {name}, more than the pod as a whole ({pod})")]
    AbovePod {
        /// The resource.
        name: String,
        /// What the container may use.
        limit: Quantity,
        /// What the pod may use.
        pod: Quantity,
    },
}

impl Pod {
    /// Everything for which an API server refuses the resources of this pod; none for one that it has stored.
    ///
    /// Names of resources are not looked at, nor whether amounts of devices are whole.
    pub fn faults(&self) -> Vec<PodFault> {
        let mut faults = Vec::new();
        for (part, requirements) in self.parts() {
            faults.extend(requirements.faults().map(|fault| PodFault { part: part.clone(), fault }));
        }
        if let Some(whole) = &self.resources {
            let part = "the pod".to_owned();
            faults.extend(whole.faults().map(|fault| PodFault { part: part.clone(), fault }));
            self.consistency(whole, &mut faults);
        }
        faults
    }

    /// The requirements of every container and what to call it.
    pub(crate) fn parts(&self) -> impl Iterator<Item = (String, &Requirements)> {
        let containers = self.containers.iter().map(|c| (format!("container `{}`", c.name), &c.resources));
        let init = self.init_containers.iter().map(|c| {
            let kind = if c.is_sidecar() { "sidecar" } else { "init container" };
            (format!("{kind} `{}`", c.name), &c.resources)
        });
        containers.chain(init)
    }

    fn consistency(&self, whole: &Requirements, faults: &mut Vec<PodFault>) {
        for (name, containers) in &self.aggregate(|container| &container.resources.requests) {
            if let Some(request) = whole.requests.get(name).filter(|request| containers > *request) {
                faults.push(PodFault {
                    part: "the pod".to_owned(),
                    fault: ResourceFault::BelowContainers {
                        name: name.clone(),
                        request: request.clone(),
                        containers: containers.clone(),
                    },
                });
            }
        }
        let limits = self.aggregate(|container| &container.resources.limits);
        for (name, limit) in limits.iter().filter(|(name, _)| is_huge_page(name)) {
            if let Some(pod) = whole.limits.get(name).filter(|pod| limit > *pod) {
                faults.push(above_pod("the containers together".to_owned(), name, limit, pod));
            }
        }
        for container in &self.containers {
            for (name, limit) in &container.resources.limits {
                if let Some(pod) = whole.limits.get(name).filter(|pod| limit > *pod) {
                    faults.push(above_pod(format!("container `{}`", container.name), name, limit, pod));
                }
            }
        }
    }
}

fn above_pod(part: String, name: &str, limit: &Quantity, pod: &Quantity) -> PodFault {
    let fault = ResourceFault::AbovePod { name: name.to_owned(), limit: limit.clone(), pod: pod.clone() };
    PodFault { part, fault }
}

impl Requirements {
    fn faults(&self) -> impl Iterator<Item = ResourceFault> {
        let negative = self
            .requests
            .iter()
            .chain(&self.limits)
            .filter(|(_, amount)| amount.is_negative())
            .map(|(name, amount)| ResourceFault::Negative { name: name.clone(), amount: amount.clone() });
        let pairs = self.requests.iter().filter_map(|(name, request)| {
            let limit = self.limits.get(name);
            if !may_be_sold_twice(name) {
                let same = limit == Some(request);
                return (!same).then(|| ResourceFault::NotOvercommittable { name: name.clone() });
            }
            limit.filter(|limit| request > *limit).map(|limit| ResourceFault::RequestAboveLimit {
                name: name.clone(),
                request: request.clone(),
                limit: limit.clone(),
            })
        });
        let has = |wanted: fn(&str) -> bool| self.requests.names().chain(self.limits.names()).any(wanted);
        let alone = has(is_huge_page) && !has(|name| name == CPU || name == MEMORY);
        negative.chain(pairs).chain(alone.then_some(ResourceFault::HugePagesAlone))
    }
}

/// CPU, memory and node-local disk may be promised beyond what is requested; huge pages and devices may not.
fn may_be_sold_twice(name: &str) -> bool {
    (!name.contains('/') || name.contains("kubernetes.io/")) && !is_huge_page(name)
}
