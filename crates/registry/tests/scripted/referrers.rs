use plimsoll_registry::{Descriptor, Manifest, MediaType, Registry};
use plimsoll_scripted_registry::{Habits, Referrers, ScriptedRegistry};
use serde_json::json;

use crate::mk::{MANIFEST, mk_client, mk_digest, mk_registry, mk_repository};

fn mk_subject(server: &ScriptedRegistry) -> Descriptor {
    let body = format!("{{\"mediaType\":\"{MANIFEST}\"}}");
    let digest = server.add_manifest("shop/web", Some("1"), MANIFEST, body.clone());
    Descriptor::new(MediaType::ImageManifest, body.len() as u64, mk_digest(&digest))
}

fn mk_referrer(subject: &Descriptor, kind: &str, number: usize) -> Manifest {
    let value = json!({"schemaVersion": 2, "mediaType": MANIFEST, "artifactType": kind, "subject": subject,
        "annotations": {"number": number.to_string()}});
    Manifest::new(value.to_string(), MANIFEST.into())
}

async fn numbers(client: &Registry, subject: &Descriptor, kind: Option<&str>) -> Vec<String> {
    let found = client.referrers(&mk_repository("shop/web"), subject.digest(), kind).await.unwrap();
    let mut digests: Vec<String> = found.iter().map(|descriptor| descriptor.digest().to_string()).collect();
    digests.sort();
    digests
}

fn digests<'a>(referrers: impl IntoIterator<Item = &'a Manifest>) -> Vec<String> {
    let mut digests: Vec<String> =
        referrers.into_iter().map(|manifest| manifest.digest().to_string()).collect();
    digests.sort();
    digests
}

#[tokio::test]
async fn referrers_are_found_whether_or_not_the_registry_keeps_them() {
    for referrers in [Referrers::Kept, Referrers::Unknown] {
        let (server, client) = mk_registry(Habits { referrers, ..Habits::default() }).await;
        let subject = mk_subject(&server);
        let (signature, list) =
            (mk_referrer(&subject, "application/sig", 1), mk_referrer(&subject, "application/sbom", 2));
        for referrer in [&signature, &list] {
            client.put_referrer(&mk_repository("shop/web"), referrer).await.unwrap();
        }
        assert_eq!(numbers(&client, &subject, None).await, digests([&signature, &list]), "{referrers:?}");
        assert_eq!(
            numbers(&client, &subject, Some("application/sbom")).await,
            digests([&list]),
            "{referrers:?}"
        );
        let tagged = server.tag("shop/web", &subject.digest().to_string().replace(':', "-")).is_some();
        assert_eq!(tagged, referrers == Referrers::Unknown);
    }
}

#[tokio::test]
async fn writers_at_the_same_time_lose_nothing() {
    let (server, client) = mk_registry(Habits { referrers: Referrers::Unknown, ..Habits::default() }).await;
    let subject = mk_subject(&server);
    let repository = mk_repository("shop/web");
    let referrers: Vec<Manifest> =
        (0..12).map(|number| mk_referrer(&subject, "application/sig", number)).collect();
    let clients: Vec<Registry> = referrers.iter().map(|_| mk_client(&server, |access| access)).collect();
    let puts =
        clients.iter().zip(&referrers).map(|(client, referrer)| client.put_referrer(&repository, referrer));
    futures::future::try_join_all(puts).await.unwrap();
    assert_eq!(numbers(&client, &subject, None).await, digests(&referrers));
}

#[tokio::test]
async fn a_registry_that_learned_to_keep_referrers_hides_none_from_before() {
    let (server, client) = mk_registry(Habits { referrers: Referrers::Unknown, ..Habits::default() }).await;
    let subject = mk_subject(&server);
    let (before, after) =
        (mk_referrer(&subject, "application/sig", 1), mk_referrer(&subject, "application/sig", 2));
    client.put_referrer(&mk_repository("shop/web"), &before).await.unwrap();
    server.become_of(Habits::default());
    client.put_referrer(&mk_repository("shop/web"), &after).await.unwrap();
    assert_eq!(numbers(&client, &subject, None).await, digests([&before, &after]));
}

#[tokio::test]
async fn tags_of_referrers_are_told_from_those_of_images() {
    let hex = "0".repeat(64);
    let is = |tag: &str| Registry::is_referrers_tag(&tag.parse().unwrap());
    assert!(
        is(&format!("sha256-{hex}"))
            && is(&format!("sha256-{hex}.00112233aabbccdd"))
            && is(&format!("sha512-{hex}"))
    );
    assert!(
        !is("1.4") && !is("sha256-abc") && !is(&format!("sha256-{hex}.sig")) && !is(&format!("md5-{hex}"))
    );
}
