//! A Kubernetes API in one process, with pods that live and die by an injectable clock.

pub mod crd;
pub mod fieldmanager;
pub mod patch;
pub mod schema;
