//! Operations: long-running changes, written once at accept, with one outcome per data center.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::digest::Digest;
use crate::ledger::Revision;
use crate::name::{AppRef, AppUid, DcName, OperationId, ReleaseNumber};
use crate::policy::PublishPolicy;
use crate::record::Track;

/// An Operation, immutable.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Operation {
    /// Its id.
    pub id: OperationId,
    /// What it does.
    pub kind: Kind,
    /// The App.
    pub app: AppRef,
    /// The life of the App.
    pub uid: AppUid,
    /// The Release that it brings, or that was the head when it was accepted.
    pub release: ReleaseNumber,
    /// The Release that was the head before, if there was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<ReleaseNumber>,
    /// What its automatic rollback would bring back: known when it is accepted, so that a failure is either
    /// rolled back or held, and both by rule.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fallback: Option<ReleaseNumber>,
    /// How it opens the data centers.
    pub pace: Pace,
    /// What it counts by.
    pub policy: PublishPolicy,
    /// The data centers that it is for, sorted; each has an outcome.
    pub dcs: Vec<DcName>,
    /// Who asked for it.
    pub by: String,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// When it was accepted.
    pub created: Timestamp,
}

/// What an Operation does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Kind {
    /// The first Release of an App.
    GoLive,
    /// A further Release.
    Upgrade,
    /// A Release with old content.
    Rollback,
    /// Another scale.
    Scale,
    /// All pods anew.
    Restart,
    /// No pods.
    Offline,
    /// Pods again.
    Online,
    /// The App and everything that was made for it, gone.
    Delete,
}

impl Kind {
    /// What it moves.
    pub fn track(self) -> Track {
        match self {
            Self::GoLive | Self::Upgrade | Self::Rollback => Track::Release,
            Self::Scale => Track::Scale,
            Self::Restart => Track::Restart,
            Self::Offline | Self::Online | Self::Delete => Track::Power,
        }
    }
}

/// How an Operation opens the data centers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Pace {
    /// By the publish policy: a worker writes each Order when its gate opens.
    Gated,
    /// All at once: the accepting transaction wrote the Orders.
    AtOnce,
}

/// What callers say about a running Operation.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Control {
    /// Who paused it; no further gate opens while it is set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paused: Option<Word>,
    /// Who told it to go on last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resumed: Option<Word>,
    /// How often it was told to go on after a failure; a failed outcome of an earlier round is tried anew.
    #[serde(default)]
    pub round: u32,
}

/// Who said something, when and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Word {
    /// Who.
    pub by: String,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// When.
    pub at: Timestamp,
}

impl Word {
    /// Who, and why if they said so: `ann (too slow)`.
    pub fn who_and_why(&self) -> String {
        match &self.reason {
            Some(reason) => format!("{} ({reason})", self.by),
            None => self.by.clone(),
        }
    }
}

/// How an Operation stands in one data center. Only that data center's worker writes it, and only when it
/// changes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Outcome {
    /// Where it stands.
    pub state: OutcomeState,
    /// Why, as a stable key such as `DeadlineExceeded`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Why, in a sentence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// When it came to stand there.
    pub since: Timestamp,
    /// The revision of the Order that it speaks of. None while it waits, and in a `Sent` that was written by
    /// the very transaction that wrote the Order: then it is the revision of this record.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order: Option<Revision>,
    /// What a worker has measured so far.
    #[serde(default)]
    pub spent: Spent,
    /// The [`Control::round`] that it failed in, or that it is tried again in.
    #[serde(default)]
    pub round: u32,
}

impl Outcome {
    /// Whether it failed, and nobody has told the Operation to go on since.
    pub fn has_failed(&self, control: &Control) -> bool {
        self.state == OutcomeState::Failed && self.round >= control.round
    }
}

/// Time that a worker measured with its monotonic clock and stored; time that nobody stored does not count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Spent {
    /// Since `Sent`, without the soak.
    #[serde(rename = "runningMs", with = "millis")]
    pub running: Duration,
    /// Healthy without a break.
    #[serde(rename = "soakedMs", with = "millis")]
    pub soaked: Duration,
}

mod millis {
    use std::time::Duration;

    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u64(u64::try_from(duration.as_millis()).unwrap_or(u64::MAX))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
        u64::deserialize(deserializer).map(Duration::from_millis)
    }
}

/// Where an Operation stands in one data center.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum OutcomeState {
    /// Its gate is closed.
    Waiting,
    /// Its Order is written.
    Sent,
    /// The data center works on it.
    Progressing,
    /// As ordered, on fresh evidence.
    Healthy,
    /// It did not become healthy.
    Failed,
    /// The data center cannot be written to now; it gets its newest Order on return.
    Owed,
    /// Changed locally while cut off.
    Diverged,
    /// Something newer took its place.
    Superseded,
    /// Nothing is ordered, and nothing is there.
    Done,
}

/// How an Operation ended; written once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct End {
    /// How.
    pub state: EndState,
    /// Why, in a sentence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// What took its place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<OperationId>,
    /// When.
    pub at: Timestamp,
}

/// How an Operation ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum EndState {
    /// As its policy asked.
    Succeeded,
    /// As its policy asked; some data centers get it on their return.
    SucceededOwing,
    /// It cannot succeed any more.
    Failed,
    /// Its own automatic rollback took its place.
    RolledBack,
    /// A person ended it.
    Aborted,
    /// A newer Operation took its place.
    Superseded,
}

/// An Operation among those of its App.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HistoryEntry {
    /// What it did.
    pub kind: Kind,
}

/// A request that was accepted, so that its repeat gets the same answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Request {
    /// The digest of verb and body.
    pub body: Digest,
    /// The Operation that it started, if it started one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operation: Option<OperationId>,
    /// What was said beside it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// When; it is kept for 24 hours.
    pub at: Timestamp,
}
