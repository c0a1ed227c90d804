//! The head of an App: what it aims at.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::cluster::Power;
use crate::digest::Digest;
use crate::name::{AppRef, AppUid, OperationId, ReleaseNumber};
use crate::scale::Scale;

/// An App. Its revision is what `If-Match` speaks of, so it is written when somebody changes what the App
/// aims at and never because something happened to it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct App {
    /// Namespace and name.
    #[serde(flatten)]
    pub app: AppRef,
    /// This life of the name.
    pub uid: AppUid,
    /// Who answers for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    /// What it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// For finding it; they stay out of the data centers.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
    /// The Release aimed at.
    pub head: ReleaseNumber,
    /// The content of the head.
    pub head_content: Digest,
    /// How much of it runs where.
    pub scale: Scale,
    /// Whether it runs.
    pub power: Power,
    /// Set by a rollback: no publish until it is released.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pin: Option<Pin>,
    /// The newest Operation of each track; at most one per track runs.
    pub operations: BTreeMap<Track, OperationId>,
    /// When this life began.
    pub created: Timestamp,
    /// Who changed the aim last.
    pub changed_by: String,
    /// When.
    pub changed: Timestamp,
}

/// Why an App takes no publish.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Pin {
    /// Who rolled it back.
    pub by: String,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// When.
    pub since: Timestamp,
    /// The Release that it was rolled back from.
    pub from: ReleaseNumber,
}

/// What an Operation moves. Those of different tracks run side by side: to scale an App in the middle of its
/// upgrade ends no upgrade.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Track {
    /// The Release: go live, upgrade, rollback, rerender.
    Release,
    /// The scale.
    Scale,
    /// The restart counter.
    Restart,
    /// Online, offline, delete.
    Power,
}
