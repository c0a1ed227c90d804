//! Registries and what is in them, for tests.

use std::time::Duration;

use jiff::Timestamp;
use plimsoll_core::clock::Clock;
use plimsoll_registry::{
    Access, Descriptor, Digest, Limits, Manifest, MediaType, Reference, Registry, Repository,
};
use plimsoll_scripted_registry::{Habits, ScriptedRegistry};
use serde_json::json;

pub(crate) const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
pub(crate) const INDEX: &str = "application/vnd.oci.image.index.v1+json";

/// Bounds under which a test that meets one of them does not take minutes.
pub(crate) fn mk_limits() -> Limits {
    Limits { idle: Duration::from_secs(5), backoff: Duration::from_millis(2), ..Limits::default() }
}

pub(crate) async fn mk_registry(habits: Habits) -> (ScriptedRegistry, Registry) {
    let server = ScriptedRegistry::start(habits).await.unwrap();
    let client = mk_client(&server, |access| access);
    (server, client)
}

pub(crate) fn mk_client(server: &ScriptedRegistry, configure: impl FnOnce(Access) -> Access) -> Registry {
    // Fails when another test was first.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let access = Access::new(server.host().parse().unwrap()).limits(mk_limits());
    Registry::new(configure(access)).unwrap()
}

pub(crate) fn mk_repository(name: &str) -> Repository {
    name.parse().unwrap()
}

pub(crate) fn mk_digest(text: &str) -> Digest {
    text.parse().unwrap()
}

pub(crate) fn mk_tag(text: &str) -> Reference {
    Reference::Tag(text.parse().unwrap())
}

/// Bytes that are not the same everywhere.
pub(crate) fn mk_bytes(size: usize) -> Vec<u8> {
    (0..size).map(|at| u8::try_from(at * 31 % 251).unwrap()).collect()
}

pub(crate) fn mk_blob(bytes: &[u8]) -> Descriptor {
    let digest = plimsoll_scripted_registry::digest(bytes);
    Descriptor::new(MediaType::ImageLayerGzip, bytes.len() as u64, mk_digest(&digest))
}

/// A manifest of a configuration and one layer.
pub(crate) fn mk_manifest(config: &Descriptor, layer: &Descriptor) -> Manifest {
    let value = json!({"schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": [layer]});
    Manifest::new(value.to_string(), MANIFEST.into())
}

/// A clock that stands at midnight.
pub(crate) struct Night;

impl Clock for Night {
    fn now(&self) -> Timestamp {
        "2026-11-23T00:00:00Z".parse().unwrap()
    }

    fn elapsed(&self) -> Duration {
        Duration::ZERO
    }
}
