//! How many more fit, exactly, and what decides it.
//!
//! An [`Inventory`] counts a fleet once; [`Inventory::fit`] asks it how many more of one kind fit, in every
//! dimension that a node or a pod names, pod slots included, behind taints, selectors, node affinity, hard spreads
//! and the anti-affinity of what runs.
//!
//! Not counted are host ports, volumes, and the alignment of devices within a node. A newcomer that requires other
//! pods near to it or away from it is refused rather than counted wrongly.

pub(crate) mod answer;
mod cluster;
pub(crate) mod dimension;
mod error;
mod fit;
pub(crate) mod gate;
pub(crate) mod inventory;
pub(crate) mod repel;
mod request;
pub(crate) mod spread;
mod useful;
pub(crate) mod wanted;

pub use answer::{Detail, FitAnswer, NodeAnswer, ScopeAnswer};
pub use cluster::{Cluster, Life, RunningPod, Tied};
pub use error::{CapacityError, Holder};
pub use fit::Fit;
pub use inventory::{Inventory, Ledgers};
pub use request::{FitRequest, WantedRequest, fit};
pub use useful::{Fraction, UsefulRatio, useful_ratio};
pub use wanted::Wanted;
