//! Fields that somebody else changes again after each repair: each repair comes later than the one before, or two
//! who undo each other would replace the pods for ever.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use tokio::time::Instant;

/// Before the second repair; each further one waits twice as long.
const FIRST: Duration = Duration::from_secs(1);
/// And never longer than this.
const LONGEST: Duration = Duration::from_mins(5);
/// A field that stayed right for so long is fought over no more.
const PEACE: Duration = Duration::from_mins(10);
/// How many fields are remembered; there are not many that anybody fights over.
const REMEMBERED: usize = 64;

/// The repairs of one App, by object and field.
#[derive(Default)]
pub(super) struct Fights(BTreeMap<(String, String), Repaired>);

struct Repaired {
    times: u32,
    last: Instant,
}

impl Repaired {
    fn pause(&self) -> Duration {
        FIRST.saturating_mul(2_u32.saturating_pow(self.times - 1)).min(LONGEST)
    }
}

impl Fights {
    /// A field was put right.
    pub(super) fn repaired(&mut self, object: &str, field: &str) {
        let now = Instant::now();
        self.0.retain(|_, repaired| now - repaired.last < PEACE);
        let key = (object.to_owned(), field.to_owned());
        if self.0.len() >= REMEMBERED && !self.0.contains_key(&key) {
            return;
        }
        let repaired = self.0.entry(key).or_insert(Repaired { times: 0, last: now });
        (repaired.times, repaired.last) = (repaired.times.saturating_add(1), now);
    }

    /// The fields that are to be left for now, by object.
    pub(super) fn left(&self) -> BTreeMap<String, BTreeSet<String>> {
        let mut left: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for ((object, field), repaired) in &self.0 {
            if repaired.last.elapsed() < repaired.pause() {
                left.entry(object.clone()).or_default().insert(field.clone());
            }
        }
        left
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn each_repair_of_a_field_comes_later_until_there_was_peace() {
        let mut fights = Fights::default();
        let is_left = |fights: &Fights| !fights.left().is_empty();
        for pause in [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300] {
            assert!(!is_left(&fights));
            fights.repaired("Deployment/shop", ".spec.replicas");
            tokio::time::advance(Duration::from_millis(pause * 1000 - 1)).await;
            assert!(is_left(&fights), "{pause} s");
            tokio::time::advance(Duration::from_millis(1)).await;
        }
        tokio::time::advance(PEACE).await;
        fights.repaired("Deployment/shop", ".spec.replicas");
        tokio::time::advance(FIRST).await;
        assert!(!is_left(&fights));
    }
}
