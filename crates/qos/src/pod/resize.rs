//! What may be changed of a running pod without a new one, and what that does to its containers.
//!
//! Source: KEP-1287, KEP-5419, `k8s.io/kubernetes` v1.37 `pkg/apis/core/validation/validation.go`
//! (`ValidatePodResize`) and `pkg/kubelet/kuberuntime/kuberuntime_manager.go` (`computePodResizeAction`).

use thiserror::Error;

use super::{Container, Pod, PodFault, Requirements};
use crate::resources::{CPU, MEMORY};
use crate::{KubernetesVersion, QosClass, Resources, qos_class_by};

/// What the API server says to a resize, and what the node does then.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Resize {
    /// Why the API server refuses it; it is allowed where there is no reason.
    pub refusals: Vec<ResizeRefusal>,
    /// The containers that the node restarts, because their resize policy for what changes says so.
    pub restarts: Vec<String>,
    /// The containers whose memory limit falls while they run: the node does it only once they use less than
    /// the new limit.
    pub best_effort: Vec<String>,
}

/// Why an API server refuses a resize.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ResizeRefusal {
    /// The version knows no resize in place.
    #[error("Kubernetes {0} does not resize in place; 1.33 and later do")]
    NotInPlace(KubernetesVersion),
    /// The class is fixed for the life of a pod.
    #[error("the class would change from {from} to {to}; a pod keeps its class, so that this takes new pods")]
    ClassChange {
        /// The class that the pod has.
        from: QosClass,
        /// The class that it would have.
        to: QosClass,
    },
    /// Containers are added, removed, renamed or put into another order.
    #[error("containers are added, removed, renamed or put into another order")]
    OtherContainers,
    /// A request or limit that is there may be changed, but not taken away.
    #[error("{0}: requests and limits may be changed but not removed")]
    Removed(String),
    /// Something else than CPU and memory changes.
    #[error("{0}: only CPU and memory may be changed")]
    NotCpuOrMemory(String),
    /// Init steps are not resized by this version.
    #[error("{0}: a plain init container cannot be resized before Kubernetes 1.36")]
    InitContainer(String),
    /// An init step runs once and is not restarted.
    #[error("{0}: a plain init container whose resize policy is to restart cannot be resized")]
    InitContainerRestart(String),
    /// Resources of the pod as a whole are not resized by this version.
    #[error("a pod with resources of its own cannot be resized before Kubernetes 1.36")]
    PodLevel,
    /// The new resources are refused whatever the old ones were.
    #[error(transparent)]
    Invalid(PodFault),
}

impl Resize {
    /// Whether the API server takes it.
    pub fn is_allowed(&self) -> bool {
        self.refusals.is_empty()
    }
}

impl Pod {
    /// What an API server of that version says to changing this pod, which it has stored, into `to` by the
    /// `resize` subresource, and what the node does then.
    ///
    /// What the API server fills in is filled in on both sides first: a limit that is raised raises a request
    /// that is not named.
    pub fn resize(&self, to: &Self, version: KubernetesVersion) -> Resize {
        let from = self.defaulted_by(version);
        let mut to = to.clone();
        if to.resources.is_none() && version.completes_pod_level_resources() {
            // From a client that does not know of them.
            to.resources.clone_from(&from.resources);
        }
        let to = to.defaulted_by(version);
        let mut resize = Resize::default();
        if !version.resizes_in_place() {
            resize.refusals.push(ResizeRefusal::NotInPlace(version));
            return resize;
        }
        let refusals = &mut resize.refusals;
        refusals.extend(to.faults().into_iter().map(ResizeRefusal::Invalid));
        let (old, new) = (qos_class_by(&from, version).class, qos_class_by(&to, version).class);
        if old != new {
            refusals.push(ResizeRefusal::ClassChange { from: old, to: new });
        }
        check_whole(&from, &to, version, refusals);
        if names(&from.containers) != names(&to.containers)
            || names(&from.init_containers) != names(&to.init_containers)
        {
            refusals.push(ResizeRefusal::OtherContainers);
            return resize;
        }
        for (old, new) in from.containers.iter().zip(&to.containers) {
            check_container(&format!("container `{}`", old.name), old, new, refusals);
        }
        for (old, new) in from.init_containers.iter().zip(&to.init_containers) {
            check_init_container(old, new, version, refusals);
        }
        let rest = |pod: &Self| Self {
            containers: Vec::new(),
            init_containers: Vec::new(),
            resources: None,
            ..pod.clone()
        };
        if rest(&from) != rest(&to) {
            refusals.push(ResizeRefusal::NotCpuOrMemory("the pod".to_owned()));
        }
        if resize.is_allowed() {
            resize.follow(&from, &to);
        }
        resize
    }
}

impl Resize {
    /// What the node does with a resize that the API server took.
    fn follow(&mut self, from: &Pod, to: &Pod) {
        for (old, new) in from.all_containers().zip(to.all_containers()) {
            let changed = |name: &str| {
                old.resources.requests.amount(name) != new.resources.requests.amount(name)
                    || old.resources.limits.amount(name) != new.resources.limits.amount(name)
            };
            let restarts = [CPU, MEMORY].into_iter().any(|name| changed(name) && new.restarts_for(name));
            let limit = |container: &Container| container.resources.limits.positive(MEMORY).cloned();
            if restarts {
                self.restarts.push(new.name.clone());
            } else if let (Some(old), Some(limit)) = (limit(old), limit(new))
                && limit < old
            {
                self.best_effort.push(new.name.clone());
            }
        }
    }
}

impl Container {
    /// Whether a change of that resource restarts this container; without a policy it does not.
    pub fn restarts_for(&self, resource: &str) -> bool {
        let policy = self.resize_policy.iter().find(|policy| policy.resource_name == resource);
        policy.is_some_and(|policy| policy.restart_policy == "RestartContainer")
    }
}

fn names(containers: &[Container]) -> Vec<&str> {
    containers.iter().map(|container| container.name.as_str()).collect()
}

fn check_whole(from: &Pod, to: &Pod, version: KubernetesVersion, refusals: &mut Vec<ResizeRefusal>) {
    let set = |pod: &Pod| pod.resources.as_ref().is_some_and(|whole| !whole.is_empty());
    if !set(from) && !set(to) {
        if from.resources.is_some() != to.resources.is_some() {
            refusals.push(ResizeRefusal::NotCpuOrMemory("the pod".to_owned()));
        }
        return;
    }
    if !version.resizes_pods_and_init_containers() {
        refusals.push(ResizeRefusal::PodLevel);
        return;
    }
    if from.resources.is_some() && to.resources.is_none() {
        refusals.push(ResizeRefusal::Removed("the pod".to_owned()));
        return;
    }
    let nothing = Requirements::default();
    let (old, new) = (from.resources.as_ref().unwrap_or(&nothing), to.resources.as_ref().unwrap_or(&nothing));
    check_requirements("the pod", old, new, refusals);
}

fn check_container(part: &str, old: &Container, new: &Container, refusals: &mut Vec<ResizeRefusal>) {
    check_requirements(part, &old.resources, &new.resources, refusals);
    let same = old.restart_policy == new.restart_policy && old.resize_policy == new.resize_policy;
    if !same {
        refusals.push(ResizeRefusal::NotCpuOrMemory(part.to_owned()));
    }
}

fn check_init_container(
    old: &Container,
    new: &Container,
    version: KubernetesVersion,
    refusals: &mut Vec<ResizeRefusal>,
) {
    if old.is_sidecar() {
        check_container(&format!("sidecar `{}`", old.name), old, new, refusals);
        return;
    }
    let part = format!("init container `{}`", old.name);
    if old == new {
        return;
    }
    if !version.resizes_pods_and_init_containers() {
        refusals.push(ResizeRefusal::InitContainer(part));
        return;
    }
    check_container(&part, old, new, refusals);
    if new.resize_policy.iter().any(|policy| policy.restart_policy == "RestartContainer") {
        refusals.push(ResizeRefusal::InitContainerRestart(part));
    }
}

fn check_requirements(part: &str, old: &Requirements, new: &Requirements, refusals: &mut Vec<ResizeRefusal>) {
    let removed = |old: &Resources, new: &Resources| old.names().any(|name| !new.contains(name));
    if removed(&old.requests, &new.requests) || removed(&old.limits, &new.limits) {
        refusals.push(ResizeRefusal::Removed(part.to_owned()));
    }
    let others = |list: &Resources| -> Resources {
        let others = list.iter().filter(|(name, _)| *name != CPU && *name != MEMORY);
        others.map(|(name, amount)| (name.clone(), amount.clone())).collect()
    };
    if others(&old.requests) != others(&new.requests) || others(&old.limits) != others(&new.limits) {
        refusals.push(ResizeRefusal::NotCpuOrMemory(part.to_owned()));
    }
}
