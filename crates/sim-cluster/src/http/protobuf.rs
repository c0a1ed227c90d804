//! Bodies in protobuf, which kubectl's typed commands and clients written in Go send.

use std::fmt::Write;

use super::body::Expected;
use crate::schema::wire::{Reader, WireError, WireTypes, WireValue};
use crate::status::ApiError;
use crate::tree::{Map, Value};

/// What every body begins with.
const MAGIC: &[u8; 4] = b"k8s\0";
/// How much of a body an error repeats.
const SHOWN: usize = 30;

/// What stands around an object: its kind, and the object.
#[derive(Default)]
struct Envelope<'a> {
    api_version: String,
    kind: String,
    raw: &'a [u8],
}

/// An object; what the envelope does not say of its kind is what the path says.
pub(super) fn object(bytes: &[u8], expected: Expected<'_>) -> Result<Value, ApiError> {
    let envelope = Envelope::read(bytes).map_err(|why| expected.unrecognized(&why, bytes))?;
    let or = |said: String, otherwise: &str| if said.is_empty() { otherwise.to_owned() } else { said };
    let api_version = or(envelope.api_version, expected.api_version);
    let kind = or(envelope.kind, expected.kind);
    let version = api_version.rsplit('/').next().unwrap_or_default();
    let unfit = |why: &str| {
        ApiError::bad_request(format!(
            "{kind} in version \"{version}\" cannot be handled as a {}: {why}",
            expected.kind
        ))
    };
    let types = WireTypes::recorded();
    if !types.knows(&api_version, &kind) {
        let why = format!(
            "no kind \"{kind}\" is registered for version \"{api_version}\" in scheme \"pkg/runtime/scheme.go:111\""
        );
        return Err(unfit(&why));
    }
    let fields = types.object(&api_version, &kind, envelope.raw).map_err(|why| unfit(&why.to_string()))?;
    let mut object = Map::from_iter([
        ("apiVersion".to_owned(), Value::from(api_version)),
        ("kind".to_owned(), Value::from(kind)),
    ]);
    if let Value::Object(fields) = fields {
        object.extend(fields);
    }
    Ok(Value::Object(object))
}

/// Delete options, which are not refused as objects are.
pub(super) fn options(bytes: &[u8]) -> Result<Value, ApiError> {
    let refused = |why: String| ApiError::bad_request(why);
    let envelope = Envelope::read(bytes).map_err(refused)?;
    let read = WireTypes::recorded().object("v1", "DeleteOptions", envelope.raw);
    read.map_err(|why| refused(why.to_string()))
}

impl<'a> Envelope<'a> {
    fn read(bytes: &'a [u8]) -> Result<Self, String> {
        if bytes.is_empty() {
            return Err("empty data".to_owned());
        }
        let Some(body) = bytes.strip_prefix(MAGIC) else {
            return Err(
                "provided data does not appear to be a protobuf message, expected prefix [107 56 115 0]"
                    .to_owned(),
            );
        };
        if body.is_empty() {
            return Err("empty body".to_owned());
        }
        Self::of(body).map_err(|why| why.to_string())
    }

    fn of(body: &'a [u8]) -> Result<Self, WireError> {
        let mut envelope = Self::default();
        let mut reader = Reader::new(body);
        while let Some((number, written)) = reader.field("Unknown")? {
            match (number, written) {
                (1, WireValue::Bytes(bytes)) => {
                    let mut reader = Reader::new(bytes);
                    while let Some((number, written)) = reader.field("TypeMeta")? {
                        let WireValue::Bytes(text) = written else { continue };
                        let text = String::from_utf8_lossy(text).into_owned();
                        match number {
                            1 => envelope.api_version = text,
                            2 => envelope.kind = text,
                            _ => {}
                        }
                    }
                }
                (2, WireValue::Bytes(bytes)) => envelope.raw = bytes,
                (1 | 2, other) => {
                    let field = if number == 1 { "TypeMeta" } else { "Raw" };
                    return Err(WireError::WrongWireType {
                        wire_type: other.wire_type(),
                        field: field.to_owned(),
                    });
                }
                _ => {}
            }
        }
        Ok(envelope)
    }
}

impl Expected<'_> {
    /// The answer to a body of which not even the kind can be told.
    fn unrecognized(self, why: &str, bytes: &[u8]) -> ApiError {
        let head = &bytes[..bytes.len().min(SHOWN)];
        let mut shown = match bytes.first() {
            None => "<empty>".to_owned(),
            // JSON under the name of protobuf is shown as it is.
            Some(b'{') => String::from_utf8_lossy(head).into_owned(),
            Some(_) => hex(head),
        };
        if bytes.len() > SHOWN {
            shown.push_str(" ...");
        }
        let kind = self.kind;
        ApiError::bad_request(format!(
            "the object provided is unrecognized (must be of type {kind}): {why} ({shown})"
        ))
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
