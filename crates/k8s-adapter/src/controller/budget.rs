//! What no single App needs at any one moment is done so often and no more in the whole data center.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// After a pause, so much may be done at once.
const BURST: Duration = Duration::from_secs(1);

/// So many a second, by the clock of the generic cell rate algorithm (ITU-T I.371).
pub(super) struct Budget {
    every: Duration,
    /// Up to when it has been given away.
    given: Mutex<Option<Instant>>,
}

impl Budget {
    pub(super) fn new(per_second: u32) -> Self {
        Self { every: Duration::from_secs(1) / per_second.max(1), given: Mutex::default() }
    }

    /// Takes one, if one is left.
    pub(super) fn take(&self) -> bool {
        let now = Instant::now();
        let mut given = self.given.lock().unwrap_or_else(PoisonError::into_inner);
        let next = given.map_or(now, |given| given.max(now)) + self.every;
        let is_left = next <= now + BURST;
        if is_left {
            *given = Some(next);
        }
        is_left
    }

    /// Whether one is left.
    pub(super) fn is_left(&self) -> bool {
        let given = self.given.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        given.map_or(now, |given| given.max(now)) + self.every <= now + BURST
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn after_a_second_of_work_at_once_it_gives_so_many_a_second() {
        let budget = Budget::new(10);
        let take = |tries: usize| (0..tries).filter(|_| budget.take()).count();
        assert_eq!(take(50), 10);
        assert!(!budget.is_left());
        tokio::time::advance(Duration::from_millis(300)).await;
        assert!(budget.is_left());
        assert_eq!(take(50), 3);
        tokio::time::advance(Duration::from_mins(5)).await;
        assert_eq!(take(50), 10);
    }
}
