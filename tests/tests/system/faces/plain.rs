//! The same answer in the same words, whatever face gave it.

use super::face::Reply;
use jiff::Timestamp;
use serde_json::{Map, Value, json};

/// What protobuf puts before the values of its enums.
const ENUMS: [&str; 9] = [
    "OPERATION_KIND_",
    "OPERATION_STATE_",
    "OUTCOME_STATE_",
    "DATA_CENTER_STATE_",
    "REACH_STATE_",
    "APP_STATE_",
    "ENVIRONMENT_",
    "HEALTH_",
    "QOS_CLASS_",
];

/// An answer in the words of REST: what the JSON form of protobuf spells otherwise is respelt, and what a face
/// may leave out because it is empty is left out.
pub(super) fn same_words(reply: &Reply) -> Value {
    match reply {
        Reply::Answer(answer) => respelt(answer),
        Reply::Error { kind, message } => json!({"error": format!("{kind:?}"), "message": message}),
    }
}

fn respelt(value: &Value) -> Value {
    match value {
        Value::Object(map) if map.contains_key("size") && map.contains_key("placement") => {
            respelt(&scale(map))
        }
        Value::Object(map) => {
            let members = map.iter().map(|(key, value)| (key.clone(), respelt(value)));
            members.filter(|(_, value)| !is_empty(value)).collect::<Map<_, _>>().into()
        }
        Value::Array(items) => items.iter().map(respelt).collect::<Vec<_>>().into(),
        Value::String(text) => word(text),
        other => other.clone(),
    }
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(map) => map.is_empty(),
        Value::Bool(_) | Value::Number(_) => false,
    }
}

fn word(text: &str) -> Value {
    if let Some(rest) = ENUMS.iter().find_map(|prefix| text.strip_prefix(prefix)) {
        return rest.split('_').map(capitalized).collect::<String>().into();
    }
    // 64 bits do not fit into the numbers of every JSON reader, so protobuf writes them as text.
    if let Ok(number) = text.parse::<u64>() {
        return number.into();
    }
    match text.parse::<Timestamp>() {
        Ok(time) => time.to_string().into(),
        Err(_) => text.into(),
    }
}

fn capitalized(word: &str) -> String {
    let (first, rest) = word.split_at(word.len().min(1));
    format!("{first}{}", rest.to_lowercase())
}

/// A Scale as the App document spells it.
fn scale(map: &Map<String, Value>) -> Value {
    let mut scale = map["size"].as_object().cloned().unwrap_or_default();
    let placement = &map["placement"];
    let placement = match placement["only"]["names"].as_array() {
        Some(names) => names.clone().into(),
        None => "All".into(),
    };
    scale.insert("placement".to_owned(), placement);
    scale.insert("exceptions".to_owned(), map.get("exceptions").cloned().unwrap_or_default());
    scale.into()
}

/// The same without what differs between two Apps with the same life: names, ids, times, digests, and the pods
/// of the moment.
pub(super) fn blind(value: Value, app: &str) -> Value {
    match value {
        Value::Object(map) => {
            let members = map.into_iter().filter(|(key, _)| key != "replicas" || app.is_empty());
            let members = members.map(|(key, value)| {
                let value = match key.as_str() {
                    "etag" | "content" | "previous" => format!("[{key}]").into(),
                    // Workers begin at once: how far they are when the answer is made is chance.
                    "state" if value == "Sent" || value == "Progressing" => "Waiting".into(),
                    _ => blind(value, app),
                };
                (key, value)
            });
            members.collect::<Map<_, _>>().into()
        }
        Value::Array(items) => items.into_iter().map(|item| blind(item, app)).collect::<Vec<_>>().into(),
        Value::String(text) => {
            text.split(' ').map(|word| blind_word(word, app)).collect::<Vec<_>>().join(" ").into()
        }
        other => other,
    }
}

fn blind_word(word: &str, app: &str) -> String {
    if word.parse::<Timestamp>().is_ok() {
        "[time]".to_owned()
    } else if word.parse::<uuid::Uuid>().is_ok() {
        "[id]".to_owned()
    } else {
        word.replace(app, "[app]")
    }
}
