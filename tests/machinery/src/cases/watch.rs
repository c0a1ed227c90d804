//! Watches: what is told, from which version on, and how they end.

use serde_json::json;

use super::mk::{config_map, labelled, secret};
use crate::Server;

const STREAMED: &str = "sendInitialEvents=true&resourceVersionMatch=NotOlderThan";

fn on() -> serde_json::Value {
    json!({"on": "yes"})
}

/// A watch from a version tells what came after it, and nothing from before.
pub async fn a_watch_from_a_version_tells_what_came_after_it(server: &Server) {
    let made = server.post("secrets", &secret("before")).unseen().await;
    server.call_it(made.version(), "its version");
    server.post("secrets", &secret("x")).unseen().await;
    server.merge("secrets/x", &json!({"metadata": {"labels": {"a": "1"}}})).unseen().await;
    server.delete("secrets/x").unseen().await;
    let mut watch = server.watch(&format!("secrets?resourceVersion={}", made.version())).await;
    watch.take(3).await;
}

/// A watch without a version begins with what is there, as if it were new.
pub async fn a_watch_without_a_version_begins_with_what_is_there(server: &Server) {
    server.post("secrets", &secret("a")).unseen().await;
    server.post("secrets", &secret("b")).unseen().await;
    let mut watch = server.watch("secrets").await;
    let mut first = [watch.skip().await, watch.skip().await]
        .map(|event| format!("{} {}", event["type"], event["object"]["metadata"]["name"]));
    first.sort();
    assert_eq!(first, [r#""ADDED" "a""#, r#""ADDED" "b""#]);
    server.post("secrets", &secret("c")).unseen().await;
    watch.next().await;
}

/// So does one from version 0.
pub async fn a_watch_from_version_zero_begins_with_what_is_there(server: &Server) {
    server.post("secrets", &secret("a")).unseen().await;
    let mut watch = server.watch("secrets?resourceVersion=0").await;
    watch.next().await;
    server.post("secrets", &secret("b")).unseen().await;
    watch.next().await;
}

/// A watch goes on while things happen.
pub async fn a_watch_follows(server: &Server) {
    let mut watch = server.watch("secrets").await;
    server.post("secrets", &secret("x")).unseen().await;
    watch.next().await;
    server.merge("secrets/x", &json!({"data": {"a": "MQ=="}})).unseen().await;
    watch.next().await;
    server.delete("secrets/x").unseen().await;
    watch.next().await;
    server.post("secrets", &secret("x")).unseen().await;
    watch.next().await;
}

/// A write that changes nothing is not told.
pub async fn a_write_that_changes_nothing_is_not_told(server: &Server) {
    let made = server.post("secrets", &labelled("x", &on())).unseen().await;
    server.call_it(made.version(), "its version");
    let mut watch = server.watch(&format!("secrets?resourceVersion={}", made.version())).await;
    server.merge("secrets/x", &json!({"metadata": {"labels": {"on": "yes"}}})).only(&["/kind"]).await;
    server.put("secrets/x", &made.body).only(&["/kind"]).await;
    server.post("secrets", &secret("next")).unseen().await;
    watch.next().await;
}

/// A dry run is not told.
pub async fn a_dry_run_is_not_told(server: &Server) {
    let mut watch = server.watch("secrets").await;
    server.post("secrets?dryRun=All", &secret("dry")).only(&["/metadata/name"]).await;
    server.post("secrets", &secret("wet")).unseen().await;
    watch.next().await;
}

/// A watch with a label selector tells of what it selects.
pub async fn a_selective_watch_tells_of_what_it_selects(server: &Server) {
    let mut watch = server.watch("secrets?labelSelector=on%3Dyes").await;
    server.post("secrets", &secret("off")).unseen().await;
    server.post("secrets", &labelled("x", &on())).unseen().await;
    watch.next().await;
    server.delete("secrets/off").unseen().await;
    server.delete("secrets/x").unseen().await;
    watch.next().await;
}

/// What comes into the selection is new to its watch.
pub async fn what_comes_into_a_selection_is_added(server: &Server) {
    server.post("secrets", &secret("x")).unseen().await;
    let mut watch = server.watch("secrets?labelSelector=on%3Dyes").await;
    server.merge("secrets/x", &json!({"metadata": {"labels": {"on": "yes"}}})).unseen().await;
    watch.next().await;
}

/// What leaves the selection is gone for its watch, which sees it as it last was selected.
pub async fn what_leaves_a_selection_is_deleted(server: &Server) {
    server.post("secrets", &labelled("x", &on())).unseen().await;
    let mut watch = server.watch("secrets?labelSelector=on%3Dyes").await;
    watch.next().await;
    server.merge("secrets/x", &json!({"metadata": {"labels": {"on": "no"}}})).unseen().await;
    watch.next().await;
}

/// What changes inside the selection is changed.
pub async fn what_stays_in_a_selection_is_modified(server: &Server) {
    server.post("secrets", &labelled("x", &on())).unseen().await;
    let mut watch = server.watch("secrets?labelSelector=on").await;
    watch.next().await;
    server.merge("secrets/x", &json!({"metadata": {"labels": {"on": "no"}}})).unseen().await;
    watch.next().await;
}

/// A watch on one name tells of that object alone.
pub async fn a_watch_on_one_name(server: &Server) {
    let mut watch = server.watch("secrets?fieldSelector=metadata.name%3Db").await;
    for name in ["a", "b"] {
        server.post("secrets", &secret(name)).unseen().await;
    }
    watch.next().await;
}

/// A watch in one namespace tells nothing of others.
pub async fn a_watch_in_a_namespace_tells_of_it_alone(server: &Server) {
    let other = format!("{}-a", server.namespace);
    server.post("/api/v1/namespaces", &json!({"metadata": {"name": other}})).unseen().await;
    let mut watch = server.watch("secrets").await;
    server.post(&format!("/api/v1/namespaces/{other}/secrets"), &secret("elsewhere")).unseen().await;
    server.post("secrets", &secret("here")).unseen().await;
    watch.next().await;
}

/// A watch over all namespaces tells of each.
pub async fn a_watch_over_all_namespaces(server: &Server) {
    let other = format!("{}-a", server.namespace);
    let mark = json!({"in": server.namespace});
    server.post("/api/v1/namespaces", &json!({"metadata": {"name": other}})).unseen().await;
    let mut watch = server.watch("/api/v1/secrets?labelSelector=in%3D{ns}").await;
    server.post(&format!("/api/v1/namespaces/{other}/secrets"), &labelled("x", &mark)).unseen().await;
    watch.next().await;
    server.post("secrets", &labelled("x", &mark)).unseen().await;
    watch.next().await;
}

/// An object that waits for a finalizer is changed when it is deleted, and gone when that is away.
pub async fn a_held_deletion_is_told_in_two_steps(server: &Server) {
    let mut watch = server.watch("secrets").await;
    let held = json!({"metadata": {"name": "x", "finalizers": ["example.io/hold"]}});
    server.post("secrets", &held).unseen().await;
    server.delete("secrets/x").unseen().await;
    server.merge("secrets/x", &json!({"metadata": {"finalizers": null}})).unseen().await;
    watch.take(3).await;
}

/// A watch ends when its time is over.
pub async fn a_watch_ends_with_its_time(server: &Server) {
    let mut watch = server.watch("secrets?timeoutSeconds=1").await;
    watch.end().await;
}

/// One that allows bookmarks gets one shortly before it ends.
pub async fn a_watch_gets_a_bookmark_before_it_ends(server: &Server) {
    let made = server.post("secrets", &secret("x")).unseen().await;
    server.call_it(made.version(), "its version");
    let from =
        format!("secrets?timeoutSeconds=4&allowWatchBookmarks=true&resourceVersion={}", made.version());
    let mut watch = server.watch(&from).await;
    let bookmark = watch.skip().await;
    let version = |text: &str| text.parse::<u64>().expect("a version");
    let at = bookmark["object"]["metadata"]["resourceVersion"].as_str().expect("a version");
    assert!(version(at) >= version(made.version()), "{bookmark}");
    assert_eq!(bookmark["type"], "BOOKMARK");
    assert!(watch.rest().await.iter().all(|event| event["type"] == "BOOKMARK"));
}

/// A bookmark names the kind, and nothing but a version.
pub async fn a_bookmark_is_of_the_kind_that_is_watched(server: &Server) {
    let made = server.post("secrets", &secret("x")).unseen().await;
    server.call_it(made.version(), "its version");
    let from =
        format!("secrets?timeoutSeconds=4&allowWatchBookmarks=true&resourceVersion={}", made.version());
    let mut watch = server.watch(&from).await;
    let mut bookmark = watch.skip().await;
    bookmark["object"]["metadata"]["resourceVersion"] = "some".into();
    assert_eq!(
        bookmark,
        json!({
            "type": "BOOKMARK",
            "object": {
                "kind": "Secret",
                "apiVersion": "v1",
                "metadata": {"resourceVersion": "some"},
            },
        })
    );
}

/// A streamed list sends what is there, then a bookmark that says so, then what happens.
pub async fn a_streamed_list_ends_with_a_bookmark(server: &Server) {
    server.post("secrets", &secret("a")).unseen().await;
    let mut watch = server.watch(&format!("secrets?allowWatchBookmarks=true&{STREAMED}")).await;
    watch.next().await;
    let bookmark = watch.skip().await;
    assert_eq!(bookmark["object"]["metadata"]["annotations"], json!({"k8s.io/initial-events-end": "true"}));
    server.post("secrets", &secret("b")).unseen().await;
    watch.next().await;
}

/// A streamed list of nothing is its bookmark.
pub async fn a_streamed_list_of_nothing_is_a_bookmark(server: &Server) {
    let mut watch = server.watch(&format!("secrets?allowWatchBookmarks=true&{STREAMED}")).await;
    let bookmark = watch.skip().await;
    assert_eq!(bookmark["type"], "BOOKMARK");
    assert_eq!(bookmark["object"]["metadata"]["annotations"], json!({"k8s.io/initial-events-end": "true"}));
}

/// A streamed list selects as a list does.
pub async fn a_streamed_list_selects(server: &Server) {
    server.post("secrets", &secret("off")).unseen().await;
    server.post("secrets", &labelled("x", &on())).unseen().await;
    let path = format!("secrets?labelSelector=on&allowWatchBookmarks=true&{STREAMED}");
    let mut watch = server.watch(&path).await;
    watch.next().await;
    assert_eq!(watch.skip().await["type"], "BOOKMARK");
}

/// A streamed list from a version sends what is there at least as new as it.
pub async fn a_streamed_list_from_a_version_is_at_least_as_new(server: &Server) {
    let made = server.post("secrets", &secret("a")).unseen().await;
    server.call_it(made.version(), "its version");
    let path = format!("secrets?allowWatchBookmarks=true&{STREAMED}&resourceVersion={}", made.version());
    let mut watch = server.watch(&path).await;
    watch.next().await;
    assert_eq!(watch.skip().await["type"], "BOOKMARK");
}

/// A watch that wants no initial events begins with what happens next.
pub async fn a_watch_without_initial_events_begins_with_what_happens(server: &Server) {
    server.post("secrets", &secret("a")).unseen().await;
    let path = "secrets?sendInitialEvents=false&resourceVersionMatch=NotOlderThan";
    let mut watch = server.watch(path).await;
    server.post("secrets", &secret("b")).unseen().await;
    watch.next().await;
}

/// Initial events need a way of matching versions, and matching needs initial events.
pub async fn the_rules_between_the_options_of_a_watch(server: &Server) {
    server.watch("secrets?sendInitialEvents=true").await;
    server.watch("secrets?sendInitialEvents=false").await;
    server.watch("secrets?resourceVersion=1&resourceVersionMatch=NotOlderThan").await;
    server.watch("secrets?sendInitialEvents=true&resourceVersionMatch=Exact&resourceVersion=1").await;
}

/// What is no version is refused before the watch begins.
pub async fn a_watch_from_what_is_no_version_is_refused(server: &Server) {
    server.watch("secrets?resourceVersion=new").await;
}

/// A selector that cannot be read is refused before the watch begins.
pub async fn a_watch_with_an_unreadable_selector_is_refused(server: &Server) {
    server.watch("secrets?labelSelector=a%20in%20b").await;
    server.watch("secrets?labelSelector=a%20b").await;
    server.watch("secrets?labelSelector=a%2C").await;
    server.watch("secrets?fieldSelector=data.a%3D1").await;
}

/// Events can come as metadata alone.
pub async fn events_come_as_metadata_alone(server: &Server) {
    let partial = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1";
    let mut watch = server.watch_as("configmaps?fieldSelector=metadata.name%3Dx", partial).await;
    server.post("configmaps", &config_map("x", &json!({"a": "1"}))).unseen().await;
    watch.next().await;
    server.delete("configmaps/x").unseen().await;
    watch.next().await;
}

/// The path of an object is read, not watched, whatever its query says.
pub async fn the_path_of_one_object_is_not_watched(server: &Server) {
    server.post("secrets", &secret("x")).unseen().await;
    server.get("secrets/x?watch=1").await;
}

/// What is deleted is told with the version of its deletion.
pub async fn a_deletion_has_a_version_of_its_own(server: &Server) {
    let mut watch = server.watch("secrets").await;
    let made = server.post("secrets", &secret("x")).unseen().await;
    server.delete("secrets/x").unseen().await;
    let after = server.post("secrets", &secret("y")).unseen().await;
    watch.skip().await;
    let deleted = watch.skip().await;
    let version = |text: &str| text.parse::<u64>().expect("a version");
    let at = version(deleted["object"]["metadata"]["resourceVersion"].as_str().expect("a version"));
    assert!(version(made.version()) < at && at < version(after.version()), "{deleted}");
    watch.next().await;
}
