//! Status, scale and the other parts of objects.

use serde_json::json;

use super::mk::{deployment, gated_pod, secret};
use crate::PatchFormat::{Json, Merge, Strategic};
use crate::Server;

const WEB: &str = "apis/apps/v1/deployments/web";
const SCALE: &str = "apis/apps/v1/deployments/web/scale";

async fn web(server: &Server) {
    server.post("apis/apps/v1/deployments", &deployment("web")).unseen().await;
    server.until_is(WEB, "/status/observedGeneration", &json!(1)).await;
}

/// A scale is read as an object of its own.
pub async fn a_scale_is_read_as_an_object_of_its_own(server: &Server) {
    web(server).await;
    server.get(SCALE).only(&["/apiVersion", "/kind", "/metadata/name", "/spec", "/status"]).await;
}

/// What is written to it changes the replicas, and the generation.
pub async fn a_scale_changes_the_replicas(server: &Server) {
    web(server).await;
    server.merge(SCALE, &json!({"spec": {"replicas": 2}})).only(&["/kind", "/spec"]).await;
    server.get(WEB).only(&["/spec/replicas", "/metadata/generation"]).await;
    let scale = server.get(SCALE).unseen().await;
    let mut body = scale.body.clone();
    body["spec"]["replicas"] = json!(0);
    // The controllers may have written since.
    body["metadata"]["resourceVersion"] = json!(null);
    server.put(SCALE, &body).query("dryRun=All").only(&["/kind", "/spec"]).await;
    server.get(WEB).only(&["/spec/replicas"]).await;
}

/// Each format of a patch fits a scale.
pub async fn a_scale_is_patched_in_every_format(server: &Server) {
    web(server).await;
    server.patch(Merge, SCALE, &json!({"spec": {"replicas": 1}})).only(&["/spec"]).await;
    server
        .patch(Json, SCALE, &json!([{"op": "replace", "path": "/spec/replicas", "value": 2}]))
        .only(&["/spec"])
        .await;
    server.patch(Strategic, SCALE, &json!({"spec": {"replicas": 0}})).only(&["/spec"]).await;
}

/// A scale below zero, of nobody, or from an older version is refused.
pub async fn a_wrong_scale_is_refused(server: &Server) {
    web(server).await;
    server.merge(SCALE, &json!({"spec": {"replicas": -1}})).await;
    server.merge(SCALE, &json!({"spec": {"replicas": "two"}})).reason().await;
    server.get("apis/apps/v1/deployments/nobody/scale").await;
    let older = json!({"metadata": {"name": "web", "resourceVersion": "1"}, "spec": {"replicas": 1}});
    server.put(SCALE, &older).reason().await;
    server.put(SCALE, &json!({"metadata": {"name": "other"}, "spec": {"replicas": 1}})).reason().await;
}

/// The replicas written through a scale are owned through it.
pub async fn a_scale_owns_the_replicas(server: &Server) {
    server.show_managers();
    server.post("apis/apps/v1/replicasets?fieldManager=maker", &set()).unseen().await;
    let path = "apis/apps/v1/replicasets/set/scale?fieldManager=scaler";
    server.merge(path, &json!({"spec": {"replicas": 1}})).only(&["/spec"]).await;
    let seen = server.get("apis/apps/v1/replicasets/set").only(&["/spec/replicas"]).await;
    let fields = seen.body["metadata"]["managedFields"].as_array().expect("managers");
    let mut owners: Vec<_> = fields
        .iter()
        .map(|entry| format!("{} {} {}", entry["manager"], entry["subresource"], entry["fieldsV1"]))
        .filter(|entry| entry.contains("replicas") && entry.contains("f:spec"))
        .collect();
    owners.sort();
    assert_eq!(owners, [r#""scaler" "scale" {"f:spec":{"f:replicas":{}}}"#]);
}

/// A replica set whose pods nobody places.
fn set() -> serde_json::Value {
    let pod = json!({
        "schedulingGates": [{"name": "example.io/wait"}],
        "containers": [{"name": "main", "image": "registry.example/app:1"}],
    });
    json!({
        "metadata": {"name": "set"},
        "spec": {
            "replicas": 0,
            "selector": {"matchLabels": {"app": "set"}},
            "template": {"metadata": {"labels": {"app": "set"}}, "spec": pod},
        },
    })
}

/// A status is written through its subresource, and nothing else is.
pub async fn a_status_is_written_apart(server: &Server) {
    let mut pod = server.post("pods", &gated_pod("p")).unseen().await.body;
    pod["status"]["message"] = "hello".into();
    pod["metadata"]["labels"] = json!({"a": "1"});
    pod["spec"]["activeDeadlineSeconds"] = json!(100);
    let shown = ["/status/message", "/metadata/labels", "/spec/activeDeadlineSeconds"];
    server.put("pods/p/status", &pod).only(&shown).await;
    server.get("pods/p").only(&shown).await;
}

/// What is written to the object leaves the status alone.
pub async fn a_write_leaves_the_status_alone(server: &Server) {
    let made = server.post("pods", &gated_pod("p")).unseen().await.body;
    let mut pod = made.clone();
    pod["status"]["message"] = "hello".into();
    pod["metadata"]["labels"] = json!({"a": "1"});
    server.put("pods/p", &pod).only(&["/status/message", "/metadata/labels", "/status/phase"]).await;
    server.merge("pods/p", &json!({"status": {"phase": "Failed"}})).only(&["/status/phase"]).await;
}

/// A status is patched in every format.
pub async fn a_status_is_patched_in_every_format(server: &Server) {
    server.post("pods", &gated_pod("p")).unseen().await;
    let condition = json!({"type": "example.io/A", "status": "True"});
    server.merge("pods/p/status", &json!({"status": {"message": "one"}})).only(&["/status/message"]).await;
    let two = json!([{"op": "replace", "path": "/status/message", "value": "two"}]);
    server.patch(Json, "pods/p/status", &two).only(&["/status/message"]).await;
    let three = json!({"status": {"message": "three", "conditions": [condition]}});
    server
        .patch(Strategic, "pods/p/status", &three)
        .only(&["/status/message", "/status/conditions/0/type", "/status/conditions/1/type"])
        .await;
}

/// A status write does not raise the generation.
pub async fn a_status_does_not_raise_the_generation(server: &Server) {
    let budget = json!({"metadata": {"name": "b"}, "spec": {"minAvailable": 1, "selector": {"matchLabels": {"none": "such"}}}});
    server.post("apis/policy/v1/poddisruptionbudgets", &budget).only(&["/metadata/generation"]).await;
    let path = "apis/policy/v1/poddisruptionbudgets/b";
    server
        .merge(&format!("{path}/status"), &json!({"status": {"disruptionsAllowed": 7}}))
        .only(&["/metadata/generation"])
        .await;
    server.merge(path, &json!({"spec": {"minAvailable": 2}})).only(&["/metadata/generation"]).await;
    server.merge(path, &json!({"metadata": {"labels": {"a": "1"}}})).only(&["/metadata/generation"]).await;
}

/// A status of nobody is not found, and a kind without one has none.
pub async fn a_status_that_is_not_there(server: &Server) {
    server.get("pods/nobody/status").await;
    server.merge("pods/nobody/status", &json!({})).await;
    server.post("configmaps", &secret("x")).unseen().await;
    server.get("configmaps/x/status").await;
    server.merge("configmaps/x/status", &json!({})).await;
    server.get("configmaps/x/scale").await;
}

/// A status is read with the whole object.
pub async fn a_status_is_read_with_the_whole(server: &Server) {
    server.post("pods", &gated_pod("p")).unseen().await;
    server.get("pods/p/status").only(&["/kind", "/metadata/name", "/status/phase"]).await;
    server.get(&format!("{WEB}/status")).only(&["/code"]).await;
}

/// The status of a namespace, and of a definition's kind that has none.
pub async fn the_status_of_a_namespace(server: &Server) {
    server.get("/api/v1/namespaces/{ns}/status").only(&["/kind", "/status"]).await;
    server
        .merge("/api/v1/namespaces/{ns}", &json!({"metadata": {"labels": {"a": "1"}}}))
        .only(&["/metadata/labels"])
        .await;
    server.merge("/api/v1/namespaces/{ns}", &json!({"spec": {"finalizers": []}})).only(&["/spec"]).await;
}

/// A subresource takes no other methods.
pub async fn a_subresource_has_its_own_methods(server: &Server) {
    web(server).await;
    server.post(SCALE, &json!({"spec": {"replicas": 1}})).await;
    server.delete(SCALE).await;
    server.post(&format!("{WEB}/status"), &json!({})).await;
}

/// A replica set's scale, and its selector.
pub async fn the_scale_of_a_replica_set(server: &Server) {
    server.post("apis/apps/v1/replicasets", &set()).unseen().await;
    server.get("apis/apps/v1/replicasets/set/scale").only(&["/kind", "/spec", "/status/selector"]).await;
}

/// Discovery names the subresources of a kind.
pub async fn discovery_names_subresources(server: &Server) {
    let found = server.get("/apis/apps/v1").unseen().await;
    let resources = found.body["resources"].as_array().expect("resources");
    let scale = resources.iter().find(|resource| resource["name"] == "deployments/scale");
    assert_eq!(
        scale,
        Some(&json!({
            "name": "deployments/scale",
            "singularName": "",
            "namespaced": true,
            "group": "autoscaling",
            "version": "v1",
            "kind": "Scale",
            "verbs": ["get", "patch", "update"],
        }))
    );
}
