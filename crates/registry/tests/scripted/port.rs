//! Core's port, kept by the registries of an installation.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use plimsoll_core::digest::Digest;
use plimsoll_core::image::{
    Bytes, Copy, Error, ErrorKind, Home, ImageRegistry as _, Presence, Removal, Removing,
};
use plimsoll_registry::{Access, Registries};
use plimsoll_scripted_registry::{Habits, Scripted, ScriptedRegistry, respond};
use serde_json::json;
use tempfile::TempDir;

use crate::mk::{INDEX, MANIFEST, Night, mk_bytes, mk_limits};

const CONFIG: &str = "application/vnd.oci.image.config.v1+json";

/// Registries that are known to the port, and where copies lie meanwhile.
pub(crate) struct Bed {
    pub(crate) servers: Vec<ScriptedRegistry>,
    pub(crate) port: Registries,
    _folder: TempDir,
}

impl Bed {
    pub(crate) async fn new(count: usize) -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut servers = Vec::new();
        for _ in 0..count {
            servers.push(ScriptedRegistry::start(Habits::default()).await.unwrap());
        }
        let access =
            |server: &ScriptedRegistry| Access::new(server.host().parse().unwrap()).limits(mk_limits());
        let folder = tempfile::tempdir().unwrap();
        let port = Registries::new(servers.iter().map(access), folder.path(), Arc::new(Night)).unwrap();
        Self { servers, port, _folder: folder }
    }

    pub(crate) fn home(&self, server: usize, repository: &str) -> Home {
        format!("{}/{repository}", self.servers[server].host()).parse().unwrap()
    }

    /// An image of a configuration, which others have, and a layer of so many bytes.
    pub(crate) fn add_tagged(&self, server: usize, repository: &str, tag: &str, size: usize) {
        let server = &self.servers[server];
        let add = |kind: &str, content: Vec<u8>| {
            let size = content.len();
            json!({"mediaType": kind, "size": size, "digest": server.add_blob(repository, content)})
        };
        let config = add(CONFIG, json!({"os": "linux"}).to_string().into());
        let layers = [add("application/x", mk_bytes(size))];
        let body = json!({"schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": layers});
        server.add_manifest(repository, Some(tag), MANIFEST, body.to_string());
    }

    /// An image of a configuration and two layers, tagged 1.4.
    pub(crate) fn add(&self, server: usize, repository: &str) -> (Digest, u64) {
        let server = &self.servers[server];
        let mut bytes = 0;
        let mut add = |kind: &str, content: Vec<u8>| {
            bytes += content.len() as u64;
            json!({"mediaType": kind, "size": content.len(), "digest": server.add_blob(repository, content)})
        };
        let config = add(CONFIG, json!({"os": "linux", "architecture": "amd64"}).to_string().into());
        let layers = [add("application/x", mk_bytes(1000)), add("application/x", mk_bytes(300_000))];
        let body = json!({"schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": layers});
        let digest = server.add_manifest(repository, Some("1.4"), MANIFEST, body.to_string());
        (digest.parse().unwrap(), bytes)
    }
}

/// The digest of the layer of so many bytes.
pub(crate) fn layer(size: usize) -> String {
    plimsoll_scripted_registry::digest(&mk_bytes(size))
}

fn told(error: &Error) -> (ErrorKind, String) {
    (error.kind, error.registry.to_string())
}

#[tokio::test]
async fn a_tag_says_what_it_points_to_and_what_that_runs_on() {
    let bed = Bed::new(1).await;
    let home = bed.home(0, "shop/web");
    let (digest, _) = bed.add(0, "shop/web");
    let found = bed.port.resolve(&home, &"1.4".parse().unwrap()).await.unwrap().unwrap();
    assert_eq!((found.digest, found.media_type.as_str()), (digest, MANIFEST));
    assert_eq!(found.platforms, ["linux/amd64"]);
    assert_eq!(bed.port.resolve(&home, &"1.5".parse().unwrap()).await.unwrap(), None);
    let described = bed.port.describe(&home, &digest).await.unwrap().unwrap();
    assert_eq!((described.platforms, described.revision), (vec!["linux/amd64".to_owned()], None));
    assert_eq!(bed.port.describe(&home, &Digest::of_bytes(b"other")).await.unwrap(), None);
}

#[tokio::test]
async fn an_image_is_whole_incomplete_or_absent_and_silence_is_none_of_these() {
    let bed = Bed::new(1).await;
    let home = bed.home(0, "shop/web");
    let (digest, _) = bed.add(0, "shop/web");
    assert_eq!(bed.port.presence(&home, &digest).await.unwrap(), Presence::Whole);
    let absent = bed.port.presence(&home, &Digest::of_bytes(b"other")).await.unwrap();
    assert_eq!(absent, Presence::Absent);
    let layer = plimsoll_scripted_registry::digest(&mk_bytes(1000));
    let server = &bed.servers[0];
    server.script(move |request| {
        let gone = request.path.ends_with(&layer);
        if gone { Scripted::Instead(respond(404, &[], "")) } else { Scripted::Pass }
    });
    assert_eq!(bed.port.presence(&home, &digest).await.unwrap(), Presence::Incomplete(1));
    for (status, kind) in [
        (401, ErrorKind::Refused),
        (403, ErrorKind::Refused),
        (503, ErrorKind::Unreachable),
        (418, ErrorKind::Unsure),
    ] {
        server.script(move |_| Scripted::Instead(respond(status, &[], "")));
        let error = bed.port.presence(&home, &digest).await.unwrap_err();
        assert_eq!(told(&error), (kind, server.host()), "{error}");
    }
}

#[tokio::test]
async fn a_question_ends_within_its_bound_whatever_the_registry_does() {
    let bed = Bed::new(1).await;
    let port = bed.port.deadline(Duration::from_millis(200));
    bed.servers[0].script(|_| {
        let silent = futures::stream::pending::<Result<bytes::Bytes, std::io::Error>>();
        Scripted::Instead(respond(200, &[("content-type", MANIFEST)], axum::body::Body::from_stream(silent)))
    });
    let home: Home = format!("{}/shop/web", bed.servers[0].host()).parse().unwrap();
    let error = port.resolve(&home, &"1.4".parse().unwrap()).await.unwrap_err();
    assert_eq!(told(&error), (ErrorKind::Unreachable, bed.servers[0].host()));
}

#[tokio::test]
async fn a_copy_tells_how_far_it_is_is_kept_by_a_tag_and_made_once() {
    let bed = Bed::new(2).await;
    let (digest, bytes) = bed.add(0, "shop/web");
    let copy = Copy { digest, from: bed.home(0, "shop/web"), to: bed.home(1, "mirror/shop/web") };
    let progress = Mutex::new(Vec::new());
    let copied = bed.port.ensure(&copy, &|bytes| progress.lock().unwrap().push(bytes)).await.unwrap();
    assert_eq!(copied.sent, bytes);
    let progress = progress.into_inner().unwrap();
    assert!(progress.iter().all(|seen| seen.total == bytes && seen.done <= bytes), "{progress:?}");
    assert_eq!(progress.last(), Some(&Bytes { done: bytes, total: bytes }));
    assert_eq!(bed.port.presence(&copy.to, &digest).await.unwrap(), Presence::Whole);
    let kept = bed.servers[1].tag("mirror/shop/web", &Copy::keeps(&digest));
    assert_eq!(kept, Some(digest.to_string()));
    bed.servers[1].take_journal();
    assert_eq!(bed.port.ensure(&copy, &|_| {}).await.unwrap().sent, 0);
    let reads = |method: &str| matches!(method, "GET" | "HEAD");
    let journal = bed.servers[1].take_journal();
    assert!(journal.iter().all(|request| reads(request.method.as_str())), "{journal:?}");
}

#[tokio::test]
async fn who_failed_a_copy_is_named() {
    let bed = Bed::new(2).await;
    let (digest, _) = bed.add(0, "shop/web");
    let copy = Copy { digest, from: bed.home(0, "shop/web"), to: bed.home(1, "shop/web") };
    let (source, target) = (bed.servers[0].host(), bed.servers[1].host());
    let missing = Copy { digest: Digest::of_bytes(b"other"), ..copy.clone() };
    let error = bed.port.ensure(&missing, &|_| {}).await.unwrap_err();
    assert_eq!(told(&error), (ErrorKind::NotFound, source.clone()), "{error}");

    let down = || Scripted::Instead(respond(503, &[], ""));
    bed.servers[1].script(move |_| down());
    let error = bed.port.ensure(&copy, &|_| {}).await.unwrap_err();
    assert_eq!(told(&error), (ErrorKind::Unreachable, target), "{error}");

    // Of the source only the blobs fail, so it is the copy itself that meets it.
    bed.servers[1].unscript();
    bed.servers[0]
        .script(move |request| if request.path.contains("/blobs/") { down() } else { Scripted::Pass });
    let error = bed.port.ensure(&copy, &|_| {}).await.unwrap_err();
    assert_eq!(told(&error), (ErrorKind::Unreachable, source), "{error}");

    let gone = || Scripted::Instead(respond(404, &[], ""));
    bed.servers[0]
        .script(move |request| if request.path.contains("/blobs/") { gone() } else { Scripted::Pass });
    let error = bed.port.ensure(&copy, &|_| {}).await.unwrap_err();
    assert_eq!(told(&error), (ErrorKind::NotFound, bed.servers[0].host()), "{error}");

    let stranger = Copy { from: "elsewhere.example.com/shop/web".parse().unwrap(), ..copy };
    let error = bed.port.ensure(&stranger, &|_| {}).await.unwrap_err();
    assert_eq!(told(&error), (ErrorKind::Refused, "elsewhere.example.com".to_owned()));
}

#[tokio::test]
async fn copies_to_one_registry_and_to_several_at_once_all_arrive() {
    let bed = Bed::new(3).await;
    let (digest, _) = bed.add(0, "shop/web");
    let to =
        |server, repository| Copy { digest, from: bed.home(0, "shop/web"), to: bed.home(server, repository) };
    let copies = [to(1, "a/web"), to(1, "b/web"), to(2, "a/web"), to(1, "a/web")];
    for result in futures::future::join_all(copies.iter().map(|copy| bed.port.ensure(copy, &|_| {}))).await {
        result.unwrap();
    }
    for copy in &copies {
        assert_eq!(bed.port.presence(&copy.to, &digest).await.unwrap(), Presence::Whole);
    }
}

#[tokio::test]
async fn an_image_is_removed_unless_it_is_part_of_one_that_is_kept() {
    let bed = Bed::new(1).await;
    let home = bed.home(0, "shop/web");
    let (digest, _) = bed.add(0, "shop/web");
    let manifest = json!({"mediaType": MANIFEST, "digest": digest.to_string(), "size": 1});
    let body = json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": [manifest]});
    let index: Digest =
        bed.servers[0].add_manifest("shop/web", Some("all"), INDEX, body.to_string()).parse().unwrap();
    let elsewhere = Digest::of_bytes(b"kept elsewhere");
    let remove = async |digest: &Digest, kept: &[Digest]| {
        // What would come of it is said before, and nothing is done for that.
        let checked = bed.port.remove(&home, digest, kept, Removing::Check).await.unwrap();
        assert_eq!(bed.port.remove(&home, digest, kept, Removing::Check).await.unwrap(), checked);
        let removed = bed.port.remove(&home, digest, kept, Removing::Do).await.unwrap();
        assert_eq!(removed, checked);
        removed
    };
    assert_eq!(remove(&digest, &[elsewhere, index]).await, Removal::PartOf(index));
    assert_eq!(bed.port.presence(&home, &index).await.unwrap(), Presence::Whole);
    assert_eq!(remove(&index, &[elsewhere]).await, Removal::Removed);
    assert_eq!(remove(&index, &[]).await, Removal::Absent);
    assert_eq!(remove(&digest, &[elsewhere, index]).await, Removal::Removed);
    assert_eq!(bed.port.presence(&home, &digest).await.unwrap(), Presence::Absent);
}
