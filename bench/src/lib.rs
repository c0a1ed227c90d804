//! What the benchmarks have in common: a crowd of Apps, what a process has cost, which requests were sent.
//!
//! `docs/performance.md` says how each is run, and what it gave.

mod components;
mod cost;
mod crowd;
mod floor;
mod report;
mod tally;

pub use components::Components;
pub use cost::{Cost, Memory};
pub use crowd::Crowd;
pub use floor::Floor;
pub use report::{millis, percentile, row};
pub use tally::{Tally, quiet};
