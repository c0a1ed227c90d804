use std::sync::Arc;

use bytes::Bytes;
use plimsoll_bench::{Line, RegistryOptions, RegistryServer};
use plimsoll_registry::{Access, Descriptor, Digest, Manifest, MediaType, Reference, Registry, Repository};
use serde_json::json;

pub(crate) const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
pub(crate) const INDEX: &str = "application/vnd.oci.image.index.v1+json";
pub(crate) const LINES: [Line; 2] = [Line::Docker, Line::Distribution];

pub(crate) async fn mk_server(line: Line) -> (RegistryServer, Registry) {
    mk_server_with(line, RegistryOptions { deletes: true, ..RegistryOptions::default() }).await
}

pub(crate) async fn mk_server_with(line: Line, options: RegistryOptions<'_>) -> (RegistryServer, Registry) {
    let server = RegistryServer::start(line, options).await.unwrap();
    let client = mk_client(&server);
    (server, client)
}

pub(crate) fn mk_client(server: &RegistryServer) -> Registry {
    // Fails when another test was first.
    let _ = rustls::crypto::ring::default_provider().install_default();
    Registry::new(Access::new(server.host().parse().unwrap())).unwrap()
}

pub(crate) fn mk_repository(name: &str) -> Repository {
    name.parse().unwrap()
}

/// Bytes that no compression makes smaller and no other seed has.
pub(crate) fn mk_bytes(seed: u64, size: usize) -> Bytes {
    let mut random = fastrand::Rng::with_seed(seed);
    (0..size).map(|_| random.u8(..)).collect::<Vec<u8>>().into()
}

/// Pushes a blob.
pub(crate) async fn push_blob(
    registry: &Registry,
    repository: &Repository,
    kind: &str,
    bytes: Bytes,
) -> Descriptor {
    let blob = mk_descriptor(kind, &bytes);
    registry.upload(repository, &blob, Arc::new(bytes)).await.unwrap();
    blob
}

pub(crate) fn mk_descriptor(kind: &str, bytes: &[u8]) -> Descriptor {
    let digest = Manifest::new(Bytes::copy_from_slice(bytes), MediaType::from(kind)).digest().clone();
    Descriptor::new(MediaType::from(kind), bytes.len() as u64, digest)
}

/// Pushes an image of one layer, under a tag if one is given.
pub(crate) async fn push_image(
    registry: &Registry,
    repository: &Repository,
    tag: Option<&str>,
    layer: Bytes,
) -> Manifest {
    let diff = mk_descriptor("x", &layer).digest().to_string();
    let config = json!({"architecture": "amd64", "os": "linux", "config": {}, "rootfs": {"type": "layers", "diff_ids": [diff]}});
    let config = push_blob(
        registry,
        repository,
        "application/vnd.oci.image.config.v1+json",
        config.to_string().into(),
    )
    .await;
    let layer = push_blob(registry, repository, "application/vnd.oci.image.layer.v1.tar", layer).await;
    let body = json!({"schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": [layer]});
    put(registry, repository, tag, Manifest::new(body.to_string(), MANIFEST.into())).await
}

/// Pushes an index.
pub(crate) async fn push_index(
    registry: &Registry,
    repository: &Repository,
    tag: Option<&str>,
    of: &[&Manifest],
) -> Manifest {
    let manifests: Vec<Descriptor> = of.iter().map(|manifest| manifest.descriptor()).collect();
    let body = json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": manifests});
    put(registry, repository, tag, Manifest::new(body.to_string(), INDEX.into())).await
}

async fn put(
    registry: &Registry,
    repository: &Repository,
    tag: Option<&str>,
    manifest: Manifest,
) -> Manifest {
    let reference = tag.map_or_else(|| Reference::Digest(manifest.digest().clone()), mk_tag);
    registry.put_manifest(repository, &reference, &manifest).await.unwrap();
    manifest
}

pub(crate) fn mk_tag(tag: &str) -> Reference {
    Reference::Tag(tag.parse().unwrap())
}

/// A signature or the like of a manifest.
pub(crate) async fn mk_referrer(
    registry: &Registry,
    repository: &Repository,
    subject: &Manifest,
    kind: &str,
    text: &str,
) -> Manifest {
    let empty =
        push_blob(registry, repository, "application/vnd.oci.empty.v1+json", Bytes::from_static(b"{}")).await;
    let layer = push_blob(registry, repository, kind, text.to_owned().into()).await;
    let body = json!({"schemaVersion": 2, "mediaType": MANIFEST, "artifactType": kind, "config": empty, "layers": [layer],
        "subject": subject.descriptor()});
    Manifest::new(body.to_string(), MANIFEST.into())
}

pub(crate) fn digests<'a>(all: impl IntoIterator<Item = &'a Digest>) -> Vec<String> {
    let mut digests: Vec<String> = all.into_iter().map(Digest::to_string).collect();
    digests.sort();
    digests
}
