//! What the API server fills in before it stores a pod.
//!
//! Source: `k8s.io/kubernetes` v1.37 `pkg/apis/core/v1/defaults.go` (`SetDefaults_Pod`,
//! `SetDefaults_ResourceList`) and `pkg/api/pod/util.go` (`DefaultPodLevelResources`).

use super::{Container, Pod, Requirements};
use crate::resources::{CPU, MEMORY};
use crate::{KubernetesVersion, Resources};

impl Pod {
    /// The pod as the newest known API server stores it; see [`Pod::defaulted_by`].
    #[must_use]
    pub fn defaulted(&self) -> Self {
        self.defaulted_by(KubernetesVersion::LATEST)
    }

    /// The pod as an API server of that version stores it: amounts rounded up to the milli, requests taken
    /// from limits, resources of the pod as a whole completed, ports of a pod in its node's network those of the node.
    ///
    /// A pod template is not defaulted by the API server, so this must run before one is judged. A pod that the
    /// API server has stored stays as it is.
    #[must_use]
    pub fn defaulted_by(&self, version: KubernetesVersion) -> Self {
        let mut pod = self.clone();
        for container in pod.containers.iter_mut().chain(&mut pod.init_containers) {
            container.default_requests();
            if pod.host_network {
                container.default_host_ports();
            }
        }
        if !version.has_pod_level_resources() {
            pod.resources = None;
        } else if !version.completes_pod_level_resources() {
            pod.default_whole(|pod, whole| {
                pod.default_huge_page_limits(whole);
                if !whole.limits.is_empty() {
                    pod.default_whole_requests(whole);
                }
            });
        }
        pod.round_up_to_millis();
        if version.completes_pod_level_resources() {
            pod.default_whole(|pod, whole| {
                pod.default_huge_page_limits(whole);
                pod.default_whole_requests(whole);
                pod.default_whole_limits(whole);
            });
        }
        pod
    }

    /// Completes the resources of the pod as a whole, where any are set.
    fn default_whole(&mut self, complete: impl FnOnce(&Self, &mut Requirements)) {
        if let Some(mut whole) = self.resources.take() {
            if !whole.is_empty() {
                complete(self, &mut whole);
            }
            self.resources = Some(whole);
        }
    }

    /// Huge pages are never sold twice: their limit is what the containers may use together.
    fn default_huge_page_limits(&self, whole: &mut Requirements) {
        for (name, limit) in &self.aggregate(|container| &container.resources.limits) {
            if is_huge_page(name) && !whole.requests.contains(name) && !whole.limits.contains(name) {
                whole.limits.insert(name.clone(), limit.clone());
            }
        }
    }

    /// What the containers request together, or else the limit of the pod.
    fn default_whole_requests(&self, whole: &mut Requirements) {
        for (name, request) in &self.aggregate(|container| &container.resources.requests) {
            if (name == CPU || name == MEMORY) && !whole.requests.contains(name) {
                whole.requests.insert(name.clone(), request.clone());
            }
        }
        for (name, limit) in &whole.limits {
            if is_pod_level(name) && !whole.requests.contains(name) {
                whole.requests.insert(name.clone(), limit.clone());
            }
        }
    }

    /// What all containers may use together, where every one of them has a limit; at least the request.
    fn default_whole_limits(&self, whole: &mut Requirements) {
        let limits = self.aggregate(|container| &container.resources.limits);
        for (name, request) in &whole.requests {
            if !is_pod_level(name) || whole.limits.contains(name) {
                continue;
            }
            let all_have_one =
                self.all_containers().all(|container| container.resources.limits.contains(name));
            if let (true, Some(limit)) = (all_have_one, limits.get(name)) {
                let limit = if request > limit { request } else { limit };
                whole.limits.insert(name.clone(), limit.clone());
            }
        }
    }

    fn round_up_to_millis(&mut self) {
        let containers = self.containers.iter_mut().chain(&mut self.init_containers);
        let requirements =
            containers.map(|container| &mut container.resources).chain(self.resources.as_mut());
        for part in requirements {
            part.requests.round_up_to_millis();
            part.limits.round_up_to_millis();
        }
        self.overhead.round_up_to_millis();
    }
}

impl Container {
    fn default_requests(&mut self) {
        let Requirements { requests, limits } = &mut self.resources;
        for (name, limit) in &*limits {
            if !requests.contains(name) {
                requests.insert(name.clone(), limit.clone());
            }
        }
    }
}

impl Resources {
    fn round_up_to_millis(&mut self) {
        for (_, amount) in self {
            *amount = amount.round_up(-3);
        }
    }
}

/// Whether the resource is one of huge pages: `hugepages-2Mi`.
pub(crate) fn is_huge_page(name: &str) -> bool {
    name.starts_with("hugepages-")
}

/// Whether the resource may be set for a pod as a whole.
pub(crate) fn is_pod_level(name: &str) -> bool {
    name == CPU || name == MEMORY || is_huge_page(name)
}
