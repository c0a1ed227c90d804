//! The port to registries as such: what they are, and what lies in them.

use async_trait::async_trait;
use serde::Serialize;

use super::Host;

/// The registries of an installation, as their operators look at them. Every call ends within bounds of the
/// implementation's own.
#[async_trait]
pub trait RegistryCatalog: Send + Sync + 'static {
    /// What is known of a registry without asking it; `None` where it is none of the installation's.
    fn about(&self, host: &Host) -> Option<About>;
}

/// What is known of a registry without asking it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct About {
    /// How it is spoken to.
    pub scheme: Scheme,
}

/// How a registry is spoken to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Scheme {
    /// Encrypted.
    Https,
    /// As plain text, which whoever is on the way can read.
    Http,
}
