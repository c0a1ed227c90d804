//! Autoscalers: what they are completed by, what they are refused for, and what they do where no metric helps.

use serde_json::{Value, json};

use super::mk::deployment;
use crate::Server;

pub(super) const ALL: &str = "apis/autoscaling/v2/horizontalpodautoscalers";
pub(super) const WEB: &str = "apis/autoscaling/v2/horizontalpodautoscalers/web";
pub(super) const TARGET: &str = "apis/apps/v1/deployments/web";

pub(super) fn autoscaler(spec: &Value) -> Value {
    let mut whole = json!({
        "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"},
        "maxReplicas": 5,
    });
    for (field, value) in spec.as_object().into_iter().flatten() {
        whole[field] = value.clone();
    }
    json!({"apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler", "metadata": {"name": "web"}, "spec": whole})
}

/// A Deployment of as many pods as that, which nobody places.
async fn target(server: &Server, replicas: i64) {
    let mut web = deployment("web");
    web["spec"]["replicas"] = replicas.into();
    web["spec"]["template"]["spec"]["schedulingGates"] = json!([{"name": "example.io/wait"}]);
    server.post("apis/apps/v1/deployments", &web).unseen().await;
    server.until_is(TARGET, "/status/observedGeneration", &json!(1)).await;
}

pub(super) async fn conditions(server: &Server) {
    let shown = ["type", "status", "reason", "message"];
    let seen = server.get(WEB).unseen().await;
    let mut told: Vec<String> = seen.body["status"]["conditions"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|condition| shown.map(|field| condition[field].as_str().unwrap_or_default()).join(" · "))
        .collect();
    told.sort();
    for condition in told {
        server.note(&condition);
    }
}

/// An autoscaler of a target and a bound is completed.
pub async fn an_autoscaler_is_completed(server: &Server) {
    server.post(ALL, &autoscaler(&json!({}))).only(&["/spec"]).await;
}

/// Rules for one direction bring those for the other.
pub async fn the_behavior_of_an_autoscaler_is_completed(server: &Server) {
    let behavior = json!({"behavior": {"scaleUp": {"stabilizationWindowSeconds": 30}}});
    server.post(ALL, &autoscaler(&behavior)).only(&["/spec/behavior"]).await;
    let behavior = json!({"behavior": {"scaleDown": {"selectPolicy": "Disabled"}}});
    server.put(WEB, &autoscaler(&behavior)).only(&["/spec/behavior"]).await;
    let policies = json!([{"type": "Percent", "value": 10, "periodSeconds": 60}]);
    let behavior = json!({"behavior": {"scaleDown": {"policies": policies, "tolerance": "0.05"}}});
    server.put(WEB, &autoscaler(&behavior)).only(&["/spec/behavior"]).await;
}

/// Bounds that fit nothing are refused.
pub async fn wrong_bounds_of_an_autoscaler_are_refused(server: &Server) {
    for spec in [
        json!({"maxReplicas": 0}),
        json!({"maxReplicas": -1}),
        json!({"minReplicas": 0}),
        json!({"minReplicas": -2}),
        json!({"minReplicas": 6}),
        json!({"scaleTargetRef": {}}),
    ] {
        server.post(ALL, &autoscaler(&spec)).await;
    }
}

/// Metrics that say nothing, or two things at once, are refused.
pub async fn wrong_metrics_of_an_autoscaler_are_refused(server: &Server) {
    let cpu = |target: Value| json!({"type": "Resource", "resource": {"name": "cpu", "target": target}});
    for metric in [
        json!({"type": "Resource"}),
        json!({"type": "Nothing"}),
        json!({"type": "Pods", "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 5}}}),
        cpu(json!({"type": "Utilization"})),
        cpu(json!({"type": "Utilization", "averageUtilization": 0})),
        cpu(json!({"type": "AverageValue", "averageValue": "0"})),
        cpu(json!({"type": "AverageValue", "averageValue": "1", "averageUtilization": 5})),
        cpu(json!({"type": "Often", "averageUtilization": 5})),
        json!({"type": "ContainerResource", "containerResource": {
            "name": "cpu",
            "container": "",
            "target": {"type": "Utilization", "averageUtilization": 5},
        }}),
    ] {
        server.post(ALL, &autoscaler(&json!({"metrics": [metric]}))).await;
    }
}

/// Rules that nobody can follow are refused.
pub async fn wrong_rules_of_an_autoscaler_are_refused(server: &Server) {
    for rules in [
        json!({"stabilizationWindowSeconds": -1}),
        json!({"stabilizationWindowSeconds": 3601}),
        json!({"selectPolicy": "Most"}),
        json!({"policies": []}),
        json!({"policies": [{"type": "Pods", "value": 0, "periodSeconds": 0}]}),
        json!({"policies": [{"type": "Some", "value": 1, "periodSeconds": 1801}]}),
    ] {
        server.post(ALL, &autoscaler(&json!({"behavior": {"scaleUp": rules}}))).await;
    }
}

/// Too few pods become the least there may be, whatever the metrics say.
pub async fn too_few_pods_become_the_least(server: &Server) {
    target(server, 1).await;
    server.post(ALL, &autoscaler(&json!({"minReplicas": 3}))).unseen().await;
    server.until_is(TARGET, "/spec/replicas", &json!(3)).await;
    server.until_is("events?fieldSelector=reason=SuccessfulRescale", "/items/0/type", &json!("Normal")).await;
    let path = "events?fieldSelector=reason=SuccessfulRescale";
    server.get(path).only(&["/items/0/message", "/items/0/source", "/items/0/involvedObject/kind"]).await;
}

/// Too many pods become the most there may be.
pub async fn too_many_pods_become_the_most(server: &Server) {
    target(server, 4).await;
    server.post(ALL, &autoscaler(&json!({"maxReplicas": 2}))).unseen().await;
    server.until_is(TARGET, "/spec/replicas", &json!(2)).await;
    server.until_is("events?fieldSelector=reason=SuccessfulRescale", "/items/0/type", &json!("Normal")).await;
    server.get("events?fieldSelector=reason=SuccessfulRescale").only(&["/items/0/message"]).await;
}

/// A target without pods is left alone, and one that is not there is told.
pub async fn a_target_of_none_is_left_alone(server: &Server) {
    server.post(ALL, &autoscaler(&json!({"minReplicas": 2}))).unseen().await;
    server.until_is(WEB, "/status/conditions/0/reason", &json!("FailedGetScale")).await;
    conditions(server).await;
    target(server, 0).await;
    server.until_is(WEB, "/status/conditions/1/reason", &json!("ScalingDisabled")).await;
    conditions(server).await;
    server
        .get(WEB)
        .only(&["/status/desiredReplicas", "/status/currentMetrics", "/status/observedGeneration"])
        .await;
    server.get(TARGET).only(&["/spec/replicas"]).await;
}

/// Metrics of APIs that nobody serves are told, each in its own words.
pub async fn metrics_that_nobody_serves_are_told(server: &Server) {
    target(server, 2).await;
    let value = json!({"type": "Value", "value": "5"});
    let average = json!({"type": "AverageValue", "averageValue": "5"});
    let object = json!({"apiVersion": "v1", "kind": "Service", "name": "web"});
    let jobs = json!({"name": "jobs"});
    let of_queue = json!({"name": "jobs", "selector": {"matchLabels": {"queue": "mail"}}});
    for metric in [
        json!({"type": "Pods", "pods": {"metric": jobs, "target": average}}),
        json!({"type": "Object", "object": {"metric": jobs, "describedObject": object, "target": value}}),
        json!({"type": "Object", "object": {"metric": jobs, "describedObject": object, "target": average}}),
        json!({"type": "External", "external": {"metric": jobs, "target": value}}),
        json!({"type": "External", "external": {"metric": of_queue, "target": average}}),
    ] {
        let spec = json!({"minReplicas": 2, "metrics": [metric]});
        server.post(ALL, &autoscaler(&spec)).unseen().await;
        server.until_is(WEB, "/status/conditions/1/type", &json!("ScalingActive")).await;
        conditions(server).await;
        server.delete(WEB).unseen().await;
    }
    let told = async || {
        let seen = server.get("events").unseen().await;
        let events = seen.body["items"].as_array().into_iter().flatten();
        let events = events.filter(|event| event["involvedObject"]["kind"] == "HorizontalPodAutoscaler");
        let mut told: Vec<String> = events
            .map(|event| {
                ["reason", "message"].map(|field| event[field].as_str().unwrap_or_default()).join(" · ")
            })
            .collect();
        told.sort();
        told.dedup();
        told
    };
    server.until("nine events", async || told().await.len() >= 9).await;
    for event in told().await {
        server.note(&event);
    }
}

/// Where nothing is measured, an autoscaler says so and leaves the pods as they are.
pub async fn without_metrics_the_pods_stay_as_they_are(server: &Server) {
    target(server, 2).await;
    server.post(ALL, &autoscaler(&json!({"minReplicas": 2}))).unseen().await;
    server.until_is(WEB, "/status/conditions/1/reason", &json!("FailedGetResourceMetric")).await;
    conditions(server).await;
    server
        .get(WEB)
        .only(&["/status/desiredReplicas", "/status/currentReplicas", "/status/currentMetrics"])
        .await;
    for reason in ["FailedGetResourceMetric", "FailedComputeMetricsReplicas"] {
        let path = format!("events?fieldSelector=reason={reason}");
        server.until_is(&path, "/items/0/type", &json!("Warning")).await;
        server.get(&path).only(&["/items/0/message"]).await;
    }
}
