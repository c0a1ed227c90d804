//! Server-side apply: what two managers want otherwise.

use serde_json::{Value, json};

use super::mk::{config_map, deployment, whole_config_map};
use crate::Server;

const X: &str = "configmaps/x";
const WEB: &str = "apis/apps/v1/deployments/web";

fn data(data: &Value) -> Value {
    whole_config_map("x", data)
}

/// Another value for a field that another applied is a conflict, which names both.
pub async fn another_value_for_what_another_applied_conflicts(server: &Server) {
    server.apply("a", X, &data(&json!({"k": "1"}))).unseen().await;
    server.apply("b", X, &data(&json!({"k": "2"}))).await;
    server.get(X).await;
}

/// So it is for what another updated; the answer says when.
pub async fn another_value_for_what_another_updated_conflicts(server: &Server) {
    server.post("configmaps?fieldManager=a", &config_map("x", &json!({"k": "1"}))).unseen().await;
    server.apply("b", X, &data(&json!({"k": "2"}))).await;
}

/// All conflicts are told at once.
pub async fn all_conflicts_are_told_at_once(server: &Server) {
    server.apply("a", X, &data(&json!({"k": "1", "l": "1"}))).unseen().await;
    server.apply("b", X, &data(&json!({"k": "2", "l": "2", "m": "2"}))).await;
}

/// Whoever forces takes the field over.
pub async fn force_takes_over(server: &Server) {
    server.show_managers();
    server.apply("a", X, &data(&json!({"k": "1", "l": "1"}))).unseen().await;
    server.apply("b", X, &data(&json!({"k": "2"}))).query("force=true").await;
}

/// A field that was taken over is kept when its former owner applies without it.
pub async fn what_was_taken_over_is_kept(server: &Server) {
    server.show_managers();
    server.apply("a", X, &data(&json!({"k": "1", "l": "1"}))).unseen().await;
    server.apply("b", X, &data(&json!({"k": "2"}))).query("force=true").unseen().await;
    server.apply("a", X, &data(&json!({"l": "1"}))).await;
}

/// The former owner conflicts in turn.
pub async fn the_former_owner_conflicts_in_turn(server: &Server) {
    server.apply("a", X, &data(&json!({"k": "1"}))).unseen().await;
    server.apply("b", X, &data(&json!({"k": "2"}))).query("force=true").unseen().await;
    server.apply("a", X, &data(&json!({"k": "1"}))).await;
}

/// The value that is there already is no conflict.
pub async fn the_value_that_is_there_is_no_conflict(server: &Server) {
    server.show_managers();
    server.post("configmaps?fieldManager=a", &config_map("x", &json!({"k": "1"}))).unseen().await;
    server.apply("b", X, &data(&json!({"k": "1"}))).await;
}

/// After an update by another, what was applied before conflicts with it.
pub async fn an_update_takes_over_without_asking(server: &Server) {
    server.show_managers();
    server.apply("a", X, &data(&json!({"k": "1"}))).unseen().await;
    server.merge(X, &json!({"data": {"k": "2"}})).query("fieldManager=b").unseen().await;
    server.apply("a", X, &data(&json!({"k": "1"}))).await;
    server.apply("a", X, &data(&json!({"k": "1"}))).query("force=true").await;
}

/// Labels and annotations conflict as other fields do.
pub async fn labels_conflict(server: &Server) {
    let with = |value: &str| json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "x", "labels": {"example.io/a": value}}});
    server.apply("a", X, &with("1")).unseen().await;
    server.apply("b", X, &with("2")).await;
}

/// Fields of list items are named by the keys of the items.
pub async fn a_conflict_names_the_item_of_a_list(server: &Server) {
    server.apply("a", WEB, &deployment("web")).unseen().await;
    let mut other = deployment("web");
    other["spec"]["template"]["spec"]["containers"][0]["image"] = "registry.example/app:2".into();
    server.apply("b", WEB, &other).await;
}

/// Scaling by another manager conflicts with replicas that are applied.
pub async fn a_scaled_deployment_conflicts_with_applied_replicas(server: &Server) {
    server.show_managers();
    server.apply("a", WEB, &deployment("web")).unseen().await;
    let scale = json!({"spec": {"replicas": 1}});
    server.merge(&format!("{WEB}/scale"), &scale).query("fieldManager=scaler").only(&["/spec"]).await;
    server.apply("a", WEB, &deployment("web")).await;
}

/// A value that the server fills in as its default belongs to nobody and does not conflict.
pub async fn a_default_does_not_conflict(server: &Server) {
    server.apply("a", WEB, &deployment("web")).unseen().await;
    let other = json!({
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "spec": {"revisionHistoryLimit": 3, "minReadySeconds": 4},
    });
    server.apply("b", WEB, &other).only(&["/spec/revisionHistoryLimit", "/spec/minReadySeconds"]).await;
}
