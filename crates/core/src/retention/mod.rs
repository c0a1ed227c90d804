//! What the ledger no longer needs at hand: pure decisions from what is there and what time it is.
//!
//! The ledger holds hot state: heads, Orders, Operations that run, and of each App as much of the past as people and
//! rollbacks reach for. The rest goes into the [archive](crate::archive), and what only served for a time goes
//! altogether. Whoever acts on a decision compares, in the transaction that removes, what the decision hangs on:
//! everything that could come to need an entry goes through the App's record or the entry itself.

mod image_operations;
mod operations;
mod releases;
mod tombstones;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::Timestamp;

use crate::digest::Digest;
use crate::name::{DcName, OperationId, ReleaseNumber};
use crate::record::{App, OperationParts, Order, Proven, Release, Verdict};

pub use self::image_operations::{IMAGE_OPERATION_AGE, IMAGE_OPERATIONS, image_operations};
pub use self::tombstones::forget_at;

/// So many of the newest Releases of an App stay, whatever they were.
pub const RELEASES: usize = 50;
/// So many rollbacks one after the other, each without a number, find what they would have found in the whole history.
pub const WAYS_BACK: usize = 5;
/// So many of the newest Operations of an App stay, whatever they did.
pub const OPERATIONS: usize = 25;
/// A request is kept so long, so that its repeat gets the same answer.
pub const REQUEST_AGE: Duration = Duration::from_hours(24);
/// So long after it was confirmed everywhere a deletion is remembered if nobody says.
pub const TOMBSTONE_AGE: Duration = Duration::from_hours(7 * 24);
/// So long the last Operations of an App that was deleted stay.
pub const GONE_AGE: Duration = Duration::from_hours(7 * 24);
/// How far the clocks of two servers may be apart before anything goes earlier than stated: whoever tidies waits so
/// much longer, as another server may have stamped what it looks at. Of what is kept for less than this, as much as it is
/// kept for.
pub const CLOCK_MARGIN: Duration = Duration::from_hours(1);

/// Whether `limit` has passed since `stamp`, by any clock that is right to within [`CLOCK_MARGIN`].
pub fn is_over(stamp: Timestamp, limit: Duration, now: Timestamp) -> bool {
    end_of(stamp, limit).is_some_and(|end| end <= now)
}

/// When `limit` has passed since `stamp` by every such clock; none where no calendar goes so far.
fn end_of(stamp: Timestamp, limit: Duration) -> Option<Timestamp> {
    stamp.checked_add(limit + CLOCK_MARGIN.min(limit)).ok()
}

/// Everything that the ledger holds under one App's name and that what may go hangs on.
#[derive(Clone, Debug, Default)]
pub struct Holding {
    /// The App; none when it was deleted.
    pub app: Option<App>,
    /// What the data centers are to have.
    pub orders: BTreeMap<DcName, Order>,
    /// What was good in which data center, and may be ordered as what to fall back to.
    pub proven: Vec<Proven>,
    /// The data centers whose answers are awaited: those that are neither removed nor declared lost.
    pub dcs: BTreeSet<DcName>,
    /// The ids of all its Operations, of every life.
    pub history: BTreeSet<OperationId>,
    /// Those Operations that [`Holding::asks_for`] named.
    pub operations: BTreeMap<OperationId, OperationParts>,
    /// The Releases of its present life, by number.
    pub releases: Vec<(Release, Verdict)>,
}

/// What may go.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Removals {
    /// These Operations, with their outcomes, control and end, oldest first.
    pub operations: Vec<OperationId>,
    /// The deletions ordered in these data centers.
    pub tombstones: Vec<DcName>,
    /// These Releases, with their verdicts, oldest first.
    pub releases: Vec<ReleaseNumber>,
    /// These contents, which nothing refers to once the Releases are gone.
    pub contents: BTreeSet<Digest>,
    /// Whether more may go later though nobody changes the App: by time, or when an Operation ends.
    pub more_later: bool,
}

impl Removals {
    /// Whether nothing may go now.
    pub fn is_empty(&self) -> bool {
        let Self { operations, tombstones, releases, contents, more_later: _ } = self;
        operations.is_empty() && tombstones.is_empty() && releases.is_empty() && contents.is_empty()
    }
}

impl Holding {
    /// The Operations that have to be read before [`decide`]: those old enough to go, at most `limit` of them, and
    /// those that something refers to.
    pub fn asks_for(&self, limit: usize) -> BTreeSet<OperationId> {
        let current = self.app.iter().flat_map(|app| app.operations.values()).copied();
        let wrote = self.orders.values().map(|order| order.operation);
        current.chain(wrote).chain(self.old_operations().take(limit)).collect()
    }

    /// Those that are not among the newest; of an App that is gone all.
    fn old_operations(&self) -> impl Iterator<Item = OperationId> {
        let stay = if self.app.is_some() { OPERATIONS } else { 0 };
        self.history.iter().take(self.history.len().saturating_sub(stay)).copied()
    }
}

/// Decides what may go of one App: at most `limit` Operations and as many Releases, the oldest first. `requested` are
/// the Operations that a repeated request would be answered with; a deletion is remembered for `remember`.
pub fn decide(
    holding: &Holding,
    requested: &BTreeSet<OperationId>,
    remember: Duration,
    now: Timestamp,
    limit: usize,
) -> Removals {
    let mut removals = Removals::default();
    tombstones::decide(holding, remember, now, &mut removals);
    operations::decide(holding, requested, now, limit, &mut removals);
    if let Some(app) = &holding.app {
        releases::decide(holding, app, limit, &mut removals);
    }
    removals
}

#[cfg(test)]
mod tests;
