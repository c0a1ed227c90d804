//! Operations that ended and that nothing follows from any more.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::{GONE_AGE, Holding, OPERATIONS, REQUEST_AGE, Removals, is_over, releases};
use crate::fold::OperationState;
use crate::name::OperationId;
use crate::record::{EndState, Kind, OperationParts};

pub(super) fn decide(
    holding: &Holding,
    requested: &BTreeSet<OperationId>,
    now: Timestamp,
    limit: usize,
    removals: &mut Removals,
) {
    for id in holding.old_operations() {
        let Some(parts) = holding.operations.get(&id) else {
            // It was not read, as there were enough.
            removals.more_later = true;
            continue;
        };
        if is_referred_to(holding, id) {
            continue;
        }
        let goes = removals.operations.len() < limit
            && !requested.contains(&id)
            && !is_open(parts)
            && is_past(holding, parts, now);
        if goes {
            removals.operations.push(id);
        } else {
            removals.more_later = true;
        }
    }
}

/// Whether it is the newest of its track, wrote an Order, or would write one for a data center that is added.
fn is_referred_to(holding: &Holding, id: OperationId) -> bool {
    holding.app.iter().any(|app| app.operations.values().any(|current| *current == id))
        || holding.orders.values().any(|order| order.operation == id)
        || holding
            .app
            .iter()
            .filter_map(|app| releases::completed(holding, app))
            .any(|release| release.operation == id)
}

/// Whether it runs, or a data center still owes the answer that it deleted the App.
fn is_open(parts: &OperationParts) -> bool {
    let Some(end) = &parts.end else { return true };
    parts.operation.kind == Kind::Delete
        && end.value.state == EndState::SucceededOwing
        && parts.standing().state != OperationState::Succeeded
}

/// Whether an App's past no longer includes it: enough came after it, or the App is long gone. What ended within a day
/// may be the answer to a request that is repeated, also to one that came after the requests were looked at.
fn is_past(holding: &Holding, parts: &OperationParts, now: Timestamp) -> bool {
    let Some(end) = &parts.end else { return false };
    let newer = holding.history.range(parts.operation.id..).count().saturating_sub(1);
    let limit = if newer >= OPERATIONS { REQUEST_AGE } else { GONE_AGE };
    is_over(end.value.at, limit, now)
}
