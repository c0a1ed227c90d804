use futures::TryStreamExt as _;
use plimsoll_registry::{Error, Kind, Manifest, Reference};
use plimsoll_scripted_registry::{Habits, Scripted, ScriptedRegistry, broken_off, respond};

use crate::mk::{
    INDEX, MANIFEST, mk_blob, mk_bytes, mk_client, mk_digest, mk_limits, mk_registry, mk_repository, mk_tag,
};

async fn pull(client: &plimsoll_registry::Registry, bytes: &[u8]) -> Result<Vec<u8>, Error> {
    let pieces: Vec<_> = client.blob(&mk_repository("shop/web"), &mk_blob(bytes)).try_collect().await?;
    Ok(pieces.concat())
}

#[tokio::test]
async fn a_manifest_comes_as_it_was_stored_whatever_its_kind() {
    let (server, client) = mk_registry(Habits::default()).await;
    for (kind, body) in [
        (MANIFEST, "{ \"layers\" : [ ] }\n"),
        (INDEX, "{\"manifests\":[]}"),
        ("application/vnd.docker.distribution.manifest.v2+json", "{}"),
        ("application/vnd.docker.distribution.manifest.list.v2+json", "{} "),
    ] {
        let digest = server.add_manifest("shop/web", Some("1"), kind, body);
        for reference in [mk_tag("1"), Reference::Digest(mk_digest(&digest))] {
            let manifest = client.manifest(&mk_repository("shop/web"), &reference).await.unwrap().unwrap();
            assert_eq!(manifest, Manifest::new(body, kind.into()));
            let head = client.head(&mk_repository("shop/web"), &reference).await.unwrap();
            assert_eq!(head, Some(manifest.descriptor()));
        }
    }
    assert_eq!(client.manifest(&mk_repository("shop/web"), &mk_tag("2")).await.unwrap(), None);
    assert_eq!(client.head(&mk_repository("shop/none"), &mk_tag("1")).await.unwrap(), None);
}

#[tokio::test]
async fn a_registry_that_does_not_say_the_digest_is_asked_for_the_bytes() {
    let (server, client) = mk_registry(Habits::default()).await;
    let digest = server.add_manifest(
        "shop/web",
        Some("1"),
        MANIFEST,
        "{\"mediaType\":\"application/vnd.oci.image.manifest.v1+json\"}",
    );
    server.script(|request| match request.method.as_str() {
        "HEAD" => Scripted::Instead(respond(200, &[("content-type", "text/plain; charset=utf-8")], "")),
        _ => Scripted::Pass,
    });
    let head = client.head(&mk_repository("shop/web"), &mk_tag("1")).await.unwrap().unwrap();
    assert_eq!((head.digest().to_string(), head.media_type().as_ref()), (digest, MANIFEST));
}

#[tokio::test]
async fn bytes_that_are_not_those_of_the_digest_never_become_a_manifest() {
    let (server, client) = mk_registry(Habits::default()).await;
    let digest = server.add_manifest("shop/web", Some("1"), MANIFEST, "{}");
    server.script(|_| Scripted::Instead(respond(200, &[("content-type", MANIFEST)], "{\"evil\":1}")));
    let error = client
        .manifest(&mk_repository("shop/web"), &Reference::Digest(mk_digest(&digest)))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), Kind::Corrupt);
    // It is asked again, since it may have been changed on the way; as often as any other call.
    assert_eq!(server.take_journal().len(), 4);
}

#[tokio::test]
async fn a_manifest_without_end_is_cut_off() {
    let (server, client) = mk_registry(Habits::default()).await;
    server.script(|_| {
        let endless =
            futures::stream::repeat_with(|| Ok::<_, std::io::Error>(bytes::Bytes::from(vec![b' '; 65536])));
        Scripted::Instead(respond(200, &[("content-type", MANIFEST)], axum::body::Body::from_stream(endless)))
    });
    let error = client.manifest(&mk_repository("shop/web"), &mk_tag("1")).await.unwrap_err();
    assert_eq!(error.kind(), Kind::TooLarge);
    let size = 5 << 20;
    server.script(move |_| Scripted::Instead(respond(200, &[("content-type", MANIFEST)], vec![b' '; size])));
    assert_eq!(
        client.manifest(&mk_repository("shop/web"), &mk_tag("1")).await.unwrap_err().kind(),
        Kind::TooLarge
    );
}

#[tokio::test]
async fn a_blob_that_breaks_off_goes_on_where_it_broke() {
    let (server, client) = mk_registry(Habits::default()).await;
    let bytes = mk_bytes(300_000);
    server.add_blob("shop/web", bytes.clone());
    for after in [1, 75_000, 150_000, 299_999] {
        let whole = bytes::Bytes::from(bytes.clone());
        server.script(move |request| match request.header("range") {
            None => Scripted::Instead(broken_off(&whole, after)),
            Some(_) => Scripted::Pass,
        });
        assert!(pull(&client, &bytes).await.unwrap() == bytes, "broken after {after}");
        let journal = server.take_journal();
        let asked: Vec<_> =
            journal.iter().map(|request| request.header("range").unwrap_or_default()).collect();
        let [_, rest @ ..] = asked.as_slice() else { panic!("nothing was asked") };
        // What came before the break is not asked for again.
        let first: usize = rest[0].trim_start_matches("bytes=").trim_end_matches('-').parse().unwrap();
        assert!(rest.len() == 1 && first <= after && first + 65_536 > after, "{asked:?} after {after}");
    }
}

#[tokio::test]
async fn a_registry_that_knows_no_ranges_sends_what_came_before_again() {
    let (server, client) = mk_registry(Habits { ignores_ranges: true, ..Habits::default() }).await;
    let bytes = mk_bytes(300_000);
    server.add_blob("shop/web", bytes.clone());
    let whole = bytes::Bytes::from(bytes.clone());
    server.script(move |request| match request.header("range") {
        None => Scripted::Instead(broken_off(&whole, 200_000)),
        Some(_) => Scripted::Pass,
    });
    assert!(pull(&client, &bytes).await.unwrap() == bytes);
}

#[tokio::test]
async fn a_blob_that_is_another_too_long_or_too_short_is_never_whole() {
    let (server, client) = mk_registry(Habits::default()).await;
    let bytes = mk_bytes(1000);
    let other: Vec<u8> = bytes.iter().rev().copied().collect();
    let longer = [bytes.as_slice(), b"x"].concat();
    let shorter = bytes[..999].to_vec();
    for (body, kind) in [(other, Kind::Corrupt), (longer, Kind::Corrupt), (shorter, Kind::Malformed)] {
        server.script(move |_| Scripted::Instead(respond(200, &[], body.clone())));
        let error = pull(&client, &bytes).await.unwrap_err();
        if kind == Kind::Corrupt {
            assert_eq!(error.kind(), kind, "{error}");
        }
        assert!(server.take_journal().len() <= 4);
    }
}

#[tokio::test]
async fn content_elsewhere_is_fetched_without_the_credential() {
    let storage = ScriptedRegistry::start(Habits::default()).await.unwrap();
    let server = ScriptedRegistry::start(Habits {
        blobs_at: Some(format!("http://{}", storage.host())),
        ..Habits::default()
    })
    .await
    .unwrap();
    let bytes = mk_bytes(1000);
    server.add_blob("shop/web", bytes.clone());
    storage.add_blob("shop/web", bytes.clone());
    let bearer = plimsoll_registry::Credential::Bearer("secret".to_owned().into());
    let client = mk_client(&server, |access| {
        access.credential(bearer).blob_host(storage.host().parse().unwrap()).limits(mk_limits())
    });
    assert!(pull(&client, &bytes).await.unwrap() == bytes);
    assert_eq!(server.take_journal()[0].header("authorization"), Some("Bearer secret"));
    let there = storage.take_journal();
    assert_eq!((there.len(), there[0].header("authorization")), (1, None));
}

#[tokio::test]
async fn a_registry_cannot_send_us_to_addresses_that_nobody_named() {
    let (server, client) = mk_registry(Habits::default()).await;
    for target in [
        "http://169.254.169.254/latest/meta-data/",
        "http://[::1]:1/",
        "http://localhost:1/",
        "http://127.0.0.2:1/",
        "http://2130706434:1/",
    ] {
        server.script(move |_| Scripted::Instead(respond(307, &[("location", target)], "")));
        let error = pull(&client, b"x").await.unwrap_err();
        assert_eq!(error.kind(), Kind::Forbidden, "{target}: {error}");
        assert_eq!(server.take_journal().len(), 1, "{target}");
    }
    for target in ["file:///etc/passwd", "http://user:secret@example.com/", "http://", "gopher://a/"] {
        server.script(move |_| Scripted::Instead(respond(307, &[("location", target)], "")));
        assert_eq!(pull(&client, b"x").await.unwrap_err().kind(), Kind::Malformed, "{target}");
    }
    server.script(|request| Scripted::Instead(respond(302, &[("location", &request.path)], "")));
    server.take_journal();
    assert_eq!(pull(&client, b"x").await.unwrap_err().kind(), Kind::Malformed);
    assert_eq!(server.take_journal().len(), 6);
}
