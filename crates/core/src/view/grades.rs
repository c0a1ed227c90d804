//! Grades, and what they make of an App's size.

use jiff::Timestamp;
use plimsoll_qos::{GradeName, PriorityClass, QosClass, Quantity, Ratio};
use serde::Serialize;

use super::Etag;
use crate::name::AppRef;
use crate::record::{RetiredGrade, classes};

/// The grades of an installation, the most important first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PolicyView {
    /// For `If-Match`.
    pub etag: Etag,
    /// The grades that new Releases may have.
    pub grades: Vec<GradeView>,
    /// Grades that there were once; Releases that have them may come back by a rollback.
    pub retired: Vec<RetiredGrade>,
    /// Who set them; none where nobody has and they are Plimsoll's own.
    pub by: Option<String>,
    /// Why.
    pub reason: Option<String>,
    /// When.
    pub changed: Option<Timestamp>,
}

impl PolicyView {
    /// The `PriorityClass`es that every data center must have for these grades, and for those that there were.
    pub fn classes(&self) -> Vec<PriorityClass> {
        let known = self.grades.iter().map(|grade| (&grade.name, grade.priority));
        classes(known, &self.retired)
    }
}

/// What one grade stands for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct GradeView {
    /// Its name.
    pub name: GradeName,
    /// The QoS class of its pods.
    pub qos_class: QosClass,
    /// CPU limit over CPU request.
    pub cpu: Ratio,
    /// Memory limit over memory request.
    pub memory: Ratio,
    /// The value of its pods' `PriorityClass`.
    pub priority: i32,
    /// The name of that class.
    pub priority_class: String,
}

/// What came, or would come, of setting the grades.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PolicyChange {
    /// The grades as they are then.
    pub policy: PolicyView,
    /// Those that are not what they were; empty also for the repeat of a request.
    pub changes: Vec<GradeChange>,
}

/// A grade that is not what it was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct GradeChange {
    /// Its name.
    pub grade: GradeName,
    /// What it stood for; none where there was no such grade.
    pub before: Option<GradeView>,
    /// What it stands for; none where there is no such grade any more.
    pub after: Option<GradeView>,
    /// Apps whose head Release has this grade, and keeps the terms that it was made with; the first twenty at most.
    pub apps: Vec<AppRef>,
    /// How many there are.
    pub count: usize,
}

/// What a Release got for its grade.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TermsView {
    /// The QoS class of its pods.
    pub qos_class: QosClass,
    /// CPU limit over CPU request.
    pub cpu: Ratio,
    /// Memory limit over memory request.
    pub memory: Ratio,
    /// The name of its pods' `PriorityClass`.
    pub priority_class: String,
}

/// What a container may use and what is requested for it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ContainerSize {
    /// The container's name: `app` for the main one.
    pub container: String,
    /// Cores.
    pub cpu: SizedAmount,
    /// Bytes.
    pub memory: SizedAmount,
}

/// A limit, and the request that follows from it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SizedAmount {
    /// What may be used.
    pub limit: Quantity,
    /// What the scheduler sets aside.
    pub request: Quantity,
    /// Why so much: `ceil(333m / 5), grade general-5`.
    pub because: String,
}
