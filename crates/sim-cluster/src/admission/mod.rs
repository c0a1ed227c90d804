//! What the real server's admission plugins do to a write, in their order: namespace life, defaults of limit
//! ranges, service account, priority, tolerations; and, once the object is valid, the bounds of limit ranges,
//! and quota last.

mod limits;
mod pod;
pub(crate) mod quota;

pub(crate) use quota::Bookings;

use crate::api::{Api, Part, Target};
use crate::object;
use crate::status::ApiError;
use crate::store::{Key, Object, Tx};
use crate::tree::{Value, json};

/// Changes or refuses a new object.
pub(crate) fn on_create(api: &Api, tx: &Tx<'_>, target: &Target, object: &mut Value) -> Result<(), ApiError> {
    check_namespace(tx, target)?;
    if &*target.resource.key == "pods" {
        limits::fill_in(tx, target, object);
        pod::add_service_account(api, tx, target, object)?;
        pod::set_priority(tx, target, object)?;
        pod::add_tolerations(object);
        // Limit ranges may have changed the class that was worked out before.
        object["status"]["qosClass"] = crate::kinds::qos_class(object).into();
    }
    Ok(())
}

/// Changes a change.
pub(crate) fn on_update(target: &Target, part: Part, live: &Object, object: &mut Value) {
    if &*target.resource.key == "pods" && part == Part::Main {
        for field in ["priority", "preemptionPolicy"] {
            let held = live["spec"].get(field).cloned();
            object::set_or_remove(object::child(object, "spec"), field, held);
        }
    }
}

/// Refuses a new and valid object that a limit range does not let through, or that a quota has no room for; the
/// answer is what the quotas then say.
pub(crate) fn admit(api: &Api, tx: &Tx<'_>, target: &Target, object: &Value) -> Result<Bookings, ApiError> {
    if &*target.resource.key == "pods" {
        limits::check(tx, target, object)?;
    }
    quota::charge(tx, target, object, api.now())
}

/// The same for a change.
pub(crate) fn admit_update(
    api: &Api,
    tx: &Tx<'_>,
    target: &Target,
    part: Part,
    live: &Value,
    object: &Value,
) -> Result<Bookings, ApiError> {
    if &*target.resource.key != "services" || part != Part::Main {
        return Ok(Bookings::default());
    }
    quota::charge_change(tx, target, live, object, api.now())
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
    if !namespace.facts().is_terminating {
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
