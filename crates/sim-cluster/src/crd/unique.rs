//! Lists of type set and map may not hold an item twice.

use super::fault::{FieldError, Reason, child, index, key};
use super::structural::{ListType, Structural};
use crate::tree::{Map, Value};

/// Every item that repeats an earlier one.
pub(super) fn duplicates(object: &Value, schema: &Structural) -> Vec<FieldError> {
    let mut faults = Vec::new();
    walk(object, schema, "", &mut faults);
    faults
}

fn walk(value: &Value, schema: &Structural, path: &str, faults: &mut Vec<FieldError>) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                if let Some(property) = schema.properties.get(name.as_str()) {
                    walk(value, property, &child(path, name), faults);
                } else if let Some(additional) = schema.additional.schema() {
                    walk(value, additional, &key(path, name), faults);
                }
            }
        }
        Value::Array(items) => {
            list(items, schema, path, faults);
            if let Some(below) = schema.items.as_deref() {
                for (i, item) in items.iter().enumerate() {
                    walk(item, below, &index(path, i), faults);
                }
            }
        }
        _ => {}
    }
}

fn list(items: &[Value], schema: &Structural, path: &str, faults: &mut Vec<FieldError>) {
    let ids: Vec<Value> = match &schema.list_type {
        None | Some(ListType::Atomic) => return,
        Some(ListType::Set) => items.to_vec(),
        Some(ListType::Map { keys }) => {
            if let Some(i) = items.iter().position(|item| !item.is_object() && !item.is_null()) {
                let detail = "must be an object for an array of list-type map";
                faults.push(FieldError::invalid(&index(path, i), items[i].clone(), detail));
                return;
            }
            let id = |item: &Value| -> Map {
                keys.iter().filter_map(|key| Some((key.clone(), item.get(key)?.clone()))).collect()
            };
            items.iter().map(|item| Value::Object(id(item))).collect()
        }
    };
    for (i, id) in ids.iter().enumerate() {
        // An item that is there three times is reported once.
        if ids[..i].iter().filter(|earlier| *earlier == id).count() == 1 {
            faults.push(FieldError::of_value(&index(path, i), Reason::Duplicate, id, ""));
        }
    }
}
