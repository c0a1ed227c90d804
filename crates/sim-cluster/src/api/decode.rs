//! From the body of a request to an object of the resource: unknown fields go, and so does what a typed
//! server would not write back.

use super::{Api, Patch, PatchType, Target, Validation, WriteOptions};
use crate::object;
use crate::schema::golang;
use crate::schema::{Scalar, Schema, Shape, TypeId};
use crate::status::{ApiError, Cause, Subject};
use crate::tree::Value;

/// Deeper nesting than this is refused; no object of the API comes near it.
const DEEPEST: usize = 256;

/// Why a body is no object of a resource.
#[derive(Debug)]
pub(super) enum DecodeError {
    /// It is of another kind or place.
    Refused(ApiError),
    /// Its fields do not fit.
    Unfit(Unfit),
}

/// How fields do not fit, in the words of what reads them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Unfit {
    /// From JSON.
    json: String,
    /// From the tree that a strategic merge patch makes.
    tree: String,
}

impl From<String> for Unfit {
    fn from(why: String) -> Self {
        Self { json: why.clone(), tree: why }
    }
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
                "{kind} in version \"{version}\" cannot be handled as a {kind}: {}",
                why.json
            )),
        }
    }

    /// The answer where the object is what a patch made: a strategic one is told itself, of others what they made.
    pub(super) fn of_patch(self, patch: &Patch, patched: &Value) -> ApiError {
        match self {
            Self::Refused(error) => error,
            Self::Unfit(why) if patch.format == PatchType::Strategic => {
                let cause = Cause::invalid("patch", &golang::plain(&patch.body).into(), &why.tree);
                ApiError::invalid(NOBODY, &[cause])
            }
            Self::Unfit(why) => unfit_patch(patched, &why.json),
        }
    }
}

const NOBODY: Subject<'_> = Subject { group: "", resource: "", kind: "", name: "" };

/// The answer to a patch that made something else than an object of the resource.
pub(super) fn unfit_patch(patched: &Value, why: &str) -> ApiError {
    let cause = Cause::invalid("patch", &patched.to_string().into(), why);
    ApiError::invalid(NOBODY, &[cause])
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
                let why = format!("strict decoding error: {}", found.join(", "));
                return Err(DecodeError::Unfit(why.into()));
            }
            Validation::Strict | Validation::Warn => {}
        }
        found.extend(drop_repeated_owners(body));
        Ok(found)
    }

    /// Drops what the schema does not know and what a typed server leaves out; returns the unknown fields.
    pub(super) fn normalize(&self, target: &Target, body: &mut Value) -> Result<Vec<String>, Unfit> {
        let mut walk = Walk { unknown: Vec::new(), fault: None };
        if let Some(definition) = &target.resource.definition {
            walk.unknown.extend(definition.prune_and_default(body, &target.version));
        } else if let Some(schema) = self.schema_of(target) {
            walk.value(&schema, schema.root(), body, &At::object(&target.resource.kind));
            if !walk.unknown.is_empty() {
                schema.prune(body);
            }
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
    fields.insert("apiVersion", expected.into());
    fields.insert("kind", resource.kind.clone().into());
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
    object::metadata(body).insert("namespace", target.namespace.clone().into());
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
    fault: Option<Unfit>,
}

/// Where a value stands. It is spelled out where something is wrong with it, which is seldom.
struct At<'a> {
    parent: Option<&'a At<'a>>,
    step: Step<'a>,
    /// The Go struct that has the field.
    owner: &'a str,
    depth: usize,
}

/// The last step to a value.
enum Step<'a> {
    Object,
    Field(&'a str),
    /// Of a map, whose keys Go's errors leave out as they do the items of lists.
    Key(&'a str),
    Item(usize),
}

impl<'a> At<'a> {
    fn object(owner: &'a str) -> Self {
        Self { parent: None, step: Step::Object, owner, depth: 0 }
    }

    fn below(&'a self, step: Step<'a>, owner: Option<&'a str>) -> Self {
        Self { parent: Some(self), step, owner: owner.unwrap_or(self.owner), depth: self.depth + 1 }
    }

    fn path(&self) -> String {
        let above = self.parent.map(At::path).unwrap_or_default();
        match self.step {
            Step::Object => above,
            Step::Field(name) | Step::Key(name) => dotted(&above, name),
            Step::Item(index) => format!("{above}[{index}]"),
        }
    }

    /// The same as Go's errors say it.
    fn fields(&self) -> String {
        let above = self.parent.map(At::fields).unwrap_or_default();
        match self.step {
            Step::Field(name) => dotted(&above, name),
            Step::Object | Step::Key(_) | Step::Item(_) => above,
        }
    }
}

fn dotted(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}

impl Walk {
    fn value(&mut self, schema: &Schema, id: TypeId, value: &Value, at: &At<'_>) {
        if at.depth > DEEPEST {
            self.fault.get_or_insert_with(|| "exceeded max depth".to_owned().into());
            return;
        }
        let ty = schema.get(id);
        match (ty.deduce(Some(value)).shape(), value) {
            (Shape::Map(map), Value::Object(fields)) => {
                let owner = short_name(schema, id);
                for (name, value) in fields {
                    let is_declared = map.fields.contains_key(name.as_str());
                    let step = if is_declared { Step::Field(name) } else { Step::Key(name) };
                    let inner = at.below(step, owner);
                    match schema.field_type(map, name) {
                        None => self.unknown.push(inner.path()),
                        Some(ty) => self.value(schema, ty, value, &inner),
                    }
                }
            }
            (Shape::List(list), Value::Array(items)) => {
                for (index, item) in items.iter().enumerate() {
                    self.value(schema, list.element, item, &at.below(Step::Item(index), None));
                }
            }
            (Shape::Scalar(Scalar::Untyped) | Shape::Nothing, _) | (_, Value::Null) => {}
            (Shape::Scalar(scalar), value) => {
                let fits = match scalar {
                    // Numbers of built-in kinds are integers, but for bounds in the schemas of definitions.
                    Scalar::Numeric => {
                        value.is_i64() || value.is_number() && at.path().starts_with("spec.versions[")
                    }
                    Scalar::String => value.is_string(),
                    Scalar::Boolean => value.is_boolean(),
                    Scalar::Untyped => true,
                };
                if !fits {
                    let wanted = go_type(schema, id);
                    self.mismatch(value, at, &wanted, format!("unrecognized type: {wanted}"));
                }
            }
            (Shape::Map(map), value) => {
                let kind = if map.fields.is_empty() { "map" } else { "struct" };
                let tree = format!("cannot restore {kind} from: {}", tree_kind(value));
                self.mismatch(value, at, &go_type(schema, id), tree);
            }
            (Shape::List(_), value) => {
                let tree = format!("cannot restore slice from {}", tree_kind(value));
                self.mismatch(value, at, &go_type(schema, id), tree);
            }
        }
    }

    fn mismatch(&mut self, value: &Value, at: &At<'_>, wanted: &str, tree: String) {
        let found = match value {
            Value::Null => "null",
            Value::Bool(_) => "bool",
            Value::Number(_) => "number",
            Value::String(_) => "string",
            Value::Array(_) => "array",
            Value::Object(_) => "object",
        };
        self.fault.get_or_insert_with(|| Unfit {
            json: format!(
                "json: cannot unmarshal {found} into Go struct field {}.{} of type {wanted}",
                at.owner,
                at.fields(),
            ),
            tree,
        });
    }
}

/// What a type is called in Go, without its package.
fn short_name(schema: &Schema, id: TypeId) -> Option<&str> {
    schema.get(id).name.as_deref()?.rsplit('.').next()
}

/// A type as Go writes it.
fn go_type(schema: &Schema, id: TypeId) -> String {
    let ty = schema.get(id);
    match ty.deduce(None).shape() {
        Shape::Scalar(Scalar::Numeric) => "int32".to_owned(),
        Shape::Scalar(Scalar::Boolean) => "bool".to_owned(),
        Shape::Scalar(Scalar::String | Scalar::Untyped) | Shape::Nothing => "string".to_owned(),
        Shape::List(list) => format!("[]{}", go_type(schema, list.element)),
        Shape::Map(map) => {
            let named = ty.name.as_deref().map(|name| {
                let mut parts = name.rsplit('.');
                let (short, package) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
                format!("{package}.{short}")
            });
            let of = || map.element.map_or_else(|| "string".to_owned(), |element| go_type(schema, element));
            named.unwrap_or_else(|| format!("map[string]{}", of()))
        }
    }
}

/// How Go calls the kind of a value in a tree.
fn tree_kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "invalid",
        Value::Bool(_) => "bool",
        Value::Number(number) if number.is_f64() => "float64",
        Value::Number(_) => "int64",
        Value::String(_) => "string",
        Value::Array(_) => "slice",
        Value::Object(_) => "map",
    }
}
