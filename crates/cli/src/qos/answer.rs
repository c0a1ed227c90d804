//! Answers of the engine, and how they are shown.

use plimsoll_qos::{EPHEMERAL_STORAGE, MEMORY, Quantity, eval};
use serde::Serialize;
use serde_json::{Map, Value};

use crate::arguments::Format;
use crate::failure::{FAILED, Failure};
use crate::output::{note, print, structured};

/// Bytes in a Mi.
const MEBI: i64 = 1 << 20;

/// Asks the engine as a line of `qos eval` does; an answer that is none is a fault of the request.
pub(super) fn ask(request: &Value) -> Result<Value, Failure> {
    let answer = raw(request)?;
    match answer["error"].as_str() {
        Some(error) => Err(Failure::usage(error)),
        None => Ok(answer),
    }
}

/// The same, refusals and all.
pub(super) fn raw(request: &Value) -> Result<Value, Failure> {
    serde_json::from_str(&eval::line(request.to_string().as_bytes())).map_err(|error| unreadable(&error))
}

/// An answer of the library as a line of `qos eval` gives it.
pub(super) fn answered(answer: &impl Serialize) -> Result<Value, Failure> {
    let mut fields = Map::from_iter([("ok".to_owned(), Value::Bool(true))]);
    match serde_json::to_value(answer) {
        Ok(Value::Object(more)) => fields.extend(more),
        Ok(other) => return Err(Failure::new(FAILED, format!("the answer is no object but {other}"))),
        Err(error) => return Err(unreadable(&error)),
    }
    Ok(Value::Object(fields))
}

fn unreadable(error: &serde_json::Error) -> Failure {
    Failure::new(FAILED, format!("the answer cannot be written: {error}"))
}

/// Prints an answer as it is, or what `told` makes of it for people.
pub(super) fn show(format: Format, answer: &Value, told: impl FnOnce() -> String) -> Result<(), Failure> {
    structured(format, answer).unwrap_or_else(|| print(&told()))
}

/// Says beside an answer what was left out of it, and what of the pods is not counted.
pub(super) fn unsure(answer: &Value) {
    for unread in items(&answer["notes"]) {
        note(&text(unread));
    }
    for uncounted in items(&answer["notCounted"]) {
        note(&format!("not counted, {}: {}", text(&uncounted["field"]), text(&uncounted["because"])));
    }
}

/// One answer as it is, several as a list.
pub(super) fn listed(mut answers: Vec<Value>) -> Value {
    if answers.len() == 1 { answers.remove(0) } else { Value::Array(answers) }
}

/// A field as people read it: text without its quotes.
pub(super) fn text(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// Amounts by name: `cpu 2, memory 4Gi`.
pub(super) fn amounts(value: &Value) -> String {
    let amounts = value.as_object().into_iter().flatten();
    amounts.map(|(name, amount)| format!("{name} {}", text(amount))).collect::<Vec<_>>().join(", ")
}

/// Amounts of which there is more or less: bytes in whole Mi, rounded down. JSON has them exactly.
pub(super) fn roughly(value: &Value) -> String {
    let bytes =
        |name: &str| name.starts_with(MEMORY) || name == EPHEMERAL_STORAGE || name.starts_with("hugepages-");
    let shown = |(name, amount): (&String, &Value)| {
        let amount = text(amount);
        let whole = amount.parse::<Quantity>().ok().and_then(|amount| amount.value_i64());
        match whole.filter(|whole| bytes(name) && *whole >= MEBI) {
            Some(whole) => format!("{name} {}", Quantity::from_mebibytes(whole / MEBI)),
            None => format!("{name} {amount}"),
        }
    };
    value.as_object().into_iter().flatten().map(shown).collect::<Vec<_>>().join(", ")
}

/// The items of a list; none where there is no list.
pub(super) fn items(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}
