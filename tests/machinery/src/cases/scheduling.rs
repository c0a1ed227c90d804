//! Pods that no node takes, and nodes that are heard of, as time goes by.

use serde_json::{Value, json};

use super::mk::pod;
use crate::Server;

/// What was told of a pod, without counts that grow.
async fn told(server: &Server) -> Vec<Value> {
    let events = server.get("events?fieldSelector=involvedObject.name=huge").unseen().await;
    let events = events.body["items"].as_array().cloned().unwrap_or_default();
    let shown = ["type", "reason", "action", "message", "count", "firstTimestamp", "reportingComponent"];
    let event = |event: &Value| {
        let mut told: serde_json::Map<String, Value> =
            shown.iter().map(|field| ((*field).to_owned(), event[field].clone())).collect();
        told.insert("series".to_owned(), event.pointer("/series/count").cloned().unwrap_or_default());
        Value::Object(told)
    };
    let mut told: Vec<Value> = events.iter().map(event).collect();
    told.sort_by_key(ToString::to_string);
    told
}

/// A pod that fits nowhere is tried again and again. The first event is about the pod as it came, the next about the pod of
/// which the first was said; and what is told of that again is a series.
pub async fn a_pod_that_fits_nowhere_is_told_of_again(server: &Server) {
    let mut huge = pod("huge");
    huge["spec"]["containers"][0]["resources"] = json!({"requests": {"cpu": "1000"}});
    server.post("pods", &huge).unseen().await;
    let is_series = |event: &Value| event["series"] == 2;
    server.until("a series", async || told(server).await.iter().any(is_series)).await;
    for event in told(server).await {
        server.note(&event.to_string());
    }
}

/// A node is heard of: its lease is renewed.
pub async fn the_lease_of_a_node_is_renewed(server: &Server) {
    let nodes = server.get("/api/v1/nodes").unseen().await;
    let node = nodes.text("/items/0/metadata/name").to_owned();
    server.call_it(&node, "node");
    let path = format!("/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/{node}");
    let begin = server.get(&path).unseen().await;
    let renewed = begin.text("/spec/renewTime").to_owned();
    let is_newer = async || server.get(&path).unseen().await.text("/spec/renewTime") > renewed.as_str();
    server.until("it is renewed", is_newer).await;
    // A kubelet holds it under the name of its node, KWOK under its own.
    server.get(&path).only(&["/spec/leaseDurationSeconds", "/spec/renewTime", "/spec/acquireTime"]).await;
}
