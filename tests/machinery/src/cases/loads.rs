//! Autoscalers by what pods use: when there are more, when fewer, how fast, and what they tell of it.

use serde_json::{Value, json};

use super::autoscalers::{ALL, TARGET, WEB, autoscaler, conditions};
use super::mk::{deployment, gated_pod};
use crate::{Server, Use};

/// The Deployment `web`, whose pods run, request 100m of CPU, and use this much. The names of the pods.
/// What so much use asks for comes only after a while, of which this reason tells.
async fn held_back(server: &Server, used: u32, reason: &str, replicas: i64) {
    server.uses([Use::of_app("web", used)]).await;
    until(server, "AbleToScale", reason).await;
    tell(server).await;
    server.until_is(TARGET, "/spec/replicas", &json!(replicas)).await;
    events(server, 1).await;
}

async fn target(server: &Server, replicas: i64, cpu_millis: u32) -> Vec<String> {
    target_of(server, replicas, &json!({"cpu": "100m", "memory": "64Mi"}), cpu_millis).await
}

async fn target_of(server: &Server, replicas: i64, requests: &Value, cpu_millis: u32) -> Vec<String> {
    let mut web = deployment("web");
    web["spec"]["replicas"] = replicas.into();
    web["spec"]["template"]["spec"]["containers"][0]["resources"] = json!({"requests": requests});
    server.post("apis/apps/v1/deployments", &web).unseen().await;
    server.until_is(TARGET, "/status/readyReplicas", &json!(replicas)).await;
    server.uses([Use::of_app("web", cpu_millis)]).await;
    let pods = server.get("pods?labelSelector=app=web").unseen().await;
    let pods = pods.body["items"].as_array().into_iter().flatten();
    let names: Vec<String> =
        pods.filter_map(|pod| pod["metadata"]["name"].as_str()).map(str::to_owned).collect();
    for name in &names {
        server.call_it(name, "a pod");
    }
    names
}

fn metric(name: &str, target: &Value) -> Value {
    json!({"type": "Resource", "resource": {"name": name, "target": target}})
}

/// By a share of the CPU that pods request.
fn cpu(percent: i64) -> Value {
    metric("cpu", &json!({"type": "Utilization", "averageUtilization": percent}))
}

/// An autoscaler of `web` between two numbers, by half of the CPU that its pods request.
async fn scaled(server: &Server, min: i64, max: i64) {
    scaled_by(server, min, max, &json!([cpu(50)]), &Value::Null).await;
}

async fn scaled_by(server: &Server, min: i64, max: i64, metrics: &Value, behavior: &Value) {
    let mut spec = json!({"minReplicas": min, "maxReplicas": max, "metrics": metrics});
    if !behavior.is_null() {
        spec["behavior"] = behavior.clone();
    }
    server.post(ALL, &autoscaler(&spec)).unseen().await;
}

/// Waits until a condition of the autoscaler is for this reason.
async fn until(server: &Server, kind: &str, reason: &str) {
    server
        .until(&format!("{kind} is {reason}"), async || {
            let seen = server.get(WEB).maybe().await;
            let mut conditions = seen.body["status"]["conditions"].as_array().into_iter().flatten();
            conditions.any(|condition| condition["type"] == kind && condition["reason"] == reason)
        })
        .await;
}

/// Waits until the autoscaler has seen so many pods that use this share of what they request.
async fn until_seen(server: &Server, pods: i64, percent: i64) {
    let share = "/status/currentMetrics/0/resource/current/averageUtilization";
    server
        .until(&format!("{pods} pods that use {percent}%"), async || {
            let seen = server.get(WEB).maybe().await.body;
            seen["status"]["currentReplicas"] == pods && seen.pointer(share) == Some(&json!(percent))
        })
        .await;
}

/// Tells what the autoscaler says of itself.
async fn tell(server: &Server) {
    conditions(server).await;
    server
        .get(WEB)
        .only(&[
            "/status/currentReplicas",
            "/status/desiredReplicas",
            "/status/currentMetrics",
            "/status/observedGeneration",
        ])
        .await;
}

/// Tells the events of autoscalers, once there are so many that differ.
async fn events(server: &Server, count: usize) {
    let told = async || {
        let seen = server.get("events").unseen().await;
        let events = seen.body["items"].as_array().into_iter().flatten();
        let events = events.filter(|event| event["involvedObject"]["kind"] == "HorizontalPodAutoscaler");
        let mut told: Vec<String> = events
            .map(|event| {
                ["type", "reason", "message"].map(|it| event[it].as_str().unwrap_or_default()).join(" · ")
            })
            .collect();
        told.sort();
        told.dedup();
        told
    };
    server.until(&format!("{count} events"), async || told().await.len() >= count).await;
    for event in told().await {
        server.note(&event);
    }
}

/// Where pods use more than they are to, more come, as many as the use asks for.
pub async fn more_pods_come_under_load(server: &Server) {
    target(server, 2, 100).await;
    scaled(server, 2, 4).await;
    server.until_is(TARGET, "/spec/replicas", &json!(4)).await;
    until_seen(server, 4, 100).await;
    until(server, "ScalingLimited", "TooManyReplicas").await;
    tell(server).await;
    events(server, 1).await;
    server.get(WEB).only(&["/status/lastScaleTime"]).await;
}

/// Without rules of its own an autoscaler no more than doubles the pods at once, or makes four of them.
pub async fn the_number_of_pods_doubles_at_most(server: &Server) {
    target(server, 1, 100).await;
    scaled_by(server, 1, 10, &json!([cpu(10)]), &Value::Null).await;
    until_seen(server, 10, 100).await;
    until(server, "ScalingLimited", "TooManyReplicas").await;
    tell(server).await;
    events(server, 3).await;
}

/// Where pods use less than they are to, some go.
pub async fn fewer_pods_stay_when_the_load_goes(server: &Server) {
    target(server, 4, 50).await;
    let behavior = json!({"scaleDown": {"stabilizationWindowSeconds": 0}});
    scaled_by(server, 2, 4, &json!([cpu(50)]), &behavior).await;
    until_seen(server, 4, 50).await;
    tell(server).await;
    server.uses([Use::of_app("web", 10)]).await;
    until_seen(server, 2, 10).await;
    until(server, "AbleToScale", "ReadyForNewScale").await;
    tell(server).await;
    events(server, 1).await;
}

/// Pods that use nothing at all are a measurement like any other.
pub async fn pods_that_use_nothing_are_brought_to_the_least(server: &Server) {
    target(server, 3, 0).await;
    let behavior = json!({"scaleDown": {"stabilizationWindowSeconds": 0}});
    scaled_by(server, 1, 4, &json!([cpu(50)]), &behavior).await;
    until_seen(server, 1, 0).await;
    until(server, "AbleToScale", "ReadyForNewScale").await;
    tell(server).await;
    events(server, 1).await;
}

/// Without rules of its own an autoscaler waits before it lets pods go.
pub async fn fewer_come_when_nothing_higher_was_recommended_for_a_while(server: &Server) {
    target(server, 3, 50).await;
    scaled(server, 1, 4).await;
    until_seen(server, 3, 50).await;
    held_back(server, 10, "ScaleDownStabilized", 1).await;
}

/// A window of its own holds back that there are fewer, and then lets them be.
pub async fn a_window_holds_fewer_back(server: &Server) {
    target(server, 3, 50).await;
    let behavior = json!({"scaleDown": {"stabilizationWindowSeconds": 20}});
    scaled_by(server, 1, 4, &json!([cpu(50)]), &behavior).await;
    until_seen(server, 3, 50).await;
    held_back(server, 10, "ScaleDownStabilized", 1).await;
}

/// A window of its own holds back that there are more, and then lets them be.
pub async fn a_window_holds_more_back(server: &Server) {
    target(server, 2, 50).await;
    let behavior = json!({"scaleUp": {"stabilizationWindowSeconds": 20}});
    scaled_by(server, 1, 4, &json!([cpu(50)]), &behavior).await;
    until_seen(server, 2, 50).await;
    held_back(server, 100, "ScaleUpStabilized", 4).await;
}

/// A tenth more or less than is meant changes nothing.
pub async fn a_tenth_off_is_left_alone(server: &Server) {
    target(server, 2, 55).await;
    scaled(server, 1, 3).await;
    until_seen(server, 2, 55).await;
    tell(server).await;
    server.uses([Use::of_app("web", 45)]).await;
    until_seen(server, 2, 45).await;
    tell(server).await;
    server.uses([Use::of_app("web", 56)]).await;
    server.until_is(TARGET, "/spec/replicas", &json!(3)).await;
    events(server, 1).await;
}

/// How far off is left alone may be said for each direction.
pub async fn a_tolerance_of_ones_own_is_kept(server: &Server) {
    target(server, 4, 74).await;
    let behavior = json!({
        "scaleUp": {"tolerance": "0.5"},
        "scaleDown": {"tolerance": "0", "stabilizationWindowSeconds": 0},
    });
    scaled_by(server, 3, 6, &json!([cpu(50)]), &behavior).await;
    until_seen(server, 4, 74).await;
    tell(server).await;
    server.uses([Use::of_app("web", 37)]).await;
    server.until_is(TARGET, "/spec/replicas", &json!(3)).await;
    events(server, 1).await;
}

/// Pods of which nothing is known hold growth back: they may be at rest.
pub async fn pods_without_metrics_are_at_rest_where_there_would_be_more(server: &Server) {
    let pods = target(server, 4, 50).await;
    server.uses(pods[..2].iter().map(|pod| Use::of_pod(pod, 100))).await;
    scaled(server, 4, 6).await;
    until_seen(server, 4, 100).await;
    tell(server).await;
    server.uses(pods[..2].iter().map(|pod| Use::of_pod(pod, 150))).await;
    until_seen(server, 6, 150).await;
    tell(server).await;
    events(server, 1).await;
}

/// Pods of which nothing is known keep pods from going: they may be busy.
pub async fn pods_without_metrics_are_busy_where_there_would_be_fewer(server: &Server) {
    let pods = target(server, 4, 50).await;
    server.uses(pods[..2].iter().map(|pod| Use::of_pod(pod, 10))).await;
    let behavior = json!({"scaleDown": {"stabilizationWindowSeconds": 0}});
    scaled_by(server, 1, 6, &json!([cpu(50)]), &behavior).await;
    until_seen(server, 4, 10).await;
    tell(server).await;
    server.delete(WEB).unseen().await;
    scaled_by(server, 3, 6, &json!([cpu(80)]), &behavior).await;
    server.until_is(TARGET, "/spec/replicas", &json!(3)).await;
    events(server, 1).await;
}

/// A pod that is not placed yet will do some of the work.
pub async fn a_pod_that_waits_for_a_node_is_at_rest(server: &Server) {
    let mut waiting = gated_pod("waiting");
    waiting["metadata"]["labels"] = json!({"app": "web"});
    waiting["spec"]["containers"][0]["resources"] = json!({"requests": {"cpu": "100m"}});
    server.post("pods", &waiting).unseen().await;
    target(server, 2, 80).await;
    scaled(server, 1, 4).await;
    until_seen(server, 2, 80).await;
    tell(server).await;
    server.delete("pods/waiting").unseen().await;
    server.until_is(TARGET, "/spec/replicas", &json!(4)).await;
    events(server, 1).await;
}

async fn grown(server: &Server, rules: &Value) {
    target(server, 4, 100).await;
    scaled_by(server, 1, 20, &json!([cpu(10)]), &json!({"scaleUp": rules})).await;
    until(server, "ScalingLimited", "ScaleUpLimit").await;
    until(server, "AbleToScale", "ReadyForNewScale").await;
    conditions(server).await;
    server.get(TARGET).only(&["/spec/replicas"]).await;
}

/// Of several policies the one holds that lets most come.
pub async fn the_most_of_several_policies_bounds_the_growth(server: &Server) {
    let policies = json!([
        {"type": "Pods", "value": 1, "periodSeconds": 1800},
        {"type": "Percent", "value": 75, "periodSeconds": 1800},
    ]);
    grown(server, &json!({"policies": policies})).await;
    events(server, 1).await;
}

/// If that is wanted, the one holds that lets the fewest come.
pub async fn the_least_of_several_policies_bounds_the_growth(server: &Server) {
    let policies = json!([
        {"type": "Pods", "value": 1, "periodSeconds": 1800},
        {"type": "Percent", "value": 75, "periodSeconds": 1800},
    ]);
    grown(server, &json!({"policies": policies, "selectPolicy": "Min"})).await;
    events(server, 1).await;
}

/// A share is rounded up, so that any growth is possible.
pub async fn a_share_bounds_the_growth(server: &Server) {
    grown(server, &json!({"policies": [{"type": "Percent", "value": 10, "periodSeconds": 1800}]})).await;
    events(server, 1).await;
}

/// A direction that is switched off is not taken.
pub async fn a_disabled_direction_is_not_taken(server: &Server) {
    grown(server, &json!({"selectPolicy": "Disabled"})).await;
    events(server, 0).await;
}

/// How many go at once is bounded too.
pub async fn a_policy_bounds_how_many_go(server: &Server) {
    target(server, 4, 10).await;
    let behavior = json!({"scaleDown": {
        "stabilizationWindowSeconds": 0,
        "policies": [{"type": "Pods", "value": 1, "periodSeconds": 1800}],
    }});
    scaled_by(server, 1, 4, &json!([cpu(50)]), &behavior).await;
    until_seen(server, 3, 10).await;
    until(server, "AbleToScale", "ReadyForNewScale").await;
    tell(server).await;
    events(server, 1).await;
}

/// Of several metrics the one holds that asks for most.
pub async fn the_highest_of_several_metrics_holds(server: &Server) {
    target(server, 2, 60).await;
    server.uses([Use::of_app("web", 60).memory(48)]).await;
    let memory = metric("memory", &json!({"type": "AverageValue", "averageValue": "24Mi"}));
    scaled_by(server, 1, 4, &json!([cpu(50), memory]), &Value::Null).await;
    until_seen(server, 4, 60).await;
    until(server, "ScalingLimited", "TooManyReplicas").await;
    tell(server).await;
    events(server, 1).await;
}

/// An autoscaler may look at one container of its pods, and at an amount instead of a share.
pub async fn one_container_may_be_looked_at(server: &Server) {
    let mut web = deployment("web");
    web["spec"]["replicas"] = 2.into();
    let containers = ["main", "beside"].map(|name| {
        json!({"name": name, "image": "registry.example/app:1", "resources": {"requests": {"cpu": "100m"}}})
    });
    web["spec"]["template"]["spec"]["containers"] = json!(containers);
    server.post("apis/apps/v1/deployments", &web).unseen().await;
    server.until_is(TARGET, "/status/readyReplicas", &json!(2)).await;
    server.uses([Use::of_app("web", 100), Use::of_app("web", 50).container("main")]).await;
    let of = |container: &str, target: &Value| json!({"type": "ContainerResource", "containerResource": {"name": "cpu", "container": container, "target": target}});
    let share = json!({"type": "Utilization", "averageUtilization": 50});
    let amount = json!({"type": "AverageValue", "averageValue": "75m"});
    scaled_by(server, 1, 3, &json!([of("main", &share), of("beside", &amount)]), &Value::Null).await;
    server.until_is(TARGET, "/spec/replicas", &json!(3)).await;
    until(server, "ScalingLimited", "TooManyReplicas").await;
    tell(server).await;
    events(server, 1).await;
}

/// A container that the pods have not is told.
pub async fn a_container_that_is_not_there_is_told(server: &Server) {
    target(server, 1, 50).await;
    let target = json!({"type": "Utilization", "averageUtilization": 50});
    let metric = json!({"type": "ContainerResource", "containerResource": {
        "name": "cpu", "container": "other", "target": target,
    }});
    scaled_by(server, 1, 3, &json!([metric]), &Value::Null).await;
    until(server, "ScalingActive", "FailedGetContainerResourceMetric").await;
    tell(server).await;
    events(server, 2).await;
}

/// Where a share is asked for of what pods do not request, that is told.
pub async fn a_pod_that_requests_nothing_is_told(server: &Server) {
    target_of(server, 1, &json!({"memory": "64Mi"}), 50).await;
    scaled(server, 1, 3).await;
    until(server, "ScalingActive", "FailedGetResourceMetric").await;
    tell(server).await;
    events(server, 2).await;
}

/// A metric that cannot be told does not keep the others from asking for more.
pub async fn what_cannot_be_told_does_not_hold_growth_back(server: &Server) {
    target_of(server, 2, &json!({"cpu": "100m"}), 100).await;
    let memory = metric("memory", &json!({"type": "Utilization", "averageUtilization": 50}));
    scaled_by(server, 1, 3, &json!([memory, cpu(50)]), &Value::Null).await;
    server.until_is(TARGET, "/spec/replicas", &json!(3)).await;
    until(server, "ScalingLimited", "TooManyReplicas").await;
    until(server, "AbleToScale", "ReadyForNewScale").await;
    conditions(server).await;
    let path = "events?fieldSelector=reason=SuccessfulRescale";
    server.until_is(path, "/items/0/type", &json!("Normal")).await;
    server.get(path).only(&["/items/0/message"]).await;
}

/// A metric that cannot be told keeps the others from asking for fewer.
pub async fn what_cannot_be_told_holds_fewer_back(server: &Server) {
    target_of(server, 2, &json!({"cpu": "100m"}), 10).await;
    let memory = metric("memory", &json!({"type": "Utilization", "averageUtilization": 50}));
    let behavior = json!({"scaleDown": {"stabilizationWindowSeconds": 0}});
    scaled_by(server, 1, 3, &json!([cpu(50), memory]), &behavior).await;
    until(server, "ScalingActive", "FailedGetResourceMetric").await;
    tell(server).await;
    events(server, 2).await;
}

/// Where the metrics are there and tell nothing of the pods, that is told.
pub async fn pods_of_which_nothing_is_known_are_told(server: &Server) {
    target(server, 1, 50).await;
    server.uses([]).await;
    scaled(server, 1, 3).await;
    until(server, "ScalingActive", "FailedGetResourceMetric").await;
    tell(server).await;
    events(server, 2).await;
}

/// Pods that two autoscalers count are left alone by both.
pub async fn two_autoscalers_of_the_same_pods_do_nothing(server: &Server) {
    target(server, 2, 100).await;
    let spec = json!({"minReplicas": 2, "maxReplicas": 2, "metrics": [cpu(50)]});
    server.post(ALL, &autoscaler(&spec)).unseen().await;
    until(server, "ScalingActive", "ValidMetricFound").await;
    let mut other = autoscaler(&spec);
    other["metadata"]["name"] = json!("other");
    for both in ["[{ns}/web {ns}/other]", "[{ns}/other {ns}/web]"] {
        server.call_it(both, "both");
    }
    server.post(ALL, &other).unseen().await;
    until(server, "ScalingActive", "AmbiguousSelector").await;
    tell(server).await;
    for reason in ["AmbiguousSelector", "FailedComputeMetricsReplicas"] {
        let path = format!("events?fieldSelector=reason={reason}");
        server.until_is(&path, "/items/0/type", &json!("Warning")).await;
    }
    server.delete(&format!("{ALL}/other")).unseen().await;
    until(server, "ScalingActive", "ValidMetricFound").await;
}
