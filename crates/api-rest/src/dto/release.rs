//! Releases and differences.

use jiff::Timestamp;
use plimsoll_core::view::{self, DiffView, ReleaseView};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

/// A Release: immutable, numbered content of an App.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Release {
    /// Its number.
    pub number: u64,
    /// Whether it is the one aimed at.
    pub head: bool,
    /// The digest of its content.
    pub content: String,
    /// The digest of the Release before it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous: Option<String>,
    /// The image of its main container.
    pub image: String,
    /// The Release whose content a rollback brought back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub back_to: Option<u64>,
    /// When its publish succeeded; absent if it did not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub succeeded: Option<Timestamp>,
    /// When it was rolled back from; absent if it was not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rolled_back: Option<Timestamp>,
    /// The id of the Operation that made it.
    pub operation: String,
    /// Who made it.
    pub by: String,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// When.
    pub created: Timestamp,
}

/// What an apply would change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Difference {
    /// The Release compared with; absent where the App is not there yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub release: Option<u64>,
    /// What differs, in the order of the document.
    pub changes: Vec<Change>,
    /// What an apply would say beside it.
    #[serde(default)]
    pub notes: Vec<String>,
}

/// One difference.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Change {
    /// Where, as `spec.image`.
    pub path: String,
    /// What the head has; absent where it has nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<Value>,
    /// What the document has; absent where it has nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<Value>,
}

impl From<ReleaseView> for Release {
    fn from(view: ReleaseView) -> Self {
        let ReleaseView {
            number,
            head,
            content,
            previous,
            image,
            back_to,
            succeeded,
            rolled_back,
            operation,
            by,
            reason,
            created,
        } = view;
        Self {
            number: number.get(),
            head,
            content: content.to_string(),
            previous: previous.map(|digest| digest.to_string()),
            image,
            back_to: back_to.map(u64::from),
            succeeded,
            rolled_back,
            operation: operation.to_string(),
            by,
            reason,
            created,
        }
    }
}

impl From<DiffView> for Difference {
    fn from(view: DiffView) -> Self {
        let DiffView { release, changes, notes } = view;
        Self {
            release: release.map(u64::from),
            changes: changes.into_iter().map(Change::from).collect(),
            notes,
        }
    }
}

impl From<view::Change> for Change {
    fn from(change: view::Change) -> Self {
        let view::Change { path, before, after } = change;
        Self { path, before, after }
    }
}
