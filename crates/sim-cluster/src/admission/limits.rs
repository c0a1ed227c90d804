//! `LimitRanges`: what containers get that name no requests or limits, and what is refused.

use plimsoll_qos::{Quantity, Resources};

use super::quota::amounts;
use crate::api::Target;
use crate::object::{self, child, elements, fields, list, text};
use crate::status::ApiError;
use crate::store::Tx;
use crate::tree::{Map, Value};

/// Where the real server notes what it filled in.
const ANNOTATION: &str = "kubernetes.io/limit-ranger";
/// The largest amount that the real server compares in thousandths; above it counts whole units.
const LARGEST_IN_MILLIS: i64 = i64::MAX / 1000;

/// Fills in what containers do not say.
pub(super) fn fill_in(tx: &Tx<'_>, target: &Target, pod: &mut Value) {
    for range in tx.list("limitranges", Some(&target.namespace)) {
        let (mut limits, mut requests) = (Map::new(), Map::new());
        for item in list(&range, "/spec/limits").iter().filter(|item| text(item, "/type") == "Container") {
            limits.extend(object::map(item, "/default").cloned().unwrap_or_default());
            requests.extend(object::map(item, "/defaultRequest").cloned().unwrap_or_default());
        }
        let mut told = Vec::new();
        for (part, word) in [("containers", "container"), ("initContainers", "init container")] {
            for container in elements(&mut pod["spec"], part) {
                let name = text(container, "/name").to_owned();
                for (list, amounts, what) in
                    [("requests", &requests, "request"), ("limits", &limits, "limit")]
                {
                    let filled = fill(container, list, amounts);
                    if !filled.is_empty() {
                        told.push(format!("{} {what} for {word} {name}", filled.join(", ")));
                    }
                }
            }
        }
        if !told.is_empty() {
            let note = format!("LimitRanger plugin set: {}", told.join("; "));
            fields(object::metadata(pod).entry("annotations").or_insert(Value::Null))
                .insert(ANNOTATION, note.into());
        }
    }
}

/// Refuses a pod that a range of its namespace does not let through, naming everything that is wrong by the
/// first such range.
pub(super) fn check(tx: &Tx<'_>, target: &Target, pod: &Value) -> Result<(), ApiError> {
    for range in tx.list("limitranges", Some(&target.namespace)) {
        let mut faults = Vec::new();
        for item in list(&range, "/spec/limits") {
            let bounds = Bounds::of(item);
            match bounds.kind {
                "Container" => {
                    for part in ["/spec/containers", "/spec/initContainers"] {
                        for container in list(pod, part) {
                            let requests = amounts(container, "/resources/requests");
                            let limits = amounts(container, "/resources/limits");
                            bounds.check(&requests, &limits, &mut faults);
                        }
                    }
                }
                "Pod" => {
                    let whole = crate::kinds::resources(pod);
                    bounds.check(&whole.requests(), &whole.limits(), &mut faults);
                }
                _ => {}
            }
        }
        let mut distinct: Vec<String> = Vec::new();
        for fault in faults {
            if !distinct.contains(&fault) {
                distinct.push(fault);
            }
        }
        let why = match distinct.as_slice() {
            [] => continue,
            [one] => one.clone(),
            several => format!("[{}]", several.join(", ")),
        };
        return Err(ApiError::forbidden(target.subject(), &why));
    }
    Ok(())
}

/// Adds what is missing; the answer is what was.
fn fill(container: &mut Value, part: &str, amounts: &Map) -> Vec<String> {
    if amounts.is_empty() {
        return Vec::new();
    }
    let held = fields(child(container, "resources").entry(part).or_insert(Value::Null));
    let mut filled = Vec::new();
    for (name, amount) in amounts {
        if !held.contains_key(name) {
            held.insert(name.clone(), amount.clone());
            filled.push(name.to_string());
        }
    }
    filled.sort_unstable();
    filled
}

/// The bounds of one item.
struct Bounds<'a> {
    kind: &'a str,
    least: Resources,
    most: Resources,
    ratio: Resources,
}

impl<'a> Bounds<'a> {
    fn of(item: &'a Value) -> Self {
        Self {
            kind: text(item, "/type"),
            least: amounts(item, "/min"),
            most: amounts(item, "/max"),
            ratio: amounts(item, "/maxLimitRequestRatio"),
        }
    }

    fn check(&self, requests: &Resources, limits: &Resources, faults: &mut Vec<String>) {
        let kind = self.kind;
        for (name, least) in &self.least {
            let says = format!("minimum {name} usage per {kind} is {least}");
            faults.extend(below(&says, least, requests.get(name), limits.get(name)));
        }
        for (name, most) in &self.most {
            let says = format!("maximum {name} usage per {kind} is {most}");
            faults.extend(above(&says, most, requests.get(name), limits.get(name)));
        }
        for (name, ratio) in &self.ratio {
            let says = format!("{name} max limit to request ratio per {kind} is {ratio}");
            faults.extend(beyond(&says, ratio, requests.get(name), limits.get(name)));
        }
    }
}

fn below(
    says: &str,
    least: &Quantity,
    request: Option<&Quantity>,
    limit: Option<&Quantity>,
) -> Option<String> {
    let Some(request) = request else { return Some(format!("{says}.  No request is specified")) };
    let [asked, most, bound] = comparable([Some(request), limit, Some(least)]);
    if asked < bound {
        return Some(format!("{says}, but request is {request}"));
    }
    limit.filter(|_| most < bound).map(|limit| format!("{says}, but limit is {limit}"))
}

fn above(
    says: &str,
    most: &Quantity,
    request: Option<&Quantity>,
    limit: Option<&Quantity>,
) -> Option<String> {
    let Some(limit) = limit else { return Some(format!("{says}.  No limit is specified")) };
    let [asked, used, bound] = comparable([request, Some(limit), Some(most)]);
    if used > bound {
        return Some(format!("{says}, but limit is {limit}"));
    }
    request.filter(|_| asked > bound).map(|request| format!("{says}, but request is {request}"))
}

/// The real server divides in binary floating point, and so lets through and refuses what this does.
#[expect(clippy::cast_precision_loss, reason = "the loss is the real server's")]
fn beyond(
    says: &str,
    ratio: &Quantity,
    request: Option<&Quantity>,
    limit: Option<&Quantity>,
) -> Option<String> {
    let [asked, most, _] = comparable([request, limit, Some(ratio)]);
    if asked == 0 {
        return Some(format!("{says}, but no request is specified or request is 0"));
    }
    if most == 0 {
        return Some(format!("{says}, but no limit is specified or limit is 0"));
    }
    let provided = most as f64 / asked as f64;
    let (seen, bound) = match whole(ratio) {
        units if units <= LARGEST_IN_MILLIS => (provided * 1000.0, thousandths(ratio) as f64),
        units => (provided, units as f64),
    };
    (seen > bound).then(|| format!("{says}, but provided ratio is {provided:.6}"))
}

/// The amounts in one unit: thousandths where all of them allow it.
fn comparable(given: [Option<&Quantity>; 3]) -> [i64; 3] {
    let units = given.map(|amount| amount.map_or(0, whole));
    if units.iter().all(|amount| *amount <= LARGEST_IN_MILLIS) {
        given.map(|amount| amount.map_or(0, thousandths))
    } else {
        units
    }
}

fn whole(amount: &Quantity) -> i64 {
    amount.value_i64().unwrap_or(i64::MAX)
}

fn thousandths(amount: &Quantity) -> i64 {
    amount.millis_i64().unwrap_or(i64::MAX)
}
