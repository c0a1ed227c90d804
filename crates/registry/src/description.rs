//! What an image says about itself.
//!
//! By the annotations of the OCI image specification
//! (<https://github.com/opencontainers/image-spec/blob/v1.1.1/annotations.md>): of the manifest, else of the index that
//! it was reached by, else the labels of the same names in its configuration, else the labels that older tools write
//! (`org.label-schema`). What none of them says is unknown.

use std::collections::BTreeMap;

use futures::TryStreamExt as _;
use oci_spec::image::{Descriptor, Digest};
use serde::{Deserialize, Serialize};

use crate::content::{Links, Manifest, Reference};
use crate::copy::Place;
use crate::error::{Error, Kind};

/// A configuration has no more bytes than this: labels and a history, not content.
const LARGEST: u64 = 8 << 20;
const PREFIX: &str = "org.opencontainers.image.";

/// What an image says about itself. Nothing of it is checked against anything: it is what its writer wrote.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Description {
    /// When it was built, as it says it.
    pub created: Option<String>,
    /// Who built it.
    pub authors: Option<String>,
    /// Where its source is.
    pub source: Option<String>,
    /// Which commit of it.
    pub revision: Option<String>,
    /// Its version.
    pub version: Option<String>,
    /// Its name for people.
    pub title: Option<String>,
    /// Who gives it out.
    pub vendor: Option<String>,
    /// Under which licences, as SPDX writes them.
    pub licenses: Option<String>,
    /// The image that it is built on.
    pub base_name: Option<String>,
    /// Which of them.
    pub base_digest: Option<String>,
    /// Where to find out more.
    pub url: Option<String>,
    /// All labels and annotations, these among them.
    pub labels: BTreeMap<String, String>,
    /// What it runs on; of an index, everything it has an image for.
    pub platforms: Vec<String>,
    /// Bytes of its configuration and its layers, as they are stored; of an index, of the image that is described.
    pub size: u64,
}

#[derive(Deserialize, Default)]
struct Configuration {
    created: Option<String>,
    author: Option<String>,
    architecture: Option<String>,
    os: Option<String>,
    variant: Option<String>,
    #[serde(default)]
    config: Option<Runtime>,
}

#[derive(Deserialize, Default)]
struct Runtime {
    #[serde(default, rename = "Labels")]
    labels: Option<BTreeMap<String, String>>,
}

impl Place {
    /// What an image says about itself; of an index, what its first image says that the index does not.
    ///
    /// # Errors
    /// [`Kind::NotFound`] when it is not here.
    pub async fn describe(&self, digest: &Digest) -> Result<Description, Error> {
        let links = self.read(digest).await?.links()?;
        let platforms: Vec<String> = links.manifests.iter().filter_map(platform).collect();
        let is_image = |manifest: &&Descriptor| platform(manifest).is_some();
        let (image, index) = match links.manifests.iter().find(is_image).or(links.manifests.first()) {
            Some(first) => (self.read(first.digest()).await?.links()?, links.annotations),
            None => (links, BTreeMap::new()),
        };
        let configuration = self.configuration(&image).await?;
        Ok(tell(&image, index, configuration, platforms))
    }

    async fn read(&self, digest: &Digest) -> Result<Manifest, Error> {
        let reference = Reference::Digest(digest.clone());
        let missing = || {
            Error::new(
                Kind::NotFound,
                format_args!("manifest {digest} of {}", self.repository),
                "it is not there",
            )
        };
        self.registry.manifest(&self.repository, &reference).await?.ok_or_else(missing)
    }

    async fn configuration(&self, image: &Links) -> Result<Configuration, Error> {
        let is_configuration = |blob: &&Descriptor| {
            let kind = blob.media_type().to_string();
            kind.ends_with("image.config.v1+json") || kind.ends_with("container.image.v1+json")
        };
        let readable = image.blobs.first().filter(is_configuration).filter(|blob| blob.size() <= LARGEST);
        let Some(blob) = readable else { return Ok(Configuration::default()) };
        let pieces: Vec<_> = self.registry.blob(&self.repository, blob).try_collect().await?;
        // One that cannot be understood says nothing.
        Ok(serde_json::from_slice(&pieces.concat()).unwrap_or_default())
    }
}

fn tell(
    image: &Links,
    index: BTreeMap<String, String>,
    configuration: Configuration,
    platforms: Vec<String>,
) -> Description {
    let Configuration { created, author, architecture, os, variant, config } = configuration;
    let mut labels = config.and_then(|config| config.labels).unwrap_or_default();
    labels.extend(index);
    labels.extend(image.annotations.clone());
    let said = |name: &str, old: &str| {
        let found =
            labels.get(&format!("{PREFIX}{name}")).or_else(|| labels.get(&format!("org.label-schema.{old}")));
        found.filter(|text| !text.trim().is_empty()).cloned()
    };
    let own = [os, architecture, variant].into_iter().flatten().collect::<Vec<_>>().join("/");
    Description {
        created: said("created", "build-date").or(created),
        authors: said("authors", "maintainer").or(author),
        source: said("source", "vcs-url"),
        revision: said("revision", "vcs-ref"),
        version: said("version", "version"),
        title: said("title", "name"),
        vendor: said("vendor", "vendor"),
        licenses: said("licenses", "license"),
        base_name: said("base.name", "base-name"),
        base_digest: said("base.digest", "base-digest"),
        url: said("url", "url"),
        platforms: if platforms.is_empty() && !own.is_empty() { vec![own] } else { platforms },
        size: image.blobs.iter().map(Descriptor::size).sum(),
        labels,
    }
}

/// `linux/arm64/v8`; nothing for what is no image, such as the attestations that builders put beside their images.
pub(crate) fn platform(descriptor: &Descriptor) -> Option<String> {
    let platform = descriptor.platform().as_ref()?;
    let (os, architecture) = (platform.os().to_string(), platform.architecture().to_string());
    if os == "unknown" {
        return None;
    }
    let variant = platform.variant().as_ref().map(|variant| format!("/{variant}")).unwrap_or_default();
    Some(format!("{os}/{architecture}{variant}"))
}
