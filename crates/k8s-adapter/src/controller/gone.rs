//! What went last, so that nothing that comes late brings it back.

use std::collections::{HashMap, VecDeque};

use crate::version::newer;

/// The version of what is gone for good: newer than any.
pub(super) const FOR_GOOD: &str = "340282366920938463463374607431768211455";

/// How many uids are remembered; more than pass in the seconds that an answer may take.
const GONE: usize = 4096;

/// The uids of what went last, and in which version. A watch may be behind an answer, and an answer behind a
/// watch: neither may bring back what is gone. A newer version may: an object whose label was taken off goes
/// from the watch's sight and comes back.
#[derive(Default)]
pub(super) struct Gone {
    versions: HashMap<String, Tombstone>,
    order: VecDeque<String>,
}

struct Tombstone {
    version: String,
    /// How many lists had begun when it went.
    begun: u64,
}

impl Gone {
    /// It went in this version, when so many lists had begun.
    pub(super) fn insert(&mut self, uid: &str, version: &str, begun: u64) {
        let tombstone = Tombstone { version: version.to_owned(), begun };
        if self.versions.insert(uid.to_owned(), tombstone).is_none() {
            self.order.push_back(uid.to_owned());
        }
        if self.order.len() > GONE
            && let Some(oldest) = self.order.pop_front()
        {
            self.versions.remove(&oldest);
        }
    }

    /// It is there after all.
    pub(super) fn remove(&mut self, uid: &str) {
        if self.versions.remove(uid).is_some() {
            self.order.retain(|held| held != uid);
        }
    }

    /// What a list shows that was the `begun`th to begin is back, if it went before.
    pub(super) fn is_listed(&mut self, uid: &str, begun: u64) {
        if self.versions.get(uid).is_some_and(|gone| gone.begun < begun) {
            self.remove(uid);
        }
    }

    /// Whether it is gone, although it was said to be there.
    pub(super) fn has(&self, uid: &str, version: &str) -> bool {
        self.versions.get(uid).is_some_and(|gone| newer(&gone.version, version))
    }
}
