//! What the controller of disruption budgets says in their status, and in events.

use serde_json::{Value, json};

use super::mk::{deployment, gated_pod, pod};
use crate::{PatchFormat, Server};

const BUDGETS: &str = "apis/policy/v1/poddisruptionbudgets";
const DEPLOYMENTS: &str = "apis/apps/v1/deployments";

fn budget(spec: &Value) -> Value {
    let mut whole = json!({"selector": {"matchLabels": {"app": "web"}}});
    for (field, value) in spec.as_object().into_iter().flatten() {
        whole[field] = value.clone();
    }
    json!({"metadata": {"name": "web"}, "spec": whole})
}

/// A Deployment of so many ready pods that the budget covers.
async fn web(server: &Server, name: &str, replicas: i64) {
    let mut web = deployment(name);
    web["spec"]["replicas"] = replicas.into();
    web["spec"]["selector"]["matchLabels"] = json!({"app": "web", "of": name});
    web["spec"]["template"]["metadata"]["labels"] = json!({"app": "web", "of": name});
    server.post(DEPLOYMENTS, &web).unseen().await;
    server.until_is(&format!("{DEPLOYMENTS}/{name}"), "/status/readyReplicas", &json!(replicas)).await;
}

/// A ready pod that the budget covers, with this controller or none.
async fn covered_pod(server: &Server, name: &str, controller: Option<&Value>) {
    let mut pod = pod(name);
    pod["metadata"]["labels"] = json!({"app": "web"});
    if let Some(controller) = controller {
        let mut owner = controller.clone();
        owner["controller"] = true.into();
        pod["metadata"]["ownerReferences"] = json!([owner]);
    }
    server.post("pods", &pod).unseen().await;
    server
        .until("a ready pod", async || {
            let pod = server.get(&format!("pods/{name}")).maybe().await;
            let conditions = pod.body["status"]["conditions"].as_array().cloned().unwrap_or_default();
            conditions.iter().any(|condition| condition["type"] == "Ready" && condition["status"] == "True")
        })
        .await;
}

/// Makes the budget, and shows its status as soon as it is as wanted.
async fn judged(server: &Server, spec: &Value, pointer: &str, value: &Value) {
    server.post(BUDGETS, &budget(spec)).unseen().await;
    shown(server, pointer, value).await;
}

async fn shown(server: &Server, pointer: &str, value: &Value) {
    server.until_is(&format!("{BUDGETS}/web"), pointer, value).await;
    server.get(&format!("{BUDGETS}/web")).only(&["/status"]).await;
}

/// What was told of the budget, or of a pod, by its disruption controller.
async fn told(server: &Server, kind: &str, reason: &str) {
    let path = format!("events?fieldSelector=involvedObject.kind={kind},reason={reason}");
    let count = async || {
        let events = server.get(&path).unseen().await;
        events.body["items"].as_array().map_or(0, Vec::len)
    };
    server.until(&format!("an event {reason}"), async || count().await > 0).await;
    let event = ["type", "reason", "message", "source", "reportingComponent"];
    let pointers = event.map(|field| format!("/items/0/{field}"));
    server.get(&path).only(&pointers.each_ref().map(String::as_str)).await;
}

/// A budget that covers nobody allows nothing, and says so in an event.
pub async fn a_budget_of_nobody_allows_nothing(server: &Server) {
    judged(server, &json!({"minAvailable": 1}), "/status/observedGeneration", &json!(1)).await;
    told(server, "PodDisruptionBudget", "NoPods").await;
}

/// A number is held against all pods that are there, whoever made them.
pub async fn a_number_that_must_be_there_is_held_against_all_pods(server: &Server) {
    covered_pod(server, "alone", None).await;
    web(server, "web", 2).await;
    judged(server, &json!({"minAvailable": 1}), "/status/currentHealthy", &json!(3)).await;
}

/// A percentage is of the replicas that the controllers of the pods want, rounded up.
pub async fn a_percentage_is_of_what_controllers_want(server: &Server) {
    web(server, "web", 3).await;
    judged(server, &json!({"minAvailable": "50%"}), "/status/currentHealthy", &json!(3)).await;
}

/// So is how many may be away.
pub async fn what_may_be_away_is_of_what_controllers_want(server: &Server) {
    web(server, "web", 3).await;
    judged(server, &json!({"maxUnavailable": "34%"}), "/status/currentHealthy", &json!(3)).await;
    server.merge(&format!("{BUDGETS}/web"), &json!({"spec": {"maxUnavailable": 5}})).unseen().await;
    shown(server, "/status/observedGeneration", &json!(2)).await;
}

/// The replicas of all controllers are added up.
pub async fn a_budget_over_two_deployments_adds_them_up(server: &Server) {
    web(server, "one", 2).await;
    web(server, "two", 1).await;
    judged(server, &json!({"maxUnavailable": 1}), "/status/currentHealthy", &json!(3)).await;
}

/// Pods without a controller are healthy, and no part of what is expected; an event says that the status is not right.
pub async fn pods_without_a_controller_do_not_count_for_a_share(server: &Server) {
    covered_pod(server, "alone", None).await;
    judged(server, &json!({"maxUnavailable": 1}), "/status/currentHealthy", &json!(1)).await;
    told(server, "PodDisruptionBudget", "UnmanagedPods").await;
}

/// Where a controller has no scale, nothing is allowed, and a condition says why.
pub async fn a_controller_that_cannot_be_scaled_fails_the_budget(server: &Server) {
    let owner = server.post("configmaps", &json!({"metadata": {"name": "owner"}})).unseen().await;
    let owner = json!({"apiVersion": "v1", "kind": "ConfigMap", "name": "owner", "uid": owner.uid()});
    covered_pod(server, "owned", Some(&owner)).await;
    let failed = json!("SyncFailed");
    judged(server, &json!({"maxUnavailable": 1}), "/status/conditions/0/reason", &failed).await;
    told(server, "PodDisruptionBudget", "CalculateExpectedPodCountFailed").await;
    server.note("a number needs no scale");
    server
        .merge(&format!("{BUDGETS}/web"), &json!({"spec": {"maxUnavailable": null, "minAvailable": 1}}))
        .unseen()
        .await;
    shown(server, "/status/observedGeneration", &json!(2)).await;
}

/// The same where nobody knows the kind of a controller.
pub async fn a_controller_of_an_unknown_kind_fails_the_budget(server: &Server) {
    let uid = "11111111-2222-3333-4444-555555555555";
    let owner = json!({"apiVersion": "none.example.io/v1", "kind": "Nobody", "name": "nobody", "uid": uid});
    covered_pod(server, "owned", Some(&owner)).await;
    let failed = json!("SyncFailed");
    judged(server, &json!({"minAvailable": "50%"}), "/status/conditions/0/reason", &failed).await;
}

/// When the pods that cannot be counted are gone, the budget is judged anew.
pub async fn a_budget_that_failed_recovers_with_its_pods(server: &Server) {
    let owner = server.post("configmaps", &json!({"metadata": {"name": "owner"}})).unseen().await;
    let owner = json!({"apiVersion": "v1", "kind": "ConfigMap", "name": "owner", "uid": owner.uid()});
    covered_pod(server, "owned", Some(&owner)).await;
    web(server, "web", 2).await;
    let failed = json!("SyncFailed");
    judged(server, &json!({"maxUnavailable": 1}), "/status/conditions/0/reason", &failed).await;
    server.delete("pods/owned?gracePeriodSeconds=0").unseen().await;
    shown(server, "/status/currentHealthy", &json!(2)).await;
}

/// A pod whose eviction was granted long ago and that is still there counts again, and a pod that is not there is
/// forgotten.
pub async fn an_eviction_that_did_not_come_about_is_given_up(server: &Server) {
    web(server, "web", 2).await;
    let pods = server.get("pods?labelSelector=app=web").unseen().await;
    let name = pods.text("/items/0/metadata/name").to_owned();
    server.call_it(&name, "pod");
    judged(server, &json!({"minAvailable": 1}), "/status/currentHealthy", &json!(2)).await;
    let granted =
        json!({"status": {"disruptedPods": {&name: "2019-01-01T00:00:00Z", "none": "2019-01-01T00:00:00Z"}}});
    server.merge(&format!("{BUDGETS}/web/status"), &granted).unseen().await;
    let path = format!("{BUDGETS}/web");
    let forgotten = async || server.get(&path).unseen().await.body["status"]["disruptedPods"].is_null();
    server.until("the pods are forgotten", forgotten).await;
    server.get(&path).only(&["/status"]).await;
    told(server, "Pod", "NotDeleted").await;
}

/// That a pod is to be disrupted is taken back where nothing comes of it, save for what its kubelet says.
pub async fn an_old_announcement_of_a_disruption_is_withdrawn(server: &Server) {
    for (name, reason) in [("theirs", "TerminationByKubelet"), ("old", "EvictionByEvictionAPI")] {
        server.post("pods", &gated_pod(name)).unseen().await;
        let condition = json!({
            "type": "DisruptionTarget",
            "status": "True",
            "reason": reason,
            "message": "it goes",
            "lastTransitionTime": "2019-01-01T00:00:00Z",
        });
        let said = json!({"status": {"conditions": [condition]}});
        let path = format!("pods/{name}/status");
        server.patch(PatchFormat::Strategic, &path, &said).unseen().await;
    }
    let said = async |name: &str| {
        let pod = server.get(&format!("pods/{name}")).unseen().await;
        let conditions = pod.body["status"]["conditions"].as_array().cloned().unwrap_or_default();
        conditions.into_iter().find(|condition| condition["type"] == "DisruptionTarget").unwrap_or_default()
    };
    server.until("it is taken back", async || said("old").await["status"] == "False").await;
    for name in ["old", "theirs"] {
        let said = said(name).await;
        let fields = said.as_object().into_iter().flatten().map(|(field, value)| format!("{field}: {value}"));
        let mut fields: Vec<String> = fields.collect();
        fields.sort();
        server.note(&format!("{name}: {}", fields.join(", ")));
    }
}

/// A pod that two budgets cover is told of.
pub async fn a_pod_that_two_budgets_cover_is_told_of(server: &Server) {
    for name in ["one", "two"] {
        let mut two = budget(&json!({"minAvailable": 1}));
        two["metadata"]["name"] = name.into();
        server.post(BUDGETS, &two).unseen().await;
        server.call_it(&format!("{name:?}"), "one of them");
        server.until_is(&format!("{BUDGETS}/{name}"), "/status/observedGeneration", &json!(1)).await;
    }
    let mut pod = gated_pod("both");
    pod["metadata"]["labels"] = json!({"app": "web"});
    server.post("pods", &pod).unseen().await;
    told(server, "Pod", "MultiplePodDisruptionBudgets").await;
}

/// A change of the budget is observed.
pub async fn a_changed_budget_is_observed(server: &Server) {
    web(server, "web", 2).await;
    judged(server, &json!({"minAvailable": 1}), "/status/currentHealthy", &json!(2)).await;
    server.merge(&format!("{BUDGETS}/web"), &json!({"spec": {"minAvailable": 2}})).unseen().await;
    shown(server, "/status/observedGeneration", &json!(2)).await;
    server.note("what it wants cannot be");
    server.merge(&format!("{BUDGETS}/web"), &json!({"spec": {"minAvailable": 7}})).unseen().await;
    shown(server, "/status/observedGeneration", &json!(3)).await;
}
