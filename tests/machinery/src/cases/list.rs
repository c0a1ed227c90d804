//! Reading: objects and lists, and at which version.

use serde_json::{Value, json};

use super::mk::{config_map, deployment, labelled, secret};
use crate::Server;

async fn three(server: &Server) {
    for name in ["a", "b", "c"] {
        server.post("secrets", &secret(name)).unseen().await;
    }
}

/// What was created is what is read, with what the server adds.
pub async fn what_was_created_is_read(server: &Server) {
    server.post("configmaps", &config_map("x", &json!({"a": "1"}))).await;
    server.get("configmaps/x").await;
}

/// An object that nobody made is not found, and the answer names it.
pub async fn what_nobody_made_is_not_found(server: &Server) {
    server.get("configmaps/nobody").await;
    server.get("apis/apps/v1/deployments/nobody").await;
    server.get("/api/v1/namespaces/nobody-made-this").await;
    server.get("/api/v1/namespaces/nobody-made-this/configmaps/x").await;
}

/// A list of nothing is a list.
pub async fn a_list_of_nothing_is_a_list(server: &Server) {
    server.get("secrets").await;
    server.get("/api/v1/namespaces/nobody-made-this/secrets").await;
}

/// The items of a list come by name, without the kind that the list says.
pub async fn a_list_comes_in_the_order_of_names(server: &Server) {
    for name in ["b", "a", "a-b", "a.b", "c", "a0"] {
        server.post("secrets", &secret(name)).unseen().await;
    }
    server.get("secrets").await;
}

/// A list over all namespaces comes by namespace, then by name.
pub async fn a_list_over_all_namespaces_says_where_each_is(server: &Server) {
    let mark = json!({"in": server.namespace});
    let other = format!("{}-a", server.namespace);
    server.post("/api/v1/namespaces", &json!({"metadata": {"name": other}})).unseen().await;
    server.post(&format!("/api/v1/namespaces/{other}/secrets"), &labelled("x", &mark)).unseen().await;
    server.post("secrets", &labelled("z", &mark)).unseen().await;
    server.post("secrets", &labelled("y", &mark)).unseen().await;
    server.get("/api/v1/secrets?labelSelector=in%3D{ns}").await;
}

/// A typed list leaves out what each item is; its form with metadata alone says it.
pub async fn metadata_alone_can_be_asked_for(server: &Server) {
    server.post("configmaps", &config_map("x", &json!({"a": "1"}))).unseen().await;
    let partial = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1";
    server.get("configmaps/x").accept(partial).await;
    let list = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1";
    server.get("configmaps?fieldSelector=metadata.name%3Dx").accept(list).await;
}

/// A table has columns, cells and the metadata of each object.
pub async fn a_table_shows_rows(server: &Server) {
    server.post("configmaps", &config_map("x", &json!({"a": "1", "b": "2"}))).unseen().await;
    let table = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json";
    let names = ["/columnDefinitions/0/name", "/columnDefinitions/2/type"];
    server.get("configmaps/x").accept(table).only(&names).await;
    let rows = ["/kind", "/rows/0/cells/0", "/rows/0/cells/1", "/rows/0/object"];
    server.get("configmaps?fieldSelector=metadata.name%3Dx").accept(table).only(&rows).await;
    server.get("configmaps/x").accept(table).only(&rows).await;
    server.get("configmaps/x?includeObject=None").accept(table).only(&rows).await;
}

/// The first form in `Accept` that is known is taken; one that nobody knows is refused.
pub async fn an_unknown_form_is_not_acceptable(server: &Server) {
    three(server).await;
    server.get("secrets/a").accept("text/csv, application/json").only(&["/kind"]).await;
    server.get("secrets/a").accept("*/*").only(&["/kind"]).await;
    server.get("secrets/a").accept("").only(&["/kind"]).await;
    server.get("secrets/a").accept("text/csv").reason().await;
}

/// Any version at all is recent enough for a list from 0.
pub async fn a_list_from_version_zero_takes_what_is_there(server: &Server) {
    three(server).await;
    // What a server has in memory may be a moment old.
    server.until_is("secrets?resourceVersion=0", "/items/2/metadata/name", &json!("c")).await;
    let names = ["/items/0/metadata/name", "/items/2/metadata/name", "/kind"];
    server.get("secrets?resourceVersion=0").only(&names).await;
    server.get("secrets?resourceVersion=0&resourceVersionMatch=NotOlderThan").only(&names).await;
    server.get("secrets/a?resourceVersion=0").only(&["/metadata/name"]).await;
}

/// A list not older than a version holds what was written then.
pub async fn a_list_not_older_than_a_write_holds_it(server: &Server) {
    let made = server.post("secrets", &secret("a")).unseen().await;
    let from = format!("secrets?resourceVersion={}", made.version());
    server.call_it(made.version(), "its version");
    let names = ["/items/0/metadata/name", "/items/1"];
    server.get(&from).only(&names).await;
    server.get(&from).query("resourceVersionMatch=NotOlderThan").only(&names).await;
    let object = format!("secrets/a?resourceVersion={}", made.version());
    server.get(&object).only(&["/metadata/name"]).await;
}

/// A list at exactly an older version shows what was there then.
pub async fn a_list_at_exactly_an_older_version_shows_the_past(server: &Server) {
    server.post("secrets", &secret("a")).unseen().await;
    let then = server.post("secrets", &secret("b")).unseen().await;
    server.post("secrets", &secret("c")).unseen().await;
    server.delete("secrets/a").unseen().await;
    server.merge("secrets/b", &json!({"metadata": {"labels": {"later": "yes"}}})).unseen().await;
    server.call_it(then.version(), "then");
    let at = format!("secrets?resourceVersion={}&resourceVersionMatch=Exact", then.version());
    let answer = server.get(&at).await;
    assert_eq!(answer.version(), then.version());
}

/// A version that no server has reached yet is waited for, and then given up.
pub async fn a_version_of_the_future_is_too_large(server: &Server) {
    three(server).await;
    let only = ["/code", "/reason", "/details"];
    server.get("secrets?resourceVersion=9000000000000000").only(&only).await;
    server.get("secrets/a?resourceVersion=9000000000000000").only(&only).await;
}

/// What is no version is refused.
pub async fn what_is_no_version_is_refused(server: &Server) {
    three(server).await;
    server.get("secrets?resourceVersion=new").await;
    server.get("secrets?resourceVersion=-1").await;
    server.get("secrets/a?resourceVersion=new").await;
}

/// How a version is matched must be said with a version, in a known word.
pub async fn the_rules_of_matching_a_version(server: &Server) {
    three(server).await;
    server.get("secrets?resourceVersionMatch=Exact").await;
    server.get("secrets?resourceVersionMatch=NotOlderThan").await;
    server.get("secrets?resourceVersion=0&resourceVersionMatch=Exact").await;
    server.get("secrets?resourceVersion=1&resourceVersionMatch=Newest").await;
    server.get("secrets?sendInitialEvents=true").await;
}

/// A list can be given less time than the server would take.
pub async fn a_list_takes_a_time_out(server: &Server) {
    three(server).await;
    server.get("secrets?timeoutSeconds=20").only(&["/items/2/metadata/name"]).await;
    server.get("secrets?timeoutSeconds=soon").reason().await;
}

/// An object says its own kind when read alone, and not in a list of built-in ones.
pub async fn a_deployment_is_read_with_all_defaults(server: &Server) {
    server
        .post("apis/apps/v1/deployments", &deployment("web"))
        .only(&["/spec", "/metadata/generation"])
        .await;
    server.until_is("apis/apps/v1/deployments/web", "/status/observedGeneration", &json!(1)).await;
    let read = server.get("apis/apps/v1/deployments").unseen().await;
    let item = read.body.pointer("/items/0").and_then(Value::as_object);
    let keys: Vec<_> = item.into_iter().flatten().map(|(key, _)| key.as_str()).collect();
    assert_eq!(keys, ["metadata", "spec", "status"]);
}

/// Each version in which a kind is served is found, and its group says which is preferred.
pub async fn discovery_names_groups_versions_and_resources(server: &Server) {
    server.get("/apis/apps").await;
    server.get("/apis/apps/v1").only(&["/kind", "/groupVersion"]).await;
    server.get("/apis/coordination.k8s.io/v1").only(&["/kind", "/groupVersion", "/resources/0"]).await;
    server.get("/apis/scheduling.k8s.io/v1").only(&["/kind", "/apiVersion"]).await;
    server.get("/apis/nobody.example.io").await;
    server.get("/apis/nobody.example.io/v1").await;
    server.get("/apis/apps/v9").await;
}

/// The server says its version and that it is well.
pub async fn the_server_says_what_it_is(server: &Server) {
    server.get("/version").only(&["/major", "/minor", "/gitVersion"]).await;
    server.get("/readyz").await;
    server.get("/livez").await;
    server.get("/healthz").await;
}
