//! The order in which pods are preempted and evicted.

use serde::Serialize;

use crate::Policy;

/// A cluster's `PriorityClass` of one grade.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PriorityClass {
    /// Its name.
    pub name: String,
    /// Its value; the higher stays longer.
    pub value: i32,
    /// For whoever finds it in a cluster.
    pub description: String,
}

/// A class per grade, the most important first.
pub fn priority_classes(policy: &Policy) -> Vec<PriorityClass> {
    let class = |grade: &crate::GradeRule| PriorityClass {
        name: grade.priority_class(),
        value: grade.priority,
        description: format!(
            "Applications of grade {}: {}, CPU sold {} times, memory {} times.",
            grade.name, grade.qos_class, grade.cpu, grade.memory
        ),
    };
    policy.grades().iter().map(class).collect()
}
