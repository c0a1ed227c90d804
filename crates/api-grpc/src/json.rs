//! Between `google.protobuf.Struct` and JSON.

use std::collections::BTreeMap;

use plimsoll_core::error::Violation;
use prost_types::value::Kind;
use serde_json::{Map, Number, Value};

/// The largest whole number that a double holds exactly together with all below it.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// A document as JSON. Protobuf knows one sort of number; a whole one becomes an integer, as it was written.
pub(crate) fn document(document: prost_types::Struct) -> Result<Value, Violation> {
    object("", document)
}

fn object(path: &str, object: prost_types::Struct) -> Result<Value, Violation> {
    let mut map = Map::new();
    for (key, field) in object.fields {
        let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
        map.insert(key, value(&path, field)?);
    }
    Ok(Value::Object(map))
}

fn value(path: &str, value: prost_types::Value) -> Result<Value, Violation> {
    Ok(match value.kind {
        None | Some(Kind::NullValue(_)) => Value::Null,
        Some(Kind::BoolValue(value)) => Value::Bool(value),
        Some(Kind::StringValue(value)) => Value::String(value),
        Some(Kind::NumberValue(number)) => Value::Number(self::number(number).ok_or_else(|| {
            Violation::new(path, format!("{number} is no number that JSON knows"), "give a finite number")
        })?),
        Some(Kind::StructValue(object)) => self::object(path, object)?,
        Some(Kind::ListValue(list)) => {
            let items = list.values.into_iter().enumerate();
            Value::Array(
                items
                    .map(|(n, item)| self::value(&format!("{path}[{n}]"), item))
                    .collect::<Result<_, _>>()?,
            )
        }
    })
}

#[expect(clippy::cast_possible_truncation, reason = "the number is whole and below 2^53")]
fn number(number: f64) -> Option<Number> {
    if number.fract() == 0.0 && number.abs() < EXACT {
        return Some(Number::from(number as i64));
    }
    Number::from_f64(number)
}

/// JSON as a protobuf value.
pub(crate) fn to_value(value: Value) -> prost_types::Value {
    let kind = match value {
        Value::Null => Kind::NullValue(0),
        Value::Bool(value) => Kind::BoolValue(value),
        // Every number that serde_json holds without arbitrary precision has a double.
        Value::Number(number) => Kind::NumberValue(number.as_f64().unwrap_or_default()),
        Value::String(value) => Kind::StringValue(value),
        Value::Array(items) => {
            Kind::ListValue(prost_types::ListValue { values: items.into_iter().map(to_value).collect() })
        }
        Value::Object(map) => Kind::StructValue(to_struct(map)),
    };
    prost_types::Value { kind: Some(kind) }
}

/// A JSON object as a protobuf struct.
pub(crate) fn to_struct(map: Map<String, Value>) -> prost_types::Struct {
    let fields: BTreeMap<String, prost_types::Value> =
        map.into_iter().map(|(key, value)| (key, to_value(value))).collect();
    prost_types::Struct { fields }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn struct_of(value: Value) -> prost_types::Struct {
        match value {
            Value::Object(map) => to_struct(map),
            other => panic!("{other}"),
        }
    }

    #[test]
    fn a_document_comes_back_as_it_was() {
        let value = json!({"spec": {"scale": {"replicas": 3}, "ratio": 0.5, "big": 9_007_199_254_740_991_i64,
            "env": {"A": "1"}, "ports": [{"port": 80}, null, true]}});
        assert_eq!(document(struct_of(value.clone())).unwrap(), value);
    }

    #[test]
    fn a_number_that_json_does_not_know_is_named() {
        let mut fields = BTreeMap::new();
        let nan = prost_types::Value { kind: Some(Kind::NumberValue(f64::NAN)) };
        let list = prost_types::ListValue { values: vec![nan] };
        fields.insert("spec".to_owned(), prost_types::Value { kind: Some(Kind::ListValue(list)) });
        assert_eq!(document(prost_types::Struct { fields }).unwrap_err().path, "spec[0]");
    }
}
