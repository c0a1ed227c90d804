//! What was good in a data center.

use serde::{Deserialize, Serialize};

use super::Good;
use crate::digest::Digest;
use crate::name::AppUid;

/// How many contents are remembered: the one that is ordered, and the one to go back to.
const REMEMBERED: usize = 2;

/// The newest Releases of an App that were good in a data center. The evidence belongs to the content: whatever
/// is ordered of it later, another scale, a restart, or the same content under a new number, takes nothing
/// of it away. Only that data center's worker writes it, in the transaction that says so of an outcome.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Proven {
    /// The life of the App.
    pub uid: AppUid,
    /// The newest first, each with another content.
    pub releases: Vec<Good>,
}

impl Proven {
    /// What is known once `good` was seen to be good in this life of the App.
    pub fn with(before: Option<&Self>, uid: AppUid, good: &Good) -> Self {
        let earlier = before.filter(|before| before.uid == uid).map(|before| before.releases.as_slice());
        let others =
            earlier.unwrap_or_default().iter().filter(|other| other.content != good.content).cloned();
        let releases = std::iter::once(good.clone()).chain(others).take(REMEMBERED).collect();
        Self { uid, releases }
    }

    /// The newest one with another content than this: what to go back to from it.
    pub fn other_than(&self, content: &Digest) -> Option<&Good> {
        self.releases.iter().find(|good| good.content != *content)
    }

    /// Whether this is the newest that is known.
    pub fn begins_with(&self, uid: AppUid, good: &Good) -> bool {
        self.uid == uid && self.releases.first() == Some(good)
    }
}
