//! The port to registries as such: what they are, what lies in them, and what and where one image is.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use plimsoll_qos::Quantity;
use serde::Serialize;

use super::port::{Error, ImageDescription};
use super::{Home, Host, Reference, Repository, Tag};
use crate::digest::Digest;

/// The registries of an installation, as people look at them. Every call ends within bounds of the implementation's
/// own, and what it answers has a bound, too.
#[async_trait]
pub trait RegistryCatalog: Send + Sync + 'static {
    /// What is known of a registry without asking it; `None` where it is none of the installation's.
    fn about(&self, host: &Host) -> Option<About>;

    /// Asks a registry how it behaves, by requests that change nothing there. What could not be found is said to be
    /// unknown, with why.
    async fn probe(&self, host: &Host) -> Result<Vec<RegistryTrait>, Error>;

    /// The repositories of a registry, each once, in the order of their bytes.
    async fn repositories(&self, host: &Host, walk: Walk) -> Result<Names<Repository>, Error>;

    /// The tags of a repository, each once, in the order of their bytes.
    ///
    /// # Errors
    /// [`super::ErrorKind::NotFound`] where there is no such repository.
    async fn tags(&self, home: &Home, walk: Walk) -> Result<Names<Tag>, Error>;

    /// What an image is and what it says about itself; `None` where it is not there.
    async fn inspect(&self, home: &Home, reference: &Reference) -> Result<Option<Inspected>, Error>;

    /// How much of an image is in each of these repositories, all asked at once, in their order: every manifest is read,
    /// every blob asked for, and blobs of so many bytes as the sample has at most, left to chance, are read and checked. One that does not
    /// answer in time is unknown and holds up no other.
    async fn locate(&self, homes: &[Home], digest: &Digest, sample: Sample) -> Vec<Whereabouts>;
}

/// What is known of a registry without asking it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct About {
    /// How it is spoken to.
    pub scheme: Scheme,
    /// How it behaves, as it was found last, and how long ago that was; `None` where nobody has looked yet.
    pub probed: Option<(Vec<RegistryTrait>, Duration)>,
}

/// How a registry is spoken to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Scheme {
    /// Encrypted.
    Https,
    /// As plain text, which whoever is on the way can read.
    Http,
}

/// One thing that was asked of how a registry behaves.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RegistryTrait {
    /// What was asked.
    pub subject: TraitSubject,
    /// Whether an answer was found.
    pub known: bool,
    /// What was found, or why nothing was, in a sentence.
    pub finding: String,
    /// What Plimsoll does because of it, in a sentence; none where it makes no difference.
    pub consequence: Option<String>,
}

/// What is asked of how a registry behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
pub enum TraitSubject {
    /// What it says that it is.
    Server,
    /// What it wants to see from who asks.
    Authentication,
    /// How it lists its repositories.
    Repositories,
    /// Whether it says what refers to an image.
    Referrers,
    /// Whether it removes images.
    Removal,
    /// Whether it says the digest of what a tag points to without sending it.
    Digests,
    /// Whether it says that a tag still points to what the caller has.
    EntityTags,
    /// Whether it gives out content from the middle.
    Ranges,
}

/// How much of an image's content is read again and checked while somebody waits for the answer, in bytes: none by
/// default, and at most [`Sample::MOST`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sample(u64);

/// A text that is no amount of content to read again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("is no amount of bytes up to 1Gi")]
pub struct InvalidSample;

impl Sample {
    /// The largest, in bytes.
    pub const MOST: u64 = 1 << 30;

    /// So many bytes.
    pub fn bytes(self) -> u64 {
        self.0
    }
}

impl std::str::FromStr for Sample {
    type Err = InvalidSample;

    /// Reads a quantity as Kubernetes writes them: `100Mi`.
    fn from_str(text: &str) -> Result<Self, InvalidSample> {
        let bytes = text.parse::<Quantity>().ok().and_then(|quantity| quantity.value_i64());
        let bytes = bytes.and_then(|bytes| u64::try_from(bytes).ok()).filter(|bytes| *bytes <= Self::MOST);
        bytes.map(Self).ok_or(InvalidSample)
    }
}

/// Whether a list is read from the registry, or may be one that was read moments ago.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Walk {
    /// From the registry.
    Anew,
    /// The one that was read moments ago, where there is one: for a further page of it.
    GoOn,
}

/// Names that a registry lists.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Names<T> {
    /// Each once, in the order of their bytes.
    pub names: Arc<[T]>,
    /// Why something is missing or may be, as `because …`; `None`: nothing is.
    pub incomplete: Option<String>,
}

/// What an image is, and what it says about itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Inspected {
    /// The digest of its manifest, or of its index.
    pub digest: Digest,
    /// The type of that.
    pub media_type: String,
    /// What an index consists of, in its order; empty for an image of one platform.
    pub parts: Vec<Part>,
    /// What it says about itself; of an index, what its first image says that the index does not.
    pub description: ImageDescription,
}

/// A manifest of an index.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Part {
    /// Its digest, which need not be a SHA-256.
    pub digest: String,
    /// What it runs on, such as `linux/amd64`; none for what is no image, such as an attestation.
    pub platform: Option<String>,
    /// Its type.
    pub media_type: String,
}

/// Where an image is, of a place that was asked.
#[derive(Debug)]
pub enum Whereabouts {
    /// All of it is there.
    Whole(Examined),
    /// It is there, and something of it is not, or is not what it should be.
    Broken(Examined),
    /// It is not there.
    Absent,
    /// The place gave no answer.
    Unknown(Error),
}

/// What was found of an image in a repository.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Examined {
    /// Blobs that are there in the right size.
    pub blobs: usize,
    /// Blobs that were read to their end and are what their digests say.
    pub reread: usize,
    /// What is wrong, a sentence each.
    pub faults: Vec<String>,
    /// The digests that a container runtime may say of a container of it: of the image, of the manifests of an index,
    /// and of their configurations.
    pub shown_as: BTreeSet<Digest>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sample_is_an_amount_of_bytes_with_a_bound() {
        let read = |text: &str| text.parse::<Sample>().map(Sample::bytes);
        for (text, bytes) in [("0", 0), ("100Mi", 100 << 20), ("1Gi", Sample::MOST), ("5k", 5000)] {
            assert_eq!(read(text), Ok(bytes), "{text}");
        }
        for text in ["", "-1", "1025Mi", "100MB", "much"] {
            assert_eq!(read(text), Err(InvalidSample), "{text}");
        }
    }
}
