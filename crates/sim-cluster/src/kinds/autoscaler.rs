//! `HorizontalPodAutoscalers` (`autoscaling/v2`).

use serde_json::{Value, json};

use crate::object::{child, integer, list, set_default};
use crate::status::Cause;

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
    if let Some(behavior) = spec.get_mut("behavior") {
        if let Some(up) = behavior.get_mut("scaleUp") {
            set_default(up, "stabilizationWindowSeconds", 0);
            set_default(up, "selectPolicy", "Max");
            set_default(
                up,
                "policies",
                json!([
                    {"type": "Pods", "value": 4, "periodSeconds": 15},
                    {"type": "Percent", "value": 100, "periodSeconds": 15},
                ]),
            );
        }
        if let Some(down) = behavior.get_mut("scaleDown") {
            set_default(down, "selectPolicy", "Max");
            set_default(down, "policies", json!([{"type": "Percent", "value": 100, "periodSeconds": 15}]));
        }
    }
}

pub(super) fn prepare_create(autoscaler: &mut Value) {
    autoscaler["status"] = json!({"currentMetrics": null, "desiredReplicas": 0});
}

pub(super) fn check(autoscaler: &Value, causes: &mut Vec<Cause>) {
    let spec = &autoscaler["spec"];
    let (min, max) = (integer(spec, "/minReplicas").unwrap_or(1), integer(spec, "/maxReplicas").unwrap_or(0));
    if max < 1 {
        causes.push(Cause::invalid("spec.maxReplicas", &max.into(), "must be greater than 0"));
    }
    if min < 1 {
        causes.push(Cause::invalid("spec.minReplicas", &min.into(), "must be greater than or equal to 1"));
    }
    if max < min {
        causes.push(Cause::invalid(
            "spec.maxReplicas",
            &max.into(),
            "must be greater than or equal to `minReplicas`",
        ));
    }
}
