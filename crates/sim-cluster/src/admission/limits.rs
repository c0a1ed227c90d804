//! `LimitRanges`: defaults for containers that name no requests or limits.

use plimsoll_qos::Quantity;
use serde_json::{Map, Value};

use crate::api::Target;
use crate::object::{self, child, elements, fields, list, text};
use crate::status::ApiError;
use crate::store::Tx;

pub(super) fn apply(tx: &Tx<'_>, target: &Target, pod: &mut Value) -> Result<(), ApiError> {
    for range in tx.list("limitranges", Some(&target.namespace)) {
        for item in list(&range, "/spec/limits").iter().filter(|item| text(item, "/type") == "Container") {
            for part in ["initContainers", "containers"] {
                for container in elements(&mut pod["spec"], part) {
                    default_from(container, item);
                    check(target, container, item)?;
                }
            }
        }
    }
    Ok(())
}

fn default_from(container: &mut Value, item: &Value) {
    let limits = object::map(item, "/default").cloned().unwrap_or_default();
    let mut requests = object::map(item, "/defaultRequest").cloned().unwrap_or_default();
    for (name, limit) in &limits {
        requests.entry(name.clone()).or_insert_with(|| limit.clone());
    }
    fill(container, "limits", limits);
    fill(container, "requests", requests);
}

fn fill(container: &mut Value, part: &str, amounts: Map<String, Value>) {
    if amounts.is_empty() {
        return;
    }
    let held = fields(child(container, "resources").entry(part).or_insert(Value::Null));
    for (name, amount) in amounts {
        held.entry(name).or_insert(amount);
    }
}

fn check(target: &Target, container: &Value, item: &Value) -> Result<(), ApiError> {
    let held =
        |part: &str, name: &str| quantity(object::map(container, &format!("/resources/{part}"))?.get(name)?);
    for (name, most) in object::map(item, "/max").into_iter().flatten() {
        let Some(most) = quantity(most) else { continue };
        if let Some(limit) = held("limits", name)
            && limit > most
        {
            let why = format!("maximum {name} usage per Container is {most}, but limit is {limit}");
            return Err(ApiError::forbidden(target.subject(), &why));
        }
    }
    for (name, least) in object::map(item, "/min").into_iter().flatten() {
        let Some(least) = quantity(least) else { continue };
        if let Some(request) = held("requests", name)
            && request < least
        {
            let why = format!("minimum {name} usage per Container is {least}, but request is {request}");
            return Err(ApiError::forbidden(target.subject(), &why));
        }
    }
    for (name, most) in object::map(item, "/maxLimitRequestRatio").into_iter().flatten() {
        let Some(most) = quantity(most) else { continue };
        let (Some(limit), Some(request)) = (held("limits", name), held("requests", name)) else { continue };
        // As the real one does, in floating point and with thousandths of the bound.
        let (Some(limit), Some(request), Some(bound)) = (number(&limit), number(&request), number(&most))
        else {
            continue;
        };
        let ratio = limit / request;
        if ratio * 1000.0 > bound {
            let why = format!(
                "{name} max limit to request ratio per Container is {most}, but provided ratio is {ratio:.6}"
            );
            return Err(ApiError::forbidden(target.subject(), &why));
        }
    }
    Ok(())
}

/// Thousandths as Go makes a float of them.
#[expect(clippy::cast_precision_loss, reason = "the real one loses as much")]
fn number(amount: &Quantity) -> Option<f64> {
    amount.millis_i64().map(|millis| millis as f64)
}

fn quantity(amount: &Value) -> Option<Quantity> {
    amount.as_str()?.parse().ok()
}
