//! Sets of fields as entries carry them, looked for and changed in that form: what stays is neither read nor written
//! anew, and is still shared with the entry before.

use super::path::PathElement;
use super::set::FieldSet;
use crate::tree::{Map, Text, Value};

/// Among what is below a field, says that the field itself is meant too.
const ITSELF: &str = ".";

/// A set with its elements as they are written.
pub(super) struct Written(Vec<Element>);

struct Element {
    name: Text,
    is_member: bool,
    below: Written,
}

impl Written {
    pub(super) fn of(set: &FieldSet) -> Self {
        let element = |element: &PathElement, is_member| Element {
            name: element.serialize(),
            is_member,
            below: set.child(element).map_or(Self(Vec::new()), Self::of),
        };
        let only_inside = set.children().map(|(inside, _)| inside).filter(|inside| !set.has_member(inside));
        let members = set.members().map(|member| element(member, true));
        Self(members.chain(only_inside.map(|inside| element(inside, false))).collect())
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// As an entry carries it.
    pub(super) fn to_fields(&self) -> Map {
        let mut fields = Map::new();
        self.put_into(&mut fields);
        fields
    }

    /// Whether written fields hold any of it.
    pub(super) fn meets(&self, fields: &Map) -> bool {
        self.0.iter().any(|element| {
            let found = fields.get(&element.name).and_then(Value::as_object);
            found.is_some_and(|at| element.is_member && is_member(at) || element.below.meets(at))
        })
    }

    /// Takes it out of written fields.
    pub(super) fn take_from(&self, fields: &mut Map) {
        for Element { name, is_member: takes_itself, below } in &self.0 {
            let Some(at) = fields.get(name).and_then(Value::as_object) else { continue };
            let (takes_itself, takes_below) = (*takes_itself && is_member(at), below.meets(at));
            if !takes_itself && !takes_below {
                continue;
            }
            let stays = is_member(at) && !takes_itself;
            let mut left = at.clone();
            left.remove(ITSELF);
            below.take_from(&mut left);
            set(fields, name, stays, left);
        }
    }

    /// Adds it to written fields.
    pub(super) fn put_into(&self, fields: &mut Map) {
        for Element { name, is_member: itself, below } in &self.0 {
            let held = fields.get(name).and_then(Value::as_object);
            if held.is_some_and(|at| (!itself || is_member(at)) && below.is_in(at)) {
                continue;
            }
            let itself = *itself || held.is_some_and(is_member);
            let mut all = held.cloned().unwrap_or_default();
            all.remove(ITSELF);
            below.put_into(&mut all);
            set(fields, name, itself, all);
        }
    }

    /// Whether written fields hold all of it.
    fn is_in(&self, fields: &Map) -> bool {
        self.0.iter().all(|element| {
            let found = fields.get(&element.name).and_then(Value::as_object);
            found.is_some_and(|at| (!element.is_member || is_member(at)) && element.below.is_in(at))
        })
    }
}

/// Whether a field is meant itself, of which this is written.
fn is_member(at: &Map) -> bool {
    at.is_empty() || at.contains_key(ITSELF)
}

/// Writes what is meant of a field: itself, and what is below it; nothing where that is nothing.
fn set(fields: &mut Map, name: &Text, itself: bool, mut below: Map) {
    if !itself && below.is_empty() {
        fields.remove(name);
        return;
    }
    if itself && !below.is_empty() {
        below.insert(ITSELF, Value::Object(Map::new()));
    }
    fields.insert(name.clone(), Value::Object(below));
}
