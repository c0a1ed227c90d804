//! The `ReplicaSets` of a Deployment: finding, making, adopting them.

use super::super::{controlled, controller_reference};
use super::{CALLER, Context, SOURCE, hash, revision, sizes};
use crate::api::{Api, Caller, Part, Target, WriteOptions};
use crate::control::recorder::Kind;
use crate::object::{self, integer, text};
use crate::select::LabelSelector;
use crate::status::ApiError;
use crate::store::Object;
use crate::tree::{Value, json};

pub(super) const HASH_LABEL: &str = "pod-template-hash";

/// The `ReplicaSets` of a Deployment.
pub(super) struct Sets {
    /// The one with the current template.
    pub(super) new: Option<Object>,
    /// All others, oldest first.
    pub(super) old: Vec<Object>,
}

impl Sets {
    pub(super) fn of(api: &Api, deployment: &Object) -> Self {
        let mut sets = controlled(api, "replicasets.apps", deployment);
        sets.sort_by_key(|set| (text(set, "/metadata/creationTimestamp").to_owned(), revision::of(set)));
        let wanted = &deployment["spec"]["template"];
        let position = sets.iter().position(|set| without_hash(&set["spec"]["template"]) == *wanted);
        let new = position.map(|position| sets.remove(position));
        Self { new, old: sets }
    }

    pub(super) fn all(&self) -> impl Iterator<Item = &Object> {
        self.old.iter().chain(&self.new)
    }

    /// The old ones that still have or order pods.
    pub(super) fn active_old(&self) -> Vec<Object> {
        self.old
            .iter()
            .filter(|set| integer(set, "/spec/replicas").unwrap_or_default() > 0)
            .cloned()
            .collect()
    }
}

/// The sum of a count over `ReplicaSets`.
pub(super) fn sum<'a>(sets: impl IntoIterator<Item = &'a Object>, pointer: &str) -> i64 {
    sets.into_iter().map(|set| integer(set, pointer).unwrap_or_default()).sum()
}

fn without_hash(template: &Value) -> Value {
    let mut template = template.clone();
    if let Some(Value::Object(labels)) = template.pointer_mut("/metadata/labels") {
        labels.remove(HASH_LABEL);
    }
    template
}

/// Takes over `ReplicaSets` that match the selector and belong to nobody.
pub(super) fn adopt(api: &Api, deployment: &Object) -> Result<(), ApiError> {
    let Some(selector) = LabelSelector::from_object(&deployment["spec"]["selector"]) else { return Ok(()) };
    let Some(resource) = api.registry.by_key("replicasets.apps") else { return Ok(()) };
    let selected = api.store.select("replicasets.apps", object::namespace(deployment), &selector);
    for set in selected {
        if object::controller_of(&set).is_none() && !object::is_terminating(&set) {
            let target = Target::new(&resource, object::namespace(&set), object::name(&set));
            let reference = controller_reference(deployment);
            api.modify(&Caller::component(CALLER), &target, Part::Main, |set| {
                let owners = object::metadata(set).entry("ownerReferences").or_insert_with(|| json!([]));
                if let Some(owners) = owners.as_array_mut() {
                    owners.push(reference);
                }
            })?;
        }
    }
    Ok(())
}

pub(super) fn annotate_sizes(set: &mut Value, desired: i64, most: i64) {
    let metadata = object::metadata(set);
    let annotations = object::fields(metadata.entry("annotations").or_insert(Value::Null));
    annotations.insert(revision::DESIRED, desired.to_string().into());
    annotations.insert(revision::MOST, most.to_string().into());
}

/// Finds the ReplicaSet of the current template, gives it the newest revision, or makes it.
pub(super) fn ensure_new(
    context: &Context<'_>,
    deployment: &Object,
    sets: &mut Sets,
) -> Result<Object, ApiError> {
    let newest = sets.old.iter().map(|set| revision::of(set)).max().unwrap_or_default() + 1;
    let set = match sets.new.take() {
        Some(set) => revive(context, deployment, &set, newest)?,
        None => make(context, deployment, sets, newest)?,
    };
    mark_revision(context, deployment, revision::of(&set))?;
    sets.new = Some(set.clone());
    Ok(set)
}

/// An old ReplicaSet whose template is current again becomes the newest revision.
fn revive(context: &Context<'_>, deployment: &Object, set: &Object, newest: i64) -> Result<Object, ApiError> {
    let Some(target) = context.target(set) else { return Ok(set.clone()) };
    let (desired, most) = sizes(deployment);
    let held = revision::of(set);
    let patience = deployment["spec"].get("minReadySeconds").cloned();
    context.api.modify(&Caller::component(CALLER), &target, Part::Main, |set| {
        annotate_sizes(set, desired, most);
        copy_annotations(deployment, set);
        object::set_or_remove(object::child(set, "spec"), "minReadySeconds", patience);
        if held < newest {
            let annotations =
                object::fields(object::metadata(set).entry("annotations").or_insert(Value::Null));
            annotations.insert(revision::REVISION, newest.to_string().into());
            if held > 0 {
                let mut history = annotations
                    .get(revision::HISTORY)
                    .and_then(Value::as_str)
                    .map(|text| text.split(',').map(str::to_owned).collect::<Vec<_>>())
                    .unwrap_or_default();
                history.push(held.to_string());
                annotations.insert(revision::HISTORY, history.join(",").into());
            }
        }
    })
}

fn copy_annotations(deployment: &Object, set: &mut Value) {
    let Some(from) = object::map(deployment, "/metadata/annotations") else { return };
    let annotations = object::fields(object::metadata(set).entry("annotations").or_insert(Value::Null));
    for (key, value) in from.iter().filter(|(key, _)| !revision::NOT_COPIED.contains(&key.as_str())) {
        annotations.insert(key.clone(), value.clone());
    }
}

fn make(context: &Context<'_>, deployment: &Object, sets: &Sets, newest: i64) -> Result<Object, ApiError> {
    let api = context.api;
    let template = &deployment["spec"]["template"];
    let collisions = integer(deployment, "/status/collisionCount").unwrap_or_default();
    let hash = hash::of(template, collisions);
    let mut template = template.clone();
    object::fields(object::metadata(&mut template).entry("labels").or_insert(Value::Null))
        .insert(HASH_LABEL, hash.clone().into());
    let mut selector = deployment["spec"]["selector"].clone();
    object::child(&mut selector, "matchLabels").insert(HASH_LABEL, hash.clone().into());
    let (desired, most) = sizes(deployment);
    let replicas = first_size(deployment, sets);
    let mut set = json!({
        "metadata": {
            "name": format!("{}-{hash}", object::name(deployment)),
            "labels": template["metadata"]["labels"],
            "annotations": {(revision::REVISION): newest.to_string()},
            "ownerReferences": [controller_reference(deployment)],
        },
        "spec": {"replicas": replicas, "selector": selector, "template": template},
    });
    if let Some(patience) = deployment["spec"].get("minReadySeconds") {
        set["spec"]["minReadySeconds"] = patience.clone();
    }
    copy_annotations(deployment, &mut set);
    annotate_sizes(&mut set, desired, most);
    let Some(resource) = api.registry.by_key("replicasets.apps") else {
        return Err(ApiError::internal("replicasets are not served"));
    };
    let target = Target::new(&resource, &context.key.namespace, "");
    let caller = Caller::component(CALLER);
    match api.create(&caller, &target, set, &WriteOptions::of(CALLER)) {
        Ok(made) => {
            if replicas > 0 {
                let message =
                    format!("Scaled up replica set {} from 0 to {replicas}", object::name(&made.object));
                context.recorder.record(SOURCE, deployment, Kind::Normal, "ScalingReplicaSet", &message);
            }
            Ok(made.object)
        }
        Err(error) => {
            if error.reason == "AlreadyExists" {
                count_collision(context, collisions)?;
            }
            Err(error)
        }
    }
}

/// What a ReplicaSet starts with: as much as the bounds allow beside the old pods.
fn first_size(deployment: &Object, sets: &Sets) -> i64 {
    let (desired, most) = sizes(deployment);
    if text(deployment, "/spec/strategy/type") == "Recreate" {
        return desired;
    }
    let there = sum(sets.all(), "/spec/replicas");
    desired.min((most - there).max(0))
}

fn count_collision(context: &Context<'_>, collisions: i64) -> Result<(), ApiError> {
    let Some(resource) = context.api.registry.by_key("deployments.apps") else { return Ok(()) };
    let target = Target::new(&resource, &context.key.namespace, &context.key.name);
    context.api.modify(&Caller::component(CALLER), &target, Part::Status, |deployment| {
        deployment["status"]["collisionCount"] = (collisions + 1).into();
    })?;
    Ok(())
}

/// The Deployment carries the revision of its newest ReplicaSet.
fn mark_revision(context: &Context<'_>, deployment: &Object, newest: i64) -> Result<(), ApiError> {
    if revision::of(deployment) == newest {
        return Ok(());
    }
    let Some(resource) = context.api.registry.by_key("deployments.apps") else { return Ok(()) };
    let target = Target::new(&resource, &context.key.namespace, &context.key.name);
    context.api.modify(&Caller::component(CALLER), &target, Part::Status, |deployment| {
        let metadata = object::metadata(deployment);
        object::fields(metadata.entry("annotations").or_insert(Value::Null))
            .insert(revision::REVISION, newest.to_string().into());
    })?;
    Ok(())
}
