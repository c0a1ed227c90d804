//! As much of a pod as QoS and capacity need; it reads a `PodSpec` in JSON and ignores the rest of it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::Quantity;

/// Amounts by resource name: `cpu`, `memory`, `ephemeral-storage`, extended resources.
pub type ResourceList = BTreeMap<String, Quantity>;

/// What a container or a pod asks for and may use.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Requirements {
    /// What the scheduler counts.
    pub requests: ResourceList,
    /// What may be used at most.
    pub limits: ResourceList,
}

/// A container, as far as resources go.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Container {
    /// Its name, for messages.
    pub name: String,
    /// Its resources.
    pub resources: Requirements,
    /// `Always` makes an init container a sidecar.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub restart_policy: Option<String>,
}

/// A pod, as far as resources go.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Pod {
    /// The containers that run side by side.
    pub containers: Vec<Container>,
    /// Init steps and sidecars, in order.
    pub init_containers: Vec<Container>,
    /// Resources of the pod as a whole (KEP-2837).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resources: Option<Requirements>,
}

impl Container {
    /// A container of that name without resources.
    pub fn named(name: impl Into<String>) -> Self {
        Self { name: name.into(), ..Self::default() }
    }

    /// Whether this init container keeps running beside the others (KEP-753).
    pub fn is_sidecar(&self) -> bool {
        self.restart_policy.as_deref() == Some("Always")
    }
}

impl Requirements {
    /// Whether the resources of a pod are set at all: empty maps mean that they are not.
    pub fn is_empty(&self) -> bool {
        self.requests.is_empty() && self.limits.is_empty()
    }

    fn round_up_to_millis(&mut self) {
        for quantity in self.requests.values_mut().chain(self.limits.values_mut()) {
            *quantity = quantity.round_up(-3);
        }
    }

    fn default_requests(&mut self) {
        for (name, limit) in &self.limits {
            self.requests.entry(name.clone()).or_insert_with(|| limit.clone());
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
            let limited = |container: &Container| container.resources.limits.contains_key(name);
            let all_limited = !self.containers.is_empty()
                && self.containers.iter().chain(&self.init_containers).all(limited);
            if !whole.limits.contains_key(name) && all_limited {
                let sum = self.aggregate(|container| container.resources.limits.get(name));
                whole.limits.insert(name.to_owned(), sum);
            }
        }
        for (name, limit) in whole.limits.clone() {
            let requested = |container: &Container| container.resources.requests.contains_key(&name);
            let any = self.containers.iter().chain(&self.init_containers).any(requested);
            let request =
                if any { self.aggregate(|container| container.resources.requests.get(&name)) } else { limit };
            whole.requests.entry(name).or_insert(request);
        }
    }

    /// What the containers need together: all that run side by side, or the largest moment of the start.
    fn aggregate<'a>(&'a self, amount: impl Fn(&'a Container) -> Option<&'a Quantity>) -> Quantity {
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
