//! What a data center must do with what it is told, as checks that run on any API server.
//!
//! The simulated cluster runs them in this crate's tests, real control planes in the system tests. A check
//! panics where it fails.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::missing_panics_doc,
    reason = "a check fails as a test does"
)]

pub mod mk;
pub mod resources;
mod running;
mod target;
pub mod workloads;

pub use running::Running;
pub use target::Target;
