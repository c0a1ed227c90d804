use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use plimsoll_registry::{Kind, Limits, Mount, Reference, Stored};
use plimsoll_scripted_registry::{Deletes, Habits, Mounts, Scripted, respond};

use crate::mk::{mk_blob, mk_bytes, mk_client, mk_limits, mk_manifest, mk_registry, mk_repository, mk_tag};

#[tokio::test]
async fn an_image_that_was_pushed_is_there_byte_for_byte() {
    let (server, client) = mk_registry(Habits::default()).await;
    let repository = mk_repository("shop/web");
    let (config, layer) = (b"{}".to_vec(), mk_bytes(300_000));
    for bytes in [&config, &layer, &Vec::new()] {
        let source = Arc::new(Bytes::from(bytes.clone()));
        client.upload(&repository, &mk_blob(bytes), source).await.unwrap();
        let digest = mk_blob(bytes).digest().to_string();
        assert_eq!(server.blob("shop/web", &digest).unwrap(), *bytes);
    }
    let manifest = mk_manifest(&mk_blob(&config), &mk_blob(&layer));
    let stored = client.put_manifest(&repository, &mk_tag("1.4"), &manifest).await.unwrap();
    assert_eq!(stored, Stored { indexes_subject: false });
    assert_eq!(server.tag("shop/web", "1.4"), Some(manifest.digest().to_string()));
    assert_eq!(client.manifest(&repository, &mk_tag("1.4")).await.unwrap(), Some(manifest));
}

#[tokio::test]
async fn a_blob_costs_three_requests_and_one_that_is_there_costs_one() {
    let (server, client) = mk_registry(Habits::default()).await;
    let bytes = mk_bytes(100_000);
    let upload = || client.upload_to("shop/web", &bytes);
    upload().await.unwrap();
    let first: Vec<_> = server.take_journal().into_iter().map(|request| request.method.to_string()).collect();
    assert_eq!(first, ["HEAD", "POST", "PUT"]);
    upload().await.unwrap();
    assert_eq!(server.take_journal().len(), 1);
}

#[tokio::test]
async fn an_upload_whose_reply_was_lost_is_not_sent_again() {
    let (server, client) = mk_registry(Habits::default()).await;
    server.script(|request| match request.method.as_str() {
        "PUT" => Scripted::After(respond(502, &[], "<html>bad gateway</html>")),
        _ => Scripted::Pass,
    });
    client.upload_to("shop/web", &mk_bytes(100_000)).await.unwrap();
    let sent: usize = server.take_journal().iter().map(|request| request.body).sum();
    assert_eq!(sent, 100_000);
}

#[tokio::test]
async fn a_session_that_died_is_left_and_the_blob_sent_from_its_first_byte() {
    for (status, code) in
        [(404, "BLOB_UPLOAD_INVALID"), (404, "BLOB_UPLOAD_UNKNOWN"), (500, "UNKNOWN"), (416, "")]
    {
        let (server, client) = mk_registry(Habits::default()).await;
        let puts = AtomicUsize::new(0);
        server.script(move |request| {
            let first = request.method == "PUT" && puts.fetch_add(1, Ordering::Relaxed) == 0;
            let body = format!("{{\"errors\":[{{\"code\":\"{code}\"}}]}}");
            if first { Scripted::Instead(respond(status, &[], body)) } else { Scripted::Pass }
        });
        let bytes = mk_bytes(100_000);
        client.upload_to("shop/web", &bytes).await.unwrap();
        assert_eq!(
            server.blob("shop/web", mk_blob(&bytes).digest().as_ref()).unwrap(),
            bytes,
            "{status} {code}"
        );
        let posts = server.take_journal().iter().filter(|request| request.method == "POST").count();
        assert_eq!(posts, 2, "{status} {code}");
    }
}

#[tokio::test]
async fn bytes_that_are_not_what_was_said_are_refused_by_the_registry_and_by_us() {
    let (server, client) = mk_registry(Habits::default()).await;
    let (promised, sent) = (mk_bytes(100), vec![0; 100]);
    let source = Arc::new(Bytes::from(sent));
    let error = client.upload(&mk_repository("shop/web"), &mk_blob(&promised), source).await.unwrap_err();
    assert!(error.codes().contains(&"DIGEST_INVALID".to_owned()), "{error}");
    assert_eq!(server.open_uploads(), 0);
}

#[tokio::test]
async fn a_mount_moves_no_bytes_and_one_that_is_declined_leaves_nothing_open() {
    let bytes = mk_bytes(1000);
    for (mounts, expected) in [
        (Mounts::Done, Mount::Mounted),
        (Mounts::Declined, Mount::Declined),
        (Mounts::Unknown, Mount::Declined),
        (Mounts::Missing, Mount::Declined),
    ] {
        let (server, client) = mk_registry(Habits { mounts, ..Habits::default() }).await;
        server.add_blob("base/jdk", bytes.clone());
        let (to, from) = (mk_repository("shop/web"), mk_repository("base/jdk"));
        let digest = mk_blob(&bytes).digest().clone();
        assert_eq!(client.mount(&to, &digest, &from).await.unwrap(), expected, "{mounts:?}");
        let there = server.blob("shop/web", digest.as_ref()).is_some();
        assert_eq!((there, server.open_uploads()), (expected == Mount::Mounted, 0), "{mounts:?}");
        assert_eq!(server.take_journal().iter().map(|request| request.body).sum::<usize>(), 0);
    }
}

#[tokio::test]
async fn deleting_says_what_a_registry_cannot_do() {
    let repository = mk_repository("shop/web");
    for (deletes, by_tag, by_digest) in [
        (Deletes::All, Ok(()), Ok(())),
        (Deletes::ByDigest, Err(Kind::Unsupported), Ok(())),
        (Deletes::Off, Err(Kind::Unsupported), Err(Kind::Unsupported)),
    ] {
        let (server, client) = mk_registry(Habits { deletes, ..Habits::default() }).await;
        let digest = server.add_manifest("shop/web", Some("1"), crate::mk::MANIFEST, "{}");
        let done = client.delete_tag(&repository, &"1".parse().unwrap()).await.map_err(|error| error.kind());
        assert_eq!(done, by_tag, "{deletes:?}");
        let digest = digest.parse().unwrap();
        let done = client.delete_manifest(&repository, &digest).await.map_err(|error| error.kind());
        assert_eq!(done, by_digest, "{deletes:?}");
        let left = client.head(&repository, &Reference::Digest(digest)).await.unwrap().is_some();
        assert_eq!(left, by_digest.is_err(), "{deletes:?}");
    }
}

#[tokio::test]
async fn chunks_go_out_in_order_and_a_broken_one_begins_the_blob_again() {
    let bytes = mk_bytes(100_000);
    for (chunk, min_chunk, patches) in [(30_000, None, 4), (30_000, Some(60_000), 2), (100_000, None, 0)] {
        let (server, _) = mk_registry(Habits { min_chunk, ..Habits::default() }).await;
        let limits = Limits { chunk: Some(chunk), ..mk_limits() };
        let client = mk_client(&server, |access| access.limits(limits));
        client.upload_to("shop/web", &bytes).await.unwrap();
        let patched = server.take_journal().iter().filter(|request| request.method == "PATCH").count();
        assert_eq!(patched, patches, "{chunk} {min_chunk:?}");

        let seen = AtomicUsize::new(0);
        server.script(move |request| {
            let second = request.method == "PATCH" && seen.fetch_add(1, Ordering::Relaxed) == 1;
            // Taken, and not answered as it was: the session cannot be trusted any more.
            if second {
                Scripted::After(respond(202, &[("range", "0-7"), ("location", "/v2/x")], ""))
            } else {
                Scripted::Pass
            }
        });
        let other: Vec<u8> = bytes.iter().rev().copied().collect();
        client.upload_to("shop/web", &other).await.unwrap();
        assert_eq!(server.blob("shop/web", mk_blob(&other).digest().as_ref()).unwrap(), other);
    }
}

trait UploadTo {
    async fn upload_to(&self, repository: &str, bytes: &[u8]) -> Result<(), plimsoll_registry::Error>;
}

impl UploadTo for plimsoll_registry::Registry {
    async fn upload_to(&self, repository: &str, bytes: &[u8]) -> Result<(), plimsoll_registry::Error> {
        let source = Arc::new(Bytes::copy_from_slice(bytes));
        self.upload(&mk_repository(repository), &mk_blob(bytes), source).await
    }
}
