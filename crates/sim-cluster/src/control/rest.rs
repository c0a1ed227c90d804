//! What controllers have looked at and found in order, so that they need not look again before something changes.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::{Outcome, until};
use crate::store::{Key, Object};

/// What stood there after the last look, and when time alone asks for another.
#[derive(Debug, Default)]
pub(super) struct Rest {
    /// As many entries as there are objects that were looked at.
    seen: HashMap<Key, (u64, Option<Timestamp>)>,
}

impl Rest {
    /// If nothing is to be done about an object: the outcome of not looking.
    pub(super) fn of(&self, key: &Key, scene: u64, now: Timestamp) -> Option<Outcome> {
        let (seen, due) = self.seen.get(key)?;
        let rests = *seen == scene && due.is_none_or(|due| due > now);
        rests.then(|| Ok(due.map(|due| until(now, due))))
    }

    /// Notes what stands there after a look.
    pub(super) fn note(&mut self, key: &Key, scene: u64, now: Timestamp, wait: Option<Duration>) {
        let due = wait.map(|wait| {
            let wait = SignedDuration::try_from(wait).unwrap_or(SignedDuration::MAX);
            now.saturating_add(wait).unwrap_or(Timestamp::MAX)
        });
        self.seen.insert(key.clone(), (scene, due));
    }

    /// It is gone.
    pub(super) fn forget(&mut self, key: &Key) {
        self.seen.remove(key);
    }
}

/// What a controller goes by: some objects in the version that they have, and pods in their state.
pub(super) fn scene<'a>(
    objects: impl IntoIterator<Item = &'a Object>,
    pods: impl IntoIterator<Item = &'a Object>,
) -> u64 {
    let mut hasher = DefaultHasher::new();
    for object in objects {
        let facts = object.facts();
        (&facts.uid, facts.revision).hash(&mut hasher);
    }
    pods.into_iter().for_each(|pod| pod.facts().hash_state(&mut hasher));
    hasher.finish()
}
