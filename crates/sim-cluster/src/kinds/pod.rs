//! Pods.

use serde_json::{Value, json};

use super::{container, pod_template};
use crate::object::{child, elements, list, map, set_default, set_or_remove};
use crate::quantity::Quantity;
use crate::status::Cause;

pub(super) fn default(pod: &mut Value) {
    child(pod, "spec");
    let spec = &mut pod["spec"];
    pod_template::set_defaults(spec);
    set_default(spec, "enableServiceLinks", true);
    for part in ["initContainers", "containers"] {
        for container in elements(spec, part) {
            container::default_requests(container);
        }
    }
}

pub(super) fn prepare_create(pod: &mut Value) {
    let class = qos_class(pod);
    pod["status"] = json!({"phase": "Pending", "qosClass": class});
}

/// The QoS class by the rules of the kubelet, over containers and init containers.
pub(crate) fn qos_class(pod: &Value) -> &'static str {
    let containers: Vec<&Value> =
        list(pod, "/spec/containers").iter().chain(list(pod, "/spec/initContainers")).collect();
    let amount = |container: &Value, part: &str, name: &str| {
        map(container, &format!("/resources/{part}"))
            .and_then(|amounts| amounts.get(name))
            .and_then(Value::as_str)
            .and_then(Quantity::parse)
            .filter(|quantity| !quantity.is_zero())
    };
    let any = containers.iter().any(|container| {
        ["cpu", "memory"]
            .iter()
            .any(|name| ["requests", "limits"].iter().any(|part| amount(container, part, name).is_some()))
    });
    if !any {
        return "BestEffort";
    }
    let guaranteed = containers.iter().all(|container| {
        ["cpu", "memory"].iter().all(|name| {
            let limit = amount(container, "limits", name);
            limit.is_some() && amount(container, "requests", name) == limit
        })
    });
    if guaranteed { "Guaranteed" } else { "Burstable" }
}

pub(super) fn check(pod: &Value, causes: &mut Vec<Cause>) {
    pod_template::check(&pod["spec"], "spec", causes);
}

/// Of a running pod only images, deadlines, tolerations and gates may change.
pub(super) fn check_update(live: &Value, pod: &Value, causes: &mut Vec<Cause>) {
    if comparable(live) != comparable(pod) {
        causes.push(Cause {
            reason: "FieldValueForbidden",
            field: "spec".into(),
            message: "Forbidden: pod updates may not change fields other than `spec.containers[*].image`,\
                      `spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only \
                      additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be \
                      set to 1 if it was previously negative)"
                .into(),
        });
    }
}

fn comparable(pod: &Value) -> Value {
    let mut spec = pod["spec"].clone();
    for part in ["initContainers", "containers"] {
        for container in elements(&mut spec, part) {
            if let Some(fields) = container.as_object_mut() {
                set_or_remove(fields, "image", None);
            }
        }
    }
    if let Some(fields) = spec.as_object_mut() {
        // `nodeName` is set through the binding subresource, which is a write of the scheduler here.
        for field in [
            "activeDeadlineSeconds",
            "tolerations",
            "terminationGracePeriodSeconds",
            "nodeName",
            "schedulingGates",
        ] {
            fields.remove(field);
        }
    }
    spec
}
