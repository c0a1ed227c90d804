//! `ReplicaSets`: as many pods as ordered.

use std::collections::BTreeSet;
use std::time::Duration;

use super::recorder::{Kind, Recorder, Source};
use super::rest::{Rest, scene};
use super::{Outcome, availability, controlled, controller_reference, is_ready, target};
use crate::api::{Api, Caller, DeleteOptions, Part, Target, WriteOptions};
use crate::object::{self, integer, text};
use crate::select::LabelSelector;
use crate::status::ApiError;
use crate::store::{Key, Object};
use crate::tree::{Value, json};

const CALLER: &str = "kube-controller-manager";
const SOURCE: Source<'_> = Source { component: "replicaset-controller", host: "" };
/// How soon a refused pod is tried again.
const RETRY: Duration = Duration::from_secs(5);

pub(super) fn sync(api: &Api, recorder: &Recorder, rest: &mut Rest, key: &Key) -> Outcome {
    let Some(set) = api.store.get(key) else {
        rest.forget(key);
        return Ok(None);
    };
    let pods = controlled(api, "pods", &set);
    if let Some(outcome) = rest.of(key, scene([&set], &pods), api.now()) {
        return outcome;
    }
    let active: Vec<Object> = pods.into_iter().filter(is_active).collect();
    let mut failure = None;
    if !object::is_terminating(&set) {
        let ordered = usize::try_from(integer(&set, "/spec/replicas").unwrap_or(1)).unwrap_or_default();
        if active.len() < ordered {
            failure = create(api, recorder, &set, ordered - active.len());
        } else if active.len() > ordered {
            delete(api, recorder, &set, active, ordered)?;
        }
    }
    let pods = controlled(api, "pods", &set);
    let (set, wait) = report(api, key, &set, &pods, failure.as_ref())?;
    if failure.is_some() {
        return Ok(Some(RETRY));
    }
    rest.note(key, scene([&set], &pods), api.now(), wait);
    Ok(wait)
}

/// A pod that counts: not finished and not on its way out.
pub(super) fn is_active(pod: &Object) -> bool {
    pod.facts().is_active()
}

/// Makes pods until one is refused; the refusal is what is returned.
fn create(api: &Api, recorder: &Recorder, set: &Value, missing: usize) -> Option<ApiError> {
    let pods = api.registry.by_key("pods")?;
    let target = Target::new(&pods, object::namespace(set), "");
    let template = &set["spec"]["template"];
    for _ in 0..missing {
        let mut metadata = json!({
            "generateName": format!("{}-", object::name(set)),
            "ownerReferences": [controller_reference(set)],
        });
        for field in ["labels", "annotations", "finalizers"] {
            if let Some(value) = template["metadata"].get(field) {
                metadata[field] = value.clone();
            }
        }
        let pod = json!({"metadata": metadata, "spec": template["spec"]});
        match api.create(&Caller::component(CALLER), &target, pod, &WriteOptions::of(CALLER)) {
            Ok(made) => {
                let message = format!("Created pod: {}", object::name(&made.object));
                recorder.record(SOURCE, set, Kind::Normal, "SuccessfulCreate", &message);
            }
            Err(error) => {
                let message = format!("Error creating: {}", error.message);
                recorder.record(SOURCE, set, Kind::Warning, "FailedCreate", &message);
                return Some(error);
            }
        }
    }
    None
}

/// Takes away the pods that are missed least.
fn delete(
    api: &Api,
    recorder: &Recorder,
    set: &Value,
    mut active: Vec<Object>,
    ordered: usize,
) -> Result<(), ApiError> {
    let Some(pods) = api.registry.by_key("pods") else { return Ok(()) };
    active.sort_by_key(|pod| rank(pod));
    let surplus = active.len() - ordered;
    for pod in &active[..surplus] {
        let target = Target::new(&pods, object::namespace(pod), object::name(pod));
        let options = DeleteOptions { uid: Some(object::uid(pod).to_owned()), ..DeleteOptions::default() };
        api.delete(&target, &options)?;
        let message = format!("Deleted pod: {}", object::name(pod));
        recorder.record(SOURCE, set, Kind::Normal, "SuccessfulDelete", &message);
    }
    Ok(())
}

/// The order in which pods are given up: not placed, not running, not ready, cheaper, restarted more often,
/// younger.
fn rank(pod: &Value) -> (bool, bool, bool, i64, i64, std::cmp::Reverse<String>, String) {
    let cost = object::annotation(pod, "controller.kubernetes.io/pod-deletion-cost");
    let restarts: i64 = object::list(pod, "/status/containerStatuses")
        .iter()
        .filter_map(|status| integer(status, "/restartCount"))
        .sum();
    (
        !text(pod, "/spec/nodeName").is_empty(),
        text(pod, "/status/phase") == "Running",
        is_ready(pod),
        cost.and_then(|cost| cost.parse().ok()).unwrap_or_default(),
        -restarts,
        std::cmp::Reverse(text(pod, "/metadata/creationTimestamp").to_owned()),
        object::name(pod).to_owned(),
    )
}

/// Writes the status; the answer is the set with it, and when the next pod becomes available by time alone.
fn report(
    api: &Api,
    key: &Key,
    set: &Object,
    pods: &[Object],
    failure: Option<&ApiError>,
) -> Result<(Object, Option<Duration>), ApiError> {
    let now = api.now();
    let patience = integer(set, "/spec/minReadySeconds").unwrap_or_default();
    let (mut replicas, mut ready, mut available, mut terminating, mut labelled) = (0, 0, 0, 0, 0);
    let mut wait: Option<Duration> = None;
    let labels =
        LabelSelector::from_object(&json!({"matchLabels": set["spec"]["template"]["metadata"]["labels"]}));
    let labelled_so: BTreeSet<String> =
        api.store.select_names("pods", &key.namespace, &labels.unwrap_or_default()).into_iter().collect();
    for pod in pods {
        let facts = pod.facts();
        if !facts.is_active() {
            terminating += i64::from(facts.is_terminating && !facts.is_finished);
            continue;
        }
        replicas += 1;
        labelled += i64::from(labelled_so.contains(&*facts.name));
        ready += i64::from(facts.is_ready);
        match availability(pod, patience, now) {
            Ok(()) => available += 1,
            Err(Some(left)) => wait = Some(wait.map_or(left, |held| held.min(left))),
            Err(None) => {}
        }
    }
    let Some(target) = target(api, key) else { return Ok((set.clone(), None)) };
    let timestamp = api.timestamp();
    let told = api.modify(&Caller::component(CALLER), &target, Part::Status, |set| {
        let generation = object::generation(set);
        let held =
            object::list(set, "/status/conditions").iter().find(|c| text(c, "/type") == "ReplicaFailure");
        let condition = failure.map(|error| failed(error, held, &timestamp));
        let status = object::child(set, "status");
        status.insert("replicas", replicas.into());
        for (field, count) in
            [("fullyLabeledReplicas", labelled), ("readyReplicas", ready), ("availableReplicas", available)]
        {
            object::set_or_remove(status, field, (count > 0).then(|| count.into()));
        }
        status.insert("terminatingReplicas", terminating.into());
        status.insert("observedGeneration", generation.into());
        object::set_or_remove(status, "conditions", condition.map(|condition| json!([condition])));
    })?;
    Ok((told, wait))
}

/// The condition of a refused pod. One that is there already stays as it is: each try names another pod.
fn failed(error: &ApiError, held: Option<&Value>, now: &str) -> Value {
    let condition = json!({
        "type": "ReplicaFailure",
        "status": "True",
        "reason": "FailedCreate",
        "message": error.message,
        "lastTransitionTime": now,
    });
    held.cloned().unwrap_or(condition)
}
