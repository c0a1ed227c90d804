//! Events: counted, combined, bounded, and forgotten.

use std::time::Duration;

use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::{Event, Pod};
use kube::api::{ListParams, PostParams};
use kube::{Api, Client};
use plimsoll_sim_cluster::{Behavior, Containers};
use serde_json::json;

use crate::support::{apply, created, mk_cluster, mk_deployment, reaches, rolled_out, until};

const MINUTE: Duration = Duration::from_mins(1);

/// The events with a reason: messages and counts, by message.
async fn told(client: &Client, reason: &str) -> Vec<(String, i32)> {
    let api: Api<Event> = Api::default_namespaced(client.clone());
    let fields = ListParams::default().fields(&format!("reason={reason}"));
    let events = api.list(&fields).await.unwrap().items;
    let mut told: Vec<(String, i32)> = events
        .into_iter()
        .map(|event| (event.message.unwrap_or_default(), event.count.unwrap_or_default()))
        .collect();
    told.sort();
    told
}

/// What is told of the pods of one ReplicaSet that were made: how many events stand for one pod each, and the
/// count of the one that stands for many.
async fn made(replicas: i32) -> (usize, Option<i32>) {
    let cluster = mk_cluster().await;
    let client = cluster.client();
    let api: Api<Deployment> = Api::default_namespaced(client.clone());
    apply(&api, &mk_deployment("web", replicas, "app:1")).await.unwrap();
    rolled_out(&client, "web").await;
    let (combined, single): (Vec<_>, Vec<_>) = told(&client, "SuccessfulCreate")
        .await
        .into_iter()
        .partition(|(message, _)| message.starts_with("(combined from similar events): Created pod: web-"));
    assert!(single.iter().all(|(_, count)| *count == 1), "{single:?}");
    assert!(combined.len() < 2, "{combined:?}");
    (single.len(), combined.first().map(|(_, count)| *count))
}

#[tokio::test(start_paused = true)]
async fn from_the_tenth_on_similar_events_are_one() {
    assert_eq!(made(9).await, (9, None));
    assert_eq!(made(12).await, (9, Some(3)));
}

#[tokio::test(start_paused = true)]
async fn of_one_object_no_more_than_twenty_five_events_are_written_at_once() {
    assert_eq!(made(40).await, (9, Some(16)));
}

#[tokio::test(start_paused = true)]
async fn what_is_told_again_is_counted_and_what_is_old_is_forgotten() {
    let cluster = mk_cluster().await;
    let client = cluster.client();
    cluster.scripts().set(Containers::all().in_pod("bad"), Behavior::missing());
    let pods: Api<Pod> = Api::default_namespaced(client.clone());
    for name in ["good", "bad"] {
        let spec = json!({"containers": [{"name": "app", "image": format!("{name}:1")}]});
        created(&pods, json!({"metadata": {"name": name}, "spec": spec})).await;
    }
    until(&pods, "good", reaches("/status/phase", "Running")).await;
    // One of somebody's own lives as long, whatever it says of its time.
    let events: Api<Event> = Api::default_namespaced(client.clone());
    let own = json!({
        "metadata": {"name": "own"},
        "involvedObject": {"kind": "Pod", "name": "good", "namespace": "default"},
        "reason": "Own",
        "lastTimestamp": "2001-01-01T00:00:00Z",
    });
    events.create(&PostParams::default(), &serde_json::from_value(own).unwrap()).await.unwrap();

    tokio::time::sleep(59 * MINUTE).await;
    assert_eq!(told(&client, "Started").await, [("Container started".to_owned(), 1)]);
    assert_eq!(told(&client, "Own").await.len(), 1);
    let back_off = told(&client, "BackOff").await;
    assert!(back_off.len() == 1 && back_off[0].1 > 5, "{back_off:?}");

    // An API server takes up to a minute longer than the hour.
    tokio::time::sleep(3 * MINUTE).await;
    assert_eq!(told(&client, "Started").await, []);
    assert_eq!(told(&client, "Own").await, []);
    let still = told(&client, "BackOff").await;
    assert!(still.len() == 1 && still[0].1 > back_off[0].1, "{still:?}");
}
