//! What makes a policy nonsense.

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

/// One thing that is wrong with a policy, with the field and the remedy.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum PolicyFault {
    /// Without grades no application can be published.
    #[error("grades: there is none; name at least one")]
    NoGrades,
    /// A list beyond its bound.
    #[error("grades: {0} are too many; an installation has at most {MOST_GRADES}")]
    TooMany(usize),
    /// Two grades of one name.
    #[error("grades[{index}].name: `{name}` is there twice; name each grade once")]
    NamedTwice {
        /// Where in the list.
        index: usize,
        /// The name.
        name: GradeName,
    },
    /// Guaranteed pods request all that they may use.
    #[error(
        "grades[{index}]: `{name}` is Guaranteed, which leaves nothing to sell twice; \
         set cpu and memory to 1, or qosClass to Burstable"
    )]
    GuaranteedWithRatio {
        /// Where in the list.
        index: usize,
        /// The grade.
        name: GradeName,
    },
    /// Pods that request all that they may use are Guaranteed, whatever the policy says.
    #[error(
        "grades[{index}]: `{name}` is Burstable and sells nothing twice, so its pods would be Guaranteed; \
         set cpu or memory above 1, or qosClass to Guaranteed"
    )]
    BurstableWithoutRatio {
        /// Where in the list.
        index: usize,
        /// The grade.
        name: GradeName,
    },
    /// Pods without requests are the first to die and cannot be planned for.
    #[error("grades[{index}].qosClass: `{name}` is BestEffort, which no grade may be; use Burstable")]
    BestEffort {
        /// Where in the list.
        index: usize,
        /// The grade.
        name: GradeName,
    },
    /// A ratio beyond what the machines can stand.
    #[error("grades[{index}].{resource}: {ratio} is beyond {most}, the most that may be sold")]
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
    #[error(
        "grades[{index}].memory: `{name}` sells memory {memory} times and CPU only {cpu} times; memory that \
         is short kills, CPU that is short only waits: set memory to at most {cpu}"
    )]
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
    #[error("grades[{index}].priority: {priority} is out of range; use 1 to {HIGHEST_PRIORITY}")]
    PriorityOutOfRange {
        /// Where in the list.
        index: usize,
        /// The value.
        priority: i32,
    },
    /// A grade that stands lower in the list and would be kept longer.
    #[error(
        "grades[{index}].priority: `{name}` ({priority}) is less important than `{above}` ({above_priority}) \
         and must have a lower priority; change the order of the grades or the values"
    )]
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
    #[error(
        "grades[{index}].{resource}: `{name}` is less important than `{above}` and sold {ratio} times, \
         `{above}` {above_ratio} times; the less important must be sold at least as often"
    )]
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
