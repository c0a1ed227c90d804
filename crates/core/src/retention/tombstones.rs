//! Deletions that were confirmed everywhere, long enough ago.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::{Holding, Removals, TOMBSTONE_AGE, is_over};
use crate::name::{DcName, OperationId};
use crate::record::{OperationParts, Ordered, OutcomeState};

pub(super) fn decide(holding: &Holding, now: Timestamp, removals: &mut Removals) {
    let mut deletions: BTreeMap<OperationId, Vec<&DcName>> = BTreeMap::new();
    for (dc, order) in &holding.orders {
        if order.ordered == Ordered::Deleted {
            deletions.entry(order.operation).or_default().push(dc);
        }
    }
    for (id, dcs) in deletions {
        let confirmed = holding.operations.get(&id).is_some_and(|parts| is_confirmed(holding, parts, now));
        if confirmed {
            removals.tombstones.extend(dcs.into_iter().cloned());
        } else {
            removals.more_later = true;
        }
    }
    removals.tombstones.sort();
}

/// Whether every data center that there still is has answered, and the time after that is over. Where another life of
/// the name was ordered over the deletion, that life's Order asks for it.
fn is_confirmed(holding: &Holding, parts: &OperationParts, now: Timestamp) -> bool {
    let answered = parts.outcomes.iter().all(|(dc, outcome)| {
        let outcome = &outcome.value;
        let settled = matches!(outcome.state, OutcomeState::Done | OutcomeState::Superseded);
        !holding.dcs.contains(dc) || (settled && is_over(outcome.since, TOMBSTONE_AGE, now))
    });
    answered && is_over(parts.operation.created, TOMBSTONE_AGE, now)
}
