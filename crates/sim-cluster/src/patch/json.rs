use json_patch::{Patch, PatchOperation};
use serde::Deserialize;

use super::PatchError;
use crate::object;
use crate::tree::Value;

/// The server takes no more operations than this in one patch.
const MAX_OPERATIONS: usize = 10_000;

/// The server copies no more bytes of JSON than this in one patch.
const MAX_COPIED: usize = 3 * 1024 * 1024;

/// What is copied or moved may not come to lie deeper than this: copies of copies would else nest without end.
const DEEPEST: usize = 256;

/// Applies a JSON patch (RFC 6902), all of it or, on error, nothing.
pub fn json(object: &mut Value, patch: &Value) -> Result<(), PatchError> {
    let Value::Array(operations) = patch else {
        let kind = match patch {
            Value::Object(_) => "object",
            Value::String(_) => "string",
            Value::Number(_) => "number",
            _ => "bool",
        };
        return Err(PatchError::Malformed(format!(
            "error decoding patch: json: cannot unmarshal {kind} into Go value of type []handlers.jsonPatchOp"
        )));
    };
    if operations.len() > MAX_OPERATIONS {
        return Err(PatchError::TooLarge(format!(
            "Request entity too large: The allowed maximum operations in a JSON patch is {MAX_OPERATIONS}, got {}",
            operations.len()
        )));
    }
    let mut patched = object.clone();
    let mut copied = 0;
    for operation in operations {
        if let Some(transferred) = transferred(&patched, operation) {
            let levels = operation["path"].as_str().unwrap_or_default().matches('/').count();
            if levels > DEEPEST || object::is_deeper(transferred, DEEPEST - levels) {
                return Err(PatchError::unprocessable());
            }
            if operation["op"] == "copy" {
                copied += transferred.to_string().len();
            }
            if copied > MAX_COPIED {
                return Err(PatchError::unprocessable());
            }
        }
        apply(&mut patched, operation).ok_or_else(PatchError::unprocessable)?;
    }
    *object = patched;
    Ok(())
}

/// What an operation takes from one place of the object to another.
fn transferred<'a>(object: &'a Value, operation: &Value) -> Option<&'a Value> {
    let is_transfer = ["copy", "move"].contains(&operation.get("op")?.as_str()?);
    if is_transfer { object.pointer(operation.get("from")?.as_str()?) } else { None }
}

/// Applies one operation; none if it does not fit.
fn apply(object: &mut Value, operation: &Value) -> Option<()> {
    let text = |name: &str| operation.get(name).and_then(Value::as_str).unwrap_or_default();
    // The server compares an absent value as null.
    if text("op") == "test"
        && operation.get("value").is_none_or(Value::is_null)
        && object.pointer(text("path")).is_none_or(Value::is_null)
    {
        return Some(());
    }
    // Nor does it ask whether a map has the field that is replaced.
    if text("op") == "replace"
        && let Some((parent, _)) = text("path").rsplit_once('/')
        && object.pointer(parent).is_some_and(Value::is_object)
    {
        let mut added = operation.clone();
        added["op"] = "add".into();
        return apply(object, &added);
    }
    let operation = PatchOperation::deserialize(operation).ok()?;
    let mut patched = serde_json::Value::from(&*object);
    json_patch::patch(&mut patched, &Patch(vec![operation])).ok()?;
    *object = patched.into();
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::json as value;

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
            (value!([{"op": "replace", "path": "/b", "value": 9}]), value!({"a": [1, 2], "b": 9})),
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
    fn a_failed_operation_leaves_the_object_alone() {
        let rows = [
            value!({"op": "test", "path": "/a", "value": 2}),
            value!({"op": "remove", "path": "/b"}),
            value!({"op": "add", "path": "/x/y", "value": 1}),
            value!({"op": "shuffle", "path": "/a"}),
        ];
        for operation in rows {
            let mut object = value!({"a": 1});
            let patch = value!([{"op": "add", "path": "/c", "value": 1}, operation]);
            assert_eq!(json(&mut object, &patch), Err(PatchError::unprocessable()), "{patch}");
            assert_eq!(object, value!({"a": 1}));
        }
    }

    #[test]
    fn copies_of_copies_end_before_they_fill_the_memory() {
        // Each doubles what there is: forty of them would make a terabyte.
        let doubling: Vec<_> =
            (0..40).map(|at| value!({"op": "copy", "from": "/a", "path": format!("/a/{at}")})).collect();
        let mut object = value!({"a": {"text": "x"}});
        assert_eq!(json(&mut object, &doubling.into()), Err(PatchError::unprocessable()));
        assert_eq!(object, value!({"a": {"text": "x"}}));
    }

    #[test]
    fn copies_of_copies_end_before_they_nest_without_end() {
        let nested = |levels: usize| "/a".repeat(levels);
        let nesting: Vec<_> =
            (1..100).map(|levels| value!({"op": "copy", "from": "/a", "path": nested(levels + 1)})).collect();
        assert_eq!(json(&mut value!({"a": {}}), &nesting.into()), Err(PatchError::unprocessable()));
        let moved = value!([{"op": "move", "from": "/b", "path": nested(1)}]);
        assert_eq!(patched(value!({"b": 1}), &moved), Ok(value!({"a": 1})));
    }

    #[test]
    fn what_is_no_list_of_operations_is_malformed() {
        let error = json(&mut value!({}), &value!({"op": "add"})).expect_err("refused");
        assert!(matches!(error, PatchError::Malformed(_)), "{error}");
    }
}
