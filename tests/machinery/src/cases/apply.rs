//! Server-side apply: who owns what, and what becomes of what is no longer applied.

use serde_json::{Value, json};

use super::mk::{config_map, deployment, gated_pod, whole_config_map};
use crate::{PatchFormat, Server};

const X: &str = "configmaps/x";
const WEB: &str = "apis/apps/v1/deployments/web";

fn data(data: &Value) -> Value {
    whole_config_map("x", data)
}

/// What nobody made is made, and all that was applied is owned.
pub async fn an_apply_makes_what_is_not_there(server: &Server) {
    server.show_managers();
    server.apply("a", X, &data(&json!({"k": "1"}))).await;
}

/// Applied again, the same changes nothing, not even a time.
pub async fn the_same_applied_again_changes_nothing(server: &Server) {
    server.show_managers();
    server.apply("a", X, &data(&json!({"k": "1"}))).unseen().await;
    server.apply("a", X, &data(&json!({"k": "1"}))).await;
    server.apply("a", X, &data(&json!({"k": "1"}))).query("force=true").await;
}

/// What is applied with another value is changed.
pub async fn an_apply_changes_what_its_manager_owns(server: &Server) {
    server.show_managers();
    server.apply("a", X, &data(&json!({"k": "1", "l": "1"}))).unseen().await;
    server.apply("a", X, &data(&json!({"k": "2", "l": "1"}))).await;
}

/// What is no longer applied goes, if nobody else owns it.
pub async fn what_is_no_longer_applied_goes(server: &Server) {
    server.show_managers();
    server.apply("a", X, &data(&json!({"k": "1", "l": "1"}))).unseen().await;
    server.apply("a", X, &data(&json!({"l": "1"}))).await;
    server.apply("a", X, &json!({"apiVersion": "v1", "kind": "ConfigMap"})).await;
}

/// Two managers apply different fields of one object.
pub async fn two_managers_share_an_object(server: &Server) {
    server.show_managers();
    server.apply("a", X, &data(&json!({"k": "1"}))).unseen().await;
    server.apply("b", X, &data(&json!({"l": "1"}))).await;
}

/// Two that apply the same value both own it, and it stays until both let go.
pub async fn what_two_own_stays_until_both_let_go(server: &Server) {
    server.show_managers();
    server.apply("a", X, &data(&json!({"k": "1"}))).unseen().await;
    server.apply("b", X, &data(&json!({"k": "1"}))).await;
    server.apply("a", X, &data(&json!({}))).await;
    server.apply("b", X, &data(&json!({}))).await;
}

/// A manager whose last field goes is forgotten.
pub async fn a_manager_of_nothing_is_forgotten(server: &Server) {
    server.show_managers();
    server.apply("a", X, &data(&json!({"k": "1"}))).unseen().await;
    server.apply("b", X, &data(&json!({"l": "1"}))).unseen().await;
    server.apply("b", X, &json!({"apiVersion": "v1", "kind": "ConfigMap"})).await;
}

/// An update owns what it changes.
pub async fn an_update_owns_what_it_changes(server: &Server) {
    server.show_managers();
    server.apply("a", X, &data(&json!({"k": "1", "l": "1"}))).unseen().await;
    server.merge(X, &json!({"data": {"k": "2", "m": "1"}})).query("fieldManager=b").await;
}

/// What an update takes away nobody owns any more.
pub async fn what_an_update_takes_away_nobody_owns(server: &Server) {
    server.show_managers();
    server.apply("a", X, &data(&json!({"k": "1", "l": "1"}))).unseen().await;
    server.merge(X, &json!({"data": {"k": null}})).query("fieldManager=b").await;
}

/// An update without a name is booked on the program that made it.
pub async fn an_update_without_a_manager_is_booked_on_its_program(server: &Server) {
    server.show_managers();
    server.post("configmaps", &config_map("x", &json!({"k": "1"}))).await;
    server.merge(X, &json!({"data": {"k": "2"}})).header("user-agent", "other/7 (linux)").await;
}

/// A create owns all that it sets.
pub async fn a_create_owns_what_it_sets(server: &Server) {
    server.show_managers();
    let object = json!({
        "metadata": {"name": "x", "labels": {"a": "1"}, "annotations": {"b": "2"}},
        "data": {"k": "1"},
        "immutable": false,
    });
    server.post("configmaps?fieldManager=maker", &object).await;
}

/// A manager may update and apply; these are two.
pub async fn updates_and_applies_of_one_name_are_two_managers(server: &Server) {
    server.show_managers();
    server.post("configmaps?fieldManager=a", &config_map("x", &json!({"k": "1"}))).unseen().await;
    server.apply("a", X, &data(&json!({"k": "1", "l": "1"}))).await;
}

/// Labels, annotations and finalizers are owned one by one.
pub async fn metadata_is_owned_by_its_entries(server: &Server) {
    server.show_managers();
    let with = |mut metadata: Value| {
        metadata["name"] = "x".into();
        json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata})
    };
    server.apply("a", X, &with(json!({"labels": {"a": "1"}, "finalizers": ["example.io/a"]}))).unseen().await;
    server.apply("b", X, &with(json!({"annotations": {"b": "1"}, "finalizers": ["example.io/b"]}))).await;
    server.apply("a", X, &with(json!({"labels": {}}))).await;
}

/// Owner references are owned by the uid that they name.
pub async fn owner_references_are_owned_by_uid(server: &Server) {
    server.show_managers();
    let owner =
        |uid: &str, name: &str| json!({"apiVersion": "v1", "kind": "Secret", "name": name, "uid": uid});
    let with = |owners: Value| json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "x", "ownerReferences": owners}});
    // The garbage collector looks for owners; that these are not there is found after this case.
    server.apply("a", X, &with(json!([owner("u1", "one")]))).query("dryRun=All").await;
    let both = with(json!([owner("u1", "one"), owner("u2", "two")]));
    server.apply("b", X, &both).query("dryRun=All").await;
}

/// The defaults that a server fills in belong to nobody.
pub async fn defaults_belong_to_nobody(server: &Server) {
    server.show_managers();
    server.apply("a", WEB, &deployment("web")).query("dryRun=All").await;
}

/// The status of a built-in kind is owned through its subresource.
pub async fn a_status_is_owned_through_its_subresource(server: &Server) {
    server.show_managers();
    server.post("pods?fieldManager=maker", &gated_pod("x")).unseen().await;
    let condition = json!([{"type": "example.io/Ready", "status": "True", "lastTransitionTime": null}]);
    let status = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "x"}, "status": {"conditions": condition}});
    let shown = ["/metadata/managedFields", "/status/conditions"];
    server.apply("a", "pods/x/status", &status).only(&["/status/conditions/1"]).await;
    let seen = server.get("pods/x").only(&shown).await;
    assert!(seen.body["metadata"]["managedFields"].to_string().contains(r#""subresource":"status""#));
}

/// A status in an apply of the whole object is left out.
pub async fn a_status_in_the_whole_object_is_left_out(server: &Server) {
    server.show_managers();
    let mut object = gated_pod("x");
    object["status"] = json!({"message": "hello"});
    server.apply("a", "pods/x", &object).only(&["/status/message", "/metadata/managedFields"]).await;
}

/// A dry run says what an apply would do.
pub async fn a_dry_apply_changes_nothing(server: &Server) {
    server.show_managers();
    server.apply("a", X, &data(&json!({"k": "1"}))).query("dryRun=All").await;
    server.get(X).await;
    server.apply("a", X, &data(&json!({"k": "1"}))).unseen().await;
    server.apply("b", X, &data(&json!({"l": "1"}))).query("dryRun=All").await;
    server.get(X).await;
}

/// YAML is what the format is called, and it is read.
pub async fn an_apply_may_be_yaml(server: &Server) {
    server.show_managers();
    let yaml = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: x\ndata:\n  k: |\n    a\n    b\n";
    server.apply("a", X, &Value::Null).bytes(yaml).await;
}

/// The body says what it is, and nothing else than the path.
pub async fn an_apply_says_what_it_is(server: &Server) {
    server.apply("a", X, &json!({"data": {"k": "1"}})).await;
    server.apply("a", X, &json!({"apiVersion": "v1", "data": {"k": "1"}})).await;
    server.apply("a", X, &json!({"kind": "ConfigMap", "data": {"k": "1"}})).await;
    server.apply("a", X, &json!({"apiVersion": "v1", "kind": "Secret"})).reason().await;
    server.apply("a", X, &json!({"apiVersion": "apps/v1", "kind": "ConfigMap"})).reason().await;
    server.apply("a", X, &whole_config_map("y", &json!({}))).await;
    let place = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"namespace": "default"}});
    server.apply("a", X, &place).await;
}

/// Who applies says no owners.
pub async fn an_apply_with_managed_fields_is_refused(server: &Server) {
    let with = |managed: Value| json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"managedFields": managed}});
    server.apply("a", X, &with(json!([{"manager": "b"}]))).await;
    server.apply("a", X, &with(json!([]))).only(&["/code", "/metadata/name"]).await;
}

/// A list without managers resets who owns what; the next write begins anew.
pub async fn an_emptied_list_of_managers_is_begun_anew(server: &Server) {
    server.show_managers();
    server.apply("a", X, &data(&json!({"k": "1"}))).unseen().await;
    server.merge(X, &json!({"metadata": {"managedFields": [{}]}})).await;
    server.merge(X, &json!({"data": {"l": "1"}})).query("fieldManager=b").await;
    server.apply("a", X, &data(&json!({"m": "1"}))).await;
}

/// Applied to what existed before anybody was known, what was there belongs to an unknown manager.
pub async fn what_was_there_before_is_of_an_unknown_manager(server: &Server) {
    server.show_managers();
    server.post("configmaps", &config_map("x", &json!({"k": "1"}))).unseen().await;
    server.merge(X, &json!({"metadata": {"managedFields": [{}]}})).unseen().await;
    server.apply("a", X, &data(&json!({"l": "1"}))).await;
}

/// An apply that names a version holds only for that one.
pub async fn an_apply_may_name_a_version(server: &Server) {
    let made = server.apply("a", X, &data(&json!({"k": "1"}))).unseen().await;
    let versioned = |version: &str, value: &str| {
        json!({
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"resourceVersion": version},
            "data": {"k": value},
        })
    };
    server.apply("a", X, &versioned(made.version(), "2")).only(&["/data"]).await;
    server.apply("a", X, &versioned(made.version(), "3")).await;
    server.apply("a", "configmaps/y", &versioned("1", "3")).await;
}

/// An apply that names a uid holds only for that object.
pub async fn an_apply_may_name_a_uid(server: &Server) {
    let made = server.apply("a", X, &data(&json!({"k": "1"}))).unseen().await;
    let with = |uid: &str| json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"uid": uid}, "data": {"k": "2"}});
    server.apply("a", X, &with(made.uid())).only(&["/data"]).await;
    server.apply("a", X, &with("00000000-0000-4000-8000-000000000000")).reason().await;
    server.apply("a", "configmaps/y", &with("00000000-0000-4000-8000-000000000000")).await;
}

/// What an apply would make invalid is refused.
pub async fn an_apply_is_validated(server: &Server) {
    server.apply("a", X, &data(&json!({"not valid": "1"}))).await;
    server.apply("a", "configmaps/UPPER", &whole_config_map("UPPER", &json!({}))).await;
    server.apply("a", X, &data(&json!({"k": 1}))).reason().await;
    server.apply("a", X, &json!({"apiVersion": "v1", "kind": "ConfigMap", "surprise": 1})).reason().await;
    let mut other = deployment("web");
    other["spec"]["selector"] = json!({"matchLabels": {"app": "other"}});
    server.apply("a", WEB, &other).reason().await;
}

/// A field of null is as if it were not there.
pub async fn null_is_not_applied(server: &Server) {
    server.show_managers();
    server.apply("a", X, &data(&json!({"k": "1"}))).unseen().await;
    server.apply("b", X, &data(&json!({"k": null, "l": "1"}))).reason().await;
    server.apply("b", X, &json!({"apiVersion": "v1", "kind": "ConfigMap", "data": null})).await;
}

/// A replicas field that one manager gives up stays with the one who has it beside.
pub async fn replicas_are_handed_over(server: &Server) {
    server.show_managers();
    let shown = ["/spec/replicas", "/metadata/generation"];
    server.apply("a", WEB, &deployment("web")).unseen().await;
    let replicas = json!({
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "spec": {"replicas": 0},
    });
    server.apply("b", WEB, &replicas).only(&shown).await;
    let mut without = deployment("web");
    without["spec"].as_object_mut().expect("a spec").remove("replicas");
    server.apply("a", WEB, &without).only(&shown).await;
    server.patch(PatchFormat::Merge, WEB, &json!({"spec": {"replicas": null}})).only(&shown).await;
}
