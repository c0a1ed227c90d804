//! The ledger in memory.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::num::NonZeroU64;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use plimsoll_core::ledger::{
    Committed, Direction, Entry, Error, Ledger, Page, Range, Revision, Seat, Size, Transaction, Watch,
};

use crate::apply::{Applied, Entries, apply};
use crate::bounds;
use crate::elections::Elections;
use crate::page::{Filling, stretch};
use crate::quota::DEFAULT_QUOTA;
use crate::sync::lock;
use crate::watches::{History, Watches};

/// A ledger that keeps nothing: for tests. It does no IO and reads no clock, so it goes well with paused time.
#[derive(Debug)]
pub struct MemoryLedger {
    state: Mutex<State>,
    watches: Arc<Watches>,
    elections: Elections,
    quota: NonZeroU64,
}

#[derive(Clone, Debug, Default)]
struct State {
    revision: Revision,
    entries: Map,
    used: u64,
}

type Map = BTreeMap<String, (Revision, Vec<u8>)>;

impl MemoryLedger {
    /// An empty ledger.
    pub fn new() -> Self {
        Self::with_history(History::default())
    }

    /// An empty ledger with so much history for watches.
    pub fn with_history(history: History) -> Self {
        Self::from_state(State::default(), history, DEFAULT_QUOTA)
    }

    /// An empty ledger that is meant to hold so many bytes.
    pub fn with_quota(quota: NonZeroU64) -> Self {
        Self::from_state(State::default(), History::default(), quota)
    }

    /// A ledger of its own that begins as this one is now, as a backup put back does: the same entries, the
    /// same revision, no history, no seats taken.
    #[must_use]
    pub fn fork(&self) -> Self {
        Self::from_state(lock(&self.state).clone(), History::default(), self.quota)
    }

    fn from_state(state: State, history: History, quota: NonZeroU64) -> Self {
        Self {
            watches: Arc::new(Watches::new(history, state.revision)),
            state: Mutex::new(state),
            elections: Elections::default(),
            quota,
        }
    }
}

impl Default for MemoryLedger {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for MemoryLedger {
    fn drop(&mut self) {
        self.watches.close();
    }
}

#[async_trait]
impl Ledger for MemoryLedger {
    async fn get(&self, key: &str) -> Result<Option<Entry>, Error> {
        bounds::key(key)?;
        Ok(lock(&self.state).entries.get_key_value(key).map(entry))
    }

    async fn range(&self, range: &Range) -> Result<Page, Error> {
        let limit = bounds::range(range)?;
        let state = lock(&self.state);
        let mut page = Filling::new(&range.prefix, limit, state.revision);
        if let Some(stretch) = stretch(range) {
            let mut found = state.entries.range(stretch);
            while let Some((key, (revision, value))) = match range.direction {
                Direction::Up => found.next(),
                Direction::Down => found.next_back(),
            } {
                if !page.take(key, *revision, value) {
                    break;
                }
            }
        }
        Ok(page.done())
    }

    async fn transact(&self, transaction: Transaction) -> Result<Committed, Error> {
        bounds::transaction(&transaction)?;
        let mut state = lock(&self.state);
        let next = Revision(state.revision.0 + 1);
        let Ok(applied) = apply(&mut state.entries, transaction, next);
        match applied {
            Applied::Lost => Ok(Committed::Lost),
            Applied::Unchanged => Ok(Committed::At(state.revision)),
            Applied::Changed { events, growth } => {
                state.revision = next;
                state.used = state.used.saturating_add_signed(growth);
                // With the lock held, so that events come in the order of their revisions.
                self.watches.publish(events);
                Ok(Committed::At(next))
            }
        }
    }

    async fn watch(&self, prefix: &str, after: Revision) -> Result<Watch, Error> {
        bounds::prefix(prefix)?;
        self.watches.watch(prefix, after)
    }

    async fn size(&self) -> Result<Size, Error> {
        Ok(Size { used: lock(&self.state).used, quota: self.quota.get() })
    }

    async fn campaign(&self, name: &str, candidate: &str, ttl: Duration) -> Result<Box<dyn Seat>, Error> {
        self.elections.campaign(name, candidate, ttl).await
    }
}

impl Entries for Map {
    type Error = Infallible;

    fn revision_of(&self, key: &str) -> Result<Option<Revision>, Infallible> {
        Ok(self.get(key).map(|(revision, _)| *revision))
    }

    fn put(&mut self, key: &str, value: &[u8], revision: Revision) -> Result<Option<usize>, Infallible> {
        Ok(self.insert(key.to_owned(), (revision, value.to_vec())).map(|(_, before)| before.len()))
    }

    fn remove(&mut self, key: &str) -> Result<Option<usize>, Infallible> {
        Ok(BTreeMap::remove(self, key).map(|(_, before)| before.len()))
    }
}

fn entry((key, (revision, value)): (&String, &(Revision, Vec<u8>))) -> Entry {
    Entry { key: key.clone(), value: value.clone(), revision: *revision }
}
