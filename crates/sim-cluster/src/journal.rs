//! What was asked of the cluster from outside, for assertions such as "nothing is written at rest".

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
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

/// Something was written where nothing should have been.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotQuiet {
    /// These requests may have changed something.
    #[error("{} writes:\n{}", .0.len(), .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
    Writes(Vec<JournalEntry>),
    /// There were more requests than are remembered, and a write was among those that are not.
    #[error("there were writes among {forgotten} requests that are not remembered any more")]
    Forgotten {
        /// How many requests since the mark are not remembered.
        forgotten: u64,
    },
}

/// `ann of kubectl/v1.37: update deployments.apps/scale default/shop: 200`.
impl fmt::Display for JournalEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { request, at: _, code, changed } = self;
        write!(f, "{} of {}: {} {}", request.user, request.agent, request.verb.name(), request.resource)?;
        if !request.group.is_empty() {
            write!(f, ".{}", request.group)?;
        }
        if !request.subresource.is_empty() {
            write!(f, "/{}", request.subresource)?;
        }
        let place = [&request.namespace, &request.name].into_iter().filter(|part| !part.is_empty());
        let place = place.map(String::as_str).collect::<Vec<_>>().join("/");
        if !place.is_empty() {
            write!(f, " {place}")?;
        }
        match code {
            Some(code) => write!(f, ": {code}")?,
            None => f.write_str(": no answer")?,
        }
        if request.is_write() && !changed { f.write_str(", nothing changed") } else { Ok(()) }
    }
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
    /// The number of the last write that is not remembered any more.
    forgotten_write: Option<u64>,
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

    /// Fails with the requests since a mark that may have changed something, whatever came of them.
    ///
    /// ```
    /// # use plimsoll_sim_cluster::{NotQuiet, SimCluster};
    /// # async fn example(cluster: &SimCluster) -> Result<(), NotQuiet> {
    /// let mark = cluster.journal().mark();
    /// tokio::time::sleep(std::time::Duration::from_secs(3600)).await;
    /// cluster.journal().quiet_since(mark)
    /// # }
    /// ```
    pub fn quiet_since(&self, mark: Mark) -> Result<(), NotQuiet> {
        let inner = self.inner.lock();
        if inner.forgotten_write.is_some_and(|number| number >= mark.0) {
            let first = inner.entries.front().map_or(inner.recorded, |(number, _)| *number);
            return Err(NotQuiet::Forgotten { forgotten: first.saturating_sub(mark.0) });
        }
        drop(inner);
        let writes = self.writes_since(mark);
        if writes.is_empty() { Ok(()) } else { Err(NotQuiet::Writes(writes)) }
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
        if inner.entries.len() == CAPACITY
            && let Some((number, oldest)) = inner.entries.pop_front()
            && oldest.request.is_write()
        {
            inner.forgotten_write = Some(number);
        }
        inner.entries.push_back((number, entry));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mk_entry(verb: Verb) -> JournalEntry {
        let request = RequestInfo {
            sequence: 0,
            user: "ann".into(),
            agent: "test".into(),
            verb,
            group: "apps".into(),
            version: "v1".into(),
            resource: "deployments".into(),
            subresource: "scale".into(),
            namespace: "n".into(),
            name: "shop".into(),
            patch: None,
            field_manager: String::new(),
            dry_run: false,
        };
        JournalEntry { request, at: Timestamp::UNIX_EPOCH, code: None, changed: true }
    }

    #[test]
    fn nothing_is_said_to_be_quiet_whose_requests_are_not_remembered() {
        let journal = Journal::default();
        journal.record(mk_entry(Verb::Get));
        let mark = journal.mark();
        journal.record(mk_entry(Verb::Update));
        let later = journal.mark();
        let told = journal.quiet_since(mark).unwrap_err().to_string();
        assert_eq!(told, "1 writes:\nann of test: update deployments.apps/scale n/shop: no answer");
        for _ in 0..=CAPACITY {
            journal.record(mk_entry(Verb::Get));
        }
        assert_eq!(journal.entries().len(), CAPACITY);
        assert_eq!(journal.quiet_since(mark), Err(NotQuiet::Forgotten { forgotten: 2 }));
        assert_eq!(journal.quiet_since(later), Ok(()));
    }
}
