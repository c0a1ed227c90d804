//! Selectors of labels and fields.

use serde_json::json;

use super::mk::{config_map, gated_pod, labelled};
use crate::Server;

/// Four secrets: `a` and `b` have a tier, `c` another, `d` no label at all.
async fn four(server: &Server) {
    server.post("secrets", &labelled("a", &json!({"tier": "web", "n": "1"}))).unseen().await;
    server.post("secrets", &labelled("b", &json!({"tier": "web", "n": "2", "beta": ""}))).unseen().await;
    server.post("secrets", &labelled("c", &json!({"tier": "db", "n": "10"}))).unseen().await;
    server.post("secrets", &json!({"metadata": {"name": "d"}})).unseen().await;
}

async fn names(server: &Server, query: &str) {
    server
        .get(&format!("secrets?{query}"))
        .only(&[
            "/items/0/metadata/name",
            "/items/1/metadata/name",
            "/items/2/metadata/name",
            "/items/3/metadata/name",
            "/message",
        ])
        .await;
}

async fn labels(server: &Server, selectors: &[&str]) {
    four(server).await;
    for selector in selectors {
        let selector =
            selector.replace(' ', "%20").replace('=', "%3D").replace('>', "%3E").replace('<', "%3C");
        names(server, &format!("labelSelector={selector}")).await;
    }
}

/// Equal and unequal; what has no such label is unequal.
pub async fn labels_equal_and_unequal(server: &Server) {
    labels(server, &["tier=web", "tier==web", "tier!=web", "tier=", "beta=", "tier=web,n!=1"]).await;
}

/// In a set, and in none of it.
pub async fn labels_in_sets(server: &Server) {
    labels(
        server,
        &[
            "tier in (web,db)",
            "tier notin (web)",
            "tier in (web),n in (2,10)",
            "beta in ()",
            "tier in (,web)",
        ],
    )
    .await;
}

/// There, and not there.
pub async fn labels_there_and_not_there(server: &Server) {
    labels(server, &["tier", "!tier", "beta", "!beta,tier", "tier,!beta"]).await;
}

/// Greater and less, for numbers.
pub async fn labels_greater_and_less(server: &Server) {
    labels(server, &["n>1", "n<10", "n>1,n<10", "n>x", "tier>1"]).await;
}

/// White space does not matter, and an empty selector selects all.
pub async fn white_space_in_selectors(server: &Server) {
    labels(server, &["", " ", " tier = web ", "tier  in  ( web , db )", "! tier"]).await;
}

/// What cannot be read is refused with what was found and what was expected.
pub async fn unreadable_label_selectors(server: &Server) {
    labels(
        server,
        &[
            "tier in web",
            "tier in (web",
            "(web)",
            "tier,",
            ",tier",
            "tier web",
            "tier=web=db",
            "!",
            "tier in (web db)",
            "tier=a/b/c",
            "=web",
            "tier!",
            "a b c",
            "-tier",
            "tier==(web)",
            "tier in (web,)",
            "tier=-x",
            "tier in (a,-x)",
        ],
    )
    .await;
}

/// By name, and by namespace.
pub async fn names_and_namespaces_are_fields(server: &Server) {
    four(server).await;
    names(server, "fieldSelector=metadata.name%3Db").await;
    names(server, "fieldSelector=metadata.name%3D%3Db").await;
    names(server, "fieldSelector=metadata.name!%3Db").await;
    names(server, "fieldSelector=metadata.namespace%3D{ns},metadata.name%3Dc").await;
    names(server, "fieldSelector=metadata.namespace%3Dother").await;
}

/// Each kind has fields of its own.
pub async fn kinds_have_fields_of_their_own(server: &Server) {
    server.post("secrets", &json!({"metadata": {"name": "x"}, "type": "example.io/t"})).unseen().await;
    names(server, "fieldSelector=type%3Dexample.io/t").await;
    names(server, "fieldSelector=type!%3Dexample.io/t").await;
    server.post("pods", &gated_pod("p")).unseen().await;
    let shown = ["/items/0/metadata/name", "/message"];
    for selector in [
        "status.phase%3DPending",
        "status.phase%3DRunning",
        "spec.nodeName%3D",
        "spec.restartPolicy%3DAlways",
    ] {
        server.get(&format!("pods?fieldSelector={selector}")).only(&shown).await;
    }
}

/// A field that a kind does not index is refused.
pub async fn an_unknown_field_is_refused(server: &Server) {
    four(server).await;
    names(server, "fieldSelector=data.a%3D1").await;
    names(server, "fieldSelector=metadata.uid%3D1").await;
    names(server, "fieldSelector=nonsense").await;
    server.get("pods?fieldSelector=spec.nothing%3D1").only(&["/code", "/reason", "/message"]).await;
}

/// Both kinds of selectors must hold.
pub async fn labels_and_fields_together(server: &Server) {
    four(server).await;
    names(server, "labelSelector=tier%3Dweb&fieldSelector=metadata.name!%3Da").await;
}

/// Deleting a collection deletes what is selected.
pub async fn a_collection_is_deleted_by_selection(server: &Server) {
    four(server).await;
    server.delete("secrets?labelSelector=tier%3Dweb").only(&["/kind", "/items/0/metadata/name"]).await;
    names(server, "").await;
    server.delete("secrets?fieldSelector=metadata.name%3Dc").only(&["/kind"]).await;
    names(server, "").await;
    server.delete("secrets").only(&["/kind"]).await;
    names(server, "").await;
}

/// A dry run of it deletes nothing.
pub async fn a_dry_deletion_of_a_collection_deletes_nothing(server: &Server) {
    four(server).await;
    server.delete("secrets?dryRun=All").only(&["/kind", "/items/3/metadata/name"]).await;
    names(server, "").await;
    server.post("configmaps", &config_map("x", &json!({}))).unseen().await;
}
