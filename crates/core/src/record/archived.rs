//! What the ledger remembers of what went into the archive.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::digest::Digest;
use crate::name::ReleaseNumber;

/// What lies in the archive of a life of an App.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ArchivedSummary {
    /// Where, for people.
    pub place: String,
    /// How many Releases.
    pub releases: u64,
    /// The newest of them; none while there are none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub newest: Option<ArchivedRelease>,
    /// How many Operations.
    pub operations: u64,
}

/// An archived Release.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ArchivedRelease {
    /// Its number.
    pub number: ReleaseNumber,
    /// The digest of its record: what the next Release names as the one before it, so the chain goes on over the
    /// border.
    pub digest: Digest,
}

/// Which contents the archived Releases of a block of numbers had.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ArchivedContents {
    /// The beginning of each content's digest, by Release: enough to say that one was never held.
    pub contents: BTreeMap<ReleaseNumber, String>,
}

impl ArchivedContents {
    /// How many numbers a block is about: a record of some 30 KB when it is full.
    const BLOCK: u64 = 1000;
    /// How many hex digits of a digest are kept.
    const DIGITS: usize = 16;

    /// The block that a number belongs to.
    pub fn block_of(number: ReleaseNumber) -> u64 {
        number.get() / Self::BLOCK
    }

    /// Notes what a Release had.
    pub fn note(&mut self, number: ReleaseNumber, content: &Digest) {
        self.contents.insert(number, content.short(Self::DIGITS));
    }

    /// Whether one of these Releases had this content.
    pub fn held(&self, content: &Digest) -> bool {
        let short = content.short(Self::DIGITS);
        self.contents.values().any(|held| *held == short)
    }
}
