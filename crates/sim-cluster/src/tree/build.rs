//! Trees as they are written down in the source.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use super::{Map, Text, Value};

/// What [`json!`] takes for a value.
pub(crate) trait ToValue {
    /// The same as a tree.
    fn to_value(&self) -> Value;
}

macro_rules! copied {
    ($($kind:ty)*) => {$(
        impl ToValue for $kind {
            fn to_value(&self) -> Value {
                Value::from(*self)
            }
        }
    )*};
}

copied!(bool u8 u16 u32 u64 usize i16 i32 i64 f64);

macro_rules! texts {
    ($($kind:ty)*) => {$(
        impl ToValue for $kind {
            fn to_value(&self) -> Value {
                Value::String(Text::from(&**self))
            }
        }
    )*};
}

texts!(String Box<str> Arc<str> Cow<'_, str>);

impl ToValue for str {
    fn to_value(&self) -> Value {
        Value::String(self.into())
    }
}

impl ToValue for Text {
    fn to_value(&self) -> Value {
        Value::String(self.clone())
    }
}

impl ToValue for Value {
    fn to_value(&self) -> Value {
        self.clone()
    }
}

impl ToValue for Map {
    fn to_value(&self) -> Value {
        Value::Object(self.clone())
    }
}

impl ToValue for super::List {
    fn to_value(&self) -> Value {
        Value::Array(self.clone())
    }
}

impl<T: ToValue + ?Sized> ToValue for &T {
    fn to_value(&self) -> Value {
        (**self).to_value()
    }
}

impl<T: ToValue> ToValue for Option<T> {
    fn to_value(&self) -> Value {
        self.as_ref().map_or(Value::Null, ToValue::to_value)
    }
}

impl<T: ToValue> ToValue for [T] {
    fn to_value(&self) -> Value {
        Value::Array(self.iter().map(ToValue::to_value).collect())
    }
}

impl<T: ToValue> ToValue for Vec<T> {
    fn to_value(&self) -> Value {
        self.as_slice().to_value()
    }
}

impl<T: ToValue, const N: usize> ToValue for [T; N] {
    fn to_value(&self) -> Value {
        self.as_slice().to_value()
    }
}

impl<N: AsRef<str>, T: ToValue> ToValue for BTreeMap<N, T> {
    fn to_value(&self) -> Value {
        Value::Object(self.iter().map(|(name, value)| (name.as_ref(), value.to_value())).collect())
    }
}

/// A [`Value`] as JSON is written, with expressions for values and for keys, which stand in parentheses unless they
/// are a literal or a name.
macro_rules! json {
    (@items [$($done:tt)*]) => {
        [$($done)*]
    };
    (@items [$($done:tt)*] null $(, $($rest:tt)*)?) => {
        $crate::tree::json!(@items [$($done)* $crate::tree::Value::Null,] $($($rest)*)?)
    };
    (@items [$($done:tt)*] [ $($item:tt)* ] $(, $($rest:tt)*)?) => {
        $crate::tree::json!(@items [$($done)* $crate::tree::json!([ $($item)* ]),] $($($rest)*)?)
    };
    (@items [$($done:tt)*] { $($item:tt)* } $(, $($rest:tt)*)?) => {
        $crate::tree::json!(@items [$($done)* $crate::tree::json!({ $($item)* }),] $($($rest)*)?)
    };
    (@items [$($done:tt)*] $item:expr $(, $($rest:tt)*)?) => {
        $crate::tree::json!(@items [$($done)* $crate::tree::ToValue::to_value(&$item),] $($($rest)*)?)
    };
    (@fields [$($done:tt)*]) => {
        [$($done)*]
    };
    (@fields [$($done:tt)*] $name:tt : null $(, $($rest:tt)*)?) => {
        $crate::tree::json!(@fields [$($done)* ($crate::tree::Text::from($name), $crate::tree::Value::Null),]
            $($($rest)*)?)
    };
    (@fields [$($done:tt)*] $name:tt : [ $($item:tt)* ] $(, $($rest:tt)*)?) => {
        $crate::tree::json!(@fields [$($done)* ($crate::tree::Text::from($name), $crate::tree::json!([ $($item)* ])),]
            $($($rest)*)?)
    };
    (@fields [$($done:tt)*] $name:tt : { $($item:tt)* } $(, $($rest:tt)*)?) => {
        $crate::tree::json!(@fields [$($done)* ($crate::tree::Text::from($name), $crate::tree::json!({ $($item)* })),]
            $($($rest)*)?)
    };
    (@fields [$($done:tt)*] $name:tt : $value:expr $(, $($rest:tt)*)?) => {
        $crate::tree::json!(
            @fields [$($done)* ($crate::tree::Text::from($name), $crate::tree::ToValue::to_value(&$value)),]
            $($($rest)*)?)
    };
    (null) => {
        $crate::tree::Value::Null
    };
    ([]) => {
        $crate::tree::Value::Array($crate::tree::List::new())
    };
    ([ $($items:tt)* ]) => {
        $crate::tree::Value::Array($crate::tree::List::from_iter($crate::tree::json!(@items [] $($items)*)))
    };
    ({}) => {
        $crate::tree::Value::Object($crate::tree::Map::new())
    };
    ({ $($fields:tt)* }) => {
        $crate::tree::Value::Object($crate::tree::Map::from_iter($crate::tree::json!(@fields [] $($fields)*)))
    };
    ($value:expr) => {
        $crate::tree::ToValue::to_value(&$value)
    };
}

pub(crate) use json;
