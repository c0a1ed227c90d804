//! The Deployment and what stands around it.

use plimsoll_core::scale::Autoscale;
use plimsoll_qos::hpa_target;
use serde_json::{Value, json};

use super::container::{self, protocol, seconds};
use super::{Input, MAIN};
use crate::render::{Kind, Object, RenderError};

/// How long a pod without a readiness probe must have run to count, since it counts as ready at once.
const SETTLE_WITHOUT_PROBE: u64 = 5;

pub(super) fn deployment(input: &Input<'_>, template: Value) -> Object {
    let content = input.content;
    let mut labels = input.labels();
    // On the Deployment alone: another tag on the same digest must not restart a pod.
    if let Some(version) = content.main.image.tag.as_deref().filter(|tag| is_label_value(tag)) {
        labels.insert("app.kubernetes.io/version".to_owned(), json!(version));
    }
    let settle = if content.main.probes.readiness.is_some() { 0 } else { SETTLE_WITHOUT_PROBE };
    let mut spec = json!({
        "selector": {"matchLabels": input.selector()},
        "strategy": {
            "type": "RollingUpdate",
            // A quarter more at a time, at least one, and never fewer than ordered.
            "rollingUpdate": {"maxUnavailable": 0, "maxSurge": "25%"},
        },
        "progressDeadlineSeconds": seconds(content.publish.deadline).max(settle + 1),
        // A rollback within the last ten contents finds its ReplicaSet.
        "revisionHistoryLimit": 10,
    });
    spec["template"] = template;
    if settle > 0 {
        spec["minReadySeconds"] = json!(settle);
    }
    input.object(Kind::Deployment, input.app.name.to_string(), labels, [("spec", spec)])
}

pub(super) fn service(input: &Input<'_>) -> Option<Object> {
    let ports: Vec<Value> = input
        .content
        .ports
        .iter()
        .map(|port| {
            json!({
                "name": port.name,
                "port": port.service_port,
                "targetPort": port.name,
                "protocol": protocol(port.protocol),
            })
        })
        .collect();
    let spec = json!({"type": "ClusterIP", "selector": input.selector(), "ports": ports});
    let named =
        |spec| input.object(Kind::Service, input.app.name.to_string(), input.labels(), [("spec", spec)]);
    (!ports.is_empty()).then(|| named(spec))
}

/// A tenth at a time may be moved, at least one, whatever the number: a single pod does not hold up the
/// emptying of a server, and a thousand are not moved one by one. Pods that do not work protect nothing.
pub(super) fn disruption_budget(input: &Input<'_>) -> Object {
    let spec = json!({
        "maxUnavailable": "10%",
        "selector": {"matchLabels": input.selector()},
        "unhealthyPodEvictionPolicy": "AlwaysAllow",
    });
    let name = input.app.name.to_string();
    input.object(Kind::PodDisruptionBudget, name, input.labels(), [("spec", spec)])
}

pub(super) fn autoscaler(input: &Input<'_>, auto: &Autoscale) -> Result<Object, RenderError> {
    let Autoscale { min, max, cpu_percent } = *auto;
    let (limit, request) = container::amounts(input, &input.content.main.size);
    let target = hpa_target(cpu_percent, &limit.cpu, &request.cpu)?;
    let spec = json!({
        "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": input.app.name},
        "minReplicas": min,
        "maxReplicas": max,
        // Of the main container: the others would water its use down.
        "metrics": [{
            "type": "ContainerResource",
            "containerResource": {
                "name": "cpu",
                "container": MAIN,
                "target": {"type": "Utilization", "averageUtilization": target},
            },
        }],
    });
    let name = input.app.name.to_string();
    Ok(input.object(Kind::HorizontalPodAutoscaler, name, input.labels(), [("spec", spec)]))
}

fn is_label_value(text: &str) -> bool {
    let edge = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
    (1..=63).contains(&text.len())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || "._-".contains(c))
        && edge(text.chars().next())
        && edge(text.chars().last())
}
