//! Deletion, and what goes with an object.

use serde_json::{Value, json};

use super::mk::{config_map, deployment, gated_pod, secret};
use crate::Server;

const X: &str = "configmaps/x";

fn held(finalizers: &[&str]) -> Value {
    json!({"metadata": {"name": "x", "finalizers": finalizers}})
}

async fn x(server: &Server) -> String {
    let made = server.post("configmaps", &config_map("x", &json!({"a": "1"}))).unseen().await;
    made.uid().to_owned()
}

/// An object that owns another one.
async fn owned(server: &Server, name: &str, blocks: bool) -> Value {
    let owner = server.get("secrets/owner").maybe().await;
    let reference = json!([{
        "apiVersion": "v1",
        "kind": "Secret",
        "name": "owner",
        "uid": owner.uid(),
        "blockOwnerDeletion": blocks,
    }]);
    json!({"metadata": {"name": name, "ownerReferences": reference}})
}

async fn family(server: &Server, blocks: bool) {
    server.post("secrets", &secret("owner")).unseen().await;
    let child = owned(server, "child", blocks).await;
    server.post("configmaps", &child).unseen().await;
}

/// What is deleted at once is answered with its name and uid.
pub async fn a_deletion_says_what_it_deleted(server: &Server) {
    x(server).await;
    server.delete(X).await;
    server.get(X).await;
    server.post("apis/coordination.k8s.io/v1/leases", &secret("l")).unseen().await;
    server.delete("apis/coordination.k8s.io/v1/leases/l").await;
}

/// Some kinds are answered with the object itself.
pub async fn some_deletions_are_answered_with_the_object(server: &Server) {
    server
        .post(
            "services",
            &json!({"metadata": {"name": "s"}, "spec": {"clusterIP": "None", "ports": [{"port": 80}]}}),
        )
        .unseen()
        .await;
    server.delete("services/s").only(&["/kind", "/metadata/name"]).await;
    server.post("serviceaccounts", &secret("a")).unseen().await;
    server.delete("serviceaccounts/a").only(&["/kind", "/metadata/name"]).await;
    server.post("pods", &gated_pod("p")).unseen().await;
    server.delete("pods/p").query("gracePeriodSeconds=0").only(&["/kind", "/metadata/name"]).await;
}

/// What nobody made cannot be deleted, nor what is gone.
pub async fn what_is_gone_cannot_be_deleted(server: &Server) {
    server.delete(X).await;
    x(server).await;
    server.delete(X).unseen().await;
    server.delete(X).await;
}

/// A precondition on the uid holds for that object alone.
pub async fn a_deletion_may_name_a_uid(server: &Server) {
    let uid = x(server).await;
    let options = |uid: &str| json!({"preconditions": {"uid": uid}});
    server.delete(X).json(&options("00000000-0000-4000-8000-000000000000")).await;
    server.delete(X).json(&options(&uid)).await;
}

/// A precondition on the version holds for that one alone.
pub async fn a_deletion_may_name_a_version(server: &Server) {
    let made = server.post("configmaps", &config_map("x", &json!({"a": "1"}))).unseen().await;
    let options = json!({"preconditions": {"resourceVersion": made.version()}});
    let now = server.merge(X, &json!({"data": {"a": "2"}})).unseen().await;
    server.call_it(made.version(), "before");
    server.call_it(now.version(), "now");
    server.delete(X).json(&options).await;
    let options = json!({"preconditions": {"resourceVersion": now.version()}});
    server.delete(X).json(&options).only(&["/status"]).await;
}

/// A finalizer holds an object, which is then terminating.
pub async fn a_finalizer_holds_an_object(server: &Server) {
    server.post("configmaps", &held(&["example.io/a"])).unseen().await;
    server.delete(X).await;
    server.get(X).await;
}

/// The write that takes the last finalizer removes the object.
pub async fn the_last_finalizer_releases_an_object(server: &Server) {
    server.post("configmaps", &held(&["example.io/a", "example.io/b"])).unseen().await;
    server.delete(X).unseen().await;
    server
        .merge(X, &json!({"metadata": {"finalizers": ["example.io/b"]}}))
        .only(&["/metadata/finalizers"])
        .await;
    server
        .merge(X, &json!({"metadata": {"finalizers": []}}))
        .only(&["/metadata/name", "/metadata/finalizers"])
        .await;
    server.get(X).await;
}

/// What is terminating gets no new finalizer.
pub async fn a_terminating_object_gets_no_new_finalizer(server: &Server) {
    server.post("configmaps", &held(&["example.io/a"])).unseen().await;
    server.delete(X).unseen().await;
    server.merge(X, &json!({"metadata": {"finalizers": ["example.io/a", "example.io/b"]}})).await;
    server.merge(X, &json!({"data": {"k": "1"}})).only(&["/data"]).await;
}

/// A terminating object can be deleted again, and is no less held.
pub async fn a_terminating_object_can_be_deleted_again(server: &Server) {
    server.post("configmaps", &held(&["example.io/a"])).unseen().await;
    let first = server.delete(X).only(&["/metadata/resourceVersion"]).await;
    let again = server.delete(X).only(&["/metadata/resourceVersion"]).await;
    assert_eq!(first.version(), again.version());
    server.post("configmaps", &secret("x")).only(&["/code", "/reason", "/message"]).await;
}

/// A dry run deletes nothing.
pub async fn a_dry_deletion_deletes_nothing(server: &Server) {
    x(server).await;
    server.delete(X).query("dryRun=All").await;
    server.get(X).only(&["/metadata/name"]).await;
    server.delete(X).json(&json!({"dryRun": ["All"]})).only(&["/status"]).await;
    server.get(X).only(&["/metadata/name"]).await;
}

/// Options come in the body or in the query; the body may be empty.
pub async fn the_options_of_a_deletion_come_in_the_body(server: &Server) {
    x(server).await;
    let options = json!({"apiVersion": "v1", "kind": "DeleteOptions", "propagationPolicy": "Orphan"});
    server.delete(X).json(&options).only(&["/kind", "/metadata/finalizers"]).await;
    server.until_gone(X).await;
    x(server).await;
    server.delete(X).json(&json!({})).only(&["/status"]).await;
}

/// What its owner's deletion leaves behind is collected.
pub async fn a_dependent_goes_with_its_owner(server: &Server) {
    family(server, true).await;
    server.delete("secrets/owner").only(&["/status"]).await;
    server.until_gone("configmaps/child").await;
}

/// So it is where that is asked for.
pub async fn background_deletion_deletes_the_owner_first(server: &Server) {
    family(server, true).await;
    server.delete("secrets/owner?propagationPolicy=Background").only(&["/status"]).await;
    server.get("secrets/owner").only(&["/code"]).await;
    server.until_gone("configmaps/child").await;
}

/// In the foreground, the owner waits for its dependents.
pub async fn foreground_deletion_deletes_the_owner_last(server: &Server) {
    family(server, true).await;
    server.merge("configmaps/child", &json!({"metadata": {"finalizers": ["example.io/a"]}})).unseen().await;
    let terminating =
        ["/metadata/finalizers", "/metadata/deletionTimestamp", "/metadata/deletionGracePeriodSeconds"];
    server.delete("secrets/owner?propagationPolicy=Foreground").only(&terminating).await;
    let child = async || server.get("configmaps/child").maybe().await.body;
    server
        .until("the child is terminating", async || {
            child().await["metadata"]["deletionTimestamp"].is_string()
        })
        .await;
    server.get("secrets/owner").only(&terminating).await;
    server.merge("configmaps/child", &json!({"metadata": {"finalizers": null}})).unseen().await;
    server.until_gone("secrets/owner").await;
}

/// It does not wait for those that do not block it.
pub async fn foreground_deletion_waits_for_those_that_block_it(server: &Server) {
    family(server, false).await;
    server.merge("configmaps/child", &json!({"metadata": {"finalizers": ["example.io/a"]}})).unseen().await;
    server.delete("secrets/owner?propagationPolicy=Foreground").only(&["/metadata/finalizers"]).await;
    server.until_gone("secrets/owner").await;
    server.merge("configmaps/child", &json!({"metadata": {"finalizers": null}})).unseen().await;
    server.until_gone("configmaps/child").await;
}

/// Orphans stay, and forget their owner.
pub async fn orphans_forget_their_owner(server: &Server) {
    family(server, true).await;
    server.delete("secrets/owner?propagationPolicy=Orphan").only(&["/metadata/finalizers"]).await;
    server.until_gone("secrets/owner").await;
    server.get("configmaps/child").only(&["/metadata/name", "/metadata/ownerReferences"]).await;
}

/// A dependent of an owner that is not there is collected.
pub async fn a_dependent_of_nobody_is_collected(server: &Server) {
    server.post("secrets", &secret("owner")).unseen().await;
    let child = owned(server, "child", false).await;
    server.delete("secrets/owner").unseen().await;
    server.post("configmaps", &child).only(&["/metadata/name"]).await;
    server.until_gone("configmaps/child").await;
}

/// A dependent with another owner stays as long as that one.
pub async fn a_dependent_of_two_stays_for_the_other(server: &Server) {
    server.post("secrets", &secret("owner")).unseen().await;
    let other = server.post("secrets", &secret("other")).unseen().await;
    let mut child = owned(server, "child", false).await;
    let reference = json!({"apiVersion": "v1", "kind": "Secret", "name": "other", "uid": other.uid()});
    child["metadata"]["ownerReferences"].as_array_mut().expect("owners").push(reference);
    server.post("configmaps", &child).unseen().await;
    server.delete("secrets/owner").unseen().await;
    server.until_is("configmaps/child", "/metadata/ownerReferences/0/name", &json!("other")).await;
    server.get("configmaps/child").only(&["/metadata/ownerReferences/1"]).await;
    server.delete("secrets/other").unseen().await;
    server.until_gone("configmaps/child").await;
}

/// Deleting a Deployment takes its replica sets along.
pub async fn a_deployment_takes_its_replica_sets_along(server: &Server) {
    const WEB: &str = "apis/apps/v1/deployments/web";
    server.post("apis/apps/v1/deployments", &deployment("web")).unseen().await;
    let sets =
        async || server.get("apis/apps/v1/replicasets").maybe().await.body["items"].as_array().map(Vec::len);
    server.until("a replica set", async || sets().await == Some(1)).await;
    server.delete(WEB).only(&["/status"]).await;
    server.until("no replica set", async || sets().await == Some(0)).await;
}

/// A namespace is terminating until it is empty, and takes nothing new.
pub async fn a_namespace_takes_everything_along(server: &Server) {
    let other = format!("{}-a", server.namespace);
    server.post("/api/v1/namespaces", &json!({"metadata": {"name": other}})).unseen().await;
    let inside = format!("/api/v1/namespaces/{other}");
    server.post(&format!("{inside}/configmaps"), &held(&["example.io/a"])).unseen().await;
    server.delete(&inside).only(&["/status/phase", "/metadata/finalizers", "/spec/finalizers"]).await;
    server.post(&format!("{inside}/configmaps"), &secret("late")).await;
    let object = format!("{inside}/configmaps/x");
    let terminating =
        async || server.get(&object).maybe().await.body["metadata"]["deletionTimestamp"].is_string();
    server.until("what is in it is terminating", terminating).await;
    server.merge(&object, &json!({"metadata": {"finalizers": null}})).unseen().await;
    server.until_gone(&inside).await;
}

/// Some namespaces may not be deleted.
pub async fn some_namespaces_may_not_be_deleted(server: &Server) {
    for name in ["default", "kube-system", "kube-public"] {
        server.delete(&format!("/api/v1/namespaces/{name}")).query("dryRun=All").await;
    }
}
