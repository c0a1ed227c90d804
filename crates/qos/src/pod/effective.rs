//! What a pod counts for, once its containers, its start, its overhead and its own resources are put together.
//!
//! Source: `k8s.io/component-helpers` v0.37 `resource/helpers.go` and `k8s.io/kubernetes` v1.37
//! `pkg/quota/v1/evaluator/core/pods.go`.

use super::defaulting::{is_huge_page, is_pod_level};
use super::{Container, Pod, PodStatus, Requirements};
use crate::resources::{CPU, EPHEMERAL_STORAGE, MEMORY, PODS};
use crate::{KubernetesVersion, Quantity, Resources};

impl Pod {
    /// What the scheduler and quota count as requested, for a pod without a resize under way.
    ///
    /// Of each resource it is the larger of what runs side by side (containers and sidecars) and the largest
    /// moment of the start (an init step beside the sidecars before it); requests of the pod as a whole take
    /// the place of that; overhead is added. The pod is counted as it stands, without defaulting.
    pub fn requests(&self) -> Resources {
        let requests = self.aggregate(|container| &container.resources.requests);
        self.with_overhead(self.with_whole(requests, |whole| &whole.requests))
    }

    /// What the pod may use at most, in the same way; overhead is added to limits that are there and not zero.
    pub fn limits(&self) -> Resources {
        let limits = self.aggregate(|container| &container.resources.limits);
        self.with_limit_overhead(self.with_whole(limits, |whole| &whole.limits))
    }

    /// What the scheduler counts while a resize may be under way: of each resource the largest of what is
    /// wanted, what the node has set aside and what is in effect. What is wanted does not count once the node
    /// has said that it will never fit.
    pub fn requests_held(&self, status: &PodStatus) -> Resources {
        let infeasible = status.resize_is_infeasible();
        let wanted = self.aggregate(|container| &container.resources.requests);
        let mut held = if let Some((allocated, actuated)) = status.of_the_whole() {
            actuated.clone().max(allocated)
        } else {
            let allocated = self.aggregate(|container| status.allocated(container, infeasible));
            self.aggregate(|container| status.actuated(container, infeasible)).max(&allocated)
        };
        if !infeasible {
            // The order decides in which notation equal amounts are printed.
            held = wanted.max(&held);
        }
        let Some(whole) = self.resources.as_ref().filter(|whole| !whole.requests.is_empty()) else {
            return self.with_overhead(held);
        };
        let mut requests = Resources::new();
        if status.resources.is_none() || !infeasible {
            requests.clone_from(&whole.requests);
        }
        if let Some(actuated) = &status.resources {
            requests.raise_to(&actuated.requests);
            requests.raise_to(&status.allocated_resources);
        }
        held.replace(requests);
        self.with_overhead(held)
    }

    /// What a `ResourceQuota` counts for this pod, by the names that quotas use: `pods`, `requests.cpu`,
    /// `limits.memory`, `requests.nvidia.com/gpu` and so on.
    pub fn quota_usage(&self) -> Resources {
        let (requests, limits) = (self.requests(), self.limits());
        let mut usage = Resources::from([(PODS, Quantity::from_units(1))]);
        for (name, amount) in &requests {
            let by_both_names =
                [CPU, MEMORY, EPHEMERAL_STORAGE].contains(&name.as_str()) || is_huge_page(name);
            if by_both_names {
                usage.insert(name.clone(), amount.clone());
            }
            if by_both_names || is_extended(name) {
                usage.insert(format!("requests.{name}"), amount.clone());
            }
        }
        for name in [CPU, MEMORY, EPHEMERAL_STORAGE] {
            if let Some(amount) = limits.get(name) {
                usage.insert(format!("limits.{name}"), amount.clone());
            }
        }
        usage
    }

    /// The pod as an API server of that version counts it: before 1.34 resources of the pod as a whole are
    /// not kept.
    #[must_use]
    pub fn as_counted_by(mut self, version: KubernetesVersion) -> Self {
        if !version.has_pod_level_resources() {
            self.resources = None;
        }
        self
    }

    /// All containers that count: init steps and sidecars, then the rest.
    pub(crate) fn all_containers(&self) -> impl Iterator<Item = &Container> {
        self.init_containers.iter().chain(&self.containers)
    }

    /// What the containers need together (KEP-753).
    pub(crate) fn aggregate<'a>(&'a self, amounts: impl Fn(&'a Container) -> &'a Resources) -> Resources {
        let mut running = Resources::new();
        for container in &self.containers {
            running += amounts(container);
        }
        let (mut sidecars, mut start) = (Resources::new(), Resources::new());
        for container in &self.init_containers {
            let own = amounts(container);
            if container.is_sidecar() {
                running += own;
                sidecars += own;
                start.raise_to(&sidecars);
            } else {
                let mut moment = own.clone();
                moment += &sidecars;
                start.raise_to(&moment);
            }
        }
        running.max(&start)
    }

    /// Amounts of the pod as a whole take the place of what its containers need together.
    fn with_whole(
        &self,
        mut aggregate: Resources,
        amounts: impl Fn(&Requirements) -> &Resources,
    ) -> Resources {
        if let Some(whole) = &self.resources {
            aggregate.replace(amounts(whole).clone());
        }
        aggregate
    }

    fn with_overhead(&self, mut requests: Resources) -> Resources {
        requests += &self.overhead;
        requests
    }

    fn with_limit_overhead(&self, mut limits: Resources) -> Resources {
        for (name, limit) in &mut limits {
            if !limit.is_zero() {
                *limit += self.overhead.amount(name);
            }
        }
        limits
    }
}

impl Resources {
    fn replace(&mut self, whole: Self) {
        for (name, amount) in whole {
            if is_pod_level(&name) {
                self.insert(name, amount);
            }
        }
    }
}

/// Whether the resource is a device or the like that a plugin offers, such as `nvidia.com/gpu`.
fn is_extended(name: &str) -> bool {
    name.contains('/') && !name.contains("kubernetes.io/") && !name.starts_with("requests.")
}
