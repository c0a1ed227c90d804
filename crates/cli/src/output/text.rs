//! Text from outside, and small things in words.

use std::time::Duration;

use jiff::Timestamp;

/// Whether a character steers a terminal or the direction of writing rather than being shown.
pub(super) fn steers(c: char) -> bool {
    c.is_control() || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// One line of plain text: what steers a terminal is gone, a line break is a blank.
pub(crate) fn clean(text: &str) -> String {
    let shown = text.chars().filter_map(|c| match c {
        '\n' | '\t' => Some(' '),
        c if steers(c) => None,
        c => Some(c),
    });
    shown.collect()
}

/// How long ago `then` was, in its largest unit.
pub(crate) fn age(then: Timestamp, now: Timestamp) -> String {
    let seconds = now.as_second().saturating_sub(then.as_second()).max(0);
    match seconds {
        0..120 => format!("{seconds}s"),
        120..7200 => format!("{}m", seconds / 60),
        7200..172_800 => format!("{}h", seconds / 3600),
        _ => format!("{}d", seconds / 86_400),
    }
}

/// `340 MiB`: rounded up, with a digit behind the point below ten.
pub(crate) fn bytes(count: u64) -> String {
    let (mut unit, mut tenths) = ("B", u128::from(count) * 10);
    for larger in ["KiB", "MiB", "GiB", "TiB"] {
        if tenths < 10_240 {
            break;
        }
        (unit, tenths) = (larger, tenths.div_ceil(1024));
    }
    match (unit, tenths / 10, tenths % 10) {
        ("B", whole, _) => format!("{whole} B"),
        (_, whole, rest) if whole < 10 && rest > 0 => format!("{whole}.{rest} {unit}"),
        (_, whole, rest) => format!("{} {unit}", whole + u128::from(rest > 0)),
    }
}

/// `4.2 s`, `1 min 5 s`.
pub(crate) fn seconds(duration: Duration) -> String {
    let whole = duration.as_secs();
    if whole < 60 {
        return format!("{:.1} s", duration.as_secs_f64());
    }
    format!("{} min {} s", whole / 60, whole % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_from_outside_is_one_line_that_steers_nothing() {
        assert_eq!(clean("a\u{1b}[31mb\nc\td\u{9b}\u{7f}\u{202e}é"), "a[31mb c dé");
    }

    #[test]
    fn ages_are_told_in_their_largest_unit() {
        let then: Timestamp = "2026-11-23T00:00:00Z".parse().unwrap();
        for (seconds, told) in
            [(-5, "0s"), (0, "0s"), (119, "119s"), (120, "2m"), (7199, "119m"), (7200, "2h"), (172_800, "2d")]
        {
            let now = Timestamp::from_second(then.as_second() + seconds).unwrap();
            assert_eq!(age(then, now), told);
        }
    }

    #[test]
    fn durations_are_told_to_the_tenth_of_a_second() {
        assert_eq!(seconds(Duration::from_millis(4249)), "4.2 s");
        assert_eq!(seconds(Duration::from_secs(65)), "1 min 5 s");
    }
}
