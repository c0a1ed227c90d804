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

/// How many data centers must become healthy; in JSON `"All"` or a number, the two that a Kubernetes schema
/// can hold in one field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "SucceedForm", into = "SucceedForm")]
pub enum Succeed {
    /// Every one that is not owed, and at least one.
    All,
    /// At least so many; 1 or more.
    AtLeast(u32),
}

#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum SucceedForm {
    AtLeast(u32),
    Word(SucceedWord),
}

#[derive(Serialize, Deserialize)]
enum SucceedWord {
    All,
}

impl From<SucceedForm> for Succeed {
    fn from(form: SucceedForm) -> Self {
        match form {
            SucceedForm::AtLeast(n) => Self::AtLeast(n),
            SucceedForm::Word(SucceedWord::All) => Self::All,
        }
    }
}

impl From<Succeed> for SucceedForm {
    fn from(succeed: Succeed) -> Self {
        match succeed {
            Succeed::AtLeast(n) => Self::AtLeast(n),
            Succeed::All => Self::Word(SucceedWord::All),
        }
    }
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
