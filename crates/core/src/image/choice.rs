//! Which tags of a repository are meant.

use std::cmp::Ordering;
use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::Tag;
use crate::name::checked_text;

/// A text that is no pattern of tags.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "a pattern is letters, digits, '_', '.' and '-' with '*' for any characters and '?' for one, '!' before what is left out"
)]
pub struct InvalidPattern;

/// A pattern of tags, such as `1.4.*`; `!` before one takes what it matches out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TagPattern(String);
checked_text!(TagPattern, InvalidPattern, |text: &str| {
    let rest = text.strip_prefix('!').unwrap_or(text);
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"_.-*?".contains(&b);
    ((1..=128).contains(&rest.len()) && rest.bytes().all(plain)).then_some(()).ok_or(InvalidPattern)
});

/// The tags of a repository that are meant: those that some pattern matches and none takes out, all where there is
/// none; of these the newest alone, where a number is given.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TagChoice {
    /// The patterns.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub patterns: Vec<TagPattern>,
    /// So many of the newest, by their names: registries keep no times. Numbers in names count as numbers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub newest: Option<usize>,
}

impl TagChoice {
    /// Whether the patterns take a tag. Those by which Plimsoll keeps images are nobody's choice.
    pub fn takes(&self, tag: &Tag) -> bool {
        let matches = |pattern: &str| matches(pattern.as_bytes(), tag.as_str().as_bytes());
        let (out, within): (Vec<&str>, Vec<&str>) =
            self.patterns.iter().map(TagPattern::as_str).partition(|pattern| pattern.starts_with('!'));
        !tag.as_str().starts_with("plimsoll-")
            && !out.iter().any(|pattern| matches(&pattern[1..]))
            && (within.is_empty() || within.into_iter().any(matches))
    }
}

/// The newest of the tags that were put into it, in memory for as many as are wanted.
#[derive(Debug)]
pub struct Newest {
    wanted: usize,
    found: BTreeSet<ByVersion>,
}

impl Newest {
    /// So many.
    pub fn new(wanted: usize) -> Self {
        Self { wanted, found: BTreeSet::new() }
    }

    /// Takes a tag into account.
    pub fn offer(&mut self, tag: Tag) {
        self.found.insert(ByVersion(tag));
        if self.found.len() > self.wanted {
            self.found.pop_first();
        }
    }

    /// They, the oldest first.
    pub fn into_tags(self) -> impl Iterator<Item = Tag> {
        self.found.into_iter().map(|ByVersion(tag)| tag)
    }
}

/// Tags in the order of the versions that they name.
#[derive(Debug, PartialEq, Eq)]
struct ByVersion(Tag);

impl PartialOrd for ByVersion {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for ByVersion {
    fn cmp(&self, other: &Self) -> Ordering {
        let (one, other) = (self.0.as_str(), other.0.as_str());
        versions(one.trim_start_matches('v'), other.trim_start_matches('v')).then_with(|| one.cmp(other))
    }
}

/// `1.9` before `1.10`, and `1.10-rc1` before `1.10`, as in <https://semver.org>, of whatever parts.
fn versions(one: &str, other: &str) -> Ordering {
    match (split(one), split(other)) {
        (None, None) => Ordering::Equal,
        // What goes on with a dash comes before the version itself, what goes on otherwise behind it.
        (None, Some((next, _))) if next.starts_with('-') => Ordering::Greater,
        (Some((next, _)), None) if next.starts_with('-') => Ordering::Less,
        (None, Some(_)) => Ordering::Less,
        (Some(_), None) => Ordering::Greater,
        (Some((a, rest_a)), Some((b, rest_b))) => {
            let number = |part: &str| part.starts_with(|c: char| c.is_ascii_digit());
            let order = if number(a) && number(b) {
                let (a, b) = (a.trim_start_matches('0'), b.trim_start_matches('0'));
                a.len().cmp(&b.len()).then_with(|| a.cmp(b))
            } else if a.starts_with('-') != b.starts_with('-') {
                b.starts_with('-').cmp(&a.starts_with('-'))
            } else {
                a.cmp(b)
            };
            order.then_with(|| versions(rest_a, rest_b))
        }
    }
}

/// The first run of digits or of other characters, and the rest.
fn split(text: &str) -> Option<(&str, &str)> {
    let first = text.chars().next()?.is_ascii_digit();
    let end = text.find(|c: char| c.is_ascii_digit() != first).unwrap_or(text.len());
    Some(text.split_at(end))
}

fn matches(pattern: &[u8], text: &[u8]) -> bool {
    // Where the last star stands, and how much of the text it has taken: only that one is ever tried anew.
    let (mut at, mut seen, mut star) = (0, 0, None);
    while seen < text.len() {
        match pattern.get(at) {
            Some(b'*') => {
                star = Some((at, seen));
                at += 1;
            }
            Some(expected) if *expected == b'?' || *expected == text[seen] => {
                at += 1;
                seen += 1;
            }
            _ => {
                let Some((place, taken)) = star else { return false };
                star = Some((place, taken + 1));
                (at, seen) = (place + 1, taken + 1);
            }
        }
    }
    pattern[at..].iter().all(|rest| *rest == b'*')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tag(text: &str) -> Tag {
        text.parse().unwrap()
    }

    fn choice(patterns: &[&str]) -> TagChoice {
        TagChoice { patterns: patterns.iter().map(|text| text.parse().unwrap()).collect(), newest: None }
    }

    #[test]
    fn patterns_take_tags_in_and_out() {
        for (patterns, taken, left) in [
            (&[][..], &["1", "latest"][..], &["plimsoll-0123"][..]),
            (&["1.4.*"], &["1.4.0", "1.4.", "1.4.10-rc1"], &["1.4", "1.40", "11.4.0"]),
            (&["1.?", "2*"], &["1.4", "2", "2.0"], &["1.10", "12"]),
            (&["!*-rc*"], &["1.4"], &["1.4-rc1"]),
            (&["1.*", "!*-rc*"], &["1.4"], &["1.4-rc1", "2.0"]),
            (&["*a*b*"], &["ab", "xaybz", "aab"], &["ba", "a", "b"]),
        ] {
            let choice = choice(patterns);
            assert!(taken.iter().all(|text| choice.takes(&tag(text))), "{patterns:?}");
            assert!(!left.iter().any(|text| choice.takes(&tag(text))), "{patterns:?}");
        }
        for bad in ["", "!", "a b", "!!a", "a/b", "ä"] {
            assert_eq!(bad.parse::<TagPattern>(), Err(InvalidPattern), "{bad:?}");
        }
    }

    #[test]
    fn the_newest_are_those_of_the_highest_version() {
        let order = ["0.9", "1.9", "1.10-rc1", "1.10-rc2", "1.10-rc10", "v1.10", "1.10.1", "2", "latest"];
        for (wanted, from) in [(1, 8), (3, 6), (9, 0), (20, 0)] {
            let mut newest = Newest::new(wanted);
            for text in ["v1.10", "latest", "1.9", "1.10-rc10", "2", "0.9", "1.10.1", "1.10-rc2", "1.10-rc1"]
            {
                newest.offer(tag(text));
            }
            let has: Vec<String> = newest.into_tags().map(String::from).collect();
            assert_eq!(has, order[from..], "{wanted}");
        }
    }
}
