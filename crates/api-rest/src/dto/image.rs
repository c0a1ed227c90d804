//! Images: what one is, where it lies, and where it runs.

use plimsoll_core::image::{ImageDescription, Inspected, Part};
use plimsoll_core::view::{
    AppPods, ImageDcView, ImageUse, ImageView, PlaceState, PlaceView, PodsView, RemovedView, WhereaboutsView,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// An image. What it says about itself is checked against nothing; what it does not say is absent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Image {
    /// Where it lies: `registry.example.com/shop/web`.
    pub repository: String,
    /// The digest of its manifest, or of its index.
    pub digest: String,
    /// The type of that.
    pub media_type: String,
    /// What it runs on, such as `linux/amd64`; empty where it does not say.
    pub platforms: Vec<String>,
    /// Bytes of its configuration and its layers, as they are stored; of an index, those of its first image.
    pub size: u64,
    /// Where its source is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// Which commit of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revision: Option<String>,
    /// Its version, or its build.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// When it was built, as it says it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created: Option<String>,
    /// Who built it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authors: Option<String>,
    /// The image that it is built on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base_name: Option<String>,
    /// Which of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base_digest: Option<String>,
    /// What an index consists of, in its order; absent for an image of one platform.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parts: Vec<ImagePart>,
}

/// A manifest of an index.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ImagePart {
    /// Its digest.
    pub digest: String,
    /// What it runs on; absent for what is no image, such as an attestation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub platform: Option<String>,
    /// Its type.
    pub media_type: String,
}

/// Where an image is, which Releases keep it, and where it runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ImageWhereabouts {
    /// Where it was named to lie.
    pub repository: String,
    /// The image.
    pub digest: String,
    /// How much of it is where it was named to lie; absent where that is where a data center pulls it from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub there: Option<ImagePlace>,
    /// What each data center has of it, by name.
    pub data_centers: Vec<ImageDataCenter>,
    /// The Releases that keep it, by App and number: it may be gone back to them; the first hundred.
    pub releases: Vec<ImageRelease>,
    /// How many there are.
    pub release_count: usize,
    /// What else is worth knowing, a sentence each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

/// What a data center has of an image.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ImageDataCenter {
    /// The data center.
    pub data_center: String,
    /// Where it pulls the image from, and how much of it is there.
    #[serde(flatten)]
    pub place: ImagePlace,
    /// The pods that run it, of the apps that keep it; absent where nobody knows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub running: Option<Vec<ImagePods>>,
    /// Why nobody knows what runs there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub running_unknown: Option<String>,
}

/// How much of an image is in a repository.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ImagePlace {
    /// The repository.
    pub repository: String,
    /// How much.
    pub state: ImagePresence,
    /// Why that is so where it is not whole, in a sentence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// Blobs that are there in the right size.
    pub blobs: usize,
    /// Blobs that were read to their end and are what their digests say.
    pub reread_blobs: usize,
    /// What is missing or damaged, a sentence each; the first twenty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub faults: Vec<String>,
}

/// How much of an image is in a repository, in a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub enum ImagePresence {
    /// All of it.
    Whole,
    /// Something of it is missing, or is not what it should be.
    Broken,
    /// Nothing of it.
    Absent,
    /// Nobody knows.
    Unknown,
}

/// How many pods of an App run an image.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ImagePods {
    /// The Namespace of the App.
    pub namespace: String,
    /// The App.
    pub app: String,
    /// How many.
    pub pods: usize,
}

/// A Release that keeps an image.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ImageRelease {
    /// The Namespace of the App.
    pub namespace: String,
    /// The App.
    pub app: String,
    /// The number of the Release.
    pub release: u64,
}

/// An image that was removed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ImageRemoval {
    /// Where it lay.
    pub repository: String,
    /// The image.
    pub digest: String,
    /// What else is worth knowing, a sentence each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

impl From<ImageView> for Image {
    fn from(view: ImageView) -> Self {
        let ImageView { home, image: Inspected { digest, media_type, parts, description } } = view;
        let ImageDescription {
            created,
            authors,
            source,
            revision,
            version,
            base_name,
            base_digest,
            platforms,
            size,
        } = description;
        Self {
            repository: home.into(),
            digest: digest.to_string(),
            media_type,
            platforms,
            size,
            source,
            revision,
            version,
            created,
            authors,
            base_name,
            base_digest,
            parts: parts.into_iter().map(ImagePart::from).collect(),
        }
    }
}

impl From<Part> for ImagePart {
    fn from(part: Part) -> Self {
        let Part { digest, platform, media_type } = part;
        Self { digest, platform, media_type }
    }
}

impl From<WhereaboutsView> for ImageWhereabouts {
    fn from(view: WhereaboutsView) -> Self {
        let WhereaboutsView { home, digest, there, dcs, uses, use_count, notes } = view;
        Self {
            repository: home.into(),
            digest: digest.to_string(),
            there: there.map(ImagePlace::from),
            data_centers: dcs.into_iter().map(ImageDataCenter::from).collect(),
            releases: uses.into_iter().map(ImageRelease::from).collect(),
            release_count: use_count,
            notes,
        }
    }
}

impl From<ImageDcView> for ImageDataCenter {
    fn from(view: ImageDcView) -> Self {
        let ImageDcView { dc, place, pods } = view;
        let (running, running_unknown) = match pods {
            PodsView::Known(apps) => (Some(apps.into_iter().map(ImagePods::from).collect()), None),
            PodsView::Unknown(why) => (None, Some(why)),
        };
        Self { data_center: dc.into(), place: place.into(), running, running_unknown }
    }
}

impl From<PlaceView> for ImagePlace {
    fn from(view: PlaceView) -> Self {
        let PlaceView { home, state, message, blobs, reread, faults } = view;
        Self { repository: home.into(), state: state.into(), message, blobs, reread_blobs: reread, faults }
    }
}

impl From<PlaceState> for ImagePresence {
    fn from(state: PlaceState) -> Self {
        match state {
            PlaceState::Whole => Self::Whole,
            PlaceState::Broken => Self::Broken,
            PlaceState::Absent => Self::Absent,
            PlaceState::Unknown => Self::Unknown,
        }
    }
}

impl From<AppPods> for ImagePods {
    fn from(view: AppPods) -> Self {
        let AppPods { app, pods } = view;
        Self { namespace: app.namespace.into(), app: app.name.into(), pods }
    }
}

impl From<ImageUse> for ImageRelease {
    fn from(used: ImageUse) -> Self {
        let ImageUse { app, release } = used;
        Self { namespace: app.namespace.into(), app: app.name.into(), release: release.get() }
    }
}

impl From<RemovedView> for ImageRemoval {
    fn from(view: RemovedView) -> Self {
        let RemovedView { home, digest, notes } = view;
        Self { repository: home.into(), digest: digest.to_string(), notes }
    }
}
