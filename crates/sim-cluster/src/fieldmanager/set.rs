//! Sets of paths, and their form in `managedFields` (`FieldsV1`).

use std::collections::{BTreeMap, BTreeSet};

use super::path::{Path, PathElement};
use crate::schema::{Schema, TypeId};
use crate::tree::{Map as JsonMap, Value};

/// A set of paths into an object. A path's presence says nothing about its parents or children.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FieldSet {
    members: BTreeSet<PathElement>,
    children: BTreeMap<PathElement, FieldSet>,
}

impl FieldSet {
    /// Reads `fieldsV1`.
    pub fn from_fields_v1(fields: &Value) -> Result<Self, String> {
        Ok(read(fields)?.0)
    }

    /// Writes `fieldsV1`.
    pub fn to_fields_v1(&self) -> Value {
        self.write(false)
    }

    /// Adds a path; the empty path, which is the whole object, is never a member.
    pub fn insert(&mut self, path: &[PathElement]) {
        match path {
            [] => {}
            [last] => {
                self.members.insert(last.clone());
            }
            [first, rest @ ..] => match self.children.get_mut(first) {
                Some(child) => child.insert(rest),
                None => self.children.entry(first.clone()).or_default().insert(rest),
            },
        }
    }

    /// Adds all of another set.
    pub(super) fn absorb(&mut self, other: Self) {
        if self.members.is_empty() && self.children.is_empty() {
            *self = other;
            return;
        }
        self.members.extend(other.members);
        for (element, child) in other.children {
            self.children.entry(element).or_default().absorb(child);
        }
    }

    /// Whether the two have not even a first step in common.
    pub(super) fn is_apart_from(&self, other: &Self) -> bool {
        let of_other = |element| other.members.contains(element) || other.children.contains_key(element);
        !self.members.iter().chain(self.children.keys()).any(of_other)
    }

    /// Whether the path itself is a member.
    pub fn contains(&self, path: &[PathElement]) -> bool {
        match path {
            [] => false,
            [last] => self.members.contains(last),
            [first, rest @ ..] => self.children.get(first).is_some_and(|child| child.contains(rest)),
        }
    }

    /// Whether the set has no member at any depth.
    pub fn is_empty(&self) -> bool {
        self.members.is_empty() && self.children.values().all(Self::is_empty)
    }

    /// Every member, parents before what is in them at each level.
    pub fn paths(&self) -> Vec<Path> {
        let mut found = Vec::new();
        self.collect(&mut Vec::new(), &mut found);
        found
    }

    /// What is in either set.
    #[must_use]
    pub fn union(&self, other: &Self) -> Self {
        if self.is_empty() {
            return other.clone();
        }
        let mut union = self.clone();
        union.members.extend(other.members.iter().cloned());
        for (element, child) in &other.children {
            let merged = union.children.get(element).map_or_else(|| child.clone(), |own| own.union(child));
            union.children.insert(element.clone(), merged);
        }
        union
    }

    /// What is in both sets.
    #[must_use]
    pub fn intersection(&self, other: &Self) -> Self {
        Self {
            members: self.members.intersection(&other.members).cloned().collect(),
            children: self
                .children
                .iter()
                .filter_map(|(element, child)| {
                    let common = child.intersection(other.children.get(element)?);
                    (!common.is_empty()).then(|| (element.clone(), common))
                })
                .collect(),
        }
    }

    /// What is in this set and not in the other; a parent in the other takes no child away.
    #[must_use]
    pub fn difference(&self, other: &Self) -> Self {
        self.subtract(other, Depth::Members)
    }

    /// Like [`Self::difference`], but a member of the other set takes everything below it away.
    #[must_use]
    pub fn recursive_difference(&self, other: &Self) -> Self {
        self.subtract(other, Depth::Subtrees)
    }

    /// The part of the set below one element.
    pub(super) fn below(&self, element: &PathElement) -> Option<&Self> {
        self.children.get(element).filter(|child| !child.is_empty())
    }

    pub(super) fn members(&self) -> impl Iterator<Item = &PathElement> {
        self.members.iter()
    }

    pub(super) fn children(&self) -> impl Iterator<Item = (&PathElement, &Self)> {
        self.children.iter()
    }

    pub(super) fn has_member(&self, element: &PathElement) -> bool {
        self.members.contains(element)
    }

    pub(super) fn child(&self, element: &PathElement) -> Option<&Self> {
        self.children.get(element)
    }

    /// The set with every declared field that it reaches into as a member too: sets built from objects list
    /// the leaves only, while removing needs the structs above them.
    pub(super) fn with_named_fields(&self, schema: &Schema, ty: Option<TypeId>) -> Self {
        let ty = ty.map(|ty| schema.get(ty));
        let map = ty.and_then(|ty| ty.map.as_ref());
        let list = ty.and_then(|ty| ty.list.as_ref());
        let mut members = self.members.clone();
        let mut children = BTreeMap::new();
        for (element, child) in &self.children {
            let below = match element {
                PathElement::Field(name) => {
                    if map.is_some_and(|map| map.fields.contains_key(name.as_str())) {
                        members.insert(element.clone());
                    }
                    map.and_then(|map| schema.field_type(map, name))
                }
                PathElement::Key(_) => list.map(|list| list.element),
                PathElement::Value(_) | PathElement::Index(_) => None,
            };
            children.insert(element.clone(), child.with_named_fields(schema, below));
        }
        Self { members, children }
    }

    fn subtract(&self, other: &Self, depth: Depth) -> Self {
        if self.is_empty() || other.is_empty() {
            return self.clone();
        }
        let children = self.children.iter().filter_map(|(element, child)| {
            if depth == Depth::Subtrees && other.members.contains(element) {
                return None;
            }
            let Some(taken) = other.children.get(element) else {
                return Some((element.clone(), child.clone()));
            };
            let left = child.subtract(taken, depth);
            (!left.is_empty()).then(|| (element.clone(), left))
        });
        Self {
            members: self.members.difference(&other.members).cloned().collect(),
            children: children.collect(),
        }
    }

    fn collect(&self, prefix: &mut Path, found: &mut Vec<Path>) {
        for member in &self.members {
            let mut path = prefix.clone();
            path.push(member.clone());
            found.push(path);
        }
        for (element, child) in &self.children {
            prefix.push(element.clone());
            child.collect(prefix, found);
            prefix.pop();
        }
    }

    fn write(&self, include_self: bool) -> Value {
        let mut fields = JsonMap::new();
        if include_self && !(self.members.is_empty() && self.children.is_empty()) {
            fields.insert(".", Value::Object(JsonMap::new()));
        }
        let elements: BTreeSet<&PathElement> = self.members.iter().chain(self.children.keys()).collect();
        for element in elements {
            let member = self.members.contains(element);
            let below = self
                .children
                .get(element)
                .map_or_else(|| Value::Object(JsonMap::new()), |child| child.write(member));
            fields.insert(element.serialize(), below);
        }
        Value::Object(fields)
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Depth {
    Members,
    Subtrees,
}

/// Reads one level; the second part says whether the level itself is a member: it says so with `.`, or by
/// having nothing below it.
fn read(fields: &Value) -> Result<(FieldSet, bool), String> {
    let Value::Object(fields) = fields else {
        return Err(format!("fieldsV1 must be an object, got {fields}"));
    };
    let mut set = FieldSet::default();
    let mut member = false;
    for (key, below) in fields {
        if key == "." {
            member = true;
            continue;
        }
        let Some(element) = PathElement::parse(key)? else {
            continue;
        };
        let (child, child_is_member) = read(below)?;
        if child_is_member {
            set.members.insert(element.clone());
        }
        if !(child.members.is_empty() && child.children.is_empty()) {
            set.children.insert(element, child);
        }
    }
    let empty = set.members.is_empty() && set.children.is_empty();
    Ok((set, member || empty))
}
