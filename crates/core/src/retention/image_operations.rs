//! Operations on registries that ended: no App's past is made of them.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::Timestamp;

use super::{REQUEST_AGE, is_over};
use crate::name::OperationId;

/// So many of the newest Operations on registries that ended stay at most.
pub const IMAGE_OPERATIONS: usize = 200;
/// So long they stay at most.
pub const IMAGE_OPERATION_AGE: Duration = Duration::from_hours(30 * 24);

/// Which of the Operations on registries that ended, each with when that was, may go. `requested` are those that a
/// repeated request would be answered with.
pub fn image_operations(
    ended: &BTreeMap<OperationId, Timestamp>,
    requested: &BTreeSet<OperationId>,
    now: Timestamp,
) -> Vec<OperationId> {
    let goes = |(newer, (id, at)): (usize, (&OperationId, &Timestamp))| {
        // What ended within a day may be the answer to a request that is repeated, also to one that came after the
        // requests were looked at.
        let limit = if newer >= IMAGE_OPERATIONS { REQUEST_AGE } else { IMAGE_OPERATION_AGE };
        (!requested.contains(id) && is_over(*at, limit, now)).then_some(*id)
    };
    ended.iter().rev().enumerate().filter_map(goes).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_stay_for_thirty_days_and_what_is_asked_for_stays() {
        let id = |n: u128| OperationId::from(uuid::Uuid::from_u128(n));
        let hour = |hours: i64| Timestamp::from_second(hours * 3600).unwrap();
        let ended: BTreeMap<_, _> = (0..203).map(|n| (id(n), hour(0))).collect();
        let none = BTreeSet::new();
        let gone = |requested: &BTreeSet<_>, now| image_operations(&ended, requested, hour(now));
        assert_eq!(gone(&none, 24), [], "clocks may be an hour apart");
        assert_eq!(gone(&none, 25), [id(2), id(1), id(0)]);
        assert_eq!(gone(&BTreeSet::from([id(1)]), 30 * 24), [id(2), id(0)]);
        assert_eq!(gone(&none, 30 * 24 + 1).len(), 203);
    }
}
