use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::{Event, Node, Pod};
use kube::api::ListParams;
use kube::{Api, Client};
use plimsoll_sim_cluster::{SimCluster, StartError, TokioClock};
use serde_json::Value;

use crate::support::{apply, mk_deployment, rolled_out};

async fn everything(client: &Client) -> Vec<Value> {
    let list = ListParams::default();
    let mut all = Vec::new();
    for pod in Api::<Pod>::all(client.clone()).list(&list).await.unwrap() {
        all.push(serde_json::to_value(pod).unwrap());
    }
    for deployment in Api::<Deployment>::all(client.clone()).list(&list).await.unwrap() {
        all.push(serde_json::to_value(deployment).unwrap());
    }
    for node in Api::<Node>::all(client.clone()).list(&list).await.unwrap() {
        all.push(serde_json::to_value(node).unwrap());
    }
    for event in Api::<Event>::all(client.clone()).list(&list).await.unwrap() {
        all.push(serde_json::to_value(event).unwrap());
    }
    all
}

#[tokio::test(start_paused = true)]
async fn after_a_restart_everything_is_as_it_was_and_stays_so() {
    let folder = tempfile::tempdir().unwrap();
    let open = || {
        SimCluster::builder().name("dc-1").data_dir(folder.path()).token(
            "secret",
            "admin",
            ["system:masters"],
        )
    };
    // The machine's clock is put back between the two runs.
    let ahead = Timestamp::now() + SignedDuration::from_mins(10);
    let cluster = open().clock(TokioClock::starting_at(ahead)).start().await.unwrap();
    let client = cluster.client();
    apply(&Api::<Deployment>::default_namespaced(client.clone()), &mk_deployment("web", 3, "app:1"))
        .await
        .unwrap();
    rolled_out(&client, "web").await;
    tokio::time::sleep(Duration::from_secs(5)).await;
    let (before, revision, authority) = (everything(&client).await, cluster.revision(), cluster.kubeconfig());
    cluster.shutdown().await.unwrap();

    let cluster = open().start().await.unwrap();
    tokio::time::sleep(Duration::from_mins(1)).await;
    assert_eq!(cluster.revision(), revision);
    assert_eq!(everything(&cluster.client()).await, before);
    let trusted = |text: &str| text.lines().find(|line| line.contains("authority")).map(str::to_owned);
    assert_eq!(trusted(&cluster.kubeconfig()), trusted(&authority));
}

#[tokio::test(start_paused = true)]
async fn a_folder_in_use_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let _cluster = SimCluster::builder().data_dir(folder.path()).start().await.unwrap();
    let second = SimCluster::builder().data_dir(folder.path()).start().await;
    assert!(matches!(second, Err(StartError::Data(_))), "{second:?}");
}
