//! What whoever makes an object owns of it depends on the names in it and hardly on the values. What was found for one
//! event holds for the next that has the same fields.

use std::collections::HashMap;

use parking_lot::Mutex;

use super::Target;
use crate::tree::Value;

/// Of so many shapes it is noted what is owned; all are forgotten when there are more.
const MOST: usize = 64;
/// Shapes of more bytes are not noted: of large objects hardly two have the same.
const LARGEST: usize = 1024;

/// What is owned of new objects, by their shape.
#[derive(Debug, Default)]
pub struct Shapes(Mutex<HashMap<Vec<u8>, Option<Value>>>);

impl Shapes {
    /// What was found for an object of the same shape at the same endpoint, or is found now.
    pub(super) fn fields_of(
        &self,
        target: &Target<'_>,
        object: &Value,
        find: impl FnOnce() -> Option<Value>,
    ) -> Option<Value> {
        let mut shape = Shape(Vec::with_capacity(LARGEST));
        for part in [target.api_version, target.kind, target.subresource] {
            shape.text(part);
        }
        if !shape.value(object, Values::Kinds) {
            return find();
        }
        if let Some(found) = self.0.lock().get(&shape.0) {
            return found.clone();
        }
        let found = find();
        let mut noted = self.0.lock();
        if noted.len() >= MOST {
            noted.clear();
        }
        noted.insert(shape.0, found.clone());
        found
    }
}

/// The names of all fields and the kinds of all scalars, one after the other.
struct Shape(Vec<u8>);

/// How much of a scalar matters.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Values {
    /// Whether it is null, or what a field is that nobody has set.
    Kinds,
    /// All of it: items of lists are known by what is in them.
    Whole,
}

impl Shape {
    fn text(&mut self, text: &str) {
        self.0.extend_from_slice(&text.len().to_le_bytes());
        self.0.extend_from_slice(text.as_bytes());
    }

    /// Adds a value; the answer is whether the shape is still small enough.
    fn value(&mut self, value: &Value, values: Values) -> bool {
        if self.0.len() > LARGEST {
            return false;
        }
        match value {
            Value::Null => self.0.push(b'n'),
            Value::Bool(flag) => self.0.push(if *flag { b't' } else { b'f' }),
            Value::Number(number) => {
                let is_zero = number.as_f64() == Some(0.0);
                self.0.push(if is_zero { b'0' } else { b'1' });
                if values == Values::Whole {
                    self.text(&number.to_string());
                }
            }
            Value::String(text) => {
                self.0.push(match text.as_str() {
                    "" => b'e',
                    "0" => b'z',
                    _ => b's',
                });
                if values == Values::Whole {
                    self.text(text);
                }
            }
            Value::Array(items) => {
                self.0.push(b'[');
                if !items.iter().all(|item| self.value(item, Values::Whole)) {
                    return false;
                }
                self.0.push(b']');
            }
            Value::Object(fields) => {
                self.0.push(b'{');
                for (name, value) in fields {
                    self.text(name);
                    if !self.value(value, values) {
                        return false;
                    }
                }
                self.0.push(b'}');
            }
        }
        true
    }
}
