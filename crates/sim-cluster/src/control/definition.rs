//! `CustomResourceDefinitions`: served as soon as they are there, gone when their objects are.

use super::{Outcome, target};
use crate::api::{Api, Caller, DeleteOptions, Part};
use crate::crd::established_status;
use crate::kinds::{CLEANUP, definition_to_resource};
use crate::object;
use crate::store::Key;
use crate::tree::Value;

const TABLE: &str = "customresourcedefinitions.apiextensions.k8s.io";
const CALLER: &str = "kube-apiserver";

pub(super) fn sync(api: &Api, name: &str) -> Outcome {
    let key = Key::new(TABLE, "", name);
    let Some(definition) = api.store.get(&key) else {
        api.registry.remove(name);
        return Ok(None);
    };
    if object::is_terminating(&definition) {
        return clean_up(api, &key);
    }
    serve(api, &definition);
    let Some(target) = target(api, &key) else { return Ok(None) };
    let now = api.now();
    api.modify(&Caller::component(CALLER), &target, Part::Status, |definition| {
        let mut status = established_status(definition, now);
        keep_times(definition, &mut status);
        definition["status"] = status;
    })?;
    Ok(None)
}

/// Serves a definition in its present form, unless that is what is served already.
pub(crate) fn serve(api: &Api, definition: &Value) {
    let Some(resource) = definition_to_resource(definition) else { return };
    api.registry.insert(resource);
}

/// Conditions that hold already keep the time since which they do.
fn keep_times(definition: &Value, status: &mut Value) {
    for condition in object::elements(status, "conditions") {
        let held = super::condition(definition, object::text(condition, "/type"));
        if let Some(held) = held.filter(|held| held["status"] == condition["status"]) {
            condition["lastTransitionTime"] = held["lastTransitionTime"].clone();
        }
    }
    // Versions once stored stay listed.
    for version in object::list(definition, "/status/storedVersions") {
        let listed = object::list(status, "/storedVersions").contains(version);
        if let Some(stored) = status["storedVersions"].as_array_mut().filter(|_| !listed) {
            stored.insert(0, version.clone());
        }
    }
}

/// Deletes the objects of a terminating definition, then lets it go.
fn clean_up(api: &Api, key: &Key) -> Outcome {
    let objects = api.store.list(&key.name, None);
    for object in &objects {
        let held = Key::new(key.name.as_str(), object::namespace(object), object::name(object));
        if !object::is_terminating(object)
            && let Some(target) = target(api, &held)
        {
            api.delete(&target, &DeleteOptions::default())?;
        }
    }
    if api.store.count(&key.name) > 0 {
        return Ok(None);
    }
    let Some(target) = target(api, key) else { return Ok(None) };
    api.modify(&Caller::component(CALLER), &target, Part::Main, |definition| {
        let kept: Vec<Value> =
            object::finalizers(definition).filter(|held| *held != CLEANUP).map(Value::from).collect();
        let kept = (!kept.is_empty()).then(|| Value::from(kept));
        object::set_or_remove(object::metadata(definition), "finalizers", kept);
    })?;
    Ok(None)
}
