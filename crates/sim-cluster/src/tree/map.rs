//! The fields of an object.

use std::borrow::Borrow;
use std::cmp::Ordering;
use std::slice;
use std::sync::Arc;

use super::{Text, Value};

/// As many fields most maps have at most.
const SMALL: usize = 8;

/// The fields of an object, ordered by their names; shared until it is changed.
///
/// One without fields holds nothing: what says who owns what is full of them.
#[derive(Clone, Default, Eq)]
pub struct Map(Option<Arc<Vec<(Text, Value)>>>);

impl Map {
    /// No fields.
    pub fn new() -> Self {
        Self::default()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.fields().len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.fields().is_empty()
    }

    /// Whether both are one and the same.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        match (&self.0, &other.0) {
            (Some(one), Some(other)) => Arc::ptr_eq(one, other),
            (one, other) => one.is_none() && other.is_none(),
        }
    }

    fn fields(&self) -> &[(Text, Value)] {
        self.0.as_ref().map_or(&[], |fields| fields)
    }

    fn fields_mut(&mut self) -> &mut Vec<(Text, Value)> {
        Arc::make_mut(self.0.get_or_insert_default())
    }

    fn slice_mut(&mut self) -> &mut [(Text, Value)] {
        self.0.as_mut().map_or(&mut [], |fields| Arc::make_mut(fields).as_mut_slice())
    }

    fn of(fields: Vec<(Text, Value)>) -> Self {
        Self((!fields.is_empty()).then(|| Arc::new(fields)))
    }

    /// As [`Value::share`] does, field by field. What is shared with others already is only compared.
    pub(super) fn share(&mut self, held: &Self) -> bool {
        let Some(own) = self.0.as_mut().and_then(Arc::get_mut) else { return self == held };
        let mut is_equal = own.len() == held.len();
        let mut held = held.fields();
        for (name, own) in own {
            // Both are in order.
            while let Some(((passed, _), rest)) = held.split_first()
                && passed < name
            {
                held = rest;
            }
            match held.split_first() {
                Some(((found, value), rest)) if found == name => {
                    is_equal &= own.share(value);
                    held = rest;
                }
                _ => is_equal = false,
            }
        }
        is_equal
    }

    /// Where a field is. Most maps are so small that asking each in turn, which compares lengths first, is quicker.
    fn at(&self, name: &str) -> Option<usize> {
        if self.len() <= SMALL {
            self.fields().iter().position(|(held, _)| held == name)
        } else {
            self.find(name).ok()
        }
    }

    /// The same, or where it would be.
    fn find(&self, name: &str) -> Result<usize, usize> {
        self.fields().binary_search_by(|(held, _)| held.as_str().cmp(name))
    }

    /// Whether there is one of this name.
    pub fn contains_key(&self, name: &(impl Borrow<str> + ?Sized)) -> bool {
        self.at(name.borrow()).is_some()
    }

    /// The field of this name.
    pub fn get(&self, name: &(impl Borrow<str> + ?Sized)) -> Option<&Value> {
        self.fields().get(self.at(name.borrow())?).map(|(_, value)| value)
    }

    /// The field of this name, to change it.
    pub fn get_mut(&mut self, name: &(impl Borrow<str> + ?Sized)) -> Option<&mut Value> {
        let at = self.at(name.borrow())?;
        self.fields_mut().get_mut(at).map(|(_, value)| value)
    }

    /// Sets a field; the answer is what it was before.
    pub fn insert(&mut self, name: impl Into<Text>, value: Value) -> Option<Value> {
        let name = name.into();
        let found = self.find(&name);
        let fields = self.fields_mut();
        match found {
            Ok(at) => Some(std::mem::replace(&mut fields[at].1, value)),
            Err(at) => {
                fields.insert(at, (name, value));
                None
            }
        }
    }

    /// Takes a field out.
    pub fn remove(&mut self, name: &(impl Borrow<str> + ?Sized)) -> Option<Value> {
        let at = self.at(name.borrow())?;
        Some(self.fields_mut().remove(at).1)
    }

    /// Keeps the fields of which `keep` says so; a map that keeps all is not copied.
    pub fn retain(&mut self, mut keep: impl FnMut(&Text, &Value) -> bool) {
        if !self.iter().all(|(name, value)| keep(name, value)) {
            self.retain_mut(|name, value| keep(name, value));
        }
    }

    /// The same, where the fields that are kept may change.
    pub fn retain_mut(&mut self, mut keep: impl FnMut(&Text, &mut Value) -> bool) {
        if !self.is_empty() {
            self.fields_mut().retain_mut(|(name, value)| keep(name, value));
        }
    }

    /// A field that may be absent, to be filled.
    pub fn entry(&mut self, name: impl Into<Text>) -> Entry<'_> {
        Entry { map: self, name: name.into() }
    }

    /// All of them, in the order of their names.
    pub fn iter(&self) -> Iter<'_> {
        self.fields().iter().map(|(name, value)| (name, value))
    }

    /// All of them, to change them.
    pub fn iter_mut(&mut self) -> IterMut<'_> {
        self.slice_mut().iter_mut().map(|(name, value)| (&*name, value))
    }

    /// The names, in order.
    pub fn keys(&self) -> impl DoubleEndedIterator<Item = &Text> + ExactSizeIterator {
        self.fields().iter().map(|(name, _)| name)
    }

    /// The values, in the order of the names.
    pub fn values(&self) -> impl DoubleEndedIterator<Item = &Value> + ExactSizeIterator {
        self.fields().iter().map(|(_, value)| value)
    }

    /// The fields of two maps, in one order: those of one name beside each other.
    pub(crate) fn pairs<'a>(one: Option<&'a Self>, other: Option<&'a Self>) -> Pairs<'a> {
        let fields = |map: Option<&'a Self>| map.map_or(&[][..], Self::fields);
        Pairs { one: fields(one), other: fields(other) }
    }

    /// The values, to change them.
    pub fn values_mut(&mut self) -> impl DoubleEndedIterator<Item = &mut Value> {
        self.slice_mut().iter_mut().map(|(_, value)| value)
    }
}

type Iter<'a> =
    std::iter::Map<slice::Iter<'a, (Text, Value)>, fn(&'a (Text, Value)) -> (&'a Text, &'a Value)>;
type IterMut<'a> =
    std::iter::Map<slice::IterMut<'a, (Text, Value)>, fn(&'a mut (Text, Value)) -> (&'a Text, &'a mut Value)>;

/// What [`Map::pairs`] goes through.
pub(crate) struct Pairs<'a> {
    one: &'a [(Text, Value)],
    other: &'a [(Text, Value)],
}

impl<'a> Iterator for Pairs<'a> {
    type Item = (&'a Text, Option<&'a Value>, Option<&'a Value>);

    fn next(&mut self) -> Option<Self::Item> {
        let order = match (self.one, self.other) {
            ([], []) => return None,
            ([], _) => Ordering::Greater,
            (_, []) => Ordering::Less,
            ([(one, _), ..], [(other, _), ..]) => one.cmp(other),
        };
        let one = if order.is_gt() { None } else { self.one.split_off_first() };
        let other = if order.is_lt() { None } else { self.other.split_off_first() };
        let (name, _) = one.or(other)?;
        Some((name, one.map(|(_, value)| value), other.map(|(_, value)| value)))
    }
}

/// A place in a map.
pub struct Entry<'a> {
    map: &'a mut Map,
    name: Text,
}

impl<'a> Entry<'a> {
    /// What is there, or else this.
    pub fn or_insert(self, value: Value) -> &'a mut Value {
        self.or_insert_with(|| value)
    }

    /// What is there, or else what this makes.
    pub fn or_insert_with(self, value: impl FnOnce() -> Value) -> &'a mut Value {
        let Self { map, name } = self;
        let found = map.find(&name);
        let fields = map.fields_mut();
        let at = found.unwrap_or_else(|at| {
            fields.insert(at, (name, value()));
            at
        });
        &mut fields[at].1
    }
}

impl PartialEq for Map {
    fn eq(&self, other: &Self) -> bool {
        self.is_same(other) || self.fields() == other.fields()
    }
}

/// Of fields with one name, the last stays.
impl<N: Into<Text>> FromIterator<(N, Value)> for Map {
    fn from_iter<I: IntoIterator<Item = (N, Value)>>(fields: I) -> Self {
        Self::from(fields.into_iter().map(|(name, value)| (name.into(), value)).collect::<Vec<_>>())
    }
}

impl From<Vec<(Text, Value)>> for Map {
    fn from(mut fields: Vec<(Text, Value)>) -> Self {
        if !fields.is_sorted_by(|(one, _): &(Text, Value), (next, _)| one < next) {
            fields.reverse();
            fields.sort_by(|(one, _), (other, _)| one.cmp(other));
            fields.dedup_by(|(later, _), (kept, _)| later == kept);
        }
        Self::of(fields)
    }
}

impl<N: Into<Text>> Extend<(N, Value)> for Map {
    fn extend<I: IntoIterator<Item = (N, Value)>>(&mut self, fields: I) {
        for (name, value) in fields {
            self.insert(name, value);
        }
    }
}

impl IntoIterator for Map {
    type Item = (Text, Value);
    type IntoIter = std::vec::IntoIter<(Text, Value)>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.map(Arc::unwrap_or_clone).unwrap_or_default().into_iter()
    }
}

impl<'a> IntoIterator for &'a Map {
    type Item = (&'a Text, &'a Value);
    type IntoIter = Iter<'a>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl<'a> IntoIterator for &'a mut Map {
    type Item = (&'a Text, &'a mut Value);
    type IntoIter = IterMut<'a>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter_mut()
    }
}

impl std::fmt::Debug for Map {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_map().entries(self).finish()
    }
}
