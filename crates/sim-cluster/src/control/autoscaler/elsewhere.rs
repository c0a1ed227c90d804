//! Metrics of the APIs `custom.metrics.k8s.io` and `external.metrics.k8s.io`, which nobody serves here.

use std::fmt::Write;

use serde_json::Value;

use super::metric::Failure;
use crate::object::{list, text};

const CUSTOM: &str = "unable to fetch metrics from custom metrics API: no custom metrics API (custom.metrics.k8s.io) registered";

/// What is told of a metric that only an API answers which is not there.
pub(super) fn unanswered(entry: &Value, namespace: &str) -> Failure {
    let kind = text(entry, "/type");
    let source = match kind {
        "External" => &entry["external"],
        "Object" => &entry["object"],
        _ => &entry["pods"],
    };
    let name = text(source, "/metric/name");
    let by_pod = source.pointer("/target/averageValue").is_some_and(|value| !value.is_null());
    match kind {
        "External" => {
            let selector = selector(&source["metric"]["selector"]);
            let message = format!(
                "unable to get external metric {namespace}/{name}/{selector}: unable to fetch metrics from external \
                 metrics API: the server could not find the requested resource (get {name}.external.metrics.k8s.io)"
            );
            let what =
                if by_pod { format!("{name} external metric") } else { format!("external metric {name}") };
            let error =
                format!("failed to get {name} external metric value: failed to get {what}: {message}");
            Failure { reason: "FailedGetExternalMetric", message, error }
        }
        "Object" => {
            let object = &source["describedObject"];
            let (of, called) = (text(object, "/kind"), text(object, "/name"));
            let message = format!("unable to get metric {name} on {of} {namespace}/{called}: {CUSTOM}");
            let what = if by_pod { format!("failed to get {name} object metric: ") } else { String::new() };
            let error = format!("failed to get object metric value: {what}{message}");
            Failure { reason: "FailedGetObjectMetric", message, error }
        }
        _ => {
            let message = format!("unable to get metric {name}: {CUSTOM}");
            let error = format!("failed to get pods metric value: {message}");
            Failure { reason: "FailedGetPodsMetric", message, error }
        }
    }
}

/// A selector as Go prints it.
fn selector(selector: &Value) -> String {
    if selector.is_null() {
        return "nil".to_owned();
    }
    let mut printed = "&LabelSelector{MatchLabels:map[string]string{".to_owned();
    let mut labels: Vec<_> = selector["matchLabels"].as_object().into_iter().flatten().collect();
    labels.sort_by_key(|(key, _)| *key);
    for (key, value) in labels {
        let _ = write!(printed, "{key}: {},", value.as_str().unwrap_or_default());
    }
    printed.push_str("},MatchExpressions:[]LabelSelectorRequirement{");
    for expression in list(selector, "/matchExpressions") {
        let values: Vec<&str> = list(expression, "/values").iter().filter_map(Value::as_str).collect();
        let (key, operator) = (text(expression, "/key"), text(expression, "/operator"));
        let _ = write!(
            printed,
            "LabelSelectorRequirement{{Key:{key},Operator:{operator},Values:[{}],}},",
            values.join(" ")
        );
    }
    printed.push_str("},}");
    printed
}
