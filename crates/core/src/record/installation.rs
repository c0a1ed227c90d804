//! The installation and its Namespaces.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::name::{DcName, InstallationId, NamespaceName};

/// One environment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Installation {
    /// What its objects in the data centers are marked with.
    pub id: InstallationId,
    /// For people.
    pub name: String,
    /// Which rules hold.
    pub environment: Environment,
    /// The epoch of the ledger: the upper half of every fence.
    pub epoch: u64,
    /// Its data centers, sorted; a transaction that relies on there being no other compares this record.
    pub dcs: Vec<DcName>,
    /// When it was made.
    pub created: Timestamp,
}

/// Which rules hold in an installation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Environment {
    /// All of them.
    Production,
    /// Those that a try-out can live with.
    Testing,
}

/// A tenant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Namespace {
    /// Its name.
    pub name: NamespaceName,
    /// Who made it.
    pub by: String,
    /// When.
    pub created: Timestamp,
}
