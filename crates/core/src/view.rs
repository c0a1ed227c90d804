//! What the faces of Plimsoll show: the records joined with what the data centers say right now.

mod grades;
mod image;
mod image_operation;

use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;

use plimsoll_qos::GradeName;

use crate::breaker::Stop;
use crate::cluster::{Drift, Finding, Power, Replicas};
use crate::digest::Digest;
use crate::fold::OperationState;
use crate::image::{Bytes, Preflight};
use crate::ledger::Revision;
use crate::live::Prepared;
use crate::name::{AppRef, AppUid, DcName, NamespaceName, OperationId, ReleaseNumber};
use crate::record::{DcState, Decision, Environment, Kind, OutcomeState, Pin};
use crate::scale::{Replication, Scale};

pub use grades::{ContainerSize, GradeChange, GradeView, PolicyChange, PolicyView, SizedAmount, TermsView};
pub use image::{
    AppPods, ImageDcView, ImageUse, ImageView, Listed, PlaceState, PlaceView, PodsView, Pull, RegistryView,
    RemovedView, WhereaboutsView,
};
pub use image_operation::{
    AnyOperation, ImageAccepted, ImageOperationView, ImagePlanView, ImageTargetState, ImageTargetView,
    PlannedTarget, Steered,
};

/// What `If-Match` compares: it changes whenever somebody changes what an App aims at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Etag(pub Revision);

impl std::fmt::Display for Etag {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "\"{}\"", self.0)
    }
}

impl std::str::FromStr for Etag {
    type Err = crate::error::Violation;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let bare = text.strip_prefix('"').and_then(|t| t.strip_suffix('"')).unwrap_or(text);
        bare.parse().map(|revision| Self(Revision(revision))).map_err(|_| {
            crate::error::Violation::new(
                "If-Match",
                format!("{text:?} is no etag"),
                "send the etag of the App as it was answered, or leave it out",
            )
        })
    }
}

/// One page of a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Paged<T> {
    /// In a stable order.
    pub items: Vec<T>,
    /// What to send for the next page; none on the last.
    pub next: Option<String>,
    /// What else is worth knowing, a sentence each.
    pub notes: Vec<String>,
}

impl<T> Paged<T> {
    /// A page of which nothing else is worth knowing.
    pub fn new(items: Vec<T>, next: Option<String>) -> Self {
        Self { items, next, notes: Vec::new() }
    }
}

/// An App.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AppView {
    /// Namespace and name.
    pub app: AppRef,
    /// This life of the name.
    pub uid: AppUid,
    /// For `If-Match`.
    pub etag: Etag,
    /// Who answers for it.
    pub owner: Option<String>,
    /// What it is.
    pub description: Option<String>,
    /// For finding it.
    pub labels: std::collections::BTreeMap<String, String>,
    /// Importance.
    pub grade: GradeName,
    /// What the Release aimed at got for its grade.
    pub terms: TermsView,
    /// A sentence where the installation has other terms for that grade now, or has it no more.
    pub grade_note: Option<String>,
    /// What each container of that Release may use and what is requested for it; the main one first.
    pub sizes: Vec<ContainerSize>,
    /// The Release aimed at.
    pub release: ReleaseNumber,
    /// The digest of its content.
    pub content: Digest,
    /// The image of the main container.
    pub image: String,
    /// How much of it runs where.
    pub scale: Scale,
    /// Whether it runs.
    pub power: Power,
    /// Why it takes no publish, if it takes none.
    pub pin: Option<Pin>,
    /// How it fares, over all data centers.
    pub health: Health,
    /// How it fares in each.
    pub dcs: Vec<AppDcView>,
    /// The newest Operation, of any track.
    pub operation: Option<OperationId>,
    /// When this life began.
    pub created: Timestamp,
    /// Who changed the aim last.
    pub changed_by: String,
    /// When.
    pub changed: Timestamp,
}

/// How an App fares.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
pub enum Health {
    /// As ordered.
    Healthy,
    /// On its way.
    Progressing,
    /// Not as ordered, or only in part.
    Degraded,
    /// No pods are ordered.
    Offline,
    /// Nobody knows: the data center does not answer.
    Unknown,
}

/// How an App fares in one data center.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AppDcView {
    /// The data center.
    pub dc: DcName,
    /// Whether it takes Orders.
    pub dc_state: DcState,
    /// The Release ordered there; none before its first gate opened.
    pub release: Option<ReleaseNumber>,
    /// The Release that was seen there last; none where none was.
    pub seen: Option<ReleaseNumber>,
    /// Whether the data center answers; none where this process does not talk to it.
    pub reach: Option<Reach>,
    /// How many are ordered there, zero while it is offline; none before its first gate opened.
    pub replication: Option<Replication>,
    /// How it fares there.
    pub health: Health,
    /// Pods there, by the data center's newest word on the present Order; as of the outage's begin in one.
    pub replicas: Option<Replicas>,
    /// Why it is not as ordered.
    pub findings: Vec<Finding>,
    /// What others changed and was put right.
    pub drift: Vec<Drift>,
}

/// An Operation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct OperationView {
    /// Its id.
    pub id: OperationId,
    /// What it does.
    pub kind: Kind,
    /// The App.
    pub app: AppRef,
    /// The Release that it brings, or that was the head when it was accepted.
    pub release: ReleaseNumber,
    /// The Release that was the head before.
    pub from: Option<ReleaseNumber>,
    /// How it stands.
    pub state: OperationState,
    /// Why, in a sentence.
    pub message: Option<String>,
    /// What took its place.
    pub superseded_by: Option<OperationId>,
    /// How it stands in each data center.
    pub dcs: Vec<OutcomeView>,
    /// Who asked for it.
    pub by: String,
    /// Why.
    pub reason: Option<String>,
    /// When it was accepted.
    pub created: Timestamp,
    /// When it ended.
    pub ended: Option<Timestamp>,
}

/// How an Operation stands in one data center.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct OutcomeView {
    /// The data center.
    pub dc: DcName,
    /// Where it stands.
    pub state: OutcomeState,
    /// Why, as a stable key.
    pub reason: Option<String>,
    /// Why, in a sentence.
    pub message: Option<String>,
    /// Since when.
    pub since: Timestamp,
    /// Pods there, live, where the data center has answered for this Order.
    pub replicas: Option<Replicas>,
    /// The images there of the Release that it brings, live, where somebody looks for them.
    pub images: Option<ImagesView>,
}

/// How it stands with the images of a Release in a data center.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ImagesView {
    /// How it stands.
    pub state: ImagesState,
    /// Which image and why, in a sentence.
    pub message: Option<String>,
    /// How far the copy of it has come, while one is copied.
    pub bytes: Option<Bytes>,
}

/// How it stands with the images of a Release in a data center.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
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

impl From<Prepared> for ImagesView {
    fn from(prepared: Prepared) -> Self {
        let Prepared { release: _, state, bytes } = prepared;
        let message = state.message().map(str::to_owned);
        let state = match state {
            Preflight::Ready => ImagesState::Whole,
            Preflight::Unknown | Preflight::Looking => ImagesState::Looking,
            Preflight::Copying(_) => ImagesState::Copying,
            Preflight::Missing(_) => ImagesState::Missing,
            Preflight::Silent(..) => ImagesState::Unknown,
        };
        Self { state, message, bytes }
    }
}

/// A Release.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ReleaseView {
    /// Its number.
    pub number: ReleaseNumber,
    /// Whether it is the head.
    pub head: bool,
    /// The digest of its content.
    pub content: Digest,
    /// The digest of the Release before it.
    pub previous: Option<Digest>,
    /// The image.
    pub image: String,
    /// The Release whose content a rollback brought back.
    pub back_to: Option<ReleaseNumber>,
    /// Whether its publish succeeded, and when.
    pub succeeded: Option<Timestamp>,
    /// Whether it was rolled back from, and when.
    pub rolled_back: Option<Timestamp>,
    /// The Operation that made it.
    pub operation: OperationId,
    /// Who made it.
    pub by: String,
    /// Why.
    pub reason: Option<String>,
    /// When.
    pub created: Timestamp,
}

/// What an apply would change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DiffView {
    /// The Release compared with; none where the App is not there yet.
    pub release: Option<ReleaseNumber>,
    /// What differs, in the order of the document.
    pub changes: Vec<Change>,
    /// What an apply would say beside it, such as that it leaves the scale alone.
    pub notes: Vec<String>,
}

/// One difference.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Change {
    /// Where, as `spec.image`.
    pub path: String,
    /// What the head has; none where it has nothing.
    pub before: Option<Value>,
    /// What the document has; none where it has nothing.
    pub after: Option<Value>,
}

/// The answer to a write.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Accepted {
    /// The App that it was about.
    pub app: AppRef,
    /// What it started; none where nothing had to change, or it was only validated.
    pub operation: Option<OperationView>,
    /// Of a publish: what each container may use and what is requested for it; the main one first.
    pub sizes: Vec<ContainerSize>,
    /// What else is worth knowing, a sentence each.
    pub notes: Vec<String>,
}

/// An installation with its data centers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct InstallationView {
    /// Its id.
    pub id: String,
    /// For people.
    pub name: String,
    /// Which rules hold.
    pub environment: Environment,
}

/// A data center.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DcView {
    /// Its name.
    pub name: DcName,
    /// For `If-Match`.
    pub etag: Etag,
    /// Whether it takes Orders.
    pub state: DcState,
    /// Why it does not, or what else is to be known about it, with what to do.
    pub message: Option<String>,
    /// The uid of its cluster.
    pub cluster_uid: String,
    /// Why it is held, the oldest first; empty unless it is.
    pub stops: Vec<Stop>,
    /// What an operator decided last about it.
    pub decision: Option<Decision>,
    /// Apps found there that the ledger does not know; they are left alone. Only where one data center is
    /// shown, and at most a hundred.
    pub strangers: Vec<AppRef>,
    /// Whether it answers, and if not, why; none where this process does not talk to it.
    pub reach: Option<Reach>,
    /// When it was added.
    pub added: Timestamp,
}

/// Whether a data center answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub enum Reach {
    /// It does.
    Connected,
    /// It does not.
    Unreachable(Outage),
}

/// A time in which a data center does not answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Outage {
    /// Why, in a sentence, as far as it is known.
    pub why: String,
    /// Since when, as the process saw it that answers.
    pub since: Timestamp,
}

/// A Namespace.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct NamespaceView {
    /// Its name.
    pub name: NamespaceName,
    /// Who made it.
    pub by: String,
    /// When.
    pub created: Timestamp,
    /// The data centers that are seen to have it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub data_centers: Vec<NamespaceSight>,
}

/// A Namespace in a data center.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct NamespaceSight {
    /// The data center.
    pub name: DcName,
    /// What there stands against Apps, in sentences: ranges and quotas of others that refuse their pods.
    pub notes: Vec<String>,
}
