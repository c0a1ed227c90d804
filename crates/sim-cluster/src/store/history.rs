//! The last changes of one resource, for watches that start from a revision.

use std::collections::VecDeque;
use std::sync::{Arc, OnceLock};

use bytes::Bytes;

use super::Object;

/// How many changes a resource remembers; a watch from further back is answered 410 Gone.
const CAPACITY: usize = 8192;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ChangeKind {
    Added,
    Modified,
    Deleted,
}

/// One write, as watches see it.
#[derive(Debug)]
pub(crate) struct Change {
    pub(crate) revision: u64,
    pub(crate) kind: ChangeKind,
    /// The state after the write; for a removal the last state, with the revision of the removal.
    pub(crate) object: Object,
    /// The state before the write, for selectors that an object begins or ceases to match.
    pub(crate) previous: Option<Object>,
    encoded: OnceLock<Bytes>,
}

impl Change {
    pub(super) fn new(revision: u64, kind: ChangeKind, object: Object, previous: Option<Object>) -> Self {
        Self { revision, kind, object, previous, encoded: OnceLock::new() }
    }

    /// The object as JSON, encoded once for all watchers.
    pub(crate) fn encoded(&self) -> &Bytes {
        self.encoded.get_or_init(|| Bytes::from(self.object.to_string()))
    }
}

/// The revision asked for is older than what is remembered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Compacted {
    /// The oldest revision from which a watch may still start.
    pub(crate) oldest: u64,
}

#[derive(Debug)]
pub(super) struct History {
    changes: VecDeque<Arc<Change>>,
    /// Changes up to and including this revision are forgotten.
    floor: u64,
}

impl History {
    pub(super) fn starting_after(revision: u64) -> Self {
        Self { changes: VecDeque::new(), floor: revision }
    }

    pub(super) fn push(&mut self, change: Arc<Change>) {
        if self.changes.len() == CAPACITY
            && let Some(oldest) = self.changes.pop_front()
        {
            self.floor = oldest.revision;
        }
        self.changes.push_back(change);
    }

    pub(super) fn since(&self, revision: u64) -> Result<Vec<Arc<Change>>, Compacted> {
        if revision < self.floor {
            return Err(Compacted { oldest: self.floor });
        }
        let start = self.changes.partition_point(|change| change.revision <= revision);
        Ok(self.changes.range(start..).cloned().collect())
    }

    pub(super) fn forget(&mut self, revision: u64) {
        self.changes.clear();
        self.floor = revision;
    }
}
