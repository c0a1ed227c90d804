use std::time::Duration;

use futures::TryStreamExt;
use k8s_openapi::api::core::v1::ConfigMap;
use kube::api::{DeleteParams, PostParams, WatchEvent, WatchParams};
use kube::{Api, ResourceExt};
use plimsoll_sim_cluster::{ApiError, Fault, RequestInfo, Verb, WatchFault};

use crate::support::{mk_cluster, mk_config_map, refusal};

fn is_create(request: &RequestInfo) -> bool {
    request.verb == Verb::Create && request.is_for("configmaps")
}

fn only(fault: Fault) -> impl Fn(&RequestInfo) -> Fault {
    move |request| if is_create(request) { fault.clone() } else { Fault::Pass }
}

#[tokio::test(start_paused = true)]
async fn hooks_fail_requests_before_and_after_they_take_effect() {
    let cluster = mk_cluster().await;
    let api: Api<ConfigMap> = Api::default_namespaced(cluster.client());
    let post = PostParams::default();
    let hook = cluster.hooks().on_request(only(Fault::Fail(ApiError::internal("out of order"))));
    assert_eq!(refusal(api.create(&post, &mk_config_map("x")).await).code, 500);
    assert!(api.get_opt("x").await.unwrap().is_none());
    cluster.hooks().remove(hook);

    let hook = cluster.hooks().on_request(only(Fault::LoseReply));
    assert!(matches!(api.create(&post, &mk_config_map("x")).await, Err(kube::Error::Service(_))));
    assert!(api.get_opt("x").await.unwrap().is_some(), "it was committed, only the answer is lost");
    let lost = cluster.journal().entries().into_iter().rev().find(|entry| is_create(&entry.request)).unwrap();
    assert_eq!((lost.code, lost.changed), (None, true));
    cluster.hooks().remove(hook);

    cluster.hooks().on_request(only(Fault::Delay(Duration::from_secs(10))));
    let start = tokio::time::Instant::now();
    api.create(&post, &mk_config_map("y")).await.unwrap();
    assert_eq!(start.elapsed().as_secs(), 10);
}

#[tokio::test(start_paused = true)]
async fn hooks_hide_watch_events_and_cut_watches() {
    let cluster = mk_cluster().await;
    let api: Api<ConfigMap> = Api::default_namespaced(cluster.client());
    cluster.hooks().on_watch_event(|event| match event.object["metadata"]["name"].as_str() {
        Some("hidden") => WatchFault::Hide,
        Some("last") => WatchFault::Cut,
        _ => WatchFault::Pass,
    });
    let start = cluster.revision().to_string();
    for name in ["hidden", "shown", "last"] {
        api.create(&PostParams::default(), &mk_config_map(name)).await.unwrap();
    }
    let mut events = Box::pin(api.watch(&WatchParams::default(), &start).await.unwrap());
    let Some(WatchEvent::Added(first)) = events.try_next().await.unwrap() else { panic!("nothing shown") };
    assert_eq!(first.name_any(), "shown");
    assert!(events.try_next().await.is_err(), "cut, not ended");
}

#[tokio::test(start_paused = true)]
async fn a_frozen_cluster_answers_when_it_thaws_and_a_stopped_one_not_at_all() {
    let cluster = mk_cluster().await;
    let api: Api<ConfigMap> = Api::default_namespaced(cluster.client());
    cluster.freeze();
    let answer = api.get_opt("x");
    tokio::pin!(answer);
    assert!(tokio::time::timeout(Duration::from_mins(1), &mut answer).await.is_err());
    cluster.thaw();
    assert!(answer.await.unwrap().is_none());

    cluster.stop().await;
    assert!(matches!(api.get_opt("x").await, Err(kube::Error::Service(_))));
    cluster.start().await.unwrap();
    assert!(api.get_opt("x").await.unwrap().is_none());
}

#[tokio::test(start_paused = true)]
async fn the_journal_tells_writes_from_reads_and_no_ops() {
    let cluster = mk_cluster().await;
    let api: Api<ConfigMap> = Api::default_namespaced(cluster.client_as("ann", ["people"]));
    let mark = cluster.journal().mark();
    let made = api.create(&PostParams::default(), &mk_config_map("x")).await.unwrap();
    api.replace("x", &PostParams::default(), &made).await.unwrap();
    api.get("x").await.unwrap();
    api.delete("x", &DeleteParams::default()).await.unwrap();
    let writes: Vec<(Verb, bool)> = cluster
        .journal()
        .writes_since(mark)
        .iter()
        .map(|entry| (entry.request.verb, entry.changed))
        .collect();
    assert_eq!(writes, [(Verb::Create, true), (Verb::Update, false), (Verb::Delete, true)]);
    assert!(cluster.journal().since(mark).iter().all(|entry| entry.request.user == "ann"));
}
