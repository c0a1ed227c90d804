//! When bytes may go somewhere: hours of the day, on days of the week.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::name::stored_as_text;

const MINUTE: i64 = 60;
const DAY: i64 = 24 * 60 * MINUTE;
const WEEK: i64 = 7 * DAY;
const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

/// Hours of every week, `mon-fri,sun 22:00-06:00 +08:00`: the days on which they begin (all, where none are named), from
/// when until when (until the next day, where that is earlier; round the clock, where both are the same), and how far
/// their place is from UTC (not at all, where nothing is said). The distance is fixed: who moves clocks twice a year
/// writes the hours so that either is meant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Window {
    /// Monday first.
    days: [bool; 7],
    /// Seconds of the day.
    from: i64,
    until: i64,
    /// Seconds east of UTC.
    east: i64,
}

/// What is no window.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is no window; one is written \"mon-fri 22:00-06:00 +08:00\", days and distance from UTC may be left out"
)]
pub struct InvalidWindow(String);

impl Window {
    /// How long it is shut from now on: not at all while it is open.
    pub fn shut_for(&self, now: Timestamp) -> Duration {
        let at = self.second_of_week(now);
        let length = match (self.until - self.from).rem_euclid(DAY) {
            0 => DAY,
            length => length,
        };
        let shut = |begin: i64| {
            let is_open = (at - begin).rem_euclid(WEEK) < length;
            if is_open { 0 } else { (begin - at).rem_euclid(WEEK) }
        };
        // A week without a day is not written: there is always a least one.
        let seconds = self.begins().map(shut).min().unwrap_or(WEEK);
        Duration::from_secs(seconds.unsigned_abs())
    }

    /// How long until it begins the next time, which is never now.
    pub fn begins_in(&self, now: Timestamp) -> Duration {
        let at = self.second_of_week(now);
        let until = |begin: i64| match (begin - at).rem_euclid(WEEK) {
            0 => WEEK,
            seconds => seconds,
        };
        Duration::from_secs(self.begins().map(until).min().unwrap_or(WEEK).unsigned_abs())
    }

    /// Seconds since Monday began there.
    fn second_of_week(&self, now: Timestamp) -> i64 {
        // The first of January 1970 was a Thursday.
        (now.as_second() + self.east + 3 * DAY).rem_euclid(WEEK)
    }

    /// The seconds of the week at which it begins.
    fn begins(&self) -> impl Iterator<Item = i64> {
        let from = self.from;
        (0_i64..).zip(self.days).filter(|(_, named)| *named).map(move |(day, _)| day * DAY + from)
    }
}

impl FromStr for Window {
    type Err = InvalidWindow;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let read = || {
            let mut words = text.split_whitespace().peekable();
            let begins_with_letter = |word: &&str| word.starts_with(|c: char| c.is_ascii_alphabetic());
            let days = words.next_if(begins_with_letter).map_or(Some([true; 7]), days)?;
            let (from, until) = words.next()?.split_once('-')?;
            let (from, until) = (clock(from)?, clock(until)?);
            let east = words.next().map_or(Some(0), east)?;
            words.next().is_none().then_some(Self { days, from: from % DAY, until: until % DAY, east })
        };
        read().ok_or_else(|| InvalidWindow(text.chars().take(100).collect()))
    }
}

impl fmt::Display for Window {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let named: Vec<&str> =
            DAYS.into_iter().zip(self.days).filter(|(_, named)| *named).map(|(day, _)| day).collect();
        if named.len() < DAYS.len() {
            write!(f, "{} ", named.join(","))?;
        }
        let hour = |seconds: i64| format!("{:02}:{:02}", seconds / 3600, seconds / MINUTE % 60);
        write!(f, "{}-{}", hour(self.from), hour(self.until))?;
        match self.east {
            0 => Ok(()),
            east => write!(f, " {}{}", if east < 0 { '-' } else { '+' }, hour(east.abs())),
        }
    }
}

stored_as_text!(Window, InvalidWindow);

/// `mon-fri,sun`; a range may go over the end of the week.
fn days(text: &str) -> Option<[bool; 7]> {
    let day = |text: &str| DAYS.iter().position(|day| day.eq_ignore_ascii_case(text));
    let mut named = [false; 7];
    for range in text.split(',') {
        let (first, last) = range.split_once('-').unwrap_or((range, range));
        let (first, last) = (day(first)?, day(last)?);
        for at in first..=(if last < first { last + 7 } else { last }) {
            named[at % 7] = true;
        }
    }
    Some(named)
}

/// Seconds of `22:30`; `24:00` is the end of a day.
fn clock(text: &str) -> Option<i64> {
    let (hours, minutes) = text.split_once(':')?;
    let number = |text: &str, most: i64| {
        let is_plain = !text.is_empty() && text.len() <= 2 && text.bytes().all(|b| b.is_ascii_digit());
        text.parse::<i64>().ok().filter(|number| is_plain && *number <= most)
    };
    let seconds = number(hours, 24)? * 3600 + number(minutes, 59)? * MINUTE;
    (seconds <= DAY).then_some(seconds)
}

/// Seconds of `+08:00`, `-03:30`, `Z`.
fn east(text: &str) -> Option<i64> {
    if text.eq_ignore_ascii_case("z") || text.eq_ignore_ascii_case("utc") {
        return Some(0);
    }
    let sign = match text.bytes().next()? {
        b'+' => 1,
        b'-' => -1,
        _ => return None,
    };
    clock(&text[1..]).filter(|seconds| *seconds <= 14 * 3600).map(|seconds| sign * seconds)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// 2026-11-23 is a Monday.
    fn shut(window: &str, now: &str) -> u64 {
        window.parse::<Window>().unwrap().shut_for(now.parse().unwrap()).as_secs()
    }

    #[test]
    fn a_window_is_open_in_its_hours_and_says_when_it_opens_next() {
        for (window, now, seconds) in [
            ("22:00-06:00", "2026-11-23T21:59:59Z", 1),
            ("22:00-06:00", "2026-11-23T22:00:00Z", 0),
            ("22:00-06:00", "2026-11-24T05:59:59Z", 0),
            ("22:00-06:00", "2026-11-24T06:00:00Z", 16 * 3600),
            // Friday's hours go on into Saturday, Saturday's are none.
            ("mon-fri 22:00-06:00", "2026-11-28T05:00:00Z", 0),
            ("mon-fri 22:00-06:00", "2026-11-28T22:00:00Z", 48 * 3600),
            // Sunday's hours go on into Monday, over the end of the week.
            ("sun 23:00-01:00", "2026-11-23T00:30:00Z", 0),
            ("sat-mon 00:00-24:00", "2026-11-23T23:59:59Z", 0),
            ("sat-mon 00:00-24:00", "2026-11-24T00:00:00Z", 4 * 86400),
            ("22:00-06:00 +08:00", "2026-11-23T14:00:00Z", 0),
            ("mon 00:00-00:10 -03:30", "2026-11-23T03:29:00Z", 60),
            ("00:00-00:00", "2026-11-23T12:00:00Z", 0),
        ] {
            assert_eq!(shut(window, now), seconds, "{window} at {now}");
        }
    }

    #[test]
    fn what_is_no_window_is_refused() {
        for text in [
            "",
            "mon",
            "22:00",
            "25:00-01:00",
            "22:60-23:00",
            "24:01-01:00",
            "any 1:00-2:00",
            "1:00-2:00 8",
            "1:00-2:00 Z Z",
            "+1:00-2:00",
            "1:00-2:00 +ä",
        ] {
            assert!(text.parse::<Window>().is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn a_window_is_printed_as_it_is_read(text in "([a-z]{3}(-[a-z]{3})? )?[0-9]{1,2}:[0-9]{2}-[0-9]{1,2}:[0-9]{2}( [+-][0-9]{2}:[0-9]{2})?",
            days in 1_u8..128, from in 0_i64..1440, until in 0_i64..1440, east in -840_i64..=840) {
            let named = std::array::from_fn(|day| days >> day & 1 == 1);
            let window = Window { days: named, from: from * MINUTE, until: until * MINUTE, east: east * MINUTE };
            prop_assert_eq!(&window.to_string().parse::<Window>().unwrap(), &window);
            if let Ok(window) = text.parse::<Window>() {
                prop_assert_eq!(&window.to_string().parse::<Window>().unwrap(), &window);
            }
        }

        /// Opening at the said moment, and not a second before.
        #[test]
        fn it_opens_when_it_says(days in 1_u8..128, from in 0_i64..1440, until in 0_i64..1440, now in 0_i64..4_000_000_000) {
            let named = std::array::from_fn(|day| days >> day & 1 == 1);
            let window = Window { days: named, from: from * MINUTE, until: until * MINUTE, east: 0 };
            let at = |second: i64| window.shut_for(Timestamp::from_second(second).unwrap());
            let wait = i64::try_from(at(now).as_secs()).unwrap();
            prop_assert!(wait < WEEK);
            prop_assert_eq!(at(now + wait), Duration::ZERO);
            if wait > 0 {
                prop_assert!(at(now + wait - 1) > Duration::ZERO);
                prop_assert_eq!(window.begins_in(Timestamp::from_second(now).unwrap()).as_secs(), wait.unsigned_abs());
            }
        }
    }
}
