//! Builds the type arena from the `components.schemas` of an OpenAPI v3 document.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::form::GoStruct;
use super::{Field, List, Map, PatchMeta, Relation, Scalar, Schema, Type, TypeId, Types};
use crate::tree::{Map as JsonMap, Value};

/// Any value, owned as a whole.
const UNTYPED: TypeId = TypeId(0);
/// Any value; objects are owned key by key, lists as a whole.
pub(super) const DEDUCED: TypeId = TypeId(1);

const QUANTITY: &str = "io.k8s.apimachinery.pkg.api.resource.Quantity";
const RAW_EXTENSION: &str = "io.k8s.apimachinery.pkg.runtime.RawExtension";
const REF_PREFIX: &str = "#/components/schemas/";

/// Why a document cannot be turned into types.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("schema {at}: {problem}")]
pub struct SchemaError {
    /// The type in which the fault lies.
    pub at: String,
    /// What is wrong with it.
    pub problem: String,
}

impl Schema {
    /// Builds the schema of one named type out of a document's components.
    pub fn from_components(components: &JsonMap, root: &str) -> Result<Self, SchemaError> {
        let types = Arc::new(Types::from_components(components)?);
        Self::named(&types, root).ok_or_else(|| SchemaError {
            at: root.to_owned(),
            problem: "is not among the components".to_owned(),
        })
    }

    /// A schema without structure: objects are merged key by key, lists are atomic.
    pub fn unstructured() -> Self {
        let mut builder = Builder::default();
        builder.add_common();
        Self { types: Arc::new(builder.finish()), root: DEDUCED }
    }

    pub(super) fn named(types: &Arc<Types>, name: &str) -> Option<Self> {
        types.names.get(name).map(|root| Self { types: Arc::clone(types), root: *root })
    }
}

impl Types {
    pub(super) fn from_components(components: &JsonMap) -> Result<Self, SchemaError> {
        let mut builder = Builder::default();
        builder.add_common();
        for name in components.keys() {
            let id = builder.push(Type { name: Some(name.to_string()), ..Type::default() });
            builder.names.insert(name.to_string(), id);
        }
        for (name, component) in components {
            builder.define(name, component)?;
        }
        Ok(builder.finish())
    }
}

/// A reference that narrows how the referenced map is owned; made into a type of its own at the end,
/// when the referenced type is known.
struct Override {
    base: TypeId,
    relation: Relation,
    target: TypeId,
}

#[derive(Default)]
struct Builder {
    list: Vec<Type>,
    names: BTreeMap<String, TypeId>,
    overrides: Vec<Override>,
}

/// Where in the document the builder is, and what it inherited on the way down.
#[derive(Clone, Copy)]
struct Place<'a> {
    name: &'a str,
    preserve_unknown: bool,
}

impl Builder {
    fn add_common(&mut self) {
        let list = List { element: UNTYPED, relation: Relation::Atomic, keys: Vec::new() };
        self.push(Type {
            scalar: Some(Scalar::Untyped),
            list: Some(list.clone()),
            map: Some(Map { fields: BTreeMap::new(), element: Some(UNTYPED), relation: Relation::Atomic }),
            ..Type::default()
        });
        self.push(Type {
            scalar: Some(Scalar::Untyped),
            list: Some(list),
            map: Some(Map { fields: BTreeMap::new(), element: Some(DEDUCED), relation: Relation::Separable }),
            ..Type::default()
        });
    }

    fn push(&mut self, ty: Type) -> TypeId {
        let id = TypeId(u32::try_from(self.list.len()).unwrap_or(u32::MAX));
        self.list.push(ty);
        id
    }

    fn define(&mut self, name: &str, component: &Value) -> Result<(), SchemaError> {
        let place = Place { name, preserve_unknown: false };
        let mut ty = match name {
            QUANTITY => Type { scalar: Some(Scalar::Untyped), ..Type::default() },
            RAW_EXTENSION => self.list[UNTYPED.0 as usize].clone(),
            _ => self.parse(component, place)?,
        };
        ty.name = Some(name.to_owned());
        ty.go = GoStruct::of(name);
        if let Some(id) = self.names.get(name) {
            self.list[id.0 as usize] = ty;
        }
        Ok(())
    }

    fn parse(&mut self, schema: &Value, mut place: Place<'_>) -> Result<Type, SchemaError> {
        place.preserve_unknown |= flag(schema, "x-kubernetes-preserve-unknown-fields");
        let format = schema.get("format").and_then(Value::as_str).unwrap_or_default();
        let scalar = |scalar| Ok(Type { scalar: Some(scalar), ..Type::default() });
        match schema.get("type").and_then(Value::as_str).unwrap_or_default() {
            "" => Ok(Type {
                scalar: Some(Scalar::Untyped),
                list: Some(self.parse_list(schema, place)?),
                map: Some(self.parse_map(schema, place)?),
                ..Type::default()
            }),
            "object" => Ok(Type { map: Some(self.parse_map(schema, place)?), ..Type::default() }),
            "array" => Ok(Type { list: Some(self.parse_list(schema, place)?), ..Type::default() }),
            "integer" | "number" => scalar(Scalar::Numeric),
            "boolean" => scalar(Scalar::Boolean),
            "string" => scalar(match format {
                "" | "byte" => Scalar::String,
                _ => Scalar::Untyped,
            }),
            other => Err(fault(place, format!("type {other:?} is unknown"))),
        }
    }

    fn parse_map(&mut self, schema: &Value, place: Place<'_>) -> Result<Map, SchemaError> {
        let mut fields = BTreeMap::new();
        for (name, member) in schema.get("properties").and_then(Value::as_object).into_iter().flatten() {
            fields.insert(
                name.to_string(),
                Field {
                    ty: self.reference(member, place)?,
                    default: member.get("default").cloned(),
                    patch: patch_meta(member),
                },
            );
        }
        let element = match schema.get("additionalProperties") {
            None if place.preserve_unknown || fields.is_empty() => Some(DEDUCED),
            None | Some(Value::Bool(false)) => None,
            Some(Value::Bool(true)) => Some(DEDUCED),
            Some(values) => Some(self.reference(values, place)?),
        };
        let relation = map_relation(schema, place)?.unwrap_or(Relation::Separable);
        Ok(Map { fields, element, relation })
    }

    fn parse_list(&mut self, schema: &Value, place: Place<'_>) -> Result<List, SchemaError> {
        let (relation, keys) = list_relation(schema, place)?;
        let element = match schema.get("items") {
            Some(items) => self.reference(items, place)?,
            None => UNTYPED,
        };
        Ok(List { element, relation, keys })
    }

    fn reference(&mut self, schema: &Value, place: Place<'_>) -> Result<TypeId, SchemaError> {
        let Some(target) = ref_target(schema) else {
            let ty = self.parse(schema, place)?;
            return Ok(self.push(ty));
        };
        let base = *self
            .names
            .get(target)
            .ok_or_else(|| fault(place, format!("refers to {target:?}, which is not in the document")))?;
        match map_relation(schema, place)? {
            None => Ok(base),
            Some(relation) => {
                let target = self.push(Type::default());
                self.overrides.push(Override { base, relation, target });
                Ok(target)
            }
        }
    }

    fn finish(mut self) -> Types {
        for Override { base, relation, target } in std::mem::take(&mut self.overrides) {
            let mut ty = self.list[base.0 as usize].clone();
            if let Some(map) = &mut ty.map {
                map.relation = relation;
            }
            self.list[target.0 as usize] = ty;
        }
        Types { list: self.list, names: self.names }
    }
}

/// The name that a schema refers to, either directly or as the only member of an `allOf`.
pub(super) fn ref_target(schema: &Value) -> Option<&str> {
    let direct = schema.get("$ref");
    let wrapped = match schema.get("allOf").and_then(Value::as_array).map(crate::tree::List::as_slice) {
        Some([only]) => only.get("$ref"),
        _ => None,
    };
    direct.or(wrapped).and_then(Value::as_str).map(|target| target.strip_prefix(REF_PREFIX).unwrap_or(target))
}

fn flag(schema: &Value, name: &str) -> bool {
    schema.get(name).and_then(Value::as_bool).unwrap_or(false)
}

fn fault(place: Place<'_>, problem: String) -> SchemaError {
    SchemaError { at: place.name.to_owned(), problem }
}

fn map_relation(schema: &Value, place: Place<'_>) -> Result<Option<Relation>, SchemaError> {
    match schema.get("x-kubernetes-map-type").and_then(Value::as_str) {
        None => Ok(None),
        Some("atomic") => Ok(Some(Relation::Atomic)),
        Some("granular") => Ok(Some(Relation::Separable)),
        Some(other) => Err(fault(place, format!("map type {other:?} is unknown"))),
    }
}

/// An explicit list type wins; the patch strategy stands in for it on older fields; atomic otherwise.
fn list_relation(schema: &Value, place: Place<'_>) -> Result<(Relation, Vec<String>), SchemaError> {
    match schema.get("x-kubernetes-list-type").and_then(Value::as_str) {
        Some("atomic") => return Ok((Relation::Atomic, Vec::new())),
        Some("set") => return Ok((Relation::Separable, Vec::new())),
        Some("map") => {
            let keys = schema.get("x-kubernetes-list-map-keys").and_then(Value::as_array);
            let keys = keys.ok_or_else(|| fault(place, "list of type map without keys".to_owned()))?;
            let keys = keys.iter().filter_map(Value::as_str).map(str::to_owned).collect();
            return Ok((Relation::Separable, keys));
        }
        Some(other) => return Err(fault(place, format!("list type {other:?} is unknown"))),
        None => {}
    }
    let patch = patch_meta(schema);
    if patch.merge {
        return Ok((Relation::Separable, patch.merge_key.into_iter().collect()));
    }
    Ok((Relation::Atomic, Vec::new()))
}

fn patch_meta(schema: &Value) -> PatchMeta {
    let text = |name: &str| schema.get(name).and_then(Value::as_str);
    let mut meta = PatchMeta {
        merge_key: text("x-kubernetes-patch-merge-key").map(str::to_owned),
        ..PatchMeta::default()
    };
    for strategy in text("x-kubernetes-patch-strategy").unwrap_or_default().split(',') {
        match strategy {
            "merge" => meta.merge = true,
            "replace" => meta.replace = true,
            "retainKeys" => meta.retain_keys = true,
            _ => {}
        }
    }
    meta
}
