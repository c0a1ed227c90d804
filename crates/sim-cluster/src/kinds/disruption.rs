//! `PodDisruptionBudgets`.

use crate::status::Cause;
use crate::tree::{Value, json};

pub(super) fn prepare_create(budget: &mut Value) {
    budget["status"] =
        json!({"currentHealthy": 0, "desiredHealthy": 0, "disruptionsAllowed": 0, "expectedPods": 0});
}

pub(super) fn check(budget: &Value, causes: &mut Vec<Cause>) {
    let spec = &budget["spec"];
    if !spec["minAvailable"].is_null() && !spec["maxUnavailable"].is_null() {
        causes.push(Cause::invalid("spec", spec, "minAvailable and maxUnavailable cannot be both set"));
    }
}
