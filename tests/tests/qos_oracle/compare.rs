//! What counts as a difference between two answers.

use serde_json::{Map, Value, json};

/// What differs, if anything does. Words for people are not compared, only whether there is an answer and what
/// it says.
pub(crate) fn difference(request: &Value, ours: &Value, theirs: &Value) -> Option<String> {
    if ours["ok"] != theirs["ok"] {
        return Some("one of them answers, the other refuses".to_owned());
    }
    if ours["ok"] == false {
        return None;
    }
    let fields: &[&str] = match request["op"].as_str()? {
        "quantity" => &["canonical"],
        "arithmetic" => &["order", "sum", "difference", "rounded"],
        "qosClass" => &["class"],
        "podRequests" => &["requests", "limits"],
        "quotaUsage" => &["usage"],
        "resize" => &["allowed"],
        "defaulted" => {
            let ours = filled_in(&ours["pod"]);
            let mut theirs = theirs.as_object()?.clone();
            theirs.remove("ok");
            return (ours != Value::Object(theirs)).then(|| "what is filled in differs".to_owned());
        }
        op => return Some(format!("nothing is known of {op}")),
    };
    // Upstream prints amounts beyond the largest suffix without any; see the test of what differs on purpose.
    let lossy = |field: &str| theirs["lossy"].as_array().is_some_and(|lossy| lossy.contains(&json!(field)));
    let differs = |field: &&&str| ours[**field] != theirs[**field] && !lossy(field);
    fields.iter().find(differs).map(|field| format!("`{field}` differs"))
}

/// What came out, for counting: that all kinds of answers come up.
pub(crate) fn outcome(request: &Value, theirs: &Value) -> String {
    let op = request["op"].as_str().unwrap_or_default();
    if theirs["ok"] == false {
        return format!("{op} refused");
    }
    if theirs.get("lossy").is_some() {
        return format!("{op} lossy");
    }
    match op {
        "qosClass" => format!("{op} {}", theirs["class"].as_str().unwrap_or_default()),
        "resize" => format!("{op} {}", theirs["allowed"]),
        _ => format!("{op} answered"),
    }
}

/// A pod in the shape in which the oracle shows it.
fn filled_in(pod: &Value) -> Value {
    let requirements = |resources: &Value| json!({"requests": listed(&resources["requests"]), "limits": listed(&resources["limits"])});
    let containers = |list: &Value| -> Value {
        list.as_array().into_iter().flatten().map(|container| requirements(&container["resources"])).collect()
    };
    let mut shown = Map::new();
    shown.insert("containers".to_owned(), containers(&pod["containers"]));
    shown.insert("initContainers".to_owned(), containers(&pod["initContainers"]));
    shown.insert("overhead".to_owned(), listed(&pod["overhead"]));
    if let Some(whole) = pod.get("resources") {
        shown.insert("resources".to_owned(), requirements(whole));
    }
    Value::Object(shown)
}

fn listed(amounts: &Value) -> Value {
    if amounts.is_null() { json!({}) } else { amounts.clone() }
}
