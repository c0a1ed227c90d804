//! Operations on registries, and what asks for them.

use jiff::Timestamp;
use plimsoll_core::image::{Advance, Bytes, ImagePace, ImageTally, Items};
use plimsoll_core::record::ImageWork;
use plimsoll_core::usecase;
use plimsoll_core::{duration, view};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Accepted, Operation, OperationState};

/// An Operation; `kind` tells them apart.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(untagged)]
pub enum AnyOperation {
    /// One that changes an App.
    App(Box<Operation>),
    /// One on registries.
    Image(Box<ImageOperation>),
}

/// The answer to a word on an Operation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(untagged)]
pub enum Steered {
    /// On one that changes an App.
    App(Box<Accepted>),
    /// On one on registries.
    Image(Box<ImageAccepted>),
}

/// A long-running work on registries.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ImageOperation {
    /// Its id.
    pub id: String,
    /// What it does.
    pub kind: ImageOperationKind,
    /// The image or the repository, as it was named.
    pub subject: String,
    /// The digest of the image, where it is about one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
    /// Of a copy: the tag that is to point to the image.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tag: Option<String>,
    /// Of a sync: the patterns of tags; absent: all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
    /// Of a sync: so many of the newest; absent: all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub newest: Option<u64>,
    /// Of a verification: so many bytes of each image are read and checked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sample_bytes: Option<u64>,
    /// So many bytes go to each target in a second at most.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes_per_second: Option<u64>,
    /// When bytes may go; absent: always.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub windows: Vec<String>,
    /// How it stands: `Running`, `Succeeded`, `Failed` or `Aborted`.
    pub state: OperationState,
    /// Why, in a sentence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// How it stands at each target.
    pub targets: Vec<ImageTarget>,
    /// Who asked for it.
    pub by: String,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// When it was accepted.
    pub created: Timestamp,
    /// When it ended; absent while it goes on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<Timestamp>,
}

/// What an Operation on registries does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub enum ImageOperationKind {
    /// Brings an image to every target.
    CopyImage,
    /// Brings tags of a repository to every target.
    SyncImages,
    /// Looks at every target whether it is whole there.
    VerifyImages,
}

/// How an Operation on registries stands at one target.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ImageTarget {
    /// The data center, or the registry with a path in it, as it was named; several where they are the same place.
    pub target: String,
    /// The repository there.
    pub repository: String,
    /// Where it stands.
    pub state: ImageTargetState,
    /// Why, as a stable key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Why, in a sentence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// Since when; absent while nobody has begun.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
    /// Bytes that were sent, of one that has come to its end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sent_bytes: Option<u64>,
    /// How its images stand, where there are several and it has come to its end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub images: Option<ImageCounts>,
    /// How far it has come, live, while it is worked on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub progress: Option<ImageProgress>,
}

/// Where an Operation on registries stands at one target.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub enum ImageTargetState {
    /// Nobody has begun.
    Waiting,
    /// It is worked on.
    Running,
    /// All is there, and whole.
    Done,
    /// All that was listed is there, and the list may lack something.
    Incomplete,
    /// It is not there, or not whole.
    Failed,
    /// The Operation was ended before it came to its end here.
    Aborted,
}

/// How several images stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ImageCounts {
    /// All of them.
    pub total: u64,
    /// Those that were as they should be.
    pub good: u64,
    /// Those that were brought.
    pub copied: u64,
    /// Those that are not as they should be.
    pub bad: u64,
}

/// How far a target has come.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ImageProgress {
    /// Bytes that are there.
    pub done_bytes: u64,
    /// Bytes that are to be there, as far as they are known.
    pub total_bytes: u64,
    /// Images that were seen to, where there are several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub done_images: Option<u64>,
    /// All of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub total_images: Option<u64>,
    /// How long the rest takes at the present rate, such as `1m30s`; absent where that is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub left: Option<String>,
    /// How long until a window opens, while none is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub opens_in: Option<String>,
}

/// The answer to a request for work on registries.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ImageAccepted {
    /// What it started; absent where it was only validated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operation: Option<ImageOperation>,
    /// What it would take, where it was only validated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan: Option<ImagePlan>,
    /// What else is worth knowing, a sentence each.
    #[serde(default)]
    pub notes: Vec<String>,
}

/// What work on registries would take.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ImagePlan {
    /// Bytes of the image with all that belongs to it, where it is about one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u64>,
    /// How much refers to it, such as signatures and bills of materials.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evidence: Option<u64>,
    /// What each target lacks.
    pub targets: Vec<PlannedTarget>,
}

/// What work on registries would take at one target.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PlannedTarget {
    /// The data center, or the registry with a path in it.
    pub target: String,
    /// The repository there.
    pub repository: String,
    /// Bytes that it lacks; absent where it does not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u64>,
    /// Tags that were chosen, where it is about several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tags: Option<u64>,
    /// Those that it has as they are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unchanged: Option<u64>,
    /// Why that is not known, or not all, in a sentence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

/// An image that is to be in several places.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CopyImage {
    /// `HOST/REPOSITORY:TAG`, `HOST/REPOSITORY@sha256:DIGEST` or both together.
    pub image: String,
    /// Data centers, or `HOST/PATH`; absent: every data center that has a registry of its own.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub to: Vec<String>,
    /// The tag there; absent: that of the image, else one that keeps it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tag: Option<String>,
    /// Bytes in a second to each target at most, such as `50M`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate: Option<String>,
    /// When bytes may go, such as `22:00-06:00` or `mon-fri 22:00-06:00 +08:00`; absent: always.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub windows: Vec<String>,
}

/// Tags of a repository that are to be in several places.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SyncImages {
    /// `HOST/REPOSITORY`.
    pub repository: String,
    /// Data centers, or `HOST/PATH`; absent: every data center that has a registry of its own.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub to: Vec<String>,
    /// Patterns of tags, such as `1.4.*`, with `!` before what is left out; absent: all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
    /// So many of the newest by the versions that their names say; absent: all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub newest: Option<u32>,
    /// Bytes in a second to each target at most, such as `50M`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate: Option<String>,
    /// When bytes may go, such as `22:00-06:00` or `mon-fri 22:00-06:00 +08:00`; absent: always.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub windows: Vec<String>,
}

/// What is to be looked at whether it is whole.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct VerifyImages {
    /// An image, or `HOST/REPOSITORY` for every tag of it.
    pub subject: String,
    /// Data centers, or `HOST/PATH`; absent: every data center that has a registry of its own, and the place that the
    /// subject names.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub at: Vec<String>,
    /// So many bytes of each image are read and checked at most, such as `64Mi`; absent: 16Mi.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sample: Option<String>,
}

impl AnyOperation {
    /// Its id.
    pub fn id(&self) -> &str {
        match self {
            Self::App(operation) => &operation.id,
            Self::Image(operation) => &operation.id,
        }
    }

    /// How it stands.
    pub fn state(&self) -> OperationState {
        match self {
            Self::App(operation) => operation.state,
            Self::Image(operation) => operation.state,
        }
    }
}

impl From<view::AnyOperation> for AnyOperation {
    fn from(view: view::AnyOperation) -> Self {
        match view {
            view::AnyOperation::App(view) => Self::App(Box::new((*view).into())),
            view::AnyOperation::Image(view) => Self::Image(Box::new((*view).into())),
        }
    }
}

impl From<view::Steered> for Steered {
    fn from(steered: view::Steered) -> Self {
        match steered {
            view::Steered::App(accepted) => Self::App(Box::new((*accepted).into())),
            view::Steered::Image(accepted) => Self::Image(Box::new((*accepted).into())),
        }
    }
}

impl From<view::ImageOperationView> for ImageOperation {
    fn from(view: view::ImageOperationView) -> Self {
        let view::ImageOperationView { id, work, pace, state, message, targets, by, reason, created, ended } =
            view;
        let ImagePace { rate, windows } = pace;
        let subject = work.subject();
        let mut operation = Self {
            id: id.to_string(),
            kind: ImageOperationKind::CopyImage,
            subject,
            digest: None,
            tag: None,
            tags: Vec::new(),
            newest: None,
            sample_bytes: None,
            bytes_per_second: rate,
            windows: windows.iter().map(ToString::to_string).collect(),
            state: state.into(),
            message,
            targets: targets.into_iter().map(ImageTarget::from).collect(),
            by,
            reason,
            created,
            ended,
        };
        match work {
            ImageWork::CopyImage { image: _, digest, source: _, peers: _, tag } => {
                operation.digest = Some(digest.to_string());
                operation.tag = Some(tag.into());
            }
            ImageWork::SyncImages { source: _, choice } => {
                operation.kind = ImageOperationKind::SyncImages;
                operation.tags = choice.patterns.into_iter().map(String::from).collect();
                operation.newest = choice.newest.map(|newest| newest as u64);
            }
            ImageWork::VerifyImages { subject: _, digest, sample } => {
                operation.kind = ImageOperationKind::VerifyImages;
                operation.digest = digest.map(|digest| digest.to_string());
                operation.sample_bytes = Some(sample);
            }
        }
        operation
    }
}

impl From<view::ImageTargetView> for ImageTarget {
    fn from(view: view::ImageTargetView) -> Self {
        let view::ImageTargetView { name, at, state, reason, message, since, sent, tally, advance } = view;
        Self {
            target: name,
            repository: at.to_string(),
            state: state.into(),
            reason,
            message,
            since,
            sent_bytes: sent,
            images: tally.map(ImageCounts::from),
            progress: advance.map(ImageProgress::from),
        }
    }
}

impl From<view::ImageTargetState> for ImageTargetState {
    fn from(state: view::ImageTargetState) -> Self {
        match state {
            view::ImageTargetState::Waiting => Self::Waiting,
            view::ImageTargetState::Running => Self::Running,
            view::ImageTargetState::Done => Self::Done,
            view::ImageTargetState::Incomplete => Self::Incomplete,
            view::ImageTargetState::Failed => Self::Failed,
            view::ImageTargetState::Aborted => Self::Aborted,
        }
    }
}

impl From<ImageTally> for ImageCounts {
    fn from(tally: ImageTally) -> Self {
        let ImageTally { total, good, copied, bad } = tally;
        Self { total, good, copied, bad }
    }
}

impl From<Advance> for ImageProgress {
    fn from(advance: Advance) -> Self {
        let Advance { bytes: Bytes { done, total }, images, estimate, shut } = advance;
        Self {
            done_bytes: done,
            total_bytes: total,
            done_images: images.map(|Items { done, total: _ }| done),
            total_images: images.map(|Items { done: _, total }| total),
            left: estimate.map(duration::format),
            opens_in: shut.map(duration::format),
        }
    }
}

impl From<view::ImageAccepted> for ImageAccepted {
    fn from(accepted: view::ImageAccepted) -> Self {
        let view::ImageAccepted { operation, plan, notes } = accepted;
        Self { operation: operation.map(ImageOperation::from), plan: plan.map(ImagePlan::from), notes }
    }
}

impl From<view::ImagePlanView> for ImagePlan {
    fn from(view: view::ImagePlanView) -> Self {
        let view::ImagePlanView { bytes, evidence, targets } = view;
        Self { bytes, evidence, targets: targets.into_iter().map(PlannedTarget::from).collect() }
    }
}

impl From<view::PlannedTarget> for PlannedTarget {
    fn from(view: view::PlannedTarget) -> Self {
        let view::PlannedTarget { name, at, bytes, tags, message } = view;
        Self {
            target: name,
            repository: at.to_string(),
            bytes,
            tags: tags.map(|(tags, _)| tags),
            unchanged: tags.map(|(_, unchanged)| unchanged),
            message,
        }
    }
}

impl From<CopyImage> for usecase::ImageRequest {
    fn from(request: CopyImage) -> Self {
        let CopyImage { image, to, tag, rate, windows } = request;
        Self::Copy(usecase::CopyImage { image, to, tag, pace: usecase::PaceWanted { rate, windows } })
    }
}

impl From<SyncImages> for usecase::ImageRequest {
    fn from(request: SyncImages) -> Self {
        let SyncImages { repository, to, tags, newest, rate, windows } = request;
        let pace = usecase::PaceWanted { rate, windows };
        Self::Sync(usecase::SyncImages { repository, to, tags, newest, pace })
    }
}

impl From<VerifyImages> for usecase::ImageRequest {
    fn from(request: VerifyImages) -> Self {
        let VerifyImages { subject, at, sample } = request;
        Self::Verify(usecase::VerifyImages { subject, at, sample })
    }
}
