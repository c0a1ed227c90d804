//! What is particular to each built-in kind: the fields the server fills in, and what it refuses.
//!
//! One file per kind or family. The hooks run in this order: [`default`], then [`prepare_create`] or
//! [`prepare_update`], then admission, then [`validate_create`] or [`validate_update`].

mod autoscaler;
mod config;
mod container;
mod definition;
mod disruption;
mod event;
mod limit_range;
mod names;
mod namespace;
mod pod;
mod pod_template;
mod quota;
mod service;
mod volume;
mod workload;

pub(crate) use definition::{CLEANUP, to_resource as definition_to_resource};
pub(crate) use names::{fault_of_label_value, faults_of_qualified};
pub(crate) use pod::{qos_class, resources};
pub(crate) use quota::RESOURCES as QUOTA_NAMES;

use crate::api::{Api, Part, Target};
use crate::object;
use crate::resource::Resource;
use crate::status::{ApiError, Cause};
use crate::store::Tx;
use crate::tree::{Value, json};

/// Fills in what the API documents as defaults; doing it twice changes nothing.
pub(crate) fn default(resource: &Resource, object: &mut Value) {
    match &*resource.key {
        "pods" => pod::default(object),
        "deployments.apps" => workload::default_deployment(object),
        "replicasets.apps" => workload::default_replica_set(object),
        "services" => service::default(object),
        "secrets" => config::default_secret(object),
        "events" => event::default(object),
        "namespaces" => namespace::default(object),
        "priorityclasses.scheduling.k8s.io" => {
            object::set_default(object, "preemptionPolicy", "PreemptLowerPriority");
        }
        "horizontalpodautoscalers.autoscaling" => autoscaler::default(object),
        "customresourcedefinitions.apiextensions.k8s.io" => definition::default(object),
        "resourcequotas" => quota::default(object),
        "limitranges" => limit_range::default(object),
        "leases.coordination.k8s.io" => object::set_default(object, "spec", json!({})),
        _ => {}
    }
}

/// Sets what a new object starts with, allocations included.
pub(crate) fn prepare_create(
    api: &Api,
    tx: &Tx<'_>,
    resource: &Resource,
    object: &mut Value,
) -> Result<(), ApiError> {
    match &*resource.key {
        "pods" => pod::prepare_create(object, &api.timestamp()),
        "deployments.apps" | "resourcequotas" => reset_status(object, json!({})),
        "replicasets.apps" => reset_status(object, json!({"replicas": 0})),
        "services" => service::allocate(api, tx, resource, object)?,
        "namespaces" => namespace::prepare_create(object),
        "poddisruptionbudgets.policy" => disruption::prepare_create(object),
        "horizontalpodautoscalers.autoscaling" => autoscaler::prepare_create(object),
        "customresourcedefinitions.apiextensions.k8s.io" => definition::prepare_create(object),
        _ => {}
    }
    Ok(())
}

/// Restores what an update of this kind leaves alone, beyond what holds for all kinds.
pub(crate) fn prepare_update(resource: &Resource, part: Part, live: &Value, object: &mut Value) {
    match &*resource.key {
        "services" if part == Part::Main => service::prepare_update(live, object),
        "namespaces" if part == Part::Main => {
            // Only the finalize subresource changes these.
            object["spec"] = live["spec"].clone();
        }
        _ => {}
    }
}

/// Refuses a new object that the real server would refuse.
pub(crate) fn validate_create(target: &Target, object: &Value) -> Result<(), ApiError> {
    let mut causes = names::check(&target.resource, object);
    match &target.resource.definition {
        Some(definition) => {
            causes.extend(definition::field_errors(definition.validate(object, None, &target.version)));
        }
        None => check(&target.resource, object, &mut causes),
    }
    refuse(target, &causes)
}

/// Refuses a change that the real server would refuse.
pub(crate) fn validate_update(
    target: &Target,
    part: Part,
    live: &Value,
    object: &Value,
) -> Result<(), ApiError> {
    let mut causes = names::check_metadata(&target.resource, object);
    if let Some(definition) = &target.resource.definition {
        let errors = definition.validate(object, Some(live), &target.version);
        causes.extend(definition::field_errors(errors));
        return refuse(target, &causes);
    }
    if part != Part::Status {
        check(&target.resource, object, &mut causes);
        match &*target.resource.key {
            "pods" => pod::check_update(live, object, &mut causes),
            "deployments.apps" | "replicasets.apps" => workload::check_update(live, object, &mut causes),
            "services" => service::check_update(live, object, &mut causes),
            "configmaps" | "secrets" => config::check_update(live, object, &mut causes),
            "priorityclasses.scheduling.k8s.io" => immutable(live, object, "value", "value", &mut causes),
            _ => {}
        }
    }
    refuse(target, &causes)
}

fn check(resource: &Resource, object: &Value, causes: &mut Vec<Cause>) {
    match &*resource.key {
        "pods" => pod::check(object, causes),
        "deployments.apps" | "replicasets.apps" => workload::check(object, causes),
        "services" => service::check(object, causes),
        "poddisruptionbudgets.policy" => disruption::check(object, causes),
        "horizontalpodautoscalers.autoscaling" => autoscaler::check(object, causes),
        "resourcequotas" => quota::check(object, causes),
        "limitranges" => limit_range::check(object, causes),
        "configmaps" | "secrets" => config::check(object, causes),
        "customresourcedefinitions.apiextensions.k8s.io" => definition::check(object, causes),
        _ => {}
    }
}

/// A field that never changes once set; `pointer` is relative to the object, `field` is how it is named.
fn immutable(live: &Value, object: &Value, pointer: &str, field: &str, causes: &mut Vec<Cause>) {
    let at = format!("/{pointer}");
    let (before, after) = (live.pointer(&at), object.pointer(&at));
    if before != after {
        causes.push(Cause::invalid(field, after.unwrap_or(&Value::Null), "field is immutable"));
    }
}

fn reset_status(object: &mut Value, status: Value) {
    object["status"] = status;
}

fn refuse(target: &Target, causes: &[Cause]) -> Result<(), ApiError> {
    if causes.is_empty() { Ok(()) } else { Err(ApiError::invalid(target.subject(), causes)) }
}
