//! What the ranges of a namespace fill in before a pod is stored.

use super::Limits;
use super::namespace::container_items;
use super::object::LimitsItem;
use crate::{Pod, Quantity, Resources};

/// Gives each container the limits and requests that it does not say and a range has: the first that has one, as
/// `LimitRanger` takes them one after the other.
///
/// A range that would thereby refuse the pod has a finding of its own.
pub(super) fn fill_in(pod: &mut Pod, ranges: &[&Limits]) {
    for (_, item) in ranges.iter().flat_map(|limits| container_items(limits)) {
        for container in pod.containers.iter_mut().chain(&mut pod.init_containers) {
            let own = &mut container.resources;
            fill(&mut own.limits, default_limits(item));
            fill(&mut own.requests, default_requests(item));
        }
    }
}

fn fill<'a>(own: &mut Resources, defaults: impl Iterator<Item = (&'a String, &'a Quantity)>) {
    for (name, amount) in defaults {
        if !own.contains(name) {
            own.insert(name, amount.clone());
        }
    }
}

/// Kubernetes stores a range with its defaults completed: of the largest where no limit is said.
fn default_limits(item: &LimitsItem) -> impl Iterator<Item = (&String, &Quantity)> {
    item.default.iter().chain(item.max.iter())
}

/// The same of requests: of the limit, and last of the smallest.
fn default_requests(item: &LimitsItem) -> impl Iterator<Item = (&String, &Quantity)> {
    item.default_request.iter().chain(default_limits(item)).chain(item.min.iter())
}
