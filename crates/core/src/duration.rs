//! Durations as people write them: `90s`, `5m`, `1h`, `1h30m`.

use std::time::Duration;

use serde::{Deserialize, Deserializer, Serializer};

/// Parses `1h30m`, `90s`, `0s`: whole numbers with the units `h`, `m`, `s` in that order, each at most once.
/// `None` for anything else, and for more than 10,000 hours.
pub fn parse(text: &str) -> Option<Duration> {
    let mut rest = text;
    let mut seconds: u64 = 0;
    for (unit, worth) in [('h', 3600), ('m', 60), ('s', 1)] {
        if let Some((number, behind)) = rest.split_once(unit) {
            if number.is_empty() || number.len() > 9 || !number.bytes().all(|b| b.is_ascii_digit()) {
                return None;
            }
            seconds = seconds.checked_add(number.parse::<u64>().ok()? * worth)?;
            rest = behind;
        }
    }
    let said_something = rest.len() < text.len();
    (rest.is_empty() && said_something && seconds <= 36_000_000).then(|| Duration::from_secs(seconds))
}

/// Writes whole seconds with the largest units that fit exactly: `90s` is `1m30s`; the fraction is dropped.
pub fn format(duration: Duration) -> String {
    let seconds = duration.as_secs();
    let (h, m, s) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    let mut text = String::new();
    for (number, unit) in [(h, 'h'), (m, 'm'), (s, 's')] {
        if number > 0 {
            text.push_str(&number.to_string());
            text.push(unit);
        }
    }
    if text.is_empty() { "0s".to_owned() } else { text }
}

/// For `#[serde(with = "…")]`.
pub fn serialize<S: Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&format(*duration))
}

/// For `#[serde(with = "…")]`.
pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    let text = String::deserialize(deserializer)?;
    parse(&text)
        .ok_or_else(|| serde::de::Error::custom(format!("{text:?} is no duration such as 90s, 5m or 1h")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_and_written_as_people_do() {
        for (text, seconds, canonical) in [
            ("90s", 90, "1m30s"),
            ("5m", 300, "5m"),
            ("1h", 3600, "1h"),
            ("1h30m", 5400, "1h30m"),
            ("0s", 0, "0s"),
        ] {
            assert_eq!(parse(text), Some(Duration::from_secs(seconds)), "{text}");
            assert_eq!(format(Duration::from_secs(seconds)), canonical);
        }
    }

    #[test]
    fn other_texts_are_no_durations() {
        for text in
            ["", "5", "s", "-5s", "1.5h", "5m1h", "5s5s", " 5s", "5 m", "99999999999s", "10001h", "٣s"]
        {
            assert_eq!(parse(text), None, "{text:?}");
        }
    }
}
