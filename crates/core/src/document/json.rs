//! JSON from outside, within bounds and without doubled keys.

use std::cell::RefCell;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

use super::Path;
use crate::error::Violation;

/// The longest document, in bytes.
pub const MAX_BYTES: usize = 1024 * 1024;

/// How deep a document may be nested: the document itself is 1.
pub const MAX_DEPTH: usize = 32;

/// Reads one JSON value: at most [`MAX_BYTES`] and [`MAX_DEPTH`], no key twice in an object, nothing behind.
pub fn parse_json(bytes: &[u8]) -> Result<Value, Vec<Violation>> {
    if bytes.len() > MAX_BYTES {
        return Err(vec![Violation::new(
            "",
            format!("the document has {} bytes, {MAX_BYTES} at most", bytes.len()),
            "keep large files out of the document: in the image, or in a volume",
        )]);
    }
    let faults = RefCell::new(Vec::new());
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    let seed = Bounded { path: Path::root(), depth: 1, faults: &faults };
    let read = seed.deserialize(&mut deserializer).and_then(|value| deserializer.end().map(|()| value));
    let mut faults = faults.into_inner();
    match read {
        Ok(value) if faults.is_empty() => return Ok(value),
        // A fault of the text behind one of our own only says that reading stopped there.
        Err(error) if faults.is_empty() => faults.push(syntax(&error)),
        Ok(_) | Err(_) => {}
    }
    Err(faults)
}

fn syntax(error: &serde_json::Error) -> Violation {
    let remedy = if error.is_eof() {
        "the end is missing: close every brace, bracket and quote"
    } else {
        "correct the text at that place"
    };
    Violation::new("", format!("the document is no JSON: {error}"), remedy)
}

/// Reads the value at `path`, and puts down what is beyond the bounds.
#[derive(Clone)]
struct Bounded<'f> {
    path: Path,
    depth: usize,
    faults: &'f RefCell<Vec<Violation>>,
}

impl Bounded<'_> {
    fn below(&self, path: Path) -> Self {
        Self { path, depth: self.depth + 1, faults: self.faults }
    }

    fn fault(&self, path: &Path, message: impl Into<String>, remedy: &str) {
        self.faults.borrow_mut().push(Violation::new(path.to_string(), message, remedy));
    }

    fn check_depth<E: serde::de::Error>(&self) -> Result<(), E> {
        if self.depth <= MAX_DEPTH {
            return Ok(());
        }
        let message = format!("the document is nested deeper than {MAX_DEPTH}");
        self.fault(&self.path, message.clone(), "no field of an App lies that deep; leave it out");
        Err(E::custom(message))
    }
}

impl<'de> DeserializeSeed<'de> for Bounded<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Bounded<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, truth: bool) -> Result<Value, E> {
        Ok(Value::Bool(truth))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Value, E> {
        Ok(Value::from(number))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Value, E> {
        Ok(Value::from(number))
    }

    fn visit_f64<E: serde::de::Error>(self, number: f64) -> Result<Value, E> {
        Number::from_f64(number).map(Value::Number).ok_or_else(|| E::custom("a number out of range"))
    }

    fn visit_str<E>(self, text: &str) -> Result<Value, E> {
        Ok(Value::from(text))
    }

    fn visit_string<E>(self, text: String) -> Result<Value, E> {
        Ok(Value::String(text))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        self.check_depth()?;
        let mut list = Vec::new();
        while let Some(item) = items.next_element_seed(self.below(self.path.index(list.len())))? {
            list.push(item);
        }
        Ok(Value::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        self.check_depth()?;
        let mut map = Map::new();
        while let Some(key) = entries.next_key::<String>()? {
            let path = self.path.field(key.as_str());
            let value = entries.next_value_seed(self.below(path.clone()))?;
            if map.insert(key, value).is_some() {
                self.fault(&path, "this key appears twice", "keep one of the two");
            }
            if self.faults.borrow().len() >= super::reader::MAX_FAULTS {
                return Err(A::Error::custom("too many faults"));
            }
        }
        Ok(Value::Object(map))
    }
}
