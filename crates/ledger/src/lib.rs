//! The ledger port of plimsoll-core on real stores.
//!
//! [`RedbLedger`] keeps one file and is what a single process runs on. [`MemoryLedger`] keeps nothing and is
//! what fast tests run on.

mod apply;
mod bounds;
mod elections;
mod memory;
mod redb;
mod sync;
mod watches;

pub use crate::memory::MemoryLedger;
pub use crate::redb::{Metrics, OpenError, RedbLedger};
pub use crate::watches::History;
