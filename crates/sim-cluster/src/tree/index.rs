//! `value["metadata"]["name"]`.

use std::ops::{Index, IndexMut};

use super::{Map, Value};

/// A key or a position.
pub trait Place {
    /// What is there.
    fn of<'v>(&self, value: &'v Value) -> Option<&'v Value>;

    /// What is there, to change it.
    fn of_mut<'v>(&self, value: &'v mut Value) -> Option<&'v mut Value>;

    /// What is there, made where a map or null lacks it.
    fn made<'v>(&self, value: &'v mut Value) -> &'v mut Value;
}

#[expect(
    clippy::panic,
    reason = "as indexing does everywhere; what comes from outside is looked at by `get`"
)]
impl Place for str {
    fn of<'v>(&self, value: &'v Value) -> Option<&'v Value> {
        value.as_object()?.get(self)
    }

    fn of_mut<'v>(&self, value: &'v mut Value) -> Option<&'v mut Value> {
        value.as_object_mut()?.get_mut(self)
    }

    fn made<'v>(&self, value: &'v mut Value) -> &'v mut Value {
        if value.is_null() {
            *value = Value::Object(Map::new());
        }
        match value {
            Value::Object(fields) => fields.entry(self).or_insert(Value::Null),
            other => panic!("{other} has no field {self:?}"),
        }
    }
}

#[expect(
    clippy::panic,
    reason = "as indexing does everywhere; what comes from outside is looked at by `get`"
)]
impl Place for usize {
    fn of<'v>(&self, value: &'v Value) -> Option<&'v Value> {
        value.as_array()?.get(*self)
    }

    fn of_mut<'v>(&self, value: &'v mut Value) -> Option<&'v mut Value> {
        value.as_array_mut()?.get_mut(*self)
    }

    fn made<'v>(&self, value: &'v mut Value) -> &'v mut Value {
        match self.of_mut(value) {
            Some(item) => item,
            None => panic!("there is no item {self}"),
        }
    }
}

macro_rules! names {
    ($($text:ty)*) => {$(
        impl Place for $text {
            fn of<'v>(&self, value: &'v Value) -> Option<&'v Value> {
                self.as_str().of(value)
            }

            fn of_mut<'v>(&self, value: &'v mut Value) -> Option<&'v mut Value> {
                self.as_str().of_mut(value)
            }

            fn made<'v>(&self, value: &'v mut Value) -> &'v mut Value {
                self.as_str().made(value)
            }
        }
    )*};
}

names!(String super::Text);

impl<P: Place + ?Sized> Place for &P {
    fn of<'v>(&self, value: &'v Value) -> Option<&'v Value> {
        (**self).of(value)
    }

    fn of_mut<'v>(&self, value: &'v mut Value) -> Option<&'v mut Value> {
        (**self).of_mut(value)
    }

    fn made<'v>(&self, value: &'v mut Value) -> &'v mut Value {
        (**self).made(value)
    }
}

/// Null where there is nothing.
impl<P: Place> Index<P> for Value {
    type Output = Value;

    fn index(&self, place: P) -> &Value {
        static NULL: Value = Value::Null;
        place.of(self).unwrap_or(&NULL)
    }
}

/// Made where a map or null lacks it; panics where it cannot be.
impl<P: Place> IndexMut<P> for Value {
    fn index_mut(&mut self, place: P) -> &mut Value {
        place.made(self)
    }
}
