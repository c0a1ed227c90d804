//! Errors, as RFC 9457 has them.

use std::collections::BTreeMap;

use plimsoll_core::error;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What went wrong (RFC 9457).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Problem {
    /// The reason as a URN, `urn:plimsoll:error:APP_CHANGED`.
    #[serde(rename = "type")]
    pub type_: String,
    /// The sort of error in a few words.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// What is wrong and what to do about it.
    pub detail: String,
    /// The kind of error, one of a closed set such as `NotFound` or `Conflict`; every reason has one.
    pub kind: String,
    /// The stable key of this error, `UPPER_SNAKE`.
    pub reason: String,
    /// Facts that a program can read.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub metadata: BTreeMap<String, String>,
    /// What the server's log calls this request.
    pub trace_id: String,
    /// Every fault, where there can be several.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub violations: Vec<Violation>,
}

/// One fault of a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Violation {
    /// Where it is, as `spec.ports[0].name`.
    pub path: String,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub remedy: String,
    /// The golden rule that it breaks, such as `min-replicas`, if it breaks one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
}

impl From<error::Violation> for Violation {
    fn from(violation: error::Violation) -> Self {
        let error::Violation { path, message, remedy, rule } = violation;
        Self { path, message, remedy, rule: rule.map(|rule| rule.name().to_owned()) }
    }
}
