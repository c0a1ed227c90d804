//! Requests that cannot be done: the code and the reason of each answer.

use http::Method;
use serde_json::{Value, json};

use super::mk::{config_map, deployment, secret};
use crate::{PatchFormat, Server};

/// JSON that ends early, has a comma too many, or is none.
pub async fn malformed_json_is_a_bad_request(server: &Server) {
    for body in ["{", r#"{"metadata":{"name":"x"},}"#, "hello", "\"text\"", "[]", "17", ""] {
        let call = server.request(Method::POST, "configmaps").header("content-type", "application/json");
        call.bytes(body).reason().await;
    }
    server.get("configmaps/x").reason().await;
}

/// The same in a replace and in each format of a patch.
pub async fn malformed_json_is_refused_in_every_write(server: &Server) {
    server.post("configmaps", &config_map("x", &json!({"a": "1"}))).unseen().await;
    let put = server.request(Method::PUT, "configmaps/x").header("content-type", "application/json");
    put.bytes("{").reason().await;
    for format in [PatchFormat::Json, PatchFormat::Merge, PatchFormat::Strategic, PatchFormat::Apply] {
        let call = server.patch(format, "configmaps/x?fieldManager=m", &Value::Null);
        call.bytes("{\"a\":").reason().await;
    }
    let delete = server.delete("configmaps/x").header("content-type", "application/json");
    delete.bytes("{").reason().await;
}

/// More than three mebibytes are too much.
pub async fn a_body_over_the_bound_is_too_large(server: &Server) {
    let filler = "x".repeat(3 * 1024 * 1024);
    let body = config_map("x", &json!({"a": filler}));
    server.post("configmaps", &body).reason().await;
    server.put("configmaps/x", &body).reason().await;
    for format in [PatchFormat::Json, PatchFormat::Merge, PatchFormat::Strategic] {
        server.patch(format, "configmaps/x", &body).reason().await;
    }
}

/// A config map holds a mebibyte.
pub async fn data_over_a_mebibyte_is_invalid(server: &Server) {
    let body = config_map("x", &json!({"a": "x".repeat(1024 * 1024 + 1)}));
    server.post("configmaps", &body).await;
    let body = json!({"metadata": {"name": "x"}, "stringData": {"a": "x".repeat(1024 * 1024 + 1)}});
    server.post("secrets", &body).await;
}

/// Nesting deeper than any object needs is refused, and hurts nobody.
pub async fn deep_nesting_is_refused(server: &Server) {
    for depth in [100, 10_001, 200_000] {
        let body = format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        let body =
            format!(r#"{{"apiVersion":"v1","kind":"ConfigMap","metadata":{{"name":"x"}},"extra":{body}}}"#);
        let call = server.request(Method::POST, "configmaps").header("content-type", "application/json");
        call.bytes(body).only(&["/kind", "/code", "/reason"]).await;
    }
}

/// Deep nesting in a patch.
pub async fn deep_nesting_in_a_patch_is_refused(server: &Server) {
    server.post("configmaps", &config_map("x", &json!({"a": "1"}))).unseen().await;
    let depth = 10_001;
    let nested = format!("{}1{}", "{\"a\":".repeat(depth), "}".repeat(depth));
    for format in [PatchFormat::Merge, PatchFormat::Strategic] {
        let body = format!(r#"{{"metadata":{nested}}}"#);
        server.patch(format, "configmaps/x", &Value::Null).bytes(body).only(&["/code", "/reason"]).await;
    }
}

/// A body in a form that no server reads.
pub async fn a_wrong_content_type_is_unsupported(server: &Server) {
    let body = config_map("x", &json!({"a": "1"}));
    for content_type in ["text/plain", "application/x-www-form-urlencoded", "application/xml", "nonsense"] {
        server.post("configmaps", &body).header("content-type", content_type).reason().await;
    }
    server.get("configmaps/x").reason().await;
    server.post("configmaps", &body).header("content-type", "").only(&["/kind"]).await;
}

/// A patch says its format; the type of an object is none.
pub async fn a_patch_needs_a_known_format(server: &Server) {
    server.post("configmaps", &config_map("x", &json!({"a": "1"}))).unseen().await;
    for content_type in ["application/json", "application/yaml", "text/plain", ""] {
        let call = server.merge("configmaps/x", &json!({"data": {"a": "2"}}));
        call.header("content-type", content_type).await;
    }
    server.get("configmaps/x").only(&["/data"]).await;
}

/// YAML is read as JSON is.
pub async fn yaml_is_read(server: &Server) {
    let call = server.request(Method::POST, "configmaps").header("content-type", "application/yaml");
    call.bytes("metadata:\n  name: x\ndata:\n  a: \"1\"\n").only(&["/data"]).await;
    let call = server.request(Method::POST, "configmaps").header("content-type", "application/yaml");
    call.bytes("metadata:\n  name: y\n data: [\n").reason().await;
}

/// A group, a version or a resource that is not served is not found.
pub async fn what_is_not_served_is_not_found(server: &Server) {
    for path in [
        "/apis/nobody.example.io/v1/things",
        "/apis/nobody.example.io/v1/namespaces/{ns}/things/x",
        "/apis/apps/v9/namespaces/{ns}/deployments",
        "/api/v9/namespaces/{ns}/configmaps",
        "/api/v1/namespaces/{ns}/things",
        "/api/v1/namespaces/{ns}/things/x",
        "/apis/apps/v1/namespaces/{ns}/configmaps",
        "/api/v1/namespaces/{ns}/configmaps/x/nothing",
        "/nothing",
        "/api/v1/namespaces/{ns}/configmaps/x/y/z",
    ] {
        server.get(path).await;
        server.post(path, &secret("x")).await;
    }
}

/// A kind of one scope is not served in the other.
pub async fn a_kind_is_served_in_its_scope(server: &Server) {
    server.get("nodes").await;
    server.post("nodes", &secret("x")).await;
    server.post("/api/v1/configmaps", &secret("x")).await;
    server.delete("/api/v1/configmaps").await;
    server.get("/api/v1/configmaps/x").await;
}

/// A method that a path does not have is not allowed.
pub async fn a_method_that_a_path_has_not(server: &Server) {
    server.post("configmaps", &config_map("x", &json!({"a": "1"}))).unseen().await;
    server.put("configmaps", &secret("x")).await;
    server.merge("configmaps", &json!({})).await;
    server.post("configmaps/x", &secret("x")).await;
    server.delete("apis/apps/v1/deployments/x/status").await;
    server.delete("/api/v1/namespaces").await;
    server.post("/version", &json!({})).await;
    server.delete("/apis/apps/v1").await;
}

/// Names that are no names.
pub async fn an_illegal_name_is_invalid(server: &Server) {
    for name in ["Upper", "-a", "a_b", "a/b", "", "..", &"a".repeat(254)] {
        server.post("configmaps", &secret(name)).await;
    }
    server.post("services", &json!({"metadata": {"name": "a.b"}, "spec": {"ports": [{"port": 80}]}})).await;
    server.post("/api/v1/namespaces", &secret("a.b")).await;
}

/// Labels and annotations have their own grammar.
pub async fn illegal_labels_and_annotations_are_invalid(server: &Server) {
    let with = |field: &str, value: Value| json!({"metadata": {"name": "x", field: value}});
    server.post("configmaps", &with("labels", json!({"a b": "1"}))).await;
    server.post("configmaps", &with("labels", json!({"a": "not valid"}))).await;
    server.post("configmaps", &with("labels", json!({"a": "x".repeat(64)}))).await;
    server.post("configmaps", &with("annotations", json!({"/": "1"}))).await;
    let key = format!("{}/{}", "a".repeat(254), "b".repeat(64));
    for key in [&key, "a/b/c", "-a", "a/"] {
        server.post("configmaps", &with("labels", json!({key: "1"}))).await;
        server.post("configmaps", &with("annotations", json!({key: "1"}))).await;
    }
    let large = "x".repeat(256 * 1024);
    server.post("configmaps", &with("annotations", json!({"a": large}))).await;
    server.post("configmaps", &with("finalizers", json!(["unqualified"]))).await;
    server.post("configmaps", &with("finalizers", json!(["not valid/x"]))).await;
}

/// Owner references are checked.
pub async fn illegal_owner_references_are_invalid(server: &Server) {
    let with = |owners: Value| json!({"metadata": {"name": "x", "ownerReferences": owners}});
    server.post("configmaps", &with(json!([{}]))).await;
    let owner = |name: &str| json!({"apiVersion": "v1", "kind": "Secret", "name": name, "uid": name, "controller": true});
    server.post("configmaps", &with(json!([owner("a"), owner("b")]))).await;
    server.post("configmaps?dryRun=All", &with(json!([owner("a"), owner("a")]))).await;
    let event = json!({"apiVersion": "v1", "kind": "Event", "name": "o", "uid": "u"});
    server.post("configmaps", &with(json!([event]))).await;
}

/// What was created cannot be created again.
pub async fn what_is_there_already_exists(server: &Server) {
    server.post("configmaps", &secret("x")).unseen().await;
    server.post("configmaps", &secret("x")).await;
    server.post("configmaps?dryRun=All", &secret("x")).await;
    server.post("/api/v1/namespaces", &secret(&server.namespace)).await;
}

/// A body that is of another kind, or of another place than the path.
pub async fn a_body_must_belong_to_its_path(server: &Server) {
    let kind = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "x"}});
    server.post("configmaps", &kind).reason().await;
    let version = json!({"apiVersion": "v2", "kind": "ConfigMap", "metadata": {"name": "x"}});
    server.post("configmaps", &version).reason().await;
    let place = json!({"metadata": {"name": "x", "namespace": "default"}});
    server.post("configmaps", &place).await;
    server.post("configmaps", &config_map("x", &json!({"a": "1"}))).unseen().await;
    server.put("configmaps/x", &secret("y")).await;
    server.put("configmaps/x", &place).await;
    server.merge("configmaps/x", &secret("y")).await;
    server.merge("configmaps/x", &json!({"kind": "Secret"})).only(&["/code", "/reason"]).await;
}

/// A namespace that nobody made takes nothing.
pub async fn a_namespace_that_is_not_there_takes_nothing(server: &Server) {
    server.post("/api/v1/namespaces/nobody-made-this/configmaps", &secret("x")).await;
    server.delete("/api/v1/namespaces/nobody-made-this/configmaps/x").await;
}

/// A write against a version that is no longer there conflicts.
pub async fn a_write_against_an_older_version_conflicts(server: &Server) {
    let made = server.post("configmaps", &config_map("x", &json!({"a": "1"}))).unseen().await;
    server.merge("configmaps/x", &json!({"data": {"a": "2"}})).unseen().await;
    server.put("configmaps/x", &made.body).await;
    let version = json!({"metadata": {"resourceVersion": made.version()}, "data": {"a": "3"}});
    server.merge("configmaps/x", &version).await;
    server.patch(PatchFormat::Strategic, "configmaps/x", &version).await;
    let mut other = made.body.clone();
    other["metadata"]["uid"] = "00000000-0000-4000-8000-000000000000".into();
    server.put("configmaps/x", &other).await;
}

/// Values of the wrong type are refused, with or without strictness.
pub async fn a_value_of_the_wrong_type_is_a_bad_request(server: &Server) {
    let with = |data: Value| json!({"metadata": {"name": "x"}, "data": data});
    for data in [json!({"a": 1}), json!({"a": {}}), json!(["a"]), json!("a"), json!({"a": true})] {
        server.post("configmaps", &with(data)).reason().await;
    }
    let mut object = deployment("web");
    object["spec"]["replicas"] = "three".into();
    server.post("apis/apps/v1/deployments", &object).reason().await;
    object["spec"]["replicas"] = json!(1.5);
    server.post("apis/apps/v1/deployments", &object).reason().await;
    object["spec"]["replicas"] = json!(1e30);
    server.post("apis/apps/v1/deployments", &object).reason().await;
}

/// Unknown and doubled fields: told, refused, or dropped, as is asked.
pub async fn unknown_fields_are_told_refused_or_dropped(server: &Server) {
    let object = json!({"metadata": {"name": "x", "surprise": 1}, "data": {"a": "1"}, "more": {"b": 2}});
    for how in ["", "Warn", "Ignore", "Strict", "Never"] {
        server.post(&format!("configmaps?dryRun=All&fieldValidation={how}"), &object).await;
    }
    let doubled = r#"{"metadata":{"name":"x"},"data":{"a":"1","a":"2"},"data":{"b":"1"}}"#;
    for how in ["", "Strict"] {
        let call = server.request(Method::POST, &format!("configmaps?dryRun=All&fieldValidation={how}"));
        call.header("content-type", "application/json").bytes(doubled).await;
    }
}

/// Options that do not exist are refused, and so is forcing what is no apply.
pub async fn the_options_of_a_write_are_checked(server: &Server) {
    server.post("configmaps?dryRun=Some", &secret("x")).await;
    server.post("configmaps?fieldManager=%01", &secret("x")).await;
    server.post(&format!("configmaps?fieldManager={}", "m".repeat(129)), &secret("x")).await;
    server.post("configmaps", &secret("x")).unseen().await;
    server.merge("configmaps/x?force=true", &json!({})).await;
    server.patch(PatchFormat::Apply, "configmaps/x", &json!({})).await;
    server.delete("configmaps/x?propagationPolicy=Sideways").await;
    server.delete("configmaps/x?gracePeriodSeconds=soon").reason().await;
    server
        .delete("configmaps/x")
        .json(&json!({"orphanDependents": true, "propagationPolicy": "Orphan"}))
        .await;
    server.delete("configmaps/x").json(&json!({"dryRun": ["Some"]})).await;
}

/// A new object has no version yet.
pub async fn a_new_object_names_no_version(server: &Server) {
    server.post("configmaps", &json!({"metadata": {"name": "x", "resourceVersion": "1"}})).await;
}
