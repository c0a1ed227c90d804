//! What becomes of pods on a real node, and whether the simulated one makes the same of them.
//!
//! A [`Scenario`] is a file in `scenarios`: objects, and what happens to them. [`play`] runs it on any cluster and
//! gives its [`History`]: every state of every pod and every event, without what differs from run to run. What a
//! real node makes of it lies in `recorded`, written by `cargo xtask record-node`; the tests hold the simulated
//! one to it.

mod history;
mod kubectl;
mod node;
mod play;
mod record;
mod scenario;

pub use history::History;
pub use kubectl::run as run_kubectl;
pub use node::{KUBELET_PROGRAMS, RealNode};
pub use play::{Ground, play};
pub use record::record;
pub use scenario::{NodeAction, Pressure, Run, Scenario};

/// The name of the one node of every scenario.
pub const NODE: &str = "kl-n1";
