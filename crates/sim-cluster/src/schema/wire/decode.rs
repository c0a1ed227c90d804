//! From a message to the JSON that the same Go struct would be printed as.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;

use super::{Field, FieldShape, Reader, WireError, WireTypes, WireValue};
use crate::tree::{Map, Number, Value, json};

/// Deeper nesting than this is refused; only the schemas of custom resources nest at will.
const DEEPEST: usize = 100;

const DEFINITIONS: &str = "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.";

impl WireTypes {
    /// Whether the structure of a kind is known.
    pub(crate) fn knows(&self, api_version: &str, kind: &str) -> bool {
        self.kinds.contains_key(&format!("{api_version} {kind}"))
    }

    /// The fields of an object of a kind that is known, without `apiVersion` and `kind`.
    pub(crate) fn object(&self, api_version: &str, kind: &str, bytes: &[u8]) -> Result<Value, WireError> {
        let name = self.kinds.get(&format!("{api_version} {kind}"));
        let mut fields = Map::new();
        if let Some(name) = name {
            self.message(name, bytes, &mut fields, 0)?;
        }
        Ok(Value::Object(fields))
    }

    fn message(&self, name: &str, bytes: &[u8], into: &mut Map, depth: usize) -> Result<(), WireError> {
        if depth > DEEPEST {
            return Err(WireError::Value("nested too deep".to_owned()));
        }
        let short = name.rsplit('.').next().unwrap_or_default();
        let fields = self.structs.get(name);
        let mut reader = Reader::new(bytes);
        while let Some((number, written)) = reader.field(short)? {
            // What a newer client has more is dropped.
            let Some(field) = fields.and_then(|fields| fields.get(&number)) else { continue };
            if field.inline {
                self.message(&field.ty, field.bytes(written)?, into, depth + 1)?;
                continue;
            }
            match field.shape {
                FieldShape::One => {
                    let held = into.remove(&field.name);
                    let value = self.value(field, written, held, depth)?;
                    // Go writes every field that is no pointer, set or not.
                    if field.pointer || !is_zero(&value) {
                        into.insert(field.name.clone(), value);
                    }
                }
                FieldShape::List => {
                    let list = into.entry(&field.name).or_insert_with(|| json!([]));
                    let Some(list) = list.as_array_mut() else { continue };
                    match written {
                        WireValue::Bytes(packed) if field.is_number() => {
                            let mut packed = Reader::new(packed);
                            while !packed.is_empty() {
                                list.push(field.number(packed.varint()?));
                            }
                        }
                        _ => list.push(self.value(field, written, None, depth)?),
                    }
                }
                FieldShape::Map => {
                    let (key, value) = self.entry(field, field.bytes(written)?, depth)?;
                    let map = into.entry(&field.name).or_insert_with(|| json!({}));
                    if let Some(map) = map.as_object_mut() {
                        map.insert(key, value);
                    }
                }
            }
        }
        Ok(())
    }

    /// An entry of a map: a message of a key and a value.
    fn entry(&self, field: &Field, bytes: &[u8], depth: usize) -> Result<(String, Value), WireError> {
        let (mut key, mut value) = (String::new(), None);
        let mut reader = Reader::new(bytes);
        while let Some((number, written)) = reader.field("Entry")? {
            match number {
                1 => key = text(field.bytes(written)?),
                2 => value = Some(self.value(field, written, value, depth)?),
                _ => {}
            }
        }
        Ok((key, value.unwrap_or_else(|| field.zero())))
    }

    /// One value; a message that comes in parts is joined with what is `held` of it.
    fn value(
        &self,
        field: &Field,
        written: WireValue<'_>,
        held: Option<Value>,
        depth: usize,
    ) -> Result<Value, WireError> {
        if field.wrapped {
            return strings(field.bytes(written)?);
        }
        if field.is_number() || field.ty == "bool" {
            let WireValue::Varint(number) = written else { return Err(field.wrong(written)) };
            return Ok(field.number(number));
        }
        if field.ty == "float64" {
            let WireValue::Fixed64(bits) = written else { return Err(field.wrong(written)) };
            return Ok(Number::from_f64(f64::from_bits(bits)).map_or(Value::Null, Value::Number));
        }
        let bytes = field.bytes(written)?;
        if let Some(of) = field.ty.strip_prefix(DEFINITIONS)
            && let Some(value) = self.of_definition(of, bytes, depth)?
        {
            return Ok(value);
        }
        match field.ty.rsplit('.').next().unwrap_or_default() {
            "string" => Ok(text(bytes).into()),
            "bytes" => Ok(STANDARD.encode(bytes).into()),
            "Time" => time(bytes, |at| at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()),
            "MicroTime" => time(bytes, |at| at.strftime("%Y-%m-%dT%H:%M:%S%.6fZ").to_string()),
            "Quantity" => Ok(single(bytes)?.map_or_else(|| json!("0"), |bytes| text(bytes).into())),
            "IntOrString" => int_or_string(bytes),
            "RawExtension" | "FieldsV1" => embedded(single(bytes)?.unwrap_or_default()),
            _ => {
                let mut fields = match held {
                    Some(Value::Object(fields)) => fields,
                    _ => Map::new(),
                };
                self.message(&field.ty, bytes, &mut fields, depth + 1)?;
                Ok(Value::Object(fields))
            }
        }
    }

    /// The types of a `CustomResourceDefinition` that may be one thing or another.
    fn of_definition(&self, of: &str, bytes: &[u8], depth: usize) -> Result<Option<Value>, WireError> {
        const SCHEMA: &str = "JSONSchemaProps";
        if !["JSON", "JSONSchemaPropsOrArray", "JSONSchemaPropsOrBool", "JSONSchemaPropsOrStringArray"]
            .contains(&of)
        {
            return Ok(None);
        }
        if of == "JSON" {
            return embedded(single(bytes)?.unwrap_or_default()).map(Some);
        }
        let (mut allowed, mut schema, mut list) = (Value::Bool(false), None, Vec::new());
        let mut reader = Reader::new(bytes);
        let props = |bytes: &[u8]| {
            let mut fields = Map::new();
            self.message(&format!("{DEFINITIONS}{SCHEMA}"), bytes, &mut fields, depth + 1)?;
            Ok::<_, WireError>(Value::Object(fields))
        };
        while let Some((number, written)) = reader.field(of)? {
            match (of, number, written) {
                ("JSONSchemaPropsOrBool", 1, WireValue::Varint(number)) => allowed = (number != 0).into(),
                ("JSONSchemaPropsOrBool", 2, WireValue::Bytes(bytes))
                | ("JSONSchemaPropsOrArray" | "JSONSchemaPropsOrStringArray", 1, WireValue::Bytes(bytes)) => {
                    schema = Some(props(bytes)?);
                }
                ("JSONSchemaPropsOrArray", 2, WireValue::Bytes(bytes)) => list.push(props(bytes)?),
                ("JSONSchemaPropsOrStringArray", 2, WireValue::Bytes(bytes)) => list.push(text(bytes).into()),
                _ => {}
            }
        }
        let otherwise = if of == "JSONSchemaPropsOrBool" { allowed } else { list.into() };
        Ok(Some(schema.unwrap_or(otherwise)))
    }
}

impl Field {
    fn is_number(&self) -> bool {
        matches!(self.ty.as_str(), "int32" | "int64")
    }

    fn number(&self, written: u64) -> Value {
        #[expect(clippy::cast_possible_truncation, clippy::cast_possible_wrap, reason = "as Go does")]
        match self.ty.as_str() {
            "bool" => (written != 0).into(),
            "int32" => (written as u32 as i32).into(),
            _ => (written as i64).into(),
        }
    }

    fn bytes<'a>(&self, written: WireValue<'a>) -> Result<&'a [u8], WireError> {
        let WireValue::Bytes(bytes) = written else { return Err(self.wrong(written)) };
        Ok(bytes)
    }

    fn wrong(&self, written: WireValue<'_>) -> WireError {
        WireError::WrongWireType { wire_type: written.wire_type(), field: self.go.clone() }
    }

    /// The value of an entry of a map that names none.
    fn zero(&self) -> Value {
        match self.ty.as_str() {
            _ if self.wrapped => json!([]),
            "string" | "bytes" => json!(""),
            "bool" => json!(false),
            "int32" | "int64" | "float64" => json!(0),
            ty if ty.ends_with(".Quantity") => json!("0"),
            _ => json!({}),
        }
    }
}

/// Whether Go calls it zero.
fn is_zero(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Bool(value) => !value,
        Value::Number(number) => number.as_f64() == Some(0.0),
        Value::String(text) => text.is_empty(),
        Value::Array(_) => false,
        Value::Object(fields) => fields.is_empty(),
    }
}

/// Go does not ask whether text is UTF-8 until it prints it.
fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// The bytes in a message of one field.
fn single(bytes: &[u8]) -> Result<Option<&[u8]>, WireError> {
    let (mut reader, mut found) = (Reader::new(bytes), None);
    while let Some((number, written)) = reader.field("Value")? {
        if let (1, WireValue::Bytes(bytes)) = (number, written) {
            found = Some(bytes);
        }
    }
    Ok(found)
}

/// The items of a list in a message of its own.
fn strings(bytes: &[u8]) -> Result<Value, WireError> {
    let (mut reader, mut items) = (Reader::new(bytes), Vec::new());
    while let Some((number, written)) = reader.field("Items")? {
        if let (1, WireValue::Bytes(bytes)) = (number, written) {
            items.push(Value::from(text(bytes)));
        }
    }
    Ok(items.into())
}

/// Seconds and nanoseconds since 1970; both zero is no time.
fn time(bytes: &[u8], print: impl Fn(Timestamp) -> String) -> Result<Value, WireError> {
    let (mut reader, mut seconds, mut nanos) = (Reader::new(bytes), 0, 0);
    while let Some((number, written)) = reader.field("Timestamp")? {
        #[expect(clippy::cast_possible_truncation, clippy::cast_possible_wrap, reason = "as Go does")]
        match (number, written) {
            (1, WireValue::Varint(number)) => seconds = number as i64,
            (2, WireValue::Varint(number)) => nanos = number as u32 as i32,
            _ => {}
        }
    }
    if seconds == 0 && nanos == 0 {
        return Ok(Value::Null);
    }
    // A year that has more than four digits cannot be printed, by Go neither.
    let at = Timestamp::new(seconds, nanos.clamp(0, 999_999_999));
    Ok(at.map_or(Value::Null, |at| print(at).into()))
}

fn int_or_string(bytes: &[u8]) -> Result<Value, WireError> {
    let (mut reader, mut kind, mut number, mut string) = (Reader::new(bytes), 0, 0_i32, String::new());
    while let Some((at, written)) = reader.field("IntOrString")? {
        #[expect(clippy::cast_possible_truncation, clippy::cast_possible_wrap, reason = "as Go does")]
        match (at, written) {
            (1, WireValue::Varint(written)) => kind = written,
            (2, WireValue::Varint(written)) => number = written as u32 as i32,
            (3, WireValue::Bytes(bytes)) => string = text(bytes),
            _ => {}
        }
    }
    Ok(if kind == 0 { number.into() } else { string.into() })
}

/// JSON in a field of bytes.
fn embedded(bytes: &[u8]) -> Result<Value, WireError> {
    if bytes.is_empty() {
        return Ok(Value::Null);
    }
    serde_json::from_slice(bytes).map_err(|error| WireError::Value(format!("json: {error}")))
}
