//! Deletions that were confirmed everywhere, long enough ago.
//!
//! Such a deletion goes by data center. The worker there takes the App resource away first, which still says that the
//! App is deleted, and then the Order from the ledger: so there is never a resource that the ledger knows nothing of.
//! A data center that is away then is not waited for for ever. The ledger lets go of its deletion when as much time
//! has passed once more; what it has on its return says by itself that it is over, and its worker takes it away.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;

use super::{Holding, Removals, end_of, is_over};
use crate::name::{DcName, OperationId};
use crate::record::{OperationParts, Ordered, OutcomeState};

/// When a deletion has been remembered for long enough: so long after every data center that is awaited has answered.
/// None while one has not. Where another life of the name was ordered over the deletion, that life's Order asks for
/// it.
pub fn forget_at(
    parts: &OperationParts,
    is_awaited: impl Fn(&DcName) -> bool,
    remember: Duration,
) -> Option<Timestamp> {
    let mut last = parts.operation.created;
    for (_, outcome) in parts.outcomes.iter().filter(|(dc, _)| is_awaited(dc)) {
        match outcome.value.state {
            OutcomeState::Done | OutcomeState::Superseded => last = last.max(outcome.value.since),
            _ => return None,
        }
    }
    end_of(last, remember)
}

pub(super) fn decide(holding: &Holding, remember: Duration, now: Timestamp, removals: &mut Removals) {
    let mut deletions: BTreeMap<OperationId, Vec<&DcName>> = BTreeMap::new();
    for (dc, order) in &holding.orders {
        if order.ordered == Ordered::Deleted {
            deletions.entry(order.operation).or_default().push(dc);
        }
    }
    let is_awaited = |dc: &DcName| holding.dcs.contains(dc);
    for (id, dcs) in deletions {
        let at = holding.operations.get(&id).and_then(|parts| forget_at(parts, is_awaited, remember));
        for dc in dcs {
            // Nobody works for one that was removed or declared lost.
            let goes =
                at.is_some_and(|at| if is_awaited(dc) { is_over(at, remember, now) } else { at <= now });
            if goes {
                removals.tombstones.push(dc.clone());
            } else {
                removals.more_later = true;
            }
        }
    }
    removals.tombstones.sort();
}
