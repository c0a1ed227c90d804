//! Brings a custom resource into the form in which it is stored: defaults in, unknown fields out.

use super::structural::{Additional, Structural};
use crate::tree::{Map, Value};

/// Fields that every resource has, declared or not.
const RESOURCE_FIELDS: [&str; 3] = ["apiVersion", "kind", "metadata"];

/// Fills in defaults, for absent fields and for nulls where null is not allowed.
pub(super) fn default(value: &mut Value, schema: &Structural) {
    match value {
        Value::Object(fields) => {
            for (name, property) in &schema.properties {
                let Some(default) = &property.default else { continue };
                if fields.get(name).is_none_or(|value| value.is_null() && !property.nullable) {
                    fields.insert(name.clone(), default.clone());
                }
            }
            for (name, value) in fields.iter_mut() {
                if let Some(property) = schema.properties.get(name.as_str()) {
                    self::default(value, property);
                } else if let Additional::Schema(additional) = &schema.additional {
                    default_null(value, additional);
                    self::default(value, additional);
                }
            }
        }
        Value::Array(items) => {
            if let Some(schema) = schema.items.as_deref() {
                for item in items {
                    default_null(item, schema);
                    default(item, schema);
                }
            }
        }
        _ => {}
    }
}

fn default_null(value: &mut Value, schema: &Structural) {
    if value.is_null()
        && !schema.nullable
        && let Some(default) = &schema.default
    {
        *value = default.clone();
    }
}

/// Drops nulls from fields that may not be null.
pub(super) fn drop_nulls(value: &mut Value, schema: Option<&Structural>) {
    match value {
        Value::Object(fields) => {
            fields.retain_mut(|name, value| {
                let property = schema.and_then(|schema| schema.field(name));
                !(value.is_null()
                    && property.is_some_and(|property| !property.nullable && property.default.is_none()))
            });
            for (name, value) in fields {
                drop_nulls(value, schema.and_then(|schema| schema.field(name)));
            }
        }
        Value::Array(items) => {
            for item in items {
                drop_nulls(item, schema.and_then(|schema| schema.items.as_deref()));
            }
        }
        _ => {}
    }
}

/// Writes whole numbers without a fraction: the server stores `1.0` as `1`.
pub(super) fn settle_numbers(value: &mut Value) {
    match value {
        Value::Object(fields) => fields.values_mut().for_each(settle_numbers),
        Value::Array(items) => items.iter_mut().for_each(settle_numbers),
        Value::Number(number) if number.is_f64() => {
            // Integers up to 2^53 are exact in a double; beyond that the server's JSON keeps an exponent.
            const EXACT: f64 = 9_007_199_254_740_992.0;
            let float = number.as_f64().unwrap_or(f64::NAN);
            if float.fract() == 0.0 && float.abs() <= EXACT {
                #[expect(clippy::cast_possible_truncation, reason = "whole and within the exact range")]
                let whole = float as i64;
                *value = Value::from(whole);
            }
        }
        _ => {}
    }
}

/// Drops fields that the schema does not know; the answer lists their paths, sorted.
pub(super) fn prune(object: &mut Value, schema: &Structural) -> Vec<String> {
    let mut pruner = Pruner { dropped: Vec::new() };
    if schema.preserve_unknown {
        pruner.skip(object, Some(schema), "", Place::Resource);
    } else {
        pruner.value(object, Some(schema), "", Place::Resource);
    }
    pruner.dropped.sort();
    pruner.dropped
}

/// Whether the fields of a resource itself are to be left alone.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Resource,
    Inside,
}

impl Place {
    fn of(schema: &Structural) -> Self {
        if schema.embedded_resource { Self::Resource } else { Self::Inside }
    }

    fn keeps(self, name: &str) -> bool {
        self == Self::Resource && RESOURCE_FIELDS.contains(&name)
    }
}

struct Pruner {
    dropped: Vec<String>,
}

impl Pruner {
    fn value(&mut self, value: &mut Value, schema: Option<&Structural>, path: &str, place: Place) {
        if let Some(schema) = schema.filter(|schema| schema.preserve_unknown) {
            return self.skip(value, Some(schema), path, place);
        }
        match value {
            Value::Object(fields) => self.fields(fields, schema, path, place),
            Value::Array(items) => {
                let items_schema = schema.and_then(|schema| schema.items.as_deref());
                for (i, item) in items.iter_mut().enumerate() {
                    let place = items_schema.map_or(Place::Inside, Place::of);
                    self.value(item, items_schema, &format!("{path}[{i}]"), place);
                }
            }
            _ => {}
        }
    }

    fn fields(&mut self, fields: &mut Map, schema: Option<&Structural>, path: &str, place: Place) {
        fields.retain_mut(|name, value| {
            if place.keeps(name) {
                return true;
            }
            let at = super::fault::child(path, name);
            let known =
                schema.and_then(|schema| match (schema.properties.get(name.as_str()), &schema.additional) {
                    (Some(property), _) => Some(Some(property)),
                    (None, Additional::Unspecified) => None,
                    (None, additional) => Some(additional.schema()),
                });
            if let Some(below) = known {
                let place = below.map_or(Place::Inside, Place::of);
                self.value(value, below, &at, place);
            } else if !(path.is_empty() && RESOURCE_FIELDS.contains(&name.as_str())) {
                self.dropped.push(at);
            }
            known.is_some()
        });
    }

    /// Leaves unknown fields alone and prunes inside the declared ones.
    fn skip(&mut self, value: &mut Value, schema: Option<&Structural>, path: &str, place: Place) {
        let Some(schema) = schema else { return };
        match value {
            Value::Object(fields) => {
                for (name, value) in fields {
                    if place.keeps(name) {
                        continue;
                    }
                    let at = super::fault::child(path, name);
                    if let Some(below) = schema.field(name) {
                        self.value(value, Some(below), &at, Place::of(below));
                    } else if matches!(schema.additional, Additional::Anything) {
                        self.value(value, None, &at, Place::Inside);
                    }
                }
            }
            Value::Array(items) => {
                for (i, item) in items.iter_mut().enumerate() {
                    let below = schema.items.as_deref();
                    let place = below.map_or(Place::Inside, Place::of);
                    self.skip(item, below, &format!("{path}[{i}]"), place);
                }
            }
            _ => {}
        }
    }
}
