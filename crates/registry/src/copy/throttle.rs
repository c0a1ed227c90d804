//! How fast and when bytes may go somewhere.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use plimsoll_core::clock::Clock;
use tokio::time::Instant;

use super::hours::Hours;
use plimsoll_core::image::Window;

/// A rate and hours that all copies to one target share.
pub struct Throttle {
    bytes_per_second: Option<u64>,
    hours: Option<Hours>,
    /// When the next byte may go.
    next: Mutex<Option<Instant>>,
}

impl fmt::Debug for Throttle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Throttle")
            .field("bytes_per_second", &self.bytes_per_second)
            .field("hours", &self.hours)
            .finish_non_exhaustive()
    }
}

impl Throttle {
    /// So many bytes in a second, at least one.
    pub fn new(bytes_per_second: u64) -> Self {
        Self { bytes_per_second: Some(bytes_per_second.max(1)), hours: None, next: Mutex::new(None) }
    }

    /// As many as go.
    pub fn unlimited() -> Self {
        Self { bytes_per_second: None, hours: None, next: Mutex::new(None) }
    }

    /// The same while one of these windows is open, by the wall time of `clock`; where there is none, always.
    #[must_use]
    pub fn within(mut self, windows: Vec<Window>, clock: Arc<dyn Clock>) -> Self {
        self.hours = (!windows.is_empty()).then_some(Hours::new(windows, clock));
        self
    }

    /// Whether there are hours in which nothing may go.
    pub fn pauses(&self) -> bool {
        self.hours.is_some()
    }

    /// How long nothing may go from now on; nothing while bytes may.
    pub fn shut_for(&self) -> Option<Duration> {
        self.hours.as_ref()?.shut_for()
    }

    /// Waits until a window is open.
    pub async fn opened(&self) {
        if let Some(hours) = &self.hours {
            hours.opened().await;
        }
    }

    /// Waits until so many bytes may go, by the rate alone.
    pub async fn take(&self, bytes: usize) {
        let Some(rate) = self.bytes_per_second else { return };
        let now = Instant::now();
        let until = {
            let mut next = self.next.lock();
            let begin = next.map_or(now, |next| next.max(now));
            let nanos = u128::from(bytes as u64) * 1_000_000_000 / u128::from(rate);
            *next = Some(begin + Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX)));
            begin
        };
        tokio::time::sleep_until(until).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn all_who_share_a_rate_together_keep_to_it() {
        let throttle = Throttle::new(1_000_000);
        let begun = Instant::now();
        let one = async {
            for _ in 0..50 {
                throttle.take(64 << 10).await;
            }
        };
        tokio::join!(one, async {
            for _ in 0..50 {
                throttle.take(64 << 10).await;
            }
        });
        // The last piece goes when those before it have: 99 pieces of 65.536 ms.
        let took = begun.elapsed().as_millis();
        assert!((6487..=6489).contains(&took), "{took}");
    }

    /// Wall time that goes as the test's time does.
    struct Going(jiff::Timestamp, Instant);

    impl Clock for Going {
        fn now(&self) -> jiff::Timestamp {
            self.0 + self.1.elapsed()
        }

        fn elapsed(&self) -> Duration {
            self.1.elapsed()
        }
    }

    #[tokio::test(start_paused = true)]
    async fn the_first_window_that_opens_is_waited_for() {
        let begun = Instant::now();
        let clock = Arc::new(Going("2026-11-23T06:00:00Z".parse().unwrap(), begun));
        let windows = vec!["22:00-06:00".parse().unwrap(), "12:00-13:00".parse().unwrap()];
        let throttle = Throttle::unlimited().within(windows, clock.clone());
        assert_eq!((throttle.pauses(), throttle.shut_for()), (true, Some(Duration::from_hours(6))));
        throttle.opened().await;
        assert_eq!((begun.elapsed().as_secs(), throttle.shut_for()), (6 * 3600, None));
        let always = Throttle::unlimited().within(Vec::new(), clock);
        assert_eq!((always.pauses(), always.shut_for()), (false, None));
    }
}
