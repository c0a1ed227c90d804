//! Adapts recorded field sets to a schema in which a list or map has become atomic since they were written.

use super::path::{Path, PathElement};
use super::set::FieldSet;
use crate::schema::{Map, Relation, Schema, Type, TypeId};

/// The set as it reads under today's schema: what reached into something that is atomic now owns it whole.
pub(super) fn reconcile(schema: &Schema, set: &FieldSet) -> FieldSet {
    let mut walk = Walk { schema, path: Vec::new(), coarsened: FieldSet::default() };
    walk.value(schema.root(), Some(set), Ownership::Inside);
    if walk.coarsened.is_empty() {
        return set.clone();
    }
    set.recursive_difference(&walk.coarsened).union(&walk.coarsened)
}

/// How a set refers to a value.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Ownership {
    /// Exactly the value, nothing in it.
    Whole,
    /// Something in it.
    Inside,
}

struct Walk<'a> {
    schema: &'a Schema,
    path: Path,
    coarsened: FieldSet,
}

impl Walk<'_> {
    fn value(&mut self, ty: TypeId, set: Option<&FieldSet>, ownership: Ownership) {
        let Type { scalar, list, map, .. } = self.schema.get(ty);
        if let Some(map) = map {
            self.map(map, set, ownership);
        } else if scalar.is_some() {
        } else if let Some(list) = list {
            if ownership == Ownership::Inside && list.relation == Relation::Atomic {
                self.coarsened.insert(&self.path);
                return;
            }
            let element = list.element;
            self.children(set, |_| Some(element));
        }
    }

    fn map(&mut self, map: &Map, set: Option<&FieldSet>, ownership: Ownership) {
        let schema = self.schema;
        if map.fields.is_empty() && map.element.is_some_and(TypeId::is_deduced) {
            return;
        }
        if ownership == Ownership::Inside && map.relation == Relation::Atomic {
            if set.is_some_and(|set| !set.is_empty()) {
                self.coarsened.insert(&self.path);
            }
            return;
        }
        self.children(set, |element| match element {
            PathElement::Field(name) => schema.field_type(map, name),
            _ => map.element,
        });
    }

    fn children(&mut self, set: Option<&FieldSet>, type_of: impl Fn(&PathElement) -> Option<TypeId>) {
        let Some(set) = set else { return };
        let only_inside =
            set.children().map(|(element, _)| element).filter(|element| !set.has_member(element));
        for element in only_inside.chain(set.members()) {
            let Some(ty) = type_of(element) else { continue };
            let below = set.child(element);
            let ownership =
                if set.has_member(element) && below.is_none() { Ownership::Whole } else { Ownership::Inside };
            self.path.push(element.clone());
            self.value(ty, below, ownership);
            self.path.pop();
        }
    }
}
