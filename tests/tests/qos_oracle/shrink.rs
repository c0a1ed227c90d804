//! The smallest request that still shows a difference.

use serde_json::Value;

/// Takes things out of a request for as long as it still shows what it shows.
pub(crate) fn least(request: &Value, mut still_differs: impl FnMut(&Value) -> bool) -> Value {
    let mut least = request.clone();
    while let Some(smaller) = smaller(&least).into_iter().find(|smaller| still_differs(smaller)) {
        least = smaller;
    }
    least
}

/// The request with one thing less: a field, an element, a character.
fn smaller(value: &Value) -> Vec<Value> {
    let mut all = Vec::new();
    match value {
        Value::Object(fields) => {
            for name in fields.keys().filter(|name| *name != "op" && *name != "name") {
                let mut without = fields.clone();
                without.remove(name);
                all.push(Value::Object(without));
            }
            for (name, field) in fields.iter().filter(|(name, _)| *name != "op" && *name != "name") {
                all.extend(smaller(field).into_iter().map(|field| {
                    let mut with = fields.clone();
                    with.insert(name.clone(), field);
                    Value::Object(with)
                }));
            }
        }
        Value::Array(items) => {
            for at in 0..items.len() {
                let mut without = items.clone();
                without.remove(at);
                all.push(Value::Array(without));
            }
            for (at, item) in items.iter().enumerate() {
                all.extend(smaller(item).into_iter().map(|item| {
                    let mut with = items.clone();
                    with[at] = item;
                    Value::Array(with)
                }));
            }
        }
        Value::String(text) => {
            for (at, character) in text.char_indices() {
                let rest = &text[at + character.len_utf8()..];
                all.push(Value::String(format!("{}{rest}", &text[..at])));
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
    all
}

#[test]
fn a_case_shrinks_to_what_makes_it_differ() {
    let request = serde_json::json!({"op": "x", "pod": {"containers": [{"cpu": "1234"}, {"cpu": "5678", "memory": "9"}]}});
    let shows = |request: &Value| request.to_string().contains('7');
    assert_eq!(least(&request, shows), serde_json::json!({"op": "x", "pod": {"containers": [{"cpu": "7"}]}}));
}
