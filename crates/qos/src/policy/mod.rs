//! The grades of an installation: which there are, and what each stands for.

mod check;
mod name;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::{Grade, QosClass, Ratio, Terms};

pub use check::{PolicyError, PolicyFault};
pub use name::{GradeName, GradeNameError};

/// Kubernetes keeps priorities above this for itself.
const HIGHEST_PRIORITY: i32 = 999_999_999;

/// The grades of an installation, the most important first.
///
/// A policy that exists makes sense: see [`PolicyFault`] for what is refused. In JSON it is
/// `{"grades":[{"name":"general-5","qosClass":"Burstable","cpu":"5","memory":"3/2","priority":600000000}]}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Draft", into = "Draft")]
pub struct Policy {
    grades: Vec<GradeRule>,
}

/// A name that no grade of the policy has.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("`{grade}` is no grade; the grades are {there}")]
pub struct NoSuchGrade {
    /// What was asked for, at most its first 40 characters.
    pub grade: String,
    /// The grades that there are.
    pub there: String,
}

/// What one grade stands for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct GradeRule {
    /// Its name in documents, commands and labels.
    pub name: GradeName,
    /// The QoS class that its pods must end up in.
    pub qos_class: QosClass,
    /// CPU limit over CPU request.
    pub cpu: Ratio,
    /// Memory limit over memory request.
    pub memory: Ratio,
    /// The value of its pods' `PriorityClass`, which decides whom a full node gives up first.
    pub priority: i32,
}

/// What can be read of a grade: so that whoever reads one field by field tells all its faults at once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GradeDraft {
    /// Its name.
    pub name: Option<GradeName>,
    /// The QoS class that its pods must end up in.
    pub qos_class: Option<QosClass>,
    /// CPU limit over CPU request.
    pub cpu: Option<Ratio>,
    /// Memory limit over memory request.
    pub memory: Option<Ratio>,
    /// The value of its pods' `PriorityClass`.
    pub priority: Option<i32>,
}

/// Grades that nobody has checked yet.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Draft {
    grades: Vec<GradeRule>,
}

impl Policy {
    /// A policy of these grades, the most important first; the error names every fault.
    pub fn new(grades: Vec<GradeRule>) -> Result<Self, PolicyError> {
        let faults = Self::faults(&grades.iter().cloned().map(GradeDraft::from).collect::<Vec<_>>());
        if faults.is_empty() { Ok(Self { grades }) } else { Err(PolicyError(faults)) }
    }

    /// Everything that is wrong with grades, the most important first, as far as it can be told from what is known of them;
    /// a missing field by itself is no fault here.
    pub fn faults(grades: &[GradeDraft]) -> Vec<PolicyFault> {
        check::faults(grades)
    }

    /// The grades, the most important first.
    pub fn grades(&self) -> &[GradeRule] {
        &self.grades
    }

    /// What a grade stands for, none where the installation has no grade of that name.
    pub fn grade(&self, name: &str) -> Option<&GradeRule> {
        self.grades.iter().find(|grade| grade.name.as_str() == name)
    }

    /// The same, with an error that names those there are.
    pub fn named(&self, name: &str) -> Result<&GradeRule, NoSuchGrade> {
        self.grade(name)
            .ok_or_else(|| NoSuchGrade { grade: name.chars().take(40).collect(), there: self.names() })
    }

    /// The names of all grades, for messages: "system, important, general-2".
    pub fn names(&self) -> String {
        self.grades.iter().map(|grade| grade.name.as_str()).collect::<Vec<_>>().join(", ")
    }
}

/// Plimsoll's own five grades.
impl Default for Policy {
    fn default() -> Self {
        let grades = Grade::ALL.map(|grade| {
            let (Terms { cpu, memory }, (_, priority)) = (grade.terms(), grade.priority());
            GradeRule { name: grade.into(), qos_class: grade.qos_class(), cpu, memory, priority }
        });
        Self { grades: grades.into() }
    }
}

impl GradeRule {
    /// The ratios, as a Release keeps them.
    pub fn terms(&self) -> Terms {
        Terms { cpu: self.cpu, memory: self.memory }
    }

    /// The name of its pods' `PriorityClass`.
    pub fn priority_class(&self) -> String {
        self.name.priority_class()
    }
}

impl From<GradeRule> for GradeDraft {
    fn from(rule: GradeRule) -> Self {
        let GradeRule { name, qos_class, cpu, memory, priority } = rule;
        Self {
            name: Some(name),
            qos_class: Some(qos_class),
            cpu: Some(cpu),
            memory: Some(memory),
            priority: Some(priority),
        }
    }
}

impl TryFrom<GradeDraft> for GradeRule {
    type Error = GradeDraft;

    /// The rule, where every field is known.
    fn try_from(draft: GradeDraft) -> Result<Self, GradeDraft> {
        match draft {
            GradeDraft {
                name: Some(name),
                qos_class: Some(qos_class),
                cpu: Some(cpu),
                memory: Some(memory),
                priority: Some(priority),
            } => Ok(Self { name, qos_class, cpu, memory, priority }),
            incomplete => Err(incomplete),
        }
    }
}

impl TryFrom<Draft> for Policy {
    type Error = PolicyError;

    fn try_from(draft: Draft) -> Result<Self, PolicyError> {
        Self::new(draft.grades)
    }
}

impl From<Policy> for Draft {
    fn from(policy: Policy) -> Self {
        Self { grades: policy.grades }
    }
}
