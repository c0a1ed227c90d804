//! The leases of nodes, which kubelets renew every ten seconds.
//!
//! A cluster in which nothing happens writes nothing, and nobody but people looks at these: so a lease is renewed when it is about to
//! be read, and its renewal is then overdue; and once more when its node is lost, for that is when it was heard of last.
//! Who watches is told of the renewals that reads bring about.

use jiff::{SignedDuration, Timestamp};

use super::registration::LEASES;
use crate::api::{Api, Caller, Part, Target};
use crate::clock;
use crate::nodes::Nodes;
use crate::object::{self, text};
use crate::status::ApiError;
use crate::store::{Key, Object};

const TABLE: &str = "leases.coordination.k8s.io";
/// How often a kubelet renews: a quarter of the time for which the lease holds.
const EVERY: SignedDuration = SignedDuration::from_secs(10);

/// Does what kubelets would have done by now, where somebody is about to read what this names.
pub(crate) fn before_read(api: &Api, nodes: &Nodes, target: &Target) -> Result<(), ApiError> {
    if &*target.resource.key != TABLE || !matches!(target.namespace.as_str(), "" | LEASES) {
        return Ok(());
    }
    let now = api.now();
    for lease in api.store.list(TABLE, Some(LEASES)) {
        let name = object::name(&lease);
        let is_meant = target.name.is_empty() || target.name == name;
        let renewed = clock::parse(text(&lease, "/spec/renewTime"));
        let is_due = renewed.is_none_or(|renewed| now.duration_since(renewed) >= EVERY);
        let lives = api.store.get(&Key::new("nodes", "", name)).is_some() && !nodes.is_lost(name);
        if is_meant && is_due && lives {
            renew(api, &lease, now)?;
        }
    }
    Ok(())
}

/// Does what the kubelet of a node did as its last.
pub(super) fn of_node(api: &Api, node: &str, at: Timestamp) -> Result<(), ApiError> {
    match api.store.get(&Key::new(TABLE, LEASES, node)) {
        Some(lease) => renew(api, &lease, at),
        None => Ok(()),
    }
}

fn renew(api: &Api, lease: &Object, at: Timestamp) -> Result<(), ApiError> {
    let name = object::name(lease);
    let Some(resource) = api.registry.by_key(TABLE) else { return Ok(()) };
    // Another who holds it has a reason.
    if text(lease, "/spec/holderIdentity") != name {
        return Ok(());
    }
    let target = Target::new(&resource, LEASES, name);
    api.modify(&Caller::component("kubelet"), &target, Part::Main, |lease| {
        lease["spec"]["renewTime"] = clock::micros(at).into();
    })
    .map(drop)
}
