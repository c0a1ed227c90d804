//! Values as rules see them.

use std::collections::HashMap;
use std::sync::Arc;

use cel::objects::{Key, Map as CelMap};

use super::rule::Place;
use super::structural::{Kind, Structural};
use crate::tree::Value;

/// What a rule on the resource itself sees besides the declared fields.
pub(super) const RESOURCE_FIELDS: [&str; 3] = ["apiVersion", "kind", "metadata"];
/// All that a rule sees of the metadata.
const METADATA_FIELDS: [&str; 2] = ["name", "generateName"];

/// Names that CEL reserves; a field of such a name is written between double underscores.
const RESERVED: [&str; 21] = [
    "true",
    "false",
    "null",
    "in",
    "as",
    "break",
    "const",
    "continue",
    "else",
    "for",
    "function",
    "if",
    "import",
    "let",
    "loop",
    "package",
    "namespace",
    "return",
    "var",
    "void",
    "while",
];

/// A value as its schema types it: fields that are not declared are not there, whole numbers of type number
/// are doubles.
pub(super) fn to_cel(value: &Value, schema: &Structural, place: Place) -> cel::Value {
    match value {
        Value::Object(fields) if !schema.properties.is_empty() || place == Place::Resource => {
            let mut visible: HashMap<Key, cel::Value> = HashMap::new();
            for (name, value) in fields {
                if let Some(property) = schema.properties.get(name.as_str()).filter(|_| name != "metadata") {
                    visible.insert(escape(name).into(), to_cel(value, property, Place::Inside));
                } else if place == Place::Resource && RESOURCE_FIELDS.contains(&name.as_str()) {
                    visible.insert(name.as_str().into(), resource_field(value));
                }
            }
            cel::Value::Map(CelMap { map: Arc::new(visible) })
        }
        Value::Object(fields) => {
            let map = fields
                .iter()
                .map(|(name, value)| {
                    let value = match schema.additional.schema() {
                        Some(values) => to_cel(value, values, Place::Inside),
                        None => untyped(value),
                    };
                    (Key::from(name.as_str()), value)
                })
                .collect();
            cel::Value::Map(CelMap { map: Arc::new(map) })
        }
        Value::Array(items) => match schema.items.as_deref() {
            Some(items_schema) => {
                let items = items.iter().map(|item| to_cel(item, items_schema, Place::Inside));
                cel::Value::List(Arc::new(items.collect()))
            }
            None => untyped(value),
        },
        Value::Number(number) if schema.kind == Some(Kind::Number) => {
            number.as_f64().map_or(cel::Value::Null, cel::Value::Float)
        }
        other => untyped(other),
    }
}

/// A field as a rule has to write it.
fn escape(name: &str) -> String {
    if RESERVED.contains(&name) {
        return format!("__{name}__");
    }
    name.replace("__", "__underscores__")
        .replace('.', "__dot__")
        .replace('-', "__dash__")
        .replace('/', "__slash__")
}

/// The field that a rule means.
pub(super) fn unescape(name: &str) -> String {
    let inner = name.strip_prefix("__").and_then(|name| name.strip_suffix("__"));
    if let Some(inner) = inner.filter(|inner| RESERVED.contains(inner)) {
        return inner.to_owned();
    }
    name.replace("__dot__", ".")
        .replace("__dash__", "-")
        .replace("__slash__", "/")
        .replace("__underscores__", "__")
}

fn resource_field(value: &Value) -> cel::Value {
    let Value::Object(metadata) = value else { return untyped(value) };
    let visible = metadata
        .iter()
        .filter(|(name, _)| METADATA_FIELDS.contains(&name.as_str()))
        .map(|(name, value)| (Key::from(name.as_str()), untyped(value)))
        .collect();
    cel::Value::Map(CelMap { map: Arc::new(visible) })
}

fn untyped(value: &Value) -> cel::Value {
    match value {
        Value::Null => cel::Value::Null,
        Value::Bool(value) => cel::Value::Bool(*value),
        Value::Number(number) => match number.as_i64() {
            Some(number) => cel::Value::Int(number),
            None => cel::Value::Float(number.as_f64().unwrap_or(f64::NAN)),
        },
        Value::String(text) => cel::Value::String(Arc::new(text.to_string())),
        Value::Array(items) => cel::Value::List(Arc::new(items.iter().map(untyped).collect())),
        Value::Object(fields) => {
            let map = fields.iter().map(|(name, value)| (Key::from(name.as_str()), untyped(value))).collect();
            cel::Value::Map(CelMap { map: Arc::new(map) })
        }
    }
}
