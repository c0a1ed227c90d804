//! What the server adds to a definition: defaults, and the status that it has once it is served.

use jiff::Timestamp;

use crate::tree::{Map, Value, json};

/// Fills in the defaults of a definition.
pub fn default_definition(object: &mut Value) {
    let Some(spec) = object.get_mut("spec").and_then(Value::as_object_mut) else { return };
    if let Some(names) = spec.get_mut("names").and_then(Value::as_object_mut) {
        let kind = names.get("kind").and_then(Value::as_str).unwrap_or_default().to_owned();
        let missing =
            |names: &Map, name: &str| names.get(name).and_then(Value::as_str).is_none_or(str::is_empty);
        if missing(names, "singular") && !kind.is_empty() {
            names.insert("singular", json!(kind.to_lowercase()));
        }
        if missing(names, "listKind") && !kind.is_empty() {
            names.insert("listKind", json!(format!("{kind}List")));
        }
    }
    if spec.get("conversion").is_none_or(Value::is_null) {
        spec.insert("conversion", json!({ "strategy": "None" }));
    }
}

/// The status of a definition whose names were accepted at `since` and which is served.
pub fn established_status(object: &Value, since: Timestamp) -> Value {
    let since = Timestamp::from_second(since.as_second()).unwrap_or(since).to_string();
    let condition = |kind: &str, reason: &str, message: &str| {
        json!({
            "type": kind,
            "status": "True",
            "reason": reason,
            "message": message,
            "lastTransitionTime": since,
        })
    };
    let versions = object.pointer("/spec/versions").and_then(Value::as_array);
    let stored: Vec<Value> = versions
        .into_iter()
        .flatten()
        .filter(|version| version.get("storage").and_then(Value::as_bool) == Some(true))
        .filter_map(|version| version.get("name").cloned())
        .collect();
    json!({
        "acceptedNames": object.pointer("/spec/names"),
        "conditions": [
            condition("NamesAccepted", "NoConflicts", "no conflicts found"),
            condition("Established", "InitialNamesAccepted", "the initial names have been accepted"),
        ],
        "storedVersions": stored,
    })
}
