//! The installation, data centers, Namespaces.

use jiff::Timestamp;
use plimsoll_core::view::{self, DcView, InstallationView, NamespaceSight, NamespaceView};
use plimsoll_core::{breaker, record};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// One environment with its data centers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Installation {
    /// Its id.
    pub id: String,
    /// Its name, for people.
    pub name: String,
    /// Which rules hold.
    pub environment: Environment,
}

/// Which rules hold in an installation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub enum Environment {
    /// All of them.
    Production,
    /// Those that a try-out can live with.
    Testing,
}

/// A data center: one Kubernetes cluster.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct DataCenter {
    /// Its name.
    pub name: String,
    /// For `If-Match`.
    pub etag: String,
    /// Whether it takes Orders.
    pub state: DataCenterState,
    /// Why it does not, or what else is to be known about it, with what to do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// The uid of its cluster.
    pub cluster_uid: String,
    /// Why it is held, the oldest first; absent unless it is.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub stops: Vec<Stop>,
    /// What an operator decided last about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decision: Option<Decision>,
    /// Apps found there that the ledger does not know, as `namespace/name`; they are left alone. Only where one
    /// data center is shown, and at most a hundred.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unknown_apps: Vec<String>,
    /// Whether it answers; absent where the answering process does not talk to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reach: Option<Reach>,
    /// When it was added.
    pub added: Timestamp,
}

/// Whether a data center takes Orders.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub enum DataCenterState {
    /// All of them.
    Active,
    /// All but publishes.
    Cordoned,
    /// None, until an operator decides.
    Held,
    /// Declared gone: none, and it is not counted.
    Lost,
}

/// Why nothing is written into a data center until an operator decides.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Stop {
    /// A stable key: `TooMuchMissing`, `OtherCluster`, `ForeignInstallation`, `ClusterPutBack`.
    pub reason: String,
    /// What happened, in a clause.
    pub message: String,
    /// When it was noticed.
    pub since: Timestamp,
    /// Who noticed.
    pub noticed_by: Guard,
    /// How many things it is about.
    pub count: usize,
    /// Which; the first twenty at most.
    pub objects: Vec<String>,
}

/// Who looks out for a data center.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub enum Guard {
    /// Its worker, which writes App resources.
    Worker,
    /// Its controller, which writes workloads.
    Controller,
}

/// What an operator decided about a data center that was held.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Decision {
    /// What.
    pub word: DecisionWord,
    /// Who.
    pub by: String,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// When.
    pub at: Timestamp,
}

/// The two words on a data center that is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub enum DecisionWord {
    /// Go on, and put back what is missing.
    Confirm,
    /// Write nothing there, until somebody confirms.
    Refuse,
}

/// Whether a data center answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Reach {
    /// Whether it does.
    pub state: ReachState,
    /// Why it does not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// Since when it does not, as the answering process saw it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
}

/// Whether a data center answers, in a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub enum ReachState {
    /// It does.
    Connected,
    /// It does not.
    Unreachable,
}

/// A tenant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Namespace {
    /// Its name.
    pub name: String,
    /// Who made it.
    pub by: String,
    /// When.
    pub created: Timestamp,
    /// The data centers that are seen to have it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub data_centers: Vec<NamespaceThere>,
}

/// A Namespace in a data center.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct NamespaceThere {
    /// The data center.
    pub name: String,
    /// What there stands against Apps, in sentences: ranges and quotas of others that refuse their pods.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

impl From<InstallationView> for Installation {
    fn from(view: InstallationView) -> Self {
        let InstallationView { id, name, environment } = view;
        Self { id, name, environment: environment.into() }
    }
}

impl From<DcView> for DataCenter {
    fn from(view: DcView) -> Self {
        let DcView { name, etag, state, message, cluster_uid, stops, decision, strangers, reach, added } =
            view;
        Self {
            name: name.into(),
            etag: etag.to_string(),
            state: state.into(),
            message,
            cluster_uid,
            stops: stops.into_iter().map(Stop::from).collect(),
            decision: decision.map(Decision::from),
            unknown_apps: strangers.iter().map(ToString::to_string).collect(),
            reach: reach.map(Reach::from),
            added,
        }
    }
}

impl From<breaker::Stop> for Stop {
    fn from(stop: breaker::Stop) -> Self {
        let breaker::Stop { by, cause, since } = stop;
        Self {
            reason: cause.reason().to_owned(),
            message: cause.to_string(),
            since,
            noticed_by: match by {
                breaker::Guard::Worker => Guard::Worker,
                breaker::Guard::Controller { kept: _ } => Guard::Controller,
            },
            count: cause.count(),
            objects: cause.objects(),
        }
    }
}

impl From<record::Decision> for Decision {
    fn from(decision: record::Decision) -> Self {
        let record::Decision { word, by, reason, at } = decision;
        let word = match word {
            record::DecisionWord::Confirm => DecisionWord::Confirm,
            record::DecisionWord::Refuse => DecisionWord::Refuse,
        };
        Self { word, by, reason, at }
    }
}

impl From<view::Reach> for Reach {
    fn from(reach: view::Reach) -> Self {
        match reach {
            view::Reach::Connected => Self { state: ReachState::Connected, message: None, since: None },
            view::Reach::Unreachable(view::Outage { why, since }) => {
                Self { state: ReachState::Unreachable, message: Some(why), since: Some(since) }
            }
        }
    }
}

impl From<NamespaceView> for Namespace {
    fn from(view: NamespaceView) -> Self {
        let NamespaceView { name, by, created, data_centers } = view;
        let data_centers = data_centers.into_iter().map(NamespaceThere::from).collect();
        Self { name: name.into(), by, created, data_centers }
    }
}

impl From<NamespaceSight> for NamespaceThere {
    fn from(sight: NamespaceSight) -> Self {
        let NamespaceSight { name, notes } = sight;
        Self { name: name.into(), notes }
    }
}

impl From<record::Environment> for Environment {
    fn from(environment: record::Environment) -> Self {
        match environment {
            record::Environment::Production => Self::Production,
            record::Environment::Testing => Self::Testing,
        }
    }
}

impl From<Environment> for record::Environment {
    fn from(environment: Environment) -> Self {
        match environment {
            Environment::Production => Self::Production,
            Environment::Testing => Self::Testing,
        }
    }
}

impl From<record::DcState> for DataCenterState {
    fn from(state: record::DcState) -> Self {
        match state {
            record::DcState::Active => Self::Active,
            record::DcState::Cordoned => Self::Cordoned,
            record::DcState::Held => Self::Held,
            record::DcState::Lost => Self::Lost,
        }
    }
}
