//! What makes a policy nonsense.

use std::fmt;

use thiserror::Error;

use super::{GradeName, GradeRule, HIGHEST_PRIORITY};
use crate::{QosClass, Ratio};

/// More grades than people can tell apart.
const MOST_GRADES: usize = 20;
/// Beyond this a CPU request says nothing: a limit of one core would ask for a hundredth of it.
const MOST_CPU: Ratio = Ratio::constant(100, 1);
/// Memory that is short kills; sold more than twice, a node is lost when half of its pods do what they may.
const MOST_MEMORY: Ratio = Ratio::constant(2, 1);

/// Why grades make no policy; every fault there is.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
pub struct PolicyError(pub Vec<PolicyFault>);

/// One thing that is wrong with a policy: the field, what is wrong with it, and the remedy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PolicyFault {
    /// Without grades no application can be published.
    NoGrades,
    /// A list beyond its bound.
    TooMany(usize),
    /// Two grades of one name.
    NamedTwice {
        /// Where in the list.
        index: usize,
        /// The name.
        name: GradeName,
    },
    /// Guaranteed pods request all that they may use.
    GuaranteedWithRatio {
        /// Where in the list.
        index: usize,
        /// The grade.
        name: GradeName,
    },
    /// Pods that request all that they may use are Guaranteed, whatever the policy says.
    BurstableWithoutRatio {
        /// Where in the list.
        index: usize,
        /// The grade.
        name: GradeName,
    },
    /// Pods without requests are the first to die and cannot be planned for.
    BestEffort {
        /// Where in the list.
        index: usize,
        /// The grade.
        name: GradeName,
    },
    /// A ratio beyond what the machines can stand.
    RatioTooLarge {
        /// Where in the list.
        index: usize,
        /// `cpu` or `memory`.
        resource: &'static str,
        /// What was asked for.
        ratio: Ratio,
        /// The bound.
        most: Ratio,
    },
    /// Memory sold more often than CPU.
    MemoryBeyondCpu {
        /// Where in the list.
        index: usize,
        /// The grade.
        name: GradeName,
        /// Its memory ratio.
        memory: Ratio,
        /// Its CPU ratio.
        cpu: Ratio,
    },
    /// A priority that Kubernetes keeps, or that pods without a class have.
    PriorityOutOfRange {
        /// Where in the list.
        index: usize,
        /// The value.
        priority: i32,
    },
    /// A grade that stands lower in the list and would be kept longer.
    PriorityOrder {
        /// Where in the list.
        index: usize,
        /// The grade.
        name: GradeName,
        /// Its priority.
        priority: i32,
        /// The grade before it.
        above: GradeName,
        /// The priority of that one.
        above_priority: i32,
    },
    /// A grade that stands lower in the list and is sold less often.
    RatioOrder {
        /// Where in the list.
        index: usize,
        /// `cpu` or `memory`.
        resource: &'static str,
        /// The grade.
        name: GradeName,
        /// Its ratio.
        ratio: Ratio,
        /// The grade before it.
        above: GradeName,
        /// The ratio of that one.
        above_ratio: Ratio,
    },
}

impl PolicyFault {
    /// The field that it is about: `grades[1].priority`.
    pub fn field(&self) -> String {
        match self {
            Self::NoGrades | Self::TooMany(_) => "grades".to_owned(),
            Self::NamedTwice { index, .. } => format!("grades[{index}].name"),
            Self::GuaranteedWithRatio { index, .. } | Self::BurstableWithoutRatio { index, .. } => {
                format!("grades[{index}]")
            }
            Self::BestEffort { index, .. } => format!("grades[{index}].qosClass"),
            Self::RatioTooLarge { index, resource, .. } | Self::RatioOrder { index, resource, .. } => {
                format!("grades[{index}].{resource}")
            }
            Self::MemoryBeyondCpu { index, .. } => format!("grades[{index}].memory"),
            Self::PriorityOutOfRange { index, .. } | Self::PriorityOrder { index, .. } => {
                format!("grades[{index}].priority")
            }
        }
    }

    /// What is wrong with it.
    pub fn message(&self) -> String {
        match self {
            Self::NoGrades => "there is none".to_owned(),
            Self::TooMany(count) => format!("{count} are too many"),
            Self::NamedTwice { name, .. } => format!("`{name}` is there twice"),
            Self::GuaranteedWithRatio { name, .. } => {
                format!("`{name}` is Guaranteed, which leaves nothing to sell twice")
            }
            Self::BurstableWithoutRatio { name, .. } => {
                format!("`{name}` is Burstable and sells nothing twice, so its pods would be Guaranteed")
            }
            Self::BestEffort { name, .. } => format!("`{name}` is BestEffort, which no grade may be"),
            Self::RatioTooLarge { ratio, most, .. } => {
                format!("{ratio} is beyond {most}, the most that may be sold")
            }
            Self::MemoryBeyondCpu { name, memory, cpu, .. } => format!(
                "`{name}` sells memory {memory} times and CPU only {cpu} times, and memory that is short kills \
                 where CPU that is short only waits"
            ),
            Self::PriorityOutOfRange { priority, .. } => format!("{priority} is out of range"),
            Self::PriorityOrder { name, priority, above, above_priority, .. } => format!(
                "`{name}` ({priority}) is less important than `{above}` ({above_priority}) and must have a lower \
                 priority"
            ),
            Self::RatioOrder { name, ratio, above, above_ratio, .. } => format!(
                "`{name}` is less important than `{above}` and sold {ratio} times, `{above}` {above_ratio} times"
            ),
        }
    }

    /// What to do about it.
    pub fn remedy(&self) -> String {
        match self {
            Self::NoGrades => "name at least one".to_owned(),
            Self::TooMany(_) => format!("an installation has at most {MOST_GRADES}"),
            Self::NamedTwice { .. } => "name each grade once".to_owned(),
            Self::GuaranteedWithRatio { .. } => {
                "set cpu and memory to 1, or qosClass to Burstable".to_owned()
            }
            Self::BurstableWithoutRatio { .. } => {
                "set cpu or memory above 1, or qosClass to Guaranteed".to_owned()
            }
            Self::BestEffort { .. } => "use Burstable".to_owned(),
            Self::RatioTooLarge { most, .. } => format!("write {most} at most"),
            Self::MemoryBeyondCpu { cpu, .. } => format!("set memory to at most {cpu}"),
            Self::PriorityOutOfRange { .. } => format!("use 1 to {HIGHEST_PRIORITY}"),
            Self::PriorityOrder { .. } => "change the order of the grades or the values".to_owned(),
            Self::RatioOrder { .. } => "the less important must be sold at least as often".to_owned(),
        }
    }
}

impl std::error::Error for PolicyFault {}

impl fmt::Display for PolicyFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}; {}", self.field(), self.message(), self.remedy())
    }
}

pub(super) fn faults(grades: &[GradeRule]) -> Vec<PolicyFault> {
    if grades.is_empty() {
        return vec![PolicyFault::NoGrades];
    }
    if grades.len() > MOST_GRADES {
        return vec![PolicyFault::TooMany(grades.len())];
    }
    let mut faults = Vec::new();
    for (index, grade) in grades.iter().enumerate() {
        let before = grades.get(..index).unwrap_or_default();
        if before.iter().any(|other| other.name == grade.name) {
            faults.push(PolicyFault::NamedTwice { index, name: grade.name.clone() });
        }
        faults.extend(alone(index, grade));
        if let Some(above) = before.last() {
            faults.extend(after(index, grade, above));
        }
    }
    faults
}

/// What is wrong with a grade whatever the others are.
fn alone(index: usize, grade: &GradeRule) -> Vec<PolicyFault> {
    let GradeRule { name, qos_class, cpu, memory, priority } = grade.clone();
    let sold = !cpu.is_one() || !memory.is_one();
    let mut faults = Vec::new();
    match qos_class {
        QosClass::Guaranteed if sold => {
            faults.push(PolicyFault::GuaranteedWithRatio { index, name: name.clone() });
        }
        QosClass::Burstable if !sold => {
            faults.push(PolicyFault::BurstableWithoutRatio { index, name: name.clone() });
        }
        QosClass::BestEffort => faults.push(PolicyFault::BestEffort { index, name: name.clone() }),
        QosClass::Guaranteed | QosClass::Burstable => {}
    }
    for (resource, ratio, most) in [("cpu", cpu, MOST_CPU), ("memory", memory, MOST_MEMORY)] {
        if ratio > most {
            faults.push(PolicyFault::RatioTooLarge { index, resource, ratio, most });
        }
    }
    if memory > cpu {
        faults.push(PolicyFault::MemoryBeyondCpu { index, name, memory, cpu });
    }
    if !(1..=HIGHEST_PRIORITY).contains(&priority) {
        faults.push(PolicyFault::PriorityOutOfRange { index, priority });
    }
    faults
}

/// What is wrong with a grade as the one after another.
fn after(index: usize, grade: &GradeRule, above: &GradeRule) -> Vec<PolicyFault> {
    let mut faults = Vec::new();
    if grade.priority >= above.priority {
        faults.push(PolicyFault::PriorityOrder {
            index,
            name: grade.name.clone(),
            priority: grade.priority,
            above: above.name.clone(),
            above_priority: above.priority,
        });
    }
    let pairs = [("cpu", grade.cpu, above.cpu), ("memory", grade.memory, above.memory)];
    for (resource, ratio, above_ratio) in pairs {
        if ratio < above_ratio {
            faults.push(PolicyFault::RatioOrder {
                index,
                resource,
                name: grade.name.clone(),
                ratio,
                above: above.name.clone(),
                above_ratio,
            });
        }
    }
    faults
}
