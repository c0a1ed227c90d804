//! How fast and how far an autoscaler goes: least and most, windows and rates.

use jiff::{SignedDuration, Timestamp};

use crate::object::{integer, list, text};
use crate::tree::Value;

/// How long the highest recommendation holds before there are fewer, unless an autoscaler says otherwise.
const DOWN_WINDOW: SignedDuration = SignedDuration::from_mins(5);

/// What an autoscaler remembers: what was recommended lately, and how much there was scaled.
#[derive(Debug, Default)]
pub(super) struct Memory {
    recommendations: Vec<(Timestamp, i64)>,
    ups: Vec<(Timestamp, i64)>,
    downs: Vec<(Timestamp, i64)>,
}

/// What an autoscaler wants, before it is bounded.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wish<'a> {
    pub(super) current: i64,
    pub(super) proposed: i64,
    pub(super) min: i64,
    pub(super) max: i64,
    /// `spec.behavior`, with all defaults.
    pub(super) behavior: Option<&'a Value>,
}

/// Reason and message of a condition.
pub(super) type Words = (&'static str, &'static str);

/// What is left of a wish.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Bounded {
    pub(super) replicas: i64,
    /// Why `AbleToScale`.
    pub(super) able: Words,
    /// Whether and why `ScalingLimited`.
    pub(super) limited: bool,
    pub(super) why: Words,
}

const READY: Words = ("ReadyForNewScale", "recommended size matches current size");
const DOWN_STABILIZED: Words = (
    "ScaleDownStabilized",
    "recent recommendations were higher than current one, applying the highest recent recommendation",
);
const UP_STABILIZED: Words = (
    "ScaleUpStabilized",
    "recent recommendations were lower than current one, applying the lowest recent recommendation",
);
const WITHIN: Words = ("DesiredWithinRange", "the desired count is within the acceptable range");
const TOO_MANY: Words =
    ("TooManyReplicas", "the desired replica count is more than the maximum replica count");
const TOO_FEW: Words = ("TooFewReplicas", "the desired replica count is less than the minimum replica count");
const UP_LIMIT: Words =
    ("ScaleUpLimit", "the desired replica count is increasing faster than the maximum scale rate");
const DOWN_LIMIT: Words =
    ("ScaleDownLimit", "the desired replica count is decreasing faster than the maximum scale rate");

impl Memory {
    /// Takes what there is when an autoscaler is first seen for what was recommended last.
    pub(super) fn begin(&mut self, current: i64, now: Timestamp) {
        if self.recommendations.is_empty() {
            self.recommendations.push((now, current));
        }
    }

    /// Bounds a wish, and remembers it.
    pub(super) fn bound(&mut self, wish: Wish<'_>, now: Timestamp) -> Bounded {
        let (stabilized, words) = match wish.behavior {
            None => (self.highest(wish.proposed, DOWN_WINDOW, now), DOWN_STABILIZED),
            Some(behavior) => self.between(wish, behavior, now),
        };
        let longest =
            wish.behavior.map_or(DOWN_WINDOW, |b| window(b, "/scaleUp").max(window(b, "/scaleDown")));
        self.recommendations.retain(|(at, _)| *at >= before(now, longest));
        self.recommendations.push((now, wish.proposed));
        let able = if stabilized == wish.proposed { READY } else { words };
        let (replicas, why) = match wish.behavior {
            None => plain(stabilized, wish),
            Some(behavior) => self.by_rate(stabilized, wish, behavior, now),
        };
        Bounded { replicas, able, limited: replicas != stabilized, why }
    }

    /// Remembers that there was scaled; without `spec.behavior` nobody asks for it.
    pub(super) fn scaled(&mut self, behavior: Option<&Value>, from: i64, to: i64, now: Timestamp) {
        let Some(behavior) = behavior else { return };
        let (events, rules) = if to > from {
            (&mut self.ups, &behavior["scaleUp"])
        } else {
            (&mut self.downs, &behavior["scaleDown"])
        };
        let longest = list(rules, "/policies").iter().map(period).max().unwrap_or_default();
        events.retain(|(at, _)| *at >= before(now, longest));
        events.push((now, (to - from).abs()));
    }

    fn highest(&self, proposed: i64, window: SignedDuration, now: Timestamp) -> i64 {
        let recent = self.recommendations.iter().filter(|(at, _)| *at >= before(now, window));
        recent.map(|(_, replicas)| *replicas).fold(proposed, i64::max)
    }

    /// The current number, moved no further than all recommendations of both windows agree on.
    fn between(&self, wish: Wish<'_>, behavior: &Value, now: Timestamp) -> (i64, Words) {
        let within = |path| {
            let cut = before(now, window(behavior, path));
            self.recommendations.iter().filter(move |(at, _)| *at > cut).map(|(_, replicas)| *replicas)
        };
        let up = within("/scaleUp").fold(wish.proposed, i64::min);
        let down = within("/scaleDown").fold(wish.proposed, i64::max);
        let words = if wish.proposed >= wish.current { UP_STABILIZED } else { DOWN_STABILIZED };
        (wish.current.max(up).min(down), words)
    }

    fn by_rate(&self, wanted: i64, wish: Wish<'_>, behavior: &Value, now: Timestamp) -> (i64, Words) {
        let Wish { current, min, max, .. } = wish;
        if wanted > current {
            let limit = self.limit(current, &behavior["scaleUp"], Direction::Up, now).max(current);
            let (most, why) = if max > limit { (limit, UP_LIMIT) } else { (max, TOO_MANY) };
            if wanted > most {
                return (most, why);
            }
        } else if wanted < current {
            let limit = self.limit(current, &behavior["scaleDown"], Direction::Down, now).min(current);
            let (least, why) = if min < limit { (limit, DOWN_LIMIT) } else { (min, TOO_FEW) };
            if wanted < least {
                return (least, why);
            }
        }
        (wanted, WITHIN)
    }

    /// How far the policies of one direction let the number go.
    fn limit(&self, current: i64, rules: &Value, direction: Direction, now: Timestamp) -> i64 {
        let lately = |events: &[(Timestamp, i64)], period| -> i64 {
            let cut = before(now, period);
            events.iter().filter(|(at, _)| *at > cut).map(|(_, change)| change).sum()
        };
        let limits = list(rules, "/policies").iter().map(|policy| {
            let period = period(policy);
            let start = current - lately(&self.ups, period) + lately(&self.downs, period);
            direction.go(start, policy)
        });
        let farthest = match (text(rules, "/selectPolicy"), direction) {
            ("Disabled", _) => None,
            ("Min", Direction::Up) | ("Max", Direction::Down) => limits.min(),
            _ => limits.max(),
        };
        farthest.unwrap_or(current)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Direction {
    Up,
    Down,
}

impl Direction {
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        reason = "the autoscaler reckons in floating point, and there are fewer pods than would lose any"
    )]
    fn go(self, start: i64, policy: &Value) -> i64 {
        let value = integer(policy, "/value").unwrap_or_default();
        let share = value as f64 / 100.0;
        match (self, text(policy, "/type")) {
            (Self::Up, "Pods") => start + value,
            (Self::Down, "Pods") => start - value,
            // Rounded up, so that it ever grows.
            (Self::Up, _) => (start as f64 * (1.0 + share)).ceil() as i64,
            (Self::Down, _) => (start as f64 * (1.0 - share)) as i64,
        }
    }
}

/// Least and most, and no more than twice as many at once.
fn plain(wanted: i64, wish: Wish<'_>) -> (i64, Words) {
    let limit = (2 * wish.current).max(4);
    let (most, why) = if wish.max > limit { (limit, UP_LIMIT) } else { (wish.max, TOO_MANY) };
    if wanted < wish.min {
        (wish.min, TOO_FEW)
    } else if wanted > most {
        (most, why)
    } else {
        (wanted, WITHIN)
    }
}

fn window(behavior: &Value, path: &str) -> SignedDuration {
    let seconds = integer(behavior, &format!("{path}/stabilizationWindowSeconds"));
    seconds.map_or(DOWN_WINDOW, SignedDuration::from_secs)
}

fn period(policy: &Value) -> SignedDuration {
    SignedDuration::from_secs(integer(policy, "/periodSeconds").unwrap_or_default())
}

fn before(now: Timestamp, span: SignedDuration) -> Timestamp {
    now.saturating_sub(span).unwrap_or(Timestamp::MIN)
}

#[cfg(test)]
mod tests {
    use crate::tree::json;

    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_000_000 + seconds).unwrap()
    }

    fn wish(current: i64, proposed: i64) -> Wish<'static> {
        Wish { current, proposed, min: 2, max: 20, behavior: None }
    }

    #[test]
    fn fewer_come_about_when_nothing_higher_was_recommended_for_five_minutes() {
        let mut memory = Memory::default();
        memory.begin(8, at(0));
        let held = memory.bound(wish(8, 3), at(299));
        assert_eq!((held.replicas, held.able.0), (8, "ScaleDownStabilized"));
        let free = memory.bound(wish(8, 3), at(301));
        assert_eq!((free.replicas, free.able.0, free.why.0), (3, "ReadyForNewScale", "DesiredWithinRange"));
    }

    #[test]
    fn no_more_than_twice_as_many_or_four_come_at_once() {
        assert_eq!(Memory::default().bound(wish(5, 19), at(0)).replicas, 10);
        let few = Memory::default().bound(wish(1, 19), at(0));
        assert_eq!((few.replicas, few.limited, few.why.0), (4, true, "ScaleUpLimit"));
    }

    #[test]
    fn least_and_most_hold() {
        let most = Memory::default().bound(wish(18, 30), at(0));
        assert_eq!((most.replicas, most.limited, most.why.0), (20, true, "TooManyReplicas"));
        let least = Memory::default().bound(wish(3, 1), at(0));
        assert_eq!((least.replicas, least.limited, least.why.0), (2, true, "TooFewReplicas"));
    }

    fn behavior(select: &str) -> Value {
        json!({
            "scaleUp": {"stabilizationWindowSeconds": 0, "selectPolicy": select, "policies": [
                {"type": "Pods", "value": 4, "periodSeconds": 60},
                {"type": "Percent", "value": 50, "periodSeconds": 60},
            ]},
            "scaleDown": {"stabilizationWindowSeconds": 0, "selectPolicy": select, "policies": [
                {"type": "Pods", "value": 2, "periodSeconds": 60},
                {"type": "Percent", "value": 10, "periodSeconds": 60},
            ]},
        })
    }

    #[test]
    fn policies_bound_how_fast_both_ways() {
        for (select, from, to, expected) in [
            ("Max", 4, 20, 8),
            ("Min", 4, 20, 6),
            ("Max", 10, 2, 8),
            ("Min", 10, 2, 9),
            ("Disabled", 4, 20, 4),
        ] {
            let behavior = behavior(select);
            let wish = Wish { behavior: Some(&behavior), ..wish(from, to) };
            let bounded = Memory::default().bound(wish, at(0));
            assert_eq!((bounded.replicas, bounded.limited), (expected, true), "{select} {from} {to}");
        }
    }

    #[test]
    fn what_was_scaled_in_a_period_counts_towards_it() {
        let behavior = behavior("Max");
        let mut memory = Memory::default();
        memory.scaled(Some(&behavior), 4, 7, at(0));
        let wish = Wish { behavior: Some(&behavior), ..wish(7, 20) };
        assert_eq!(memory.bound(wish, at(30)).replicas, 8, "one of four is left");
        assert_eq!(memory.bound(wish, at(61)).replicas, 11);
    }

    #[test]
    fn a_window_upwards_waits_for_the_lowest_to_pass() {
        let mut behavior = behavior("Max");
        behavior["scaleUp"]["stabilizationWindowSeconds"] = json!(60);
        let mut memory = Memory::default();
        memory.begin(4, at(0));
        let wish = Wish { behavior: Some(&behavior), ..wish(4, 6) };
        let held = memory.bound(wish, at(30));
        assert_eq!((held.replicas, held.able.0), (4, "ScaleUpStabilized"));
        assert_eq!(memory.bound(wish, at(61)).replicas, 6);
    }
}
