#![doc = include_str!("../README.md")]

mod admission;
mod api;
mod builder;
mod clock;
mod cluster;
mod control;
pub mod crd;
mod digest;
pub mod fieldmanager;
mod hooks;
mod http;
mod journal;
mod kinds;
mod net;
mod nodes;
mod object;
pub mod patch;
mod permissions;
mod resource;
pub mod schema;
mod script;
mod select;
mod status;
mod store;
mod world;

pub use builder::{Builder, NodeSize, StartError};
pub use clock::{Clock, TokioClock};
pub use cluster::SimCluster;
pub use hooks::{Fault, HookId, Hooks, PatchFormat, RequestInfo, Verb, WatchFault, WatchInfo};
pub use journal::{Journal, JournalEntry, Mark};
pub use net::TlsError;
pub use nodes::Nodes;
pub use permissions::Permissions;
pub use script::{Answers, Behavior, Containers, End, Exit, Pull, Scripts};
pub use status::ApiError;
pub use store::LogError;
