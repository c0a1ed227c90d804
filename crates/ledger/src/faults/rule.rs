//! What goes wrong, and with which calls.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use plimsoll_core::ledger::Transaction;

use super::Gate;

/// The calls of the port.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Call {
    /// `get`.
    Get,
    /// `range`; its key is the prefix.
    Range,
    /// `transact`.
    Transact,
    /// `watch`; its key is the prefix.
    Watch,
    /// `size`, which has no key.
    Size,
    /// `campaign`; its key is the name of the election.
    Campaign,
}

/// What goes wrong with a call.
#[derive(Clone, Debug)]
pub enum Fault {
    /// It happens so much later.
    Delay(Duration),
    /// It happens when the gate is open.
    Wait(Gate),
    /// Nothing happens: `Unavailable`.
    Refuse,
    /// Nothing happens: `Full`.
    Full,
    /// It happens and nobody is told: `Unknown` for a transaction, `Unavailable` for the others.
    LoseReply,
}

/// What goes wrong with a watch.
#[derive(Clone, Debug)]
pub enum WatchFault {
    /// It does not begin: `Compacted`.
    Compacted,
    /// It ends after so many transactions, with `Unavailable`.
    CutAfter(usize),
    /// It ends after so many transactions, with `Compacted`, as one does that was too slow.
    FallBehindAfter(usize),
    /// Each transaction comes so much later than the one before it was taken.
    Lag(Duration),
    /// Each transaction waits until the gate is open.
    Hold(Gate),
}

/// A call as a rule sees it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Seen<'a> {
    /// Which one it is.
    pub call: Call,
    /// The keys that it concerns: for a transaction those that it writes, or if it writes none, those that it
    /// compares; for a range and a watch the prefix; for a campaign the name.
    pub keys: Vec<&'a str>,
    /// The transaction, if it is one.
    pub transaction: Option<&'a Transaction>,
}

/// Which calls a fault befalls.
pub struct Rule {
    call: Call,
    prefix: String,
    matcher: Option<Matcher>,
    /// So many calls that match go well first.
    skip: u64,
    /// So many calls that match fail then.
    times: u64,
    effect: Effect,
    fired: Counter,
}

type Matcher = Box<dyn Fn(&Seen<'_>) -> bool + Send + Sync>;

/// A number that grows; clones are the same number.
#[derive(Clone, Debug, Default)]
pub struct Counter(Arc<AtomicU64>);

#[derive(Clone, Debug)]
pub(super) enum Effect {
    Call(Fault),
    Watch(WatchFault),
}

/// Counts calls.
pub(super) struct Tally {
    call: Call,
    prefix: String,
    counter: Counter,
}

impl Rule {
    /// The fault befalls every such call.
    pub fn on(call: Call, fault: Fault) -> Self {
        Self::new(call, Effect::Call(fault))
    }

    /// The fault befalls every watch that is begun.
    pub fn on_watch(fault: WatchFault) -> Self {
        Self::new(Call::Watch, Effect::Watch(fault))
    }

    /// Only calls that concern a key under `prefix`.
    #[must_use]
    pub fn key(mut self, prefix: impl Into<String>) -> Self {
        self.prefix = prefix.into();
        self
    }

    /// Only calls for which `matcher` says so.
    #[must_use]
    pub fn when(mut self, matcher: impl Fn(&Seen<'_>) -> bool + Send + Sync + 'static) -> Self {
        self.matcher = Some(Box::new(matcher));
        self
    }

    /// Only the `nth` call of those that match; the first is 1.
    #[must_use]
    pub fn nth(self, nth: u64) -> Self {
        self.after(nth.saturating_sub(1)).times(1)
    }

    /// Not the first `skip` calls of those that match.
    #[must_use]
    pub fn after(mut self, skip: u64) -> Self {
        self.skip = skip;
        self
    }

    /// At most so many calls.
    #[must_use]
    pub fn times(mut self, times: u64) -> Self {
        self.times = times;
        self
    }

    pub(super) fn fired(&self) -> Counter {
        self.fired.clone()
    }

    /// What befalls the call by this rule.
    pub(super) fn see(&mut self, seen: &Seen<'_>) -> Option<Effect> {
        let matches = seen.concerns(self.call, &self.prefix)
            && self.matcher.as_ref().is_none_or(|matcher| matcher(seen));
        if !matches || self.times == 0 {
            return None;
        }
        if self.skip > 0 {
            self.skip -= 1;
            return None;
        }
        self.times -= 1;
        self.fired.raise();
        Some(self.effect.clone())
    }

    fn new(call: Call, effect: Effect) -> Self {
        Self {
            call,
            prefix: String::new(),
            matcher: None,
            skip: 0,
            times: u64::MAX,
            effect,
            fired: Counter::default(),
        }
    }
}

impl fmt::Debug for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { call, prefix, matcher, skip, times, effect, fired } = self;
        f.debug_struct("Rule")
            .field("call", call)
            .field("prefix", prefix)
            .field("has_matcher", &matcher.is_some())
            .field("skip", skip)
            .field("times", times)
            .field("effect", effect)
            .field("fired", fired)
            .finish()
    }
}

impl Counter {
    /// The number now.
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::SeqCst)
    }

    fn raise(&self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

impl Tally {
    pub(super) fn new(call: Call, prefix: String) -> Self {
        Self { call, prefix, counter: Counter::default() }
    }

    pub(super) fn counter(&self) -> Counter {
        self.counter.clone()
    }

    pub(super) fn see(&self, seen: &Seen<'_>) {
        if seen.concerns(self.call, &self.prefix) {
            self.counter.raise();
        }
    }
}

impl<'a> Seen<'a> {
    pub(super) fn new(call: Call, keys: Vec<&'a str>) -> Self {
        Self { call, keys, transaction: None }
    }

    fn concerns(&self, call: Call, prefix: &str) -> bool {
        self.call == call && (prefix.is_empty() || self.keys.iter().any(|key| key.starts_with(prefix)))
    }
}
