//! `LimitRanges`.

use k8s_openapi::api::core::v1::{LimitRange, Pod};
use kube::api::PostParams;
use kube::{Api, Client, ResourceExt};
use serde_json::{Value, json};

use crate::support::{created, mk_cluster, refusal};

async fn make_range(client: &Client, item: &Value) -> LimitRange {
    let api: Api<LimitRange> = Api::default_namespaced(client.clone());
    created(&api, json!({"metadata": {"name": "r"}, "spec": {"limits": [item]}})).await
}

fn mk_pod(resources: &Value) -> Pod {
    let container = json!({"name": "app", "image": "a", "resources": resources});
    serde_json::from_value(json!({"metadata": {"name": "x"}, "spec": {"containers": [container]}})).unwrap()
}

async fn refused(client: &Client, resources: &Value) -> String {
    let api: Api<Pod> = Api::default_namespaced(client.clone());
    let status =
        refusal(api.create(&PostParams { dry_run: true, ..PostParams::default() }, &mk_pod(resources)).await);
    assert_eq!((status.code, status.reason.as_str()), (403, "Forbidden"));
    status.message.strip_prefix("pods \"x\" is forbidden: ").unwrap().to_owned()
}

#[tokio::test(start_paused = true)]
async fn a_limit_too_far_above_its_request_is_refused_in_the_real_words() {
    let cluster = mk_cluster().await;
    let client = cluster.client();
    make_range(
        &client,
        &json!({"type": "Container", "maxLimitRequestRatio": {"cpu": "1500m", "memory": "2"}}),
    )
    .await;
    let cases = [
        (
            json!({"limits": {"cpu": "2", "memory": "1Gi"}, "requests": {"cpu": "1", "memory": "1Gi"}}),
            "cpu max limit to request ratio per Container is 1500m, but provided ratio is 2.000000",
        ),
        (
            json!({"limits": {"cpu": "1", "memory": "1Gi"}, "requests": {"cpu": "1", "memory": "400Mi"}}),
            "memory max limit to request ratio per Container is 2, but provided ratio is 2.560000",
        ),
        (
            json!({"limits": {"cpu": "1"}, "requests": {"cpu": "1", "memory": "1Gi"}}),
            "memory max limit to request ratio per Container is 2, but no limit is specified or limit is 0",
        ),
        (
            json!({"limits": {"cpu": "1", "memory": "1Gi"}, "requests": {"cpu": "0", "memory": "1Gi"}}),
            "cpu max limit to request ratio per Container is 1500m, but no request is specified or request is 0",
        ),
        (
            json!({}),
            "[cpu max limit to request ratio per Container is 1500m, but no request is specified or request is 0, \
             memory max limit to request ratio per Container is 2, but no request is specified or request is 0]",
        ),
    ];
    for (resources, message) in cases {
        assert_eq!(refused(&client, &resources).await, message, "{resources}");
    }
    let api: Api<Pod> = Api::default_namespaced(client);
    let exact =
        json!({"limits": {"cpu": "15m", "memory": "2Gi"}, "requests": {"cpu": "10m", "memory": "1Gi"}});
    api.create(&PostParams::default(), &mk_pod(&exact)).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn what_a_range_fills_in_is_derived_as_the_real_server_does_and_noted_on_the_pod() {
    let cluster = mk_cluster().await;
    let client = cluster.client();
    let item = json!({"type": "Container", "max": {"cpu": "2", "memory": "1Gi"}, "default": {"memory": "512Mi"},
        "min": {"cpu": "100m", "ephemeral-storage": "1Mi"}});
    let range = make_range(&client, &item).await;
    let filled = serde_json::to_value(&range.spec.unwrap().limits[0]).unwrap();
    assert_eq!(filled["default"], json!({"cpu": "2", "memory": "512Mi"}));
    assert_eq!(filled["defaultRequest"], json!({"cpu": "2", "ephemeral-storage": "1Mi", "memory": "512Mi"}));

    let api: Api<Pod> = Api::default_namespaced(client);
    let pod = api.create(&PostParams::default(), &mk_pod(&json!({"requests": {"cpu": "1"}}))).await.unwrap();
    assert_eq!(
        pod.annotations()["kubernetes.io/limit-ranger"],
        "LimitRanger plugin set: ephemeral-storage, memory request for container app; cpu, memory limit for \
         container app"
    );
    assert_eq!(
        serde_json::to_value(&pod.spec.unwrap().containers[0].resources).unwrap(),
        json!({
            "limits": {"cpu": "2", "memory": "512Mi"},
            "requests": {"cpu": "1", "ephemeral-storage": "1Mi", "memory": "512Mi"},
        })
    );
}
