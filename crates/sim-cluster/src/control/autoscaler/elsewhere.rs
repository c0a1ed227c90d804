//! Metrics of the APIs `custom.metrics.k8s.io` and `external.metrics.k8s.io`, which nobody serves here.

use super::metric::Failure;
use crate::object::text;
use crate::select::printed;
use crate::tree::Value;

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
            let selector = match &source["metric"]["selector"] {
                Value::Null => "nil".to_owned(),
                given => printed(given),
            };
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
