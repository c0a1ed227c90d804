//! How many more fit, exactly, and what decides it.
//!
//! An [`Inventory`] counts a fleet once; [`Inventory::fit`] asks it how many more of one kind fit, in every
//! dimension that a node or a pod names, pod slots included, behind taints, selectors and hard spreads.

pub(crate) mod answer;
mod cluster;
pub(crate) mod dimension;
mod error;
mod fit;
pub(crate) mod gate;
pub(crate) mod inventory;
mod request;
pub(crate) mod spread;
mod useful;
mod wanted;

pub use answer::{Detail, FitAnswer, NodeAnswer, ScopeAnswer};
pub use cluster::{Cluster, Life, RunningPod, Tied};
pub use error::{CapacityError, Holder};
pub use fit::Fit;
pub use inventory::{Inventory, Ledgers};
pub use request::{FitRequest, WantedRequest, fit};
pub use useful::{Fraction, UsefulRatio, useful_ratio};
pub use wanted::Wanted;
