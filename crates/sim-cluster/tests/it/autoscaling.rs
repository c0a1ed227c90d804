use std::time::Duration;

use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::autoscaling::v2::HorizontalPodAutoscaler;
use kube::Api;
use kube::api::{ListParams, Patch, PatchParams};
use plimsoll_sim_cluster::{Behavior, Containers, Load, SimCluster, Usage};
use serde_json::{Value, json};

use crate::support::{apply, events_of, mk_cluster, mk_deployment, rolled_out};

/// By the CPU of the container `app` of the Deployment `web`: half of what it requests.
fn mk_autoscaler(min: i32, max: i32) -> Value {
    json!({
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": "web"},
        "spec": {
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"},
            "minReplicas": min,
            "maxReplicas": max,
            "metrics": [{"type": "ContainerResource", "containerResource": {
                "name": "cpu",
                "container": "app",
                "target": {"type": "Utilization", "averageUtilization": 50},
            }}],
        },
    })
}

fn cpu(cpu_millis: u32) -> Usage {
    Usage { cpu_millis, ..Usage::default() }
}

/// A cluster with a Deployment of two pods, each of which requests 100m, and an autoscaler from 2 to 10.
async fn mk_autoscaled(load: Load) -> (SimCluster, Api<Deployment>, Api<HorizontalPodAutoscaler>) {
    let cluster = mk_cluster().await;
    cluster.loads().set(Containers::all(), load);
    let client = cluster.client();
    let deployments = Api::default_namespaced(client.clone());
    apply(&deployments, &mk_deployment("web", 2, "app:1")).await.unwrap();
    rolled_out(&client, "web").await;
    let autoscalers = Api::default_namespaced(client);
    apply(&autoscalers, &mk_autoscaler(2, 10)).await.unwrap();
    (cluster, deployments, autoscalers)
}

async fn replicas(deployments: &Api<Deployment>) -> i32 {
    deployments.get("web").await.unwrap().spec.replicas.unwrap()
}

fn condition(autoscaler: &HorizontalPodAutoscaler, kind: &str) -> (String, String) {
    let conditions = autoscaler.status.as_ref().unwrap().conditions.as_deref().unwrap_or_default();
    let found = conditions.iter().find(|condition| condition.type_ == kind).unwrap();
    (found.status.clone(), found.reason.clone().unwrap_or_default())
}

async fn minutes(count: u64) {
    tokio::time::sleep(Duration::from_mins(count)).await;
}

#[tokio::test(start_paused = true)]
async fn traffic_that_pods_share_is_met_with_as_many_as_it_needs() {
    let (cluster, deployments, autoscalers) = mk_autoscaled(Load::Shared(cpu(300))).await;
    minutes(10).await;
    assert_eq!(replicas(&deployments).await, 6, "300m at 50m each");
    let found = autoscalers.get("web").await.unwrap();
    assert_eq!(condition(&found, "ScalingActive"), ("True".into(), "ValidMetricFound".into()));
    assert_eq!(condition(&found, "AbleToScale"), ("True".into(), "ReadyForNewScale".into()));
    let status = found.status.unwrap();
    assert_eq!((status.current_replicas, status.desired_replicas), (Some(6), 6));
    let current = status.current_metrics.unwrap().remove(0).container_resource.unwrap().current;
    assert_eq!((current.average_utilization, current.average_value.unwrap().0), (Some(50), "50m".to_owned()));
    let events = events_of(&cluster.client(), "web").await;
    let above = "reason: cpu container resource utilization (percentage of request) above target";
    assert!(events.iter().any(|event| event.ends_with(above)), "{events:?}");
}

#[tokio::test(start_paused = true)]
async fn when_the_traffic_goes_the_pods_go_after_five_minutes() {
    let (cluster, deployments, _) = mk_autoscaled(Load::Shared(cpu(300))).await;
    minutes(10).await;
    cluster.loads().set(Containers::all(), Load::Shared(cpu(40)));
    minutes(4).await;
    assert_eq!(replicas(&deployments).await, 6);
    minutes(2).await;
    assert_eq!(replicas(&deployments).await, 2, "the least");
}

#[tokio::test(start_paused = true)]
async fn a_container_uses_no_more_than_its_limit() {
    let (cluster, deployments, autoscalers) = mk_autoscaled(Load::Each(cpu(5000))).await;
    let limit = json!({"spec": {"template": {"spec": {"containers": [
        {"name": "app", "resources": {"limits": {"cpu": "50m"}, "requests": {"cpu": "50m"}}},
    ]}}}});
    let patch = Patch::Strategic(limit);
    deployments.patch("web", &PatchParams::default(), &patch).await.unwrap();
    minutes(12).await;
    let found = autoscalers.get("web").await.unwrap().status.unwrap();
    let current = found.current_metrics.unwrap().remove(0).container_resource.unwrap().current;
    assert_eq!(current.average_utilization, Some(100));
    assert_eq!(replicas(&deployments).await, 10, "the most");
    drop(cluster);
}

#[tokio::test(start_paused = true)]
async fn pods_that_never_become_ready_are_not_reckoned_with() {
    let (cluster, deployments, autoscalers) = mk_autoscaled(Load::Each(cpu(90))).await;
    cluster.scripts().set(Containers::all(), Behavior::never_ready());
    minutes(10).await;
    // More are asked for while the two work; the new ones count as at rest.
    assert_eq!(replicas(&deployments).await, 4);
    let found = autoscalers.get("web").await.unwrap();
    assert_eq!(condition(&found, "ScalingActive"), ("True".into(), "ValidMetricFound".into()));
}

#[tokio::test(start_paused = true)]
async fn an_autoscaler_of_nothing_says_so() {
    let cluster = mk_cluster().await;
    let autoscalers: Api<HorizontalPodAutoscaler> = Api::default_namespaced(cluster.client());
    apply(&autoscalers, &mk_autoscaler(2, 10)).await.unwrap();
    minutes(1).await;
    let found = autoscalers.get("web").await.unwrap();
    assert_eq!(condition(&found, "AbleToScale"), ("False".into(), "FailedGetScale".into()));
}

#[tokio::test(start_paused = true)]
async fn at_rest_nothing_is_written() {
    let (cluster, _, _) = mk_autoscaled(Load::Shared(cpu(300))).await;
    minutes(15).await;
    let before = cluster.revision();
    minutes(10).await;
    assert_eq!(cluster.revision(), before);
}

#[tokio::test(start_paused = true)]
async fn an_apply_that_leaves_the_replicas_out_does_not_fight_it() {
    let (cluster, deployments, _) = mk_autoscaled(Load::Shared(cpu(300))).await;
    let mut web = mk_deployment("web", 2, "app:2");
    web["spec"].as_object_mut().unwrap().remove("replicas");
    // Whoever set the replicas first hands them over by leaving them to the autoscaler.
    minutes(10).await;
    apply(&deployments, &web).await.unwrap();
    minutes(10).await;
    assert_eq!(replicas(&deployments).await, 6);
    let pods: Api<k8s_openapi::api::core::v1::Pod> = Api::default_namespaced(cluster.client());
    assert_eq!(pods.list(&ListParams::default()).await.unwrap().items.len(), 6);
}
