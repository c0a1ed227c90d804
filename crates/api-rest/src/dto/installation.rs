//! The installation, data centers, Namespaces.

use jiff::Timestamp;
use plimsoll_core::record;
use plimsoll_core::view::{self, DcView, InstallationView, NamespaceView};
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
    /// Whether it takes Orders.
    pub state: DataCenterState,
    /// The uid of its cluster.
    pub cluster_uid: String,
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

/// Whether a data center answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Reach {
    /// Whether it does.
    pub state: ReachState,
    /// Why it does not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

/// Whether a data center answers, in a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub enum ReachState {
    /// It does.
    Connected,
    /// It does not.
    Lost,
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
}

impl From<InstallationView> for Installation {
    fn from(view: InstallationView) -> Self {
        let InstallationView { id, name, environment } = view;
        Self { id, name, environment: environment.into() }
    }
}

impl From<DcView> for DataCenter {
    fn from(view: DcView) -> Self {
        let DcView { name, state, cluster_uid, reach, added } = view;
        Self { name: name.into(), state: state.into(), cluster_uid, reach: reach.map(Reach::from), added }
    }
}

impl From<view::Reach> for Reach {
    fn from(reach: view::Reach) -> Self {
        match reach {
            view::Reach::Connected => Self { state: ReachState::Connected, message: None },
            view::Reach::Lost(why) => Self { state: ReachState::Lost, message: Some(why) },
        }
    }
}

impl From<NamespaceView> for Namespace {
    fn from(view: NamespaceView) -> Self {
        let NamespaceView { name, by, created } = view;
        Self { name: name.into(), by, created }
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
