//! `ResourceQuotas`.

use plimsoll_qos::Quantity;
use serde_json::{Map, Value};

use crate::object;
use crate::status::Cause;

pub(super) fn default(quota: &mut Value) {
    object::set_default(quota, "spec", serde_json::json!({}));
    if let Some(Value::Object(amounts)) = quota.pointer_mut("/spec/hard") {
        canonical(amounts);
    }
}

/// Writes quantities in their shortest form, as strings, whatever they were given as.
pub(super) fn canonical(amounts: &mut Map<String, Value>) {
    for amount in amounts.values_mut() {
        let given = match &*amount {
            Value::String(given) => given.clone(),
            Value::Number(given) => given.to_string(),
            _ => continue,
        };
        if let Ok(quantity) = given.parse::<Quantity>() {
            *amount = quantity.to_string().into();
        }
    }
}

pub(super) fn check(quota: &Value, causes: &mut Vec<Cause>) {
    for (name, amount) in object::map(quota, "/spec/hard").into_iter().flatten() {
        let text = match amount {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        if text.parse::<Quantity>().is_err() {
            causes.push(Cause::invalid(format!("spec.hard[{name}]"), amount, "must be a quantity"));
        }
    }
}
