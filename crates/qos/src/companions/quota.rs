//! What a tenant may have of one grade.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::{Amounts, CPU, Explained, GradeRule, MEMORY, PODS, Quantity, Ratio, Resources, requests};

/// What a tenant was promised of one grade: limits, which is what it sees and pays for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Budget {
    /// The limits of all its pods of this grade together.
    pub limits: Amounts,
    /// How many pods of this grade it may have.
    pub pods: u32,
    /// How many containers one of them may have, init steps and sidecars included.
    #[serde(default = "one")]
    pub containers_per_pod: u32,
}

/// A `ResourceQuota` that counts the pods of one grade alone, by their `PriorityClass`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ResourceQuota {
    /// The `PriorityClass` of its scope; none where the scope is `BestEffort`.
    pub priority_class: Option<String>,
    /// `spec.hard`.
    pub hard: Resources,
    /// How the requests came about.
    pub because: Vec<String>,
}

/// Why there is no quota of this budget.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum BudgetError {
    /// Nothing can run on nothing.
    #[error("limits.{0}: must be above zero")]
    NotPositive(&'static str),
    /// A pod has a container.
    #[error("containersPerPod: must be at least 1")]
    NoContainer,
}

fn one() -> u32 {
    1
}

/// The quota of a budget: limits as promised, and the requests that these can turn into at most.
///
/// Each container's request is rounded up on its own, by less than one step, so the requests of many small pods
/// are more than the limits over the ratio; the quota has room for that. So it refuses nothing that the promised
/// limits allow, and a tenant that is sold ten times cannot ask for more than a tenth, by whatever pods.
pub fn resource_quota(budget: &Budget, grade: &GradeRule) -> Result<ResourceQuota, BudgetError> {
    let Budget { limits, pods, containers_per_pod } = budget;
    for (name, amount) in [(CPU, &limits.cpu), (MEMORY, &limits.memory)] {
        if !amount.is_positive() {
            return Err(BudgetError::NotPositive(name));
        }
    }
    if *containers_per_pod == 0 {
        return Err(BudgetError::NoContainer);
    }
    let containers = u64::from(*pods) * u64::from(*containers_per_pod);
    let whole = requests(limits, &grade.name, &grade.terms());
    let cpu = with_room(&whole.cpu, grade.cpu, containers, &Quantity::from_millis(containers), &limits.cpu);
    let memory = with_room(
        &whole.memory,
        grade.memory,
        containers,
        &Quantity::from_mebibytes(containers),
        &limits.memory,
    );
    let because =
        vec![format!("requests.cpu: {}", cpu.because), format!("requests.memory: {}", memory.because)];
    let hard = Resources::from([
        ("limits.cpu", limits.cpu.clone()),
        ("limits.memory", limits.memory.clone()),
        ("requests.cpu", cpu.value),
        ("requests.memory", memory.value),
        (PODS, Quantity::from_units(*pods)),
    ]);
    Ok(ResourceQuota { priority_class: Some(grade.priority_class()), hard, because })
}

/// The quota that keeps pods without any requests out, whoever makes them; its scope is `BestEffort`.
pub fn best_effort_quota() -> ResourceQuota {
    ResourceQuota {
        priority_class: None,
        hard: Resources::from([(PODS, Quantity::from_units(0))]),
        because: vec![
            "pods: BestEffort pods are the first to be killed and cannot be planned for".to_owned(),
        ],
    }
}

fn with_room(
    whole: &Explained,
    ratio: Ratio,
    containers: u64,
    room: &Quantity,
    limit: &Quantity,
) -> Explained {
    if ratio.is_one() {
        return whole.clone();
    }
    let value = &whole.value + room;
    // No container asks for more than its limit, so all together do not either.
    if value >= *limit {
        let because =
            format!("{}, and rounding up for {containers} containers, at most the limits", whole.because);
        return Explained { value: limit.clone(), because };
    }
    let because = format!("{}, and {room} for rounding up {containers} containers", whole.because);
    Explained { value, because }
}
