//! The structure of the API's types: what is a map, a list or a scalar, which lists have keys, which
//! fields have defaults. Server-side apply, strategic merge and pruning all walk this one tree.
//!
//! The shapes follow the rules by which kube-apiserver turns its OpenAPI v3 documents into the schema of
//! structured-merge-diff: one type may accept several shapes at once (a field without a type accepts any),
//! so a [`Type`] holds an optional scalar, list and map side by side.

mod builtin;
mod form;
pub(crate) mod golang;
mod openapi;
pub mod recording;
pub(crate) mod wire;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::tree::Value;

pub use builtin::Schemas;
pub use openapi::SchemaError;

/// Index of a type inside the arena that its [`Schema`] belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TypeId(u32);

/// The structure of one kind of object, with every type reachable from it.
#[derive(Debug, Clone)]
pub struct Schema {
    types: Arc<Types>,
    root: TypeId,
}

impl Schema {
    /// The type of the object itself.
    pub fn root(&self) -> TypeId {
        self.root
    }

    /// Looks a type up in the arena of this schema.
    pub fn get(&self, id: TypeId) -> &Type {
        // Ids are only made by the builder of the same arena; the untyped type at index 0 always exists.
        self.types.list.get(id.0 as usize).unwrap_or(&self.types.list[0])
    }

    /// The type of a field of a map, or of the map's elements where the field is not declared.
    pub fn field_type(&self, map: &Map, name: &str) -> Option<TypeId> {
        map.fields.get(name).map(|field| field.ty).or(map.element)
    }
}

impl TypeId {
    /// Whether nothing is declared about the type: any value, objects owned key by key.
    pub(crate) fn is_deduced(self) -> bool {
        self == openapi::DEDUCED
    }
}

/// All types of one OpenAPI document; references between them are indices, so that recursive types
/// (a JSON schema inside a JSON schema) need no special care.
#[derive(Debug)]
struct Types {
    list: Vec<Type>,
    names: BTreeMap<String, TypeId>,
}

/// What a value of a type may look like; at least one of the three shapes is present.
#[derive(Debug, Clone, Default)]
pub struct Type {
    /// Name in the OpenAPI document, for types that have one.
    pub name: Option<String>,
    /// Present when a number, string or boolean is accepted.
    pub scalar: Option<Scalar>,
    /// Present when a list is accepted.
    pub list: Option<List>,
    /// Present when an object is accepted.
    pub map: Option<Map>,
    /// The Go struct that kube-apiserver holds such values in, for types that have one.
    go: Option<&'static form::GoStruct>,
}

/// Kinds of scalar that structured-merge-diff tells apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scalar {
    /// Integers and floats.
    Numeric,
    /// Plain strings, also base64 bytes.
    String,
    /// `true` and `false`.
    Boolean,
    /// Any scalar: int-or-string, quantities, times.
    Untyped,
}

/// Whether a list or map is owned as a whole or item by item.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Relation {
    /// Owned and replaced as a whole.
    Atomic,
    /// Owned item by item.
    Separable,
}

/// A list type.
#[derive(Debug, Clone)]
pub struct List {
    /// Type of the items.
    pub element: TypeId,
    /// `Separable` is a set (no keys) or an associative list (with keys).
    pub relation: Relation,
    /// Fields that identify an item of an associative list.
    pub keys: Vec<String>,
}

/// An object type: declared fields, and the type of every other key where other keys are allowed.
#[derive(Debug, Clone)]
pub struct Map {
    /// Declared fields by name.
    pub fields: BTreeMap<String, Field>,
    /// Type of undeclared keys; `None` where they are not allowed.
    pub element: Option<TypeId>,
    /// Whether the object is owned as a whole.
    pub relation: Relation,
}

/// A declared field of an object type.
#[derive(Debug, Clone)]
pub struct Field {
    /// Its type.
    pub ty: TypeId,
    /// Its default in the OpenAPI document.
    pub default: Option<Value>,
    /// How strategic merge patches treat it.
    pub patch: PatchMeta,
}

/// `x-kubernetes-patch-strategy` and `x-kubernetes-patch-merge-key` of a field.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PatchMeta {
    /// Lists are merged instead of replaced.
    pub merge: bool,
    /// `replace` was asked for explicitly: maps are replaced as well.
    pub replace: bool,
    /// `$retainKeys` is expected in patches of this field.
    pub retain_keys: bool,
    /// Field that identifies an item of a merged list of objects.
    pub merge_key: Option<String>,
}

/// The shape that a value takes among those its type accepts.
#[derive(Debug, Clone, Copy)]
pub enum Shape<'a> {
    /// Treated as an object.
    Map(&'a Map),
    /// Treated as a scalar.
    Scalar(Scalar),
    /// Treated as a list.
    List(&'a List),
    /// The type accepts nothing, which no well-formed document says.
    Nothing,
}

/// A type narrowed to the shapes that a given value leaves possible.
#[derive(Debug, Clone, Copy)]
pub struct Deduced<'a> {
    ty: &'a Type,
    only: Option<Only>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Only {
    Scalar,
    List,
    Map,
}

impl Type {
    /// Narrows the type by a value. Null and absent values leave every shape open, and so does a value of a
    /// shape that the type does not accept: validation reports it later.
    pub fn deduce(&self, value: Option<&Value>) -> Deduced<'_> {
        let several = [self.scalar.is_some(), self.list.is_some(), self.map.is_some()]
            .into_iter()
            .filter(|present| *present)
            .count()
            > 1;
        let only = match value {
            Some(Value::Bool(_) | Value::Number(_) | Value::String(_)) if self.scalar.is_some() => {
                Some(Only::Scalar)
            }
            Some(Value::Array(_)) if self.list.is_some() => Some(Only::List),
            Some(Value::Object(_)) if self.map.is_some() => Some(Only::Map),
            _ => None,
        };
        Deduced { ty: self, only: if several { only } else { None } }
    }
}

impl<'a> Deduced<'a> {
    /// The shape to work with: a map is preferred over a scalar, a scalar over a list.
    pub fn shape(self) -> Shape<'a> {
        let scalar = self.ty.scalar.map_or(Shape::Nothing, Shape::Scalar);
        let list = self.ty.list.as_ref().map_or(Shape::Nothing, Shape::List);
        let map = self.ty.map.as_ref().map_or(Shape::Nothing, Shape::Map);
        match self.only {
            Some(Only::Scalar) => scalar,
            Some(Only::Map) => map,
            None if self.ty.map.is_some() => map,
            None if self.ty.scalar.is_some() => scalar,
            Some(Only::List) | None => list,
        }
    }

    /// Whether two values of one type leave the same shapes open.
    pub fn same(self, other: Deduced<'_>) -> bool {
        self.only == other.only
    }
}
