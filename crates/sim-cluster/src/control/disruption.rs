//! `PodDisruptionBudget` status: how many pods may be taken away now.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};

use super::{Outcome, Rounding, int_or_percent, is_ready, target};
use crate::api::{Api, Caller, Part};
use crate::clock;
use crate::object;
use crate::select::LabelSelector;
use crate::store::{Key, Object};

const CALLER: &str = "kube-controller-manager";
/// How long a pod may take to begin to go whose eviction was granted.
const PATIENCE: SignedDuration = SignedDuration::from_mins(2);

pub(super) fn sync(api: &Api, key: &Key) -> Outcome {
    let Some(budget) = api.store.get(key) else { return Ok(None) };
    let selector = selector(&budget);
    let pods: Vec<_> = api
        .store
        .select("pods", &key.namespace, &selector)
        .into_iter()
        .filter(|pod| !matches!(object::text(pod, "/status/phase"), "Succeeded" | "Failed"))
        .collect();
    let expected = expected(api, &pods);
    let (evicted, again) = evicted(&budget, &pods, api.now());
    let healthy = count(pods.iter().filter(|pod| {
        is_ready(pod) && !object::is_terminating(pod) && !evicted.contains_key(object::name(pod))
    }));
    let spec = &budget["spec"];
    let desired = if spec["maxUnavailable"].is_null() {
        int_or_percent(&spec["minAvailable"], expected, Rounding::Up)
    } else {
        (expected - int_or_percent(&spec["maxUnavailable"], expected, Rounding::Up)).max(0)
    };
    let allowed = if expected > 0 { (healthy - desired).max(0) } else { 0 };
    let Some(target) = target(api, key) else { return Ok(None) };
    let now = api.timestamp();
    api.modify(&Caller::component(CALLER), &target, Part::Status, |budget| {
        let generation = object::generation(budget);
        let status = &mut budget["status"];
        status["currentHealthy"] = healthy.into();
        status["desiredHealthy"] = desired.into();
        status["disruptionsAllowed"] = allowed.into();
        status["expectedPods"] = expected.into();
        status["observedGeneration"] = generation.into();
        let evicted = (!evicted.is_empty()).then_some(Value::Object(evicted));
        object::set_or_remove(object::fields(status), "disruptedPods", evicted);
        set_condition(status, generation, allowed, &now);
    })?;
    Ok(again)
}

/// The pods that it is about.
pub(super) fn selector(budget: &Value) -> LabelSelector {
    LabelSelector::from_object(&budget["spec"]["selector"]).unwrap_or_default()
}

/// The pods whose eviction was granted and is still to be seen, and when the first of them is given up.
fn evicted(budget: &Value, pods: &[Object], now: Timestamp) -> (Map<String, Value>, Option<Duration>) {
    let mut kept = Map::new();
    let mut again: Option<Duration> = None;
    for (name, granted) in object::map(budget, "/status/disruptedPods").into_iter().flatten() {
        let there = pods.iter().any(|pod| object::name(pod) == name && !object::is_terminating(pod));
        let until = granted.as_str().and_then(clock::parse).and_then(|at| at.checked_add(PATIENCE).ok());
        let Some(until) = until.filter(|until| there && *until > now) else { continue };
        let wait = super::until(now, until);
        again = Some(again.map_or(wait, |held| held.min(wait)));
        kept.insert(name.clone(), granted.clone());
    }
    (kept, again)
}

fn set_condition(status: &mut Value, generation: i64, allowed: i64, now: &str) {
    let (state, reason) =
        if allowed > 0 { ("True", "SufficientPods") } else { ("False", "InsufficientPods") };
    let held = &status["conditions"][0];
    let since = if held["status"] == state { held["lastTransitionTime"].clone() } else { now.into() };
    status["conditions"] = json!([{
        "type": "DisruptionAllowed",
        "status": state,
        "reason": reason,
        "message": "",
        "observedGeneration": generation,
        "lastTransitionTime": since,
    }]);
}

/// How many pods their controllers want; pods without one count as themselves.
fn expected(api: &Api, pods: &[Object]) -> i64 {
    let mut seen = std::collections::BTreeSet::new();
    let mut total = 0;
    for pod in pods {
        match object::controller_of(pod) {
            None => total += 1,
            Some(owner) if seen.insert(object::text(owner, "/uid").to_owned()) => {
                total += ordered(api, pod, owner);
            }
            Some(_) => {}
        }
    }
    total
}

fn ordered(api: &Api, pod: &Value, owner: &Value) -> i64 {
    let key = Key::new("replicasets.apps", object::namespace(pod), object::text(owner, "/name"));
    api.store.get(&key).and_then(|set| object::integer(&set, "/spec/replicas")).unwrap_or(1)
}

fn count<T>(items: impl Iterator<Item = T>) -> i64 {
    i64::try_from(items.count()).unwrap_or(i64::MAX)
}
