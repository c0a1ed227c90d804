//! Evictions: deletes that a disruption budget may refuse.

use serde_json::{Value, json};

use super::mk::deployment;
use crate::Server;

const WEB: &str = "apis/apps/v1/deployments/web";
const BUDGETS: &str = "apis/policy/v1/poddisruptionbudgets";

fn eviction(pod: &str) -> Value {
    json!({"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": pod}})
}

fn budget(name: &str, spec: &Value) -> Value {
    let mut whole = json!({"selector": {"matchLabels": {"app": "web"}}});
    for (field, value) in spec.as_object().into_iter().flatten() {
        whole[field] = value.clone();
    }
    json!({"metadata": {"name": name}, "spec": whole})
}

/// As many ready pods; their names.
async fn ready_pods(server: &Server, count: i64) -> Vec<String> {
    let mut web = deployment("web");
    web["spec"]["replicas"] = count.into();
    server.post("apis/apps/v1/deployments", &web).unseen().await;
    server.until_is(WEB, "/status/readyReplicas", &json!(count)).await;
    let pods = server.get("pods?labelSelector=app=web").unseen().await;
    let pods = pods.body["items"].as_array().cloned().unwrap_or_default();
    let names: Vec<String> =
        pods.iter().filter_map(|pod| pod["metadata"]["name"].as_str()).map(str::to_owned).collect();
    for (index, name) in names.iter().enumerate() {
        server.call_it(name, &format!("pod {index}"));
    }
    names
}

async fn counted(server: &Server, name: &str, healthy: i64) {
    let path = format!("{BUDGETS}/{name}");
    server.until_is(&path, "/status/currentHealthy", &json!(healthy)).await;
}

/// A pod that no budget covers is evicted.
pub async fn a_pod_that_no_budget_covers_is_evicted(server: &Server) {
    let pods = ready_pods(server, 1).await;
    server.post(&format!("pods/{}/eviction?dryRun=All", pods[0]), &eviction(&pods[0])).await;
    server.get(&format!("pods/{}", pods[0])).only(&["/metadata/deletionTimestamp"]).await;
    let watch = format!("pods/{}", pods[0]);
    // KWOK takes finalizers away from a pod that goes, unless it leaves the pod alone.
    let held = json!({"finalizers": ["example.io/hold"], "labels": {"app.kubernetes.io/name": plimsoll_bench::UNPLAYED}});
    server.merge(&watch, &json!({"metadata": held})).unseen().await;
    server.post(&format!("pods/{}/eviction", pods[0]), &eviction(&pods[0])).await;
    let evicted = server.get(&watch).unseen().await;
    let target = evicted.body["status"]["conditions"].as_array().into_iter().flatten();
    for condition in target.filter(|condition| condition["type"] == "DisruptionTarget") {
        server.note(&format!("{} {} {}", condition["status"], condition["reason"], condition["message"]));
    }
    server.merge(&watch, &json!({"metadata": {"finalizers": null}})).maybe().await;
    server.delete(&watch).query("gracePeriodSeconds=0").maybe().await;
}

/// A budget lets go as many as it allows.
pub async fn a_budget_lets_go_as_many_as_it_allows(server: &Server) {
    let pods = ready_pods(server, 2).await;
    server.post(BUDGETS, &budget("web", &json!({"minAvailable": 1}))).unseen().await;
    counted(server, "web", 2).await;
    server.post(&format!("pods/{}/eviction?dryRun=All", pods[0]), &eviction(&pods[0])).await;
    server.merge(WEB, &json!({"spec": {"paused": true}})).unseen().await;
    server.post(&format!("pods/{}/eviction", pods[0]), &eviction(&pods[0])).await;
}

/// A budget that needs all lets nobody go.
pub async fn a_budget_that_needs_all_lets_nobody_go(server: &Server) {
    let pods = ready_pods(server, 1).await;
    server.post(BUDGETS, &budget("web", &json!({"minAvailable": 1}))).unseen().await;
    counted(server, "web", 1).await;
    server.post(&format!("pods/{}/eviction", pods[0]), &eviction(&pods[0])).await;
    server.get(&format!("pods/{}", pods[0])).only(&["/metadata/deletionTimestamp"]).await;
}

/// Two budgets over one pod are one too many.
pub async fn two_budgets_over_one_pod_are_one_too_many(server: &Server) {
    let pods = ready_pods(server, 1).await;
    for name in ["one", "two"] {
        server.post(BUDGETS, &budget(name, &json!({"maxUnavailable": 1}))).unseen().await;
        counted(server, name, 1).await;
    }
    server.post(&format!("pods/{}/eviction", pods[0]), &eviction(&pods[0])).await;
}

/// An eviction of nobody, or of another, is refused.
pub async fn an_eviction_of_nobody_is_refused(server: &Server) {
    server.post("pods/nobody/eviction", &eviction("nobody")).await;
    server.post("pods/nobody/eviction", &eviction("somebody")).await;
    server.get("pods/nobody/eviction").await;
}
