//! Time and ids, from the system.

use std::time::{Duration, Instant};

use jiff::Timestamp;
use plimsoll_core::clock::{Clock, Ids};
use uuid::Uuid;

/// The system's clocks; [`Clock::elapsed`] counts from when this was made.
#[derive(Debug)]
pub(crate) struct SystemClock {
    start: Instant,
}

impl SystemClock {
    /// Starts counting.
    pub(crate) fn start() -> Self {
        Self { start: Instant::now() }
    }
}

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        let now = Timestamp::now();
        // A time that is a timestamp stays one when its fraction of a millisecond is cut off.
        Timestamp::from_millisecond(now.as_millisecond()).unwrap_or(now)
    }

    fn elapsed(&self) -> Duration {
        self.start.elapsed()
    }
}

/// UUIDv7 by the system's time; those of one process grow strictly.
#[derive(Debug)]
pub(crate) struct SystemIds;

impl Ids for SystemIds {
    fn uuid(&self) -> Uuid {
        Uuid::now_v7()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wall_time_is_whole_to_the_millisecond() {
        let now = SystemClock::start().now();
        assert_eq!(now.subsec_nanosecond() % 1_000_000, 0);
    }

    #[test]
    fn ids_of_one_process_grow() {
        let ids: Vec<_> = (0..1000).map(|_| SystemIds.uuid()).collect();
        assert!(ids.is_sorted());
        assert!(ids.iter().all(|id| id.get_version_num() == 7));
    }
}
