//! Time as the cluster sees it: timestamps in objects and the moments at which pods and controllers act.

use std::fmt;
use std::time::Duration;

use futures::future::BoxFuture;
use jiff::{SignedDuration, Timestamp};

/// The time source of a cluster; every timestamp and every wait goes through it.
pub trait Clock: Send + Sync + fmt::Debug + 'static {
    /// The current moment, never earlier than one returned before.
    fn now(&self) -> Timestamp;

    /// Completes once `now` has moved on by `duration`.
    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()>;
}

/// Tokio's clock, anchored to the wall time at which it was made.
///
/// Under `tokio::time::pause` it stands still and jumps with the runtime, and so does everything in the
/// cluster.
#[derive(Debug)]
pub struct TokioClock {
    origin: Timestamp,
    started: tokio::time::Instant,
}

impl TokioClock {
    /// A clock that shows `origin` now.
    pub fn starting_at(origin: Timestamp) -> Self {
        Self { origin, started: tokio::time::Instant::now() }
    }
}

impl Default for TokioClock {
    fn default() -> Self {
        Self::starting_at(Timestamp::now())
    }
}

impl Clock for TokioClock {
    fn now(&self) -> Timestamp {
        let elapsed = SignedDuration::try_from(self.started.elapsed()).unwrap_or(SignedDuration::MAX);
        self.origin.saturating_add(elapsed).unwrap_or(Timestamp::MAX)
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        Box::pin(tokio::time::sleep(duration))
    }
}

/// A moment as `metav1.Time` writes it: whole seconds, UTC.
pub(crate) fn seconds(at: Timestamp) -> String {
    Timestamp::from_second(at.as_second()).unwrap_or(at).to_string()
}

/// A moment as `metav1.MicroTime` writes it: always six decimals, UTC.
pub(crate) fn micros(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%S.%6fZ").to_string()
}

/// Reads what [`seconds`] and [`micros`] wrote.
pub(crate) fn parse(text: &str) -> Option<Timestamp> {
    text.parse().ok()
}
