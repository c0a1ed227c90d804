//! Names of grades.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::Grade;

/// `plimsoll-` and a name are together the name of a Kubernetes object and a label value.
const LONGEST: usize = 40;

/// The name of a grade: lower-case letters, digits and dashes, at most 40, a letter first.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct GradeName(String);

/// A text that cannot name a grade.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error(
    "`{0}` cannot name a grade; use lower-case letters, digits and dashes, a letter first, no dash last, at most 40"
)]
pub struct GradeNameError(String);

impl GradeName {
    /// The name as it is written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// A stand-in for a name that cannot be read: `grade-3` for the third.
    pub(super) fn numbered(number: usize) -> Self {
        Self(format!("grade-{number}"))
    }

    /// The name of the `PriorityClass` of this grade's pods.
    pub fn priority_class(&self) -> String {
        format!("plimsoll-{}", self.0)
    }
}

impl FromStr for GradeName {
    type Err = GradeNameError;

    fn from_str(text: &str) -> Result<Self, GradeNameError> {
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        let legal = text.len() <= LONGEST
            && text.starts_with(|first: char| first.is_ascii_lowercase())
            && text.bytes().all(plain)
            && !text.ends_with('-');
        if legal { Ok(Self(text.to_owned())) } else { Err(GradeNameError(text.chars().take(60).collect())) }
    }
}

impl TryFrom<String> for GradeName {
    type Error = GradeNameError;

    fn try_from(text: String) -> Result<Self, GradeNameError> {
        text.parse()
    }
}

impl From<GradeName> for String {
    fn from(name: GradeName) -> Self {
        name.0
    }
}

impl From<Grade> for GradeName {
    fn from(grade: Grade) -> Self {
        Self(grade.name().to_owned())
    }
}

impl fmt::Display for GradeName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
