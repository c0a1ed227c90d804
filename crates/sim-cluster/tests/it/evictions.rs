use std::time::Duration;

use http::Request;
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::api::policy::v1::PodDisruptionBudget;
use kube::api::EvictParams;
use kube::{Api, Client};
use serde_json::{Value, json};

use crate::support::{apply, created, mk_cluster, mk_deployment, pod_names, refusal, rolled_out, until};

/// Three ready pods, of which two must stay; their names.
async fn mk_guarded(client: &Client) -> Vec<String> {
    let deployments: Api<Deployment> = Api::default_namespaced(client.clone());
    apply(&deployments, &mk_deployment("web", 3, "app:1")).await.unwrap();
    rolled_out(client, "web").await;
    let budgets: Api<PodDisruptionBudget> = Api::default_namespaced(client.clone());
    let spec = json!({"minAvailable": 2, "selector": {"matchLabels": {"app": "web"}}});
    created(&budgets, json!({"metadata": {"name": "web"}, "spec": spec})).await;
    until(&budgets, "web", |budget| allowed(budget) == 1).await;
    pod_names(client).await
}

fn allowed(budget: Option<&PodDisruptionBudget>) -> i32 {
    budget
        .and_then(|budget| budget.status.as_ref())
        .and_then(|status| status.disruptions_allowed)
        .unwrap_or_default()
}

#[tokio::test(start_paused = true)]
async fn a_second_pod_is_not_evicted_before_the_first_is_replaced() {
    let cluster = mk_cluster().await;
    let client = cluster.client();
    let names = mk_guarded(&client).await;
    let pods: Api<Pod> = Api::default_namespaced(client.clone());
    let budgets: Api<PodDisruptionBudget> = Api::default_namespaced(client);
    pods.evict(&names[0], &EvictParams::default()).await.unwrap();
    let refused = refusal(pods.evict(&names[1], &EvictParams::default()).await);
    assert_eq!((refused.code, refused.reason.as_str()), (429, "TooManyRequests"));
    until(&budgets, "web", |budget| allowed(budget) == 1).await;
    pods.evict(&names[1], &EvictParams::default()).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn an_eviction_that_came_to_nothing_is_given_back_after_two_minutes() {
    let cluster = mk_cluster().await;
    let client = cluster.client();
    let names = mk_guarded(&client).await;
    let pods: Api<Pod> = Api::default_namespaced(client.clone());
    let budgets: Api<PodDisruptionBudget> = Api::default_namespaced(client.clone());
    // Granted, but whoever asked for it takes the pod for another.
    let eviction = json!({
        "apiVersion": "policy/v1",
        "kind": "Eviction",
        "metadata": {"name": names[0]},
        "deleteOptions": {"preconditions": {"uid": "somebody-else"}},
    });
    let path = format!("/api/v1/namespaces/default/pods/{}/eviction", names[0]);
    let request = Request::post(path).header("content-type", "application/json");
    let request = request.body(serde_json::to_vec(&eviction).unwrap()).unwrap();
    let refused = refusal(client.request::<Value>(request).await);
    assert_eq!(refused.code, 409);
    let held = budgets.get("web").await.unwrap().status.unwrap();
    assert_eq!(held.disruptions_allowed, Some(0));
    assert_eq!(held.disrupted_pods.unwrap().into_keys().collect::<Vec<_>>(), [names[0].as_str()]);
    let conditions = pods.get(&names[0]).await.unwrap().status.unwrap().conditions.unwrap();
    assert!(conditions.iter().all(|condition| condition.type_ != "DisruptionTarget"), "{conditions:?}");
    tokio::time::sleep(Duration::from_mins(3)).await;
    let given_back = budgets.get("web").await.unwrap().status.unwrap();
    assert_eq!((given_back.disruptions_allowed, given_back.disrupted_pods), (Some(1), None));
}

#[tokio::test(start_paused = true)]
async fn a_budget_counts_what_a_custom_controller_with_a_scale_wants() {
    let cluster = mk_cluster().await;
    let client = cluster.client();
    let post = async |path: &str, object: Value| -> Value {
        let request = Request::post(path).header("content-type", "application/json");
        client.request(request.body(object.to_string().into_bytes()).unwrap()).await.unwrap()
    };
    let scale = json!({"specReplicasPath": ".spec.replicas", "statusReplicasPath": ".status.replicas"});
    let schema = json!({"type": "object", "x-kubernetes-preserve-unknown-fields": true});
    let definition = json!({
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": {"name": "fleets.example.io"},
        "spec": {
            "group": "example.io", "scope": "Namespaced", "names": {"plural": "fleets", "kind": "Fleet"},
            "versions": [{
                "name": "v1", "served": true, "storage": true,
                "schema": {"openAPIV3Schema": schema}, "subresources": {"status": {}, "scale": scale},
            }],
        },
    });
    post("/apis/apiextensions.k8s.io/v1/customresourcedefinitions", definition).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    let fleet = json!({
        "apiVersion": "example.io/v1", "kind": "Fleet", "metadata": {"name": "fleet"}, "spec": {"replicas": 4},
    });
    let fleet = post("/apis/example.io/v1/namespaces/default/fleets", fleet).await;
    let owner = json!({
        "apiVersion": "example.io/v1", "kind": "Fleet", "name": "fleet", "uid": fleet["metadata"]["uid"],
        "controller": true,
    });
    let pods: Api<Pod> = Api::default_namespaced(client.clone());
    let metadata = json!({"name": "x", "labels": {"app": "web"}, "ownerReferences": [owner]});
    created(&pods, json!({"metadata": metadata, "spec": {"containers": [{"name": "app", "image": "a"}]}}))
        .await;
    let budgets: Api<PodDisruptionBudget> = Api::default_namespaced(client.clone());
    let spec = json!({"maxUnavailable": "50%", "selector": {"matchLabels": {"app": "web"}}});
    created(&budgets, json!({"metadata": {"name": "web"}, "spec": spec})).await;
    let judged = until(&budgets, "web", |budget| {
        budget
            .and_then(|budget| budget.status.as_ref())
            .is_some_and(|status| status.current_healthy == Some(1))
    });
    let status = judged.await.unwrap().status.unwrap();
    assert_eq!((status.expected_pods, status.desired_healthy), (Some(4), Some(2)));
}
