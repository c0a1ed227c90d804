//! The port to registries: what an image is, whether it is whole, and bringing it to where it is needed.

use std::sync::Arc;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use super::{Carrier, Home, Host, Registries, RegistryCatalog, Tag};
use crate::digest::Digest;

/// Registries, as Plimsoll asks them. Every call ends within bounds of the implementation's own, but
/// [`ImageRegistry::ensure`], which ends when nothing moves any more.
///
/// Nothing is believed before its digest was checked, and nothing is answered from memory.
#[async_trait]
pub trait ImageRegistry: Send + Sync + 'static {
    /// What a tag points to at this moment; `None` where there is no such tag.
    async fn resolve(&self, home: &Home, tag: &Tag) -> Result<Option<Resolved>, Error>;

    /// How much of an image is there: every manifest read, every blob asked for. What cannot be known is an error.
    async fn presence(&self, home: &Home, digest: &Digest) -> Result<Presence, Error>;

    /// Brings an image to where it is to be, with everything that refers to it, byte for byte, and puts a tag there
    /// that keeps it. What is there is not sent again; what a killed process had read is gone on with. The same
    /// call again changes nothing. `on` is told how far it has come.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] where the source does not have it, or not all of it.
    async fn ensure(&self, copy: &Copy, on: &(dyn Fn(Bytes) + Send + Sync)) -> Result<Copied, Error>;

    /// Removes an image, so that the registry's own clean-up takes what only it needs, unless it is part of one of
    /// `kept`: one of the platforms of an index, or what refers to it. What is gone is no error.
    /// With [`Removing::Check`] it answers the same and removes nothing.
    async fn remove(
        &self,
        home: &Home,
        digest: &Digest,
        kept: &[Digest],
        removing: Removing,
    ) -> Result<Removal, Error>;

    /// What an image says about itself; `None` where it is not there.
    async fn describe(&self, home: &Home, digest: &Digest) -> Result<Option<ImageDescription>, Error>;
}

/// The registries of an installation, and the way to ask them.
#[derive(Clone)]
pub struct Images {
    /// Which there are.
    pub registries: Registries,
    /// The way to ask them for an image.
    pub registry: Arc<dyn ImageRegistry>,
    /// The way to ask what they are and what lies in them.
    pub catalog: Arc<dyn RegistryCatalog>,
    /// The way to work that takes long.
    pub carrier: Arc<dyn Carrier>,
}

/// What a tag points to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Resolved {
    /// The image.
    pub digest: Digest,
    /// The type of its manifest.
    pub media_type: String,
    /// What it runs on, such as `linux/amd64`; empty where it does not say.
    pub platforms: Vec<String>,
}

/// How much of an image is in a repository.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum Presence {
    /// All of it.
    Whole,
    /// So many of its parts are not, or not as they should be.
    Incomplete(usize),
    /// Nothing of it.
    Absent,
}

/// Whether an image is removed, or only looked at for whether it would be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Removing {
    /// It is removed.
    Do,
    /// It is only looked at.
    Check,
}

/// What became of an image that was to be removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Removal {
    /// It is not there any more.
    Removed,
    /// It was not there.
    Absent,
    /// It stays: it is part of this one, which is kept.
    PartOf(Digest),
}

/// An image that is to be somewhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Copy {
    /// The image.
    pub digest: Digest,
    /// Where it is.
    pub from: Home,
    /// Where it is to be.
    pub to: Home,
}

impl Copy {
    /// The tag that keeps the image where it is brought to: without one it would be garbage there. It says what it
    /// points to, so it is never moved.
    pub fn keeps(digest: &Digest) -> String {
        format!("plimsoll-{}", digest.short(64))
    }
}

/// How far a copy has come, by the sizes of all that the image consists of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Bytes {
    /// What is there.
    pub done: u64,
    /// All of it.
    pub total: u64,
}

/// What a copy took.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Copied {
    /// Bytes of blobs that were sent.
    pub sent: u64,
}

/// What an image says about itself. Nothing of it is checked against anything; what it does not say is unknown.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ImageDescription {
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
    /// The image that it is built on.
    pub base_name: Option<String>,
    /// Which of them.
    pub base_digest: Option<String>,
    /// What it runs on.
    pub platforms: Vec<String>,
    /// Bytes of its configuration and its layers, as they are stored.
    pub size: u64,
}

/// The closed set of reasons for which a registry gives no answer that can be acted on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// It answers that it does not have it.
    NotFound,
    /// It answers, and does not let us.
    Refused,
    /// It does not answer.
    Unreachable,
    /// It answers something that nothing can be concluded from.
    Unsure,
}

/// Why a registry gave no answer that can be acted on.
#[derive(Debug, thiserror::Error)]
#[error("the registry {registry} {}: {message}", match kind {
    ErrorKind::NotFound => "does not have it",
    ErrorKind::Refused => "refuses it",
    ErrorKind::Unreachable => "does not answer",
    ErrorKind::Unsure => "gives no answer to rely on",
})]
pub struct Error {
    /// Which reason it is.
    pub kind: ErrorKind,
    /// The registry.
    pub registry: Host,
    /// What was tried, and what it said.
    pub message: String,
    /// What lies beneath, for the log.
    #[source]
    pub source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl Error {
    /// An error of a registry.
    pub fn new(kind: ErrorKind, registry: &Host, message: impl Into<String>) -> Self {
        Self { kind, registry: registry.clone(), message: message.into(), source: None }
    }
}
