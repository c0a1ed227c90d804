//! Scale, spelled as in the App document.

use std::collections::BTreeMap;

use plimsoll_core::cluster;
use plimsoll_core::scale;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// How much of an App runs where. Either `replicas` or `autoscale` is given.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Scale {
    /// So many in each data center that placement names and `exceptions` does not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replicas: Option<u32>,
    /// As many there as the load asks for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub autoscale: Option<Autoscale>,
    /// Which data centers have any.
    pub placement: Placement,
    /// Data centers that have another number.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub exceptions: BTreeMap<String, Replication>,
}

/// How many replicas one data center has: one of the two.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Replication {
    /// So many.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replicas: Option<u32>,
    /// As many as the load asks for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub autoscale: Option<Autoscale>,
}

/// Bounds of autoscaling by the CPU use of the pods.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Autoscale {
    /// Never fewer; 1 at least.
    pub min: u32,
    /// Never more; not below `min`.
    pub max: u32,
    /// The CPU use that is aimed at, in percent of the **limit**, 1 to 90.
    #[serde(default = "default_cpu_percent")]
    pub cpu_percent: u32,
}

/// Which data centers an App is placed in: `All`, those added later too, or the names of some.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(untagged)]
pub enum Placement {
    /// Every data center of the installation.
    Every(All),
    /// These alone.
    Only(Vec<String>),
}

/// The word for every data center.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub enum All {
    /// Every data center of the installation, those added later too.
    All,
}

/// Counts of pods.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Replicas {
    /// What is to be there: ordered by us, or by the autoscaler within our bounds.
    pub ordered: u32,
    /// Of the template that is ordered now.
    pub updated: u32,
    /// Ready ones, of any template.
    pub ready: u32,
    /// Available ones, of any template.
    pub available: u32,
    /// Of an earlier template.
    pub old: u32,
    /// Told to go and within their grace.
    pub terminating: u32,
}

/// As in the App document.
fn default_cpu_percent() -> u32 {
    70
}

impl From<scale::Scale> for Scale {
    fn from(scale: scale::Scale) -> Self {
        let scale::Scale { placement, size, exceptions } = scale;
        let Replication { replicas, autoscale } = size.into();
        let exceptions = exceptions.into_iter().map(|(dc, size)| (dc.into(), size.into())).collect();
        Self { replicas, autoscale, placement: placement.into(), exceptions }
    }
}

impl From<scale::Replication> for Replication {
    fn from(replication: scale::Replication) -> Self {
        match replication {
            scale::Replication::Fixed(replicas) => Self { replicas: Some(replicas), autoscale: None },
            scale::Replication::Auto(scale::Autoscale { min, max, cpu_percent }) => {
                Self { replicas: None, autoscale: Some(Autoscale { min, max, cpu_percent }) }
            }
        }
    }
}

impl From<scale::Placement> for Placement {
    fn from(placement: scale::Placement) -> Self {
        match placement {
            scale::Placement::All => Self::Every(All::All),
            scale::Placement::Only(dcs) => Self::Only(dcs.into_iter().map(String::from).collect()),
        }
    }
}

impl From<cluster::Replicas> for Replicas {
    fn from(replicas: cluster::Replicas) -> Self {
        let cluster::Replicas { ordered, updated, ready, available, old, terminating } = replicas;
        Self { ordered, updated, ready, available, old, terminating }
    }
}
