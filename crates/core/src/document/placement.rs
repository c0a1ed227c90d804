//! What stands in different parts of a document and must fit together: names of data centers.

use std::collections::BTreeSet;

use super::Path;
use super::reader::{Faults, MAX_FAULTS, Node};
use super::{publish, scale};
use crate::error::Violation;
use crate::name::DcName;
use crate::policy::Succeed;

/// Faults where a part of `spec` names a data center in which the App is not placed, or waits for more than there are.
///
/// Nothing is checked against the data centers of the installation: admission knows them, a document does
/// not.
pub(super) fn check(spec: &Node<'_>, faults: &Faults) {
    let Some(placed) = Placed::of(spec) else { return };
    if placed.illegible == 0 {
        let placement = spec.path().field("scale").field("placement");
        for (path, dc) in faults.named() {
            if !path.lies_in(&placement) && !placed.names.contains(&dc) {
                let message = format!("the App is not placed in `{dc}`");
                faults.put(&path, message, "add it to spec.scale.placement, or leave it out here");
            }
        }
    }
    let placed = placed.names.len() + placed.illegible;
    if let Some((wanted, node)) = wanted(spec)
        && wanted > placed
    {
        let message = format!("{wanted} data centers cannot succeed where {placed} are placed");
        faults.put(node.path(), message, format!("write All, or {placed} at most"));
    }
}

/// The data centers that a placement names.
struct Placed {
    names: BTreeSet<DcName>,
    /// How many more it would name if they could be read.
    illegible: usize,
}

impl Placed {
    /// Those of this `spec`, unless it is placed everywhere or nobody can tell.
    fn of(spec: &Node<'_>) -> Option<Self> {
        let list = spec.get("scale")?.get("placement").filter(Node::is_list)?;
        let read: Vec<_> =
            list.items().map(|item| item.as_str().and_then(|name| name.parse().ok())).collect();
        let illegible = read.iter().filter(|name| name.is_none()).count();
        Some(Self { names: read.into_iter().flatten().collect(), illegible })
    }
}

/// How many data centers must take a Release, where it says a number, and where it says so.
fn wanted<'a>(spec: &Node<'a>) -> Option<(usize, Node<'a>)> {
    let node = spec.get("publish")?.get("succeed")?;
    match publish::succeed(&node.silently(&Faults::default()))? {
        Succeed::AtLeast(wanted) => Some((usize::try_from(wanted).ok()?, node)),
        Succeed::All => None,
    }
}

/// Every data center of the document that the installation lacks.
pub(super) fn foreign(named: &[(Path, DcName)], known: &[DcName]) -> Vec<Violation> {
    let remedy = match known {
        [] => "there is none yet; add it with `plimsoll dc add`".to_owned(),
        _ => format!("name one of {}", known.iter().map(DcName::as_str).collect::<Vec<_>>().join(", ")),
    };
    named
        .iter()
        .filter(|(_, dc)| !known.contains(dc))
        .map(|(path, dc)| {
            let message = format!("there is no data center {dc}");
            Violation::new(path.to_string(), message, remedy.clone())
        })
        .take(MAX_FAULTS)
        .collect()
}

/// A fault where the policy needs more data centers than the installation can have for this scale, whatever is meant by
/// what cannot be read or is no data center of it.
pub(super) fn check_reach(spec: &Node<'_>, known: &[DcName], faults: &mut Vec<Violation>) {
    let Some((wanted, node)) = wanted(spec) else { return };
    let placed = most_placed(spec, known);
    let path = node.path().to_string();
    if wanted > placed && faults.iter().all(|known| known.path != path) {
        let message = format!("asks for {wanted} data centers, and the app is placed in {placed}");
        faults.push(Violation::new(path, message, format!("ask for {placed} at most, or for all")));
    }
}

/// In how many of the installation's data centers the App may have pods, if every name and number that is wrong becomes
/// one of those.
fn most_placed(spec: &Node<'_>, known: &[DcName]) -> usize {
    let Some(scale) = spec.get("scale") else { return known.len() };
    let is_any = |node: &Node<'_>| scale::replication_of(node).is_none_or(|size| size.at_most() > 0);
    let exceptions = scale.get("exceptions");
    let elsewhere = (scale.get("replicas").is_none() && scale.get("autoscale").is_none()) || is_any(&scale);
    let placed = Placed::of(spec);
    let is_here = |dc: &&DcName| {
        let named = placed.as_ref().is_none_or(|placed| placed.names.contains(dc));
        let own = exceptions.as_ref().and_then(|exceptions| exceptions.get(dc.as_str()));
        named && own.map_or(elsewhere, |own| is_any(&own))
    };
    let here = known.iter().filter(is_here).count();
    let is_known = |name: &str| known.iter().any(|dc| dc.as_str() == name);
    let meant = placed.map_or(0, |Placed { names, illegible }| {
        names.iter().filter(|dc| !is_known(dc.as_str())).count() + illegible
    });
    let sized = exceptions.map_or(0, |exceptions| {
        let foreign = exceptions.keys().filter(|name| !is_known(name));
        foreign.filter(|name| exceptions.get(name).is_none_or(|own| is_any(&own))).count()
    });
    (here + meant + sized).min(known.len())
}
