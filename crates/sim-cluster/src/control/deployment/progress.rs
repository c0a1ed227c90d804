//! The status of a Deployment: counts, conditions, and whether it moves.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::super::{Outcome, condition, until};
use super::sets::{Sets, sum};
use super::{CALLER, Context, bounds};
use crate::api::{Caller, Part, Target};
use crate::clock;
use crate::object::{self, integer, text};
use crate::status::ApiError;
use crate::store::Object;
use crate::tree::{Value, json};

/// No deadline, as the API writes it.
const NEVER: i64 = 2_147_483_647;

struct Counts {
    replicas: i64,
    updated: i64,
    ready: i64,
    available: i64,
    terminating: i64,
}

pub(super) fn report(context: &Context<'_>, deployment: &Object, failure: Option<&ApiError>) -> Outcome {
    let sets = Sets::of(context.api, deployment);
    let counts = Counts {
        replicas: sum(sets.all(), "/status/replicas"),
        updated: sum(&sets.new, "/status/replicas"),
        ready: sum(sets.all(), "/status/readyReplicas"),
        available: sum(sets.all(), "/status/availableReplicas"),
        terminating: sum(sets.all(), "/status/terminatingReplicas"),
    };
    let Some(resource) = context.api.registry.by_key("deployments.apps") else { return Ok(None) };
    let target = Target::new(&resource, &context.key.namespace, &context.key.name);
    let now = context.api.now();
    let observed = object::generation(deployment);
    let mut wait = None;
    context.api.modify(&Caller::component(CALLER), &target, Part::Status, |live| {
        let (conditions, left) = conditions(live, &sets, &counts, failure, now);
        wait = left;
        let desired = integer(live, "/spec/replicas").unwrap_or(1);
        let unavailable = (sum(sets.all(), "/spec/replicas").max(desired) - counts.available).max(0);
        let collisions = live["status"].get("collisionCount").cloned();
        let status = object::child(live, "status");
        let Counts { replicas, updated, ready, available, terminating } = counts;
        for (field, count) in [
            ("replicas", replicas),
            ("updatedReplicas", updated),
            ("readyReplicas", ready),
            ("availableReplicas", available),
            ("unavailableReplicas", unavailable),
        ] {
            object::set_or_remove(status, field, (count > 0).then(|| count.into()));
        }
        status.insert("terminatingReplicas", terminating.into());
        status.insert("observedGeneration", observed.into());
        object::set_or_remove(status, "collisionCount", collisions);
        object::set_or_remove(
            status,
            "conditions",
            (!conditions.is_empty()).then(|| Value::from(conditions)),
        );
    })?;
    Ok(wait)
}

/// Whether the whole order is there, updated and available, and nothing else is.
pub(super) fn is_complete(deployment: &Value) -> bool {
    let desired = integer(deployment, "/spec/replicas").unwrap_or(1);
    let count = |field: &str| integer(deployment, &format!("/status/{field}")).unwrap_or_default();
    count("updatedReplicas") == desired
        && count("replicas") == desired
        && count("availableReplicas") == desired
        && count("observedGeneration") >= object::generation(deployment)
}

/// The conditions, and how long until the progress deadline.
fn conditions(
    live: &Value,
    sets: &Sets,
    counts: &Counts,
    failure: Option<&ApiError>,
    now: Timestamp,
) -> (Vec<Value>, Option<Duration>) {
    let desired = integer(live, "/spec/replicas").unwrap_or(1);
    let (_, unavailable) = bounds(live, desired);
    let mut list = Vec::new();
    let available = if counts.available >= desired - unavailable {
        ("True", "MinimumReplicasAvailable", "Deployment has minimum availability.")
    } else {
        ("False", "MinimumReplicasUnavailable", "Deployment does not have minimum availability.")
    };
    let progressing = progressing(live, sets, counts, now);
    let held_first = condition(live, "Progressing").is_some() && condition(live, "Available").is_none();
    let available = set(live, "Available", available.0, available.1, available.2, now, Moved::No);
    let (progressing, wait) = progressing;
    if held_first {
        list.extend(progressing);
        list.push(available);
    } else {
        list.push(available);
        list.extend(progressing);
    }
    if let Some(condition) = replica_failure(live, sets, failure, now) {
        list.push(condition);
    }
    (list, wait)
}

fn replica_failure(live: &Value, sets: &Sets, failure: Option<&ApiError>, now: Timestamp) -> Option<Value> {
    if let Some(error) = failure {
        return Some(set(live, "ReplicaFailure", "True", "FailedCreate", &error.message, now, Moved::No));
    }
    let of_set = sets.new.iter().chain(&sets.old).find_map(|set| condition(set, "ReplicaFailure"))?;
    let (reason, message) = (text(of_set, "/reason"), text(of_set, "/message"));
    Some(set(live, "ReplicaFailure", "True", reason, message, now, Moved::No))
}

fn progressing(
    live: &Value,
    sets: &Sets,
    counts: &Counts,
    now: Timestamp,
) -> (Option<Value>, Option<Duration>) {
    let deadline = integer(live, "/spec/progressDeadlineSeconds").unwrap_or(NEVER);
    let held = condition(live, "Progressing");
    if deadline == NEVER {
        return (None, None);
    }
    let name = sets.new.as_ref().map(|set| object::name(set).to_owned());
    let subject = match &name {
        Some(name) => format!("ReplicaSet \"{name}\""),
        None => format!("Deployment \"{}\"", object::name(live)),
    };
    let done = |counts: &Counts| {
        let desired = integer(live, "/spec/replicas").unwrap_or(1);
        counts.updated == desired && counts.replicas == desired && counts.available == desired
    };
    let held_reason = held.map(|held| text(held, "/reason")).unwrap_or_default();
    if object::flag(live, "/spec/paused") {
        return if held_reason == "DeploymentPaused" {
            (held.cloned(), None)
        } else {
            let message = "Deployment is paused";
            (Some(set(live, "Progressing", "Unknown", "DeploymentPaused", message, now, Moved::No)), None)
        };
    }
    if name.is_some() && done(counts) {
        let message = format!("{subject} has successfully progressed.");
        let reason = "NewReplicaSetAvailable";
        return (Some(set(live, "Progressing", "True", reason, &message, now, Moved::No)), None);
    }
    // A finished rollout that merely loses a pod, or is scaled, does not start the deadline again.
    let observed = integer(live, "/status/observedGeneration").unwrap_or_default();
    if held_reason == "NewReplicaSetAvailable"
        && counts.replicas == counts.updated
        && observed > 0
        && !is_new(held, &subject)
    {
        return (held.cloned(), None);
    }
    let before = |field: &str| integer(live, &format!("/status/{field}")).unwrap_or_default();
    let old_now = counts.replicas - counts.updated;
    let old_before = before("replicas") - before("updatedReplicas");
    let moved = counts.updated > before("updatedReplicas")
        || old_now < old_before
        || counts.ready > before("readyReplicas")
        || counts.available > before("availableReplicas");
    if moved || held.is_none() || is_new(held, &subject) {
        let (reason, verb) = match held {
            None => ("NewReplicaSetCreated", "Created new replica set"),
            Some(held) if is_new(Some(held), &subject) && held_reason != "ReplicaSetUpdated" => {
                ("ReplicaSetUpdated", "")
            }
            Some(_) => ("ReplicaSetUpdated", ""),
        };
        let message = match (&name, verb) {
            (Some(name), verb) if !verb.is_empty() => format!("{verb} \"{name}\""),
            _ => format!("{subject} is progressing."),
        };
        let condition = set(live, "Progressing", "True", reason, &message, now, Moved::Yes);
        let limit = now.saturating_add(SignedDuration::from_secs(deadline)).unwrap_or(Timestamp::MAX);
        return (Some(condition), Some(until(now, limit)));
    }
    let Some(held) = held else { return (None, None) };
    if held_reason == "ProgressDeadlineExceeded" {
        return (Some(held.clone()), None);
    }
    let from = clock::parse(text(held, "/lastUpdateTime")).unwrap_or(now);
    let limit = from.saturating_add(SignedDuration::from_secs(deadline)).unwrap_or(Timestamp::MAX);
    if now < limit {
        return (Some(held.clone()), Some(until(now, limit)));
    }
    let message = format!("{subject} has timed out progressing.");
    let reason = "ProgressDeadlineExceeded";
    (Some(set(live, "Progressing", "False", reason, &message, now, Moved::No)), None)
}

/// Whether a condition speaks of another ReplicaSet than the current one.
fn is_new(held: Option<&Value>, subject: &str) -> bool {
    let name = subject.split('"').nth(1).unwrap_or_default();
    held.is_some_and(|held| {
        !text(held, "/message").contains(&format!("\"{name}\""))
            && text(held, "/reason") != "DeploymentPaused"
    }) || held.is_some_and(|held| text(held, "/reason") == "DeploymentPaused")
}

/// Whether a condition is told anew although it says the same.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Moved {
    Yes,
    No,
}

/// A condition; one with the same status and reason stays word for word, as the real controller leaves it.
fn set(
    live: &Value,
    kind: &str,
    state: &str,
    reason: &str,
    message: &str,
    now: Timestamp,
    moved: Moved,
) -> Value {
    let held = condition(live, kind).filter(|held| text(held, "/status") == state);
    if let Some(held) = held.filter(|held| moved == Moved::No && text(held, "/reason") == reason) {
        return held.clone();
    }
    let now = clock::seconds(now);
    json!({
        "type": kind,
        "status": state,
        "reason": reason,
        "message": message,
        "lastTransitionTime": held.map_or_else(|| now.clone().into(), |held| held["lastTransitionTime"].clone()),
        "lastUpdateTime": now,
    })
}
