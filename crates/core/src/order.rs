//! Making the next Order of an App for a data center out of the one before: a pure function.

use std::collections::BTreeMap;

use crate::digest::Digest;
use crate::name::{DcName, OperationId, ReleaseNumber};
use crate::record::{App, Order, Ordered, OutcomeState, Proven};

/// What the Order before the new one says, and how it fared.
#[derive(Clone, Copy)]
pub struct Before<'a> {
    /// The Order.
    pub order: &'a Order,
    /// How the Operation that wrote it stands in this data center, if that is known; asked for where the Order
    /// is to delete.
    pub settled: Option<OutcomeState>,
    /// What was good in this data center.
    pub proven: Option<&'a Proven>,
}

/// The Order of `app` for `dc`, which brings `release` with `content`.
pub fn order_for(
    app: &App,
    dc: &DcName,
    release: ReleaseNumber,
    content: Digest,
    before: Option<Before<'_>>,
    epoch: u64,
    operation: OperationId,
) -> Order {
    let ordered = Ordered::Run { release, content, power: app.power, replication: app.scale.of(dc) };
    let mut order = Order {
        uid: app.uid,
        epoch,
        operation,
        ordered,
        deleted: Vec::new(),
        restarts: BTreeMap::new(),
        last_good: None,
    };
    let Some(Before { order: before, settled, proven }) = before else {
        return order;
    };
    order.deleted.clone_from(&before.deleted);
    if before.uid != app.uid {
        if settled != Some(OutcomeState::Done) {
            order.deleted.push(before.uid);
        }
        return order;
    }
    order.restarts.clone_from(&before.restarts);
    order.last_good =
        proven.filter(|proven| proven.uid == app.uid).and_then(|proven| proven.other_than(&content)).cloned();
    order
}
