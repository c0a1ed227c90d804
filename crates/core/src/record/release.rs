//! Releases: the immutable history of an App's content.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::digest::Digest;
use crate::name::{OperationId, ReleaseNumber};

/// A Release; its content lies apart, once per digest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Release {
    /// Its number.
    pub number: ReleaseNumber,
    /// The digest of its content.
    pub content: Digest,
    /// The digest of the Release before it, this record's own form: the chain of the App.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous: Option<Digest>,
    /// The image that it runs, for lists.
    pub image: String,
    /// The Operation that made it.
    pub operation: OperationId,
    /// The Release whose content a rollback brought back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub back_to: Option<ReleaseNumber>,
    /// Who made it.
    pub by: String,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// When.
    pub created: Timestamp,
}

/// How a Release fared; absent until something is known.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Verdict {
    /// When its publish succeeded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub succeeded: Option<Timestamp>,
    /// When it was rolled back from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rolled_back: Option<Timestamp>,
}
