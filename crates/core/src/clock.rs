//! Time, which comes from outside like everything else that cannot be repeated.

use std::time::Duration;

use jiff::Timestamp;

/// Tells the time; the tests hold one that they move by hand.
///
/// The two readings are for different questions and are never mixed: what is shown to people and what
/// calendar limits say goes by [`Clock::now`]; how long something took goes by [`Clock::elapsed`].
pub trait Clock: Send + Sync + 'static {
    /// Wall time, whole to the millisecond.
    fn now(&self) -> Timestamp;

    /// Monotonic time since a moment fixed for the life of this clock.
    fn elapsed(&self) -> Duration;
}

/// Makes ids that nobody else makes; the tests hold one that counts.
pub trait Ids: Send + Sync + 'static {
    /// A new UUIDv7.
    fn uuid(&self) -> uuid::Uuid;
}
