//! The garbage collector: what is owned goes with its last owner.

use super::{Outcome, target};
use crate::api::{Api, Caller, DeleteOptions, Part, Propagation};
use crate::object::{self, flag, text};
use crate::resource::split_api_version;
use crate::store::{Key, Object, Owner as Reference};
use crate::tree::Value;

const CALLER: &str = "kube-controller-manager";
const ORPHAN: &str = "orphan";
const FOREGROUND: &str = "foregroundDeletion";

pub(super) fn sync(api: &Api, key: &Key) -> Outcome {
    let Some(object) = api.store.get(key) else { return Ok(None) };
    let facts = object.facts();
    let lives = |owner: &Reference| {
        let owner_key = key_of(api, &key.namespace, &owner.api_version, &owner.kind, &owner.name);
        let found = owner_key.and_then(|key| api.store.get(&key));
        found.is_some_and(|found| found.facts().uid == owner.uid && !found.facts().is_terminating)
    };
    // By far the most often, and told without reading anything.
    if !facts.is_terminating && facts.owners.iter().all(lives) {
        return Ok(None);
    }
    if object::is_terminating(&object) {
        if object::finalizers(&object).any(|finalizer| finalizer == ORPHAN) {
            return release_dependents(api, key, &object);
        }
        if object::finalizers(&object).any(|finalizer| finalizer == FOREGROUND) {
            return delete_dependents(api, key, &object);
        }
    }
    check_owners(api, key, &object)
}

/// Where the owner that a reference names is stored; none when its kind is not served.
pub(super) fn owner_key(api: &Api, namespace: &str, reference: &Value) -> Option<Key> {
    let [api_version, kind, name] = ["/apiVersion", "/kind", "/name"].map(|field| text(reference, field));
    key_of(api, namespace, api_version, kind, name)
}

fn key_of(api: &Api, namespace: &str, api_version: &str, kind: &str, name: &str) -> Option<Key> {
    let (group, _) = split_api_version(api_version);
    let resource = api.registry.by_kind(group, kind)?;
    let namespace = if resource.is_namespaced() { namespace } else { "" };
    Some(Key::new(resource.key.clone(), namespace, name))
}

#[derive(Debug, PartialEq, Eq)]
enum Owner {
    /// It is there, or its kind is not known here and nothing can be said.
    Alive,
    /// It waits for its dependents to go.
    Waiting,
    Gone,
}

fn check_owners(api: &Api, key: &Key, object: &Object) -> Outcome {
    let references = object::list(object, "/metadata/ownerReferences");
    if references.is_empty() {
        return Ok(None);
    }
    let states: Vec<Owner> = references.iter().map(|reference| owner(api, key, reference)).collect();
    if states.iter().all(|state| *state == Owner::Alive) {
        return Ok(None);
    }
    let Some(target) = target(api, key) else { return Ok(None) };
    if states.contains(&Owner::Alive) {
        let dangling: Vec<String> = references
            .iter()
            .zip(&states)
            .filter(|(_, state)| **state == Owner::Gone)
            .map(|(reference, _)| text(reference, "/uid").to_owned())
            .collect();
        api.modify(&Caller::component(CALLER), &target, Part::Main, |object| {
            forget_owners(object, &dangling);
        })?;
        return Ok(None);
    }
    if object::is_terminating(object) {
        return Ok(None);
    }
    // Waiting owners want their dependents, and those of the dependents, gone first.
    let foreground = states.contains(&Owner::Waiting);
    let propagation = if foreground { Propagation::Foreground } else { Propagation::Background };
    let has_dependents = !api.store.dependents(object::uid(object)).is_empty();
    let options = DeleteOptions {
        propagation: Some(if has_dependents { propagation } else { Propagation::Background }),
        uid: Some(object::uid(object).to_owned()),
        ..DeleteOptions::default()
    };
    api.delete(&target, &options)?;
    Ok(None)
}

fn owner(api: &Api, key: &Key, reference: &Value) -> Owner {
    let Some(owner_key) = owner_key(api, &key.namespace, reference) else { return Owner::Alive };
    match api.store.get(&owner_key) {
        Some(owner) if object::uid(&owner) == text(reference, "/uid") => {
            let waits = object::is_terminating(&owner)
                && object::finalizers(&owner).any(|finalizer| finalizer == FOREGROUND);
            if waits { Owner::Waiting } else { Owner::Alive }
        }
        _ => Owner::Gone,
    }
}

/// Foreground: dependents go first, the owner when those that block it are gone.
fn delete_dependents(api: &Api, key: &Key, object: &Object) -> Outcome {
    let uid = object::uid(object);
    let mut blocked = false;
    let dependents = api.store.dependents(uid);
    for dependent in dependents {
        check_dependent(api, &dependent)?;
        let left = api.store.get(&dependent);
        blocked |= left.is_some_and(|left| {
            object::list(&left, "/metadata/ownerReferences")
                .iter()
                .any(|reference| text(reference, "/uid") == uid && flag(reference, "/blockOwnerDeletion"))
        });
    }
    if blocked { Ok(None) } else { drop_finalizer(api, key, FOREGROUND) }
}

fn check_dependent(api: &Api, key: &Key) -> Outcome {
    match api.store.get(key) {
        Some(object) => check_owners(api, key, &object),
        None => Ok(None),
    }
}

/// Orphan: dependents forget their owner, then it goes.
fn release_dependents(api: &Api, key: &Key, object: &Object) -> Outcome {
    let uid = object::uid(object).to_owned();
    let dependents = api.store.dependents(&uid);
    for dependent in dependents {
        if let Some(target) = target(api, &dependent) {
            api.modify(&Caller::component(CALLER), &target, Part::Main, |object| {
                forget_owners(object, std::slice::from_ref(&uid));
            })?;
        }
    }
    drop_finalizer(api, key, ORPHAN)
}

fn forget_owners(object: &mut Value, uids: &[String]) {
    let kept: Vec<Value> = object::list(object, "/metadata/ownerReferences")
        .iter()
        .filter(|reference| !uids.iter().any(|uid| text(reference, "/uid") == uid))
        .cloned()
        .collect();
    let kept = (!kept.is_empty()).then(|| Value::from(kept));
    object::set_or_remove(object::metadata(object), "ownerReferences", kept);
}

fn drop_finalizer(api: &Api, key: &Key, finalizer: &str) -> Outcome {
    let Some(target) = target(api, key) else { return Ok(None) };
    api.modify(&Caller::component(CALLER), &target, Part::Main, |object| {
        let kept: Vec<Value> =
            object::finalizers(object).filter(|held| *held != finalizer).map(Value::from).collect();
        let kept = (!kept.is_empty()).then(|| Value::from(kept));
        object::set_or_remove(object::metadata(object), "finalizers", kept);
    })?;
    Ok(None)
}
