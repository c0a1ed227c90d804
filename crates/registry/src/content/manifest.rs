//! Manifests: the bytes as they came, and what they name.

use std::collections::BTreeMap;

use bytes::Bytes;
use oci_spec::image::{Descriptor, Digest, MediaType};
use serde::{Deserialize, Deserializer};

use super::digest_of;
use super::is_supported;
use crate::error::{Error, Kind};

const OCI_MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const OCI_INDEX: &str = "application/vnd.oci.image.index.v1+json";
const DOCKER_MANIFEST: &str = "application/vnd.docker.distribution.manifest.v2+json";
const DOCKER_LIST: &str = "application/vnd.docker.distribution.manifest.list.v2+json";
const OCI_ARTIFACT: &str = "application/vnd.oci.artifact.manifest.v1+json";
const SCHEMA_1: &str = "application/vnd.docker.distribution.manifest.v1+json";
const SCHEMA_1_SIGNED: &str = "application/vnd.docker.distribution.manifest.v1+prettyjws";

/// What a client asks for. Registries of the 2.x line answer "unknown" to those who do not name the type of what they
/// have, so all are named, the old ones last: they are refused with advice instead of not found.
pub const ACCEPTED: [&str; 7] =
    [OCI_MANIFEST, OCI_INDEX, DOCKER_MANIFEST, DOCKER_LIST, OCI_ARTIFACT, SCHEMA_1_SIGNED, SCHEMA_1];

/// More things than this no manifest names: a layer takes over a hundred bytes of its 4 MiB.
const MOST: usize = 40_000;

/// A manifest as its registry holds it. Its digest is that of its bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Manifest {
    bytes: Bytes,
    media_type: MediaType,
    digest: Digest,
}

/// What a manifest names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Links {
    /// Content: the configuration first, then the layers in their order.
    pub blobs: Vec<Descriptor>,
    /// The manifests of an index.
    pub manifests: Vec<Descriptor>,
    /// What it is about, where it is a signature, a bill of materials or the like.
    pub subject: Option<Descriptor>,
    /// What kind of artifact it is, if it says so.
    pub artifact_type: Option<String>,
    /// What it says about itself.
    pub annotations: BTreeMap<String, String>,
}

/// The fields of all kinds of manifests. Writers of artifacts leave lists out or write `null`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Document {
    media_type: Option<MediaType>,
    config: Option<Descriptor>,
    #[serde(default, deserialize_with = "null_is_empty")]
    layers: Vec<Descriptor>,
    #[serde(default, deserialize_with = "null_is_empty")]
    manifests: Vec<Descriptor>,
    /// Of the artifact manifest, which was dropped before it was released and is found in registries.
    #[serde(default, deserialize_with = "null_is_empty")]
    blobs: Vec<Descriptor>,
    subject: Option<Descriptor>,
    artifact_type: Option<String>,
    #[serde(default, deserialize_with = "null_is_empty")]
    annotations: BTreeMap<String, String>,
}

fn null_is_empty<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(
    deserializer: D,
) -> Result<T, D::Error> {
    Option::deserialize(deserializer).map(Option::unwrap_or_default)
}

impl Manifest {
    /// A manifest of these bytes, with the type that its registry or its writer gave it.
    pub fn new(bytes: impl Into<Bytes>, media_type: MediaType) -> Self {
        let bytes = bytes.into();
        let digest = digest_of(&bytes);
        Self { bytes, media_type, digest }
    }

    /// The same under a digest of another algorithm, which the bytes were checked against.
    pub(crate) fn checked(bytes: Bytes, media_type: MediaType, digest: Digest) -> Self {
        Self { bytes, media_type, digest }
    }

    /// The bytes, never written anew.
    pub fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// Its type.
    pub fn media_type(&self) -> &MediaType {
        &self.media_type
    }

    /// The digest of its bytes.
    pub fn digest(&self) -> &Digest {
        &self.digest
    }

    /// How others name it.
    pub fn descriptor(&self) -> Descriptor {
        Descriptor::new(self.media_type.clone(), self.bytes.len() as u64, self.digest.clone())
    }

    /// Whether it names manifests rather than content.
    pub fn is_index(&self) -> bool {
        matches!(self.media_type.as_ref(), OCI_INDEX | DOCKER_LIST)
    }

    /// What it names.
    ///
    /// # Errors
    /// [`Kind::Unsupported`] for Docker's schema 1, whose digest does not hold for what is pulled;
    /// [`Kind::Invalid`] for what is no manifest, names content by what cannot be checked, or names too much.
    pub fn links(&self) -> Result<Links, Error> {
        if matches!(self.media_type.as_ref(), SCHEMA_1 | SCHEMA_1_SIGNED) {
            return Err(self.refused(
                Kind::Unsupported,
                "the image has a manifest of Docker's schema 1, which no longer can be carried; \
                 pull it with an engine that still reads it and push it again, or build it anew",
            ));
        }
        // What nobody reads of it must be text as well: others would refuse it.
        let text = std::str::from_utf8(&self.bytes)
            .map_err(|error| self.refused(Kind::Invalid, "what came is no text").because(error))?;
        let document: Document = serde_json::from_str(text)
            .map_err(|error| self.refused(Kind::Invalid, "what came is no manifest").because(error))?;
        let Document { media_type, config, layers, manifests, blobs, subject, artifact_type, annotations } =
            document;
        // The header may say one thing and the bytes another; a client that goes by the other one would read something
        // else under the same digest (CVE-2021-41190).
        if media_type.as_ref().is_some_and(|inner| *inner != self.media_type) {
            return Err(self.refused(Kind::Invalid, "its mediaType is not the type it was given as"));
        }
        let names_content = config.is_some() || !layers.is_empty() || !blobs.is_empty();
        if names_content && !manifests.is_empty() {
            return Err(self.refused(Kind::Invalid, "it names layers as well as manifests"));
        }
        let blobs: Vec<Descriptor> = config.into_iter().chain(layers).chain(blobs).collect();
        if blobs.len() + manifests.len() > MOST {
            return Err(self.refused(Kind::TooLarge, format!("it names more than {MOST} things")));
        }
        let uncheckable = |descriptor: &&Descriptor| !is_supported(descriptor.digest());
        if let Some(bad) = blobs.iter().chain(&manifests).chain(&subject).find(uncheckable) {
            let message = format!("it names {}, which cannot be checked", bad.digest());
            return Err(self.refused(Kind::Invalid, message));
        }
        Ok(Links { blobs, manifests, subject, artifact_type, annotations })
    }

    fn refused(&self, kind: Kind, message: impl Into<String>) -> Error {
        Error::new(kind, format_args!("manifest {}", self.digest), message)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn mk(media_type: &str, value: &Value) -> Manifest {
        Manifest::new(value.to_string(), media_type.into())
    }

    fn mk_descriptor(digit: char) -> Value {
        json!({"mediaType": "application/x", "size": 1, "digest": format!("sha256:{}", digit.to_string().repeat(64))})
    }

    fn digits(descriptors: &[Descriptor]) -> String {
        descriptors.iter().filter_map(|descriptor| descriptor.digest().digest().chars().next()).collect()
    }

    #[test]
    fn an_image_names_its_configuration_and_its_layers_in_their_order() {
        for kind in [OCI_MANIFEST, DOCKER_MANIFEST] {
            let value = json!({"schemaVersion": 2, "config": mk_descriptor('c'),
                "layers": [mk_descriptor('2'), mk_descriptor('1')], "annotations": null, "unknown": {"a": 1}});
            let links = mk(kind, &value).links().unwrap();
            assert_eq!((digits(&links.blobs).as_str(), links.manifests.len()), ("c21", 0));
        }
    }

    #[test]
    fn an_index_names_manifests_and_an_artifact_its_subject() {
        let index = mk(OCI_INDEX, &json!({"manifests": [mk_descriptor('a'), mk_descriptor('b')]}));
        assert!(index.is_index());
        assert_eq!(digits(&index.links().unwrap().manifests), "ab");
        let artifact = mk(
            OCI_MANIFEST,
            &json!({"config": mk_descriptor('e'), "layers": null, "subject": mk_descriptor('5'),
                "artifactType": "application/spdx+json", "annotations": {"k": "v"}}),
        );
        let links = artifact.links().unwrap();
        assert_eq!(links.subject.unwrap().digest().digest(), "5".repeat(64));
        assert_eq!(links.artifact_type.as_deref(), Some("application/spdx+json"));
        assert_eq!(links.annotations["k"], "v");
    }

    #[test]
    fn what_cannot_be_carried_is_refused_with_advice() {
        let weak = json!({"mediaType": "application/x", "size": 1, "digest": "md5:00000000000000000000000000000000"});
        for (kind, value, expected) in [
            (SCHEMA_1_SIGNED, json!({"schemaVersion": 1, "fsLayers": []}), Kind::Unsupported),
            (OCI_MANIFEST, json!({"mediaType": OCI_INDEX, "manifests": []}), Kind::Invalid),
            (
                OCI_INDEX,
                json!({"layers": [mk_descriptor('1')], "manifests": [mk_descriptor('2')]}),
                Kind::Invalid,
            ),
            (OCI_MANIFEST, json!({"layers": [weak]}), Kind::Invalid),
            (OCI_MANIFEST, json!([]), Kind::Invalid),
        ] {
            assert_eq!(mk(kind, &value).links().unwrap_err().kind(), expected, "{value}");
        }
    }
}
