//! How a Release travels over the data centers.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::name::DcName;

/// The publish policy of a Release.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PublishPolicy {
    /// Waves of data centers, one after the other; those in no wave form a last one. Empty: all together.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub waves: Vec<Vec<DcName>>,
    /// How many must become healthy.
    pub succeed: Succeed,
    /// How long a data center must stay healthy before it counts.
    #[serde(with = "crate::duration")]
    pub soak: Duration,
    /// How long a data center may take from `Sent`, without the soak.
    #[serde(with = "crate::duration")]
    pub deadline: Duration,
    /// What happens when the policy can no longer be met.
    pub on_failure: OnFailure,
}

/// How many data centers must become healthy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Succeed {
    /// Every one that is not owed, and at least one.
    All,
    /// At least so many; 1 or more.
    AtLeast(u32),
}

/// What a failed publish does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum OnFailure {
    /// It stops where it is until a person decides.
    Hold,
    /// It rolls every data center back.
    Rollback,
}

impl Default for PublishPolicy {
    fn default() -> Self {
        Self {
            waves: Vec::new(),
            succeed: Succeed::All,
            soak: Duration::from_secs(0),
            deadline: Duration::from_mins(10),
            on_failure: OnFailure::Hold,
        }
    }
}
