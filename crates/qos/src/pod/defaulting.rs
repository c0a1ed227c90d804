//! What the API server fills in before it stores a pod.

use super::{Container, Pod, Requirements};
use crate::Quantity;

impl Requirements {
    fn round_up_to_millis(&mut self) {
        for (_, quantity) in self.requests.iter_mut().chain(self.limits.iter_mut()) {
            *quantity = quantity.round_up(-3);
        }
    }

    fn default_requests(&mut self) {
        for (name, limit) in &self.limits {
            if !self.requests.contains(name) {
                self.requests.insert(name.clone(), limit.clone());
            }
        }
    }
}

impl Pod {
    /// The pod as the API server stores it: amounts rounded up to the milli, requests defaulted from limits.
    ///
    /// A pod template is not defaulted by the API server, so this must run before it is judged. Resources of
    /// the pod as a whole are defaulted as Kubernetes 1.36 and later do.
    #[must_use]
    pub fn defaulted(&self) -> Self {
        let mut pod = self.clone();
        for container in pod.containers.iter_mut().chain(&mut pod.init_containers) {
            container.resources.round_up_to_millis();
            container.resources.default_requests();
        }
        if let Some(mut whole) = pod.resources.take().filter(|whole| !whole.is_empty()) {
            whole.round_up_to_millis();
            pod.default_whole(&mut whole);
            pod.resources = Some(whole);
        }
        pod
    }

    fn default_whole(&self, whole: &mut Requirements) {
        let resources = ["cpu", "memory"];
        for name in resources {
            let limited = |container: &Container| container.resources.limits.contains(name);
            let all_limited = !self.containers.is_empty()
                && self.containers.iter().chain(&self.init_containers).all(limited);
            if !whole.limits.contains(name) && all_limited {
                let sum = self.aggregate(|container| container.resources.limits.get(name));
                whole.limits.insert(name, sum);
            }
        }
        for (name, limit) in &whole.limits {
            if whole.requests.contains(name) {
                continue;
            }
            let requested = |container: &Container| container.resources.requests.contains(name);
            let any = self.containers.iter().chain(&self.init_containers).any(requested);
            let request = if any {
                self.aggregate(|container| container.resources.requests.get(name))
            } else {
                limit.clone()
            };
            whole.requests.insert(name.clone(), request);
        }
    }

    /// What the containers need together: all that run side by side, or the largest moment of the start.
    pub(crate) fn aggregate<'a>(
        &'a self,
        amount: impl Fn(&'a Container) -> Option<&'a Quantity>,
    ) -> Quantity {
        let mut sidecars = Quantity::default();
        let mut start = Quantity::default();
        for container in &self.init_containers {
            let own = amount(container).cloned().unwrap_or_default();
            start = start.max(&sidecars + &own);
            if container.is_sidecar() {
                sidecars += &own;
            }
        }
        let running: Quantity = self.containers.iter().filter_map(amount).sum();
        (running + sidecars).max(start)
    }
}
