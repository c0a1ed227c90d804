use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::{Pod, ResourceQuota};
use kube::Api;
use kube::api::{DeleteParams, PostParams};
use serde_json::json;

use crate::support::{apply, created, mk_cluster, mk_deployment, pods, refusal, rolled_out, until};

#[tokio::test(start_paused = true)]
async fn a_full_quota_refuses_pods_in_the_real_words_and_frees_with_them() {
    let cluster = mk_cluster().await;
    let client = cluster.client();
    let quotas: Api<ResourceQuota> = Api::default_namespaced(client.clone());
    created(
        &quotas,
        json!({"metadata": {"name": "q"}, "spec": {"hard": {"requests.cpu": "1", "pods": "10"}}}),
    )
    .await;
    let used = async |cpu: &'static str| {
        until(&quotas, "q", |quota| {
            let used = quota.and_then(|quota| quota.status.as_ref()).and_then(|status| status.used.as_ref());
            used.is_some_and(|used| used["requests.cpu"].0 == cpu)
        })
        .await;
    };
    used("0").await;
    let api: Api<Pod> = Api::default_namespaced(client.clone());
    let mk = |name: &str, cpu: &str| -> Pod {
        let container = json!({"name": "app", "image": "a", "resources": {"requests": {"cpu": cpu}}});
        serde_json::from_value(json!({"metadata": {"name": name}, "spec": {"containers": [container]}}))
            .unwrap()
    };
    api.create(&PostParams::default(), &mk("first", "600m")).await.unwrap();
    used("600m").await;
    let status = refusal(api.create(&PostParams::default(), &mk("second", "500m")).await);
    assert_eq!((status.code, status.reason.as_str()), (403, "Forbidden"));
    assert_eq!(
        status.message,
        "pods \"second\" is forbidden: exceeded quota: q, requested: requests.cpu=500m, used: \
         requests.cpu=600m, limited: requests.cpu=1"
    );
    let silent: Pod = serde_json::from_value(
        json!({"metadata": {"name": "x"}, "spec": {"containers": [{"name": "app", "image": "a"}]}}),
    )
    .unwrap();
    let status = refusal(api.create(&PostParams::default(), &silent).await);
    assert_eq!(
        status.message,
        "pods \"x\" is forbidden: failed quota: q: must specify requests.cpu for: app"
    );

    api.delete("first", &DeleteParams::default().grace_period(0)).await.unwrap();
    used("0").await;
    api.create(&PostParams::default(), &mk("second", "500m")).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_deployment_over_its_quota_gets_what_fits_and_the_rest_when_there_is_room() {
    let cluster = mk_cluster().await;
    let client = cluster.client();
    let quotas: Api<ResourceQuota> = Api::default_namespaced(client.clone());
    let mut quota = json!({
        "apiVersion": "v1",
        "kind": "ResourceQuota",
        "metadata": {"name": "q"},
        "spec": {"hard": {"pods": "2"}},
    });
    apply(&quotas, &quota).await.unwrap();
    let api: Api<Deployment> = Api::default_namespaced(client.clone());
    apply(&api, &mk_deployment("web", 3, "app:1")).await.unwrap();
    let short = until(&api, "web", |found| {
        let conditions = found.and_then(|found| found.status.as_ref()?.conditions.as_ref());
        conditions.is_some_and(|list| list.iter().any(|c| c.type_.as_deref() == Some("ReplicaFailure")))
    });
    short.await;
    assert_eq!(pods(&client).await.len(), 2);
    quota["spec"]["hard"]["pods"] = json!("3");
    apply(&quotas, &quota).await.unwrap();
    rolled_out(&client, "web").await;
    assert_eq!(pods(&client).await.len(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_quota_with_a_priority_class_scope_counts_only_pods_of_that_class() {
    use k8s_openapi::api::scheduling::v1::PriorityClass;
    let cluster = mk_cluster().await;
    let client = cluster.client();
    let classes: Api<PriorityClass> = Api::all(client.clone());
    created(&classes, json!({"metadata": {"name": "high"}, "value": 1000})).await;
    let quotas: Api<ResourceQuota> = Api::default_namespaced(client.clone());
    let scope =
        json!({"matchExpressions": [{"scopeName": "PriorityClass", "operator": "In", "values": ["high"]}]});
    created(
        &quotas,
        json!({"metadata": {"name": "q"}, "spec": {"hard": {"pods": "1"}, "scopeSelector": scope}}),
    )
    .await;
    until(&quotas, "q", |quota| quota.is_some_and(|q| q.status.as_ref().is_some_and(|s| s.hard.is_some())))
        .await;
    let api: Api<Pod> = Api::default_namespaced(client.clone());
    let mk = |name: &str, class: Option<&str>| -> Pod {
        let spec = json!({"containers": [{"name": "app", "image": "a"}], "priorityClassName": class});
        serde_json::from_value(json!({"metadata": {"name": name}, "spec": spec})).unwrap()
    };
    let first = api.create(&PostParams::default(), &mk("a", Some("high"))).await.unwrap();
    assert_eq!(first.spec.unwrap().priority, Some(1000));
    api.create(&PostParams::default(), &mk("b", None)).await.unwrap();
    assert_eq!(refusal(api.create(&PostParams::default(), &mk("c", Some("high"))).await).code, 403);
    let status = refusal(api.create(&PostParams::default(), &mk("d", Some("none"))).await);
    assert_eq!(status.message, "pods \"d\" is forbidden: no PriorityClass with name none was found");
}

#[tokio::test(start_paused = true)]
async fn a_pod_that_should_have_gone_from_a_lost_node_is_given_back_without_a_word() {
    let cluster = mk_cluster().await;
    let client = cluster.client();
    let quotas: Api<ResourceQuota> = Api::default_namespaced(client.clone());
    created(&quotas, json!({"metadata": {"name": "q"}, "spec": {"hard": {"pods": "5", "count/pods": "5"}}}))
        .await;
    let used = async |pods: &'static str| {
        let quota = until(&quotas, "q", |quota| {
            let used = quota.and_then(|quota| quota.status.as_ref()).and_then(|status| status.used.as_ref());
            used.is_some_and(|used| used["pods"].0 == pods)
        });
        quota.await.unwrap().status.unwrap().used.unwrap()["count/pods"].0.clone()
    };
    used("0").await;
    let api: Api<Pod> = Api::default_namespaced(client.clone());
    let spec = json!({"nodeName": "dc-1-n1", "containers": [{"name": "app", "image": "a"}]});
    created(&api, json!({"metadata": {"name": "x"}, "spec": spec})).await;
    used("1").await;
    cluster.nodes().lose("dc-1-n1");
    api.delete("x", &DeleteParams::default()).await.unwrap();
    assert_eq!(used("1").await, "1", "it may still run there");
    tokio::time::sleep(std::time::Duration::from_mins(6)).await;
    assert_eq!(used("0").await, "1", "it is still stored");
}
