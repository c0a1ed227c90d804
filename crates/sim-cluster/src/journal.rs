//! What was asked of the cluster from outside, for assertions such as "nothing is written at rest".

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use jiff::Timestamp;
use parking_lot::Mutex;

use crate::hooks::{RequestInfo, Verb};

/// How many requests are remembered; counts go on beyond that.
const CAPACITY: usize = 100_000;

/// One request and what came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JournalEntry {
    /// The request.
    pub request: RequestInfo,
    /// When it was answered.
    pub at: Timestamp,
    /// The HTTP code of the answer; none when no answer was sent.
    pub code: Option<u16>,
    /// Whether the store changed by it.
    pub changed: bool,
}

/// A place in the journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Mark(u64);

/// The requests of a cluster, oldest first. Its own controllers and kubelets do not pass through it.
#[derive(Debug, Clone, Default)]
pub struct Journal {
    inner: Arc<Mutex<Inner>>,
}

#[derive(Debug, Default)]
struct Inner {
    entries: VecDeque<(u64, JournalEntry)>,
    recorded: u64,
    counts: BTreeMap<Verb, u64>,
}

impl Journal {
    /// Now, to count from.
    pub fn mark(&self) -> Mark {
        Mark(self.inner.lock().recorded)
    }

    /// The remembered requests since a mark.
    pub fn since(&self, mark: Mark) -> Vec<JournalEntry> {
        let inner = self.inner.lock();
        inner.entries.iter().filter(|(number, _)| *number >= mark.0).map(|(_, entry)| entry.clone()).collect()
    }

    /// All remembered requests.
    pub fn entries(&self) -> Vec<JournalEntry> {
        self.since(Mark(0))
    }

    /// The requests since a mark that may have changed something, whatever came of them.
    pub fn writes_since(&self, mark: Mark) -> Vec<JournalEntry> {
        let mut entries = self.since(mark);
        entries.retain(|entry| entry.request.is_write());
        entries
    }

    /// How many requests of each verb there were since the cluster started.
    pub fn counts(&self) -> BTreeMap<Verb, u64> {
        self.inner.lock().counts.clone()
    }

    pub(crate) fn record(&self, entry: JournalEntry) {
        let mut inner = self.inner.lock();
        let number = inner.recorded;
        inner.recorded += 1;
        *inner.counts.entry(entry.request.verb).or_default() += 1;
        if inner.entries.len() == CAPACITY {
            inner.entries.pop_front();
        }
        inner.entries.push_back((number, entry));
    }
}
