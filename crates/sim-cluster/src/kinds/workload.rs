//! Deployments and `ReplicaSets`.

use super::{immutable, pod_template};
use crate::object::{child, integer, map, set_default};
use crate::select::LabelSelector;
use crate::status::Cause;
use crate::tree::{Value, json};

pub(super) fn default_deployment(deployment: &mut Value) {
    child(deployment, "spec");
    let spec = &mut deployment["spec"];
    set_default(spec, "replicas", 1);
    set_default(spec, "revisionHistoryLimit", 10);
    set_default(spec, "progressDeadlineSeconds", 600);
    set_default(spec, "strategy", json!({}));
    let strategy = &mut spec["strategy"];
    set_default(strategy, "type", "RollingUpdate");
    if strategy["type"] == "RollingUpdate" {
        set_default(strategy, "rollingUpdate", json!({}));
        set_default(&mut strategy["rollingUpdate"], "maxSurge", "25%");
        set_default(&mut strategy["rollingUpdate"], "maxUnavailable", "25%");
    }
    pod_template::default_template(spec);
}

pub(super) fn default_replica_set(set: &mut Value) {
    child(set, "spec");
    let spec = &mut set["spec"];
    set_default(spec, "replicas", 1);
    pod_template::default_template(spec);
}

pub(super) fn check(object: &Value, causes: &mut Vec<Cause>) {
    let spec = &object["spec"];
    if let Some(replicas) = integer(spec, "/replicas").filter(|replicas| *replicas < 0) {
        causes.push(Cause::invalid("spec.replicas", &replicas.into(), "must be greater than or equal to 0"));
    }
    let labels = map(spec, "/template/metadata/labels");
    match spec.get("selector").filter(|selector| !selector.is_null()).map(LabelSelector::from_object) {
        None => {
            causes.push(Cause::required("spec.selector", ""));
            let labels = labels.cloned().map_or(Value::Null, Value::Object);
            let why = "`selector` does not match template `labels`";
            causes.push(Cause::invalid("spec.template.metadata.labels", &labels, why));
        }
        Some(Some(selector)) if selector.is_empty() => {
            causes.push(Cause::invalid(
                "spec.selector",
                &spec["selector"],
                "empty selector is invalid for deployment",
            ));
        }
        Some(Some(selector)) if !selector.matches(labels) => {
            let labels = labels.cloned().map_or(Value::Null, Value::Object);
            causes.push(Cause::invalid(
                "spec.template.metadata.labels",
                &labels,
                "`selector` does not match template `labels`",
            ));
        }
        Some(Some(_)) => {}
        Some(None) => {
            causes.push(Cause::invalid("spec.selector", &spec["selector"], "invalid label selector"));
        }
    }
    check_rolling_update(spec, causes);
    pod_template::check(&spec["template"]["spec"], "spec.template.spec", causes);
    let policy = &spec["template"]["spec"]["restartPolicy"];
    if policy != "Always" {
        causes.push(Cause::unsupported("spec.template.spec.restartPolicy", policy, &["Always"]));
    }
}

fn check_rolling_update(spec: &Value, causes: &mut Vec<Cause>) {
    let strategy = &spec["strategy"];
    let rolling = &strategy["rollingUpdate"];
    if strategy["type"] == "Recreate" && !rolling.is_null() {
        causes.push(Cause {
            reason: "FieldValueForbidden",
            field: "spec.strategy.rollingUpdate".into(),
            message: "Forbidden: may not be specified when strategy `type` is 'Recreate'".into(),
        });
    }
    let is_zero = |value: &Value| matches!(value.as_str(), Some("0%")) || value.as_i64() == Some(0);
    if rolling.is_object() && is_zero(&rolling["maxSurge"]) && is_zero(&rolling["maxUnavailable"]) {
        causes.push(Cause::invalid(
            "spec.strategy.rollingUpdate.maxUnavailable",
            &rolling["maxUnavailable"],
            "may not be 0 when `maxSurge` is 0",
        ));
    }
}

pub(super) fn check_update(live: &Value, object: &Value, causes: &mut Vec<Cause>) {
    immutable(live, object, "spec/selector", "spec.selector", causes);
}
