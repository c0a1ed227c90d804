//! How many more fit, exactly, and what decides it.
//!
//! An [`Inventory`] counts a fleet once; [`Inventory::fit`] asks it how many more of one kind fit, in every
//! dimension that a node or a pod names, pod slots and host ports included, behind taints, selectors, node affinity,
//! hard spreads and the anti-affinity of what runs.
//!
//! Volumes, claims to devices, gates and groups are not counted, and every answer about pods that have them says so
//! ([`Uncounted`]). A newcomer that requires other pods near to it or away from it is refused rather than counted
//! wrongly. Not known at all is what a node does by itself: the alignment of devices and pinned CPUs within it.

pub(crate) mod answer;
pub(crate) mod budget;
mod cluster;
pub(crate) mod dimension;
mod error;
mod fit;
pub(crate) mod gate;
pub(crate) mod inventory;
pub(crate) mod repel;
mod request;
pub(crate) mod spread;
pub(crate) mod uncounted;
mod useful;
pub(crate) mod wanted;

pub use answer::{Detail, FitAnswer, NodeAnswer, ScopeAnswer};
pub use budget::DisruptionBudget;
pub use cluster::{Cluster, Life, RunningPod, Tied};
pub use error::{CapacityError, Holder};
pub use fit::Fit;
pub use inventory::{Inventory, Ledgers};
pub use request::{FitRequest, WantedRequest, fit};
pub use uncounted::Uncounted;
pub use useful::{Fraction, UsefulRatio, useful_ratio};
pub use wanted::Wanted;
