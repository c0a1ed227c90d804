//! JSON patch, merge patch and strategic merge patch.

use serde_json::{Value, json};

use super::mk::{config_map, deployment};
use crate::PatchFormat::{Json, Merge, Strategic};
use crate::Server;

const X: &str = "configmaps/x";
const WEB: &str = "apis/apps/v1/deployments/web";
const CONTAINERS: &str = "/spec/template/spec/containers";

async fn x(server: &Server) {
    server.post("configmaps", &config_map("x", &json!({"a": "1", "b": "2"}))).unseen().await;
}

/// A Deployment of two containers with variables, ports and volumes.
async fn web(server: &Server) {
    let mut object = deployment("web");
    object["spec"]["template"]["spec"] = json!({
        "containers": [
            {
                "name": "main",
                "image": "registry.example/app:1",
                "env": [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}],
                "args": ["one", "two"],
                "ports": [{"containerPort": 80, "protocol": "TCP"}],
            },
            {"name": "side", "image": "registry.example/side:1"},
        ],
        "volumes": [{"name": "tmp", "emptyDir": {}}],
    });
    server.post("apis/apps/v1/deployments", &object).unseen().await;
}

fn in_pod(spec: Value) -> Value {
    let mut patch = json!({"spec": {"template": {}}});
    patch["spec"]["template"]["spec"] = spec;
    patch
}

/// A merge patch sets, adds and, with null, removes.
pub async fn a_merge_patch_sets_adds_and_removes(server: &Server) {
    x(server).await;
    server.merge(X, &json!({"data": {"a": "3", "b": null, "c": "4"}})).await;
}

/// A merge patch replaces lists whole.
pub async fn a_merge_patch_replaces_lists(server: &Server) {
    web(server).await;
    let other = json!([{"name": "other", "image": "registry.example/other:1"}]);
    server.merge(WEB, &in_pod(json!({"containers": other}))).only(&[CONTAINERS]).await;
}

/// A null that is not there removes nothing.
pub async fn a_merge_patch_of_null_where_nothing_is(server: &Server) {
    x(server).await;
    server.merge(X, &json!({"data": {"none": null}, "binaryData": null})).await;
}

/// A map that becomes empty is left out.
pub async fn an_emptied_map_is_left_out(server: &Server) {
    x(server).await;
    server.merge(X, &json!({"metadata": {"labels": {"a": "1"}}})).unseen().await;
    server.merge(X, &json!({"data": {"a": null, "b": null}, "metadata": {"labels": {"a": null}}})).await;
}

/// A patch of nothing changes nothing.
pub async fn an_empty_patch_changes_nothing(server: &Server) {
    x(server).await;
    server.merge(X, &json!({})).await;
    server.patch(Strategic, X, &json!({})).await;
    server.patch(Json, X, &json!([])).await;
}

/// A patch is an object, or for a JSON patch a list.
pub async fn a_patch_of_another_form_is_refused(server: &Server) {
    x(server).await;
    server.patch(Merge, X, &json!([])).reason().await;
    server.patch(Merge, X, &json!("text")).reason().await;
    server.patch(Strategic, X, &json!([])).reason().await;
    server.patch(Strategic, X, &json!(7)).reason().await;
    server.patch(Json, X, &json!({})).reason().await;
    server.patch(Json, X, &json!("text")).reason().await;
}

/// What nobody made is not patched.
pub async fn what_nobody_made_is_not_patched(server: &Server) {
    server.merge(X, &json!({})).await;
    server.patch(Strategic, X, &json!({})).await;
    server.patch(Json, X, &json!([])).await;
}

/// A patch may change nothing that a server alone sets.
pub async fn what_a_server_sets_is_left_alone(server: &Server) {
    x(server).await;
    let change =
        json!({"metadata": {"creationTimestamp": "2001-01-01T00:00:00Z", "generation": 7, "selfLink": "/"}});
    server.merge(X, &change).await;
    server.merge(X, &json!({"metadata": {"uid": "other"}})).reason().await;
    server.merge(X, &json!({"metadata": {"deletionTimestamp": "2001-01-01T00:00:00Z"}})).await;
    server.merge(X, &json!({"metadata": {"namespace": "other"}})).reason().await;
}

/// A patch that names the version it was made for holds for that one.
pub async fn a_patch_may_name_a_version(server: &Server) {
    let made = server.post("configmaps", &config_map("x", &json!({"a": "1"}))).unseen().await;
    let at = |value: &str| json!({"metadata": {"resourceVersion": made.version()}, "data": {"a": value}});
    server.merge(X, &at("2")).only(&["/data"]).await;
    server.merge(X, &at("3")).await;
}

/// Unknown fields of a patch are told, refused or dropped.
pub async fn unknown_fields_of_a_patch(server: &Server) {
    x(server).await;
    let change = json!({"data": {"a": "3"}, "surprise": {"b": 1}});
    for how in ["Warn", "Ignore", "Strict"] {
        server.merge(&format!("{X}?fieldValidation={how}"), &change).reason().await;
    }
}

/// Each operation of a JSON patch.
pub async fn each_operation_of_a_json_patch(server: &Server) {
    x(server).await;
    for operation in [
        json!({"op": "add", "path": "/data/c", "value": "3"}),
        json!({"op": "replace", "path": "/data/a", "value": "4"}),
        json!({"op": "remove", "path": "/data/b"}),
        json!({"op": "copy", "from": "/data/a", "path": "/data/d"}),
        json!({"op": "move", "from": "/data/c", "path": "/data/e"}),
        json!({"op": "test", "path": "/data/a", "value": "4"}),
    ] {
        server.patch(Json, X, &json!([operation])).only(&["/data"]).await;
    }
}

/// An operation that does not fit refuses the whole patch.
pub async fn an_operation_that_does_not_fit_refuses_all(server: &Server) {
    x(server).await;
    for operation in [
        json!({"op": "test", "path": "/data/a", "value": "other"}),
        json!({"op": "remove", "path": "/data/none"}),
        json!({"op": "add", "path": "/none/a", "value": "1"}),
        json!({"op": "move", "from": "/data/none", "path": "/data/c"}),
        json!({"op": "shuffle", "path": "/data/a"}),
        json!({"path": "/data/a", "value": "1"}),
    ] {
        server.patch(Json, X, &json!([{"op": "add", "path": "/data/z", "value": "1"}, operation])).await;
    }
    server.note("a field that is replaced need not be there");
    let replace = json!({"op": "replace", "path": "/data/none", "value": "1"});
    server.patch(Json, X, &json!([replace])).only(&["/data"]).await;
    server.get(X).only(&["/data"]).await;
}

/// Escapes in paths, and items of lists.
pub async fn paths_of_a_json_patch_escape_slashes(server: &Server) {
    x(server).await;
    let patch = json!([
        {"op": "add", "path": "/metadata/annotations", "value": {}},
        {"op": "add", "path": "/metadata/annotations/example.io~1a~0b", "value": "1"},
        {"op": "add", "path": "/metadata/finalizers", "value": ["example.io/a"]},
        {"op": "add", "path": "/metadata/finalizers/0", "value": "example.io/b"},
        {"op": "add", "path": "/metadata/finalizers/-", "value": "example.io/c"},
        {"op": "remove", "path": "/metadata/finalizers/1"},
    ]);
    server.patch(Json, X, &patch).reason().await;
    let kept = json!([patch[2], patch[3], patch[4], patch[5]]);
    server.patch(Json, X, &kept).only(&["/metadata/finalizers"]).await;
}

/// A JSON patch can test the version.
pub async fn a_json_patch_tests_and_sets(server: &Server) {
    let made = server.post("configmaps", &config_map("x", &json!({"a": "1"}))).unseen().await;
    let patch = |version: &str| {
        json!([
            {"op": "test", "path": "/metadata/resourceVersion", "value": version},
            {"op": "replace", "path": "/data/a", "value": "2"},
        ])
    };
    server.patch(Json, X, &patch(made.version())).only(&["/data"]).await;
    server.patch(Json, X, &patch(made.version())).reason().await;
}

/// Too many operations are refused.
pub async fn a_json_patch_has_a_bound(server: &Server) {
    x(server).await;
    let operation = json!({"op": "test", "path": "/data/a", "value": "1"});
    server.patch(Json, X, &vec![operation.clone(); 10_000].into()).only(&["/data"]).await;
    server.patch(Json, X, &vec![operation; 10_001].into()).await;
}

/// A strategic merge patch merges lists by their keys.
pub async fn a_strategic_patch_merges_items_by_key(server: &Server) {
    web(server).await;
    let change =
        json!([{"name": "main", "image": "registry.example/app:2", "env": [{"name": "C", "value": "3"}]}]);
    server.patch(Strategic, WEB, &in_pod(json!({"containers": change}))).only(&[CONTAINERS]).await;
}

/// New items are put before the others.
pub async fn a_strategic_patch_adds_items(server: &Server) {
    web(server).await;
    let change = json!([{"name": "new", "image": "registry.example/new:1"}]);
    server.patch(Strategic, WEB, &in_pod(json!({"containers": change}))).only(&[CONTAINERS]).await;
}

/// `$patch: delete` removes an item, a map, or all of it.
pub async fn a_strategic_patch_deletes(server: &Server) {
    web(server).await;
    let item = json!([{"name": "side", "$patch": "delete"}]);
    server.patch(Strategic, WEB, &in_pod(json!({"containers": item}))).only(&[CONTAINERS]).await;
    let volumes = json!([{"name": "tmp", "$patch": "delete"}]);
    let shown = ["/spec/template/spec/volumes"];
    server.patch(Strategic, WEB, &in_pod(json!({"volumes": volumes}))).only(&shown).await;
    server
        .patch(Strategic, WEB, &json!({"spec": {"strategy": {"$patch": "delete"}}}))
        .only(&["/spec/strategy"])
        .await;
}

/// `$patch: replace` replaces a list or a map whole.
pub async fn a_strategic_patch_replaces(server: &Server) {
    web(server).await;
    let list = json!([{"$patch": "replace"}, {"name": "only", "image": "registry.example/only:1"}]);
    server.patch(Strategic, WEB, &in_pod(json!({"containers": list}))).only(&[CONTAINERS]).await;
    let strategy = json!({"$patch": "replace", "type": "Recreate"});
    server.patch(Strategic, WEB, &json!({"spec": {"strategy": strategy}})).only(&["/spec/strategy"]).await;
}

/// `$retainKeys` keeps only the named fields of a map.
pub async fn a_strategic_patch_retains_keys(server: &Server) {
    web(server).await;
    let strategy = json!({"$retainKeys": ["type"], "type": "Recreate"});
    server.patch(Strategic, WEB, &json!({"spec": {"strategy": strategy}})).only(&["/spec/strategy"]).await;
    let volumes = json!([{"name": "tmp", "$retainKeys": ["name", "configMap"], "configMap": {"name": "x"}}]);
    let shown = ["/spec/template/spec/volumes"];
    server.patch(Strategic, WEB, &in_pod(json!({"volumes": volumes}))).only(&shown).await;
}

/// `$setElementOrder` says the order of the whole.
pub async fn a_strategic_patch_orders(server: &Server) {
    web(server).await;
    let spec = json!({
        "$setElementOrder/containers": [{"name": "side"}, {"name": "main"}],
        "containers": [{"name": "main", "image": "registry.example/app:2"}],
    });
    let names = ["/spec/template/spec/containers/0/name", "/spec/template/spec/containers/1/name"];
    server.patch(Strategic, WEB, &in_pod(spec)).only(&names).await;
}

/// `$deleteFromPrimitiveList` takes items out of a set.
pub async fn a_strategic_patch_takes_from_a_set(server: &Server) {
    let object = json!({"metadata": {"name": "x", "finalizers": ["example.io/a", "example.io/b"]}});
    server.post("configmaps", &object).unseen().await;
    let shown = ["/metadata/finalizers"];
    let add = json!({"metadata": {"finalizers": ["example.io/c", "example.io/a"]}});
    server.patch(Strategic, X, &add).only(&shown).await;
    let take = json!({"metadata": {"$deleteFromPrimitiveList/finalizers": ["example.io/a"]}});
    server.patch(Strategic, X, &take).only(&shown).await;
}

/// Items of an atomic list are replaced.
pub async fn a_strategic_patch_replaces_atomic_lists(server: &Server) {
    web(server).await;
    let change = json!([{"name": "main", "args": ["three"]}]);
    let shown = ["/spec/template/spec/containers/0/args"];
    server.patch(Strategic, WEB, &in_pod(json!({"containers": change}))).only(&shown).await;
}

/// An item without its key, or a directive that is none, is refused.
pub async fn a_strategic_patch_that_does_not_fit_is_refused(server: &Server) {
    web(server).await;
    let nameless = json!([{"image": "registry.example/app:2"}]);
    server.patch(Strategic, WEB, &in_pod(json!({"containers": nameless}))).reason().await;
    let unknown = json!([{"name": "main", "$patch": "sideways"}]);
    server.patch(Strategic, WEB, &in_pod(json!({"containers": unknown}))).reason().await;
    server.patch(Strategic, WEB, &in_pod(json!({"containers": "all"}))).reason().await;
    server.patch(Strategic, WEB, &json!({"spec": {"replicas": "three"}})).reason().await;
}

/// Ports of a Service are merged by their number alone.
pub async fn a_strategic_patch_of_ports(server: &Server) {
    let service = json!({
        "metadata": {"name": "s"},
        "spec": {"clusterIP": "None", "ports": [{"name": "web", "port": 80}, {"name": "alt", "port": 81}]},
    });
    server.post("services", &service).unseen().await;
    let change = json!({"spec": {"ports": [{"port": 80, "targetPort": 8080}]}});
    server.patch(Strategic, "services/s", &change).only(&["/spec/ports"]).await;
}

/// The result of a patch is validated.
pub async fn the_result_of_a_patch_is_validated(server: &Server) {
    web(server).await;
    server.merge(WEB, &json!({"spec": {"replicas": -1}})).await;
    server
        .patch(Strategic, WEB, &json!({"spec": {"selector": {"matchLabels": {"other": "1"}}}}))
        .reason()
        .await;
    server
        .patch(Json, WEB, &json!([{"op": "remove", "path": "/spec/template/spec/containers"}]))
        .reason()
        .await;
}
