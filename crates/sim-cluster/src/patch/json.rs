use json_patch::{PatchErrorKind, PatchOperation};
use serde_json::Value;

use super::PatchError;

/// The server takes no more operations than this in one patch.
const MAX_OPERATIONS: usize = 10_000;

/// Applies a JSON patch (RFC 6902), all of it or, on error, nothing.
pub fn json(object: &mut Value, patch: &Value) -> Result<(), PatchError> {
    let Value::Array(operations) = patch else {
        return Err(PatchError::Malformed(
            "json: cannot unmarshal object into Go value of type jsonpatch.Patch".to_owned(),
        ));
    };
    if operations.len() > MAX_OPERATIONS {
        return Err(PatchError::TooLarge(format!(
            "The allowed maximum operations in a JSON patch is {MAX_OPERATIONS}, got {}",
            operations.len()
        )));
    }
    let mut patched = object.clone();
    for operation in operations {
        apply(&mut patched, operation)?;
    }
    *object = patched;
    Ok(())
}

fn apply(object: &mut Value, operation: &Value) -> Result<(), PatchError> {
    let text = |name: &str| operation.get(name).and_then(Value::as_str).unwrap_or_default();
    let path = text("path");
    // The server compares an absent value as null.
    if text("op") == "test"
        && operation.get("value").is_none_or(Value::is_null)
        && object.pointer(path).is_none_or(Value::is_null)
    {
        return Ok(());
    }
    let parsed: PatchOperation = serde_json::from_value(operation.clone()).map_err(|error| {
        let known = ["add", "remove", "replace", "move", "copy", "test"].contains(&text("op"));
        PatchError::Unprocessable(if known {
            error.to_string()
        } else {
            format!("Unexpected kind: {}", text("op"))
        })
    })?;
    json_patch::patch(object, std::slice::from_ref(&parsed)).map_err(|error| {
        PatchError::Unprocessable(match error.kind {
            PatchErrorKind::TestFailed => format!("testing value {path} failed: test failed"),
            PatchErrorKind::InvalidPointer if text("op") == "test" => {
                format!("testing value {path} failed: test failed")
            }
            _ => missing(object, text("op"), path, text("from")),
        })
    })
}

/// What the server says about a path that an operation cannot follow.
fn missing(object: &Value, op: &str, path: &str, from: &str) -> String {
    let pointer = if matches!(op, "move" | "copy") && object.pointer(from).is_none() { from } else { path };
    let (parent, key) = pointer.rsplit_once('/').unwrap_or_default();
    let key = key.replace("~1", "/").replace("~0", "~");
    let role = if pointer == from { "missing from path" } else { "missing path" };
    match (op, object.pointer(parent)) {
        ("replace", None) => {
            format!("replace operation does not apply: doc is missing path: {path}: missing value")
        }
        ("replace", Some(Value::Object(_))) => {
            format!("replace operation does not apply: doc is missing key: {path}: missing value")
        }
        ("add" | "remove", None) => {
            format!("{op} operation does not apply: doc is missing path: \"{path}\": missing value")
        }
        ("remove", Some(Value::Object(_))) => {
            format!(
                "error in remove for path: '{path}': Unable to remove nonexistent key: {key}: missing value"
            )
        }
        (_, Some(Value::Array(_))) if key.parse::<i64>().is_ok() => {
            format!(
                "error in {op} for path: '{pointer}': Unable to access invalid index: {key}: invalid index referenced"
            )
        }
        _ => format!("{op} operation does not apply: doc is {role}: {pointer}: missing value"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json as value;

    fn patched(mut object: Value, patch: &Value) -> Result<Value, String> {
        json(&mut object, patch).map(|()| object).map_err(|error| error.to_string())
    }

    #[test]
    fn every_operation_does_what_the_rfc_says() {
        let rows = [
            (value!([{"op": "add", "path": "/b", "value": 2}]), value!({"a": [1, 2], "b": 2})),
            (value!([{"op": "add", "path": "/a/-", "value": 3}]), value!({"a": [1, 2, 3]})),
            (value!([{"op": "add", "path": "/a/0", "value": 0}]), value!({"a": [0, 1, 2]})),
            (value!([{"op": "remove", "path": "/a/0"}]), value!({"a": [2]})),
            (value!([{"op": "replace", "path": "/a/1", "value": 9}]), value!({"a": [1, 9]})),
            (value!([{"op": "copy", "from": "/a", "path": "/b"}]), value!({"a": [1, 2], "b": [1, 2]})),
            (value!([{"op": "move", "from": "/a", "path": "/c"}]), value!({"c": [1, 2]})),
            (value!([{"op": "test", "path": "/a/0", "value": 1}]), value!({"a": [1, 2]})),
            (value!([{"op": "test", "path": "/nothing", "value": null}]), value!({"a": [1, 2]})),
        ];
        for (patch, expected) in rows {
            assert_eq!(patched(value!({"a": [1, 2]}), &patch), Ok(expected), "{patch}");
        }
    }

    #[test]
    fn a_failed_operation_leaves_the_object_alone_and_names_the_path() {
        let rows = [
            (value!({"op": "test", "path": "/a", "value": 2}), "testing value /a failed: test failed"),
            (
                value!({"op": "remove", "path": "/b"}),
                "error in remove for path: '/b': Unable to remove nonexistent key: b: missing value",
            ),
            (
                value!({"op": "replace", "path": "/b", "value": 1}),
                "replace operation does not apply: doc is missing key: /b: missing value",
            ),
            (
                value!({"op": "add", "path": "/x/y", "value": 1}),
                "add operation does not apply: doc is missing path: \"/x/y\": missing value",
            ),
            (value!({"op": "shuffle", "path": "/a"}), "Unexpected kind: shuffle"),
        ];
        for (operation, message) in rows {
            let mut object = value!({"a": 1});
            let patch = value!([{"op": "add", "path": "/c", "value": 1}, operation]);
            let error = json(&mut object, &patch).expect_err("the patch fails");
            assert_eq!(error, PatchError::Unprocessable(message.to_owned()));
            assert_eq!(object, value!({"a": 1}));
        }
    }
}
