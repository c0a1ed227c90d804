//! `HorizontalPodAutoscalers` (`autoscaling/v2`).

use std::str::FromStr;

use plimsoll_qos::Quantity;

use crate::object::{child, elements, integer, list, set_default, text};
use crate::resource::split_api_version;
use crate::status::Cause;
use crate::tree::{Value, json};

pub(super) fn default(autoscaler: &mut Value) {
    child(autoscaler, "spec");
    let spec = &mut autoscaler["spec"];
    set_default(spec, "minReplicas", 1);
    if list(spec, "/metrics").is_empty() {
        spec["metrics"] = json!([{
            "type": "Resource",
            "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 80}},
        }]);
    }
    if spec.get("behavior").is_some_and(Value::is_object) {
        let behavior = &mut spec["behavior"];
        child(behavior, "scaleUp");
        child(behavior, "scaleDown");
        let fast = json!({"type": "Percent", "value": 100, "periodSeconds": 15});
        let up = &mut behavior["scaleUp"];
        set_default(up, "stabilizationWindowSeconds", 0);
        set_default(up, "selectPolicy", "Max");
        set_default(up, "policies", json!([{"type": "Pods", "value": 4, "periodSeconds": 15}, fast]));
        let down = &mut behavior["scaleDown"];
        set_default(down, "selectPolicy", "Max");
        set_default(down, "policies", json!([fast]));
        for direction in ["scaleUp", "scaleDown"] {
            canonical(&mut behavior[direction], "tolerance");
        }
    }
    for metric in elements(spec, "metrics") {
        for (_, field) in SOURCES {
            if let Some(target) = metric.pointer_mut(&format!("/{field}/target")) {
                canonical(target, "value");
                canonical(target, "averageValue");
            }
        }
    }
}

/// Writes a quantity as a server prints it.
fn canonical(holder: &mut Value, field: &str) {
    if let Some(quantity) =
        holder.get(field).and_then(Value::as_str).and_then(|given| given.parse::<Quantity>().ok())
    {
        holder[field] = quantity.to_string().into();
    }
}

pub(super) fn prepare_create(autoscaler: &mut Value) {
    autoscaler["status"] = json!({"currentMetrics": null, "desiredReplicas": 0});
}

pub(super) fn check(autoscaler: &Value, causes: &mut Vec<Cause>) {
    let spec = &autoscaler["spec"];
    let (min, max) = (integer(spec, "/minReplicas").unwrap_or(1), integer(spec, "/maxReplicas").unwrap_or(0));
    if min < 0 {
        causes.push(Cause::invalid("spec.minReplicas", &min.into(), "must be greater than or equal to 0"));
    }
    if max < min {
        let detail = "must be greater than or equal to `minReplicas`";
        causes.push(Cause::invalid("spec.maxReplicas", &max.into(), detail));
    }
    for field in ["kind", "name"] {
        if text(spec, &format!("/scaleTargetRef/{field}")).is_empty() {
            causes.push(Cause::required(format!("spec.scaleTargetRef.{field}"), ""));
        }
    }
    let (group, _) = split_api_version(text(spec, "/scaleTargetRef/apiVersion"));
    if group.is_empty() {
        let given = spec.pointer("/scaleTargetRef/apiVersion").cloned().unwrap_or_else(|| "".into());
        let detail = "apiVersion must specify API group";
        causes.push(Cause::invalid("spec.scaleTargetRef.apiVersion", &given, detail));
    }
    let metrics = list(spec, "/metrics");
    for (index, metric) in metrics.iter().enumerate() {
        check_metric(&format!("spec.metrics[{index}]"), metric, causes);
    }
    let from_outside = |metric: &&Value| matches!(text(metric, "/type"), "Object" | "External");
    if min == 0 && !metrics.iter().any(|metric| from_outside(&metric)) {
        let detail =
            "must specify at least one Object or External metric to support scaling to zero replicas";
        causes.push(Cause::forbidden("spec.metrics", detail));
    }
    if let Some(behavior) = spec.get("behavior") {
        for direction in ["scaleUp", "scaleDown"] {
            check_rules(&format!("spec.behavior.{direction}"), &behavior[direction], causes);
        }
    }
    // These come from the declarative rules, which a server tells last.
    match max {
        0 => causes.push(Cause::required("spec.maxReplicas", "")),
        ..0 => {
            causes.push(Cause::invalid(
                "spec.maxReplicas",
                &max.into(),
                "must be greater than or equal to 1",
            ));
        }
        1.. => {}
    }
}

/// The kinds of metrics, by the field that holds each.
const SOURCES: [(&str, &str); 5] = [
    ("ContainerResource", "containerResource"),
    ("External", "external"),
    ("Object", "object"),
    ("Pods", "pods"),
    ("Resource", "resource"),
];

fn check_metric(path: &str, metric: &Value, causes: &mut Vec<Cause>) {
    let kind = text(metric, "/type");
    let supported: Vec<&str> = SOURCES.iter().map(|(kind, _)| *kind).collect();
    let expected = SOURCES.iter().find(|(known, _)| *known == kind).map(|(_, field)| *field);
    if kind.is_empty() {
        causes.push(Cause::required(format!("{path}.type"), "must specify a metric source type"));
    }
    if expected.is_none() {
        causes.push(Cause::unsupported(format!("{path}.type"), &kind.into(), &supported));
    }
    let present: Vec<&str> = SOURCES
        .iter()
        .map(|(_, field)| *field)
        .filter(|field| metric.get(field).is_some_and(Value::is_object))
        .collect();
    // Of several sources the server looks into one; which one, is in an order of its own.
    let first = ["object", "external", "pods", "resource", "containerResource"];
    if let Some(field) = first.iter().find(|field| present.contains(field)) {
        check_source(&format!("{path}.{field}"), field, &metric[field], causes);
    }
    if let Some(field) = expected.filter(|field| !present.contains(field)) {
        let detail = "must populate information for the given metric source";
        causes.push(Cause::required(format!("{path}.{field}"), detail));
    }
    if present.len() > 1 {
        for field in present.iter().filter(|field| Some(**field) != expected) {
            let detail = "must populate the given metric source only";
            causes.push(Cause::forbidden(format!("{path}.{field}"), detail));
        }
    }
}

fn check_source(path: &str, field: &str, source: &Value, causes: &mut Vec<Cause>) {
    let (resource, container) = (field == "resource", field == "containerResource");
    if !resource && !container {
        return;
    }
    if text(source, "/name").is_empty() {
        causes.push(Cause::required(format!("{path}.name"), "must specify a resource name"));
    }
    if container && text(source, "/container").is_empty() {
        causes.push(Cause::required(format!("{path}.container"), "must specify a container"));
    }
    let (target, at) = (&source["target"], format!("{path}.target"));
    match text(target, "/type") {
        "Utilization" | "Value" | "AverageValue" => {}
        kind => {
            if kind.is_empty() {
                causes.push(Cause::required(format!("{at}.type"), "must specify a metric target type"));
            }
            let detail = "must be either Utilization, Value, or AverageValue";
            causes.push(Cause::invalid(format!("{at}.type"), &kind.into(), detail));
        }
    }
    for field in ["value", "averageValue"] {
        let Some(given) = target.get(field).and_then(Value::as_str) else { continue };
        if Quantity::from_str(given).is_ok_and(|quantity| !quantity.is_positive()) {
            causes.push(Cause::invalid(format!("{at}.{field}"), &given.into(), "must be positive"));
        }
    }
    let utilization = integer(target, "/averageUtilization");
    if let Some(given) = utilization.filter(|given| *given < 1) {
        let detail = "must be greater than 0";
        causes.push(Cause::invalid(format!("{at}.averageUtilization"), &given.into(), detail));
    }
    match (utilization, target.get("averageValue").is_some_and(|value| !value.is_null())) {
        (None, false) => {
            let detail = "must set either a target raw value or a target utilization";
            causes.push(Cause::required(format!("{at}.averageUtilization"), detail));
        }
        (Some(_), true) => {
            let detail = "may not set both a target raw value and a target utilization";
            causes.push(Cause::forbidden(format!("{at}.averageValue"), detail));
        }
        _ => {}
    }
}

/// The longest window over which recommendations are remembered, in seconds.
const LONGEST_WINDOW: i64 = 3600;
/// The longest period of a policy, in seconds.
const LONGEST_PERIOD: i64 = 1800;

fn check_rules(path: &str, rules: &Value, causes: &mut Vec<Cause>) {
    if let Some(window) = integer(rules, "/stabilizationWindowSeconds") {
        let detail = match window {
            ..0 => "must be greater than or equal to zero".to_owned(),
            0..=LONGEST_WINDOW => String::new(),
            _ => format!("must be less than or equal to {LONGEST_WINDOW}"),
        };
        if !detail.is_empty() {
            causes.push(Cause::invalid(
                format!("{path}.stabilizationWindowSeconds"),
                &window.into(),
                &detail,
            ));
        }
    }
    let select = &rules["selectPolicy"];
    if !matches!(select.as_str(), Some("Max" | "Min" | "Disabled")) {
        causes.push(Cause::unsupported(format!("{path}.selectPolicy"), select, &["Disabled", "Max", "Min"]));
    }
    let policies = list(rules, "/policies");
    if policies.is_empty() {
        causes.push(Cause::required(format!("{path}.policies"), "must specify at least one Policy"));
    }
    for (index, policy) in policies.iter().enumerate() {
        let at = format!("{path}.policies[{index}]");
        if !matches!(text(policy, "/type"), "Pods" | "Percent") {
            causes.push(Cause::unsupported(format!("{at}.type"), &policy["type"], &["Percent", "Pods"]));
        }
        for (field, most) in [("value", i64::MAX), ("periodSeconds", LONGEST_PERIOD)] {
            let given = integer(policy, &format!("/{field}")).unwrap_or_default();
            let detail = match given {
                ..=0 => "must be greater than zero".to_owned(),
                _ if given > most => format!("must be less than or equal to {most}"),
                _ => continue,
            };
            causes.push(Cause::invalid(format!("{at}.{field}"), &given.into(), &detail));
        }
    }
}
