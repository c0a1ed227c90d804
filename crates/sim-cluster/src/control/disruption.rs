//! `PodDisruptionBudget` status: how many pods may be taken away now.

use std::collections::BTreeSet;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};

use super::rest::{Rest, scene};
use super::{Outcome, Rounding, int_or_percent, target};
use crate::api::{Api, Caller, Part};
use crate::clock;
use crate::object;
use crate::select::LabelSelector;
use crate::store::{Key, Object};

const CALLER: &str = "kube-controller-manager";
/// How long a pod may take to begin to go whose eviction was granted.
const PATIENCE: SignedDuration = SignedDuration::from_mins(2);

pub(super) fn sync(api: &Api, rest: &mut Rest, key: &Key) -> Outcome {
    let Some(budget) = api.store.get(key) else {
        rest.forget(key);
        return Ok(None);
    };
    let selector = selector(&budget);
    let pods: Vec<_> = api
        .store
        .select("pods", &key.namespace, &selector)
        .into_iter()
        .filter(|pod| !pod.facts().is_finished)
        .collect();
    let owners = owners(api, &key.namespace, &pods);
    let now = api.now();
    if let Some(outcome) = rest.of(key, scene(owners.iter().chain([&budget]), &pods), now) {
        return outcome;
    }
    let expected = expected(&owners, &pods);
    let (evicted, again) = evicted(&budget, &pods, now);
    let healthy = count(pods.iter().filter(|pod| {
        let facts = pod.facts();
        facts.is_ready && !facts.is_terminating && !evicted.contains_key(&*facts.name)
    }));
    let spec = &budget["spec"];
    let desired = if spec["maxUnavailable"].is_null() {
        int_or_percent(&spec["minAvailable"], expected, Rounding::Up)
    } else {
        (expected - int_or_percent(&spec["maxUnavailable"], expected, Rounding::Up)).max(0)
    };
    let allowed = if expected > 0 { (healthy - desired).max(0) } else { 0 };
    let Some(target) = target(api, key) else { return Ok(None) };
    let timestamp = api.timestamp();
    let budget = api.modify(&Caller::component(CALLER), &target, Part::Status, |budget| {
        let generation = object::generation(budget);
        let status = &mut budget["status"];
        status["currentHealthy"] = healthy.into();
        status["desiredHealthy"] = desired.into();
        status["disruptionsAllowed"] = allowed.into();
        status["expectedPods"] = expected.into();
        status["observedGeneration"] = generation.into();
        let evicted = (!evicted.is_empty()).then_some(Value::Object(evicted));
        object::set_or_remove(object::fields(status), "disruptedPods", evicted);
        set_condition(status, generation, allowed, &timestamp);
    })?;
    rest.note(key, scene(owners.iter().chain([&budget]), &pods), now, again);
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
        let there = pods.iter().any(|pod| *pod.facts().name == **name && !pod.facts().is_terminating);
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

/// The sets that control the pods.
fn owners(api: &Api, namespace: &str, pods: &[Object]) -> Vec<Object> {
    let names: BTreeSet<&str> =
        pods.iter().filter_map(|pod| pod.facts().controller()).map(|owner| &*owner.name).collect();
    let set = |name| api.store.get(&Key::new("replicasets.apps", namespace, name));
    names.into_iter().filter_map(set).collect()
}

/// How many pods their controllers want; pods without one count as themselves.
fn expected(owners: &[Object], pods: &[Object]) -> i64 {
    let mut seen = BTreeSet::new();
    let mut total = 0;
    for pod in pods {
        match pod.facts().controller() {
            None => total += 1,
            Some(owner) if seen.insert(&owner.uid) => {
                let set = owners.iter().find(|set| set.facts().name == owner.name);
                total += set.and_then(|set| set.facts().replicas).unwrap_or(1);
            }
            Some(_) => {}
        }
    }
    total
}

fn count<T>(items: impl Iterator<Item = T>) -> i64 {
    i64::try_from(items.count()).unwrap_or(i64::MAX)
}
