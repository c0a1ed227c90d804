//! Replacing an object, or only its status: what PUT does, and what every patch ends in.

use super::{Answer, Api, Caller, Part, Target, WriteOptions};
use crate::resource::{BlindUpdate, Generation};
use crate::status::{ApiError, Cause, Subject};
use crate::store::{Object, Tx};
use crate::tree::{Map, Text, Value, json};
use crate::{admission, fieldmanager, kinds, object};

/// Metadata that an update cannot change.
const FIXED_METADATA: [&str; 7] = [
    "uid",
    "creationTimestamp",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
    "generation",
    "selfLink",
    "generateName",
];

/// Kinds of which a PUT makes the object when there is none.
const MADE_BY_PUT: [&str; 5] =
    ["endpoints", "events", "leases.coordination.k8s.io", "limitranges", "services"];

impl Api {
    pub(crate) fn replace(
        &self,
        caller: &Caller,
        target: &Target,
        part: Part,
        mut body: Value,
        options: &WriteOptions,
    ) -> Result<Answer, ApiError> {
        if part == Part::Scale {
            return self.replace_scale(caller, target, &body, options);
        }
        let warnings = self.decode(target, &mut body, options).map_err(|error| error.of_body(target))?;
        check_name(target, &mut body)?;
        let mut tx = self.store.begin();
        let Some(live) = tx.get(&target.key()) else {
            if !MADE_BY_PUT.contains(&&*target.resource.key) || !object::resource_version(&body).is_empty() {
                return Err(ApiError::not_found(target.subject()));
            }
            return Ok(self.insert(&mut tx, caller, target, body, options)?.warn(warnings));
        };
        if object::resource_version(&body).is_empty()
            && (target.resource.is_custom() || target.resource.blind_update == BlindUpdate::Refused)
        {
            let cause =
                Cause::invalid("metadata.resourceVersion", &json!(0), "must be specified for an update");
            // This one message names the resource where others name the kind.
            let subject = Subject { kind: &target.resource.plural, ..target.subject() };
            return Err(ApiError::invalid(subject, &[cause]));
        }
        body.share(&live);
        let answer = self.update_in(&mut tx, caller, target, part, &live, body, options)?;
        Ok(answer.warn(warnings))
    }

    /// An update by a controller: takes what is live, changes it, writes it if that changed anything.
    pub(crate) fn modify(
        &self,
        caller: &Caller,
        target: &Target,
        part: Part,
        change: impl FnOnce(&mut Value),
    ) -> Result<Object, ApiError> {
        let mut tx = self.store.begin();
        let live = tx.get(&target.key()).ok_or_else(|| ApiError::not_found(target.subject()))?;
        let mut object = Value::clone(&live);
        change(&mut object);
        if object.share(&live) {
            return Ok(live);
        }
        let options = WriteOptions::of(caller.manager());
        Ok(self.update_in(&mut tx, caller, target, part, &live, object, &options)?.object)
    }

    /// Puts `object` in the place of `live`, as far as `part` reaches.
    #[expect(clippy::too_many_arguments, reason = "the parts of one request, named at each call")]
    pub(super) fn update_in(
        &self,
        tx: &mut Tx<'_>,
        caller: &Caller,
        target: &Target,
        part: Part,
        live: &Object,
        object: Value,
        options: &WriteOptions,
    ) -> Result<Answer, ApiError> {
        let mut object = object;
        check_preconditions(target, live, &object)?;
        if !is_defaulted(target, live, &object) {
            kinds::default(&target.resource, &mut object);
        }
        // Owners are worked out from what the request says; what it may not change is put back afterwards.
        let mut object = self.owned_after_update(target, Some(live), object, part, caller, options);
        check_deletion(target, live, &object)?;
        keep_what_is_fixed(target, part, live, &mut object);
        kinds::prepare_update(&target.resource, part, live, &mut object);
        self.store_update(tx, target, part, live, object, options)
    }

    /// The last part of every update: generation, admission, validation, and the write if anything changed.
    pub(super) fn store_update(
        &self,
        tx: &mut Tx<'_>,
        target: &Target,
        part: Part,
        live: &Object,
        mut object: Value,
        options: &WriteOptions,
    ) -> Result<Answer, ApiError> {
        object::check_depth(&object)?;
        let version = live["metadata"].get("resourceVersion").cloned();
        object::set_or_remove(object::metadata(&mut object), "resourceVersion", version);
        bump_generation(target, part, live, &mut object);
        admission::on_update(target, part, live, &mut object);
        kinds::validate_update(target, part, live, &object)?;
        let bookings = admission::admit_update(self, tx, target, part, live, &object)?;
        to_storage_version(target, &mut object);
        fieldmanager::settle_timestamps(live, &mut object);
        let finished = object::is_terminating(&object) && is_released(target, &object);
        if options.dry_run {
            return Ok(Answer::ok(object.into()));
        }
        bookings.book(tx)?;
        if finished {
            // The update that takes the last finalizer away is the removal.
            tx.remove(&target.key())?;
            return Ok(Answer::ok(object.into()));
        }
        if object == **live {
            return Ok(Answer::ok(super::read::in_version(target, live)));
        }
        let stored = tx.put(&target.key(), object)?;
        Ok(Answer::ok(super::read::in_version(target, &stored)))
    }
}

/// Whether nothing but metadata and status differs from what is stored, in which all defaults are. What a namespace's
/// metadata lacks is filled in too.
fn is_defaulted(target: &Target, live: &Value, object: &Value) -> bool {
    let same = |(name, live, object): (&Text, Option<&Value>, Option<&Value>)| {
        matches!(name.as_str(), "metadata" | "status" | "apiVersion" | "kind")
            || live.zip(object).is_some_and(|(live, object)| live.is_same(object))
    };
    &*target.resource.key != "namespaces" && Map::pairs(live.as_object(), object.as_object()).all(same)
}

/// Deleting is what deletes; a time that is written says nothing.
pub(super) fn check_deletion(target: &Target, live: &Value, object: &Value) -> Result<(), ApiError> {
    const FIELD: &str = "deletionTimestamp";
    let given = object["metadata"].get(FIELD).filter(|given| !given.is_null());
    match given {
        Some(given) if live["metadata"].get(FIELD) != Some(given) => {
            let cause = Cause::invalid(format!("metadata.{FIELD}"), given, "field is immutable");
            return Err(ApiError::invalid(target.subject(), &[cause]));
        }
        _ => {}
    }
    let new: Vec<&str> = object::finalizers(object)
        .filter(|finalizer| object::finalizers(live).all(|held| held != *finalizer))
        .collect();
    if !object::is_terminating(live) || new.is_empty() {
        return Ok(());
    }
    let new = new.iter().map(|finalizer| format!("\"{finalizer}\"")).collect::<Vec<_>>().join(", ");
    let why = "no new finalizers can be added if the object is being deleted, found new finalizers";
    let cause = Cause::forbidden("metadata.finalizers", &format!("{why} []string{{{new}}}"));
    Err(ApiError::invalid(target.subject(), &[cause]))
}

/// Restores what an update of this part cannot change.
pub(super) fn keep_what_is_fixed(target: &Target, part: Part, live: &Value, object: &mut Value) {
    let metadata = object::metadata(object);
    for field in FIXED_METADATA {
        object::set_or_remove(metadata, field, live["metadata"].get(field).cloned());
    }
    match part {
        Part::Main | Part::Scale if target.has_status() => {
            object::set_or_remove(object::fields(object), "status", live.get("status").cloned());
        }
        Part::Main | Part::Scale => {}
        Part::Status => {
            keep_all_but_status(live, object);
            let metadata = object::metadata(object);
            if target.resource.is_custom() {
                let managed = metadata.remove("managedFields");
                object["metadata"] = live["metadata"].clone();
                object::set_or_remove(object::metadata(object), "managedFields", managed);
            } else if &*target.resource.key == "deployments.apps" {
                // Built-in kinds let a status update change annotations too, and most of them labels.
                object::set_or_remove(metadata, "labels", live["metadata"].get("labels").cloned());
            }
        }
    }
}

/// Gives an object the fields of the live one, `metadata` and `status` aside.
fn keep_all_but_status(live: &Value, object: &mut Value) {
    let (Some(live), fields) = (live.as_object(), object::fields(object)) else { return };
    let is_kept = |name: &str| name != "metadata" && name != "status";
    fields.retain(|name, _| !is_kept(name) || live.contains_key(name));
    for (name, value) in live.iter().filter(|(name, _)| is_kept(name)) {
        // Most often it is the same, and need not be copied.
        if fields.get(name) != Some(value) {
            fields.insert(name.clone(), value.clone());
        }
    }
}

/// Objects are kept in one version, whichever they were written in.
pub(super) fn to_storage_version(target: &Target, object: &mut Value) {
    object["apiVersion"] = target.resource.api_version(target.resource.storage_version()).into();
}

/// Whether nothing holds a terminating object back any more.
pub(super) fn is_released(target: &Target, object: &Value) -> bool {
    let waits_for_grace =
        object::integer(object, "/metadata/deletionGracePeriodSeconds").is_some_and(|seconds| seconds > 0);
    let is_namespace = &*target.resource.key == "namespaces";
    let holds_content = is_namespace && !object::list(object, "/spec/finalizers").is_empty();
    object::finalizers(object).next().is_none() && !waits_for_grace && !holds_content
}

fn check_name(target: &Target, body: &mut Value) -> Result<(), ApiError> {
    let name = object::name(body);
    if !name.is_empty() && name != target.name {
        return Err(ApiError::bad_request(format!(
            "the name of the object ({name}) does not match the name on the URL ({})",
            target.name
        )));
    }
    object::metadata(body).insert("name", target.name.clone().into());
    Ok(())
}

pub(super) fn check_preconditions(target: &Target, live: &Value, object: &Value) -> Result<(), ApiError> {
    let (asked, held) = (object::uid(object), object::uid(live));
    if !asked.is_empty() && asked != held {
        return Err(ApiError::conflict(
            target.subject(),
            &format!(
                "StorageError: invalid object, Code: 4, Key: {}, ResourceVersion: 0, AdditionalErrorMsg: \
                 Precondition failed: UID in precondition: {asked}, UID in object meta: {held}",
                registry_key(target),
            ),
        ));
    }
    let asked = object::resource_version(object);
    if !asked.is_empty() && asked != object::resource_version(live) {
        return Err(ApiError::modified(target.subject()));
    }
    Ok(())
}

/// Where a real server keeps the object, which its messages show.
fn registry_key(target: &Target) -> String {
    let Target { resource, namespace, name, .. } = target;
    let group = if resource.is_custom() { format!("{}/", resource.group) } else { String::new() };
    let namespace = if namespace.is_empty() { String::new() } else { format!("{namespace}/") };
    format!("/registry/{group}{}/{namespace}{name}", resource.plural)
}

fn bump_generation(target: &Target, part: Part, live: &Value, object: &mut Value) {
    let changed = match target.resource.generation {
        Generation::None => return,
        _ if part == Part::Status => false,
        Generation::Spec => live.get("spec") != object.get("spec"),
        Generation::Content => content(live) != content(object),
    };
    let generation = object::generation(live) + i64::from(changed);
    object::metadata(object).insert("generation", generation.into());
}

/// What a custom resource holds beside `metadata` and `status`.
fn content(object: &Value) -> Vec<(&Text, &Value)> {
    let fields = object.as_object().into_iter().flatten();
    fields.filter(|(key, _)| !matches!(key.as_str(), "metadata" | "status" | "apiVersion")).collect()
}
