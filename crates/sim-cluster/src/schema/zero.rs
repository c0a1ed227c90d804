//! The object that a Go client or server sees before anything was set.
//!
//! kube-apiserver compares a new object with an empty one of its Go type. Such an object is not `{}`:
//! struct fields are there as empty objects, fields without `omitempty` as zero or null. Whether a new
//! object's manager owns `f:spec` or only what is in it depends on that.

use serde_json::{Map as JsonMap, Value, json};

use super::{Map, Schema, TypeId};

impl Schema {
    /// The empty object of a built-in kind, as the server would print it.
    pub fn zero(&self, api_version: &str, kind: &str) -> Value {
        let mut zero = self.zero_of(self.root, 0).unwrap_or_else(|| json!({}));
        if let Some(object) = zero.as_object_mut() {
            object.insert("apiVersion".to_owned(), json!(api_version));
            object.insert("kind".to_owned(), json!(kind));
        }
        zero
    }

    /// Gives an object the form that it has after passing through its Go type: null and empty optional
    /// fields are gone, struct fields are there.
    pub fn as_struct(&self, object: &mut Value) {
        self.as_struct_at(self.root, object);
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
                fields.retain(|name, value| {
                    let at = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
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

    fn as_struct_at(&self, id: TypeId, value: &mut Value) {
        let ty = self.get(id);
        match value {
            Value::Array(items) => {
                if let Some(list) = &ty.list {
                    for item in items {
                        self.as_struct_at(list.element, item);
                    }
                }
            }
            Value::Object(fields) => {
                let Some(map) = &ty.map else { return };
                for (name, value) in fields.iter_mut() {
                    if let Some(ty) = self.field_type(map, name) {
                        self.as_struct_at(ty, value);
                    }
                }
                fields.retain(|name, value| {
                    let Some(field) = map.fields.get(name) else {
                        return true;
                    };
                    match value {
                        Value::Null => field.required,
                        Value::Array(items) => field.required || !items.is_empty(),
                        Value::Object(keys) => {
                            let is_struct =
                                self.get(field.ty).map.as_ref().is_some_and(|map| !map.fields.is_empty());
                            field.required || is_struct || !keys.is_empty()
                        }
                        _ => true,
                    }
                });
                for (name, zero) in self.zero_fields(map, 0) {
                    fields.entry(name).or_insert(zero);
                }
            }
            _ => {}
        }
    }

    fn zero_of(&self, id: TypeId, depth: usize) -> Option<Value> {
        // Value types cannot contain themselves in Go; the bound only guards against a malformed document.
        const DEEPEST: usize = 16;
        let map = self.get(id).map.as_ref()?;
        if map.fields.is_empty() || depth > DEEPEST {
            return None;
        }
        Some(Value::Object(self.zero_fields(map, depth)))
    }

    fn zero_fields(&self, map: &Map, depth: usize) -> JsonMap<String, Value> {
        let mut fields = JsonMap::new();
        for (name, field) in &map.fields {
            let by_value = field.default.as_ref().is_some_and(|default| *default == json!({}));
            let value = if by_value {
                self.zero_of(field.ty, depth + 1)
            } else if field.required {
                Some(match &field.default {
                    Some(zero @ (Value::String(_) | Value::Number(_) | Value::Bool(_))) => zero.clone(),
                    _ => Value::Null,
                })
            } else {
                None
            };
            if let Some(value) = value {
                fields.insert(name.clone(), value);
            }
        }
        fields
    }
}
