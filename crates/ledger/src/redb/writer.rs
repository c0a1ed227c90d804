//! The one thread that writes the file. Transactions that wait together become one commit and one sync.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use plimsoll_core::ledger::{BoxError, Committed, Error, Event, Revision, Transaction};
use redb::Database;
use tokio::sync::{mpsc, oneshot};
use tracing::{error, warn};

use super::store::{ENTRIES, META, REVISION, Store, closed, not_done};
use crate::apply::{Applied, apply};
use crate::watches::Watches;

/// A commit takes so many transactions at most.
const BATCH: usize = 256;
/// A commit takes no further transaction when it has so many bytes of keys and values.
const BATCH_BYTES: usize = 8 * 1024 * 1024;
/// A file that failed is tried again at most so often, as opening it reads all of it.
const REOPEN_EVERY: Duration = Duration::from_secs(1);

/// What the writer is asked to do.
pub(super) enum Job {
    /// To commit.
    Transact(Request),
    /// To see whether the file is well, as a read of it failed.
    Check,
    /// To end; the sender is told when the file is closed.
    Close(oneshot::Sender<()>),
}

/// A transaction that waits for its turn.
pub(super) struct Request {
    pub(super) transaction: Transaction,
    /// Of its keys and values.
    pub(super) bytes: usize,
    pub(super) reply: oneshot::Sender<Result<Committed, Error>>,
}

/// What the writer did so far.
#[derive(Debug, Default)]
pub(super) struct Counters {
    transactions: AtomicU64,
    syncs: AtomicU64,
    /// The bytes that the entries count for.
    used: AtomicU64,
}

impl Counters {
    /// Of a file whose entries count for so many bytes.
    pub(super) fn starting_with(used: u64) -> Self {
        Self { used: AtomicU64::new(used), ..Self::default() }
    }

    /// The bytes that the entries count for.
    pub(super) fn used(&self) -> u64 {
        self.used.load(Ordering::Relaxed)
    }

    /// Transactions and syncs.
    pub(super) fn read(&self) -> (u64, u64) {
        (self.transactions.load(Ordering::Relaxed), self.syncs.load(Ordering::Relaxed))
    }
}

/// Starts the thread. It ends when it is told to, or when nobody is left to ask.
pub(super) fn spawn(
    queue: mpsc::Receiver<Job>,
    store: Arc<Store>,
    watches: Arc<Watches>,
    counters: Arc<Counters>,
    revision: Revision,
) -> io::Result<()> {
    let writer = Writer { store, watches, counters, revision, state: State::Open };
    thread::Builder::new().name("ledger-writer".into()).spawn(move || writer.run(queue)).map(drop)
}

struct Writer {
    store: Arc<Store>,
    watches: Arc<Watches>,
    counters: Arc<Counters>,
    /// Of the newest transaction that was acknowledged.
    revision: Revision,
    state: State,
}

enum State {
    Open,
    /// The file failed and could not be opened again at this time.
    Failed(Instant),
    /// The file holds something else than what was acknowledged.
    Stopped,
}

/// What a batch came to, before anyone is told.
#[derive(Default)]
struct Done {
    answers: Vec<Committed>,
    changes: Vec<Vec<Event>>,
    /// By how many bytes the entries grew.
    growth: i64,
}

enum Failure {
    /// Before anything reached the file.
    Before(redb::Error),
    /// On the way to the file: it may hold all of the batch, or nothing.
    Committing(redb::Error),
}

impl<E: Into<redb::Error>> From<E> for Failure {
    fn from(error: E) -> Self {
        Self::Before(error.into())
    }
}

impl Writer {
    fn run(mut self, mut queue: mpsc::Receiver<Job>) {
        let mut closing = None;
        while closing.is_none() {
            let Some(job) = queue.blocking_recv() else {
                break;
            };
            let mut batch = Vec::new();
            let mut bytes = 0;
            let mut next = Some(job);
            while let Some(job) = next {
                match job {
                    Job::Transact(request) => {
                        bytes += request.bytes;
                        batch.push((request.transaction, request.reply));
                    }
                    Job::Check => self.check(),
                    Job::Close(done) => {
                        closing = Some(done);
                        break;
                    }
                }
                next = if batch.len() < BATCH && bytes < BATCH_BYTES { queue.try_recv().ok() } else { None };
            }
            self.serve(batch);
        }
        queue.close();
        let mut others = Vec::new();
        while let Ok(job) = queue.try_recv() {
            match job {
                // Who asked may have gone, here and below; then nobody needs the answer.
                Job::Transact(Request { reply, .. }) => drop(reply.send(Err(closed()))),
                Job::Check => {}
                // Its sender is dropped when the file is closed, which says so too.
                Job::Close(done) => others.push(done),
            }
        }
        drop(self);
        if let Some(done) = closing {
            done.send(()).ok();
        }
    }

    fn serve(&mut self, batch: Vec<(Transaction, oneshot::Sender<Result<Committed, Error>>)>) {
        let (transactions, replies): (Vec<_>, Vec<_>) = batch.into_iter().unzip();
        match self.commit(transactions) {
            Ok(Done { answers, changes, growth }) => {
                // Only this thread writes it.
                let used = self.counters.used().saturating_add_signed(growth);
                self.counters.used.store(used, Ordering::Relaxed);
                self.counters.transactions.fetch_add(answers.len() as u64, Ordering::Relaxed);
                // Watchers learn of a change no later than who made it.
                for events in changes {
                    self.revision.0 += 1;
                    self.watches.publish(events);
                }
                for (reply, answer) in replies.into_iter().zip(answers) {
                    drop(reply.send(Ok(answer)));
                }
            }
            Err(error) => {
                let error = repeatable(error);
                for reply in replies {
                    drop(reply.send(Err(error())));
                }
            }
        }
    }

    /// redb reads no more from a file that failed once, so it is opened again.
    fn check(&mut self) {
        let fails = match self.state {
            State::Open => self.store.revision().is_err(),
            State::Failed(at) => at.elapsed() >= REOPEN_EVERY,
            State::Stopped => false,
        };
        if fails {
            // How it went is in the state, and the next read finds out by itself.
            self.recover().ok();
        }
    }

    fn commit(&mut self, transactions: Vec<Transaction>) -> Result<Done, Error> {
        if transactions.is_empty() {
            return Ok(Done::default());
        }
        match self.state {
            State::Open => {}
            State::Failed(at) if at.elapsed() < REOPEN_EVERY => {
                return Err(Error::Unavailable("the ledger file failed a moment ago".into()));
            }
            State::Failed(_) => self.recover()?,
            State::Stopped => {
                return Err(Error::Unavailable("the ledger file failed and needs a restart".into()));
            }
        }
        let done = self.store.with(|database| self.write(database, transactions)).ok_or_else(closed)?;
        done.map_err(|failure| {
            let (Failure::Before(error) | Failure::Committing(error)) = &failure;
            warn!(%error, "the ledger file failed");
            let recovered = self.recover();
            match (failure, recovered) {
                // The file was read again and holds what was acknowledged: nothing happened.
                (Failure::Before(error), _) | (Failure::Committing(error), Ok(())) => not_done(error),
                (Failure::Committing(error), Err(_)) => Error::Unknown(error.into()),
            }
        })
    }

    /// Writes all in one redb transaction; each one sees what those before it wrote.
    fn write(&self, database: &Database, transactions: Vec<Transaction>) -> Result<Done, Failure> {
        let mut done = Done::default();
        let mut revision = self.revision;
        let write = database.begin_write()?;
        {
            let mut entries = write.open_table(ENTRIES)?;
            for transaction in transactions {
                let next = Revision(revision.0 + 1);
                done.answers.push(match apply(&mut entries, transaction, next)? {
                    Applied::Lost => Committed::Lost,
                    Applied::Unchanged => Committed::At(revision),
                    Applied::Changed { events, growth } => {
                        revision = next;
                        done.growth += growth;
                        done.changes.push(events);
                        Committed::At(next)
                    }
                });
            }
        }
        if done.changes.is_empty() {
            // Nothing to sync: who only compares costs the disk nothing.
            write.abort()?;
            return Ok(done);
        }
        write.open_table(META)?.insert(REVISION, revision.0)?;
        self.watches.announce(revision);
        write.commit().map_err(|error| Failure::Committing(error.into()))?;
        self.counters.syncs.fetch_add(1, Ordering::Relaxed);
        Ok(done)
    }

    /// Opens the file again after it failed, and sees whether it holds what was acknowledged and no more. If it
    /// holds more, a sync failed, and what the system's cache shows need not be on the disk: nothing may be
    /// built on that.
    fn recover(&mut self) -> Result<(), Error> {
        let found = match self.store.reopen() {
            Ok(()) => self.store.revision(),
            Err(error) => Err(Error::Unavailable(error.into())),
        };
        match found {
            Ok(found) if found == self.revision => {
                self.state = State::Open;
                Ok(())
            }
            Ok(found) => {
                error!(acknowledged = %self.revision, %found, "the ledger file is not what was acknowledged, stopping");
                self.state = State::Stopped;
                self.store.close();
                self.watches.close();
                Err(closed())
            }
            Err(error) => {
                self.state = State::Failed(Instant::now());
                Err(error)
            }
        }
    }
}

impl Drop for Writer {
    /// Also after a panic, so that nobody waits for a writer that is gone.
    fn drop(&mut self) {
        self.watches.close();
        self.store.close();
    }
}

/// The same error for each of those that it concerns.
fn repeatable(error: Error) -> Box<dyn Fn() -> Error> {
    type Source = Arc<dyn std::error::Error + Send + Sync>;
    match error {
        Error::Full => Box::new(|| Error::Full),
        Error::Unknown(source) => {
            let source = Source::from(source);
            Box::new(move || Error::Unknown(Arc::clone(&source).into()))
        }
        Error::Corrupt(source) => {
            let source = Source::from(source);
            Box::new(move || Error::Corrupt(Arc::clone(&source).into()))
        }
        Error::Unavailable(source) => {
            let source = Source::from(source);
            Box::new(move || Error::Unavailable(Arc::clone(&source).into()))
        }
        other => {
            let source = Source::from(BoxError::from(other));
            Box::new(move || Error::Unavailable(Arc::clone(&source).into()))
        }
    }
}
