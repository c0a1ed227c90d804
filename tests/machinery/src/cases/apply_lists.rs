//! Server-side apply: lists that are merged by key, as sets, or replaced whole.

use serde_json::{Value, json};

use super::mk::deployment;
use crate::Server;

const WEB: &str = "apis/apps/v1/deployments/web";
const SERVICE: &str = "services/s";

fn containers(containers: Value) -> Value {
    let mut object = deployment("web");
    object["spec"]["template"]["spec"]["containers"] = containers;
    object
}

fn service(ports: &Value) -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "s"},
        "spec": {"clusterIP": "None", "selector": {"app": "s"}, "ports": ports},
    })
}

/// Containers are items by name: two managers have one each.
pub async fn containers_are_merged_by_name(server: &Server) {
    server.show_managers();
    let shown = ["/metadata/managedFields", "/spec/template/spec/containers"];
    server.apply("a", WEB, &deployment("web")).unseen().await;
    let sidecar = json!({
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "spec": {"template": {"spec": {"containers": [{"name": "side", "image": "registry.example/side:1"}]}}},
    });
    server.apply("b", WEB, &sidecar).only(&shown[1..]).await;
    server.apply("a", WEB, &deployment("web")).only(&shown[1..]).await;
    sidecar_goes(server, sidecar).await;
}

async fn sidecar_goes(server: &Server, mut sidecar: Value) {
    sidecar["spec"] = json!({"minReadySeconds": 1});
    server.apply("b", WEB, &sidecar).only(&["/spec/template/spec/containers"]).await;
}

/// The order of applied items is that of who applies.
pub async fn items_come_in_the_order_of_the_apply(server: &Server) {
    let item = |name: &str| json!({"name": name, "image": "registry.example/app:1"});
    let names = ["/spec/template/spec/containers/0/name", "/spec/template/spec/containers/1/name"];
    server.apply("a", WEB, &containers(json!([item("one"), item("two")]))).only(&names).await;
    server.apply("a", WEB, &containers(json!([item("two"), item("one")]))).only(&names).await;
    let three = containers(json!([item("zero"), item("two"), item("one")]));
    server.apply("a", WEB, &three).only(&names).await;
}

/// Environment variables are items by name, each with fields of its own.
pub async fn variables_are_merged_by_name(server: &Server) {
    let env =
        |env: Value| containers(json!([{"name": "main", "image": "registry.example/app:1", "env": env}]));
    let shown = ["/spec/template/spec/containers/0/env"];
    server
        .apply("a", WEB, &env(json!([{"name": "A", "value": "1"}, {"name": "B", "value": "2"}])))
        .unseen()
        .await;
    server.apply("b", WEB, &env(json!([{"name": "C", "value": "3"}]))).only(&shown).await;
    server.apply("a", WEB, &env(json!([{"name": "B", "value": "4"}]))).only(&shown).await;
}

/// The same item twice in one apply is refused.
pub async fn an_item_twice_is_refused(server: &Server) {
    let item = json!({"name": "main", "image": "registry.example/app:1"});
    server.apply("a", WEB, &containers(json!([item, item]))).reason().await;
}

/// An item without its key is refused.
pub async fn an_item_without_its_key_is_refused(server: &Server) {
    server.apply("a", WEB, &containers(json!([{"image": "registry.example/app:1"}]))).reason().await;
}

/// Ports of a Service are items by port and protocol; the protocol has a default.
pub async fn ports_are_merged_by_port_and_protocol(server: &Server) {
    server.show_managers();
    server.apply("a", SERVICE, &service(&json!([{"name": "web", "port": 80}]))).await;
    let other = service(&json!([{"name": "dns", "port": 80, "protocol": "UDP"}]));
    server.apply("b", SERVICE, &other).only(&["/spec/ports", "/metadata/managedFields"]).await;
    let same = service(&json!([{"name": "web", "port": 80, "protocol": "TCP", "targetPort": 8080}]));
    server.apply("a", SERVICE, &same).only(&["/spec/ports"]).await;
}

/// A list that is atomic is owned, and replaced, whole.
pub async fn an_atomic_list_is_replaced_whole(server: &Server) {
    let args =
        |args: Value| containers(json!([{"name": "main", "image": "registry.example/app:1", "args": args}]));
    let shown = ["/spec/template/spec/containers/0/args"];
    server.apply("a", WEB, &args(json!(["a", "b"]))).only(&shown).await;
    server.apply("a", WEB, &args(json!(["c"]))).only(&shown).await;
    server.apply("b", WEB, &args(json!(["c", "d"]))).await;
    server.apply("b", WEB, &args(json!(["c", "d"]))).query("force=true").only(&shown).await;
}

/// A map that is atomic is owned, and replaced, whole.
pub async fn an_atomic_map_is_replaced_whole(server: &Server) {
    server.show_managers();
    let selector = |selector: Value| {
        let mut object = service(&json!([{"port": 80}]));
        object["spec"]["selector"] = selector;
        object
    };
    server.apply("a", SERVICE, &selector(json!({"a": "1", "b": "1"}))).unseen().await;
    server.apply("a", SERVICE, &selector(json!({"b": "1"}))).only(&["/spec/selector"]).await;
    server.apply("b", SERVICE, &selector(json!({"c": "1"}))).await;
}

/// Finalizers are a set: each manager has its own.
pub async fn finalizers_are_a_set(server: &Server) {
    let with = |finalizers: Value| json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "x", "finalizers": finalizers}});
    let shown = ["/metadata/finalizers"];
    server.apply("a", "configmaps/x", &with(json!(["example.io/a", "example.io/c"]))).unseen().await;
    server.apply("b", "configmaps/x", &with(json!(["example.io/b"]))).only(&shown).await;
    server.apply("a", "configmaps/x", &with(json!(["example.io/c"]))).only(&shown).await;
    server.apply("a", "configmaps/x", &with(json!(["example.io/d", "example.io/d"]))).reason().await;
}

/// A field that is a quantity is compared as it is written.
pub async fn a_quantity_written_otherwise_is_the_same(server: &Server) {
    let with = |cpu: &str| {
        let resources = json!({"requests": {"cpu": cpu}});
        containers(json!([{"name": "main", "image": "registry.example/app:1", "resources": resources}]))
    };
    let shown = ["/spec/template/spec/containers/0/resources", "/metadata/generation"];
    server.apply("a", WEB, &with("1")).only(&shown).await;
    server.apply("a", WEB, &with("1000m")).only(&shown).await;
    server.apply("b", WEB, &with("1")).only(&["/code", "/reason"]).await;
}
