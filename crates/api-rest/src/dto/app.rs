//! Apps.

use std::collections::BTreeMap;

use jiff::Timestamp;
use plimsoll_core::cluster::{self, Power};
use plimsoll_core::name::AppRef;
use plimsoll_core::record;
use plimsoll_core::view::{self, AppDcView, AppView};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{ContainerSize, DataCenterState, Reach, Replicas, Replication, Scale, Terms};

/// An App: what it aims at, and how it fares.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct App {
    /// The Namespace that it lies in for good.
    pub namespace: String,
    /// Its name there.
    pub name: String,
    /// This life of the name: an App made again under the same name has another.
    pub uid: String,
    /// For `If-Match`: it changes whenever somebody changes what the App aims at.
    pub etag: String,
    /// Who answers for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    /// What it is, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// For finding it.
    #[serde(default)]
    pub labels: BTreeMap<String, String>,
    /// How important it is: the name of a grade.
    pub grade: String,
    /// What the Release aimed at got for that grade.
    pub terms: Terms,
    /// A sentence where the installation has other terms for the grade now, or has it no more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grade_note: Option<String>,
    /// What each container of that Release may use and what is requested for it; the main one first.
    pub sizes: Vec<ContainerSize>,
    /// The Release aimed at.
    pub release: u64,
    /// The digest of that Release's content.
    pub content: String,
    /// The image of the main container.
    pub image: String,
    /// How much of it runs where.
    pub scale: Scale,
    /// Whether it is to run.
    pub state: AppState,
    /// Why it takes no publish, if it takes none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pin: Option<Pin>,
    /// How it fares over all data centers.
    pub health: Health,
    /// How it fares in each.
    pub data_centers: Vec<AppDataCenter>,
    /// The id of the newest Operation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operation: Option<String>,
    /// When this life began.
    pub created: Timestamp,
    /// Who changed the aim last.
    pub changed_by: String,
    /// When.
    pub changed: Timestamp,
}

/// How an App fares in one data center.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AppDataCenter {
    /// The name of the data center.
    pub data_center: String,
    /// Whether it takes Orders.
    pub data_center_state: DataCenterState,
    /// The Release ordered there; absent before its first gate opened.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub release: Option<u64>,
    /// The Release that was seen there last; absent where none was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seen_release: Option<u64>,
    /// Whether the data center answers; absent where the answering process does not talk to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reach: Option<Reach>,
    /// How many are ordered there, zero while it is offline; absent before its first gate opened.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replication: Option<Replication>,
    /// How it fares there.
    pub health: Health,
    /// Pods there, by the data center's newest word on the present Order; where it does not answer, as of then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replicas: Option<Replicas>,
    /// Why it is not as ordered; the most telling first.
    #[serde(default)]
    pub findings: Vec<Finding>,
    /// What others changed and was put right.
    #[serde(default)]
    pub drift: Vec<Drift>,
}

/// Whether an App is to run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub enum AppState {
    /// It runs.
    Online,
    /// Its Service and config stay, its pods go.
    Offline,
}

/// How an App fares.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
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

/// Why an App takes no publish.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Pin {
    /// Who rolled it back.
    pub by: String,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// When.
    pub since: Timestamp,
    /// The Release that it was rolled back from.
    pub from: u64,
}

/// One reason why an App is not as ordered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Finding {
    /// A stable key, such as `QuotaExceeded`.
    pub reason: String,
    /// One sentence for the App's owner.
    pub message: String,
    /// Whether waiting longer cannot help.
    pub fatal: bool,
}

/// A field that somebody else changed on an object of ours, and that was put right.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Drift {
    /// The object, as `Deployment/shop`.
    pub object: String,
    /// The field; empty: the object was gone.
    pub field: String,
    /// The field manager that changed it, if the object says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub manager: Option<String>,
    /// When the change was made, if the object says so, else when it was seen.
    pub since: Timestamp,
}

impl From<AppView> for App {
    fn from(view: AppView) -> Self {
        let AppView {
            app: AppRef { namespace, name },
            uid,
            etag,
            owner,
            description,
            labels,
            grade,
            terms,
            grade_note,
            sizes,
            release,
            content,
            image,
            scale,
            power,
            pin,
            health,
            dcs,
            operation,
            created,
            changed_by,
            changed,
        } = view;
        Self {
            namespace: namespace.into(),
            name: name.into(),
            uid: uid.to_string(),
            etag: etag.to_string(),
            owner,
            description,
            labels,
            grade: grade.into(),
            terms: terms.into(),
            grade_note,
            sizes: sizes.into_iter().map(ContainerSize::from).collect(),
            release: release.get(),
            content: content.to_string(),
            image,
            scale: scale.into(),
            state: power.into(),
            pin: pin.map(Pin::from),
            health: health.into(),
            data_centers: dcs.into_iter().map(AppDataCenter::from).collect(),
            operation: operation.map(|id| id.to_string()),
            created,
            changed_by,
            changed,
        }
    }
}

impl From<AppDcView> for AppDataCenter {
    fn from(view: AppDcView) -> Self {
        let AppDcView { dc, dc_state, release, seen, reach, replication, health, replicas, findings, drift } =
            view;
        Self {
            data_center: dc.into(),
            data_center_state: dc_state.into(),
            release: release.map(u64::from),
            seen_release: seen.map(u64::from),
            reach: reach.map(Reach::from),
            replication: replication.map(Replication::from),
            health: health.into(),
            replicas: replicas.map(Replicas::from),
            findings: findings.into_iter().map(Finding::from).collect(),
            drift: drift.into_iter().map(Drift::from).collect(),
        }
    }
}

impl From<Power> for AppState {
    fn from(power: Power) -> Self {
        match power {
            Power::Online => Self::Online,
            Power::Offline => Self::Offline,
        }
    }
}

impl From<view::Health> for Health {
    fn from(health: view::Health) -> Self {
        match health {
            view::Health::Healthy => Self::Healthy,
            view::Health::Progressing => Self::Progressing,
            view::Health::Degraded => Self::Degraded,
            view::Health::Offline => Self::Offline,
            view::Health::Unknown => Self::Unknown,
        }
    }
}

impl From<record::Pin> for Pin {
    fn from(pin: record::Pin) -> Self {
        let record::Pin { by, reason, since, from } = pin;
        Self { by, reason, since, from: from.get() }
    }
}

impl From<cluster::Finding> for Finding {
    fn from(finding: cluster::Finding) -> Self {
        let cluster::Finding { reason, message, fatal } = finding;
        Self { reason, message, fatal: fatal == cluster::Fatal::Yes }
    }
}

impl From<cluster::Drift> for Drift {
    fn from(drift: cluster::Drift) -> Self {
        let cluster::Drift { object, field, manager, since } = drift;
        Self { object, field, manager, since }
    }
}
