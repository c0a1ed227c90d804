//! What changed between two objects, as sets of paths.

use std::collections::BTreeMap;

use super::path::{Path, PathElement, same_value};
use super::set::FieldSet;
use super::typed::item_element;
use crate::schema::{List, Map, Relation, Schema, Shape, TypeId};
use crate::tree::{Map as JsonMap, Value};

/// The difference between two objects; no path is in two of the sets.
#[derive(Debug, Clone, Default)]
pub(super) struct Comparison {
    pub(super) removed: FieldSet,
    pub(super) modified: FieldSet,
    pub(super) added: FieldSet,
}

impl Comparison {
    /// Leaves out the given paths and everything below them.
    pub(super) fn without(self, ignored: Option<&FieldSet>) -> Self {
        let Some(ignored) = ignored else { return self };
        let without = |set: FieldSet| {
            if set.is_apart_from(ignored) { set } else { set.recursive_difference(ignored) }
        };
        Self { removed: without(self.removed), modified: without(self.modified), added: without(self.added) }
    }
}

/// Compares two objects of one schema.
pub(super) fn compare(schema: &Schema, left: &Value, right: &Value) -> Comparison {
    let mut walk = Walk { schema, path: Vec::new(), found: Comparison::default() };
    walk.value(schema.root(), Some(left), Some(right));
    walk.found
}

struct Walk<'a> {
    schema: &'a Schema,
    path: Path,
    found: Comparison,
}

/// Whether a value was compared as one piece or item by item.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Granularity {
    Leaf,
    Items,
}

impl Walk<'_> {
    fn value(&mut self, ty: TypeId, left: Option<&Value>, right: Option<&Value>) {
        if left == right {
            return;
        }
        let schema = self.schema;
        let ty = schema.get(ty);
        let (of_left, of_right) = (ty.deduce(left), ty.deduce(right));
        let granularity = if right.is_none() {
            self.shape(of_left.shape(), left, right)
        } else {
            if left.is_some() && !of_left.same(of_right) {
                self.shape(of_left.shape(), left, right);
            }
            self.shape(of_right.shape(), left, right)
        };
        if granularity == Granularity::Items {
            if left.is_none() {
                self.found.added.insert(&self.path);
            } else if right.is_none() {
                self.found.removed.insert(&self.path);
            }
        }
    }

    fn shape(&mut self, shape: Shape<'_>, left: Option<&Value>, right: Option<&Value>) -> Granularity {
        match shape {
            Shape::Map(map) => {
                let (left_fields, right_fields) = (fields(left), fields(right));
                let empty =
                    left_fields.is_none_or(JsonMap::is_empty) && right_fields.is_none_or(JsonMap::is_empty);
                if map.relation == Relation::Atomic || empty {
                    return self.leaf(left, right);
                }
                self.fields(map, left_fields, right_fields);
                Granularity::Items
            }
            Shape::List(list) => {
                let (left_items, right_items) = (items(left), items(right));
                if list.relation == Relation::Atomic || (left_items.is_empty() && right_items.is_empty()) {
                    return self.leaf(left, right);
                }
                self.items(list, left_items, right_items);
                Granularity::Items
            }
            Shape::Scalar(_) => self.leaf(left, right),
            Shape::Nothing => Granularity::Leaf,
        }
    }

    fn leaf(&mut self, left: Option<&Value>, right: Option<&Value>) -> Granularity {
        match (left, right) {
            (None, _) => self.found.added.insert(&self.path),
            (_, None) => self.found.removed.insert(&self.path),
            (Some(left), Some(right)) if !same_value(left, right) => self.found.modified.insert(&self.path),
            _ => {}
        }
        Granularity::Leaf
    }

    fn fields(&mut self, map: &Map, left: Option<&JsonMap>, right: Option<&JsonMap>) {
        for (name, left, right) in JsonMap::pairs(left, right) {
            // Most fields are as they were; their names are not worth a copy.
            if left == right || self.is_noted_by_the_server(name) {
                continue;
            }
            let Some(ty) = self.schema.field_type(map, name) else {
                continue;
            };
            self.path.push(PathElement::Field(name.clone()));
            self.value(ty, left, right);
            self.path.pop();
        }
    }

    /// What says who owns what belongs to nobody.
    fn is_noted_by_the_server(&self, name: &str) -> bool {
        let metadata =
            |path: &Path| matches!(path.as_slice(), [PathElement::Field(name)] if name == "metadata");
        name == "managedFields" && metadata(&self.path)
    }

    fn items(&mut self, list: &List, left: &[Value], right: &[Value]) {
        let schema = self.schema;
        let mut named: BTreeMap<PathElement, (Vec<&Value>, Vec<&Value>)> = BTreeMap::new();
        for item in left {
            if let Ok(element) = item_element(schema, list, item) {
                named.entry(element).or_default().0.push(item);
            }
        }
        for item in right {
            if let Ok(element) = item_element(schema, list, item) {
                named.entry(element).or_default().1.push(item);
            }
        }
        for (element, (left, right)) in named {
            self.path.push(element);
            self.item(list.element, &left, &right);
            self.path.pop();
        }
    }

    /// One item by name; an item that is there several times is a leaf.
    fn item(&mut self, ty: TypeId, left: &[&Value], right: &[&Value]) {
        match (left, right) {
            ([] | [_], [] | [_]) => self.value(ty, left.first().copied(), right.first().copied()),
            ([_, _, ..], [_, _, ..]) => {
                let equal = left.len() == right.len()
                    && left.iter().zip(right).all(|(left, right)| same_value(left, right));
                if !equal {
                    self.found.modified.insert(&self.path);
                }
            }
            ([_, _, ..], rest) => {
                if let Some(only) = rest.first() {
                    self.value(ty, None, Some(only));
                }
                self.found.removed.insert(&self.path);
            }
            (rest, _) => {
                if let Some(only) = rest.first() {
                    self.value(ty, Some(only), None);
                }
                self.found.added.insert(&self.path);
            }
        }
    }
}

fn fields(value: Option<&Value>) -> Option<&JsonMap> {
    value.and_then(Value::as_object)
}

fn items(value: Option<&Value>) -> &[Value] {
    value.and_then(Value::as_array).map_or(&[], |items| items.as_slice())
}
