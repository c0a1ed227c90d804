//! Operations.

use jiff::Timestamp;
use plimsoll_core::fold;
use plimsoll_core::name::AppRef;
use plimsoll_core::record;
use plimsoll_core::view::{self, ImagesView, OperationView, OutcomeView};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{ContainerSize, Replicas};

/// A long-running change of an App.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Operation {
    /// Its id.
    pub id: String,
    /// What it does.
    pub kind: OperationKind,
    /// The Namespace of the App.
    pub namespace: String,
    /// The name of the App.
    pub app: String,
    /// The Release that it brings, or that was the head when it was accepted.
    pub release: u64,
    /// The Release that was the head before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<u64>,
    /// How it stands.
    pub state: OperationState,
    /// Why, in a sentence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// The id of the Operation that took its place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub superseded_by: Option<String>,
    /// How it stands in each data center.
    pub data_centers: Vec<Outcome>,
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

/// How an Operation stands in one data center.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Outcome {
    /// The name of the data center.
    pub data_center: String,
    /// Where it stands.
    pub state: OutcomeState,
    /// Why, as a stable key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Why, in a sentence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// Since when.
    pub since: Timestamp,
    /// Pods there, live, where the data center has answered for this Order.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replicas: Option<Replicas>,
    /// The images there of the Release that it brings, live, where somebody looks for them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub images: Option<OutcomeImages>,
}

/// How it stands with the images of a Release in a data center.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct OutcomeImages {
    /// How it stands.
    pub state: ImagesState,
    /// Which image and why, in a sentence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// How many bytes of the image that is being copied are there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub done_bytes: Option<u64>,
    /// How many it has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub total_bytes: Option<u64>,
}

/// How it stands with the images of a Release in a data center.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub enum ImagesState {
    /// They are looked for.
    Looking,
    /// One is not whole there and is being copied.
    Copying,
    /// All are there.
    Whole,
    /// One is in no registry.
    Missing,
    /// A registry does not say.
    Unknown,
}

/// What an Operation does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub enum OperationKind {
    /// The first Release of an App.
    GoLive,
    /// A further Release.
    Upgrade,
    /// A Release with old content.
    Rollback,
    /// Another scale.
    Scale,
    /// All pods anew.
    Restart,
    /// No pods.
    Offline,
    /// Pods again.
    Online,
    /// The App and everything that was made for it, gone.
    Delete,
}

/// How an Operation stands as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub enum OperationState {
    /// It goes on.
    Running,
    /// A person stopped it for now.
    Paused,
    /// It cannot go on by itself.
    Held,
    /// As its policy asked.
    Succeeded,
    /// As its policy asked; some data centers get it on their return.
    SucceededOwing,
    /// It cannot succeed.
    Failed,
    /// Its automatic rollback took its place.
    RolledBack,
    /// A person ended it.
    Aborted,
    /// A newer Operation took its place.
    Superseded,
}

/// Where an Operation stands in one data center.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub enum OutcomeState {
    /// Its gate is closed.
    Waiting,
    /// Its Order is written.
    Sent,
    /// The data center works on it.
    Progressing,
    /// As ordered, on fresh evidence.
    Healthy,
    /// It did not become healthy.
    Failed,
    /// The data center cannot be written to now; it gets its newest Order on return.
    Owed,
    /// Changed locally while cut off.
    Diverged,
    /// Something newer took its place.
    Superseded,
    /// Nothing is ordered, and nothing is there.
    Done,
}

/// The answer to a write.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Accepted {
    /// The Namespace of the App that it was about.
    pub namespace: String,
    /// The name of that App.
    pub app: String,
    /// What it started; absent where nothing had to change, or it was only validated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operation: Option<Operation>,
    /// Of a publish: what each container may use and what is requested for it; the main one first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sizes: Vec<ContainerSize>,
    /// What else is worth knowing, a sentence each.
    #[serde(default)]
    pub notes: Vec<String>,
}

impl OperationState {
    /// Whether nothing more follows.
    pub fn is_final(self) -> bool {
        !matches!(self, Self::Running | Self::Paused | Self::Held)
    }
}

impl From<OperationView> for Operation {
    fn from(view: OperationView) -> Self {
        let OperationView {
            id,
            kind,
            app: AppRef { namespace, name },
            release,
            from,
            state,
            message,
            superseded_by,
            dcs,
            by,
            reason,
            created,
            ended,
        } = view;
        Self {
            id: id.to_string(),
            kind: kind.into(),
            namespace: namespace.into(),
            app: name.into(),
            release: release.get(),
            from: from.map(u64::from),
            state: state.into(),
            message,
            superseded_by: superseded_by.map(|id| id.to_string()),
            data_centers: dcs.into_iter().map(Outcome::from).collect(),
            by,
            reason,
            created,
            ended,
        }
    }
}

impl From<OutcomeView> for Outcome {
    fn from(view: OutcomeView) -> Self {
        let OutcomeView { dc, state, reason, message, since, replicas, images } = view;
        Self {
            data_center: dc.into(),
            state: state.into(),
            reason,
            message,
            since,
            replicas: replicas.map(Replicas::from),
            images: images.map(OutcomeImages::from),
        }
    }
}

impl From<view::Accepted> for Accepted {
    fn from(accepted: view::Accepted) -> Self {
        let view::Accepted { app: AppRef { namespace, name }, operation, sizes, notes } = accepted;
        Self {
            namespace: namespace.into(),
            app: name.into(),
            operation: operation.map(Operation::from),
            sizes: sizes.into_iter().map(ContainerSize::from).collect(),
            notes,
        }
    }
}

impl From<record::Kind> for OperationKind {
    fn from(kind: record::Kind) -> Self {
        match kind {
            record::Kind::GoLive => Self::GoLive,
            record::Kind::Upgrade => Self::Upgrade,
            record::Kind::Rollback => Self::Rollback,
            record::Kind::Scale => Self::Scale,
            record::Kind::Restart => Self::Restart,
            record::Kind::Offline => Self::Offline,
            record::Kind::Online => Self::Online,
            record::Kind::Delete => Self::Delete,
        }
    }
}

impl From<fold::OperationState> for OperationState {
    fn from(state: fold::OperationState) -> Self {
        match state {
            fold::OperationState::Running => Self::Running,
            fold::OperationState::Paused => Self::Paused,
            fold::OperationState::Held => Self::Held,
            fold::OperationState::Succeeded => Self::Succeeded,
            fold::OperationState::SucceededOwing => Self::SucceededOwing,
            fold::OperationState::Failed => Self::Failed,
            fold::OperationState::RolledBack => Self::RolledBack,
            fold::OperationState::Aborted => Self::Aborted,
            fold::OperationState::Superseded => Self::Superseded,
        }
    }
}

impl From<record::OutcomeState> for OutcomeState {
    fn from(state: record::OutcomeState) -> Self {
        match state {
            record::OutcomeState::Waiting => Self::Waiting,
            record::OutcomeState::Sent => Self::Sent,
            record::OutcomeState::Progressing => Self::Progressing,
            record::OutcomeState::Healthy => Self::Healthy,
            record::OutcomeState::Failed => Self::Failed,
            record::OutcomeState::Owed => Self::Owed,
            record::OutcomeState::Diverged => Self::Diverged,
            record::OutcomeState::Superseded => Self::Superseded,
            record::OutcomeState::Done => Self::Done,
        }
    }
}

impl From<ImagesView> for OutcomeImages {
    fn from(view: ImagesView) -> Self {
        let ImagesView { state, message, bytes } = view;
        Self {
            state: state.into(),
            message,
            done_bytes: bytes.map(|bytes| bytes.done),
            total_bytes: bytes.map(|bytes| bytes.total),
        }
    }
}

impl From<view::ImagesState> for ImagesState {
    fn from(state: view::ImagesState) -> Self {
        match state {
            view::ImagesState::Looking => Self::Looking,
            view::ImagesState::Copying => Self::Copying,
            view::ImagesState::Whole => Self::Whole,
            view::ImagesState::Missing => Self::Missing,
            view::ImagesState::Unknown => Self::Unknown,
        }
    }
}
