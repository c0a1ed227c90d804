use serde_json::Value;

/// Whether `there` has everything that `wanted` says: maps may have more, lists may not.
pub(crate) fn covers(there: &Value, wanted: &Value) -> bool {
    match (there, wanted) {
        (Value::Object(there), Value::Object(wanted)) => {
            wanted.iter().all(|(key, wanted)| there.get(key).is_some_and(|there| covers(there, wanted)))
        }
        (Value::Array(there), Value::Array(wanted)) => {
            there.len() == wanted.len()
                && there.iter().zip(wanted).all(|(there, wanted)| covers(there, wanted))
        }
        _ => there == wanted,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn maps_may_have_more_and_lists_may_not() {
        for (there, wanted, expected) in [
            (json!({"a": 1, "b": 2}), json!({"a": 1}), true),
            (json!({"a": 2}), json!({"a": 1}), false),
            (json!({}), json!({"a": null}), false),
            (json!([{"a": 1, "b": 2}]), json!([{"a": 1}]), true),
            (json!([1, 2]), json!([1]), false),
        ] {
            assert_eq!(covers(&there, &wanted), expected, "{there} {wanted}");
        }
    }
}
