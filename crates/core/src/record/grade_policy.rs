//! The grades of the installation.

use jiff::Timestamp;
use plimsoll_qos::{GradeName, Policy, PriorityClass};
use serde::{Deserialize, Serialize};

/// The policy of grades, under a key of its own: the transaction that accepts a Release compares it.
///
/// An installation of which nothing is stored has Plimsoll's own grades.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct GradePolicy {
    /// The grades that new Releases may have.
    pub policy: Policy,
    /// Grades that there were once and that no new Release may have. Their `PriorityClass`es stay in the data
    /// centers, for a rollback brings them back; and their names keep their priorities, for Kubernetes changes none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub retired: Vec<RetiredGrade>,
    /// Who set it.
    pub by: String,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// When.
    pub changed: Timestamp,
}

impl GradePolicy {
    /// The `PriorityClass`es that every data center must have.
    pub fn classes(&self) -> Vec<PriorityClass> {
        of(&self.policy, &self.retired)
    }

    /// Those of an installation of which nothing is stored.
    pub fn own_classes() -> Vec<PriorityClass> {
        of(&Policy::default(), &[])
    }
}

fn of(policy: &Policy, retired: &[RetiredGrade]) -> Vec<PriorityClass> {
    classes(policy.grades().iter().map(|rule| (&rule.name, rule.priority)), retired)
}

/// A grade that there was once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RetiredGrade {
    /// Its name.
    pub name: GradeName,
    /// The value of its `PriorityClass`.
    pub priority: i32,
}

/// The most grades that may be retired: each stays as a `PriorityClass` in every data center.
pub const MOST_RETIRED: usize = 100;

/// The `PriorityClass`es that every data center must have for the known grades with their priorities, and for those
/// that there were.
pub fn classes<'a>(
    known: impl Iterator<Item = (&'a GradeName, i32)>,
    retired: &'a [RetiredGrade],
) -> Vec<PriorityClass> {
    let all = known.chain(retired.iter().map(|retired| (&retired.name, retired.priority)));
    all.map(|(name, value)| class(name, value)).collect()
}

/// It says nothing of ratios: those of a grade may change, and the class that was made once stays.
fn class(name: &GradeName, value: i32) -> PriorityClass {
    PriorityClass {
        name: name.priority_class(),
        value,
        description: format!("Applications of grade {name}, by Plimsoll."),
    }
}
