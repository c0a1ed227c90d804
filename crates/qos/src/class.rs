//! The QoS class of a pod, and why it is this one.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{Pod, Requirements, Resources};

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
const DECIDING: [&str; 2] = ["cpu", "memory"];

/// The class of a pod as it stands, without defaulting; see [`Pod::defaulted`].
///
/// Resources of the pod as a whole, if any are set, decide alone; otherwise every container and every init
/// container counts (KEP-2837, KEP-753).
pub fn qos_class(pod: &Pod) -> Classified {
    if let Some(whole) = pod.resources.as_ref().filter(|whole| !whole.is_empty()) {
        return judge(&[("the pod".to_owned(), whole)]);
    }
    let containers = pod.containers.iter().map(|c| (format!("container `{}`", c.name), &c.resources));
    let init = pod.init_containers.iter().map(|c| {
        let kind = if c.is_sidecar() { "sidecar" } else { "init container" };
        (format!("{kind} `{}`", c.name), &c.resources)
    });
    judge(&containers.chain(init).collect::<Vec<_>>())
}

fn judge(parts: &[(String, &Requirements)]) -> Classified {
    let set = |list: &Resources| DECIDING.iter().any(|name| list.positive(name).is_some());
    if !parts.iter().any(|(_, part)| set(&part.requests) || set(&part.limits)) {
        let because = "no container requests or limits CPU or memory".to_owned();
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
    DECIDING.iter().find_map(|name| {
        let Some(limit) = part.limits.positive(name) else {
            return Some(format!("has no {name} limit"));
        };
        match part.requests.positive(name) {
            None => Some(format!("has no {name} request")),
            Some(request) if request == limit => None,
            Some(request) => Some(format!("requests {request} of {name} and may use {limit}")),
        }
    })
}
