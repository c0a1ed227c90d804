//! How many, and where.

use std::collections::{BTreeMap, BTreeSet};

use super::golden;
use super::reader::{Faults, Node, Object, shown};
use crate::name::DcName;
use crate::scale::{Autoscale, MAX_CPU_PERCENT, MAX_REPLICAS, Placement, Replication, Scale};

pub(super) const FIELDS: &[&str] = &["replicas", "autoscale", "placement", "exceptions"];
pub(super) const REPLICATION_FIELDS: &[&str] = &["replicas", "autoscale"];
pub(super) const AUTOSCALE_FIELDS: &[&str] = &["min", "max", "cpuPercent"];

/// Enough for one pod to be replaced and another to fail while the third serves.
const DEFAULT_REPLICAS: u32 = 3;

const DEFAULT_CPU_PERCENT: u32 = 70;

/// The most data centers that a document names.
pub(super) const MAX_DCS: usize = 32;

pub(super) fn read(node: &Node<'_>) -> Option<Scale> {
    let scale = node.object(FIELDS)?;
    let size = replication(&scale, Some(Replication::Fixed(DEFAULT_REPLICAS)));
    let placement = scale.or("placement", Placement::All, |node| placement(&node));
    let exceptions = scale.or("exceptions", BTreeMap::new(), |node| {
        node.map(MAX_DCS, dc_key, |node| replication(&node.object(REPLICATION_FIELDS)?, None))
    });
    Some(Scale { placement: placement?, size: size?, exceptions: exceptions? })
}

/// The number of one data center as far as it can be read, without telling anybody what is wrong with it.
pub(super) fn replication_of(node: &Node<'_>) -> Option<Replication> {
    let nobody = Faults::default();
    replication(&node.silently(&nobody).object(REPLICATION_FIELDS)?, None)
}

fn replication(object: &Object<'_>, default: Option<Replication>) -> Option<Replication> {
    let replicas = object.optional("replicas", |node| node.whole(0..=MAX_REPLICAS));
    let auto = object.optional("autoscale", |node| autoscale(&node));
    match (object.get("replicas"), object.get("autoscale")) {
        (Some(_), Some(_)) => {
            object.fault("replicas and autoscale exclude each other", "keep one of the two");
            return None;
        }
        (Some(node), None) => golden::check_replicas(&node, replicas??),
        (None, Some(node)) => {
            let min =
                node.get("min").and_then(|node| Some((bound(&node.silently(&Faults::default()))?, node)));
            if let Some((min, node)) = min {
                golden::check_lower_bound(&node, min);
            }
        }
        (None, None) => {
            if default.is_none() && object.lacks("replicas") && object.lacks("autoscale") {
                object.fault("this says no number", "add replicas or autoscale");
            }
            return default;
        }
    }
    replicas?.map(Replication::Fixed).or(auto?.map(Replication::Auto))
}

fn bound(node: &Node<'_>) -> Option<u32> {
    node.whole(1..=MAX_REPLICAS)
}

fn autoscale(node: &Node<'_>) -> Option<Autoscale> {
    let auto = node.object(AUTOSCALE_FIELDS)?;
    let min = auto.required("min", |node| bound(&node));
    let max = auto.required("max", |node| bound(&node));
    let cpu_percent = auto.or("cpuPercent", DEFAULT_CPU_PERCENT, |node| cpu_percent(&node));
    let (min, max) = (min?, max?);
    if max < min {
        let message = format!("the most ({max}) is less than the fewest ({min})");
        auto.faults().put(&auto.path().field("max"), message, format!("write {min} or more"));
        return None;
    }
    Some(Autoscale { min, max, cpu_percent: cpu_percent? })
}

fn cpu_percent(node: &Node<'_>) -> Option<u32> {
    let remedy = format!("write a whole number from 1 to {MAX_CPU_PERCENT}: {}", Autoscale::WHY_NOT_MORE);
    node.whole_or(1..=MAX_CPU_PERCENT, remedy)
}

fn placement(node: &Node<'_>) -> Option<Placement> {
    if !node.is_list() {
        return node.exactly("All", Some("a list of data centers")).map(|()| Placement::All);
    }
    let mut seen = BTreeSet::new();
    node.list(1..=MAX_DCS, |node| {
        let dc = dc(&node)?;
        if !seen.insert(dc.clone()) {
            node.fault(format!("`{dc}` is named twice"), "name it once");
            return None;
        }
        Some(())
    })
    .map(|_: Vec<()>| Placement::Only(seen.into_iter().collect()))
}

/// The name of a data center.
pub(super) fn dc(node: &Node<'_>) -> Option<DcName> {
    let dc = node.parsed(str::parse, "write the name of a data center of this installation")?;
    node.names(&dc);
    Some(dc)
}

/// The name of a data center as a key.
pub(super) fn dc_key(node: &Node<'_>, key: &str) -> Option<DcName> {
    if let Ok(dc) = key.parse() {
        node.names(&dc);
        return Some(dc);
    }
    node.fault(
        format!("`{}` is no name of a data center", shown(key)),
        "write the name of a data center of this installation",
    );
    None
}
