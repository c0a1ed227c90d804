//! Config, identity and wiring: the only crate that sees every adapter.
//!
//! [`serve::run`] and [`dev::run`] start the same stack: REST, SSE and gRPC on one port, the workers, and the
//! controllers of all data centers, over the embedded ledger of one data directory.

mod clock;
pub mod config;
mod data_centers;
mod data_dir;
pub mod dev;
mod error;
mod identity;
mod images;
mod net;
mod random;
pub mod serve;
mod signals;
mod stack;

pub use error::Error;
