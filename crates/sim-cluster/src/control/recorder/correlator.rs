//! What becomes of events before they are written, as client-go's `EventCorrelator` has it: equal ones are
//! counted, alike ones combined, and who has too much to say is heard less.
//!
//! <https://github.com/kubernetes/client-go/blob/v0.37.0/tools/record/events_cache.go>

use std::hash::{DefaultHasher, Hash, Hasher};

use jiff::{SignedDuration, Timestamp};

use super::lru::Lru;

/// So many different messages for one reason are combined, if no more than the second lies between two of them.
const ALIKE: usize = 10;
const ALIKE_WITHIN: SignedDuration = SignedDuration::from_mins(10);
/// So much may be said of one object at once, and once more in each of the second.
const BURST: f64 = 25.0;
const REFILL: SignedDuration = SignedDuration::from_mins(5);

/// An event that is about to be told.
#[derive(Debug, Clone, Copy)]
pub(super) struct Told<'a> {
    /// Uid of the object; its kind and name go with it.
    pub(super) uid: &'a str,
    pub(super) part: &'a str,
    pub(super) warning: bool,
    pub(super) reason: &'a str,
    pub(super) message: &'a str,
}

/// How an event is to be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    /// In its name; the same for all repetitions.
    pub(super) number: u64,
    pub(super) message: String,
    pub(super) count: i64,
    pub(super) first: Timestamp,
}

/// What one source has told.
#[derive(Debug, Default)]
pub(super) struct Correlator {
    alike: Lru<Alike>,
    seen: Lru<Option<Seen>>,
    allowances: Lru<Allowance>,
}

#[derive(Debug)]
struct Alike {
    /// Fewer than [`ALIKE`], of which most often there is one.
    messages: Vec<u64>,
    last: Timestamp,
}

#[derive(Debug, Clone)]
struct Seen {
    number: u64,
    count: i64,
    first: Timestamp,
}

#[derive(Debug)]
struct Allowance {
    left: f64,
    at: Timestamp,
}

impl Correlator {
    /// How to write an event that would have this number; `None` if too much was said of its object.
    pub(super) fn correlate(&mut self, told: Told<'_>, number: u64, now: Timestamp) -> Option<Entry> {
        let Told { uid, part, warning, reason, message } = told;
        let group = hash(&("alike", uid, warning, reason));
        let (key, message) = if self.is_one_of_many(group, message, now) {
            (group, format!("(combined from similar events): {message}"))
        } else {
            (hash(&("equal", uid, part, warning, reason, message)), message.to_owned())
        };
        let seen = self.seen.get(key, || None);
        let entry = if let Some(Seen { number, count, first }) = seen {
            *count += 1;
            Entry { number: *number, message, count: *count, first: *first }
        } else {
            *seen = Some(Seen { number, count: 1, first: now });
            Entry { number, message, count: 1, first: now }
        };
        // What is not written is counted all the same.
        let full = || Allowance { left: BURST, at: now };
        self.allowances.get(hash(&(uid, warning)), full).take(now).then_some(entry)
    }

    fn is_one_of_many(&mut self, group: u64, message: &str, now: Timestamp) -> bool {
        let alike = self.alike.get(group, || Alike { messages: Vec::new(), last: now });
        if now.duration_since(alike.last) > ALIKE_WITHIN {
            alike.messages.clear();
        }
        alike.last = now;
        let message = hash(message);
        if !alike.messages.contains(&message) {
            alike.messages.reserve_exact(1);
            alike.messages.push(message);
        }
        if alike.messages.len() < ALIKE {
            return false;
        }
        // One goes, whichever it is, so that there are never more.
        if let Some(other) = alike.messages.iter().position(|held| *held != message) {
            alike.messages.swap_remove(other);
        }
        true
    }
}

impl Allowance {
    fn take(&mut self, now: Timestamp) -> bool {
        let passed = now.duration_since(self.at).as_secs_f64() / REFILL.as_secs_f64();
        self.left = (self.left + passed).min(BURST);
        self.at = now;
        if self.left < 1.0 {
            return false;
        }
        self.left -= 1.0;
        true
    }
}

/// The same in every run.
pub(super) fn hash(value: &(impl Hash + ?Sized)) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(message: &str) -> Told<'_> {
        Told { uid: "a", part: "", warning: true, reason: "Unhealthy", message }
    }

    /// What comes of messages that are told a second apart: of each that is written, its message and count.
    fn written(messages: impl IntoIterator<Item = String>, apart: SignedDuration) -> Vec<(String, i64)> {
        let mut correlator = Correlator::default();
        let mut now = Timestamp::UNIX_EPOCH;
        let mut written = Vec::new();
        for (number, message) in (0..).zip(messages) {
            let entry = correlator.correlate(told(&message), number, now);
            written.extend(entry.map(|entry| (entry.message, entry.count)));
            now += apart;
        }
        written
    }

    const SECOND: SignedDuration = SignedDuration::from_secs(1);

    #[test]
    fn equal_events_are_one_with_a_count_and_the_number_of_the_first() {
        let mut correlator = Correlator::default();
        let now = Timestamp::UNIX_EPOCH;
        correlator.correlate(told("x"), 1, now);
        let again = correlator.correlate(told("x"), 2, now + SECOND).unwrap();
        assert_eq!(again, Entry { number: 1, message: "x".to_owned(), count: 2, first: now });
    }

    #[test]
    fn from_the_tenth_message_for_a_reason_on_they_are_combined() {
        let found = written((1..=12).map(|number| number.to_string()), SECOND);
        assert_eq!(found[8], ("9".to_owned(), 1));
        let combined = |number: i64| format!("(combined from similar events): {number}");
        assert_eq!(found[9..], [(combined(10), 1), (combined(11), 2), (combined(12), 3)]);
        // After more than ten minutes of silence each stands for itself.
        let slowly = written((1..=12).map(|number| number.to_string()), SECOND * 601);
        assert!(slowly.iter().all(|(message, count)| message.len() < 3 && *count == 1), "{slowly:?}");
    }

    #[test]
    fn after_twenty_five_events_of_an_object_one_in_five_minutes_is_written() {
        let found = written((0..60).map(|_| "x".to_owned()), SECOND * 10);
        // 600 s bring one more after five minutes, and all are counted.
        assert_eq!(found.len(), 26);
        assert_eq!(found[25], ("x".to_owned(), 31));
    }
}
