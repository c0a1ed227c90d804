//! What the controller of quotas says is used.

use serde_json::{Value, json};

use super::mk::{config_map, deployment, pod, secret};
use crate::Server;

const STATUS: [&str; 1] = ["/status"];

/// A pod that is never bound to a node, with these requests.
fn waiting(name: &str, requests: &Value) -> Value {
    let mut pod = pod(name);
    pod["spec"]["schedulerName"] = "nobody".into();
    pod["spec"]["containers"][0]["resources"]["requests"] = requests.clone();
    pod
}

async fn quota(server: &Server, spec: &Value) {
    server.post("resourcequotas", &json!({"metadata": {"name": "q"}, "spec": spec})).unseen().await;
}

/// Shows the status as soon as so much of something is used.
async fn used(server: &Server, name: &str, amount: &str) {
    let pointer = format!("/status/used/{}", name.replace('/', "~1"));
    server.until_is("resourcequotas/q", &pointer, &json!(amount)).await;
    server.get("resourcequotas/q").only(&STATUS).await;
}

/// A new quota counts what was there before it.
pub async fn what_was_there_before_is_counted(server: &Server) {
    server.post("configmaps", &config_map("a", &json!({}))).unseen().await;
    server.post("secrets", &secret("a")).unseen().await;
    server.post("apis/apps/v1/deployments", &deployment("a")).unseen().await;
    server.post("pods", &waiting("a", &json!({"cpu": "100m", "memory": "1Gi"}))).unseen().await;
    let hard = json!({
        "configmaps": "10", "secrets": "10", "count/secrets": "10", "count/deployments.apps": "10", "pods": "10",
        "count/pods": "10", "cpu": "1", "requests.cpu": "1", "requests.memory": "2Gi", "limits.memory": "2Gi",
        "resourcequotas": "1", "services": "1",
    });
    quota(server, &json!({"hard": hard})).await;
    used(server, "pods", "1").await;
}

/// A change of what is allowed is taken over, with what is used of what is new in it.
pub async fn a_changed_quota_is_counted_anew(server: &Server) {
    quota(server, &json!({"hard": {"secrets": "2", "pods": "1"}})).await;
    used(server, "secrets", "0").await;
    server.post("secrets", &secret("a")).unseen().await;
    server
        .merge("resourcequotas/q", &json!({"spec": {"hard": {"pods": null, "secrets": "1"}}}))
        .unseen()
        .await;
    server.until_is("resourcequotas/q", "/status/hard/secrets", &json!("1")).await;
    server.get("resourcequotas/q").only(&STATUS).await;
    server.post("secrets", &secret("b")).only(&["/code", "/message"]).await;
    server.merge("resourcequotas/q", &json!({"spec": {"hard": {"count/secrets": "5"}}})).unseen().await;
    used(server, "count/secrets", "1").await;
}

/// What is deleted is given back.
pub async fn what_is_deleted_is_given_back(server: &Server) {
    quota(server, &json!({"hard": {"secrets": "2", "pods": "2", "requests.cpu": "1"}})).await;
    used(server, "secrets", "0").await;
    server.post("secrets", &secret("a")).unseen().await;
    server.post("pods", &waiting("a", &json!({"cpu": "300m"}))).unseen().await;
    used(server, "requests.cpu", "300m").await;
    server.delete("pods/a?gracePeriodSeconds=0").unseen().await;
    used(server, "requests.cpu", "0").await;
    server.delete("secrets/a").unseen().await;
    used(server, "secrets", "0").await;
}

/// A pod that ended holds no resources, and is still an object.
pub async fn a_pod_that_ended_holds_no_resources(server: &Server) {
    quota(server, &json!({"hard": {"pods": "2", "count/pods": "2", "requests.cpu": "1"}})).await;
    used(server, "pods", "0").await;
    server.post("pods", &waiting("a", &json!({"cpu": "300m"}))).unseen().await;
    used(server, "pods", "1").await;
    server.merge("pods/a/status", &json!({"status": {"phase": "Succeeded"}})).unseen().await;
    used(server, "pods", "0").await;
}

/// A scope counts the pods in it alone.
pub async fn a_scope_counts_the_pods_in_it(server: &Server) {
    let pods = [("asks", json!({"cpu": "100m"})), ("nothing", json!({}))];
    for (name, requests) in pods {
        server.post("pods", &waiting(name, &requests)).unseen().await;
    }
    let mut ends = waiting("ends", &json!({"cpu": "200m"}));
    ends["spec"]["activeDeadlineSeconds"] = 3600.into();
    server.post("pods", &ends).unseen().await;
    for (scope, hard, count) in [
        ("BestEffort", json!({"pods": "5"}), "1"),
        ("NotBestEffort", json!({"pods": "5", "requests.cpu": "5"}), "2"),
        ("Terminating", json!({"pods": "5", "requests.cpu": "5"}), "1"),
        ("NotTerminating", json!({"pods": "5", "requests.cpu": "5"}), "2"),
    ] {
        server.note(scope);
        quota(server, &json!({"scopes": [scope], "hard": hard})).await;
        used(server, "pods", count).await;
        server.delete("resourcequotas/q").unseen().await;
    }
}

/// So does a scope of priority classes.
pub async fn a_scope_of_classes_counts_their_pods(server: &Server) {
    server.post("pods", &waiting("plain", &json!({"cpu": "100m"}))).unseen().await;
    let mut critical = waiting("critical", &json!({"cpu": "200m"}));
    critical["spec"]["priorityClassName"] = "system-cluster-critical".into();
    server.post("pods", &critical).unseen().await;
    for (operator, values, count) in [
        ("In", json!(["system-cluster-critical"]), "1"),
        ("NotIn", json!(["system-cluster-critical"]), "1"),
        ("Exists", json!([]), "1"),
        ("DoesNotExist", json!([]), "1"),
    ] {
        server.note(operator);
        let expression = json!({"scopeName": "PriorityClass", "operator": operator, "values": values});
        let hard = json!({"pods": "5", "requests.cpu": "5"});
        quota(server, &json!({"scopeSelector": {"matchExpressions": [expression]}, "hard": hard})).await;
        used(server, "pods", count).await;
        server.delete("resourcequotas/q").unseen().await;
    }
}

/// Of what nobody counts nothing is said.
pub async fn names_that_nobody_counts_are_not_used(server: &Server) {
    let hard = json!({"count/nobodies.none.example.io": "5", "example.io/gpus": "5", "secrets": "5"});
    quota(server, &json!({"hard": hard})).await;
    used(server, "secrets", "0").await;
}

/// Services count by their type.
pub async fn services_count_by_their_type(server: &Server) {
    for (name, kind) in [("inside", "ClusterIP"), ("node", "NodePort"), ("balanced", "LoadBalancer")] {
        let ports = json!([{"name": "a", "port": 80}, {"name": "b", "port": 81}]);
        let service = json!({"metadata": {"name": name}, "spec": {"type": kind, "ports": ports}});
        server.post("services", &service).unseen().await;
    }
    let hard = json!({"services": "9", "services.nodeports": "9", "services.loadbalancers": "9", "count/services": "9"});
    quota(server, &json!({"hard": hard})).await;
    used(server, "services", "3").await;
    server.delete("services/balanced").unseen().await;
    used(server, "services", "2").await;
}
