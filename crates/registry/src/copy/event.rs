//! What a copy tells while it goes on.

use std::collections::VecDeque;
use std::time::Duration;

use oci_spec::image::Digest;
use tokio::time::Instant;

/// Something that happened at a target, which is named by its place among the targets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A blob was there, or was mounted.
    Skipped {
        /// The target.
        target: usize,
        /// The blob.
        blob: Digest,
        /// The bytes that need not go out.
        bytes: u64,
    },
    /// Bytes of a blob went out.
    Moved {
        /// The target.
        target: usize,
        /// The blob.
        blob: Digest,
        /// How many.
        bytes: u64,
    },
    /// A blob broke off and begins again: that many bytes of it count no more.
    Again {
        /// The target.
        target: usize,
        /// The blob.
        blob: Digest,
        /// How many.
        bytes: u64,
    },
    /// All bytes of a blob arrived.
    Arrived {
        /// The target.
        target: usize,
        /// The blob.
        blob: Digest,
    },
    /// No window of the target is open.
    Paused {
        /// The target.
        target: usize,
        /// How long until the next opens.
        wait: Duration,
    },
    /// A manifest was stored.
    Stored {
        /// The target.
        target: usize,
        /// The manifest.
        manifest: Digest,
    },
    /// Everything was seen to be whole, and the tag, if there is one, points to it.
    Done {
        /// The target.
        target: usize,
    },
}

impl Event {
    /// The place of its target among the targets.
    pub fn target(&self) -> usize {
        match self {
            Self::Skipped { target, .. }
            | Self::Moved { target, .. }
            | Self::Again { target, .. }
            | Self::Arrived { target, .. }
            | Self::Paused { target, .. }
            | Self::Stored { target, .. }
            | Self::Done { target } => *target,
        }
    }
}

/// Tells from what moved when the rest will have: by the rate of the last while, not of all that went before.
#[derive(Debug)]
pub struct Meter {
    left: u64,
    recent: VecDeque<(Instant, u64)>,
}

/// What counts as the last while.
const WHILE: Duration = Duration::from_secs(20);

impl Meter {
    /// Expects so many bytes.
    pub fn new(bytes: u64, now: Instant) -> Self {
        Self { left: bytes, recent: VecDeque::from([(now, 0)]) }
    }

    /// Counts bytes that need not move: they say nothing about the rate.
    pub fn skipped(&mut self, bytes: u64) {
        self.left = self.left.saturating_sub(bytes);
    }

    /// Counts bytes that moved.
    pub fn moved(&mut self, bytes: u64, now: Instant) {
        self.left = self.left.saturating_sub(bytes);
        match self.recent.back_mut() {
            // One entry for a tenth of a second is enough.
            Some((at, count)) if now.duration_since(*at) < Duration::from_millis(100) && *count > 0 => {
                *count += bytes;
            }
            _ => self.recent.push_back((now, bytes)),
        }
        while self.recent.len() > 1
            && self.recent.front().is_some_and(|(at, _)| now.duration_since(*at) > WHILE)
        {
            self.recent.pop_front();
        }
    }

    /// Counts bytes no more that must move again.
    pub fn again(&mut self, bytes: u64) {
        self.left += bytes;
    }

    /// How many bytes are left.
    pub fn left(&self) -> u64 {
        self.left
    }

    /// How long the rest takes at the rate of the last while; unknown before anything moved.
    pub fn estimate(&self, now: Instant) -> Option<Duration> {
        let (begun, _) = self.recent.front()?;
        let moved: u64 = self.recent.iter().skip(1).map(|(_, bytes)| bytes).sum();
        let took = now.duration_since(*begun);
        if self.left == 0 {
            return Some(Duration::ZERO);
        }
        if moved == 0 || took.is_zero() {
            return None;
        }
        let nanos = took.as_nanos().saturating_mul(u128::from(self.left)) / u128::from(moved);
        Some(Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_rest_is_estimated_from_the_last_while() {
        let begun = Instant::now();
        let after = |seconds: u64| begun + Duration::from_secs(seconds);
        let mut meter = Meter::new(10_000, begun);
        assert_eq!(meter.estimate(after(1)), None);
        meter.moved(1000, after(10));
        assert_eq!(meter.estimate(after(10)), Some(Duration::from_secs(90)));
        // A hundred times as fast since: what was slow is forgotten.
        for second in 40..44 {
            meter.moved(1000, after(second));
        }
        assert_eq!((meter.left(), meter.estimate(after(43))), (5000, Some(Duration::from_secs(5))));
        meter.again(1000);
        meter.skipped(2000);
        meter.moved(4000, after(50));
        assert_eq!(meter.estimate(after(50)), Some(Duration::ZERO));
    }
}
