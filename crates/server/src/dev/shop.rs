//! The images of the example where there are registries: made here, so that nothing has to be fetched.
//!
//! They have what a CI says of them and some megabytes to copy, and nothing that runs: the nodes are simulated.

use std::sync::Arc;

use bytes::Bytes;
use plimsoll_core::image::Host;
use plimsoll_registry::{Access, Descriptor, Manifest, Reference, Registry, Repository, Scheme};
use serde_json::json;

use super::world::defect;
use crate::error::Error;

const REPOSITORY: &str = "demo/shop";
/// The version that is published, and one to upgrade to, with the bytes of what only it has.
const VERSIONS: [(&str, usize); 2] = [("1.4.2", 8 << 20), ("1.5.0", 24 << 20)];
/// What both are built on.
const BASE: usize = 16 << 20;
const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const CONFIG: &str = "application/vnd.oci.image.config.v1+json";
const LAYER: &str = "application/vnd.oci.image.layer.v1.tar";

/// The version that is published, as it is named in a registry.
pub(super) fn published(registry: &Host) -> String {
    named(registry, VERSIONS[0].0)
}

/// The one to upgrade to.
pub(super) fn next(registry: &Host) -> String {
    named(registry, VERSIONS[1].0)
}

fn named(registry: &Host, version: &str) -> String {
    format!("{}/{REPOSITORY}:{version}", registry.as_str())
}

/// Pushes all versions. What is there already is not sent again.
pub(super) async fn push(host: &Host) -> Result<(), Error> {
    let registry = Registry::new(Access::new(host.clone()).scheme(Scheme::Http)).map_err(defect)?;
    let repository: Repository = REPOSITORY.parse().map_err(defect)?;
    for (version, size) in VERSIONS {
        let image = Image::of(version, size)?;
        for (descriptor, bytes) in image.blobs {
            registry
                .upload(&repository, &descriptor, Arc::new(bytes))
                .await
                .map_err(|error| refused(&error))?;
        }
        let tag = Reference::Tag(version.parse().map_err(defect)?);
        registry.put_manifest(&repository, &tag, &image.manifest).await.map_err(|error| refused(&error))?;
    }
    Ok(())
}

fn refused(error: &plimsoll_registry::Error) -> Error {
    Error::Registry { name: "qa".to_owned(), message: format!("the example was not pushed: {error}") }
}

struct Image {
    blobs: Vec<(Descriptor, Bytes)>,
    manifest: Manifest,
}

impl Image {
    fn of(version: &str, size: usize) -> Result<Self, Error> {
        let layers = [layer("opt/base", "base", BASE)?, layer("opt/shop", version, size)?];
        let layers = layers.map(|bytes| (descriptor(LAYER, &bytes), bytes));
        let diffs = layers.each_ref().map(|(layer, _)| layer.digest().clone());
        let config = json!({
            "architecture": "amd64",
            "os": "linux",
            "created": "2026-11-20T09:00:00Z",
            "author": "team-shop@example.com",
            "config": {"Labels": {
                "org.opencontainers.image.source": "https://git.example.com/retail/shop",
                "org.opencontainers.image.revision": "5f2c7d1e0b9a48c36d7e8f9012a3b4c5d6e7f809",
                "org.opencontainers.image.version": version,
                "org.opencontainers.image.base.name": "registry.example.com/base/java:17",
            }},
            "rootfs": {"type": "layers", "diff_ids": diffs},
        });
        let bytes = Bytes::from(config.to_string());
        let config = (descriptor(CONFIG, &bytes), bytes);
        let body = json!({
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": config.0,
            "layers": layers.each_ref().map(|(layer, _)| layer),
        });
        let manifest = Manifest::new(body.to_string(), MANIFEST.into());
        Ok(Self { blobs: [config].into_iter().chain(layers).collect(), manifest })
    }
}

/// An archive of one file that says the same again and again.
fn layer(path: &str, text: &str, size: usize) -> Result<Bytes, Error> {
    let content = format!("{text}\n").repeat(size / (text.len() + 1));
    let mut header = tar::Header::new_ustar();
    header.set_size(content.len() as u64);
    header.set_mode(0o644);
    let mut archive = tar::Builder::new(Vec::with_capacity(content.len() + 2048));
    archive.append_data(&mut header, path, content.as_bytes()).map_err(defect)?;
    Ok(archive.into_inner().map_err(defect)?.into())
}

fn descriptor(kind: &str, bytes: &Bytes) -> Descriptor {
    let digest = Manifest::new(bytes.clone(), kind.into()).digest().clone();
    Descriptor::new(kind.into(), bytes.len() as u64, digest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_images_are_the_same_at_every_start_and_no_program_of_a_simulated_node_that_fails() {
        let digests =
            VERSIONS.map(|(version, size)| Image::of(version, size).unwrap().manifest.digest().to_string());
        assert_ne!(digests[0], digests[1]);
        let again =
            VERSIONS.map(|(version, size)| Image::of(version, size).unwrap().manifest.digest().to_string());
        assert_eq!(digests, again);
        let page = include_str!("../../../../docs/dev.md");
        let special: Vec<&str> =
            page.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next()).collect();
        assert!(special.len() > 5);
        for digest in digests {
            assert!(!special.iter().any(|begin| digest.starts_with(&format!("sha256:{begin}"))), "{digest}");
        }
    }
}
