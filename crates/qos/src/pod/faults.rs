//! Resources that an API server refuses, before any class is worked out from them.
//!
//! Source: `k8s.io/kubernetes` v1.37 `pkg/apis/core/validation/validation.go`
//! (`validateResourceRequirements`, `validatePodResourceConsistency`).

use thiserror::Error;

use super::defaulting::is_huge_page;
use super::{Container, Pod, Requirements};
use crate::resources::{CPU, MEMORY};
use crate::{Quantity, Resources};

/// Why an API server refuses the resources of a pod.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{part}: {fault}")]
pub struct PodFault {
    /// The field, from the pod's spec on: `containers[0].resources.limits.cpu`.
    pub field: String,
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

impl PodFault {
    /// What to do about it, for people.
    pub fn remedy(&self) -> String {
        match &self.fault {
            ResourceFault::Negative { .. } => "write zero or more, or leave it out".to_owned(),
            ResourceFault::RequestAboveLimit { request, limit, .. } => {
                format!("request at most {limit}, or raise the limit to at least {request}")
            }
            ResourceFault::NotOvercommittable { name } => {
                format!("write the same amount of {name} as request and as limit")
            }
            ResourceFault::HugePagesAlone => "request CPU or memory too".to_owned(),
            ResourceFault::BelowContainers { containers, .. } => {
                format!("request at least {containers} for the pod, or less for its containers")
            }
            ResourceFault::AbovePod { pod, .. } => {
                format!("write at most {pod}, or raise the limit of the pod")
            }
        }
    }

    /// Whether amounts contradict each other, so that no number that is made of them is right.
    fn is_contradiction(&self) -> bool {
        !matches!(self.fault, ResourceFault::NotOvercommittable { .. } | ResourceFault::HugePagesAlone)
    }
}

impl Pod {
    /// Everything for which an API server refuses the resources of this pod; none for one that it has stored.
    ///
    /// Names of resources are not looked at, nor whether amounts of devices are whole.
    pub fn faults(&self) -> Vec<PodFault> {
        self.each_fault().collect()
    }

    /// The first fault for which no number about this pod would be right: an amount below zero, a request above its
    /// limit, a pod that is less than its containers. Whatever counts a pod refuses it for this.
    pub fn contradiction(&self) -> Option<PodFault> {
        self.each_fault().find(PodFault::is_contradiction)
    }

    fn each_fault(&self) -> impl Iterator<Item = PodFault> {
        let lists = [("containers", &self.containers), ("initContainers", &self.init_containers)];
        let parts = lists.into_iter().flat_map(|(list, containers)| {
            containers.iter().enumerate().flat_map(move |(index, container)| {
                container.resources.faults().map(move |(at, fault)| PodFault {
                    field: format!("{list}[{index}].resources{at}"),
                    part: container.called(list == "initContainers"),
                    fault,
                })
            })
        });
        let overhead = negative("", &self.overhead).map(|(at, fault)| PodFault {
            field: format!("overhead{at}"),
            part: "the overhead".to_owned(),
            fault,
        });
        let whole = self.resources.as_ref().into_iter().flat_map(|whole| {
            let own = whole.faults().map(|(at, fault)| PodFault {
                field: format!("resources{at}"),
                part: "the pod".to_owned(),
                fault,
            });
            own.chain(self.consistency(whole))
        });
        parts.chain(overhead).chain(whole)
    }

    /// The requirements of every container and what to call it.
    pub(crate) fn parts(&self) -> impl Iterator<Item = (String, &Requirements)> {
        let containers = self.containers.iter().map(|c| (c.called(false), &c.resources));
        containers.chain(self.init_containers.iter().map(|c| (c.called(true), &c.resources)))
    }

    fn consistency(&self, whole: &Requirements) -> Vec<PodFault> {
        let mut faults = Vec::new();
        for (name, containers) in &self.aggregate(|container| &container.resources.requests) {
            if let Some(request) = whole.requests.get(name).filter(|request| containers > *request) {
                faults.push(PodFault {
                    field: format!("resources.requests.{name}"),
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
                faults.push(PodFault {
                    field: format!("resources.limits.{name}"),
                    part: "the containers together".to_owned(),
                    fault: above_pod(name, limit, pod),
                });
            }
        }
        for (index, container) in self.containers.iter().enumerate() {
            for (name, limit) in &container.resources.limits {
                if let Some(pod) = whole.limits.get(name).filter(|pod| limit > *pod) {
                    faults.push(PodFault {
                        field: format!("containers[{index}].resources.limits.{name}"),
                        part: container.called(false),
                        fault: above_pod(name, limit, pod),
                    });
                }
            }
        }
        faults
    }
}

impl Container {
    fn called(&self, is_init: bool) -> String {
        let kind = match (is_init, self.is_sidecar()) {
            (false, _) => "container",
            (true, true) => "sidecar",
            (true, false) => "init container",
        };
        format!("{kind} `{}`", self.name)
    }
}

fn above_pod(name: &str, limit: &Quantity, pod: &Quantity) -> ResourceFault {
    ResourceFault::AbovePod { name: name.to_owned(), limit: limit.clone(), pod: pod.clone() }
}

/// Amounts below zero, each with where it stands behind `list`.
fn negative(list: &str, amounts: &Resources) -> impl Iterator<Item = (String, ResourceFault)> {
    let below = amounts.iter().filter(|(_, amount)| amount.is_negative());
    below.map(move |(name, amount)| {
        let fault = ResourceFault::Negative { name: name.clone(), amount: amount.clone() };
        (format!("{list}.{name}"), fault)
    })
}

impl Requirements {
    /// The faults, each with where it stands: `.requests.cpu`.
    fn faults(&self) -> impl Iterator<Item = (String, ResourceFault)> {
        let negative = negative(".requests", &self.requests).chain(negative(".limits", &self.limits));
        let pairs = self.requests.iter().filter_map(|(name, request)| {
            let limit = self.limits.get(name);
            let fault = match limit {
                Some(limit) if request > limit => ResourceFault::RequestAboveLimit {
                    name: name.clone(),
                    request: request.clone(),
                    limit: limit.clone(),
                },
                _ if !may_be_sold_twice(name) && limit != Some(request) => {
                    ResourceFault::NotOvercommittable { name: name.clone() }
                }
                _ => return None,
            };
            Some((format!(".requests.{name}"), fault))
        });
        let has = |wanted: fn(&str) -> bool| self.requests.names().chain(self.limits.names()).any(wanted);
        let alone = has(is_huge_page) && !has(|name| name == CPU || name == MEMORY);
        negative.chain(pairs).chain(alone.then(|| (String::new(), ResourceFault::HugePagesAlone)))
    }
}

/// CPU, memory and node-local disk may be promised beyond what is requested; huge pages and devices may not.
fn may_be_sold_twice(name: &str) -> bool {
    (!name.contains('/') || name.contains("kubernetes.io/")) && !is_huge_page(name)
}
