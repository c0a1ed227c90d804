//! Trees as compact JSON.

use super::{Text, Value};

/// Appends a tree as JSON, as `serde_json` writes it. Most of it are names and short texts in which nothing needs an
/// escape, which is found out of all of a text at once.
pub(crate) fn write(value: &Value, out: &mut Vec<u8>) {
    match value {
        Value::Null => out.extend_from_slice(b"null"),
        Value::Bool(true) => out.extend_from_slice(b"true"),
        Value::Bool(false) => out.extend_from_slice(b"false"),
        Value::Number(number) => by_serde(number, out),
        Value::String(text) => write_text(text, out),
        Value::Array(items) => {
            out.push(b'[');
            for (at, item) in items.iter().enumerate() {
                if at > 0 {
                    out.push(b',');
                }
                write(item, out);
            }
            out.push(b']');
        }
        Value::Object(fields) => {
            out.push(b'{');
            for (at, (name, value)) in fields.iter().enumerate() {
                if at > 0 {
                    out.push(b',');
                }
                write_text(name, out);
                out.push(b':');
                write(value, out);
            }
            out.push(b'}');
        }
    }
}

fn write_text(text: &Text, out: &mut Vec<u8>) {
    let needs_escape = |byte: &u8| matches!(byte, 0..b' ' | b'"' | b'\\');
    if text.as_bytes().iter().fold(false, |found, byte| found | needs_escape(byte)) {
        by_serde(text.as_str(), out);
        return;
    }
    out.push(b'"');
    out.extend_from_slice(text.as_bytes());
    out.push(b'"');
}

fn by_serde(value: &(impl serde::Serialize + ?Sized), out: &mut Vec<u8>) {
    // Neither numbers and texts nor memory refuse to be written.
    let _ = serde_json::to_writer(out, value);
}
