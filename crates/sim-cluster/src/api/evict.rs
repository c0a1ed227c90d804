//! Eviction: a delete that a disruption budget may refuse.

use super::delete::check_preconditions;
use super::{Answer, Api, Caller, DeleteOptions, Part, Target};
use crate::object::{self, integer, text};
use crate::select::LabelSelector;
use crate::status::{ApiError, Subject};
use crate::store::Object;
use crate::tree::{Value, json};

const BUDGETS: &str = "poddisruptionbudgets.policy";
/// How many evictions a budget may have granted whose pods are still there.
const MOST_PENDING: usize = 2000;
/// How long a client waits before it asks again while a budget is not worked out yet, in seconds.
const AGAIN: u32 = 10;

impl Api {
    /// Evicts a pod, if its budget lets it go. A pod that is not up counts for no budget.
    pub(crate) fn evict(
        &self,
        caller: &Caller,
        target: &Target,
        eviction: &Value,
        options: &DeleteOptions,
    ) -> Result<Answer, ApiError> {
        if object::name(eviction) != target.name {
            return Err(ApiError::bad_request("name in URL does not match name in Eviction object"));
        }
        let pod = self.get(target)?;
        if !is_beyond_budgets(&pod) {
            self.ask_budget(caller, &pod, options.dry_run)?;
        }
        check_preconditions(target, &pod, options)?;
        if !options.dry_run {
            self.mark_evicted(caller, target)?;
        }
        self.delete(target, options)?;
        let done =
            json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "code": 201});
        Ok(Answer { code: http::StatusCode::CREATED, ..Answer::value(done) })
    }

    /// Takes one from what the budget over a pod allows.
    fn ask_budget(&self, caller: &Caller, pod: &Value, dry_run: bool) -> Result<(), ApiError> {
        let over = |budget: &Object| {
            LabelSelector::from_object(&budget["spec"]["selector"]).is_some_and(|s| s.matches_object(pod))
        };
        let mut budgets = self.store.list(BUDGETS, Some(object::namespace(pod)));
        budgets.retain(over);
        let budget = match budgets.as_slice() {
            [] => return Ok(()),
            [budget] => budget,
            _ => {
                let message = "This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.";
                return Err(ApiError::new(http::StatusCode::INTERNAL_SERVER_ERROR, "", message));
            }
        };
        let count = |field: &str| integer(budget, &format!("/status/{field}")).unwrap_or_default();
        if !object::is_ready(pod) {
            let always = text(budget, "/spec/unhealthyPodEvictionPolicy") == "AlwaysAllow";
            let (healthy, desired) = (count("currentHealthy"), count("desiredHealthy"));
            if always || (healthy >= desired && desired > 0) {
                return Ok(());
            }
        }
        let name = object::name(budget);
        if count("observedGeneration") < object::generation(budget) {
            let why = format!("The disruption budget {name} is still being processed by the server.");
            return Err(violated(Some(AGAIN), &why));
        }
        let pending = object::map(budget, "/status/disruptedPods").map_or(0, crate::tree::Map::len);
        if pending > MOST_PENDING {
            let why = "DisruptedPods map too big - too many evictions not confirmed by PDB controller";
            let budget = Subject {
                group: "policy",
                resource: "poddisruptionbudget",
                kind: "PodDisruptionBudget",
                name,
            };
            return Err(ApiError::forbidden(budget, why));
        }
        if count("disruptionsAllowed") <= 0 {
            return Err(violated(None, &refusal(budget)));
        }
        if dry_run {
            return Ok(());
        }
        let Some(resource) = self.registry.by_key(BUDGETS) else { return Ok(()) };
        let budget = Target::new(&resource, object::namespace(pod), name);
        let (pod, now) = (object::name(pod).to_owned(), self.timestamp());
        self.modify(caller, &budget, Part::Status, |budget| {
            let left = integer(budget, "/status/disruptionsAllowed").unwrap_or_default() - 1;
            let status = object::child(budget, "status");
            status.insert("disruptionsAllowed", left.into());
            let pods = status.entry("disruptedPods").or_insert_with(|| json!({}));
            pods[&pod] = now.clone().into();
            if left == 0 {
                for condition in object::elements(&mut budget["status"], "conditions") {
                    condition["status"] = "False".into();
                    condition["reason"] = "InsufficientPods".into();
                    condition["lastTransitionTime"] = now.clone().into();
                }
            }
        })?;
        Ok(())
    }

    /// Tells the pod why it goes.
    fn mark_evicted(&self, caller: &Caller, target: &Target) -> Result<(), ApiError> {
        let now = self.timestamp();
        self.modify(caller, target, Part::Status, |pod| {
            let mut conditions = object::list(pod, "/status/conditions").to_vec();
            conditions.retain(|condition| text(condition, "/type") != "DisruptionTarget");
            conditions.push(json!({
                "type": "DisruptionTarget",
                "status": "True",
                "lastProbeTime": null,
                "lastTransitionTime": now,
                "reason": "EvictionByEvictionAPI",
                "message": "Eviction API: evicting",
            }));
            object::child(pod, "status").insert("conditions", conditions.into());
        })?;
        Ok(())
    }
}

/// Whether a pod is past being disrupted, or has not come to be up.
fn is_beyond_budgets(pod: &Value) -> bool {
    object::is_terminating(pod) || matches!(text(pod, "/status/phase"), "Succeeded" | "Failed" | "Pending")
}

/// Why a budget lets nobody go.
fn refusal(budget: &Value) -> String {
    let name = object::name(budget);
    let count = |field: &str| integer(budget, &format!("/status/{field}")).unwrap_or_default();
    let (healthy, desired) = (count("currentHealthy"), count("desiredHealthy"));
    if healthy <= desired {
        return format!(
            "The disruption budget {name} needs {desired} healthy pods and has {healthy} currently"
        );
    }
    let condition = object::condition(budget, "DisruptionAllowed")
        .filter(|condition| text(condition, "/status") == "False");
    let start = format!("The disruption budget {name} does not allow evicting pods currently");
    match condition.map(|condition| (text(condition, "/reason"), text(condition, "/message"))) {
        Some((reason, message)) if !message.is_empty() => format!("{start} ({reason}): {message}"),
        _ => start,
    }
}

fn violated(again: Option<u32>, why: &str) -> ApiError {
    let message = "Cannot evict pod as it would violate the pod's disruption budget.";
    let mut error = ApiError::new(http::StatusCode::TOO_MANY_REQUESTS, "TooManyRequests", message);
    let mut details = json!({"causes": [{"reason": "DisruptionBudget", "message": why}]});
    if let Some(seconds) = again {
        details["retryAfterSeconds"] = seconds.into();
        error.retry_after = Some(seconds);
    }
    error.with(details)
}
