//! Containers that fail in the ways that are scripted: what their status and events say, and when.

use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::api::core::v1::Pod;
use kube::api::LogParams;
use kube::{Api, Client};
use plimsoll_sim_cluster::{Behavior, Containers, SimCluster};
use serde_json::{Value, json};

use crate::support::{created, events_of, mk_cluster, reaches, status_of, until};

const SECOND: Duration = Duration::from_secs(1);

async fn run(client: &Client, name: &str, extra: &Value) -> Api<Pod> {
    let mut container = json!({"name": "app", "image": "app:1"});
    container.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
    let api: Api<Pod> = Api::default_namespaced(client.clone());
    let metadata = json!({"name": name, "labels": {"app": name}});
    created(&api, json!({"metadata": metadata, "spec": {"containers": [container]}})).await;
    api
}

async fn mk_scripted(behavior: Behavior) -> SimCluster {
    let cluster = mk_cluster().await;
    cluster.scripts().set(Containers::all(), behavior);
    cluster
}

fn container(pod: &Pod) -> Value {
    status_of(pod)["containerStatuses"][0].clone()
}

fn restarts(count: i64) -> impl Fn(Option<&Pod>) -> bool {
    move |pod| pod.is_some_and(|pod| container(pod)["restartCount"] == count)
}

#[tokio::test(start_paused = true)]
async fn a_container_that_crashes_waits_twice_as_long_each_time_up_to_five_minutes() {
    let cluster = mk_scripted(Behavior::crashing(SECOND, 3)).await;
    let api = run(&cluster.client(), "x", &json!({})).await;
    let mut waits = Vec::new();
    for count in 1..=8 {
        let pod = api_until_restart(&api, count).await;
        let found = container(&pod);
        let at = |pointer: &str| -> Timestamp {
            found.pointer(pointer).unwrap().as_str().unwrap().parse().unwrap()
        };
        assert_eq!(found["lastState"]["terminated"]["exitCode"], 3);
        assert_eq!(found["lastState"]["terminated"]["reason"], "Error");
        waits.push(
            at("/state/running/startedAt").duration_since(at("/lastState/terminated/finishedAt")).as_secs(),
        );
    }
    let waits: Vec<i64> = waits.into_iter().map(|wait| wait / 5 * 5).collect();
    assert_eq!(waits, [0, 10, 20, 40, 80, 160, 300, 300]);
}

/// The pod once it runs after so many restarts.
async fn api_until_restart(api: &Api<Pod>, count: i64) -> Pod {
    let wait = async {
        loop {
            let pod = api.get("x").await.unwrap();
            let found = container(&pod);
            if found["restartCount"] == count && found["state"]["running"].is_object() {
                return pod;
            }
            tokio::time::sleep(SECOND / 2).await;
        }
    };
    tokio::time::timeout(Duration::from_mins(10), wait).await.unwrap()
}

/// What a container wrote ends with it, whoever asks and however late.
#[tokio::test(start_paused = true)]
async fn the_log_of_a_container_that_ended_ends_and_that_of_the_life_before_is_kept() {
    let cluster = mk_scripted(Behavior::crashing(12 * SECOND, 3)).await;
    let api = run(&cluster.client(), "x", &json!({})).await;
    let log = async |previous| api.logs("x", &LogParams { previous, ..LogParams::default() }).await;
    api_until_restart(&api, 0).await;
    let none = log(true).await.unwrap_err().to_string();
    assert!(none.contains("previous terminated container \"app\" in pod \"x\" not found"), "{none}");

    // The second life waits ten seconds for its turn when it ends.
    api_until_restart(&api, 1).await;
    until(&api, "x", reaches("/status/containerStatuses/0/state/terminated/reason", "Error")).await;
    let ended = log(false).await.unwrap();
    tokio::time::sleep(6 * SECOND).await;
    assert_eq!(log(false).await.unwrap(), ended);
    let words: Vec<_> = ended.lines().map(|line| line.split_once(' ').unwrap().1.to_owned()).collect();
    assert!(matches!(&words[..], [_, _, _, last] if last == "ERROR app ends with code 3"), "{words:?}");

    api_until_restart(&api, 2).await;
    assert_eq!(log(true).await.unwrap(), ended);
    assert_ne!(log(false).await.unwrap(), ended);
}

#[tokio::test(start_paused = true)]
async fn a_crash_shows_as_an_end_first_and_as_a_loop_once_the_kubelet_looks_again() {
    let cluster = mk_scripted(Behavior::crashing(20 * SECOND, 3)).await;
    let client = cluster.client();
    let probe = json!({"readinessProbe": {"httpGet": {"path": "/", "port": 80}, "periodSeconds": 2}});
    let api = run(&client, "probed", &probe).await;
    // The second back-off is of twenty seconds.
    for (name, sees) in [("probed", "waiting"), ("plain", "terminated")] {
        let crashed = |pod: &Value| pod["restartCount"] == 2 && pod["state"]["terminated"].is_object();
        until(&api, name, |pod| pod.is_some_and(|pod| crashed(&container(pod)))).await;
        tokio::time::sleep(4 * SECOND).await;
        let found = container(&api.get(name).await.unwrap());
        assert!(found["state"][sees].is_object(), "{name}: {found:#}");
        if sees == "waiting" {
            assert_eq!(found["state"]["waiting"]["reason"], "CrashLoopBackOff");
            let message = found["state"]["waiting"]["message"].as_str().unwrap();
            let expected = "back-off 20s restarting failed container=app pod=probed_default(";
            assert!(message.starts_with(expected), "{message}");
            api.delete(name, &kube::api::DeleteParams::default()).await.unwrap();
            run(&client, "plain", &json!({})).await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_pull_that_fails_is_tried_again_later_each_time_and_heals_with_the_registry() {
    let cluster = mk_scripted(Behavior::missing()).await;
    let client = cluster.client();
    let api = run(&client, "x", &json!({})).await;
    let reason = "/status/containerStatuses/0/state/waiting/reason";
    until(&api, "x", reaches(reason, "ErrImagePull")).await;
    let waiting = until(&api, "x", reaches(reason, "ImagePullBackOff")).await.unwrap();
    let message = container(&waiting)["state"]["waiting"]["message"].as_str().unwrap().to_owned();
    assert!(message.starts_with("Back-off pulling image \"app:1\": ErrImagePull: rpc error:"), "{message}");
    cluster.scripts().clear();
    until(&api, "x", reaches("/status/phase", "Running")).await;
    assert_eq!(container(&api.get("x").await.unwrap())["restartCount"], 0);
}

#[tokio::test(start_paused = true)]
async fn a_container_that_uses_too_much_memory_is_killed_for_it() {
    let cluster = mk_scripted(Behavior::out_of_memory(5 * SECOND)).await;
    let api = run(&cluster.client(), "x", &json!({})).await;
    let pod = until(&api, "x", restarts(1)).await.unwrap();
    let ended = &container(&pod)["lastState"]["terminated"];
    assert_eq!((&ended["reason"], &ended["exitCode"]), (&json!("OOMKilled"), &json!(137)));
}

#[tokio::test(start_paused = true)]
async fn a_container_that_hangs_is_restarted_by_its_liveness_probe() {
    let cluster = mk_scripted(Behavior::hanging(30 * SECOND)).await;
    let client = cluster.client();
    let probe = json!({"livenessProbe": {"httpGet": {"path": "/alive", "port": 80}, "periodSeconds": 5}});
    let api = run(&client, "x", &probe).await;
    let pod = until(&api, "x", restarts(1)).await.unwrap();
    let ended = container(&pod)["lastState"]["terminated"].clone();
    assert_eq!((&ended["reason"], &ended["exitCode"]), (&json!("Completed"), &json!(0)));
    let events = events_of(&client, "x").await;
    let told: Vec<&str> = events.iter().skip(5).map(String::as_str).collect();
    let address = status_of(&pod)["podIP"].as_str().unwrap().to_owned();
    let unhealthy = format!(
        "Warning Unhealthy: Liveness probe failed: Get \"http://{address}:80/alive\": context deadline exceeded \
         (Client.Timeout exceeded while awaiting headers)"
    );
    assert_eq!(
        told,
        [
            unhealthy.as_str(),
            "Normal Killing: Container app failed liveness probe, will be restarted",
            "Normal Pulled: Container image \"app:1\" already present on machine and can be accessed by the pod",
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn a_slow_start_is_waited_for_by_a_patient_startup_probe_and_killed_by_another() {
    let cluster = mk_scripted(Behavior::slow(20 * SECOND)).await;
    let client = cluster.client();
    let probe = |failures: i64| {
        let get = json!({"path": "/", "port": 80});
        json!({
            "startupProbe": {"httpGet": get, "periodSeconds": 3, "failureThreshold": failures},
            "readinessProbe": {"httpGet": get, "periodSeconds": 3},
        })
    };
    let api = run(&client, "patient", &probe(10)).await;
    run(&client, "hasty", &probe(3)).await;
    until(&api, "hasty", restarts(1)).await;
    let events = events_of(&client, "hasty").await;
    let killed = "Normal Killing: Container app failed startup probe, will be restarted".to_owned();
    assert!(events.contains(&killed), "{events:#?}");
    let ready =
        until(&api, "patient", |pod| pod.is_some_and(|pod| container(pod)["ready"] == true)).await.unwrap();
    let found = container(&ready);
    assert_eq!((&found["started"], &found["restartCount"]), (&json!(true), &json!(0)));
}

#[tokio::test(start_paused = true)]
async fn a_script_holds_for_the_containers_that_it_names_and_no_others() {
    let cluster = mk_cluster().await;
    let client = cluster.client();
    let scripts = cluster.scripts();
    scripts.set(Containers::of_image("^app:").unwrap().labelled("app", "bad"), Behavior::missing());
    scripts.set(Containers::all().in_namespace("other"), Behavior::missing());
    scripts.set(Containers::all().named("sidecar"), Behavior::missing());
    scripts.set(Containers::all().on_node("dc-1-n9"), Behavior::missing());
    let api = run(&client, "good", &json!({})).await;
    run(&client, "bad", &json!({})).await;
    until(&api, "good", reaches("/status/phase", "Running")).await;
    until(&api, "bad", reaches("/status/containerStatuses/0/state/waiting/reason", "ErrImagePull")).await;
    let node = api.get("good").await.unwrap().spec.unwrap().node_name.unwrap();
    scripts.set(Containers::all().on_node(&node), Behavior::crashing(SECOND, 1));
    // What runs already goes on; what starts there fails.
    api.delete("good", &kube::api::DeleteParams::default()).await.unwrap();
    until(&api, "good", |pod| pod.is_none()).await;
    let spec = json!({"nodeName": node, "containers": [{"name": "app", "image": "app:1"}]});
    created(&api, json!({"metadata": {"name": "there"}, "spec": spec})).await;
    until(&api, "there", restarts(1)).await;
}
