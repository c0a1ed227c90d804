//! What becomes of the events of those that speak the newer API, as client-go's broadcaster for it has it: what is told
//! again of the same version of an object is a series, whatever it says then.
//!
//! <https://github.com/kubernetes/client-go/blob/v0.37.0/tools/events/event_broadcaster.go>

use jiff::{SignedDuration, Timestamp};

use super::lru::Lru;

/// What was not told again for so long is over.
const FINISHED: SignedDuration = SignedDuration::from_mins(6);
/// How often the count of a series that goes on is written.
const REFRESHED: SignedDuration = SignedDuration::from_mins(30);

/// The series of one source, by what they are about.
#[derive(Debug, Default)]
pub(super) struct Series {
    told: Lru<Option<Told>>,
}

#[derive(Debug)]
struct Told {
    number: u64,
    count: i64,
    last: Timestamp,
    written: Timestamp,
}

/// How an event is to be written.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Entry {
    /// As one of its own, of this number.
    New(u64),
    /// The event of this number has been told so often.
    Again(u64, i64),
    /// Not now.
    Later,
}

impl Series {
    /// How to write an event that would have this number.
    pub(super) fn tell(&mut self, key: u64, number: u64, now: Timestamp) -> Entry {
        let told = self.told.get(key, || None);
        let Some(held) = told.as_mut().filter(|held| now.duration_since(held.last) <= FINISHED) else {
            *told = Some(Told { number, count: 1, last: now, written: now });
            return Entry::New(number);
        };
        held.count += 1;
        held.last = now;
        if held.count > 2 && now.duration_since(held.written) < REFRESHED {
            return Entry::Later;
        }
        held.written = now;
        Entry::Again(held.number, held.count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_time_begins_a_series_whose_count_is_written_every_half_hour() {
        let mut series = Series::default();
        let begin = Timestamp::UNIX_EPOCH;
        let written: Vec<_> = (0..14_u8)
            .map(|number| series.tell(7, number.into(), begin + SignedDuration::from_mins(5) * number.into()))
            .enumerate()
            .filter(|(_, entry)| *entry != Entry::Later)
            .collect();
        assert_eq!(
            written,
            [(0, Entry::New(0)), (1, Entry::Again(0, 2)), (7, Entry::Again(0, 8)), (13, Entry::Again(0, 14)),]
        );
    }

    #[test]
    fn after_a_silence_it_is_told_anew() {
        let mut series = Series::default();
        let begin = Timestamp::UNIX_EPOCH;
        series.tell(7, 1, begin);
        let later = begin + SignedDuration::from_secs(361);
        assert_eq!(series.tell(7, 2, later), Entry::New(2));
    }
}
