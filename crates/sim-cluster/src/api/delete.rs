//! Delete: at once, after a grace period, or when the last finalizer is gone.

use jiff::SignedDuration;

use super::update::is_released;
use super::{Answer, Api, Target};
use crate::clock;
use crate::object;
use crate::select::Selection;
use crate::status::{ApiError, Subject};
use crate::store::{Object, Tx};
use crate::tree::{Value, json};

const ORPHAN: &str = "orphan";
const FOREGROUND: &str = "foregroundDeletion";

/// What becomes of the objects that the deleted one owns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Propagation {
    /// They are deleted afterwards.
    Background,
    /// They are deleted first.
    Foreground,
    /// They stay and forget their owner.
    Orphan,
}

/// The body or query of a delete.
#[derive(Debug, Clone, Default)]
pub(crate) struct DeleteOptions {
    pub(crate) grace_seconds: Option<i64>,
    pub(crate) propagation: Option<Propagation>,
    pub(crate) uid: Option<String>,
    pub(crate) resource_version: Option<String>,
    pub(crate) dry_run: bool,
}

impl Api {
    pub(crate) fn delete(&self, target: &Target, options: &DeleteOptions) -> Result<Answer, ApiError> {
        let mut tx = self.store.begin();
        self.delete_in(&mut tx, target, options)
    }

    /// Deletes every object that the selection matches; answers the objects as they last were.
    pub(crate) fn delete_collection(
        &self,
        target: &Target,
        selection: &Selection,
        options: &DeleteOptions,
    ) -> Result<Vec<Object>, ApiError> {
        let mut tx = self.store.begin();
        let namespace = (!target.namespace.is_empty()).then_some(target.namespace.as_str());
        let mut deleted = tx.list(&target.resource.key, namespace);
        deleted.retain(|object| selection.matches(object));
        for object in &deleted {
            let one = Target {
                namespace: object::namespace(object).to_owned(),
                ..target.named(object::name(object))
            };
            self.delete_in(&mut tx, &one, options)?;
        }
        Ok(deleted)
    }

    fn delete_in(
        &self,
        tx: &mut Tx<'_>,
        target: &Target,
        options: &DeleteOptions,
    ) -> Result<Answer, ApiError> {
        let live = tx.get(&target.key()).ok_or_else(|| ApiError::not_found(target.subject()))?;
        check_preconditions(target, &live, options)?;
        refuse_protected(target)?;
        let mut object = Value::clone(&live);
        set_propagation(&mut object, options.propagation);
        let grace = grace_of(target, &live, options);
        if grace == 0 && is_released(target, &without_grace(&object)) {
            if !options.dry_run {
                // A pod's grace is taken from it first, which watches tell.
                if &*target.resource.key == "pods" {
                    self.mark(target, &live, &mut object, grace);
                    tx.put(&target.key(), object)?;
                }
                tx.remove(&target.key())?;
            }
            return Ok(removed(target, &live));
        }
        self.mark(target, &live, &mut object, grace);
        if object == *live || options.dry_run {
            return Ok(Answer::ok(object.into()));
        }
        let stored = tx.put(&target.key(), object)?;
        Ok(Answer::ok(stored))
    }

    /// Marks an object as terminating, or shortens the grace it has left.
    fn mark(&self, target: &Target, live: &Value, object: &mut Value, grace: i64) {
        let left = object::integer(live, "/metadata/deletionGracePeriodSeconds");
        if object::is_terminating(live) && left.is_none_or(|left| left <= grace) {
            return;
        }
        let due = self.now().saturating_add(SignedDuration::from_secs(grace)).unwrap_or_else(|_| self.now());
        let first = !object::is_terminating(live);
        let generation = object::generation(live);
        let metadata = object::metadata(object);
        metadata.insert("deletionTimestamp", clock::seconds(due).into());
        metadata.insert("deletionGracePeriodSeconds", grace.into());
        if first && generation > 0 {
            metadata.insert("generation", (generation + 1).into());
        }
        if &*target.resource.key == "namespaces" {
            // A namespace has no grace period, and the phase says it at once.
            metadata.remove("deletionGracePeriodSeconds");
            object["status"]["phase"] = json!("Terminating");
        }
    }
}

/// The grace period a delete ends up with; only pods that run somewhere have any.
fn grace_of(target: &Target, live: &Value, options: &DeleteOptions) -> i64 {
    if &*target.resource.key != "pods" {
        return 0;
    }
    let placed = !object::text(live, "/spec/nodeName").is_empty();
    let finished = matches!(object::text(live, "/status/phase"), "Succeeded" | "Failed");
    if !placed || finished {
        return 0;
    }
    let own = object::integer(live, "/spec/terminationGracePeriodSeconds").unwrap_or(30);
    options.grace_seconds.unwrap_or(own).max(0)
}

/// The finalizers that make the garbage collector treat dependents as asked.
fn set_propagation(object: &mut Value, propagation: Option<Propagation>) {
    let wanted = match propagation {
        None => return,
        Some(Propagation::Background) => None,
        Some(Propagation::Foreground) => Some(FOREGROUND),
        Some(Propagation::Orphan) => Some(ORPHAN),
    };
    let mut finalizers: Vec<Value> = object::finalizers(object)
        .filter(|finalizer| ![ORPHAN, FOREGROUND].contains(finalizer))
        .map(Value::from)
        .collect();
    finalizers.extend(wanted.map(Value::from));
    let finalizers = (!finalizers.is_empty()).then(|| Value::from(finalizers));
    object::set_or_remove(object::metadata(object), "finalizers", finalizers);
}

fn without_grace(object: &Value) -> Value {
    let mut object = object.clone();
    object::metadata(&mut object).remove("deletionGracePeriodSeconds");
    object
}

pub(super) fn check_preconditions(
    target: &Target,
    live: &Value,
    options: &DeleteOptions,
) -> Result<(), ApiError> {
    let check = |what: &str, asked: &Option<String>, held: &str, perhaps: &str| match asked {
        Some(asked) if asked != held => {
            // This one message names the kind where others name the resource.
            let subject = Subject { resource: &target.resource.kind, ..target.subject() };
            let why = format!(
                "the {what} in the precondition ({asked}) does not match the {what} in record ({held}). The \
                 object might have been {perhaps}"
            );
            Err(ApiError::conflict(subject, &why))
        }
        _ => Ok(()),
    };
    check("UID", &options.uid, object::uid(live), "deleted and then recreated")?;
    check("ResourceVersion", &options.resource_version, object::resource_version(live), "modified")
}

fn refuse_protected(target: &Target) -> Result<(), ApiError> {
    let protected = ["default", "kube-system", "kube-public"];
    if &*target.resource.key == "namespaces" && protected.contains(&target.name.as_str()) {
        return Err(ApiError::forbidden(target.subject(), "this namespace may not be deleted"));
    }
    Ok(())
}

/// The answer to a delete that took effect at once: for some kinds the object, for the others a `Status`.
fn removed(target: &Target, live: &Object) -> Answer {
    const WITH_OBJECT: [&str; 5] = ["pods", "services", "serviceaccounts", "resourcequotas", "endpoints"];
    if WITH_OBJECT.contains(&&*target.resource.key) {
        return Answer::ok(live.clone());
    }
    let mut details = json!({"name": target.name, "kind": target.resource.plural, "uid": object::uid(live)});
    if !target.resource.group.is_empty() {
        details["group"] = target.resource.group.clone().into();
    }
    Answer::value(json!({
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Success",
        "details": details,
    }))
}
