//! Pods.

use plimsoll_qos::{Pod, QosClass};
use serde::Deserialize;

use super::{container, pod_template};
use crate::object::{self, child, elements, set_default, set_or_remove};
use crate::status::Cause;
use crate::tree::{Map, Value, json, written};

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

pub(super) fn prepare_create(pod: &mut Value, now: &str) {
    complete_whole(pod);
    let class = qos_class(pod);
    pod["status"] = json!({"phase": "Pending", "qosClass": class});
    if !object::list(pod, "/spec/schedulingGates").is_empty() {
        pod["status"]["conditions"] = json!([{
            "type": "PodScheduled",
            "status": "False",
            "lastProbeTime": null,
            "lastTransitionTime": now,
            "reason": "SchedulingGated",
            "message": "Scheduling is blocked due to non-empty scheduling gates",
        }]);
    }
}

/// Completes the resources of the pod as a whole from those of its containers.
fn complete_whole(pod: &mut Value) {
    if let Some(whole) = resources(pod).defaulted().resources.filter(|whole| !whole.is_empty()) {
        for (part, amounts) in [("requests", whole.requests), ("limits", whole.limits)] {
            if !amounts.is_empty() {
                pod["spec"]["resources"][part] = written(&amounts);
            }
        }
    }
}

/// The QoS class that the API server writes into the status. Without readable resources there are none.
pub(crate) fn qos_class(pod: &Value) -> &'static str {
    match plimsoll_qos::qos_class(&resources(pod)).class {
        QosClass::Guaranteed => "Guaranteed",
        QosClass::Burstable => "Burstable",
        QosClass::BestEffort => "BestEffort",
    }
}

/// A pod as far as resources go; one whose resources cannot be read, which validation refuses, has none.
pub(crate) fn resources(pod: &Value) -> Pod {
    let spec = &pod["spec"];
    let mut asked = only(spec, &["overhead", "resources"]);
    for part in ["initContainers", "containers"] {
        if let Some(containers) = spec.get(part).and_then(Value::as_array) {
            let container = |container| only(container, &["name", "resources", "restartPolicy"]);
            asked.insert(part, containers.iter().map(container).collect());
        }
    }
    Pod::deserialize(&Value::from(asked)).unwrap_or_default()
}

/// These fields of an object; reading a whole pod for a few of them takes long.
fn only(object: &Value, names: &[&str]) -> Map {
    names.iter().filter_map(|name| Some((*name, object.get(*name)?.clone()))).collect()
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn resources_of_the_pod_as_a_whole_are_completed_and_decide_the_class() {
        let both = json!({"cpu": "1", "memory": "1Gi"});
        let container = json!({"name": "main", "resources": {"requests": both, "limits": both}});
        let mut pod = json!({"spec": {"containers": [container], "resources": {"limits": {"cpu": "2"}}}});
        prepare_create(&mut pod, "2001-02-03T04:05:06Z");
        let completed =
            json!({"requests": {"cpu": "1", "memory": "1Gi"}, "limits": {"cpu": "2", "memory": "1Gi"}});
        assert_eq!(
            (&pod["spec"]["resources"], &pod["status"]["qosClass"]),
            (&completed, &json!("Burstable"))
        );
    }
}
