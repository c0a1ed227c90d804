//! Importance classes and what each stands for.

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::{QosClass, Ratio};

/// How important an application is; decides QoS class, oversell and priority of its pods.
///
/// The more important grade is the greater: `Grade::System > Grade::Important`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "&'static str")]
pub enum Grade {
    /// What others cannot run without; nothing is sold twice.
    System,
    /// What must not wait for others; nothing is sold twice.
    Important,
    /// CPU sold twice.
    General2,
    /// CPU sold five times.
    General5,
    /// CPU sold ten times.
    General10,
}

/// The ratios that a grade stands for; a Release keeps those it was made with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Terms {
    /// CPU limit over CPU request.
    pub cpu: Ratio,
    /// Memory limit over memory request.
    pub memory: Ratio,
}

/// A name that is no grade.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("`{0}` is no grade; the grades are system, important, general-2, general-5 and general-10")]
pub struct UnknownGrade(pub String);

impl Grade {
    /// All grades, the most important first.
    pub const ALL: [Self; 5] =
        [Self::System, Self::Important, Self::General2, Self::General5, Self::General10];

    /// The grade's name in documents, commands and labels.
    pub fn name(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::Important => "important",
            Self::General2 => "general-2",
            Self::General5 => "general-5",
            Self::General10 => "general-10",
        }
    }

    /// The ratios that this grade stands for.
    ///
    /// Memory is never sold more than one and a half times: unlike CPU, memory that is short kills.
    pub fn terms(self) -> Terms {
        let cpu = match self {
            Self::System | Self::Important => {
                return Terms { cpu: Ratio::ONE, memory: Ratio::ONE };
            }
            Self::General2 => 2,
            Self::General5 => 5,
            Self::General10 => 10,
        };
        Terms { cpu: Ratio::constant(cpu, 1), memory: Ratio::constant(3, 2) }
    }

    /// The `PriorityClass` of this grade's pods: its name and its value.
    ///
    /// All values are below 1,000,000,000, above which Kubernetes keeps for itself, and above the zero of
    /// pods without a class; the gaps leave room for an installation's own grades.
    pub fn priority(self) -> (&'static str, i32) {
        match self {
            Self::System => ("plimsoll-system", 900_000_000),
            Self::Important => ("plimsoll-important", 800_000_000),
            Self::General2 => ("plimsoll-general-2", 700_000_000),
            Self::General5 => ("plimsoll-general-5", 600_000_000),
            Self::General10 => ("plimsoll-general-10", 500_000_000),
        }
    }

    /// The QoS class that this grade's pods must end up in.
    pub fn qos_class(self) -> QosClass {
        match self {
            Self::System | Self::Important => QosClass::Guaranteed,
            Self::General2 | Self::General5 | Self::General10 => QosClass::Burstable,
        }
    }
}

impl fmt::Display for Grade {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Grade {
    type Err = UnknownGrade;

    fn from_str(text: &str) -> Result<Self, UnknownGrade> {
        Self::ALL
            .into_iter()
            .find(|grade| grade.name() == text)
            .ok_or_else(|| UnknownGrade(text.chars().take(40).collect()))
    }
}

impl TryFrom<String> for Grade {
    type Error = UnknownGrade;

    fn try_from(text: String) -> Result<Self, UnknownGrade> {
        text.parse()
    }
}

impl From<Grade> for &'static str {
    fn from(grade: Grade) -> Self {
        grade.name()
    }
}

impl Ord for Grade {
    fn cmp(&self, other: &Self) -> Ordering {
        self.priority().1.cmp(&other.priority().1)
    }
}

impl PartialOrd for Grade {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
