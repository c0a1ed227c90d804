//! `ResourceQuotas`.

use serde_json::Value;

use crate::object;
use crate::quantity::Quantity;
use crate::status::Cause;

pub(super) fn check(quota: &Value, causes: &mut Vec<Cause>) {
    for (name, amount) in object::map(quota, "/spec/hard").into_iter().flatten() {
        let text = match amount {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        if Quantity::parse(&text).is_none() {
            causes.push(Cause::invalid(format!("spec.hard[{name}]"), amount, "must be a quantity"));
        }
    }
}
