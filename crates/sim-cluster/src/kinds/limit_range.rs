//! `LimitRanges`.

use std::collections::{BTreeMap, BTreeSet};

use plimsoll_qos::Quantity;

use super::quota::{RESOURCES, canonical};
use crate::admission::quota::amounts;
use crate::object::{child, elements, list, map, text};
use crate::status::Cause;
use crate::tree::Value;

const PARTS: [&str; 5] = ["max", "min", "default", "defaultRequest", "maxLimitRequestRatio"];
const TYPES: [&str; 3] = ["Pod", "Container", "PersistentVolumeClaim"];

/// A limit that is not given is the maximum; a request that is not given is the limit, or else the minimum.
pub(super) fn default(range: &mut Value) {
    child(range, "spec");
    for item in elements(&mut range["spec"], "limits") {
        for part in PARTS {
            if let Some(Value::Object(amounts)) = item.get_mut(part) {
                canonical(amounts);
            }
        }
        if text(item, "/type") != "Container" {
            continue;
        }
        for (from, to) in [("max", "default"), ("default", "defaultRequest"), ("min", "defaultRequest")] {
            let given = map(item, &format!("/{from}")).cloned().unwrap_or_default();
            if given.is_empty() {
                continue;
            }
            let filled = child(item, to);
            for (name, amount) in given {
                filled.entry(name).or_insert(amount);
            }
        }
    }
}

pub(super) fn check(range: &Value, causes: &mut Vec<Cause>) {
    let mut seen = BTreeSet::new();
    for (index, item) in list(range, "/spec/limits").iter().enumerate() {
        let at = format!("spec.limits[{index}]");
        let kind = text(item, "/type");
        if !kind.contains('/') && !TYPES.contains(&kind) {
            let why = "must be a standard limit type or fully qualified";
            causes.push(Cause::invalid(format!("{at}.type"), &kind.into(), why));
        }
        if !seen.insert(kind) {
            causes.push(Cause::duplicate(format!("{at}.type"), &kind.into()));
        }
        check_item(&at, kind, item, causes);
    }
}

fn check_item(at: &str, kind: &str, item: &Value, causes: &mut Vec<Cause>) {
    let mut given: BTreeMap<&str, BTreeMap<String, Quantity>> = BTreeMap::new();
    for part in PARTS {
        let named = map(item, &format!("/{part}")).into_iter().flatten();
        if kind == "Pod" && part.starts_with("default") {
            if named.count() > 0 {
                causes.push(Cause::forbidden(
                    format!("{at}.{part}"),
                    "may not be specified when `type` is 'Pod'",
                ));
            }
            continue;
        }
        for (name, _) in named {
            check_name(&format!("{at}.{part}[{name}]"), kind, name, causes);
        }
        for (name, amount) in amounts(item, &format!("/{part}")) {
            given.entry(part).or_default().insert(name, amount);
        }
    }
    let of = |part: &str, name: &str| given.get(part).and_then(|amounts| amounts.get(name));
    if kind == "PersistentVolumeClaim" && of("min", "storage").or(of("max", "storage")).is_none() {
        let why = "either minimum or maximum storage value is required, but neither was provided";
        causes.push(Cause::required(format!("{at}.limits"), why));
    }
    let names: BTreeSet<&String> = given.values().flat_map(BTreeMap::keys).collect();
    for name in names {
        for (low, low_word, high, high_word, field, shown) in ORDER {
            if let (Some(less), Some(more)) = (of(low, name), of(high, name))
                && less > more
            {
                let why = format!("{low_word} {less} is greater than {high_word} {more}");
                let shown = if shown == low { less } else { more };
                causes.push(Cause::invalid(format!("{at}.{field}[{name}]"), &shown.to_string().into(), &why));
            }
        }
        if let Some(ratio) = of("maxLimitRequestRatio", name) {
            let why = ratio_fault(ratio, of("min", name), of("max", name));
            let field = format!("{at}.maxLimitRequestRatio[{name}]");
            causes.extend(why.iter().map(|why| Cause::invalid(&field, &ratio.to_string().into(), why)));
        }
        // What cannot be sold twice is requested as it is limited.
        let single = name.contains('/') || name.starts_with("hugepages-");
        if let (true, Some(limit), Some(request)) = (single, of("default", name), of("defaultRequest", name))
            && limit != request
        {
            let why = format!("default value {limit} must equal to defaultRequest value {request} in {name}");
            let field = format!("{at}.defaultRequest[{name}]");
            causes.push(Cause::invalid(field, &request.to_string().into(), &why));
        }
    }
}

/// What may not be above what: both with their words, the field that is told of, and whose amount is shown.
const ORDER: [(&str, &str, &str, &str, &str, &str); 6] = [
    ("min", "min value", "max", "max value", "min", "min"),
    ("min", "min value", "defaultRequest", "default request value", "defaultRequest", "defaultRequest"),
    ("defaultRequest", "default request value", "max", "max value", "defaultRequest", "defaultRequest"),
    (
        "defaultRequest",
        "default request value",
        "default",
        "default limit value",
        "defaultRequest",
        "defaultRequest",
    ),
    ("min", "min value", "default", "default value", "default", "min"),
    ("default", "default value", "max", "max value", "default", "max"),
];

#[expect(clippy::cast_precision_loss, reason = "the real server divides in floating point too")]
fn ratio_fault(ratio: &Quantity, least: Option<&Quantity>, most: Option<&Quantity>) -> Vec<String> {
    let mut faults = Vec::new();
    if *ratio < Quantity::from_units(1) {
        faults.push(format!("ratio {ratio} is less than 1"));
    }
    let millis = |amount: &Quantity| amount.millis_i64().unwrap_or(i64::MAX) as f64;
    if let (Some(least), Some(most)) = (least, most) {
        let possible = millis(most) / millis(least);
        if millis(ratio) / 1000.0 > possible {
            faults.push(format!("ratio {ratio} is greater than max/min = {possible:.6}"));
        }
    }
    faults
}

fn check_name(field: &str, kind: &str, name: &str, causes: &mut Vec<Cause>) {
    if name.contains('/') || name.starts_with("hugepages-") {
        return;
    }
    if !RESOURCES.contains(&name) {
        let why = "must be a standard resource type or fully qualified";
        causes.push(Cause::invalid(field, &name.into(), why));
    }
    let of_containers = ["cpu", "memory", "ephemeral-storage"].contains(&name);
    if ["Pod", "Container"].contains(&kind) && !of_containers {
        causes.push(Cause::invalid(field, &name.into(), "must be a standard resource for containers"));
    }
}
