//! The items of a list.

use std::ops::{Deref, DerefMut};
use std::sync::Arc;

use super::Value;

/// The items of a list; shared until it is changed.
#[derive(Clone, Default, Debug, Eq)]
pub struct List(Option<Arc<Vec<Value>>>);

impl List {
    /// No items.
    pub fn new() -> Self {
        Self::default()
    }

    /// The items.
    pub fn as_slice(&self) -> &[Value] {
        self
    }

    /// Whether both are one and the same.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        match (&self.0, &other.0) {
            (Some(one), Some(other)) => Arc::ptr_eq(one, other),
            (one, other) => one.is_none() && other.is_none(),
        }
    }
}

impl List {
    /// As [`Value::share`] does, item by item. What is shared with others already is only compared.
    pub(super) fn share(&mut self, held: &Self) -> bool {
        let Some(own) = self.0.as_mut().and_then(Arc::get_mut) else { return self == held };
        let mut is_equal = own.len() == held.len();
        for (own, held) in own.iter_mut().zip(held) {
            is_equal &= own.share(held);
        }
        is_equal
    }
}

impl Deref for List {
    type Target = Vec<Value>;

    fn deref(&self) -> &Vec<Value> {
        static NONE: Vec<Value> = Vec::new();
        self.0.as_ref().map_or(&NONE, |items| items)
    }
}

impl DerefMut for List {
    fn deref_mut(&mut self) -> &mut Vec<Value> {
        Arc::make_mut(self.0.get_or_insert_default())
    }
}

impl PartialEq for List {
    fn eq(&self, other: &Self) -> bool {
        self.is_same(other) || self.as_slice() == other.as_slice()
    }
}

impl From<Vec<Value>> for List {
    fn from(items: Vec<Value>) -> Self {
        Self((!items.is_empty()).then(|| Arc::new(items)))
    }
}

impl FromIterator<Value> for List {
    fn from_iter<I: IntoIterator<Item = Value>>(items: I) -> Self {
        items.into_iter().collect::<Vec<_>>().into()
    }
}

impl IntoIterator for List {
    type Item = Value;
    type IntoIter = std::vec::IntoIter<Value>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.map(Arc::unwrap_or_clone).unwrap_or_default().into_iter()
    }
}

impl<'a> IntoIterator for &'a List {
    type Item = &'a Value;
    type IntoIter = std::slice::Iter<'a, Value>;

    fn into_iter(self) -> Self::IntoIter {
        self.as_slice().iter()
    }
}

impl<'a> IntoIterator for &'a mut List {
    type Item = &'a mut Value;
    type IntoIter = std::slice::IterMut<'a, Value>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.as_mut().map_or(&mut [][..], |items| Arc::make_mut(items).as_mut_slice()).iter_mut()
    }
}
