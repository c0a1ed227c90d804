//! Nodes that are lost and come back.

use std::time::Duration;

use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::api::core::v1::{Node, Pod};
use kube::api::{Patch, PatchParams};
use kube::{Api, ResourceExt};
use plimsoll_sim_cluster::{Behavior, Containers, Leave, Pressure};
use serde_json::{Value, json};

use crate::support::{
    apply, created, events_of, mk_cluster, mk_deployment, pods, reaches, rolled_out, status_of, until,
};

fn on(pods: &[Pod], node: &str) -> Vec<Pod> {
    let there = |pod: &&Pod| pod.spec.as_ref().unwrap().node_name.as_deref() == Some(node);
    pods.iter().filter(there).cloned().collect()
}

fn condition(status: &Value, kind: &str) -> Value {
    let conditions = status["conditions"].as_array().unwrap();
    conditions.iter().find(|condition| condition["type"] == kind).cloned().unwrap_or_default()
}

#[tokio::test(start_paused = true)]
async fn pods_of_a_lost_node_are_replaced_after_five_minutes_and_go_when_it_is_back() {
    let cluster = mk_cluster().await;
    let client = cluster.client();
    let deployments: Api<Deployment> = Api::default_namespaced(client.clone());
    apply(&deployments, &mk_deployment("web", 3, "app:1")).await.unwrap();
    rolled_out(&client, "web").await;
    let lost = on(&pods(&client).await, "dc-1-n1");
    let name = lost[0].name_any();

    cluster.nodes().lose("dc-1-n1");
    let nodes: Api<Node> = Api::all(client.clone());
    tokio::time::sleep(Duration::from_secs(45)).await;
    let ready = |node: &Node| condition(&serde_json::to_value(&node.status).unwrap(), "Ready");
    assert_eq!(ready(&nodes.get("dc-1-n1").await.unwrap())["status"], "True", "50 s are given");
    let unknown = |node: Option<&Node>| node.is_some_and(|node| ready(node)["status"] == "Unknown");
    let node = until(&nodes, "dc-1-n1", unknown).await.unwrap();
    assert_eq!(
        (&ready(&node)["reason"], &ready(&node)["message"]),
        (&json!("NodeStatusUnknown"), &json!("Kubelet stopped posting node status."))
    );
    let taints = serde_json::to_value(node.spec.unwrap().taints).unwrap();
    let taints: Vec<_> =
        taints.as_array().unwrap().iter().map(|taint| (&taint["key"], &taint["effect"])).collect();
    let key = json!("node.kubernetes.io/unreachable");
    assert_eq!(taints, [(&key, &json!("NoSchedule")), (&key, &json!("NoExecute"))]);
    let found = Api::<Pod>::default_namespaced(client.clone()).get(&name).await.unwrap();
    let status = status_of(&found);
    assert_eq!(
        (&status["phase"], &condition(&status, "Ready")["status"]),
        (&json!("Running"), &json!("False"))
    );

    // The tolerations that every pod gets end after five minutes.
    tokio::time::sleep(Duration::from_secs(290)).await;
    assert_eq!(pods(&client).await.len(), 3);
    rolled_out(&client, "web").await;
    let all = pods(&client).await;
    let left = on(&all, "dc-1-n1");
    assert_eq!((all.len(), left.len()), (4, 1), "the old pod stays while nobody hears of its node");
    assert!(left[0].metadata.deletion_timestamp.is_some());
    let target = condition(&status_of(&left[0]), "DisruptionTarget");
    assert_eq!(target["reason"], "DeletionByTaintManager");
    let events = events_of(&client, &name).await;
    assert_eq!(
        events[events.len() - 2..],
        [
            "Warning NodeNotReady: Node is not ready".to_owned(),
            format!("Normal TaintManagerEviction: Marking for deletion Pod default/{name}"),
        ]
    );

    cluster.nodes().bring_back("dc-1-n1");
    let well = |node: Option<&Node>| {
        node.is_some_and(|node| {
            ready(node)["reason"] == "KubeletReady"
                && node.spec.as_ref().is_none_or(|spec| spec.taints.is_none())
        })
    };
    until(&nodes, "dc-1-n1", well).await;
    until(&Api::<Pod>::default_namespaced(client.clone()), &name, |pod| pod.is_none()).await;
}

#[tokio::test(start_paused = true)]
async fn a_node_that_is_back_in_time_keeps_its_pods() {
    let cluster = mk_cluster().await;
    let client = cluster.client();
    let deployments: Api<Deployment> = Api::default_namespaced(client.clone());
    apply(&deployments, &mk_deployment("web", 3, "app:1")).await.unwrap();
    rolled_out(&client, "web").await;
    let before: Vec<String> = pods(&client).await.iter().map(ResourceExt::name_any).collect();
    for name in ["dc-1-n1", "dc-1-n2", "dc-1-n3"] {
        cluster.nodes().lose(name);
    }
    // All of them are silent: that is no reason to evict anything.
    tokio::time::sleep(Duration::from_mins(10)).await;
    let found = pods(&client).await;
    assert!(found.iter().all(|pod| pod.metadata.deletion_timestamp.is_none()));
    assert!(found.iter().all(|pod| condition(&status_of(pod), "Ready")["status"] == "False"));
    for name in ["dc-1-n1", "dc-1-n2", "dc-1-n3"] {
        cluster.nodes().bring_back(name);
    }
    rolled_out(&client, "web").await;
    assert_eq!(pods(&client).await.iter().map(ResourceExt::name_any).collect::<Vec<_>>(), before);
}

#[tokio::test(start_paused = true)]
async fn a_node_under_pressure_evicts_one_pod_after_another_those_that_were_promised_least_first() {
    let cluster = mk_cluster().await;
    let client = cluster.client();
    cluster.scripts().set(
        Containers::all(),
        Behavior { leave: Leave { after: Duration::from_millis(100), code: 143 }, ..Behavior::default() },
    );
    let pods: Api<Pod> = Api::default_namespaced(client.clone());
    for (name, resources) in [
        ("a-guaranteed", json!({"limits": {"cpu": "100m", "memory": "32Mi"}})),
        ("b-burstable", json!({"requests": {"memory": "32Mi"}})),
        ("c-best-effort", json!({})),
    ] {
        let container = json!({"name": "app", "image": "app:1", "resources": resources});
        let spec = json!({"nodeName": "dc-1-n1", "containers": [container]});
        created(&pods, json!({"metadata": {"name": name}, "spec": spec})).await;
        until(&pods, name, reaches("/status/phase", "Running")).await;
    }
    let phases = async || {
        let mut phases = Vec::new();
        for name in ["c-best-effort", "b-burstable", "a-guaranteed"] {
            let status = status_of(&pods.get(name).await.unwrap());
            phases.push((status["phase"].as_str().unwrap().to_owned(), status["reason"].clone()));
        }
        phases
    };
    let evicted = ("Failed".to_owned(), json!("Evicted"));
    let runs = ("Running".to_owned(), Value::Null);

    cluster.nodes().press("dc-1-n1", Pressure::Memory);
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert_eq!(phases().await, [evicted.clone(), runs.clone(), runs.clone()]);
    tokio::time::sleep(Duration::from_secs(10)).await;
    assert_eq!(phases().await, [evicted.clone(), evicted.clone(), runs.clone()]);

    // Nothing new comes there, and what is left stays once there is enough again.
    cluster.nodes().relieve("dc-1-n1");
    let nodes: Api<Node> = Api::all(client.clone());
    let tainted = |node: &Node| {
        let taints = serde_json::to_value(node.spec.as_ref().unwrap()).unwrap()["taints"].clone();
        taints.as_array().is_some_and(|taints| taints[0]["key"] == "node.kubernetes.io/memory-pressure")
    };
    tokio::time::sleep(Duration::from_secs(290)).await;
    assert!(tainted(&nodes.get("dc-1-n1").await.unwrap()), "it says so for five minutes");
    tokio::time::sleep(Duration::from_secs(20)).await;
    assert!(!tainted(&nodes.get("dc-1-n1").await.unwrap()));
    assert_eq!(phases().await, [evicted.clone(), evicted, runs]);
}

#[tokio::test(start_paused = true)]
async fn a_cordoned_node_is_tainted_until_it_is_not() {
    let cluster = mk_cluster().await;
    let nodes: Api<Node> = Api::all(cluster.client());
    for (unschedulable, expected) in [(true, json!("node.kubernetes.io/unschedulable")), (false, Value::Null)]
    {
        let patch = Patch::Merge(json!({"spec": {"unschedulable": unschedulable}}));
        nodes.patch("dc-1-n1", &PatchParams::default(), &patch).await.unwrap();
        let key = |node: &Node| {
            serde_json::to_value(&node.spec).unwrap().pointer("/taints/0/key").cloned().unwrap_or_default()
        };
        until(&nodes, "dc-1-n1", |node| node.is_some_and(|node| key(node) == expected)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_lease_is_renewed_for_who_reads_it_and_says_when_a_lost_node_was_heard_of_last() {
    let cluster = mk_cluster().await;
    let leases: Api<Lease> = Api::namespaced(cluster.client(), "kube-node-lease");
    let renewed = async |name: &str| leases.get(name).await.unwrap().spec.unwrap().renew_time.unwrap().0;
    let begin = renewed("dc-1-n1").await;
    let before = cluster.revision();
    tokio::time::sleep(Duration::from_mins(30)).await;
    assert_eq!(cluster.revision(), before, "at rest nothing is written");

    let minutes = |later: jiff::Timestamp| later.duration_since(begin).as_mins();
    assert_eq!(minutes(renewed("dc-1-n1").await), 30);
    let once = cluster.revision();
    renewed("dc-1-n1").await;
    assert_eq!(cluster.revision(), once, "it is not overdue");

    tokio::time::sleep(Duration::from_mins(5)).await;
    cluster.nodes().lose("dc-1-n1");
    tokio::time::sleep(Duration::from_mins(5)).await;
    assert_eq!(minutes(renewed("dc-1-n1").await), 35);
    cluster.nodes().bring_back("dc-1-n1");
    assert_eq!(minutes(renewed("dc-1-n1").await), 40);
}
