//! JSON trees of which a copy costs nothing and shares everything.
//!
//! A write to the cluster takes the object that is there, changes a field or two, and then asks a dozen times what
//! is different. With trees that own their branches that is a dozen walks through some five hundred values, and two
//! or three copies of them. Here a map or a list is shared by all the trees that have it, until one of them changes
//! it: a copy shares the root, a change copies the maps on its way and nothing beside, and two trees are known to be
//! equal below any branch that is one and the same.
//!
//! What can be done with a [`Value`] is called as in `serde_json`, of which the numbers are.

mod build;
mod convert;
mod index;
mod list;
mod map;
mod read;
#[cfg(test)]
pub(crate) mod tests;
mod write;

use std::fmt;

pub(crate) use build::ToValue;
pub(crate) use build::json;
pub use list::List;
pub use map::Map;
pub use serde_json::Number;
/// A string, of which a copy costs nothing either.
pub use smol_str::SmolStr as Text;

pub(crate) use convert::written;
use index::Place;
pub(crate) use write::write;

/// A JSON value.
#[derive(Clone, Default, PartialEq, Eq)]
pub enum Value {
    /// Nothing.
    #[default]
    Null,
    /// True or false.
    Bool(bool),
    /// Whole or not, as it was written.
    Number(Number),
    /// A string.
    String(Text),
    /// A list.
    Array(List),
    /// Fields by name.
    Object(Map),
}

impl Value {
    /// What is at a key of a map, or at a position of a list.
    pub fn get(&self, place: impl Place) -> Option<&Self> {
        place.of(self)
    }

    /// The same, to change it.
    pub fn get_mut(&mut self, place: impl Place) -> Option<&mut Self> {
        place.of_mut(self)
    }

    /// What is at a JSON pointer.
    pub fn pointer(&self, pointer: &str) -> Option<&Self> {
        steps(pointer)?.try_fold(self, |value, step| match value {
            Self::Object(fields) => fields.get(&unescaped(step)),
            Self::Array(items) => items.get(position(step)?),
            _ => None,
        })
    }

    /// The same, to change it.
    pub fn pointer_mut(&mut self, pointer: &str) -> Option<&mut Self> {
        steps(pointer)?.try_fold(self, |value, step| match value {
            Self::Object(fields) => fields.get_mut(&unescaped(step)),
            Self::Array(items) => items.get_mut(position(step)?),
            _ => None,
        })
    }

    /// The text of a string.
    pub fn as_str(&self) -> Option<&str> {
        if let Self::String(text) = self { Some(text) } else { None }
    }

    /// Whether a boolean is true.
    pub fn as_bool(&self) -> Option<bool> {
        if let Self::Bool(flag) = self { Some(*flag) } else { None }
    }

    /// A number that is a whole one and fits.
    pub fn as_i64(&self) -> Option<i64> {
        if let Self::Number(number) = self { number.as_i64() } else { None }
    }

    /// A number that is a whole one, not negative, and fits.
    pub fn as_u64(&self) -> Option<u64> {
        if let Self::Number(number) = self { number.as_u64() } else { None }
    }

    /// A number.
    pub fn as_f64(&self) -> Option<f64> {
        if let Self::Number(number) = self { number.as_f64() } else { None }
    }

    /// A list.
    pub fn as_array(&self) -> Option<&List> {
        if let Self::Array(items) = self { Some(items) } else { None }
    }

    /// A list, to change it.
    pub fn as_array_mut(&mut self) -> Option<&mut List> {
        if let Self::Array(items) = self { Some(items) } else { None }
    }

    /// The fields of an object.
    pub fn as_object(&self) -> Option<&Map> {
        if let Self::Object(fields) = self { Some(fields) } else { None }
    }

    /// The fields of an object, to change them.
    pub fn as_object_mut(&mut self) -> Option<&mut Map> {
        if let Self::Object(fields) = self { Some(fields) } else { None }
    }

    /// Whether there is nothing.
    pub fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    /// Whether it is a string.
    pub fn is_string(&self) -> bool {
        matches!(self, Self::String(_))
    }

    /// Whether it is a number.
    pub fn is_number(&self) -> bool {
        matches!(self, Self::Number(_))
    }

    /// Whether it is a whole number that fits 64 bits.
    pub fn is_i64(&self) -> bool {
        self.as_i64().is_some()
    }

    /// Whether it is a whole number that is not negative and fits 64 bits.
    pub fn is_u64(&self) -> bool {
        self.as_u64().is_some()
    }

    /// Whether it is a boolean.
    pub fn is_boolean(&self) -> bool {
        matches!(self, Self::Bool(_))
    }

    /// Whether it is a list.
    pub fn is_array(&self) -> bool {
        matches!(self, Self::Array(_))
    }

    /// Whether it is an object.
    pub fn is_object(&self) -> bool {
        matches!(self, Self::Object(_))
    }

    /// The value, of which null stays.
    #[must_use]
    pub fn take(&mut self) -> Self {
        std::mem::take(self)
    }

    /// Whether two values are the same branch of their trees, or scalars that are equal: what can be told at once. Of
    /// equal branches that were made apart it says no.
    pub fn is_same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Array(one), Self::Array(other)) => one.is_same(other),
            (Self::Object(one), Self::Object(other)) => one.is_same(other),
            (Self::Array(_) | Self::Object(_), _) | (_, Self::Array(_) | Self::Object(_)) => false,
            (one, other) => one == other,
        }
    }

    /// Takes the branches of another tree in the place of those of its own that are equal, so that whoever compares
    /// the two from then on is soon done; the answer is whether they are equal altogether.
    pub(crate) fn share(&mut self, held: &Self) -> bool {
        if self.is_same(held) {
            return true;
        }
        let is_equal = match (&mut *self, held) {
            (Self::Array(own), Self::Array(held)) => own.share(held),
            (Self::Object(own), Self::Object(held)) => own.share(held),
            _ => false,
        };
        if is_equal {
            self.clone_from(held);
        }
        is_equal
    }
}

fn steps(pointer: &str) -> Option<impl Iterator<Item = &str>> {
    if !pointer.is_empty() && !pointer.starts_with('/') {
        return None;
    }
    Some(pointer.split('/').skip(1))
}

fn unescaped(step: &str) -> std::borrow::Cow<'_, str> {
    if step.contains('~') { step.replace("~1", "/").replace("~0", "~").into() } else { step.into() }
}

fn position(step: &str) -> Option<usize> {
    if step.starts_with('+') || (step.starts_with('0') && step.len() > 1) {
        return None;
    }
    step.parse().ok()
}

/// As compact JSON.
impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&serde_json::to_string(self).map_err(|_| fmt::Error)?)
    }
}

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
