//! What makes a policy nonsense.

use std::fmt;

use thiserror::Error;

use super::{GradeDraft, GradeName, HIGHEST_PRIORITY};
use crate::{QosClass, Ratio};

/// More grades than people can tell apart.
const MOST_GRADES: usize = 20;
/// Beyond this a CPU request says nothing: a limit of one core would ask for a hundredth of it.
const MOST_CPU: Ratio = Ratio::constant(100, 1);
/// Memory that is short kills; sold more than twice, a node is lost when half of its pods do what they may.
const MOST_MEMORY: Ratio = Ratio::constant(2, 1);

/// A ratio that is not one must be at least this: of less, rounding up leaves nothing to sell of most sizes, and pods have
/// another class than the policy says.
const LEAST: Ratio = Ratio::constant(11, 10);

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
    /// A ratio of which rounding up leaves nothing.
    RatioTooSmall {
        /// Where in the list.
        index: usize,
        /// `cpu` or `memory`.
        resource: &'static str,
        /// What was asked for.
        ratio: Ratio,
        /// The bound.
        least: Ratio,
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
            Self::RatioTooLarge { index, resource, .. }
            | Self::RatioTooSmall { index, resource, .. }
            | Self::RatioOrder { index, resource, .. } => {
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
            Self::RatioTooSmall { ratio, .. } => format!(
                "{ratio} is so little that rounding up leaves nothing to sell, and pods may be Guaranteed"
            ),
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
            Self::RatioTooSmall { least, .. } => format!("write 1, or {least} at least"),
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

/// Everything that is wrong with grades, as far as they are known.
pub(super) fn faults(grades: &[GradeDraft]) -> Vec<PolicyFault> {
    if grades.is_empty() {
        return vec![PolicyFault::NoGrades];
    }
    if grades.len() > MOST_GRADES {
        return vec![PolicyFault::TooMany(grades.len())];
    }
    let mut faults = Vec::new();
    for (index, grade) in grades.iter().enumerate() {
        let before = grades.get(..index).unwrap_or_default();
        if let Some(name) = &grade.name
            && before.iter().any(|other| other.name.as_ref() == Some(name))
        {
            faults.push(PolicyFault::NamedTwice { index, name: name.clone() });
        }
        faults.extend(alone(index, grade));
        faults.extend(after(index, grade, before));
    }
    faults
}

/// The grade's name; where it has none that can be read, one that says which of them it is.
fn called(index: usize, grade: &GradeDraft) -> GradeName {
    grade.name.clone().unwrap_or_else(|| GradeName::numbered(index + 1))
}

/// What is wrong with a grade whatever the others are.
fn alone(index: usize, grade: &GradeDraft) -> Vec<PolicyFault> {
    let GradeDraft { qos_class, cpu, memory, priority, .. } = *grade;
    let name = || called(index, grade);
    let is_sold = |ratio: Option<Ratio>| ratio.is_some_and(|ratio| !ratio.is_one());
    let is_not = |ratio: Option<Ratio>| ratio.is_some_and(Ratio::is_one);
    let mut faults = Vec::new();
    match qos_class {
        Some(QosClass::Guaranteed) if is_sold(cpu) || is_sold(memory) => {
            faults.push(PolicyFault::GuaranteedWithRatio { index, name: name() });
        }
        Some(QosClass::Burstable) if is_not(cpu) && is_not(memory) => {
            faults.push(PolicyFault::BurstableWithoutRatio { index, name: name() });
        }
        Some(QosClass::BestEffort) => faults.push(PolicyFault::BestEffort { index, name: name() }),
        Some(QosClass::Guaranteed | QosClass::Burstable) | None => {}
    }
    for (resource, ratio, most) in [("cpu", cpu, MOST_CPU), ("memory", memory, MOST_MEMORY)] {
        match ratio {
            Some(ratio) if ratio > most => {
                faults.push(PolicyFault::RatioTooLarge { index, resource, ratio, most });
            }
            Some(ratio) if !ratio.is_one() && ratio < LEAST => {
                faults.push(PolicyFault::RatioTooSmall { index, resource, ratio, least: LEAST });
            }
            _ => {}
        }
    }
    if let (Some(cpu), Some(memory)) = (cpu, memory)
        && memory > cpu
    {
        faults.push(PolicyFault::MemoryBeyondCpu { index, name: name(), memory, cpu });
    }
    if let Some(priority) = priority
        && !(1..=HIGHEST_PRIORITY).contains(&priority)
    {
        faults.push(PolicyFault::PriorityOutOfRange { index, priority });
    }
    faults
}

/// What is wrong with a grade as one after others: each of its numbers against the nearest that is known.
fn after(index: usize, grade: &GradeDraft, before: &[GradeDraft]) -> Vec<PolicyFault> {
    fn nearest<T>(before: &[GradeDraft], of: impl Fn(&GradeDraft) -> Option<T>) -> Option<(GradeName, T)> {
        before.iter().enumerate().rev().find_map(|(index, above)| Some((called(index, above), of(above)?)))
    }
    let mut faults = Vec::new();
    if let Some(priority) = grade.priority
        && let Some((above, above_priority)) = nearest(before, |above| above.priority)
        && priority >= above_priority
    {
        let name = called(index, grade);
        faults.push(PolicyFault::PriorityOrder { index, name, priority, above, above_priority });
    }
    let ratios = [
        ("cpu", grade.cpu, nearest(before, |above| above.cpu)),
        ("memory", grade.memory, nearest(before, |above| above.memory)),
    ];
    for (resource, ratio, above) in ratios {
        if let Some(ratio) = ratio
            && let Some((above, above_ratio)) = above
            && ratio < above_ratio
        {
            let name = called(index, grade);
            faults.push(PolicyFault::RatioOrder { index, resource, name, ratio, above, above_ratio });
        }
    }
    faults
}
