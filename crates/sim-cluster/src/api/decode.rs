//! From the body of a request to an object of the resource: unknown fields go, and so does what a typed
//! server would not write back.

use serde_json::Value;

use super::{Api, Target, Validation, WriteOptions};
use crate::object;
use crate::schema::{Scalar, Schema, Shape, TypeId};
use crate::status::{ApiError, Cause, Subject};

/// Deeper nesting than this is refused; no object of the API comes near it.
const DEEPEST: usize = 256;

/// Why a body is no object of a resource.
#[derive(Debug)]
pub(super) enum DecodeError {
    /// It is of another kind or place.
    Refused(ApiError),
    /// Its fields do not fit.
    Unfit(String),
}

impl From<ApiError> for DecodeError {
    fn from(error: ApiError) -> Self {
        Self::Refused(error)
    }
}

impl DecodeError {
    /// The answer where the body was the object.
    pub(super) fn of_body(self, target: &Target) -> ApiError {
        let (kind, version) = (&target.resource.kind, &target.version);
        match self {
            Self::Refused(error) => error,
            Self::Unfit(why) => ApiError::bad_request(format!(
                "{kind} in version \"{version}\" cannot be handled as a {kind}: {why}"
            )),
        }
    }

    /// The answer where the object is what a patch made.
    pub(super) fn of_patch(self, patched: &Value) -> ApiError {
        match self {
            Self::Refused(error) => error,
            Self::Unfit(why) => unfit_patch(patched, &why),
        }
    }
}

/// The answer to a patch that made something else than an object of the resource.
pub(super) fn unfit_patch(patched: &Value, why: &str) -> ApiError {
    let cause = Cause::invalid("patch", &patched.to_string().into(), why);
    ApiError::invalid(Subject { group: "", resource: "", kind: "", name: "" }, &[cause])
}

impl Api {
    /// Checks that a body is an object of the target's resource and brings it into the stored form; returns
    /// the warnings about fields that were dropped.
    pub(super) fn decode(
        &self,
        target: &Target,
        body: &mut Value,
        options: &WriteOptions,
    ) -> Result<Vec<String>, DecodeError> {
        check_type(target, body)?;
        check_namespace(target, body)?;
        let unknown = self.normalize(target, body).map_err(DecodeError::Unfit)?;
        let doubled = options.doubled.iter().map(|field| format!("duplicate field \"{field}\""));
        let mut found: Vec<_> =
            doubled.chain(unknown.iter().map(|field| format!("unknown field \"{field}\""))).collect();
        match options.validation {
            Validation::Ignore => found.clear(),
            Validation::Strict if !found.is_empty() => {
                return Err(DecodeError::Unfit(format!("strict decoding error: {}", found.join(", "))));
            }
            Validation::Strict | Validation::Warn => {}
        }
        found.extend(drop_repeated_owners(body));
        Ok(found)
    }

    /// Drops what the schema does not know and what a typed server leaves out; returns the unknown fields.
    pub(super) fn normalize(&self, target: &Target, body: &mut Value) -> Result<Vec<String>, String> {
        let mut walk = Walk { unknown: Vec::new(), fault: None };
        if let Some(definition) = &target.resource.definition {
            walk.unknown.extend(definition.prune_and_default(body, &target.version));
        } else if let Some(schema) = self.schema_of(target) {
            walk.value(&schema, schema.root(), body, "", 0);
            schema.as_struct(body);
        }
        match walk.fault {
            Some(fault) => Err(fault),
            None => Ok(walk.unknown),
        }
    }

    /// The structure of a built-in resource's objects.
    pub(super) fn schema_of(&self, target: &Target) -> Option<std::sync::Arc<Schema>> {
        let resource = &target.resource;
        match &resource.definition {
            Some(definition) => definition.schema(&target.version),
            None => self.schemas.get(&resource.group, &target.version, &resource.kind),
        }
    }
}

fn check_type(target: &Target, body: &mut Value) -> Result<(), ApiError> {
    let Target { resource, .. } = target;
    if !body.is_object() {
        return Err(ApiError::bad_request(
            "couldn't get version/kind; json parse error: json: cannot unmarshal into Go value of type struct { \
             APIVersion string \"json:\\\"apiVersion,omitempty\\\"\"; Kind string \"json:\\\"kind,omitempty\\\"\" }",
        ));
    }
    let expected = target.api_version();
    let (api_version, kind) = (object::text(body, "/apiVersion"), object::text(body, "/kind"));
    if (!api_version.is_empty() && api_version != expected) || (!kind.is_empty() && kind != resource.kind) {
        let (group, version) = crate::resource::split_api_version(api_version);
        return Err(ApiError::bad_request(format!(
            "{kind} in version \"{version}\" cannot be handled as a {}: the object provided is unrecognized (must be of type {}): {group}/{version}, Kind={kind}",
            resource.kind, resource.kind,
        )));
    }
    let fields = object::fields(body);
    fields.insert("apiVersion".into(), expected.into());
    fields.insert("kind".into(), resource.kind.clone().into());
    object::metadata(body);
    Ok(())
}

fn check_namespace(target: &Target, body: &mut Value) -> Result<(), ApiError> {
    let given = object::namespace(body);
    if !target.resource.is_namespaced() {
        object::metadata(body).remove("namespace");
        return Ok(());
    }
    if !given.is_empty() && given != target.namespace {
        return Err(ApiError::bad_request(
            "the namespace of the provided object does not match the namespace sent on the request",
        ));
    }
    object::metadata(body).insert("namespace".into(), target.namespace.clone().into());
    Ok(())
}

/// An object has each owner once; returns the warning where it named one twice.
fn drop_repeated_owners(body: &mut Value) -> Option<String> {
    let owners = body.pointer_mut("/metadata/ownerReferences")?.as_array_mut()?;
    let mut repeated = Vec::new();
    let mut seen: Vec<Value> = Vec::new();
    owners.retain(|owner| {
        let known = seen.iter().any(|other| object::text(other, "/uid") == object::text(owner, "/uid"));
        if known {
            repeated.push(object::text(owner, "/uid").to_owned());
        }
        let kept = !seen.contains(owner);
        seen.push(owner.clone());
        kept
    });
    repeated.dedup();
    (!repeated.is_empty()).then(|| {
        format!(
            ".metadata.ownerReferences contains duplicate entries; API server dedups owner references in 1.20+, and may \
             reject such requests as early as 1.24; please fix your requests; duplicate UID(s) observed: {}",
            repeated.join(", ")
        )
    })
}

struct Walk {
    unknown: Vec<String>,
    fault: Option<String>,
}

impl Walk {
    fn value(&mut self, schema: &Schema, id: TypeId, value: &mut Value, path: &str, depth: usize) {
        if depth > DEEPEST {
            self.fault.get_or_insert_with(|| "exceeded max depth".to_owned());
            return;
        }
        let ty = schema.get(id);
        match (ty.deduce(Some(value)).shape(), &mut *value) {
            (Shape::Map(map), Value::Object(fields)) => {
                let names: Vec<String> = fields.keys().cloned().collect();
                for name in names {
                    let inner = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                    match schema.field_type(map, &name) {
                        None => {
                            self.unknown.push(inner);
                            fields.remove(&name);
                        }
                        Some(ty) => {
                            if let Some(held) = fields.get_mut(&name) {
                                self.value(schema, ty, held, &inner, depth + 1);
                            }
                        }
                    }
                }
            }
            (Shape::List(list), Value::Array(items)) => {
                for (index, item) in items.iter_mut().enumerate() {
                    self.value(schema, list.element, item, &format!("{path}[{index}]"), depth + 1);
                }
            }
            (Shape::Scalar(Scalar::Untyped) | Shape::Nothing, _) | (_, Value::Null) => {}
            (Shape::Scalar(scalar), value) => {
                let fits = match scalar {
                    // Numbers of built-in kinds are integers, but for bounds in the schemas of definitions.
                    Scalar::Numeric => {
                        value.is_i64() || value.is_number() && path.starts_with("spec.versions[")
                    }
                    Scalar::String => value.is_string(),
                    Scalar::Boolean => value.is_boolean(),
                    Scalar::Untyped => true,
                };
                if !fits {
                    let wanted = match scalar {
                        Scalar::Numeric => "int32",
                        Scalar::Boolean => "bool",
                        Scalar::String | Scalar::Untyped => "string",
                    };
                    self.mismatch(value, path, wanted);
                }
            }
            (Shape::Map(_), value) => self.mismatch(value, path, "struct"),
            (Shape::List(_), value) => self.mismatch(value, path, "slice"),
        }
    }

    fn mismatch(&mut self, value: &Value, path: &str, wanted: &str) {
        let found = match value {
            Value::Null => "null",
            Value::Bool(_) => "bool",
            Value::Number(_) => "number",
            Value::String(_) => "string",
            Value::Array(_) => "array",
            Value::Object(_) => "object",
        };
        self.fault.get_or_insert_with(|| {
            format!("json: cannot unmarshal {found} into Go struct field {path} of type {wanted}")
        });
    }
}
