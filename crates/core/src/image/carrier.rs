//! The port to work that takes long: copying an image to several places, keeping repositories equal, and looking
//! whether what is there is whole.

use std::time::Duration;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use super::port::{Bytes, Error};
use super::{Home, Tag, TagChoice, Window};
use crate::digest::Digest;

/// Carries images between registries. Every target goes its own way: one that is slow or does not answer delays no
/// other, and what it comes to is told when it is known. What is there is not sent again, so any of these may be called
/// again after whatever ended it; who drops one ends it.
#[async_trait]
pub trait Carrier: Send + Sync + 'static {
    /// What [`Carrier::copy`] would take. Nothing is written anywhere.
    ///
    /// # Errors
    /// Where the image cannot be read anywhere.
    async fn plan(&self, fan: &Fan) -> Result<FanPlan, Error>;

    /// Brings an image with everything that refers to it to every target, byte for byte, and puts the tag there when all
    /// of it was seen to be whole. A tag that points elsewhere stays, and that target fails. The source is read once
    /// for all of them. `on` is told of each target by its place how far it is, and once what it came to.
    ///
    /// # Errors
    /// Where the image cannot be read anywhere; then no target was told anything.
    async fn copy(&self, fan: &Fan, on: &(dyn Fn(usize, Step) + Send + Sync)) -> Result<(), Error>;

    /// What [`Carrier::sync`] would take at each target, in their order, as far as it is found out within `patience`.
    ///
    /// # Errors
    /// Where the source does not list its tags.
    async fn plan_sync(
        &self,
        mirroring: &Mirroring,
        patience: Duration,
    ) -> Result<Vec<Result<SyncPlan, Error>>, Error>;

    /// Brings the chosen tags of a repository to every target, as [`Carrier::copy`] does each. Tags that only a target
    /// has stay. A list of tags that may lack some is said to; what it has is brought.
    ///
    /// # Errors
    /// Where the source does not list its tags; then no target was told anything.
    async fn sync(
        &self,
        mirroring: &Mirroring,
        on: &(dyn Fn(usize, Step) + Send + Sync),
    ) -> Result<(), Error>;

    /// Looks whether an image, or every tag of a repository, is whole in one place: every manifest read, every blob
    /// asked for, and a sample of them read and checked.
    async fn verify(
        &self,
        examination: &Examination,
        on: &(dyn Fn(Advance) + Send + Sync),
    ) -> Result<Delivered, Error>;
}

/// An image that is to be in several places.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fan {
    /// The image.
    pub digest: Digest,
    /// Where it is read.
    pub from: Home,
    /// Where else it may be, if that does not give it.
    pub peers: Vec<Home>,
    /// Where it is to be.
    pub to: Vec<Home>,
    /// The tag that is to point to it there.
    pub tag: Tag,
    /// How fast and when, for each of them.
    pub pace: ImagePace,
}

/// Repositories that are to have what another has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mirroring {
    /// The other.
    pub source: Home,
    /// Which of its tags.
    pub choice: TagChoice,
    /// The repositories.
    pub to: Vec<Home>,
    /// How fast and when, for each of them.
    pub pace: ImagePace,
}

/// What is to be looked at in one place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Examination {
    /// The place.
    pub at: Home,
    /// The image; where there is none, what every tag points to.
    pub image: Option<Digest>,
    /// Of each image so many bytes are read and checked at most; which, is left to chance.
    pub sample: u64,
}

/// How fast bytes may go to a target, and when.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ImagePace {
    /// So many bytes in a second; as many as go where nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate: Option<u64>,
    /// While one of these is open; at any time where there is none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub windows: Vec<Window>,
}

/// What a copy would take.
#[derive(Debug)]
pub struct FanPlan {
    /// Bytes of the image with all that belongs to it.
    pub bytes: u64,
    /// How much refers to it, such as signatures and bills of materials.
    pub evidence: usize,
    /// Bytes that each target lacks, in their order.
    pub lacking: Vec<Result<u64, Error>>,
}

/// What bringing the tags of a repository to one target would take.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SyncPlan {
    /// Tags that were chosen.
    pub tags: u64,
    /// Those that the target has as they are.
    pub unchanged: u64,
    /// Bytes that it lacks for the others.
    pub bytes: u64,
    /// Why there may be more, if there may.
    pub incomplete: Option<String>,
}

/// What is told of a target.
#[derive(Debug)]
pub enum Step {
    /// It has come so far.
    Advanced(Advance),
    /// What it came to. Nothing follows.
    Ended(Result<Delivered, Error>),
}

/// How far a target has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Advance {
    /// By bytes; of tags, those that were found to be lacking so far.
    pub bytes: Bytes,
    /// By images, where there are several.
    pub images: Option<Items>,
    /// How long the rest takes at the present rate, if that is known.
    pub estimate: Option<Duration>,
    /// How long until a window opens, while none is.
    pub shut: Option<Duration>,
}

/// How many of how many.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Items {
    /// What is done.
    pub done: u64,
    /// All of them, as far as they are known.
    pub total: u64,
}

/// What a target came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Delivered {
    /// Bytes that were sent.
    pub sent: u64,
    /// How its images stand, where there are several.
    pub tally: Option<ImageTally>,
    /// What is wrong with those that are bad, in a sentence of bounded length.
    pub trouble: Option<String>,
    /// Why there may be more images than were seen, if there may.
    pub incomplete: Option<String>,
}

/// How several images stand.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ImageTally {
    /// All of them.
    pub total: u64,
    /// Those that were as they should be.
    pub good: u64,
    /// Those that were brought.
    pub copied: u64,
    /// Those that are not as they should be.
    pub bad: u64,
}
