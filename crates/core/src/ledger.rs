//! The ledger port: a small ordered key-value store whose point is the transaction over several keys with
//! compare-and-set, and watches. It has no domain verbs; what is stored is decided in [`crate::record`].

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use futures::stream::BoxStream;
use serde::{Deserialize, Serialize};

/// The revision of the whole store: each committed transaction that changes a key raises it by one and stamps
/// its number on every key that it wrote.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Revision(pub u64);

impl fmt::Display for Revision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The longest key, in bytes.
pub const MAX_KEY: usize = 512;
/// The largest value, in bytes.
pub const MAX_VALUE: usize = 1024 * 1024;
/// The most comparisons, and the most writes, in one transaction (etcd's default is 128).
pub const MAX_OPERATIONS: usize = 128;
/// The most bytes of keys and values in one transaction (etcd's default for a request is 1.5 MiB).
pub const MAX_TRANSACTION: usize = MAX_VALUE + 256 * 1024;
/// The most entries that one [`Ledger::range`] returns, whatever its limit says.
pub const MAX_PAGE: usize = 1000;
/// A page ends early, with [`Page::more`] set, rather than hold more bytes of keys and values than this.
pub const MAX_PAGE_BYTES: usize = 8 * 1024 * 1024;

/// A key with what it holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The key.
    pub key: String,
    /// Its value, never empty.
    pub value: Vec<u8>,
    /// The revision of the transaction that last wrote the key.
    pub revision: Revision,
}

/// What to read of a stretch of keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Range {
    /// Only keys that begin so.
    pub prefix: String,
    /// Only keys that come behind this one, by [`Range::direction`].
    pub after: Option<String>,
    /// At most so many entries, at least 1; more than [`MAX_PAGE`] means [`MAX_PAGE`].
    pub limit: usize,
    /// From which end.
    pub direction: Direction,
}

/// The order that keys are read in; keys compare bytewise.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Direction {
    /// The least first.
    #[default]
    Up,
    /// The greatest first.
    Down,
}

impl Range {
    /// The first [`MAX_PAGE`] entries whose keys begin with `prefix`.
    pub fn prefix(prefix: impl Into<String>) -> Self {
        Self { prefix: prefix.into(), after: None, limit: MAX_PAGE, direction: Direction::Up }
    }

    /// The last [`MAX_PAGE`] of them, the greatest first.
    pub fn down(prefix: impl Into<String>) -> Self {
        Self { direction: Direction::Down, ..Self::prefix(prefix) }
    }
}

/// One answer to a [`Range`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// In the order of the keys that was asked for.
    pub entries: Vec<Entry>,
    /// The store's revision that the entries were read at. Each page has its own: who reads several and then
    /// watches, watches from the revision of the first.
    pub revision: Revision,
    /// Whether more keys of the range follow.
    pub more: bool,
}

/// What must hold of a key for a transaction to commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Compare {
    /// The key is not there.
    Absent(String),
    /// The key was last written by this revision.
    At(String, Revision),
    /// The key is there, whatever it holds.
    Present(String),
}

/// A write of a transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Write {
    /// Sets the key to a value that is not empty.
    Put(String, Vec<u8>),
    /// Removes the key; one that is not there stays so.
    Delete(String),
}

/// Comparisons and writes that happen together or not at all. No key is written twice in one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Transaction {
    /// All must hold.
    pub compares: Vec<Compare>,
    /// All are done.
    pub writes: Vec<Write>,
}

/// How a transaction ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "a transaction that lost its comparison wrote nothing"]
pub enum Committed {
    /// Everything is written, durably, under this revision; the present one, if nothing had to be changed.
    At(Revision),
    /// A comparison did not hold; nothing is written.
    Lost,
}

/// One write as a watcher sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// The key has this value now.
    Put(Entry),
    /// The key is gone since this revision.
    Deleted {
        /// The key.
        key: String,
        /// The revision of the transaction that removed it.
        revision: Revision,
    },
}

/// How full the store is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    /// The bytes that count against the quota.
    pub used: u64,
    /// How many the store is meant to hold at most; never 0.
    pub quota: u64,
}

impl Size {
    /// From so many percent of the quota on, nothing new is taken that could wait.
    pub const RESERVE_FROM: u8 = 80;

    /// Whether what is left is kept for what cannot wait.
    pub fn is_scarce(self) -> bool {
        u128::from(self.used) * 100 >= u128::from(self.quota) * u128::from(Self::RESERVE_FROM)
    }
}

/// Why the ledger did not do what it was asked. None of them says whether the request was sound, but
/// [`Error::Invalid`].
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The store cannot be reached; nothing happened.
    #[error("the ledger cannot be reached")]
    Unavailable(#[source] BoxError),
    /// The request was sent and its answer was lost: it may have happened. Read before trying again.
    #[error("the ledger did not answer; the transaction may have been committed")]
    Unknown(#[source] BoxError),
    /// The watch began at, or fell back to, a revision whose history is gone, or one that the store has not
    /// reached, as after a backup was put back: read everything and watch from there.
    #[error("the ledger no longer holds the history from revision {from}")]
    Compacted {
        /// The revision asked for.
        from: Revision,
    },
    /// The store is full.
    #[error("the ledger has no room left")]
    Full,
    /// What was asked is beyond the bounds of this port.
    #[error("the ledger refuses the request: {0}")]
    Invalid(String),
    /// What is stored cannot be read.
    #[error("the ledger's data cannot be read")]
    Corrupt(#[source] BoxError),
}

/// A source of an [`Error`].
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Events in the order of their revisions, those of one transaction together and in the order of their
/// keys. It ends only with an error; after one, read and watch anew.
pub type Watch = BoxStream<'static, Result<Vec<Event>, Error>>;

/// The ledger.
///
/// The contract, which the suite in `plimsoll-ledger` runs against every implementation:
/// reads are linearizable; a transaction is atomic, isolated and durable when it returns; revisions grow by
/// one with each transaction that changes a key and are never given twice; a transaction that changes none
/// (no writes, or only deletions of keys that are not there) commits at the present revision; a watch from
/// revision `r` misses nothing and doubles nothing; a watcher that is too slow gets [`Error::Compacted`], it
/// neither loses silently nor holds up a writer. A call whose future is dropped may have happened.
#[async_trait]
pub trait Ledger: Send + Sync + 'static {
    /// The entry of `key`, or `None` if there is none.
    async fn get(&self, key: &str) -> Result<Option<Entry>, Error>;

    /// A page of entries, all read at one revision.
    async fn range(&self, range: &Range) -> Result<Page, Error>;

    /// Compares and writes in one step.
    async fn transact(&self, transaction: Transaction) -> Result<Committed, Error>;

    /// Everything written to keys that begin with `prefix` after revision `after`.
    async fn watch(&self, prefix: &str, after: Revision) -> Result<Watch, Error>;

    /// How full the store is. The figure may lag behind by moments, so that it costs whoever asks neither a read
    /// nor a round trip. It grows with what is written; what is removed makes room, at once or when the store
    /// next tidies up.
    async fn size(&self) -> Result<Size, Error>;

    /// Waits to be elected under `name`; the seat is held until the [`Seat`] is dropped or lost. An election
    /// spares work that would be done twice; it is no lock, and every write carries its own comparison.
    async fn campaign(&self, name: &str, candidate: &str, ttl: Duration) -> Result<Box<dyn Seat>, Error>;
}

/// A seat won in an election; dropping it resigns.
#[async_trait]
pub trait Seat: Send + Sync {
    /// Returns when the seat is lost.
    async fn lost(&self);
}
