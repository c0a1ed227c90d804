//! Walks over an object along its schema: checking it, naming its list items, listing its fields.

use super::path::{Path, PathElement};
use super::set::FieldSet;
use crate::schema::{List, Map, Relation, Scalar, Schema, Shape, TypeId, golang};
use crate::tree::{Text, Value};

/// Whether sets and associative lists may hold an item twice. Stored objects may, since older clients
/// could write them; what is applied may not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Duplicates {
    Allowed,
    Refused,
}

/// Checks an object against its schema; the error lists every fault in the words of
/// structured-merge-diff.
pub(super) fn validate(schema: &Schema, object: &Value, duplicates: Duplicates) -> Result<(), String> {
    run(schema, None, object, duplicates)
}

fn run(schema: &Schema, known: Option<&Value>, object: &Value, duplicates: Duplicates) -> Result<(), String> {
    let mut walk = Validation { schema, duplicates, path: Vec::new(), faults: Vec::new() };
    walk.value(schema.root(), known, object);
    match walk.faults.as_slice() {
        [] => Ok(()),
        [only] => Err(only.clone()),
        many => Err(format!("errors:\n  {}", many.join("\n  "))),
    }
}

/// Every leaf and every list item of an object: what an applier owns that sends it.
pub(super) fn field_set(schema: &Schema, object: &Value) -> FieldSet {
    let mut set = FieldSet::default();
    collect(schema, schema.root(), object, &mut Vec::new(), &mut set);
    set
}

/// How an item of an associative list or set is named.
pub(super) fn item_element(schema: &Schema, list: &List, item: &Value) -> Result<PathElement, String> {
    if list.relation == Relation::Atomic {
        return Err("invalid indexing of non-associative list".to_owned());
    }
    if list.keys.is_empty() {
        return match item {
            Value::Object(_) => {
                Err("associative list without keys has an element that's a map type".to_owned())
            }
            Value::Array(_) => Err("not supported: associative list with lists as elements".to_owned()),
            Value::Null => {
                Err("associative list without keys has an element that's an explicit null".to_owned())
            }
            scalar => Ok(PathElement::Value(scalar.clone())),
        };
    }
    let fields = match item {
        Value::Object(fields) => fields,
        Value::Null => return Err("associative list with keys may not have a null element".to_owned()),
        _ => return Err("associative list with keys may not have non-map elements".to_owned()),
    };
    let mut found: Vec<(Text, Value)> = Vec::new();
    for key in &list.keys {
        let default = || {
            let map = schema.get(list.element).map.as_ref()?;
            map.fields.get(key)?.default.as_ref()
        };
        if let Some(value) = fields.get(key).or_else(default) {
            found.push((key.as_str().into(), value.clone()));
        }
    }
    if found.is_empty() {
        let keys: Vec<String> = list.keys.iter().map(|key| format!("{key:?}")).collect();
        return Err(format!(
            "associative list with keys has an element that omits all key fields [{}] (and doesn't have default \
             values for any key fields)",
            keys.join(" ")
        ));
    }
    found.sort_by(|a, b| a.0.cmp(&b.0));
    Ok(PathElement::Key(found))
}

/// Checks of `new` what it does not share with `known`, which is known to be sound.
pub(super) fn validate_beside(schema: &Schema, known: &Value, new: &Value) -> Result<(), String> {
    run(schema, Some(known), new, Duplicates::Allowed)
}

struct Validation<'a> {
    schema: &'a Schema,
    duplicates: Duplicates,
    path: Path,
    faults: Vec<String>,
}

impl Validation<'_> {
    fn value(&mut self, ty: TypeId, known: Option<&Value>, value: &Value) {
        if known.is_some_and(|known| known.is_same(value)) {
            return;
        }
        let schema = self.schema;
        match schema.get(ty).deduce(Some(value)).shape() {
            Shape::Map(map) => self.map(map, known, value),
            Shape::List(list) => self.list(list, known, value),
            Shape::Scalar(scalar) => {
                if let Some(problem) = scalar_problem(scalar, value) {
                    self.fault(&problem);
                }
            }
            Shape::Nothing => self.fault("schema error: invalid atom"),
        }
    }

    fn map(&mut self, map: &Map, known: Option<&Value>, value: &Value) {
        let fields = match value {
            Value::Null => return,
            Value::Object(fields) => fields,
            other => return self.fault(&format!("expected map, got &{{{}}}", golang::plain(other))),
        };
        for (name, value) in fields {
            self.path.push(PathElement::Field(name.clone()));
            if let Some(ty) = self.schema.field_type(map, name) {
                self.value(ty, known.and_then(|known| known.get(name)), value);
                self.path.pop();
            } else {
                self.fault("field not declared in schema");
                self.path.pop();
                return;
            }
        }
    }

    fn list(&mut self, list: &List, known: Option<&Value>, value: &Value) {
        let items = match value {
            Value::Null => return,
            Value::Array(items) => items,
            other => return self.fault(&format!("expected list, got &{{{}}}", golang::plain(other))),
        };
        let mut seen = std::collections::BTreeSet::new();
        for (index, item) in items.iter().enumerate() {
            let element = if list.relation == Relation::Atomic {
                PathElement::Index(i64::try_from(index).unwrap_or(i64::MAX))
            } else {
                match item_element(self.schema, list, item) {
                    Ok(element) => element,
                    Err(problem) => return self.fault(&format!("element {index}: {problem}")),
                }
            };
            if list.relation == Relation::Separable
                && !seen.insert(element.clone())
                && self.duplicates == Duplicates::Refused
            {
                self.fault(&format!("duplicate entries for key {element}"));
            }
            self.path.push(element);
            self.value(list.element, known.and_then(|known| known.get(index)), item);
            self.path.pop();
        }
    }

    fn fault(&mut self, problem: &str) {
        let path = super::path::print_path(&self.path);
        self.faults.push(if path.is_empty() { problem.to_owned() } else { format!("{path}: {problem}") });
    }
}

fn scalar_problem(scalar: Scalar, value: &Value) -> Option<String> {
    match (scalar, value) {
        (_, Value::Null)
        | (Scalar::Numeric, Value::Number(_))
        | (Scalar::String, Value::String(_))
        | (Scalar::Boolean, Value::Bool(_))
        | (Scalar::Untyped, Value::Number(_) | Value::String(_) | Value::Bool(_)) => None,
        (Scalar::Numeric, other) => {
            Some(format!("expected numeric (int or float), got {}", golang::type_name(other)))
        }
        (Scalar::String, other) => {
            Some(format!("expected string, got &value.valueUnstructured{{Value:{}}}", golang::syntax(other)))
        }
        (Scalar::Boolean, other) => Some(format!("expected boolean, got &{{{}}}", golang::plain(other))),
        (Scalar::Untyped, other) => Some(format!("expected any scalar, got &{{{}}}", golang::plain(other))),
    }
}

fn collect(schema: &Schema, ty: TypeId, value: &Value, path: &mut Path, set: &mut FieldSet) {
    match (schema.get(ty).deduce(Some(value)).shape(), value) {
        (
            Shape::Map(Map { relation: Relation::Atomic, .. })
            | Shape::List(List { relation: Relation::Atomic, .. })
            | Shape::Scalar(_),
            _,
        ) => set.insert(path),
        (Shape::Map(map), Value::Object(fields)) => {
            for (name, value) in fields {
                path.push(PathElement::Field(name.clone()));
                if let Some(ty) = schema.field_type(map, name) {
                    collect(schema, ty, value, path, set);
                }
                let empty = match value {
                    Value::Null => true,
                    Value::Object(fields) => fields.is_empty(),
                    _ => false,
                };
                if empty || !map.fields.contains_key(name.as_str()) {
                    set.insert(path);
                }
                path.pop();
            }
        }
        (Shape::List(list), Value::Array(items)) => collect_items(schema, list, items, path, set),
        _ => {}
    }
}

fn collect_items(schema: &Schema, list: &List, items: &[Value], path: &mut Path, set: &mut FieldSet) {
    let named: Vec<(PathElement, &Value)> = items
        .iter()
        .filter_map(|item| item_element(schema, list, item).ok().map(|element| (element, item)))
        .collect();
    let mut times = std::collections::BTreeMap::new();
    for (element, _) in &named {
        *times.entry(element).or_insert(0_usize) += 1;
    }
    for (element, item) in &named {
        path.push(element.clone());
        // What is there twice cannot be told apart, so it is owned as a whole.
        if times.get(element) == Some(&1) {
            collect(schema, list.element, item, path, set);
        }
        set.insert(path);
        path.pop();
    }
}
