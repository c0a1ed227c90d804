//! What is shown of the past: reads that lag behind, lists of older revisions, and a cluster that was put back.

use std::sync::Once;
use std::time::Duration;

use futures::{StreamExt, TryStreamExt};
use k8s_openapi::api::apps::v1::{Deployment, ReplicaSet};
use k8s_openapi::api::core::v1::{ConfigMap, Node, Pod};
use k8s_openapi::api::policy::v1::PodDisruptionBudget;
use kube::api::{DeleteParams, ListParams, Patch, PatchParams, PostParams, WatchEvent, WatchParams};
use kube::{Api, Resource, ResourceExt};
use plimsoll_sim_cluster::{Fault, SimCluster};
use serde_json::{Value, json};

use crate::support::{
    apply, created, is_rolled_out, mk_cluster, mk_config_map, mk_deployment, pod_names, reaches, refusal,
    rolled_out, until,
};

const OURS: &str = "metadata.name!=kube-root-ca.crt";

fn config_maps(cluster: &SimCluster) -> Api<ConfigMap> {
    Api::default_namespaced(cluster.client())
}

async fn names(api: &Api<ConfigMap>) -> Vec<String> {
    let list = api.list(&ListParams::default().fields(OURS)).await.unwrap();
    list.items.iter().map(ResourceExt::name_any).collect()
}

#[tokio::test(start_paused = true)]
async fn a_stale_read_shows_an_earlier_revision_and_writes_show_the_present() {
    let cluster = mk_cluster().await;
    let api = config_maps(&cluster);
    let post = PostParams::default();
    for name in ["changed", "gone"] {
        api.create(&post, &mk_config_map(name)).await.unwrap();
    }
    let revision = cluster.revision();
    let change = json!({"data": {"a": "2"}});
    let changed = api.patch("changed", &PatchParams::default(), &Patch::Merge(&change)).await.unwrap();
    api.delete("gone", &DeleteParams::default()).await.unwrap();
    api.create(&post, &mk_config_map("new")).await.unwrap();
    let hook = cluster.hooks().on_request(move |_| Fault::Stale { revision });

    assert_eq!(names(&api).await, ["changed", "gone"]);
    let list = api.list(&ListParams::default()).await.unwrap();
    assert_eq!(list.metadata.resource_version, Some(revision.to_string()));
    assert_eq!(api.get("changed").await.unwrap().data.unwrap()["a"], "1");
    assert!(api.get_opt("gone").await.unwrap().is_some());
    assert!(api.get_opt("new").await.unwrap().is_none());
    // What is not older than a later version, the server does not have yet.
    let version = changed.resource_version().unwrap();
    let fresh = ListParams::default().at(&version).matching(kube::api::VersionMatch::NotOlderThan);
    assert_eq!(refusal(api.list(&fresh).await).code, 504);
    assert_eq!(refusal(api.create(&post, &mk_config_map("new")).await).code, 409);

    cluster.hooks().remove(hook);
    assert_eq!(names(&api).await, ["changed", "new"]);
}

#[tokio::test(start_paused = true)]
async fn a_watch_of_a_server_that_lags_begins_in_the_past_and_catches_up() {
    let cluster = mk_cluster().await;
    let api = config_maps(&cluster);
    api.create(&PostParams::default(), &mk_config_map("x")).await.unwrap();
    let revision = cluster.revision();
    api.delete("x", &DeleteParams::default()).await.unwrap();
    cluster.hooks().on_request(move |_| Fault::Stale { revision });
    let events = api.watch(&WatchParams::default().fields(OURS), "0").await.unwrap();
    let events: Vec<_> = events.take(2).try_collect().await.unwrap();
    assert!(matches!(&events[..], [WatchEvent::Added(_), WatchEvent::Deleted(_)]), "{events:?}");
}

#[tokio::test(start_paused = true)]
async fn what_was_compacted_is_gone_for_lists_and_goes_on_with_the_token_of_the_refusal() {
    let cluster = mk_cluster().await;
    let api = config_maps(&cluster);
    for name in ["a", "b", "c"] {
        api.create(&PostParams::default(), &mk_config_map(name)).await.unwrap();
    }
    let pages = ListParams::default().fields(OURS).limit(1);
    let first = api.list(&pages).await.unwrap();
    let start = cluster.revision().to_string();
    api.delete("b", &DeleteParams::default()).await.unwrap();
    let next = pages.clone().continue_token(first.metadata.continue_.as_ref().unwrap());
    assert_eq!(api.list(&next).await.unwrap().items[0].name_any(), "b", "of the moment of the first page");

    cluster.compact();
    let gone = refusal(api.list(&next).await);
    assert_eq!((gone.code, gone.reason.as_str()), (410, "Expired"));
    let token = gone.metadata.unwrap().continue_.unwrap();
    let rest = api.list(&pages.continue_token(&token)).await.unwrap();
    assert_eq!(rest.items[0].name_any(), "c");
    let exactly = ListParams::default().at(&start).matching(kube::api::VersionMatch::Exact);
    assert_eq!(refusal(api.list(&exactly).await).code, 410);
    let mut events = Box::pin(api.watch(&WatchParams::default(), &start).await.unwrap());
    assert!(matches!(events.try_next().await.unwrap(), Some(WatchEvent::Deleted(_))), "watches go on");
}

#[tokio::test(start_paused = true)]
async fn a_restarted_server_forgets_what_watches_resume_from_and_nothing_else() {
    let cluster = mk_cluster().await;
    let api = config_maps(&cluster);
    api.create(&PostParams::default(), &mk_config_map("x")).await.unwrap();
    let then = cluster.revision().to_string();
    api.delete("x", &DeleteParams::default()).await.unwrap();
    cluster.stop().await;
    cluster.start().await.unwrap();
    let mut events = Box::pin(api.watch(&WatchParams::default(), &then).await.unwrap());
    assert!(
        matches!(events.try_next().await.unwrap(), Some(WatchEvent::Error(status)) if status.code == 410)
    );
    let exactly = ListParams::default().fields(OURS).at(&then).matching(kube::api::VersionMatch::Exact);
    assert_eq!(api.list(&exactly).await.unwrap().items[0].name_any(), "x");
}

#[tokio::test(start_paused = true)]
async fn a_cluster_that_was_put_back_has_the_objects_uids_and_revisions_of_then() {
    let cluster = mk_cluster().await;
    let api = config_maps(&cluster);
    let kept = api.create(&PostParams::default(), &mk_config_map("kept")).await.unwrap();
    let backup = cluster.back_up();
    let mut changed = kept.clone();
    changed.data = None;
    let changed = api.replace("kept", &PostParams::default(), &changed).await.unwrap();
    api.create(&PostParams::default(), &mk_config_map("new")).await.unwrap();
    let later = cluster.revision();
    let mut events = Box::pin(api.watch(&WatchParams::default(), &later.to_string()).await.unwrap());

    cluster.put_back(&backup).unwrap();
    assert!(events.try_next().await.is_err(), "watches break");
    assert_eq!(cluster.revision(), backup.revision());
    assert_eq!(names(&api).await, ["kept"]);
    assert_eq!(api.get("kept").await.unwrap(), kept, "with its uid and its version");
    assert_eq!(refusal(api.replace("kept", &PostParams::default(), &changed).await).code, 409);
    let fresh = ListParams::default().at(&later.to_string());
    assert_eq!(refusal(api.list(&fresh).await).reason, "Timeout");

    // A watch from a later version is told nothing until the counter has passed it.
    let mut events = Box::pin(api.watch(&WatchParams::default(), &later.to_string()).await.unwrap());
    for number in 0..=later - backup.revision() {
        api.create(&PostParams::default(), &mk_config_map(&format!("n{number}"))).await.unwrap();
    }
    let Some(WatchEvent::Added(told)) = events.try_next().await.unwrap() else { panic!("nothing told") };
    assert_eq!(told.resource_version().unwrap(), (later + 1).to_string());
}

#[tokio::test(start_paused = true)]
async fn controllers_and_pods_go_on_from_what_was_put_back() {
    let cluster = mk_cluster().await;
    let client = cluster.client();
    let api: Api<Deployment> = Api::default_namespaced(client.clone());
    apply(&api, &mk_deployment("kept", 2, "app:1")).await.unwrap();
    rolled_out(&client, "kept").await;
    let before = pod_names(&client).await;
    let backup = cluster.back_up();
    apply(&api, &mk_deployment("kept", 3, "app:2")).await.unwrap();
    apply(&api, &mk_deployment("new", 1, "app:1")).await.unwrap();
    rolled_out(&client, "new").await;
    rolled_out(&client, "kept").await;

    cluster.put_back(&backup).unwrap();
    tokio::time::sleep(Duration::from_mins(5)).await;
    until(&api, "kept", |found| found.is_some_and(is_rolled_out)).await;
    assert_eq!(pod_names(&client).await, before);
    let pods: Api<Pod> = Api::default_namespaced(client.clone());
    pods.delete(&before[0], &DeleteParams::default()).await.unwrap();
    until(&pods, &before[0], |found| found.is_none()).await;
    until(&api, "kept", |found| found.is_some_and(is_rolled_out)).await;
    assert_eq!(pod_names(&client).await.len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_cluster_that_was_put_back_is_so_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let start = async || SimCluster::builder().data_dir(folder.path()).start().await.unwrap();
    let cluster = start().await;
    let kept = config_maps(&cluster).create(&PostParams::default(), &mk_config_map("kept")).await.unwrap();
    cluster.shutdown().await.unwrap();
    let cluster = start().await;
    let backup = cluster.back_up();
    let new = config_maps(&cluster).create(&PostParams::default(), &mk_config_map("new")).await.unwrap();
    cluster.put_back(&backup).unwrap();
    cluster.shutdown().await.unwrap();

    let cluster = start().await;
    let api = config_maps(&cluster);
    assert_eq!(names(&api).await, ["kept"]);
    assert_eq!(api.get("kept").await.unwrap(), kept);
    let again = api.create(&PostParams::default(), &mk_config_map("new")).await.unwrap();
    assert_ne!(again.uid(), new.uid(), "a uid is not given twice");
    cluster.shutdown().await.unwrap();
}

/// Gives an object another state under a version at which everybody had done their work already: a change that means
/// nothing is made and taken back with everything else, then this one is made, which gets the same version before anybody
/// looks at what is there.
async fn change_under_a_version_of_before<K>(cluster: SimCluster, api: &Api<K>, name: &str, change: Value)
where
    K: Clone + serde::de::DeserializeOwned + std::fmt::Debug + Resource,
{
    let patch = async |change: Value| {
        let patch = Patch::Strategic(&change);
        api.patch(name, &PatchParams::default(), &patch).await.unwrap().resource_version().unwrap()
    };
    let backup = cluster.back_up();
    let idle = patch(json!({"metadata": {"annotations": {"a": "1"}}})).await;
    tokio::time::sleep(Duration::from_secs(10)).await;
    let (hooks, once) = (cluster.hooks().clone(), Once::new());
    hooks.on_request(move |_| {
        once.call_once(|| cluster.put_back(&backup).unwrap());
        Fault::Pass
    });
    assert_eq!(patch(change).await, idle, "something else was written in between");
}

#[tokio::test(start_paused = true)]
async fn a_replica_set_that_was_put_back_is_looked_at_whatever_was_noted_of_its_version() {
    let cluster = mk_cluster().await;
    let api: Api<ReplicaSet> = Api::default_namespaced(cluster.client());
    let Value::Object(deployment) = mk_deployment("web", 2, "app:1") else { unreachable!() };
    let mut set = deployment;
    set.insert("kind".to_owned(), "ReplicaSet".into());
    created(&api, set.into()).await;
    let has = |ready: i32| {
        move |set: Option<&ReplicaSet>| {
            set.is_some_and(|set| {
                set.status.as_ref().is_some_and(|status| status.ready_replicas == Some(ready))
            })
        }
    };
    until(&api, "web", has(2)).await;
    change_under_a_version_of_before(cluster, &api, "web", json!({"spec": {"replicas": 3}})).await;
    until(&api, "web", has(3)).await;
}

#[tokio::test(start_paused = true)]
async fn a_budget_that_was_put_back_is_looked_at_whatever_was_noted_of_its_version() {
    let cluster = mk_cluster().await;
    let client = cluster.client();
    apply(&Api::<Deployment>::default_namespaced(client.clone()), &mk_deployment("web", 3, "app:1"))
        .await
        .unwrap();
    rolled_out(&client, "web").await;
    let api: Api<PodDisruptionBudget> = Api::default_namespaced(client);
    let spec = json!({"minAvailable": 2, "selector": {"matchLabels": {"app": "web"}}});
    created(&api, json!({"metadata": {"name": "web"}, "spec": spec})).await;
    let allows = |pods: i32| {
        move |budget: Option<&PodDisruptionBudget>| {
            let status = budget.and_then(|budget| budget.status.as_ref());
            status.is_some_and(|status| status.disruptions_allowed == Some(pods))
        }
    };
    until(&api, "web", allows(1)).await;
    change_under_a_version_of_before(cluster, &api, "web", json!({"spec": {"minAvailable": 1}})).await;
    until(&api, "web", allows(2)).await;
}

#[tokio::test(start_paused = true)]
async fn a_pod_that_was_put_back_is_looked_at_whatever_was_noted_of_its_version() {
    let cluster = mk_cluster().await;
    let api: Api<Pod> = Api::default_namespaced(cluster.client());
    let containers = json!([{"name": "app", "image": "app:1"}]);
    created(&api, json!({"metadata": {"name": "web"}, "spec": {"containers": containers}})).await;
    until(&api, "web", reaches("/status/phase", "Running")).await;
    let containers = json!([{"name": "app", "image": "app:2"}]);
    change_under_a_version_of_before(cluster, &api, "web", json!({"spec": {"containers": containers}})).await;
    let observed = |pod: &Pod| pod.status.as_ref()?.observed_generation;
    until(&api, "web", |pod| pod.and_then(observed) == Some(2)).await;
}

#[tokio::test(start_paused = true)]
async fn what_was_lost_when_a_cluster_was_put_back_takes_no_room() {
    let cluster = SimCluster::builder().nodes(1).start().await.unwrap();
    let api: Api<Pod> = Api::default_namespaced(cluster.client());
    let nodes: Api<Node> = Api::all(cluster.client());
    let room = nodes.list(&ListParams::default()).await.unwrap().items[0]
        .status
        .clone()
        .unwrap()
        .allocatable
        .unwrap();
    let mk_pod = |name: &str| {
        let requests = json!({"memory": room["memory"].0});
        let containers = json!([{"name": "app", "image": "app:1", "resources": {"requests": requests}}]);
        json!({"metadata": {"name": name}, "spec": {"containers": containers}})
    };
    let backup = cluster.back_up();
    created(&api, mk_pod("lost")).await;
    until(&api, "lost", reaches("/status/phase", "Running")).await;
    cluster.put_back(&backup).unwrap();
    created(&api, mk_pod("next")).await;
    until(&api, "next", reaches("/status/phase", "Running")).await;
}

#[tokio::test(start_paused = true)]
async fn what_is_there_again_when_a_cluster_was_put_back_is_worked_on() {
    let cluster = mk_cluster().await;
    let client = cluster.client();
    let api: Api<Deployment> = Api::default_namespaced(client.clone());
    apply(&api, &mk_deployment("web", 2, "app:1")).await.unwrap();
    let backup = cluster.back_up();
    rolled_out(&client, "web").await;
    api.delete("web", &DeleteParams::foreground()).await.unwrap();
    until(&api, "web", |found| found.is_none()).await;
    cluster.put_back(&backup).unwrap();
    rolled_out(&client, "web").await;
    assert_eq!(pod_names(&client).await.len(), 2);
}
