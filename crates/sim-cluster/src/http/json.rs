//! JSON bodies as the real server reads them: a field that is named twice is told, and merged where it is a map.

use std::cell::RefCell;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};

use crate::tree::{Map, Number, Value};

/// A value, and the paths of the fields that were named more than once.
pub(super) fn parse(bytes: &[u8]) -> Result<(Value, Vec<String>), serde_json::Error> {
    let doubled = RefCell::new(Vec::new());
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    let value = Node { place: &Place::Root, doubled: &doubled }.deserialize(&mut deserializer)?;
    deserializer.end()?;
    Ok((value, doubled.into_inner()))
}

/// Where a value stands; only written out when it is told.
enum Place<'a> {
    Root,
    Field(&'a Place<'a>, &'a str),
    Item(&'a Place<'a>, usize),
}

impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Root => Ok(()),
            Self::Field(Self::Root, name) => write!(f, "{name}"),
            Self::Field(parent, name) => write!(f, "{parent}.{name}"),
            Self::Item(parent, at) => write!(f, "{parent}[{at}]"),
        }
    }
}

#[derive(Clone, Copy)]
struct Node<'a> {
    place: &'a Place<'a>,
    doubled: &'a RefCell<Vec<String>>,
}

impl<'de> DeserializeSeed<'de> for Node<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Node<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        Ok(Number::from_f64(value).map_or(Value::Null, Value::Number))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_string<E: Error>(self, value: String) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_unit<E: Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        loop {
            let place = Place::Item(self.place, list.len());
            match items.next_element_seed(Node { place: &place, ..self })? {
                Some(item) => list.push(item),
                None => return Ok(list.into()),
            }
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut fields = Map::new();
        while let Some(name) = entries.next_key::<String>()? {
            let place = Place::Field(self.place, &name);
            let value = entries.next_value_seed(Node { place: &place, ..self })?;
            match fields.get_mut(&name) {
                None => drop(fields.insert(name, value)),
                Some(held) => {
                    self.doubled.borrow_mut().push(place.to_string());
                    merge(held, value);
                }
            }
        }
        Ok(fields.into())
    }
}

fn merge(held: &mut Value, value: Value) {
    match (held, value) {
        (Value::Object(held), Value::Object(fields)) => {
            for (name, value) in fields {
                merge(held.entry(name).or_insert(Value::Null), value);
            }
        }
        (held, value) => *held = value,
    }
}

#[cfg(test)]
mod tests {
    use crate::tree::json;

    use super::parse;

    #[test]
    fn fields_named_twice_are_told_with_their_paths_and_maps_are_merged() {
        let body = br#"{"a":{"b":1},"l":[{"x":1,"x":2}],"a":{"c":true},"t":null}"#;
        let (value, doubled) = parse(body).unwrap();
        assert_eq!(value, json!({"a": {"b": 1, "c": true}, "l": [{"x": 2}], "t": null}));
        assert_eq!(doubled, ["l[0].x", "a"]);
        assert!(parse(b"{} {}").is_err());
    }
}
