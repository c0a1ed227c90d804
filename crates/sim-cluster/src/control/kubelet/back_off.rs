//! Waiting longer each time: client-go's `Backoff` with the kubelet's bounds.

use std::time::Duration;

use jiff::Timestamp;

use super::later;

const FIRST: Duration = Duration::from_secs(10);
const LONGEST: Duration = Duration::from_mins(5);

/// How long the next wait is, and when that was worked out.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct BackOff(Option<(Duration, Timestamp)>);

impl BackOff {
    /// The present delay; none before anything has failed.
    pub(super) fn delay(&self) -> Duration {
        self.0.map(|(delay, _)| delay).unwrap_or_default()
    }

    /// Until when something that ended at `since` waits, if it does.
    pub(super) fn until(&self, since: Timestamp) -> Option<Timestamp> {
        let (delay, at) = self.0?;
        (!is_stable(at, since)).then(|| later(since, delay))
    }

    /// The next delay: twice as long, or the first one after what lasted at `since` long enough.
    pub(super) fn extend(&mut self, since: Timestamp, now: Timestamp) {
        let delay = match self.0 {
            Some((delay, at)) if !is_stable(at, since) => delay.saturating_mul(2).min(LONGEST),
            _ => FIRST,
        };
        self.0 = Some((delay, now));
    }
}

/// What lasted for twice the longest delay begins anew.
fn is_stable(updated: Timestamp, since: Timestamp) -> bool {
    since > later(updated, 2 * LONGEST)
}

/// Whole seconds as Go prints a duration: `40s`, `2m40s`.
pub(super) fn spoken(wait: Duration) -> String {
    let seconds = wait.as_secs();
    match seconds / 60 {
        0 => format!("{seconds}s"),
        minutes => format!("{minutes}m{}s", seconds % 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_delay_doubles_up_to_five_minutes_and_begins_anew_after_ten_quiet_ones() {
        let mut back_off = BackOff::default();
        let mut now = Timestamp::UNIX_EPOCH;
        assert_eq!(back_off.until(now), None);
        let mut delays = Vec::new();
        for _ in 0..7 {
            back_off.extend(now, now);
            delays.push(spoken(back_off.delay()));
            now = later(now, back_off.delay());
        }
        assert_eq!(delays, ["10s", "20s", "40s", "1m20s", "2m40s", "5m0s", "5m0s"]);
        let quiet = later(now, 2 * LONGEST);
        assert_eq!(back_off.until(quiet), None);
        back_off.extend(quiet, quiet);
        assert_eq!(spoken(back_off.delay()), "10s");
    }
}
