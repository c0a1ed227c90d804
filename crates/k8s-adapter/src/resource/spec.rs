//! The wire form of an App resource's `spec` and `status`.

use jiff::Timestamp;
use plimsoll_core::cluster::Fence;
use plimsoll_core::digest::Digest;
use plimsoll_core::image::Pulls;
use plimsoll_core::name::{AppUid, DcName, InstallationId, OperationId, ReleaseNumber};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// `C` is how the content is held, which is most of it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", bound(deserialize = "C: Deserialize<'de>"))]
pub(crate) struct Spec<C> {
    pub(crate) installation: InstallationId,
    pub(crate) dc: DcName,
    pub(crate) uid: AppUid,
    pub(crate) fence: Fence,
    pub(crate) digest: Digest,
    pub(crate) operation: OperationId,
    pub(crate) state: State,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) release: Option<ReleaseNumber>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) content_digest: Option<Digest>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) content: Option<C>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) replication: Option<Replication>,
    #[serde(default, skip_serializing_if = "is_zero")]
    pub(crate) restarts: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) last_good: Option<LastGood<C>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) pulls: Option<Pulls>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) deleted: Vec<AppUid>,
    /// Reserved for the local rollback: never written from here, and never acted on.
    #[serde(default, skip_serializing)]
    pub(crate) local: Option<Value>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature that serde calls")]
fn is_zero(number: &u64) -> bool {
    *number == 0
}

/// What the App is to be, in one word for `kubectl get`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum State {
    Online,
    Offline,
    Deleted,
}

/// Exactly one of the two.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Replication {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) replicas: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) autoscale: Option<Autoscale>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Autoscale {
    pub(crate) min: u32,
    pub(crate) max: u32,
    pub(crate) cpu_percent: u32,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct LastGood<C> {
    pub(crate) release: ReleaseNumber,
    pub(crate) content_digest: Digest,
    pub(crate) content: C,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Status {
    pub(crate) fence: Fence,
    /// `3/3`, for `kubectl get`.
    #[serde(default)]
    pub(crate) ready: String,
    pub(crate) applied: Applied,
    pub(crate) replicas: Replicas,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) findings: Vec<Finding>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) drift: Vec<Drift>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Applied {
    Pending,
    Current,
    Gone,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Replicas {
    pub(crate) ordered: u32,
    pub(crate) updated: u32,
    pub(crate) ready: u32,
    pub(crate) available: u32,
    pub(crate) old: u32,
    pub(crate) terminating: u32,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Finding {
    pub(crate) reason: String,
    pub(crate) message: String,
    #[serde(default)]
    pub(crate) fatal: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Drift {
    pub(crate) object: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(crate) field: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) manager: Option<String>,
    pub(crate) since: Timestamp,
}
