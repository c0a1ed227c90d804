//! `ConfigMaps` and Secrets.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::object;
use crate::status::Cause;
use crate::tree::Value;

/// The most a ConfigMap or Secret may hold.
const LARGEST: usize = 1024 * 1024;

pub(super) fn default_secret(secret: &mut Value) {
    object::set_default(secret, "type", "Opaque");
    let Some(Value::Object(plain)) = object::fields(secret).remove("stringData") else { return };
    let data = object::child(secret, "data");
    for (key, value) in plain {
        data.insert(key, STANDARD.encode(value.as_str().unwrap_or_default()).into());
    }
}

pub(super) fn check(object: &Value, causes: &mut Vec<Cause>) {
    let mut size = 0;
    for field in ["data", "binaryData"] {
        for (key, value) in object::map(object, &format!("/{field}")).into_iter().flatten() {
            if key.is_empty() || !key.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c)) {
                causes.push(Cause::invalid(
                    format!("{field}[{key}]"),
                    &key.as_str().into(),
                    "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')",
                ));
            }
            size += value.as_str().map_or(0, str::len);
        }
    }
    if size > LARGEST {
        causes.push(Cause {
            reason: "FieldValueTooLong",
            // The real server names no field of a config map.
            field: if object["kind"] == "Secret" { "data" } else { "[]" }.into(),
            message: format!("Too long: may not be more than {LARGEST} bytes"),
        });
    }
}

pub(super) fn check_update(live: &Value, object: &Value, causes: &mut Vec<Cause>) {
    if !object::flag(live, "/immutable") {
        if object["kind"] == "Secret" {
            super::immutable(live, object, "type", "type", causes);
        }
        return;
    }
    let mut forbid = |field: &str| {
        causes.push(Cause {
            reason: "FieldValueForbidden",
            field: field.to_owned(),
            message: "Forbidden: field is immutable when `immutable` is set".into(),
        });
    };
    if !object::flag(object, "/immutable") {
        forbid("immutable");
    }
    for field in ["data", "binaryData"] {
        if live.get(field) != object.get(field) {
            forbid(field);
        }
    }
}
