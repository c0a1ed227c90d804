//! The ledger port of plimsoll-core on real stores, and the archive port beside it.
//!
//! [`RedbLedger`] keeps one file and is what a single process runs on. [`MemoryLedger`] keeps nothing and is
//! what fast tests run on. [`faults::FaultLedger`] wraps either and fails as it is told to. One contract suite,
//! in `tests/contract`, holds for all of them. [`FileArchive`] keeps what the ledger no longer needs at hand.

mod apply;
mod archive;
mod bounds;
mod elections;
pub mod faults;
mod memory;
mod page;
mod quota;
mod redb;
mod sync;
mod watches;

pub use crate::archive::{FileArchive, MemoryArchive};
pub use crate::memory::MemoryLedger;
pub use crate::quota::DEFAULT_QUOTA;
pub use crate::redb::{Metrics, OpenError, Options, RedbLedger};
pub use crate::watches::History;
