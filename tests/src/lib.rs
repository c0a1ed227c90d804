//! What the system tests stand on: the built program, run as a server and as its users would, over data
//! centers that are simulated in this process or run the real components.
//!
//! A [`World`] is an installation of three data centers with one Namespace. The same scenario runs on both
//! kinds of ground: what differs, a [`DataCenter`] hides. Requests are counted where they arrive, by the
//! journal of the simulated API server or the audit log of the real one, never by the product.
//!
//! `docs/testing.md` says how to run one scenario.

mod condition;
mod data_center;
mod dev;
mod document;
mod kubelet;
mod program;
mod request;
mod running;
mod server;
mod sight;
mod user;
mod world;

pub use condition::{eventually, eventually_within, holds_for};
pub use data_center::{Backup, DataCenter, kubectl};
pub use dev::Dev;
pub use document::{Document, image};
pub use kubelet::{PLAYED, Unstarted};
pub use program::{Program, Said};
pub use request::{Mark, Request};
pub use server::{Server, ServerOptions};
pub use sight::Pod;
pub use user::{Answer, User};
pub use world::{Claim, Ground, World};
