//! What the real server's admission plugins do to a write, in their order: namespace life, service account,
//! limit ranges, priority, tolerations, and quota last.

mod limits;
mod pod;
pub(crate) mod quota;

use serde_json::{Value, json};

use crate::api::{Api, Part, Target};
use crate::object;
use crate::status::ApiError;
use crate::store::{Key, Object, Tx};

/// Changes or refuses a new object.
pub(crate) fn on_create(api: &Api, tx: &Tx<'_>, target: &Target, object: &mut Value) -> Result<(), ApiError> {
    check_namespace(tx, target)?;
    if &*target.resource.key == "pods" {
        pod::add_service_account(api, tx, target, object)?;
        limits::apply(tx, target, object)?;
        pod::set_priority(tx, target, object)?;
        pod::add_tolerations(object);
        // Limit ranges may have changed the class that was worked out before.
        object["status"]["qosClass"] = crate::kinds::qos_class(object).into();
    }
    Ok(())
}

/// Changes or refuses a change.
pub(crate) fn on_update(
    _api: &Api,
    tx: &mut Tx<'_>,
    target: &Target,
    part: Part,
    live: &Object,
    object: &mut Value,
) -> Result<(), ApiError> {
    if &*target.resource.key == "pods" && part == Part::Main {
        for field in ["priority", "preemptionPolicy"] {
            let held = live["spec"].get(field).cloned();
            object::set_or_remove(object::child(object, "spec"), field, held);
        }
    }
    if &*target.resource.key == "services" && part == Part::Main {
        quota::charge_change(tx, target, live, object)?;
    }
    Ok(())
}

/// Books a new object on the quotas of its namespace, or refuses it.
pub(crate) fn charge(_api: &Api, tx: &mut Tx<'_>, target: &Target, object: &Value) -> Result<(), ApiError> {
    quota::charge(tx, target, object)
}

fn check_namespace(tx: &Tx<'_>, target: &Target) -> Result<(), ApiError> {
    if !target.resource.is_namespaced() {
        return Ok(());
    }
    let name = &target.namespace;
    let namespace = tx.get(&Key::new("namespaces", "", name.as_str())).ok_or_else(|| {
        ApiError::not_found(crate::status::Subject {
            group: "",
            resource: "namespaces",
            kind: "Namespace",
            name,
        })
    })?;
    if !object::is_terminating(&namespace) {
        return Ok(());
    }
    let why = format!("unable to create new content in namespace {name} because it is being terminated");
    let mut error = ApiError::forbidden(target.subject(), &why);
    error.details["causes"] = json!([{
        "reason": "NamespaceTerminating",
        "message": format!("namespace {name} is being terminated"),
        "field": "metadata.namespace",
    }]);
    Err(error)
}
