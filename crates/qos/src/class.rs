//! The QoS class of a pod, and why it is this one.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::pod::is_pod_level;
use crate::resources::{CPU, MEMORY};
use crate::{KubernetesVersion, Pod, Quantity, Requirements, Resources};

/// Kubernetes' quality-of-service class of a pod.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum QosClass {
    /// Every container requests exactly what it may use.
    Guaranteed,
    /// Something is requested or limited, but not all of it alike.
    Burstable,
    /// Nothing is requested or limited.
    BestEffort,
}

impl fmt::Display for QosClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Guaranteed => "Guaranteed",
            Self::Burstable => "Burstable",
            Self::BestEffort => "BestEffort",
        })
    }
}

/// A class and the reason for it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Classified {
    /// The class.
    pub class: QosClass,
    /// Why, for people: "container `proxy` has no memory limit".
    pub because: String,
}

/// Only these two decide the class; zero is the same as absent.
const DECIDING: [(&str, &str); 2] = [(CPU, "CPU"), (MEMORY, "memory")];

/// The class of a pod as it stands, by the newest known rules; see [`qos_class_by`].
pub fn qos_class(pod: &Pod) -> Classified {
    qos_class_by(pod, KubernetesVersion::LATEST)
}

/// The class that an API server of that version gives to a pod as it stands, without defaulting; see
/// [`Pod::defaulted_by`].
///
/// Resources of the pod as a whole, if any of CPU, memory and huge pages are set, decide alone; otherwise every
/// container and every init container counts (KEP-2837, KEP-753). Ephemeral containers and overhead never do.
/// Resources that an API server refuses have a class too, by the same rules; see [`Pod::faults`].
///
/// Source: `k8s.io/kubernetes` v1.37 `pkg/apis/core/v1/helper/qos/qos.go`.
pub fn qos_class_by(pod: &Pod, version: KubernetesVersion) -> Classified {
    match &pod.resources {
        Some(whole) if decides(whole, version) => judge(&[("the pod as a whole".to_owned(), whole)]),
        _ => judge(&pod.parts().collect::<Vec<_>>()),
    }
}

/// Whether resources of the pod as a whole decide its class. From 1.34 to 1.36 they did even where they were
/// empty.
fn decides(whole: &Requirements, version: KubernetesVersion) -> bool {
    let mut names = whole.requests.names().chain(whole.limits.names());
    version.has_pod_level_resources() && (!version.completes_pod_level_resources() || names.any(is_pod_level))
}

fn judge(parts: &[(String, &Requirements)]) -> Classified {
    let set = |list: &Resources| DECIDING.iter().any(|(name, _)| written(list, name).is_some());
    if !parts.iter().any(|(_, part)| set(&part.requests) || set(&part.limits)) {
        let because = match parts {
            [(name, _)] => format!("{name} neither requests nor limits CPU or memory"),
            _ => "no container requests or limits CPU or memory".to_owned(),
        };
        return Classified { class: QosClass::BestEffort, because };
    }
    match parts.iter().find_map(|(name, part)| unequal(part).map(|reason| format!("{name} {reason}"))) {
        Some(because) => Classified { class: QosClass::Burstable, because },
        None => Classified {
            class: QosClass::Guaranteed,
            because: "CPU and memory are limited everywhere, and all that may be used is requested"
                .to_owned(),
        },
    }
}

fn unequal(part: &Requirements) -> Option<String> {
    DECIDING.iter().find_map(|(name, shown)| {
        let Some(limit) = written(&part.limits, name) else {
            return Some(format!("has no {shown} limit"));
        };
        match written(&part.requests, name) {
            None => Some(format!("has no {shown} request")),
            Some(request) if request == limit => None,
            Some(request) => Some(format!("requests {request} of {shown} and may use {limit}")),
        }
    })
}

fn written<'a>(list: &'a Resources, name: &str) -> Option<&'a Quantity> {
    list.get(name).filter(|amount| !amount.is_zero())
}
