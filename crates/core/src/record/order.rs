//! Orders: what one data center is to have now of one App.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::cluster::{Fence, Power};
use crate::digest::Digest;
use crate::image::Pulls;
use crate::ledger::Revision;
use crate::name::{AppUid, OperationId, ReleaseNumber};
use crate::scale::Replication;

/// An Order. Its fence is its epoch and the revision that wrote it, so it is known only when it is read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Order {
    /// The life of the App that is ordered.
    pub uid: AppUid,
    /// The epoch that it was written in.
    pub epoch: u64,
    /// The Operation that wrote it.
    pub operation: OperationId,
    /// What is ordered.
    pub ordered: Ordered,
    /// Earlier lives of this name whose removal is not confirmed here.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub deleted: Vec<AppUid>,
    /// How often each content was restarted here; contents that were never have no entry.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub restarts: BTreeMap<Digest, u64>,
    /// The newest Release that was healthy here, other than the one ordered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_good: Option<Good>,
    /// From where images are pulled; none: from where they name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pulls: Option<Pulls>,
}

/// What is ordered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Ordered {
    /// It is to be there.
    #[serde(rename_all = "camelCase")]
    Run {
        /// The Release.
        release: ReleaseNumber,
        /// The digest of its content.
        content: Digest,
        /// Whether it runs.
        power: Power,
        /// How many.
        replication: Replication,
    },
    /// It is to be gone.
    Deleted,
}

/// A Release that was healthy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Good {
    /// Its number.
    pub release: ReleaseNumber,
    /// The digest of its content.
    pub content: Digest,
}

/// The part of an Order that its digest is made over: what the data center is to have, without who ordered
/// it and when, and without the Release's number, which two Releases of one content differ in.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Substance<'a> {
    /// The life of the App.
    pub uid: AppUid,
    /// The digest of the content; `None`, as the next two, where deletion is ordered.
    pub content: Option<&'a Digest>,
    /// Whether it runs.
    pub power: Option<Power>,
    /// How many.
    pub replication: Option<&'a Replication>,
    /// How often this content was restarted.
    pub restarts: u64,
    /// Earlier lives that must go.
    pub deleted: &'a [AppUid],
    /// From where images are pulled; left out where that is where they name, as it was before there was a choice.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pulls: Option<&'a Pulls>,
}

impl Substance<'_> {
    /// The digest of an Order of this.
    ///
    /// # Errors
    /// If it has no JSON form, which none lacks.
    pub fn digest(&self) -> Result<Digest, serde_json::Error> {
        Digest::of(self)
    }
}

impl Order {
    /// The fence of this Order, read at `revision`.
    pub fn fence(&self, revision: Revision) -> Fence {
        Fence { epoch: self.epoch, revision }
    }

    /// How often the content that is ordered was restarted here.
    pub fn restart_count(&self) -> u64 {
        match &self.ordered {
            Ordered::Run { content, .. } => self.restarts.get(content).copied().unwrap_or(0),
            Ordered::Deleted => 0,
        }
    }

    /// The digest of the content that is ordered, unless deletion is.
    pub fn content(&self) -> Option<&Digest> {
        match &self.ordered {
            Ordered::Run { content, .. } => Some(content),
            Ordered::Deleted => None,
        }
    }

    /// The Release that is ordered, unless deletion is.
    pub fn release(&self) -> Option<ReleaseNumber> {
        match &self.ordered {
            Ordered::Run { release, .. } => Some(*release),
            Ordered::Deleted => None,
        }
    }

    /// The digest of what is ordered.
    ///
    /// # Errors
    /// If it has no JSON form, which no Order lacks.
    pub fn digest(&self) -> Result<Digest, serde_json::Error> {
        let (content, power, replication) = match &self.ordered {
            Ordered::Run { release: _, content, power, replication } => {
                (Some(content), Some(*power), Some(replication))
            }
            Ordered::Deleted => (None, None, None),
        };
        Substance {
            uid: self.uid,
            content,
            power,
            replication,
            restarts: self.restart_count(),
            deleted: &self.deleted,
            pulls: self.pulls.as_ref(),
        }
        .digest()
    }
}
