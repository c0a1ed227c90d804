use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures::TryStreamExt;
use k8s_openapi::api::core::v1::ConfigMap;
use kube::api::{DeleteParams, PostParams, WatchEvent, WatchParams};
use kube::{Api, ResourceExt};
use plimsoll_sim_cluster::{ApiError, Fault, Order, RequestInfo, SimCluster, Verb, WatchFault};

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

#[tokio::test(start_paused = true)]
async fn what_is_at_rest_is_told_to_be_and_a_write_is_named() {
    let cluster = mk_cluster().await;
    let api: Api<ConfigMap> = Api::default_namespaced(cluster.client_as("ann", ["people"]));
    let mark = cluster.journal().mark();
    api.get_opt("x").await.unwrap();
    tokio::time::sleep(Duration::from_hours(1)).await;
    cluster.journal().quiet_since(mark).unwrap();
    api.create(&PostParams { dry_run: true, ..PostParams::default() }, &mk_config_map("x")).await.unwrap();
    cluster.journal().quiet_since(mark).unwrap();

    refusal(api.delete("x", &DeleteParams::default()).await);
    let noise = cluster.journal().quiet_since(mark).unwrap_err();
    assert_eq!(
        noise.to_string(),
        "1 writes:\nann of : delete configmaps default/x: 404, nothing changed",
        "it was tried, whatever came of it"
    );
    cluster.journal().quiet_since(cluster.journal().mark()).unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_request_that_takes_longer_than_it_may_is_timed_out_and_has_no_effect() {
    let cluster = mk_cluster().await;
    let api: Api<ConfigMap> = Api::default_namespaced(cluster.client());
    let hook = cluster.hooks().on_request(|_| Fault::Delay(Duration::from_mins(2)));
    let start = tokio::time::Instant::now();
    let status = refusal(api.create(&PostParams::default(), &mk_config_map("x")).await);
    assert_eq!((status.code, status.reason.as_str(), start.elapsed().as_secs()), (504, "Timeout", 60));
    let path = "/api/v1/namespaces/default/configmaps?timeout=1s500ms";
    let start = tokio::time::Instant::now();
    let get = http::Request::get(path).body(Vec::new()).unwrap();
    assert_eq!(refusal(cluster.client().request::<serde_json::Value>(get).await).code, 504);
    assert_eq!(start.elapsed().as_millis(), 1500);
    let mut events = Box::pin(api.watch(&WatchParams::default(), "0").await.unwrap());
    assert!(events.try_next().await.unwrap().is_some(), "a watch has no such end");
    cluster.hooks().remove(hook);
    assert!(api.get_opt("x").await.unwrap().is_none());
}

#[tokio::test(start_paused = true)]
async fn a_hanging_request_is_never_answered_and_takes_effect_or_not() {
    let cluster = mk_cluster().await;
    let api: Api<ConfigMap> = Api::default_namespaced(cluster.client());
    for (fault, made) in [(Fault::Hang, false), (Fault::HangAfter, true)] {
        let hook = cluster.hooks().on_request(only(fault));
        let post = PostParams::default();
        let object = mk_config_map("x");
        let answer = tokio::time::timeout(Duration::from_hours(24), api.create(&post, &object)).await;
        assert!(answer.is_err());
        cluster.hooks().remove(hook);
        assert_eq!(api.get_opt("x").await.unwrap().is_some(), made);
    }
}

#[tokio::test(start_paused = true)]
async fn what_fails_after_it_took_effect_and_what_is_dropped_before() {
    let cluster = mk_cluster().await;
    let api: Api<ConfigMap> = Api::default_namespaced(cluster.client());
    let post = PostParams::default();
    let hook = cluster.hooks().on_request(only(Fault::Drop));
    assert!(matches!(api.create(&post, &mk_config_map("x")).await, Err(kube::Error::Service(_))));
    assert!(api.get_opt("x").await.unwrap().is_none());
    cluster.hooks().remove(hook);
    cluster.hooks().on_request(only(Fault::FailAfter(ApiError::unavailable("going down"))));
    assert_eq!(refusal(api.create(&post, &mk_config_map("x")).await).code, 503);
    assert!(api.get_opt("x").await.unwrap().is_some());
}

/// The names that a watch tells from `start` on, with what a hook makes of its events.
async fn told(
    cluster: &SimCluster,
    names: &[&str],
    hook: impl Fn(&str) -> WatchFault + Send + Sync + 'static,
) -> Vec<String> {
    let api: Api<ConfigMap> = Api::default_namespaced(cluster.client());
    let start = cluster.revision().to_string();
    for name in names {
        let object = mk_config_map(name);
        if api.get_opt(name).await.unwrap().is_none() {
            api.create(&PostParams::default(), &object).await.unwrap();
        } else {
            api.delete(name, &DeleteParams::default()).await.unwrap();
        }
    }
    let id = cluster.hooks().on_watch_event(move |event| {
        event.object["metadata"]["name"].as_str().map_or(WatchFault::Pass, &hook)
    });
    let events = api.watch(&WatchParams::default().timeout(10), &start).await.unwrap();
    let told = events.map_ok(|event| match event {
        WatchEvent::Added(object) => format!("+{}", object.name_any()),
        WatchEvent::Deleted(object) => format!("-{}", object.name_any()),
        WatchEvent::Bookmark(_) => "bookmark".to_owned(),
        other => format!("{other:?}"),
    });
    let told = told.try_collect().await.unwrap();
    cluster.hooks().remove(id);
    for name in names {
        let _ = api.delete(name, &DeleteParams::default()).await;
    }
    told
}

#[tokio::test(start_paused = true)]
async fn events_of_different_objects_change_places_and_those_of_one_do_not() {
    let cluster = mk_cluster().await;
    let hold = |order| {
        move |name: &str| match name {
            "held" => WatchFault::Reorder { order, within: Duration::from_secs(3) },
            _ => WatchFault::Pass,
        }
    };
    let of_objects = || hold(Order::OfObjects);
    assert_eq!(told(&cluster, &["held", "a", "b"], of_objects()).await, ["+a", "+held", "+b", "bookmark"]);
    assert_eq!(
        told(&cluster, &["held", "held", "a"], of_objects()).await,
        ["+a", "+held", "-held", "bookmark"]
    );
    // Nothing else comes: it is told in time, and before anything that says that nothing is left out.
    assert_eq!(told(&cluster, &["held"], of_objects()).await, ["+held", "bookmark"]);
    let for_long = |_: &str| WatchFault::Reorder { order: Order::OfObjects, within: Duration::from_hours(1) };
    assert_eq!(told(&cluster, &["held"], for_long).await, ["+held", "bookmark"]);
    let first = |order| {
        let once = AtomicBool::new(true);
        move |_: &str| {
            let is_first = once.swap(false, Ordering::Relaxed);
            if is_first {
                WatchFault::Reorder { order, within: Duration::from_secs(3) }
            } else {
                WatchFault::Pass
            }
        }
    };
    assert_eq!(
        told(&cluster, &["x", "x", "y"], first(Order::OfObjects)).await,
        ["+x", "-x", "+y", "bookmark"]
    );
    assert_eq!(
        told(&cluster, &["x", "x", "y"], first(Order::OfEvents)).await,
        ["-x", "+x", "+y", "bookmark"]
    );
}

#[tokio::test(start_paused = true)]
async fn an_expired_version_is_told_as_an_event_or_as_the_answer() {
    let cluster = mk_cluster().await;
    let api: Api<ConfigMap> = Api::default_namespaced(cluster.client());
    let expired = || ApiError::expired("too old resource version: 1 (7)");
    cluster.hooks().on_watch_event(move |_| WatchFault::Fail(expired()));
    let events = api.watch(&WatchParams::default(), "0").await.unwrap();
    let events: Vec<_> = events.try_collect().await.unwrap();
    assert!(matches!(&events[..], [WatchEvent::Error(status)] if status.code == 410), "{events:?}");
    cluster.hooks().on_request(move |request| match request.verb {
        Verb::Watch => Fault::Fail(expired()),
        _ => Fault::Pass,
    });
    assert_eq!(refusal(api.watch(&WatchParams::default(), "0").await.map(drop)).code, 410);
}

#[tokio::test(start_paused = true)]
async fn the_first_hook_that_does_not_pass_decides_until_it_is_taken_away() {
    let cluster = mk_cluster().await;
    let api: Api<ConfigMap> = Api::default_namespaced(cluster.client());
    let passes = cluster.hooks().on_request(|_| Fault::Pass);
    let first = cluster.hooks().on_request(only(Fault::Fail(ApiError::internal("first"))));
    let second = cluster.hooks().on_request(only(Fault::Fail(ApiError::internal("second"))));
    let refused = async || {
        let made = api.create(&PostParams::default(), &mk_config_map("x")).await;
        made.err().map(|error| refusal(Err::<(), _>(error)).message)
    };
    let said = |text: &str| Some(format!("Internal error occurred: {text}"));
    assert_eq!(refused().await, said("first"));
    cluster.hooks().remove(first);
    assert_eq!(refused().await, said("second"));
    cluster.hooks().remove(passes);
    cluster.hooks().remove(second);
    assert_eq!(refused().await, None);
}

#[tokio::test(start_paused = true)]
async fn a_watch_is_told_as_its_hook_says_and_as_it_is_once_the_hook_is_taken_away() {
    let cluster = mk_cluster().await;
    let api: Api<ConfigMap> = Api::default_namespaced(cluster.client());
    let start = cluster.revision().to_string();
    api.create(&PostParams::default(), &mk_config_map("x")).await.unwrap();
    let second = Duration::from_secs(1);
    // What the first event is, and when: none where the watch ends, and an error where it breaks.
    let first = async |fault: WatchFault| {
        let hook = cluster.hooks().on_watch_event(move |_| fault.clone());
        let watch = api.watch(&WatchParams::default().timeout(290), &start).await.unwrap();
        let begun = tokio::time::Instant::now();
        let told = tokio::time::timeout(Duration::from_mins(10), Box::pin(watch).try_next()).await;
        cluster.hooks().remove(hook);
        let told = told.map(|told| told.map(|event| event.is_some()).map_err(|_| "broken"));
        (told.map_err(|_| "silent"), begun.elapsed())
    };
    let now = Duration::ZERO;
    assert_eq!(first(WatchFault::Delay(second)).await, (Ok(Ok(true)), second));
    let held = WatchFault::Reorder { order: Order::OfObjects, within: second };
    assert_eq!(first(held).await, (Ok(Ok(true)), second), "nothing else comes");
    assert_eq!(first(WatchFault::End).await, (Ok(Ok(false)), now));
    assert_eq!(first(WatchFault::Cut).await, (Ok(Err("broken")), now));
    assert_eq!(first(WatchFault::Freeze).await, (Err("silent"), Duration::from_mins(10)), "nor does it end");
    assert_eq!(first(WatchFault::Pass).await, (Ok(Ok(true)), now));
}
