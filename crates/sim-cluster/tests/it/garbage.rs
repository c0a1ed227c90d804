use k8s_openapi::api::apps::v1::{Deployment, ReplicaSet};
use k8s_openapi::api::core::v1::{ConfigMap, Namespace, Pod, ServiceAccount};
use kube::api::{DeleteParams, ListParams, PostParams};
use kube::{Api, ResourceExt};
use serde_json::json;

use crate::support::{apply, created, mk_cluster, mk_deployment, pod_names, refusal, rolled_out, until};

#[tokio::test(start_paused = true)]
async fn what_a_deployment_owns_goes_with_it() {
    let cluster = mk_cluster().await;
    let client = cluster.client();
    let api: Api<Deployment> = Api::default_namespaced(client.clone());
    for params in [DeleteParams::background(), DeleteParams::foreground()] {
        apply(&api, &mk_deployment("web", 2, "app:1")).await.unwrap();
        rolled_out(&client, "web").await;
        let names = pod_names(&client).await;
        api.delete("web", &params).await.unwrap();
        until(&api, "web", |found| found.is_none()).await;
        for name in names {
            until(&Api::<Pod>::default_namespaced(client.clone()), &name, |found| found.is_none()).await;
        }
        let sets: Api<ReplicaSet> = Api::default_namespaced(client.clone());
        assert!(sets.list(&ListParams::default()).await.unwrap().items.is_empty());
    }
}

#[tokio::test(start_paused = true)]
async fn orphans_stay_and_are_adopted_by_the_next_deployment() {
    let cluster = mk_cluster().await;
    let client = cluster.client();
    let api: Api<Deployment> = Api::default_namespaced(client.clone());
    apply(&api, &mk_deployment("web", 2, "app:1")).await.unwrap();
    rolled_out(&client, "web").await;
    let names = pod_names(&client).await;
    api.delete("web", &DeleteParams::orphan()).await.unwrap();
    until(&api, "web", |found| found.is_none()).await;
    apply(&api, &mk_deployment("web", 2, "app:1")).await.unwrap();
    rolled_out(&client, "web").await;
    assert_eq!(pod_names(&client).await, names);
}

#[tokio::test(start_paused = true)]
async fn an_object_whose_owner_never_was_goes_too() {
    let cluster = mk_cluster().await;
    let api: Api<ConfigMap> = Api::default_namespaced(cluster.client());
    let owner = json!({"apiVersion": "v1", "kind": "ConfigMap", "name": "gone", "uid": "1"});
    created(&api, json!({"metadata": {"name": "x", "ownerReferences": [owner]}})).await;
    until(&api, "x", |found| found.is_none()).await;
}

#[tokio::test(start_paused = true)]
async fn a_namespace_starts_with_an_account_and_takes_everything_with_it() {
    let cluster = mk_cluster().await;
    let client = cluster.client();
    let namespaces: Api<Namespace> = Api::all(client.clone());
    created(&namespaces, json!({"metadata": {"name": "demo"}})).await;
    let accounts: Api<ServiceAccount> = Api::namespaced(client.clone(), "demo");
    until(&accounts, "default", |found| found.is_some()).await;
    let api: Api<Deployment> = Api::namespaced(client.clone(), "demo");
    apply(&api, &mk_deployment("web", 2, "app:1")).await.unwrap();
    let maps: Api<ConfigMap> = Api::namespaced(client.clone(), "demo");
    created(&maps, json!({"metadata": {"name": "held", "finalizers": ["example.io/hold"]}})).await;
    namespaces.delete("demo", &DeleteParams::default()).await.unwrap();
    let status = refusal(
        api.create(&PostParams::default(), &serde_json::from_value(mk_deployment("late", 1, "a")).unwrap())
            .await,
    );
    assert_eq!(status.code, 403);
    assert!(status.message.contains("because it is being terminated"), "{}", status.message);
    until(&api, "web", |found| found.is_none()).await;
    assert_eq!(namespaces.get("demo").await.unwrap().status.unwrap().phase.as_deref(), Some("Terminating"));

    let mut held = maps.get("held").await.unwrap();
    held.finalizers_mut().clear();
    maps.replace("held", &PostParams::default(), &held).await.unwrap();
    until(&namespaces, "demo", |found| found.is_none()).await;
}
