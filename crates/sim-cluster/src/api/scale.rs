//! The scale subresource: the replicas of an object, seen as an `autoscaling/v1` Scale.

use super::{Answer, Api, Caller, Part, Target, WriteOptions, update};
use crate::fieldmanager::ScaleMapping;
use crate::object;
use crate::select::LabelSelector;
use crate::status::{ApiError, Cause};
use crate::tree::{Value, json};

impl Api {
    pub(crate) fn get_scale(&self, target: &Target) -> Result<Answer, ApiError> {
        Ok(Self::scale_of(target, &*self.get(target)?))
    }

    /// An object that was read, as its Scale.
    pub(crate) fn scale_of(target: &Target, object: &Value) -> Answer {
        Answer::value(to_scale(target, object))
    }

    pub(super) fn replace_scale(
        &self,
        caller: &Caller,
        target: &Target,
        body: &Value,
        options: &WriteOptions,
    ) -> Result<Answer, ApiError> {
        let replicas = body.pointer("/spec/replicas").cloned().unwrap_or_else(|| json!(0));
        if replicas.as_i64().is_none_or(|replicas| replicas < 0) {
            let cause = Cause::invalid("spec.replicas", &replicas, "must be greater than or equal to 0");
            let subject = crate::status::Subject {
                group: "autoscaling",
                resource: "scales",
                kind: "Scale",
                name: &target.name,
            };
            return Err(ApiError::invalid(subject, &[cause]));
        }
        let name = object::name(body);
        if !name.is_empty() && name != target.name {
            return Err(ApiError::bad_request(format!(
                "the name of the object ({name}) does not match the name on the URL ({})",
                target.name
            )));
        }
        let mut tx = self.store.begin();
        let live = tx.get(&target.key()).ok_or_else(|| ApiError::not_found(target.subject()))?;
        update::check_preconditions(target, &live, body)?;
        let mut object = Value::clone(&live);
        let (path, _, _) = paths(target);
        set(&mut object, &path, replicas);
        let before = to_scale(target, &live);
        let mut after = to_scale(target, &object);
        let mapping = ScaleMapping {
            api_version: target.api_version(),
            replicas: path.split('/').skip(1).map(str::to_owned).collect(),
        };
        let owners = self.owned_after_scale(&live, &mapping, (&before, &mut after), caller, options);
        object::set_or_remove(object::metadata(&mut object), "managedFields", owners);
        let answer = self.store_update(&mut tx, target, Part::Scale, &live, object, options)?;
        Ok(Answer::value(to_scale(target, &answer.object)))
    }
}

/// An object, seen as a Scale.
pub(super) fn to_scale(target: &Target, object: &Value) -> Value {
    let (spec, status, selector) = paths(target);
    let selector = match object.pointer(&selector) {
        Some(Value::String(text)) => text.to_string(),
        Some(selector) => LabelSelector::from_object(selector).unwrap_or_default().to_string(),
        None => String::new(),
    };
    let mut scale = json!({
        "kind": "Scale",
        "apiVersion": "autoscaling/v1",
        "metadata": {
            "name": object::name(object),
            "namespace": object::namespace(object),
            "uid": object::uid(object),
            "resourceVersion": object::resource_version(object),
            "creationTimestamp": object["metadata"]["creationTimestamp"],
        },
        "spec": {},
        "status": {"replicas": object::integer(object, &status).unwrap_or_default()},
    });
    if let Some(replicas) = object::integer(object, &spec).filter(|replicas| *replicas != 0) {
        scale["spec"]["replicas"] = replicas.into();
    }
    if !selector.is_empty() {
        scale["status"]["selector"] = selector.into();
    }
    scale
}

/// JSON pointers of the replicas ordered, the replicas there, and the selector.
fn paths(target: &Target) -> (String, String, String) {
    let custom = target.resource.definition.as_ref().and_then(|definition| definition.scale(&target.version));
    match custom {
        Some(scale) => (
            pointer(&scale.spec_replicas_path),
            pointer(&scale.status_replicas_path),
            scale.label_selector_path.as_deref().map(pointer).unwrap_or_default(),
        ),
        None => ("/spec/replicas".into(), "/status/replicas".into(), "/spec/selector".into()),
    }
}

/// `.spec.replicas` as a JSON pointer.
fn pointer(path: &str) -> String {
    path.replace('.', "/")
}

fn set(object: &mut Value, pointer: &str, value: Value) {
    let mut slot = object;
    for part in pointer.trim_start_matches('/').split('/') {
        slot = object::fields(slot).entry(part).or_insert(Value::Null);
    }
    *slot = value;
}
