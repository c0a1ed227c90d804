//! Patch: the three formats that change what is there, and server-side apply, which may also create it.

use super::decode::unfit_patch;
use super::read::in_version;
use super::scale::to_scale;
use super::update::{check_deletion, check_preconditions, keep_what_is_fixed};
use super::{Answer, Api, Caller, Part, Target, WriteOptions};
use crate::patch::{self, PatchError};
use crate::status::{ApiError, Cause};
use crate::store::Object;
use crate::tree::{Value, json};
use crate::{kinds, object};

/// The format of a patch, which is its content type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum PatchType {
    Json,
    Merge,
    Strategic,
    Apply,
}

/// The body of a PATCH.
#[derive(Debug, Clone)]
pub(crate) struct Patch {
    pub(crate) format: PatchType,
    pub(crate) body: Value,
}

impl Api {
    pub(crate) fn patch(
        &self,
        caller: &Caller,
        target: &Target,
        part: Part,
        patch: &Patch,
        options: &WriteOptions,
    ) -> Result<Answer, ApiError> {
        if patch.format == PatchType::Apply {
            return self.apply(caller, target, part, &patch.body, options);
        }
        if options.force {
            return Err(ApiError::invalid_options(
                "PatchOptions",
                &Cause {
                    reason: "FieldValueForbidden",
                    field: "force".into(),
                    message: "Forbidden: may not be specified for non-apply patch".into(),
                },
            ));
        }
        let live = self.get(target)?;
        if part == Part::Scale {
            let scale = self.patched(target, &to_scale(target, &live), patch)?;
            if let Some(replicas) = scale.pointer("/spec/replicas").filter(|replicas| !replicas.is_i64()) {
                return Err(unfit_patch(&scale, &format!("the replicas are no integer: {replicas}")));
            }
            return self.replace_scale(caller, target, &scale, options);
        }
        // The patch is worked out outside the lock; the write refuses if someone was faster, and it is tried
        // again on what they left, as the real server does.
        let mut last = None;
        for _ in 0..5 {
            let live = self.get(target)?;
            let mut object = self.patched(target, &live, patch)?;
            check_kind(target, &object)?;
            let names_version = changes_version(&live, &object);
            let decoded = self.decode(target, &mut object, options);
            let warnings = decoded.map_err(|error| error.of_patch(patch, &object))?;
            check_identity(target, &object)?;
            check_uid(target, &live, &object)?;
            let mut tx = self.store.begin();
            let Some(current) = tx.get(&target.key()) else { break };
            match self.update_in(&mut tx, caller, target, part, &current, object, options) {
                Err(error) if error.reason == "Conflict" && !names_version => last = Some(error),
                outcome => return outcome.map(|answer| answer.warn(warnings)),
            }
        }
        Err(last.unwrap_or_else(|| ApiError::not_found(target.subject())))
    }

    fn patched(&self, target: &Target, live: &Value, patch: &Patch) -> Result<Value, ApiError> {
        let mut object = Value::clone(live);
        let outcome = match patch.format {
            PatchType::Json => patch::json(&mut object, &patch.body),
            PatchType::Merge => {
                patch::merge(&mut object, &patch.body);
                Ok(())
            }
            PatchType::Strategic => match self.schema_of(target) {
                Some(schema) if !target.resource.is_custom() => {
                    patch::strategic(&schema, &mut object, &patch.body)
                }
                _ => {
                    return Err(ApiError::unsupported_media_type(
                        "application/json-patch+json, application/merge-patch+json, application/apply-patch+yaml",
                    ));
                }
            },
            PatchType::Apply => Ok(()),
        };
        match outcome {
            Ok(()) => Ok(object),
            Err(PatchError::Malformed(message)) => Err(ApiError::bad_request(message)),
            Err(PatchError::Unprocessable(message)) => {
                Err(ApiError::new(http::StatusCode::UNPROCESSABLE_ENTITY, "Invalid", message).with(json!({})))
            }
            Err(PatchError::TooLarge(message)) => {
                Err(ApiError::new(http::StatusCode::PAYLOAD_TOO_LARGE, "RequestEntityTooLarge", message))
            }
            Err(PatchError::Failed(message)) => {
                Err(ApiError::new(http::StatusCode::INTERNAL_SERVER_ERROR, "", message))
            }
        }
    }

    fn apply(
        &self,
        caller: &Caller,
        target: &Target,
        part: Part,
        body: &Value,
        options: &WriteOptions,
    ) -> Result<Answer, ApiError> {
        if options.manager.is_empty() {
            return Err(ApiError::invalid_options(
                "PatchOptions",
                &Cause::required("fieldManager", "is required for apply patch"),
            ));
        }
        if part == Part::Scale {
            return Err(ApiError::not_modelled("server-side apply of the scale subresource"));
        }
        if !body.is_object() {
            return Err(ApiError::bad_request("error decoding YAML: the body of an apply must be an object"));
        }
        check_identity(target, body)?;
        self.check_place(target, body)?;
        let default = |object: &mut Value| match &target.resource.definition {
            Some(definition) => drop(definition.prune_and_default_applied(object, &target.version)),
            None => kinds::default(&target.resource, object),
        };
        let mut tx = self.store.begin();
        let Some(live) = tx.get(&target.key()) else {
            if part != Part::Main {
                return Err(ApiError::not_found(target.subject()));
            }
            if !object::uid(body).is_empty() {
                let why = format!(
                    "uid mismatch: the provided object specified uid {}, and no existing object was found",
                    object::uid(body)
                );
                return Err(ApiError::conflict(target.subject(), &why));
            }
            let mut object = self.applied(target, None, body, part, options, &default)?;
            if object::name(body).is_empty() {
                return Err(ApiError::bad_request(format!(
                    "the name of the object ({} based on URL) was undeterminable: name must be provided",
                    target.name
                )));
            }
            if !object::resource_version(body).is_empty() {
                return Err(ApiError::not_found(target.subject()));
            }
            let metadata = object::metadata(&mut object);
            metadata.insert("name", target.name.clone().into());
            if target.resource.is_namespaced() {
                metadata.insert("namespace", target.namespace.clone().into());
            }
            self.stamp_new(target, &mut object);
            kinds::prepare_create(self, &tx, &target.resource, &mut object)?;
            return self.insert_owned(&mut tx, target, object, options);
        };
        if !object::uid(body).is_empty() {
            check_uid(target, &live, body)?;
        }
        let mut object = self.applied(target, Some(&live), body, part, options, &default)?;
        let seen = in_version(target, &live);
        if object == *seen {
            return Ok(Answer::ok(seen));
        }
        check_preconditions(target, &live, &object)?;
        check_deletion(target, &live, &object)?;
        keep_what_is_fixed(target, part, &live, &mut object);
        kinds::prepare_update(&target.resource, part, &live, &mut object);
        let _ = caller;
        self.store_update(&mut tx, target, part, &live, object, options)
    }

    /// Refuses the body of an apply that names another place than the path.
    fn check_place(&self, target: &Target, body: &Value) -> Result<(), ApiError> {
        let mut probe = json!({"metadata": body["metadata"].clone()});
        let decoded = self.decode(target, &mut probe, &WriteOptions::of(""));
        decoded.map(drop).map_err(|error| error.of_body(target))
    }
}

/// A patch cannot make an object of another kind.
fn check_kind(target: &Target, object: &Value) -> Result<(), ApiError> {
    let is = |field: &str, expected: &str| object.get(field).is_none_or(|held| held == expected);
    if is("kind", &target.resource.kind) && is("apiVersion", &target.api_version()) {
        return Ok(());
    }
    let why = format!("the patched object is not of type {}", target.resource.kind);
    Err(unfit_patch(object, &why))
}

/// A patch cannot give an object another uid; a replace that names another one means another object.
fn check_uid(target: &Target, live: &Object, object: &Value) -> Result<(), ApiError> {
    let uid = object::uid(object);
    if uid == object::uid(live) {
        return Ok(());
    }
    let cause = Cause::invalid("metadata.uid", &uid.into(), "field is immutable");
    Err(ApiError::invalid(target.subject(), &[cause]))
}

/// Whether a patch itself says which version it was made for.
fn changes_version(live: &Object, object: &Value) -> bool {
    object::resource_version(live) != object::resource_version(object)
}

fn check_identity(target: &Target, object: &Value) -> Result<(), ApiError> {
    let name = object::name(object);
    if name.is_empty() || name == target.name {
        return Ok(());
    }
    Err(ApiError::bad_request(format!(
        "the name of the object ({name}) does not match the name on the URL ({})",
        target.name
    )))
}
