//! A ledger that fails as it is told to, around one that does not.
//!
//! ```
//! # use std::sync::Arc;
//! # use plimsoll_ledger::{MemoryLedger, faults::{Call, Fault, FaultLedger, Rule}};
//! let ledger = FaultLedger::new(Arc::new(MemoryLedger::new()));
//! // The second transaction that writes an Order is committed, and its reply is lost.
//! let fired = ledger.add(Rule::on(Call::Transact, Fault::LoseReply).key("orders/").nth(2));
//! # assert_eq!(fired.get(), 0);
//! ```

mod gate;
mod rule;
mod seat;
mod watch;

use std::sync::{Arc, Mutex, RwLock};
use std::time::Duration;

use async_trait::async_trait;
use plimsoll_core::ledger::{
    Committed, Compare, Entry, Error, Ledger, Page, Range, Revision, Seat, Size, Transaction, Watch, Write,
};
use tokio::sync::watch as channel;
use tokio::time::sleep;

pub use self::gate::Gate;
pub use self::rule::{Call, Counter, Fault, Rule, Seen, WatchFault};
use self::rule::{Effect, Tally};
use self::seat::Seats;
use crate::sync::{lock, read, write};

/// Wraps a ledger and fails as its rules say; without rules it does what the ledger does.
pub struct FaultLedger {
    inner: RwLock<Arc<dyn Ledger>>,
    rules: Mutex<Vec<Rule>>,
    tallies: Mutex<Vec<Tally>>,
    /// How often all watches were cut.
    cuts: channel::Sender<u64>,
    seats: Seats,
}

impl FaultLedger {
    /// A wrapper without rules.
    pub fn new(inner: Arc<dyn Ledger>) -> Self {
        Self {
            inner: RwLock::new(inner),
            rules: Mutex::default(),
            tallies: Mutex::default(),
            cuts: channel::Sender::new(0),
            seats: Seats::default(),
        }
    }

    /// Adds a rule. Every rule that fires for a call has its effect, the oldest first. The counter says how
    /// often this one fired.
    pub fn add(&self, rule: Rule) -> Counter {
        let fired = rule.fired();
        lock(&self.rules).push(rule);
        fired
    }

    /// Takes all rules away; what they have begun goes on.
    pub fn clear(&self) {
        lock(&self.rules).clear();
    }

    /// Counts from now on the calls of one kind that concern a key under `prefix`: for a transaction one that
    /// it writes, or if it writes none, one that it compares.
    pub fn count(&self, call: Call, prefix: impl Into<String>) -> Counter {
        let tally = Tally::new(call, prefix.into());
        let counter = tally.counter();
        lock(&self.tallies).push(tally);
        counter
    }

    /// Ends all watches that run with [`Error::Unavailable`].
    pub fn cut_watches(&self) {
        self.cuts.send_modify(|cuts| *cuts += 1);
    }

    /// Takes all seats away, as when their holders could not renew them: others may have them at once, and the
    /// holders learn of it.
    pub fn unseat(&self) {
        self.seats.unseat();
    }

    /// Puts another ledger in the place of the one inside, as a backup that is put back is: its revision may be
    /// lower. All watches are cut and all seats lost.
    pub fn restore(&self, inner: Arc<dyn Ledger>) {
        *write(&self.inner) = inner;
        self.cut_watches();
        self.unseat();
    }

    fn inner(&self) -> Arc<dyn Ledger> {
        Arc::clone(&read(&self.inner))
    }

    /// Counts the call and has all effects that come before it.
    async fn before(&self, seen: Seen<'_>) -> Result<After, Error> {
        for tally in lock(&self.tallies).iter() {
            tally.see(&seen);
        }
        let effects: Vec<Effect> = lock(&self.rules).iter_mut().filter_map(|rule| rule.see(&seen)).collect();
        let mut after = After::default();
        for effect in effects {
            match effect {
                Effect::Call(Fault::Delay(time)) => sleep(time).await,
                Effect::Call(Fault::Wait(gate)) => gate.pass().await,
                Effect::Call(Fault::Refuse) => return Err(Error::Unavailable("refused by a fault".into())),
                Effect::Call(Fault::Full) => return Err(Error::Full),
                Effect::Call(Fault::LoseReply) => after.reply_is_lost = true,
                Effect::Watch(fault) => after.watch.push(fault),
            }
        }
        Ok(after)
    }
}

/// The effects that come after the call.
#[derive(Default)]
struct After {
    reply_is_lost: bool,
    watch: Vec<WatchFault>,
}

impl After {
    /// The answer of a call that changes nothing.
    fn of_read<T>(self, answer: Result<T, Error>) -> Result<T, Error> {
        if self.reply_is_lost {
            return Err(Error::Unavailable("the reply was lost by a fault".into()));
        }
        answer
    }
}

#[async_trait]
impl Ledger for FaultLedger {
    async fn get(&self, key: &str) -> Result<Option<Entry>, Error> {
        let after = self.before(Seen::new(Call::Get, vec![key])).await?;
        after.of_read(self.inner().get(key).await)
    }

    async fn range(&self, range: &Range) -> Result<Page, Error> {
        let after = self.before(Seen::new(Call::Range, vec![&range.prefix])).await?;
        after.of_read(self.inner().range(range).await)
    }

    async fn transact(&self, transaction: Transaction) -> Result<Committed, Error> {
        let after = self.before(Seen::of(&transaction)).await?;
        let answer = self.inner().transact(transaction).await;
        if after.reply_is_lost {
            return Err(Error::Unknown("the reply was lost by a fault".into()));
        }
        answer
    }

    async fn watch(&self, prefix: &str, after: Revision) -> Result<Watch, Error> {
        // Before the ledger is taken: a restore in between cuts a watch of the former one.
        let cut = self.cuts.subscribe();
        let effects = self.before(Seen::new(Call::Watch, vec![prefix])).await?;
        if effects.watch.iter().any(|fault| matches!(fault, WatchFault::Compacted)) {
            return Err(Error::Compacted { from: after });
        }
        let events = self.inner().watch(prefix, after).await;
        let faults = effects.watch.clone();
        Ok(watch::faulty(effects.of_read(events)?, cut, faults, after))
    }

    async fn size(&self) -> Result<Size, Error> {
        let after = self.before(Seen::new(Call::Size, Vec::new())).await?;
        after.of_read(self.inner().size().await)
    }

    async fn campaign(&self, name: &str, candidate: &str, ttl: Duration) -> Result<Box<dyn Seat>, Error> {
        let after = self.before(Seen::new(Call::Campaign, vec![name])).await?;
        let seat = self.inner().campaign(name, candidate, ttl).await;
        Ok(self.seats.take(after.of_read(seat)?))
    }
}

impl<'a> Seen<'a> {
    fn of(transaction: &'a Transaction) -> Self {
        let Transaction { compares, writes } = transaction;
        let written = writes.iter().map(|write| {
            let (Write::Put(key, _) | Write::Delete(key)) = write;
            key.as_str()
        });
        let compared = compares.iter().map(|compare| {
            let (Compare::Absent(key) | Compare::At(key, _) | Compare::Present(key)) = compare;
            key.as_str()
        });
        let keys = if writes.is_empty() { compared.collect() } else { written.collect() };
        Self { transaction: Some(transaction), ..Self::new(Call::Transact, keys) }
    }
}
