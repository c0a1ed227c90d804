//! The last changes of one resource, for watches that start from a revision.

use std::collections::VecDeque;
use std::sync::Arc;

use super::object::{Object, Stored};
use super::table::parts;

/// How many changes a resource remembers, and how much JSON; a watch from further back is answered 410 Gone.
const CAPACITY: usize = 8192;
const BYTES: usize = 32 << 20;

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
    path: Arc<str>,
    after: Arc<Stored>,
    before: Option<Arc<Stored>>,
}

impl Change {
    pub(super) fn new(
        revision: u64,
        kind: ChangeKind,
        path: Arc<str>,
        after: Arc<Stored>,
        before: Option<Arc<Stored>>,
    ) -> Self {
        Self { revision, kind, path, after, before }
    }

    /// The namespace that it happened in, empty for what is in none.
    pub(crate) fn namespace(&self) -> &str {
        parts(&self.path).0
    }

    /// The state after the write; for a removal the last state, with the revision of the removal.
    pub(crate) fn object(&self) -> Object {
        Object::of(&self.after)
    }

    /// The state before the write, for selectors that an object begins or ceases to match.
    pub(crate) fn previous(&self) -> Option<Object> {
        self.before.as_ref().map(Object::of)
    }

    pub(super) fn path(&self) -> &Arc<str> {
        &self.path
    }

    pub(super) fn before(&self) -> Option<&Arc<Stored>> {
        self.before.as_ref()
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
    /// Of the states after the changes; those before are mostly the ones after earlier changes.
    bytes: usize,
    /// Changes up to and including this revision are forgotten.
    floor: u64,
}

impl History {
    pub(super) fn starting_after(revision: u64) -> Self {
        Self { changes: VecDeque::new(), bytes: 0, floor: revision }
    }

    pub(super) fn push(&mut self, change: Arc<Change>) {
        self.bytes += change.after.len();
        self.changes.push_back(change);
        // The last one stays, however large it is: whoever watches is about to be told of it.
        while (self.changes.len() > CAPACITY || self.bytes > BYTES)
            && self.changes.len() > 1
            && let Some(oldest) = self.changes.pop_front()
        {
            self.bytes -= oldest.after.len();
            self.floor = oldest.revision;
        }
    }

    pub(super) fn since(&self, revision: u64) -> Result<Vec<Arc<Change>>, Compacted> {
        if revision < self.floor {
            return Err(Compacted { oldest: self.floor });
        }
        let start = self.changes.partition_point(|change| change.revision <= revision);
        Ok(self.changes.range(start..).cloned().collect())
    }
}

#[cfg(test)]
mod tests {
    use crate::tree::json;

    use super::super::{Key, Store};
    use super::{BYTES, CAPACITY, Compacted};

    #[test]
    fn no_more_changes_are_remembered_than_there_is_room_for() {
        let store = Store::in_memory();
        let key = Key::new("a", "n", "x");
        for _ in 0..=CAPACITY {
            store.begin().put(&key, json!({})).unwrap();
        }
        assert_eq!(store.changes_since(&key.resource, 1).unwrap_err(), Compacted { oldest: 2 });
        assert_eq!(store.changes_since(&key.resource, 2).unwrap().len(), CAPACITY);
    }

    #[test]
    fn large_objects_are_remembered_less_long() {
        let store = Store::in_memory();
        let key = Key::new("a", "n", "x");
        let large = json!({"data": "x".repeat(BYTES / 4)});
        for _ in 0..5 {
            store.begin().put(&key, large.clone()).unwrap();
        }
        assert!(store.changes_since(&key.resource, 2).is_err());
        assert_eq!(store.changes_since(&key.resource, 3).unwrap().len(), 3);
        store.begin().put(&key, json!({"data": "x".repeat(2 * BYTES)})).unwrap();
        assert_eq!(store.changes_since(&key.resource, 6).unwrap().len(), 1);
    }
}
