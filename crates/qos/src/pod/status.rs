//! What a node says about the resources of a running pod.

use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

use super::{Container, Requirements};
use crate::{Resources, bounded};

/// As much of a `PodStatus` as resizes in place need (KEP-1287); the rest is ignored when read.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct PodStatus {
    /// What the node says about the containers.
    #[serde(deserialize_with = "bounded::list", skip_serializing_if = "Vec::is_empty")]
    pub container_statuses: Vec<ContainerStatus>,
    /// What the node says about init steps and sidecars.
    #[serde(deserialize_with = "bounded::list", skip_serializing_if = "Vec::is_empty")]
    pub init_container_statuses: Vec<ContainerStatus>,
    /// What the node has set aside for the containers together, from Kubernetes 1.36.
    #[serde(skip_serializing_if = "Resources::is_empty")]
    pub allocated_resources: Resources,
    /// What is in effect for the containers together, from Kubernetes 1.36.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resources: Option<Requirements>,
    /// Facts about the pod.
    #[serde(deserialize_with = "bounded::list", skip_serializing_if = "Vec::is_empty")]
    pub conditions: Vec<Condition>,
}

/// What a node says about one container.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ContainerStatus {
    /// The container's name.
    pub name: String,
    /// What the node has set aside.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allocated_resources: Option<Resources>,
    /// What is in effect.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resources: Option<Requirements>,
}

/// One fact about a pod.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Condition {
    /// What it is about, `PodResizePending` for example.
    #[serde(rename = "type")]
    pub kind: String,
    /// Why it holds, `Deferred` or `Infeasible` for example.
    pub reason: String,
}

impl PodStatus {
    /// Whether the node has said that the resize that is wanted will never fit.
    pub fn resize_is_infeasible(&self) -> bool {
        let pending = self.conditions.iter().find(|condition| condition.kind == "PodResizePending");
        pending.is_some_and(|condition| condition.reason == "Infeasible")
    }

    /// What is set aside and what is in effect for the containers together, where the node says both.
    pub(super) fn of_the_whole(&self) -> Option<(&Resources, &Resources)> {
        let actuated = self.resources.as_ref().map(|resources| &resources.requests);
        let both = actuated.filter(|actuated| !actuated.is_empty() && !self.allocated_resources.is_empty());
        both.map(|actuated| (&self.allocated_resources, actuated))
    }

    pub(super) fn allocated<'a>(&'a self, container: &'a Container, infeasible: bool) -> &'a Resources {
        let said = self.of(&container.name).and_then(|status| status.allocated_resources.as_ref());
        said.unwrap_or_else(|| wanted(container, infeasible))
    }

    pub(super) fn actuated<'a>(&'a self, container: &'a Container, infeasible: bool) -> &'a Resources {
        let said = self.of(&container.name).and_then(|status| status.resources.as_ref());
        match said {
            Some(resources) if !resources.requests.is_empty() => &resources.requests,
            _ => self.allocated(container, infeasible),
        }
    }

    fn of(&self, container: &str) -> Option<&ContainerStatus> {
        self.container_statuses
            .iter()
            .chain(&self.init_container_statuses)
            .find(|status| status.name == container)
    }
}

fn wanted(container: &Container, infeasible: bool) -> &Resources {
    static NOTHING: LazyLock<Resources> = LazyLock::new(Resources::new);
    if infeasible { &NOTHING } else { &container.resources.requests }
}
