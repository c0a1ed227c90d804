//! What a Kubernetes API server does, as cases that run on any server.
//!
//! A case is a sentence and a function of a [`Server`]: a client, and a namespace of the case's own. It sends
//! requests; what is answered is written down whole, in a transcript that names what differs from run to run
//! (uids, versions, times) by its order. The transcript of the real API server is checked in under `expected/`,
//! and every server must give the same one. So no case knows which server it runs on.
//!
//! `docs/simulated-kubernetes.md` says how to add a case and how expectations are recorded.

#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::missing_panics_doc,
    reason = "a case fails as a test does"
)]

mod call;
pub mod cases;
mod faults;
mod kubectl;
mod meter;
mod printed;
pub mod random;
mod run;
mod server;
mod transcript;
mod watch;

pub use call::{Answer, Call, PatchFormat};
pub use faults::Faults;
pub use kubectl::{Kubectl, Printed};
pub use meter::{Meter, Use};
pub use run::{check, check_in_time, check_with_faults, client};
pub use server::Server;
pub use watch::Watch;
