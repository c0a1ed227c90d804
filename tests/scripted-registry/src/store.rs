//! What the registry holds.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;

use bytes::Bytes;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256, Sha512};

/// The SHA-256 digest of some bytes, as registries write it.
pub fn digest(bytes: &[u8]) -> String {
    format!("sha256:{}", hex(&Sha256::digest(bytes)))
}

/// The digest of some bytes by the algorithm of another.
pub(crate) fn digest_like(bytes: &[u8], like: &str) -> String {
    if like.starts_with("sha512:") {
        format!("sha512:{}", hex(&Sha512::digest(bytes)))
    } else {
        digest(bytes)
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

#[derive(Debug, Default)]
pub(crate) struct Store {
    pub(crate) repositories: BTreeMap<String, Repository>,
    pub(crate) sessions: HashMap<String, Vec<u8>>,
    pub(crate) next_session: u64,
}

#[derive(Debug, Default)]
pub(crate) struct Repository {
    pub(crate) blobs: HashMap<String, Bytes>,
    pub(crate) manifests: HashMap<String, (String, Bytes)>,
    pub(crate) tags: BTreeMap<String, String>,
}

impl Repository {
    /// The digest that a tag or a digest stands for.
    pub(crate) fn resolve(&self, reference: &str) -> Option<String> {
        let digest = self.tags.get(reference).cloned().unwrap_or_else(|| reference.to_owned());
        self.manifests.contains_key(&digest).then_some(digest)
    }

    /// What of that which a manifest names is not here.
    pub(crate) fn missing(&self, manifest: &Value) -> Vec<String> {
        let named = |field: &str| manifest[field].as_array().cloned().unwrap_or_default();
        let digest = |value: &Value| value["digest"].as_str().map(str::to_owned);
        let blobs = named("layers").into_iter().chain(manifest.get("config").cloned());
        let foreign =
            |value: &Value| value["mediaType"].as_str().is_some_and(|kind| kind.contains("nondistributable"));
        let missing_blobs = blobs.filter(|value| !foreign(value)).filter_map(|value| digest(&value));
        let missing_blobs = missing_blobs.filter(|digest| !self.blobs.contains_key(digest));
        let manifests = named("manifests");
        let missing_manifests =
            manifests.iter().filter_map(digest).filter(|digest| !self.manifests.contains_key(digest));
        missing_blobs.chain(missing_manifests).collect()
    }

    /// Who refers to a manifest, as lists show it.
    pub(crate) fn referrers(&self, subject: &str) -> Vec<Value> {
        let about = |(digest, (kind, bytes)): (&String, &(String, Bytes))| {
            let value: Value = serde_json::from_slice(bytes).ok()?;
            if value["subject"]["digest"] != subject {
                return None;
            }
            let artifact = value.get("artifactType").or_else(|| value.pointer("/config/mediaType"));
            Some(json!({"mediaType": kind, "digest": digest, "size": bytes.len(), "artifactType": artifact}))
        };
        self.manifests.iter().filter_map(about).collect()
    }
}
