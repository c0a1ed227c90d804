//! Registries and images, as they are shown.

use jiff::Timestamp;
use serde::Serialize;

use crate::digest::Digest;
use crate::image::{Home, Host, Inspected, Prefix, RegistryTrait, Scheme};
use crate::name::{AppRef, DcName, ReleaseNumber};

/// A registry of the installation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RegistryView {
    /// Where it is.
    pub host: Host,
    /// How it is spoken to.
    pub scheme: Scheme,
    /// Which data centers pull from it, and from where in it, by name.
    pub pulls: Vec<Pull>,
    /// How it behaves, as it was found last; empty where nobody has looked yet.
    pub traits: Vec<RegistryTrait>,
    /// When that was found.
    pub probed: Option<Timestamp>,
}

/// Where a data center pulls images from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Pull {
    /// The data center.
    pub dc: DcName,
    /// What stands before the repositories that are kept for it.
    pub prefix: Prefix,
}

/// One page of what a registry lists.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Listed<T> {
    /// In the order of their bytes.
    pub items: Vec<T>,
    /// What to send for the next page; none on the last.
    pub next: Option<String>,
    /// Why something is missing in the list as a whole, or may be, as `because …`; none: nothing is.
    pub incomplete: Option<String>,
    /// What else is worth knowing, a sentence each.
    pub notes: Vec<String>,
}

/// An image.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ImageView {
    /// Where it lies.
    pub home: Home,
    /// What it is, and what it says about itself.
    pub image: Inspected,
}

/// Where an image is, which Releases keep it, and where it runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct WhereaboutsView {
    /// Where it was named to lie.
    pub home: Home,
    /// The image.
    pub digest: Digest,
    /// How much of it is where it was named to lie, where no data center pulls it from there.
    pub there: Option<PlaceView>,
    /// What each data center has of it, by name.
    pub dcs: Vec<ImageDcView>,
    /// The Releases that keep it, by App and number; the first hundred.
    pub uses: Vec<ImageUse>,
    /// How many there are.
    pub use_count: usize,
    /// What else is worth knowing, a sentence each.
    pub notes: Vec<String>,
}

/// What a data center has of an image.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ImageDcView {
    /// The data center.
    pub dc: DcName,
    /// Where it pulls the image from, and how much of it is there.
    pub place: PlaceView,
    /// Whether its pods could be asked.
    pub pods: PodsView,
}

/// Which pods of a data center run an image.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub enum PodsView {
    /// These, by App.
    Known(Vec<AppPods>),
    /// Nobody knows, because of this.
    Unknown(String),
}

/// How many pods of an App run an image.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AppPods {
    /// The App.
    pub app: AppRef,
    /// How many.
    pub pods: usize,
}

/// How much of an image is in a repository.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PlaceView {
    /// The repository.
    pub home: Home,
    /// How much.
    pub state: PlaceState,
    /// Why that is so where it is not whole, in a sentence.
    pub message: Option<String>,
    /// Blobs that are there in the right size.
    pub blobs: usize,
    /// Blobs that were read to their end and are what their digests say.
    pub reread: usize,
    /// What is missing or damaged, a sentence each; the first twenty.
    pub faults: Vec<String>,
}

/// How much of an image is in a repository, in a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum PlaceState {
    /// All of it.
    Whole,
    /// Something of it is missing, or is not what it should be.
    Broken,
    /// Nothing of it.
    Absent,
    /// Nobody knows.
    Unknown,
}

/// A Release that keeps an image: it may be gone back to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct ImageUse {
    /// Its App.
    pub app: AppRef,
    /// Its number.
    pub release: ReleaseNumber,
}

/// What became of an image that was to be removed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RemovedView {
    /// Where it lay.
    pub home: Home,
    /// The image.
    pub digest: Digest,
    /// What else is worth knowing, a sentence each.
    pub notes: Vec<String>,
}
