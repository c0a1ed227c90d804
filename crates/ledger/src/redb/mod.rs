//! The ledger in one file.

mod open;
mod store;
mod writer;

use std::num::NonZeroU64;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use plimsoll_core::ledger::{
    Committed, Entry, Error, Ledger, Page, Range, Revision, Seat, Size, Transaction, Watch,
};
use tokio::sync::{Semaphore, mpsc, oneshot};
use tokio::task::spawn_blocking;

pub use self::open::OpenError;
use self::store::Store;
use self::writer::{Counters, Job, Request};
use crate::bounds;
use crate::elections::Elections;
use crate::quota::DEFAULT_QUOTA;
use crate::watches::{History, Watches};

/// So many transactions wait for the file at most; who comes then waits to be let in.
const QUEUE: usize = 1024;
/// So many reads are in the file at once at most, each on a thread of its own.
const READS: usize = 64;

/// A ledger in one file, for the one process that has it open.
///
/// A transaction returns when the file is synced; transactions that wait together share one sync. The history
/// for watches is kept in memory, so a watch from a revision read before a restart answers
/// [`Error::Compacted`], unless nothing was written since. When the disk fails or is full, the file is opened
/// anew with the next transaction; if what it then holds is not what was last acknowledged, the ledger stops.
#[derive(Debug)]
pub struct RedbLedger {
    store: Arc<Store>,
    jobs: mpsc::Sender<Job>,
    counters: Arc<Counters>,
    watches: Arc<Watches>,
    elections: Elections,
    quota: NonZeroU64,
    reads: Arc<Semaphore>,
}

/// How a [`RedbLedger`] is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// How much history for watches it keeps in memory.
    pub history: History,
    /// How many bytes of keys and values it is meant to hold. The file may be larger by what its pages leave
    /// unused; it is a mark, and beyond it only the disk refuses.
    pub quota: NonZeroU64,
}

impl Default for Options {
    fn default() -> Self {
        Self { history: History::default(), quota: DEFAULT_QUOTA }
    }
}

/// What a [`RedbLedger`] holds and did since it was opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Metrics {
    /// Transactions that wait for the file.
    pub queued: usize,
    /// Transactions that were committed or lost their comparison.
    pub transactions: u64,
    /// Commits, each with one sync of the file.
    pub syncs: u64,
    /// Transactions that the history for watches holds.
    pub history: usize,
    /// Watches that run.
    pub watchers: usize,
}

impl RedbLedger {
    /// Opens the file, or makes it, for its owner alone, if there is none. All of it is checked, which takes
    /// about two seconds per gigabyte.
    pub async fn open(path: impl Into<PathBuf>) -> Result<Self, OpenError> {
        Self::open_with(path, Options::default()).await
    }

    /// As [`RedbLedger::open`], with these options.
    pub async fn open_with(path: impl Into<PathBuf>, options: Options) -> Result<Self, OpenError> {
        let path = path.into();
        let file = path.clone();
        spawn_blocking(move || Self::start(&path.clone(), Store::open(move || open::open(&path))?, options))
            .await
            .unwrap_or_else(|source| Err(OpenError::Io { path: file, source: std::io::Error::other(source) }))
    }

    fn start(path: &std::path::Path, store: Store, options: Options) -> Result<Self, OpenError> {
        let Options { history, quota } = options;
        let store = Arc::new(store);
        let revision = store.revision().map_err(|source| open::unreadable(path, source))?;
        let watches = Arc::new(Watches::new(history, revision));
        // The file was read as a whole a moment ago, to check it.
        let used = store.used().map_err(|source| open::unreadable(path, source))?;
        let counters = Arc::new(Counters::starting_with(used));
        let (jobs, queue) = mpsc::channel(QUEUE);
        writer::spawn(queue, Arc::clone(&store), Arc::clone(&watches), Arc::clone(&counters), revision)
            .map_err(|source| OpenError::Io { path: path.to_owned(), source })?;
        let reads = Arc::new(Semaphore::new(READS));
        Ok(Self { store, jobs, counters, watches, elections: Elections::default(), quota, reads })
    }

    /// Commits what waits and closes the file; when it returns, another may open it. Watches end. A ledger
    /// that is only dropped does the same a little later.
    pub async fn close(&self) {
        let (done, closed) = oneshot::channel();
        if self.jobs.send(Job::Close(done)).await.is_ok() {
            // An error says that the writer has ended already.
            closed.await.ok();
        }
    }

    /// What it holds and did.
    pub fn metrics(&self) -> Metrics {
        let (transactions, syncs) = self.counters.read();
        let (history, watchers) = self.watches.sizes();
        let queued = self.jobs.max_capacity() - self.jobs.capacity();
        Metrics { queued, transactions, syncs, history, watchers }
    }

    /// Reads the file away from the async executor.
    async fn read<T, F>(&self, read: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: FnOnce(&Store) -> Result<T, Error> + Send + 'static,
    {
        let turn = Arc::clone(&self.reads)
            .acquire_owned()
            .await
            .map_err(|closed| Error::Unavailable(closed.into()))?;
        let store = Arc::clone(&self.store);
        let answer = spawn_blocking(move || {
            let _turn = turn;
            read(&store)
        })
        .await
        .unwrap_or_else(|failed| Err(Error::Unavailable(failed.into())));
        if matches!(answer, Err(Error::Unavailable(_))) {
            // With a full queue or no writer there is nobody to do more than is done already.
            self.jobs.try_send(Job::Check).ok();
        }
        answer
    }
}

#[async_trait]
impl Ledger for RedbLedger {
    async fn get(&self, key: &str) -> Result<Option<Entry>, Error> {
        bounds::key(key)?;
        let key = key.to_owned();
        self.read(move |store| store.get(key)).await
    }

    async fn range(&self, range: &Range) -> Result<Page, Error> {
        let limit = bounds::range(range)?;
        let range = range.clone();
        self.read(move |store| store.range(&range, limit)).await
    }

    async fn transact(&self, transaction: Transaction) -> Result<Committed, Error> {
        let bytes = bounds::transaction(&transaction)?;
        let (reply, answer) = oneshot::channel();
        let request = Request { transaction, bytes, reply };
        self.jobs.send(Job::Transact(request)).await.map_err(|_| store::closed())?;
        answer.await.unwrap_or_else(|gone| Err(Error::Unknown(gone.into())))
    }

    async fn watch(&self, prefix: &str, after: Revision) -> Result<Watch, Error> {
        bounds::prefix(prefix)?;
        self.watches.watch(prefix, after)
    }

    async fn size(&self) -> Result<Size, Error> {
        Ok(Size { used: self.counters.used(), quota: self.quota.get() })
    }

    async fn campaign(&self, name: &str, candidate: &str, ttl: Duration) -> Result<Box<dyn Seat>, Error> {
        self.elections.campaign(name, candidate, ttl).await
    }
}

#[cfg(test)]
mod tests;
