//! `PodDisruptionBudget` status: how many pods may be taken away now.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::recorder::{Kind, Recorder, Source};
use super::rest::{Rest, scene};
use super::{Outcome, Rounding, int_or_percent, target};
use crate::api::{Api, Caller, Part, Target};
use crate::clock;
use crate::object::{self};
use crate::resource::Registry;
use crate::select::LabelSelector;
use crate::status::ApiError;
use crate::store::{Key, Object, Owner};
use crate::tree::{Map, Value, json};

const CALLER: &str = "kube-controller-manager";
const SOURCE: Source<'static> = Source { component: "controllermanager", host: "" };
/// How long a pod may take to begin to go whose eviction was granted, or of which it was said that it would go.
const PATIENCE: SignedDuration = SignedDuration::from_mins(2);

const UNMANAGED: &str = "As a result, the status of the PDB cannot be calculated correctly, which may result in \
     undefined behavior. To account for these pods please set \".spec.minAvailable\" field of the PDB to an integer value.";

/// What is expected of the pods of a budget.
struct Expected {
    pods: i64,
    healthy: i64,
    has_unmanaged: bool,
}

pub(super) fn sync(api: &Api, recorder: &Recorder, rest: &mut Rest, key: &Key) -> Outcome {
    let Some(budget) = api.store.get(key) else {
        rest.forget(key);
        return Ok(None);
    };
    let Some(target) = target(api, key) else { return Ok(None) };
    let pods = match selector(&budget) {
        Some(selector) => api.store.select("pods", &key.namespace, &selector),
        None => Vec::new(),
    };
    let controllers = controllers(api, &key.namespace, &pods);
    let now = api.now();
    if let Some(outcome) = rest.of(key, scene(controllers.iter().chain([&budget]), &pods), now) {
        return outcome;
    }
    if pods.is_empty() {
        recorder.record(SOURCE, &budget, Kind::Normal, "NoPods", "No matching pods found");
    }
    let expected = match expected(api, &key.namespace, &budget["spec"], &pods) {
        Ok(expected) => expected,
        Err(why) => {
            let message = format!("Failed to calculate the number of expected pods: {why}");
            recorder.record(SOURCE, &budget, Kind::Warning, "CalculateExpectedPodCountFailed", &message);
            let budget = fail_safe(api, &target, &why)?;
            rest.note(key, scene(controllers.iter().chain([&budget]), &pods), now, None);
            return Ok(None);
        }
    };
    if expected.has_unmanaged {
        let selector = crate::select::printed(&budget["spec"]["selector"]);
        let message = format!(
            "Pods selected by this PodDisruptionBudget (selector: {selector}) were found to be unmanaged. {UNMANAGED}"
        );
        recorder.record(SOURCE, &budget, Kind::Warning, "UnmanagedPods", &message);
    }
    let (evicted, again) = evicted(recorder, &budget, &pods, now);
    let healthy = count(pods.iter().filter(|pod| {
        let facts = pod.facts();
        facts.is_ready && !facts.is_terminating && !evicted.contains_key(&*facts.name)
    }));
    let left = healthy - expected.healthy;
    let allowed = if expected.pods > 0 { left.max(0) } else { 0 };
    let timestamp = api.timestamp();
    let budget = api.modify(&Caller::component(CALLER), &target, Part::Status, |budget| {
        let generation = object::generation(budget);
        let mut status = json!({
            "currentHealthy": healthy,
            "desiredHealthy": expected.healthy,
            "disruptionsAllowed": allowed,
            "expectedPods": expected.pods,
            "observedGeneration": generation,
            "conditions": budget["status"]["conditions"],
        });
        if !evicted.is_empty() {
            status["disruptedPods"] = Value::Object(evicted);
        }
        if !is_up_to_date(&budget["status"], &status) {
            let (state, reason) =
                if allowed > 0 { ("True", "SufficientPods") } else { ("False", "InsufficientPods") };
            set_condition(&mut status, [state, reason, ""], generation, &timestamp);
        }
        budget["status"] = status;
    })?;
    rest.note(key, scene(controllers.iter().chain([&budget]), &pods), now, again);
    Ok(again)
}

/// Tells that several budgets are about a pod, which is more than evictions can go by.
pub(super) fn tell_of_many(recorder: &Recorder, pod: &Object, one: &str) {
    let (namespace, name) = (object::namespace(pod), object::name(pod));
    let message = format!(
        "Pod {namespace:?}/{name:?} matches multiple PodDisruptionBudgets.  Chose {one:?} arbitrarily."
    );
    recorder.record(SOURCE, pod, Kind::Warning, "MultiplePodDisruptionBudgets", &message);
}

/// Takes back that a pod is to be disrupted, where nothing came of it; what a kubelet says of its own pods stands.
pub(super) fn withdraw(api: &Api, key: &Key) -> Outcome {
    let Some(pod) = api.store.get(key) else { return Ok(None) };
    let facts = pod.facts();
    let Some(since) = facts.disrupted_since.filter(|_| facts.is_active()) else { return Ok(None) };
    let (now, due) = (api.now(), since.saturating_add(PATIENCE).unwrap_or(Timestamp::MAX));
    if due > now {
        return Ok(Some(super::until(now, due)));
    }
    let Some(target) = target(api, key) else { return Ok(None) };
    let at = api.timestamp();
    api.modify(&Caller::component(CALLER), &target, Part::Status, |pod| {
        let generation = object::generation(pod);
        let conditions = object::elements(&mut pod["status"], "conditions");
        for condition in conditions.filter(|held| object::text(held, "/type") == "DisruptionTarget") {
            *condition = json!({
                "type": "DisruptionTarget",
                "status": "False",
                "lastProbeTime": null,
                "lastTransitionTime": at,
                "observedGeneration": generation,
            });
        }
    })?;
    Ok(None)
}

/// Whom a budget is about; nobody where it does not say.
pub(super) fn selector(budget: &Value) -> Option<LabelSelector> {
    budget
        .pointer("/spec/selector")
        .filter(|selector| !selector.is_null())
        .and_then(LabelSelector::from_object)
}

/// Whether the condition that is there, which may be that of a failure, says all of this status already.
fn is_up_to_date(held: &Value, status: &Value) -> bool {
    let state = if status["disruptionsAllowed"] == 0 { "False" } else { "True" };
    let same = |field: &str| held[field] == status[field];
    ["currentHealthy", "desiredHealthy", "disruptionsAllowed", "expectedPods", "observedGeneration"]
        .into_iter()
        .all(same)
        && held["conditions"][0]["status"] == state
}

/// Whatever is wrong, nobody is let go.
fn fail_safe(api: &Api, target: &Target, why: &str) -> Result<Object, ApiError> {
    let now = api.timestamp();
    api.modify(&Caller::component(CALLER), target, Part::Status, |budget| {
        let mut status =
            budget.get("status").filter(|status| status.is_object()).cloned().unwrap_or_else(|| json!({}));
        for number in ["currentHealthy", "desiredHealthy", "expectedPods"] {
            if status[number].is_null() {
                status[number] = 0.into();
            }
        }
        status["disruptionsAllowed"] = 0.into();
        let generation = object::integer(&status, "/observedGeneration").unwrap_or_default();
        set_condition(&mut status, ["False", "SyncFailed", why], generation, &now);
        budget["status"] = status;
    })
}

/// The pods whose eviction was granted and is still to be seen, and when the first of them is given up.
fn evicted(recorder: &Recorder, budget: &Value, pods: &[Object], now: Timestamp) -> (Map, Option<Duration>) {
    let mut kept = Map::new();
    let mut again: Option<Duration> = None;
    let granted = object::map(budget, "/status/disruptedPods");
    for pod in pods.iter().filter(|pod| !pod.facts().is_terminating) {
        let Some(granted) = granted.and_then(|granted| granted.get(&*pod.facts().name)) else { continue };
        let until = granted.as_str().and_then(clock::parse).and_then(|at| at.checked_add(PATIENCE).ok());
        let Some(until) = until.filter(|until| *until > now) else {
            // The namespace twice: so it is said by the real one.
            let namespace = object::namespace(budget);
            let message =
                format!("Pod was expected by PDB {namespace}/{namespace} to be deleted but it wasn't");
            recorder.record(SOURCE, pod, Kind::Warning, "NotDeleted", &message);
            continue;
        };
        let wait = super::until(now, until);
        again = Some(again.map_or(wait, |held| held.min(wait)));
        kept.insert(pod.facts().name.to_string(), granted.clone());
    }
    (kept, again)
}

fn set_condition(status: &mut Value, [state, reason, message]: [&str; 3], generation: i64, now: &str) {
    let held = &status["conditions"][0];
    let since = if held["status"] == state { held["lastTransitionTime"].clone() } else { now.into() };
    let mut condition = json!({
        "type": "DisruptionAllowed",
        "status": state,
        "reason": reason,
        "message": message,
        "lastTransitionTime": since,
    });
    if generation != 0 {
        condition["observedGeneration"] = generation.into();
    }
    status["conditions"] = json!([condition]);
}

/// How many pods there should be, and how many of them healthy. A number is held against the pods that are there; a share
/// is one of what their controllers want.
fn expected(api: &Api, namespace: &str, spec: &Value, pods: &[Object]) -> Result<Expected, String> {
    let (most_away, least) = (&spec["maxUnavailable"], &spec["minAvailable"]);
    if !most_away.is_null() {
        let (wanted, has_unmanaged) = wanted(api, namespace, pods)?;
        let away = int_or_percent(most_away, wanted, Rounding::Up);
        return Ok(Expected { pods: wanted, healthy: (wanted - away).max(0), has_unmanaged });
    }
    if least.is_string() {
        let (wanted, has_unmanaged) = wanted(api, namespace, pods)?;
        let healthy = int_or_percent(least, wanted, Rounding::Up);
        return Ok(Expected { pods: wanted, healthy, has_unmanaged });
    }
    let healthy = least.as_i64();
    let pods = if healthy.is_some() { count(pods.iter()) } else { 0 };
    Ok(Expected { pods, healthy: healthy.unwrap_or_default(), has_unmanaged: false })
}

/// How many pods the controllers of these want, and whether any has none.
fn wanted(api: &Api, namespace: &str, pods: &[Object]) -> Result<(i64, bool), String> {
    let mut scales = BTreeMap::new();
    let mut has_unmanaged = false;
    for pod in pods {
        let Some(owner) = pod.facts().controller() else {
            has_unmanaged = true;
            continue;
        };
        if scales.contains_key(&owner.uid) {
            continue;
        }
        let found = scale(api, namespace, owner)?;
        let (uid, scale) =
            found.ok_or_else(|| format!("found no controllers for pod \"{}\"", pod.facts().name))?;
        scales.insert(uid, scale);
    }
    Ok((scales.values().sum(), has_unmanaged))
}

/// What the scales of the controllers hang on.
fn controllers(api: &Api, namespace: &str, pods: &[Object]) -> Vec<Object> {
    let mut found = BTreeMap::new();
    for owner in pods.iter().filter_map(|pod| pod.facts().controller()) {
        if found.contains_key(&owner.uid) {
            continue;
        }
        let group = owner.api_version.rsplit_once('/').map_or("", |(group, _)| group);
        let Some(resource) = api.registry.by_kind(group, &owner.kind) else { continue };
        let Some(object) = api.store.get(&Key::new(resource.key.clone(), namespace, &*owner.name)) else {
            continue;
        };
        if let Some(above) = object.facts().controller().filter(|above| &*above.kind == "Deployment") {
            let deployment = api.store.get(&Key::new("deployments.apps", namespace, &*above.name));
            found.extend(deployment.map(|deployment| (above.uid.clone(), deployment)));
        }
        found.insert(owner.uid.clone(), object);
    }
    found.into_values().collect()
}

/// The uid and the scale of the controller that a reference names: that of the Deployment where a `ReplicaSet` has one.
fn scale(api: &Api, namespace: &str, owner: &Owner) -> Result<Option<(Box<str>, i64)>, String> {
    if &*owner.kind == "ReplicaSet" && owner.api_version.starts_with("apps/") {
        let set = find(api, "replicasets.apps", namespace, owner);
        let deployment = set.as_ref().and_then(|set| set.facts().controller());
        let deployment = deployment.filter(|owner| &*owner.kind == "Deployment");
        if let Some(found) = deployment.and_then(|owner| find(api, "deployments.apps", namespace, owner)) {
            let facts = found.facts();
            return Ok(Some((facts.uid.clone(), facts.replicas.unwrap_or_default())));
        }
    }
    scale_by_kind(api, namespace, owner)
}

fn scale_by_kind(api: &Api, namespace: &str, owner: &Owner) -> Result<Option<(Box<str>, i64)>, String> {
    let (api_version, kind) = (&*owner.api_version, &*owner.kind);
    let (group, version) = api_version.rsplit_once('/').unwrap_or(("", api_version));
    let served = api.registry.by_kind(group, kind).filter(|resource| resource.version(version).is_some());
    let Some(resource) = served else {
        // What only a real server has is not owned by anything that was made here.
        return match Registry::missing_kind(group, kind) {
            Some((_, true)) => Ok(None),
            Some((resource, false)) => Err(without_scale(resource)),
            None => Err(format!("no matches for kind \"{kind}\" in version \"{api_version}\"")),
        };
    };
    if !resource.version(version).is_some_and(|version| version.scale) {
        return Err(without_scale(&resource.key));
    }
    let name = &*owner.name;
    let target = Target {
        resource,
        version: version.to_owned(),
        namespace: namespace.to_owned(),
        name: name.to_owned(),
    };
    let Ok(scale) = api.get_scale(&target) else { return Ok(None) };
    let scale = &scale.object;
    let is_owner = object::uid(scale) == &*owner.uid;
    Ok(is_owner.then(|| (owner.uid.clone(), replicas(scale))))
}

fn without_scale(resource: &str) -> String {
    format!("{resource} does not implement the scale subresource")
}

/// The object that a reference names, if it is that very one.
fn find(api: &Api, table: &str, namespace: &str, owner: &Owner) -> Option<Object> {
    let found = api.store.get(&Key::new(table, namespace, &*owner.name));
    found.filter(|found| found.facts().uid == owner.uid)
}

fn replicas(object: &Value) -> i64 {
    object::integer(object, "/spec/replicas").unwrap_or_default()
}

fn count<T>(items: impl Iterator<Item = T>) -> i64 {
    i64::try_from(items.count()).unwrap_or(i64::MAX)
}
