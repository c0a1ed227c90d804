#![doc = include_str!("../README.md")]

mod cluster;
mod companions;
mod connection;
#[cfg(any(test, feature = "contract-tests"))]
pub mod contract;
pub mod controller;
mod document;
mod fields;
mod follow;
pub mod label;
mod packed;
mod plain;
mod reconcile;
pub mod render;
mod resource;
mod rest;
mod version;

pub use cluster::KubeCluster;
pub use connection::{ConnectError, Options};
pub use resource::{DEFINITION, GROUP, KIND, VERSION};
pub use rest::FIELD_MANAGER;
