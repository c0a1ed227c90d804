//! The bench itself, on real components: what tests rely on when they disturb a data center.

use plimsoll_bench::{Bench, Component, Condition, Extent, Options};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

fn mk_deployment() -> Value {
    let labels = json!({"app": "shop"});
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "shop", "namespace": "default"},
        "spec": {
            "replicas": 3, "selector": {"matchLabels": labels},
            "template": {
                "metadata": {"labels": labels},
                "spec": {"containers": [{"name": "main", "image": "registry.example/shop:1"}]},
            },
        },
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn three_data_centers_each_bring_a_deployment_of_three_to_ready() {
    let bench = Bench::start(Options::default()).await.unwrap();

    for number in 1..=3 {
        bench.dc(number).kubectl_with(&mk_deployment().to_string(), &["apply", "-f", "-"]).await.unwrap();
        bench.dc(number).kubectl(&["rollout", "status", "deployment/shop", "--timeout=60s"]).await.unwrap();
        let ready = "jsonpath={.metadata.name} {.status.readyReplicas}";
        assert_eq!(
            bench.dc(number).kubectl(&["get", "deploy", "shop", "-o", ready]).await.unwrap(),
            "shop 3"
        );
    }

    let nodes = bench.dc(2).kubectl(&["get", "nodes", "-o", "name"]).await.unwrap();
    assert_eq!(nodes, "node/dc-2-node-1\nnode/dc-2-node-2\nnode/dc-2-node-3\n");
    for part in bench.dc(3).status().await {
        assert_eq!((part.condition, part.ready), (Condition::Running, true), "{part:?}");
    }
    // Their processes go with the bench.
    let kubeconfig = bench.dc(1).kubeconfig();
    let pids: Vec<_> = bench.dc(1).status().await.iter().filter_map(|part| part.pid).collect();
    assert_eq!(pids.len(), 5);
    drop(bench);
    assert!(!kubeconfig.exists());
    for pid in pids {
        assert!(!std::path::Path::new(&format!("/proc/{pid}")).exists());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_api_server_is_stopped_started_frozen_and_thawed_and_keeps_its_objects() {
    let options = Options::default().data_centers(1).extent(Extent::ApiServer);
    let bench = Bench::start(options).await.unwrap();
    let get = ["get", "deploy", "shop", "-o", "name", "--request-timeout=3s"];
    bench.dc(1).kubectl_with(&mk_deployment().to_string(), &["apply", "-f", "-"]).await.unwrap();

    bench.dc(1).stop_apiserver().await.unwrap();
    assert!(bench.dc(1).kubectl(&get).await.unwrap_err().to_string().contains("refused"));
    bench.dc(1).start_apiserver().await.unwrap();
    assert_eq!(bench.dc(1).kubectl(&get).await.unwrap(), "deployment.apps/shop\n");

    bench.dc(1).kill_apiserver().await.unwrap();
    bench.dc(1).start_apiserver().await.unwrap();
    assert_eq!(bench.dc(1).kubectl(&get).await.unwrap(), "deployment.apps/shop\n");

    bench.dc(1).freeze_apiserver().await.unwrap();
    let part = bench.dc(1).status().await[1];
    assert_eq!((part.component, part.condition), (Component::ApiServer, Condition::Frozen));
    let error = bench.dc(1).kubectl(&get).await.unwrap_err().to_string().to_lowercase();
    // kubectl has several words for it, depending on what it waited for.
    assert!(error.contains("deadline") || error.contains("timeout"), "{error}");
    bench.dc(1).thaw_apiserver().await.unwrap();
    assert_eq!(bench.dc(1).kubectl(&get).await.unwrap(), "deployment.apps/shop\n");

    let twice = bench.dc(1).start_apiserver().await.unwrap_err().to_string();
    assert_eq!(twice, "kube-apiserver of dc-1 runs already");
}

#[tokio::test(flavor = "multi_thread")]
async fn controllers_and_nodes_find_an_api_server_that_was_away() {
    let bench = Bench::start(Options::default().data_centers(1)).await.unwrap();
    let dc = bench.dc(1);
    dc.kubectl_with(&mk_deployment().to_string(), &["apply", "-f", "-"]).await.unwrap();
    let rollout = ["rollout", "status", "deployment/shop", "--timeout=60s"];
    dc.kubectl(&rollout).await.unwrap();

    dc.stop_apiserver().await.unwrap();
    dc.start_apiserver().await.unwrap();
    dc.kubectl(&["scale", "deployment/shop", "--replicas=5"]).await.unwrap();
    dc.kubectl(&rollout).await.unwrap();

    dc.freeze_apiserver().await.unwrap();
    dc.thaw_apiserver().await.unwrap();
    dc.kubectl(&["scale", "deployment/shop", "--replicas=2"]).await.unwrap();
    dc.kubectl(&rollout).await.unwrap();

    let counts = "jsonpath={.status.replicas} {.status.readyReplicas}";
    assert_eq!(dc.kubectl(&["get", "deployment/shop", "-o", counts]).await.unwrap(), "2 2");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_frozen_data_center_dies_at_once_with_its_bench() {
    let bench = Bench::start(Options::default().data_centers(1).extent(Extent::ApiServer)).await.unwrap();
    bench.dc(1).freeze_apiserver().await.unwrap();
    let started = Instant::now();

    drop(bench);

    assert!(started.elapsed() < Duration::from_secs(10));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_audit_log_holds_each_request_of_a_client_once() {
    let bench = Bench::start(Options::default().data_centers(1).extent(Extent::ApiServer)).await.unwrap();
    let audit = bench.dc(1).audit_log();
    let mark = audit.mark().unwrap();

    bench.dc(1).kubectl(&["create", "configmap", "settings", "--from-literal=a=b"]).await.unwrap();

    let writes: Vec<_> = audit
        .since(mark)
        .unwrap()
        .into_iter()
        .filter(|request| request.user == "admin" && request.is_write())
        .map(|request| (request.verb, request.resource, request.namespace))
        .collect();
    assert_eq!(writes, [("create".to_owned(), "configmaps".to_owned(), "default".to_owned())]);
}
