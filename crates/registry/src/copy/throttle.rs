//! How fast bytes may go somewhere.

use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::Instant;

/// A rate that all copies to one target share.
#[derive(Debug)]
pub struct Throttle {
    bytes_per_second: u64,
    /// When the next byte may go.
    next: Mutex<Option<Instant>>,
}

impl Throttle {
    /// So many bytes in a second, at least one.
    pub fn new(bytes_per_second: u64) -> Self {
        Self { bytes_per_second: bytes_per_second.max(1), next: Mutex::new(None) }
    }

    /// Waits until so many bytes may go.
    pub async fn take(&self, bytes: usize) {
        let now = Instant::now();
        let until = {
            let mut next = self.next.lock();
            let begin = next.map_or(now, |next| next.max(now));
            let nanos = u128::from(bytes as u64) * 1_000_000_000 / u128::from(self.bytes_per_second);
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
}
