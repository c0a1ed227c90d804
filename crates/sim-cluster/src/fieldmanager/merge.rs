//! Merging what is applied into what is there, and taking paths out again.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::path::PathElement;
use super::set::FieldSet;
use super::typed::item_element;
use crate::schema::{List, Map, Relation, Schema, Shape, TypeId};
use crate::tree::{Map as JsonMap, Value};

/// Lays `config` over `live`: leaves of `config` win, nothing is removed, and lists take the order of
/// `config` for what both have.
pub(super) fn merge(schema: &Schema, live: &Value, config: &Value) -> Value {
    merge_value(schema, schema.root(), Some(live), Some(config)).unwrap_or(Value::Null)
}

/// Takes the given paths out of an object. Atomic lists and maps go as a whole or not at all.
pub(super) fn remove(schema: &Schema, object: &Value, paths: &FieldSet) -> Value {
    remove_value(schema, schema.root(), object, paths)
}

fn merge_value(schema: &Schema, ty: TypeId, left: Option<&Value>, right: Option<&Value>) -> Option<Value> {
    let ty = schema.get(ty);
    let shape = if right.is_none() { ty.deduce(left).shape() } else { ty.deduce(right).shape() };
    match shape {
        Shape::Map(map) => {
            let (left_fields, right_fields) = (object(left), object(right));
            let empty =
                left_fields.is_none_or(JsonMap::is_empty) && right_fields.is_none_or(JsonMap::is_empty);
            if map.relation == Relation::Atomic || empty {
                return right.or(left).cloned();
            }
            merge_fields(schema, map, left_fields, right_fields)
        }
        Shape::List(list) => {
            let (left_items, right_items) = (array(left), array(right));
            if list.relation == Relation::Atomic || (left_items.is_empty() && right_items.is_empty()) {
                return right.or(left).cloned();
            }
            let merged = merge_items(schema, list, left_items, right_items);
            (!merged.is_empty()).then(|| merged.into())
        }
        Shape::Scalar(_) | Shape::Nothing => right.or(left).cloned(),
    }
}

fn merge_fields(
    schema: &Schema,
    map: &Map,
    left: Option<&JsonMap>,
    right: Option<&JsonMap>,
) -> Option<Value> {
    let mut merged = JsonMap::new();
    for (name, left, right) in JsonMap::pairs(left, right) {
        let Some(ty) = schema.field_type(map, name) else {
            continue;
        };
        if let Some(value) = merge_value(schema, ty, left, right) {
            merged.insert(name.clone(), value);
        }
    }
    (!merged.is_empty()).then_some(Value::Object(merged))
}

/// Merges two associative lists. What only `live` has keeps its place relative to its live neighbours; what
/// both have follows the order of `config`.
fn merge_items(schema: &Schema, list: &List, live: &[Value], config: &[Value]) -> Vec<Value> {
    let left = named(schema, list, live);
    let right = named(schema, list, config);
    let in_left = index(&left);
    let in_right: BTreeSet<&PathElement> = right.iter().map(|(element, _)| element).collect();
    let mut shared: VecDeque<&PathElement> =
        right.iter().map(|(element, _)| element).filter(|element| in_left.contains_key(element)).collect();
    let mut next_shared = shared.pop_front();
    let mut done = BTreeSet::new();
    let mut merged = Vec::new();
    let (mut l, mut r) = (0, 0);
    while l < left.len() || r < right.len() {
        if let (Some((left_element, _)), Some((right_element, item))) = (left.get(l), right.get(r)) {
            if left_element == right_element {
                done.insert(left_element);
                let below = in_left.get(left_element).copied().flatten();
                merged.extend(merge_value(schema, list.element, below, Some(item)));
                l += 1;
                r += 1;
                next_shared = shared.pop_front();
                continue;
            }
            let waits = next_shared.is_some_and(|next| next != left_element);
            if in_right.contains(left_element) && waits {
                l += 1;
                continue;
            }
        }
        if let Some((element, item)) = left.get(l) {
            if !in_right.contains(element) {
                merged.extend(merge_value(schema, list.element, Some(item), None));
                l += 1;
                continue;
            }
            if done.contains(element) {
                l += 1;
            }
        }
        if let Some((element, item)) = right.get(r) {
            done.insert(element);
            let below = in_left.get(element).copied().flatten();
            merged.extend(merge_value(schema, list.element, below, Some(item)));
            r += 1;
            if next_shared == Some(element) {
                next_shared = shared.pop_front();
            }
        }
    }
    merged
}

fn named<'a>(schema: &Schema, list: &List, items: &'a [Value]) -> Vec<(PathElement, &'a Value)> {
    items
        .iter()
        .filter_map(|item| item_element(schema, list, item).ok().map(|element| (element, item)))
        .collect()
}

/// Items by name; an item that is there several times is not merged with, so it counts as null.
fn index<'a>(items: &'a [(PathElement, &'a Value)]) -> BTreeMap<&'a PathElement, Option<&'a Value>> {
    let mut index = BTreeMap::new();
    for (element, item) in items {
        index.entry(element).and_modify(|known| *known = Some(&Value::Null)).or_insert(Some(*item));
    }
    index
}

fn remove_value(schema: &Schema, ty: TypeId, value: &Value, paths: &FieldSet) -> Value {
    match (schema.get(ty).deduce(Some(value)).shape(), value) {
        (Shape::Scalar(_), _) => value.clone(),
        (Shape::List(list), Value::Array(items)) if list.relation == Relation::Separable => {
            let mut kept = Vec::new();
            for item in items {
                let Ok(element) = item_element(schema, list, item) else {
                    kept.push(item.clone());
                    continue;
                };
                if paths.has_member(&element) {
                    continue;
                }
                kept.push(match paths.below(&element) {
                    Some(below) => remove_value(schema, list.element, item, below),
                    None => item.clone(),
                });
            }
            if kept.is_empty() { Value::Null } else { kept.into() }
        }
        (Shape::Map(map), Value::Object(fields)) if map.relation == Relation::Separable => {
            let mut kept = JsonMap::new();
            for (name, value) in fields {
                let element = PathElement::Field(name.clone());
                if paths.has_member(&element) {
                    continue;
                }
                let value = match (paths.below(&element), schema.field_type(map, name)) {
                    (Some(below), Some(ty)) => remove_value(schema, ty, value, below),
                    _ => value.clone(),
                };
                kept.insert(name.clone(), value);
            }
            if kept.is_empty() { Value::Null } else { Value::Object(kept) }
        }
        _ => Value::Null,
    }
}

fn object(value: Option<&Value>) -> Option<&JsonMap> {
    value.and_then(Value::as_object)
}

fn array(value: Option<&Value>) -> &[Value] {
    value.and_then(Value::as_array).map_or(&[], |items| items.as_slice())
}
