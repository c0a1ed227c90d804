//! The recent history of a store and those who watch it.
//!
//! A watcher has no buffer of its own. It reads the one shared history at its own pace, so it costs a writer
//! nothing, loses nothing while the history reaches back far enough, and is told when it does not.

use std::collections::{HashMap, VecDeque};
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

use futures::{Stream, StreamExt as _};
use plimsoll_core::ledger::{Entry, Error, Event, Revision, Watch};

use crate::sync::lock;

/// How much of the past a store keeps for watches, in memory. Beyond either bound the oldest goes, but never
/// the newest transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct History {
    /// So many transactions.
    pub transactions: usize,
    /// So many bytes of keys and values.
    pub bytes: usize,
}

impl Default for History {
    fn default() -> Self {
        Self { transactions: 16 * 1024, bytes: 32 * 1024 * 1024 }
    }
}

/// A store's history with its watchers.
#[derive(Debug)]
pub(crate) struct Watches {
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    limit: History,
    /// The history holds every transaction after this revision.
    floor: Revision,
    /// The highest revision that a reader may have seen.
    announced: Revision,
    /// One transaction per revision; the first is that of `floor` + 1.
    history: VecDeque<Transacted>,
    bytes: usize,
    watchers: HashMap<u64, Watcher>,
    next_watcher: u64,
    closed: bool,
}

#[derive(Debug)]
struct Transacted {
    events: Vec<Event>,
    bytes: usize,
}

#[derive(Debug)]
struct Watcher {
    prefix: String,
    /// Everything up to here has been handed out, or was not asked for.
    after: Revision,
    /// The oldest transaction that concerns the watcher and was not handed out.
    pending: Option<Revision>,
    waker: Option<Waker>,
}

impl Watches {
    /// Those of a store that is at `revision` and keeps no history from before.
    pub(crate) fn new(limit: History, revision: Revision) -> Self {
        Self {
            state: Mutex::new(State {
                limit,
                floor: revision,
                announced: revision,
                history: VecDeque::new(),
                bytes: 0,
                watchers: HashMap::new(),
                next_watcher: 0,
                closed: false,
            }),
        }
    }

    /// Says that readers may soon see `revision`, before [`Watches::publish`] is called for it.
    pub(crate) fn announce(&self, revision: Revision) {
        let mut state = lock(&self.state);
        state.announced = state.announced.max(revision);
    }

    /// Hands on what the transaction of the next revision changed; transactions come here in their order.
    pub(crate) fn publish(&self, events: Vec<Event>) {
        let woken = lock(&self.state).publish(events);
        for waker in woken {
            waker.wake();
        }
    }

    /// Everything written to keys under `prefix` after the revision `after`.
    pub(crate) fn watch(self: &Arc<Self>, prefix: &str, after: Revision) -> Result<Watch, Error> {
        let mut state = lock(&self.state);
        if state.closed {
            return Err(closed());
        }
        if after < state.floor || after > state.announced {
            return Err(Error::Compacted { from: after });
        }
        let id = state.next_watcher;
        state.next_watcher += 1;
        let watcher = Watcher {
            prefix: prefix.to_owned(),
            after,
            pending: state.next_match(prefix, after),
            waker: None,
        };
        state.watchers.insert(id, watcher);
        drop(state);
        Ok(Subscription { watches: Arc::clone(self), id }.boxed())
    }

    /// Ends every watch, now and later, as the store has ended.
    pub(crate) fn close(&self) {
        let mut state = lock(&self.state);
        state.closed = true;
        let woken: Vec<Waker> =
            state.watchers.values_mut().filter_map(|watcher| watcher.waker.take()).collect();
        drop(state);
        for waker in woken {
            waker.wake();
        }
    }

    /// How many transactions the history holds, and how many watchers there are.
    pub(crate) fn sizes(&self) -> (usize, usize) {
        let state = lock(&self.state);
        (state.history.len(), state.watchers.len())
    }
}

impl State {
    fn publish(&mut self, events: Vec<Event>) -> Vec<Waker> {
        let bytes = events.iter().map(bytes_of).sum();
        self.bytes += bytes;
        self.history.push_back(Transacted { events, bytes });
        let revision = self.newest();
        self.announced = self.announced.max(revision);
        while self.history.len() > 1
            && (self.history.len() > self.limit.transactions || self.bytes > self.limit.bytes)
        {
            if let Some(oldest) = self.history.pop_front() {
                self.bytes -= oldest.bytes;
                self.floor.0 += 1;
            }
        }
        let Some(Transacted { events, .. }) = self.history.back() else {
            return Vec::new();
        };
        let mut woken = Vec::new();
        for watcher in self.watchers.values_mut() {
            if watcher.pending.is_none()
                && watcher.after < revision
                && events.iter().any(|event| key_of(event).starts_with(&watcher.prefix))
            {
                watcher.pending = Some(revision);
                woken.extend(watcher.waker.take());
            }
        }
        woken
    }

    fn newest(&self) -> Revision {
        Revision(self.floor.0 + self.history.len() as u64)
    }

    /// Where the transaction of `revision` lies in the history; `None` if it is gone or to come.
    fn place(&self, revision: Revision) -> Option<usize> {
        let place = usize::try_from(revision.0.checked_sub(self.floor.0 + 1)?).ok()?;
        (place < self.history.len()).then_some(place)
    }

    /// The first transaction after the revision `after` that touches `prefix`.
    fn next_match(&self, prefix: &str, after: Revision) -> Option<Revision> {
        let first = self.place(Revision(after.0 + 1))?;
        let found =
            self.history.iter().skip(first).position(|transacted| {
                transacted.events.iter().any(|event| key_of(event).starts_with(prefix))
            })?;
        Some(Revision(after.0 + 1 + found as u64))
    }

    fn poll(&mut self, id: u64, waker: &Waker) -> Poll<Option<Result<Vec<Event>, Error>>> {
        // A watch that has ended with an error is no longer among the watchers.
        let Some(watcher) = self.watchers.get(&id) else {
            return Poll::Ready(None);
        };
        if let Some(revision) = watcher.pending {
            let Some(place) = self.place(revision) else {
                let from = watcher.after;
                self.watchers.remove(&id);
                return Poll::Ready(Some(Err(Error::Compacted { from })));
            };
            let events: Vec<Event> = self.history[place]
                .events
                .iter()
                .filter(|event| key_of(event).starts_with(&watcher.prefix))
                .cloned()
                .collect();
            let pending = self.next_match(&watcher.prefix, revision);
            if let Some(watcher) = self.watchers.get_mut(&id) {
                watcher.after = revision;
                watcher.pending = pending;
            }
            return Poll::Ready(Some(Ok(events)));
        }
        if self.closed {
            self.watchers.remove(&id);
            return Poll::Ready(Some(Err(closed())));
        }
        if let Some(watcher) = self.watchers.get_mut(&id) {
            watcher.waker = Some(waker.clone());
        }
        Poll::Pending
    }
}

/// One watch, as its holder has it.
struct Subscription {
    watches: Arc<Watches>,
    id: u64,
}

impl Stream for Subscription {
    type Item = Result<Vec<Event>, Error>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        lock(&self.watches.state).poll(self.id, context.waker())
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        lock(&self.watches.state).watchers.remove(&self.id);
    }
}

fn closed() -> Error {
    Error::Unavailable("the ledger is closed".into())
}

fn key_of(event: &Event) -> &str {
    let (Event::Put(Entry { key, .. }) | Event::Deleted { key, .. }) = event;
    key
}

fn bytes_of(event: &Event) -> usize {
    match event {
        Event::Put(Entry { key, value, .. }) => key.len() + value.len(),
        Event::Deleted { key, .. } => key.len(),
    }
}
