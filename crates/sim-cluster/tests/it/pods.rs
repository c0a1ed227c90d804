use std::time::Duration;

use k8s_openapi::api::core::v1::{Event, Pod};
use kube::api::{DeleteParams, LogParams};
use kube::{Api, Client};
use plimsoll_sim_cluster::{Behavior, NodeSize, SimCluster};
use serde_json::json;

use crate::support::{created, mk_cluster, reaches, refusal, until};

async fn run(client: &Client, name: &str, image: &str) -> Pod {
    let pod = json!({
        "metadata": {"name": name},
        "spec": {"containers": [{"name": "app", "image": image}], "terminationGracePeriodSeconds": 5},
    });
    created(&Api::default_namespaced(client.clone()), pod).await
}

#[tokio::test(start_paused = true)]
async fn a_pod_goes_the_way_of_a_real_one() {
    let cluster = mk_cluster().await;
    let client = cluster.client();
    let api: Api<Pod> = Api::default_namespaced(client.clone());
    let made = run(&client, "x", "app:1").await;
    let spec = made.spec.unwrap();
    assert_eq!((spec.priority, spec.service_account_name.as_deref()), (Some(0), Some("default")));
    assert_eq!(spec.containers[0].volume_mounts.as_ref().unwrap().len(), 1, "the token is mounted");
    until(&api, "x", reaches("/status/containerStatuses/0/state/waiting/reason", "ContainerCreating")).await;
    let running = until(&api, "x", reaches("/status/phase", "Running")).await.unwrap();
    let status = running.status.unwrap();
    assert_eq!(status.qos_class.as_deref(), Some("BestEffort"));
    let conditions: Vec<String> =
        status.conditions.unwrap().iter().map(|c| format!("{}={}", c.type_, c.status)).collect();
    assert_eq!(
        conditions,
        [
            "PodReadyToStartContainers=True",
            "Initialized=True",
            "Ready=True",
            "ContainersReady=True",
            "PodScheduled=True"
        ]
    );
    let events: Api<Event> = Api::default_namespaced(client.clone());
    let reasons: Vec<String> = events
        .list(&kube::api::ListParams::default().fields("involvedObject.name=x"))
        .await
        .unwrap()
        .items
        .into_iter()
        .filter_map(|event| event.reason)
        .collect();
    assert_eq!(reasons, ["Scheduled", "Pulling", "Pulled", "Created", "Started"]);
}

#[tokio::test(start_paused = true)]
async fn scripted_images_fail_in_the_ways_that_kubelets_report() {
    let cluster = mk_cluster().await;
    cluster.scripts().set_pattern("missing", Behavior::missing()).unwrap();
    cluster.scripts().set_pattern("crash", Behavior::crashing(Duration::from_secs(1), 3)).unwrap();
    let client = cluster.client();
    let api: Api<Pod> = Api::default_namespaced(client.clone());
    let reason = "/status/containerStatuses/0/state/waiting/reason";
    run(&client, "bad", "missing:1").await;
    until(&api, "bad", reaches(reason, "ErrImagePull")).await;
    until(&api, "bad", reaches(reason, "ImagePullBackOff")).await;
    run(&client, "crash", "crash:1").await;
    let crash = until(&api, "crash", reaches(reason, "CrashLoopBackOff")).await.unwrap();
    let status = &crash.status.unwrap().container_statuses.unwrap()[0];
    assert_eq!(status.restart_count, 1);
    assert_eq!(status.last_state.as_ref().unwrap().terminated.as_ref().unwrap().exit_code, 3);
}

#[tokio::test(start_paused = true)]
async fn a_pod_that_fits_nowhere_waits_and_says_why_until_there_is_room() {
    let size = NodeSize { cpu: "1".into(), memory: "1Gi".into(), pods: 10 };
    let cluster = SimCluster::builder().nodes(1).node_size(size).start().await.unwrap();
    let client = cluster.client();
    let api: Api<Pod> = Api::default_namespaced(client.clone());
    let mk = |name: &str| {
        let resources = json!({"requests": {"cpu": "700m"}});
        json!({"metadata": {"name": name}, "spec": {"containers": [{"name": "app", "image": "a", "resources": resources}]}})
    };
    created(&api, mk("first")).await;
    until(&api, "first", reaches("/status/phase", "Running")).await;
    created(&api, mk("second")).await;
    let waiting =
        until(&api, "second", reaches("/status/conditions/0/reason", "Unschedulable")).await.unwrap();
    let message = waiting.status.unwrap().conditions.unwrap()[0].message.clone().unwrap();
    assert!(message.starts_with("0/1 nodes are available: 1 Insufficient cpu."), "{message}");
    api.delete("first", &DeleteParams::default()).await.unwrap();
    until(&api, "second", reaches("/status/phase", "Running")).await;
}

#[tokio::test(start_paused = true)]
async fn a_deleted_pod_terminates_before_it_goes() {
    let cluster = mk_cluster().await;
    let client = cluster.client();
    let api: Api<Pod> = Api::default_namespaced(client.clone());
    run(&client, "x", "app:1").await;
    until(&api, "x", reaches("/status/phase", "Running")).await;
    let deleted = api.delete("x", &DeleteParams::default()).await.unwrap().left().unwrap();
    assert_eq!(deleted.metadata.deletion_grace_period_seconds, Some(5));
    assert!(api.get("x").await.unwrap().metadata.deletion_timestamp.is_some());
    until(&api, "x", |pod| pod.is_none()).await;
}

#[tokio::test(start_paused = true)]
async fn init_steps_run_in_order_and_sidecars_stay() {
    let cluster = mk_cluster().await;
    let api: Api<Pod> = Api::default_namespaced(cluster.client());
    created(
        &api,
        json!({"metadata": {"name": "x"}, "spec": {
            "initContainers": [
                {"name": "step", "image": "a"},
                {"name": "side", "image": "b", "restartPolicy": "Always"},
            ],
            "containers": [{"name": "app", "image": "c"}],
        }}),
    )
    .await;
    until(&api, "x", reaches("/status/containerStatuses/0/state/waiting/reason", "PodInitializing")).await;
    let pod = until(&api, "x", reaches("/status/phase", "Running")).await.unwrap();
    let init = pod.status.unwrap().init_container_statuses.unwrap();
    assert_eq!(
        init[0].state.as_ref().unwrap().terminated.as_ref().unwrap().reason.as_deref(),
        Some("Completed")
    );
    assert!(init[1].state.as_ref().unwrap().running.is_some());
}

#[tokio::test(start_paused = true)]
async fn logs_come_from_the_running_container_alone() {
    let cluster = mk_cluster().await;
    let client = cluster.client();
    let api: Api<Pod> = Api::default_namespaced(client.clone());
    run(&client, "x", "app:1").await;
    let status = refusal(api.logs("x", &LogParams::default()).await);
    assert_eq!(status.code, 400);
    until(&api, "x", reaches("/status/phase", "Running")).await;
    tokio::time::sleep(Duration::from_mins(1)).await;
    let all = api.logs("x", &LogParams::default()).await.unwrap();
    assert!(all.lines().next().unwrap().contains("app started in pod x"));
    let tail = api.logs("x", &LogParams { tail_lines: Some(2), ..LogParams::default() }).await.unwrap();
    assert_eq!(tail.lines().count(), 2);
    assert!(all.ends_with(&tail));
}
