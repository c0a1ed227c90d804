//! Grades, and what they make of sizes.

use jiff::Timestamp;
use plimsoll_core::name::AppRef;
use plimsoll_core::{record, view};
use plimsoll_qos::QosClass;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The grades of the installation, the most important first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Policy {
    /// For `If-Match`.
    pub etag: String,
    /// The grades that new Releases may have.
    pub grades: Vec<Grade>,
    /// Grades that there were once: no new Release has them, a rollback may bring them back.
    #[serde(default)]
    pub retired: Vec<RetiredGrade>,
    /// Who set them; absent where nobody has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub changed_by: Option<String>,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// When.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub changed: Option<Timestamp>,
}

/// What one grade stands for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Grade {
    /// Its name.
    pub name: String,
    /// The QoS class of its pods.
    pub qos_class: Class,
    /// CPU limit over CPU request: `5`, `7/2`.
    pub cpu: String,
    /// Memory limit over memory request: `3/2`.
    pub memory: String,
    /// The value of its pods' `PriorityClass`.
    pub priority: i32,
    /// The name of that class.
    pub priority_class: String,
}

/// A grade that there was once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RetiredGrade {
    /// Its name.
    pub name: String,
    /// The value of its `PriorityClass`, which the data centers keep.
    pub priority: i32,
}

/// Kubernetes' quality-of-service class of pods.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub enum Class {
    /// They request exactly what they may use.
    Guaranteed,
    /// They request less than they may use.
    Burstable,
    /// They request nothing; no grade has it.
    BestEffort,
}

/// Grades to be set, the most important first. What may stand in them is in `docs/oversell.md`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewPolicy {
    /// The grades.
    pub grades: Vec<NewGrade>,
}

/// A grade to be set.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewGrade {
    /// Its name: lower-case letters, digits and dashes, a letter first, at most 40.
    pub name: String,
    /// The QoS class of its pods: `Guaranteed` or `Burstable`.
    pub qos_class: Class,
    /// How many times CPU may be sold: `5`, `7/2`, at most 100.
    pub cpu: String,
    /// How many times memory may be sold: `3/2`, at most 2 and at most as often as CPU.
    pub memory: String,
    /// The value of its `PriorityClass`, 1 to 999,999,999; lower than that of the grade before.
    pub priority: i32,
}

/// What came, or would come, of setting the grades.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PolicyChange {
    /// The grades as they are then.
    pub policy: Policy,
    /// Those that are not what they were.
    pub changes: Vec<GradeChange>,
}

/// A grade that is not what it was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct GradeChange {
    /// Its name.
    pub grade: String,
    /// What it stood for; absent where there was no such grade.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<Grade>,
    /// What it stands for; absent where there is no such grade any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<Grade>,
    /// Apps of this grade, as `namespace/name`, which keep the terms of their Releases; the first twenty at most.
    #[serde(default)]
    pub apps: Vec<String>,
    /// How many there are.
    pub app_count: usize,
}

/// What a Release got for its grade.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Terms {
    /// The QoS class of its pods.
    pub qos_class: Class,
    /// CPU limit over CPU request.
    pub cpu: String,
    /// Memory limit over memory request.
    pub memory: String,
    /// The name of its pods' `PriorityClass`.
    pub priority_class: String,
}

/// What a container may use and what is requested for it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ContainerSize {
    /// Its name: `app` for the main one.
    pub container: String,
    /// Cores.
    pub cpu: SizedAmount,
    /// Bytes.
    pub memory: SizedAmount,
}

/// A limit, and the request that follows from it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SizedAmount {
    /// What may be used.
    pub limit: String,
    /// What the scheduler sets aside.
    pub request: String,
    /// Why so much: `ceil(333m / 5), grade general-5`.
    pub because: String,
}

impl From<view::PolicyView> for Policy {
    fn from(view: view::PolicyView) -> Self {
        let view::PolicyView { etag, grades, retired, by, reason, changed } = view;
        Self {
            etag: etag.to_string(),
            grades: grades.into_iter().map(Grade::from).collect(),
            retired: retired.into_iter().map(RetiredGrade::from).collect(),
            changed_by: by,
            reason,
            changed,
        }
    }
}

impl From<view::GradeView> for Grade {
    fn from(view: view::GradeView) -> Self {
        let view::GradeView { name, qos_class, cpu, memory, priority, priority_class } = view;
        Self {
            name: name.into(),
            qos_class: qos_class.into(),
            cpu: cpu.into(),
            memory: memory.into(),
            priority,
            priority_class,
        }
    }
}

impl From<record::RetiredGrade> for RetiredGrade {
    fn from(retired: record::RetiredGrade) -> Self {
        let record::RetiredGrade { name, priority } = retired;
        Self { name: name.into(), priority }
    }
}

impl From<QosClass> for Class {
    fn from(class: QosClass) -> Self {
        match class {
            QosClass::Guaranteed => Self::Guaranteed,
            QosClass::Burstable => Self::Burstable,
            QosClass::BestEffort => Self::BestEffort,
        }
    }
}

impl From<view::PolicyChange> for PolicyChange {
    fn from(view: view::PolicyChange) -> Self {
        let view::PolicyChange { policy, changes } = view;
        Self { policy: policy.into(), changes: changes.into_iter().map(GradeChange::from).collect() }
    }
}

impl From<view::GradeChange> for GradeChange {
    fn from(view: view::GradeChange) -> Self {
        let view::GradeChange { grade, before, after, apps, count } = view;
        Self {
            grade: grade.into(),
            before: before.map(Grade::from),
            after: after.map(Grade::from),
            apps: apps.iter().map(AppRef::to_string).collect(),
            app_count: count,
        }
    }
}

impl From<view::TermsView> for Terms {
    fn from(view: view::TermsView) -> Self {
        let view::TermsView { qos_class, cpu, memory, priority_class } = view;
        Self { qos_class: qos_class.into(), cpu: cpu.into(), memory: memory.into(), priority_class }
    }
}

impl From<view::ContainerSize> for ContainerSize {
    fn from(view: view::ContainerSize) -> Self {
        let view::ContainerSize { container, cpu, memory } = view;
        Self { container, cpu: cpu.into(), memory: memory.into() }
    }
}

impl From<view::SizedAmount> for SizedAmount {
    fn from(view: view::SizedAmount) -> Self {
        let view::SizedAmount { limit, request, because } = view;
        Self { limit: limit.to_string(), request: request.to_string(), because }
    }
}
