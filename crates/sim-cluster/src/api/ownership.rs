//! Who owns which field: hands each write to the field manager with the endpoint it came through.

use super::read::in_version;
use super::{Api, Caller, Part, Target, WriteOptions};
use crate::fieldmanager::{
    self, ApplyContext, ApplyError, OnConflict, ScaleMapping, StatusSubresource, UpdateContext,
};
use crate::object;
use crate::schema::Schema;
use crate::status::ApiError;
use crate::store::Object;
use crate::tree::Value;

impl Api {
    /// The object with the owners it has after a create, replace or patch.
    pub(super) fn owned_after_update(
        &self,
        target: &Target,
        live: Option<&Object>,
        mut object: Value,
        part: Part,
        caller: &Caller,
        options: &WriteOptions,
    ) -> Value {
        let Some(schema) = self.schema_of(target) else { return object };
        let api_version = target.api_version();
        let endpoint = endpoint(target, &schema, &api_version, part);
        let live = live.map(|live| in_version(target, live));
        let (manager, now) = (manager(caller, options), self.now());
        let ctx = UpdateContext { target: &endpoint, manager, now, shapes: &self.shapes };
        fieldmanager::update(live.as_deref(), &mut object, &ctx);
        object
    }

    /// `live` with `applied` laid over it.
    pub(super) fn applied(
        &self,
        target: &Target,
        live: Option<&Object>,
        applied: &Value,
        part: Part,
        options: &WriteOptions,
        default: &dyn Fn(&mut Value),
    ) -> Result<Value, ApiError> {
        let schema = self.schema_of(target).ok_or_else(|| {
            ApiError::not_modelled(&format!("server-side apply of {}", target.resource.key))
        })?;
        let api_version = target.api_version();
        let endpoint = endpoint(target, &schema, &api_version, part);
        let live = live.map(|live| in_version(target, live));
        let ctx = ApplyContext {
            target: &endpoint,
            manager: &options.manager,
            on_conflict: if options.force { OnConflict::Force } else { OnConflict::Report },
            now: self.now(),
            default,
        };
        fieldmanager::apply(live.as_deref(), applied, &ctx).map_err(apply_error)
    }

    /// The owners of an object whose replicas were written through its Scale.
    pub(super) fn owned_after_scale(
        &self,
        live: &Value,
        mapping: &ScaleMapping,
        scales: (&Value, &mut Value),
        caller: &Caller,
        options: &WriteOptions,
    ) -> Option<Value> {
        let (before, after) = scales;
        let parent = live.pointer("/metadata/managedFields");
        let shown = mapping.to_scale(parent);
        let mut before = before.clone();
        object::set_or_remove(object::metadata(&mut before), "managedFields", shown);
        let schema = Schema::unstructured();
        let endpoint = fieldmanager::Target::builtin(&schema, "autoscaling/v1", "Scale", "scale");
        let (manager, now) = (manager(caller, options), self.now());
        let ctx = UpdateContext { target: &endpoint, manager, now, shapes: &self.shapes };
        fieldmanager::update(Some(&before), after, &ctx);
        mapping.to_parent(parent, after.pointer("/metadata/managedFields"))
    }
}

/// A write without `fieldManager` is booked on the program that made it.
fn manager<'a>(caller: &'a Caller, options: &'a WriteOptions) -> &'a str {
    if options.manager.is_empty() { caller.manager() } else { &options.manager }
}

fn endpoint<'a>(
    target: &'a Target,
    schema: &'a Schema,
    api_version: &'a str,
    part: Part,
) -> fieldmanager::Target<'a> {
    let kind = &target.resource.kind;
    let subresource = part.subresource();
    if target.resource.is_custom() {
        let status =
            if target.has_status() { StatusSubresource::Enabled } else { StatusSubresource::Disabled };
        fieldmanager::Target::custom(schema, api_version, kind, subresource, status)
    } else {
        fieldmanager::Target::builtin(schema, api_version, kind, subresource)
    }
}

fn apply_error(error: ApplyError) -> ApiError {
    match error {
        ApplyError::BadRequest(message) => ApiError::bad_request(message),
        ApplyError::Conflict { message, causes } => {
            let causes = causes
                .into_iter()
                .map(|cause| {
                    crate::tree::json!({"reason": cause.reason, "message": cause.message, "field": cause.field})
                })
                .collect();
            ApiError::apply_conflict(message, &causes)
        }
        ApplyError::Untyped(message) => ApiError::new(http::StatusCode::INTERNAL_SERVER_ERROR, "", message),
    }
}
