//! The form that objects of built-in kinds have inside kube-apiserver, which holds them in Go structs.
//!
//! Passing through a Go type changes an object: unknown fields go, null and empty optional fields go,
//! fields without `omitempty` come in as zero or null, structs as `{}`. Whether a manager owns `f:spec` or only
//! what is in it, and whether an apply changed anything, depends on that form. The OpenAPI documents do not
//! tell it; `schemas/go_types.json` does.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::OnceLock;

use serde::Deserialize;

use super::{List, Map, Schema, Type, TypeId};
use crate::tree::{Map as JsonMap, Text, Value, json};

/// How the fields of one Go struct are printed.
#[derive(Debug, Default, Deserialize)]
pub(super) struct GoStruct {
    /// Fields that are always there, with what they are when unset; `{}` stands for an empty struct.
    #[serde(default)]
    always: BTreeMap<String, Value>,
    /// Scalars that are left out when they are zero.
    #[serde(default)]
    dropped: BTreeSet<String>,
}

impl GoStruct {
    /// The struct behind a type of the recorded documents; none for types that print themselves.
    pub(super) fn of(name: &str) -> Option<&'static Self> {
        static TYPES: OnceLock<BTreeMap<String, GoStruct>> = OnceLock::new();
        #[expect(clippy::expect_used, reason = "the text is part of the program; a test reads it")]
        let types = TYPES.get_or_init(|| {
            serde_json::from_str(include_str!("../../schemas/go_types.json"))
                .expect("go_types.json is well formed")
        });
        types.get(name)
    }
}

impl Schema {
    /// The empty object of a built-in kind, as the server would print it.
    pub fn zero(&self, api_version: &str, kind: &str) -> Value {
        let mut zero = self.zero_of(self.root);
        if let Some(object) = zero.as_object_mut() {
            object.insert("apiVersion", json!(api_version));
            object.insert("kind", json!(kind));
        }
        zero
    }

    /// Gives an object the form that it has after passing through its Go type. Unknown fields stay; see
    /// [`Self::prune`].
    pub fn as_struct(&self, object: &mut Value) {
        self.as_struct_at(self.root, object);
    }

    /// Gives one field of an object the form that it has after passing through its Go type.
    pub fn field_as_struct(&self, object: &mut Value, name: &str) {
        let map = self.get(self.root).map.as_ref();
        let ty = map.and_then(|map| map.fields.get(name)).map(|field| field.ty);
        if let (Some(ty), Some(value)) = (ty, object.get_mut(name)) {
            self.as_struct_at(ty, value);
        }
    }

    /// Drops what the schema does not declare; the answer lists the paths dropped, sorted.
    pub fn prune(&self, object: &mut Value) -> Vec<String> {
        let mut dropped = Vec::new();
        self.prune_at(self.root, object, "", &mut dropped);
        dropped.sort();
        dropped
    }

    /// Drops what the schema does not declare in one field of an object.
    pub fn prune_field(&self, object: &mut Value, name: &str) -> Vec<String> {
        let mut dropped = Vec::new();
        let map = self.get(self.root).map.as_ref();
        let ty = map.and_then(|map| map.fields.get(name)).map(|field| field.ty);
        if let (Some(ty), Some(value)) = (ty, object.get_mut(name)) {
            self.prune_at(ty, value, name, &mut dropped);
            dropped.sort();
        }
        dropped
    }

    fn prune_at(&self, id: TypeId, value: &mut Value, path: &str, dropped: &mut Vec<String>) {
        let ty = self.get(id);
        match value {
            Value::Array(items) => {
                let Some(list) = &ty.list else { return };
                for (i, item) in items.iter_mut().enumerate() {
                    self.prune_at(list.element, item, &format!("{path}[{i}]"), dropped);
                }
            }
            Value::Object(fields) => {
                let Some(map) = &ty.map else { return };
                fields.retain_mut(|name, value| {
                    let at = if path.is_empty() { name.to_string() } else { format!("{path}.{name}") };
                    let known = self.field_type(map, name);
                    if let Some(ty) = known {
                        self.prune_at(ty, value, &at, dropped);
                    } else {
                        dropped.push(at);
                    }
                    known.is_some()
                });
            }
            _ => {}
        }
    }

    /// Changes what does not have the form, and nothing beside: the rest may be shared with other objects.
    fn as_struct_at(&self, id: TypeId, value: &mut Value) {
        let ty = self.get(id);
        match value {
            Value::Array(items) => {
                let Some(list) = &ty.list else { return };
                if items.iter().all(|item| self.is_struct_at(list.element, item)) {
                    return;
                }
                for item in items {
                    self.as_struct_at(list.element, item);
                }
            }
            Value::Object(fields) => {
                let Some(map) = &ty.map else { return };
                let is_struct = |(name, value): (&Text, &Value)| {
                    self.field_type(map, name).is_none_or(|ty| self.is_struct_at(ty, value))
                };
                if !fields.iter().all(is_struct) {
                    for (name, value) in fields.iter_mut() {
                        if let Some(ty) = self.field_type(map, name) {
                            self.as_struct_at(ty, value);
                        }
                    }
                }
                if let Some(go) = ty.go
                    && !self.has_go_fields(map, go, fields)
                {
                    fields.retain(|name, value| self.is_printed(map, go, name, value));
                    for (name, zero) in self.zero_fields(map, go) {
                        let value = fields.entry(name).or_insert(Value::Null);
                        if value.is_null() {
                            *value = zero;
                        }
                    }
                }
            }
            _ => {}
        }
    }

    /// Whether a value has the form already.
    fn is_struct_at(&self, id: TypeId, value: &Value) -> bool {
        let ty = self.get(id);
        match value {
            Value::Array(items) => {
                let below = |list: &List| items.iter().all(|item| self.is_struct_at(list.element, item));
                ty.list.as_ref().is_none_or(below)
            }
            Value::Object(fields) => {
                let Some(map) = &ty.map else { return true };
                let below = |(name, value): (&Text, &Value)| {
                    self.field_type(map, name).is_none_or(|ty| self.is_struct_at(ty, value))
                };
                fields.iter().all(below) && ty.go.is_none_or(|go| self.has_go_fields(map, go, fields))
            }
            _ => true,
        }
    }

    /// Whether a map has the fields that a Go struct always prints, and none that it would leave out.
    fn has_go_fields(&self, map: &Map, go: &GoStruct, fields: &JsonMap) -> bool {
        let is_there = |(name, zero): (&String, &Value)| {
            fields.get(name).is_some_and(|held| !held.is_null() || zero.is_null())
        };
        go.always.iter().all(is_there)
            && fields.iter().all(|(name, value)| self.is_printed(map, go, name, value))
    }

    fn is_printed(&self, map: &Map, go: &GoStruct, name: &str, value: &Value) -> bool {
        if go.always.contains_key(name) {
            return true;
        }
        match value {
            Value::Null => false,
            // An empty list of managers is a request to forget them, so it has to reach the field manager; one of
            // policies is a fault, which defaults would hide.
            Value::Array(items) => !items.is_empty() || matches!(name, "managedFields" | "policies"),
            Value::Object(keys) => {
                let ty = map.fields.get(name).map(|field| self.get(field.ty));
                !keys.is_empty() || !ty.is_some_and(Type::is_go_map)
            }
            zero if go.dropped.contains(name) => {
                !matches!(zero, Value::Bool(false)) && *zero != json!("") && zero.as_f64() != Some(0.0)
            }
            _ => true,
        }
    }

    fn zero_of(&self, id: TypeId) -> Value {
        let ty = self.get(id);
        let fields = match (&ty.map, ty.go) {
            (Some(map), Some(go)) => self.zero_fields(map, go),
            _ => JsonMap::new(),
        };
        Value::Object(fields)
    }

    fn zero_fields(&self, map: &Map, go: &GoStruct) -> JsonMap {
        let mut fields = JsonMap::new();
        for (name, zero) in &go.always {
            let zero = match map.fields.get(name) {
                Some(field) if zero.is_object() => self.zero_of(field.ty),
                _ => zero.clone(),
            };
            fields.insert(name.clone(), zero);
        }
        fields
    }
}

impl Type {
    /// Whether values are Go maps: nothing is declared but the type of the values.
    fn is_go_map(&self) -> bool {
        let Some(map) = &self.map else { return false };
        self.go.is_none() && map.fields.is_empty() && map.element.is_some_and(|element| !element.is_deduced())
    }
}
