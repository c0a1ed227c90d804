//! Real Kubernetes control planes on loopback, one per data center, for tests.
//!
//! A [`Bench`] is a set of data centers. Each runs its own etcd, kube-apiserver, kube-controller-manager,
//! kube-scheduler and KWOK (which plays the nodes) as child processes, with ports, certificates and tokens of
//! its own run, in a directory of its own. Any one of them can be stopped, killed, frozen and thawed.
//!
//! A test that disturbs a control plane or counts what reaches it starts its own with [`Bench::start`]; the
//! others share the one of the run, by [`Bench::shared`], each in a namespace of its own.
//!
//! The programs are built by `cargo xtask bench build`. `docs/bench.md` shows all of it from the command line.

mod arguments;
mod audit;
mod backup;
mod bench;
mod binaries;
mod certificates;
mod component;
mod credential;
mod data_center;
mod deadline;
mod http;
mod kubeconfig;
mod kubectl;
mod metrics;
mod nodes;
mod ports;
mod process;
mod record;
mod registry;

pub use arguments::{POD_LOG, UNPLAYED};
pub use audit::{AuditLog, Mark, Request};
pub use backup::Backup;
pub use bench::{Bench, Extent, Options, SHARED_VARIABLE};
pub use binaries::{BIN_VARIABLE, Binaries};
pub use component::Component;
pub use credential::Credential;
pub use data_center::{DataCenter, PartStatus};
pub use kubectl::fed;
pub use metrics::{Measured, MetricsServer};
pub use process::{Condition, Lifetime, Process};
pub use registry::{Line, RegistryOptions, RegistryServer, Storage};
