//! How much of an App runs where. Scale is no content of a Release: a rollback leaves it alone.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::name::DcName;

/// The most replicas of an App in one data center.
pub const MAX_REPLICAS: u32 = 1000;

/// The highest CPU use that can be aimed at, in percent of the limit. An autoscaler leaves alone what is within a
/// tenth of its target (its tolerance), and use cannot pass the limit: from 91 percent on it would never add a pod.
pub const MAX_CPU_PERCENT: u32 = 90;

/// Scale of an App.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Scale {
    /// Which data centers have any.
    #[serde(default)]
    pub placement: Placement,
    /// How many in each that placement names and [`Scale::exceptions`] does not.
    pub size: Replication,
    /// Data centers that have another number.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub exceptions: BTreeMap<DcName, Replication>,
}

/// Which data centers an App is placed in.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Placement {
    /// Every data center of the installation, those added later too.
    #[default]
    All,
    /// These alone; sorted, without doubles.
    Only(Vec<DcName>),
}

/// How many replicas one data center has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Replication {
    /// So many; 0 to [`MAX_REPLICAS`].
    Fixed(u32),
    /// As many as the load asks for.
    Auto(Autoscale),
}

/// Bounds of autoscaling by CPU.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Autoscale {
    /// Never fewer; 1 at least.
    pub min: u32,
    /// Never more; not below `min`.
    pub max: u32,
    /// The CPU use that is aimed at, in percent of the **limit**, 1 to [`MAX_CPU_PERCENT`].
    pub cpu_percent: u32,
}

impl Autoscale {
    /// Why [`MAX_CPU_PERCENT`] is the most, for a remedy.
    pub(crate) const WHY_NOT_MORE: &str =
        "an autoscaler adds pods from a tenth above its target on, and use cannot pass the limit";
}

impl Replication {
    /// None at all.
    pub const ZERO: Self = Self::Fixed(0);

    /// The fewest replicas that this orders.
    pub fn at_least(&self) -> u32 {
        match self {
            Self::Fixed(n) => *n,
            Self::Auto(auto) => auto.min,
        }
    }

    /// The most replicas that this orders.
    pub fn at_most(&self) -> u32 {
        match self {
            Self::Fixed(n) => *n,
            Self::Auto(auto) => auto.max,
        }
    }
}

impl Placement {
    /// Whether the App is placed in `dc`.
    pub fn names(&self, dc: &DcName) -> bool {
        match self {
            Self::All => true,
            Self::Only(dcs) => dcs.contains(dc),
        }
    }
}

impl Scale {
    /// What `dc` is to have: one that placement does not name is ordered zero.
    pub fn of(&self, dc: &DcName) -> Replication {
        if !self.placement.names(dc) {
            return Replication::ZERO;
        }
        self.exceptions.get(dc).unwrap_or(&self.size).clone()
    }
}
