use futures::{StreamExt, TryStreamExt};
use k8s_openapi::api::core::v1::ConfigMap;
use kube::api::{DeleteParams, PostParams, WatchEvent, WatchParams};
use kube::runtime::{WatchStreamExt, watcher};
use kube::{Api, ResourceExt};

use crate::support::{mk_cluster, mk_config_map};

fn shown(event: &WatchEvent<ConfigMap>) -> String {
    match event {
        WatchEvent::Added(object) => format!("added {}", object.name_any()),
        WatchEvent::Modified(object) => format!("modified {}", object.name_any()),
        WatchEvent::Deleted(object) => format!("deleted {}", object.name_any()),
        WatchEvent::Bookmark(_) => "bookmark".to_owned(),
        WatchEvent::Error(status) => format!("error {} {}", status.code, status.reason),
    }
}

#[tokio::test(start_paused = true)]
async fn a_watch_from_a_revision_replays_what_came_after_it() {
    let cluster = mk_cluster().await;
    let api: Api<ConfigMap> = Api::default_namespaced(cluster.client());
    let start = cluster.revision().to_string();
    let mut object = api.create(&PostParams::default(), &mk_config_map("x")).await.unwrap();
    object.data = None;
    api.replace("x", &PostParams::default(), &object).await.unwrap();
    api.delete("x", &DeleteParams::default()).await.unwrap();
    let events = api.watch(&WatchParams::default().fields("metadata.name=x"), &start).await.unwrap();
    let events: Vec<_> = events.take(3).map_ok(|event| shown(&event)).try_collect().await.unwrap();
    assert_eq!(events, ["added x", "modified x", "deleted x"]);
}

#[tokio::test(start_paused = true)]
async fn a_watch_from_a_forgotten_revision_is_gone() {
    let cluster = mk_cluster().await;
    let api: Api<ConfigMap> = Api::default_namespaced(cluster.client());
    api.create(&PostParams::default(), &mk_config_map("x")).await.unwrap();
    cluster.forget_watch_history();
    let events = api.watch(&WatchParams::default(), "1").await.unwrap();
    let events: Vec<_> = events.map_ok(|event| shown(&event)).try_collect().await.unwrap();
    assert_eq!(events, ["error 410 Expired"]);
}

#[tokio::test(start_paused = true)]
async fn an_object_that_leaves_the_selection_is_deleted_for_the_watcher() {
    let cluster = mk_cluster().await;
    let api: Api<ConfigMap> = Api::default_namespaced(cluster.client());
    let mut object = mk_config_map("x");
    object.labels_mut().insert("on".into(), "yes".into());
    let start = cluster.revision().to_string();
    let mut object = api.create(&PostParams::default(), &object).await.unwrap();
    object.labels_mut().clear();
    api.replace("x", &PostParams::default(), &object).await.unwrap();
    let events = api.watch(&WatchParams::default().labels("on=yes"), &start).await.unwrap();
    let events: Vec<_> = events.take(2).map_ok(|event| shown(&event)).try_collect().await.unwrap();
    assert_eq!(events, ["added x", "deleted x"]);
}

#[tokio::test(start_paused = true)]
async fn kubes_watcher_follows_in_both_list_modes_and_over_a_lost_history() {
    for config in [watcher::Config::default(), watcher::Config::default().streaming_lists()] {
        let cluster = mk_cluster().await;
        let api: Api<ConfigMap> = Api::default_namespaced(cluster.client());
        api.create(&PostParams::default(), &mk_config_map("before")).await.unwrap();
        let config = config.fields("metadata.name!=kube-root-ca.crt");
        let mut seen = watcher(api.clone(), config).default_backoff().applied_objects().boxed();
        assert_eq!(seen.try_next().await.unwrap().unwrap().name_any(), "before");
        api.create(&PostParams::default(), &mk_config_map("later")).await.unwrap();
        assert_eq!(seen.try_next().await.unwrap().unwrap().name_any(), "later");

        cluster.hooks().cut_watches();
        api.create(&PostParams::default(), &mk_config_map("unseen")).await.unwrap();
        cluster.forget_watch_history();
        let found = tokio::time::timeout(crate::support::LONG, async {
            loop {
                if let Ok(Some(object)) = seen.try_next().await
                    && object.name_any() == "unseen"
                {
                    return;
                }
            }
        });
        found.await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn a_quiet_watch_gets_bookmarks_and_ends_with_its_timeout() {
    let cluster = mk_cluster().await;
    let api: Api<ConfigMap> = Api::default_namespaced(cluster.client());
    let start = cluster.revision().to_string();
    let params = WatchParams::default().timeout(150).fields("metadata.name=none");
    let events = api.watch(&params, &start).await.unwrap();
    let events: Vec<_> = events.map_ok(|event| shown(&event)).try_collect().await.unwrap();
    assert_eq!(events, ["bookmark", "bookmark", "bookmark"]);
}
