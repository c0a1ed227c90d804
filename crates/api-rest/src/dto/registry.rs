//! Registries.

use plimsoll_core::image;
use plimsoll_core::view::{Pull, RegistryView};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A registry of the installation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Registry {
    /// Where it is: a name or an address, with its port where that is not the usual one.
    pub host: String,
    /// How it is spoken to.
    pub scheme: RegistryScheme,
    /// The data centers that pull from it, by name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub data_centers: Vec<RegistryPull>,
}

/// How a registry is spoken to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub enum RegistryScheme {
    /// Encrypted.
    Https,
    /// As plain text, which whoever is on the way can read.
    Http,
}

/// Where a data center pulls images from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RegistryPull {
    /// The data center.
    pub data_center: String,
    /// What stands before the repositories that are kept for it.
    pub prefix: String,
}

impl From<RegistryView> for Registry {
    fn from(view: RegistryView) -> Self {
        let RegistryView { host, scheme, pulls } = view;
        let pulls = pulls.into_iter().map(RegistryPull::from).collect();
        Self { host: host.into(), scheme: scheme.into(), data_centers: pulls }
    }
}

impl From<Pull> for RegistryPull {
    fn from(pull: Pull) -> Self {
        let Pull { dc, prefix } = pull;
        Self { data_center: dc.into(), prefix: prefix.into() }
    }
}

impl From<image::Scheme> for RegistryScheme {
    fn from(scheme: image::Scheme) -> Self {
        match scheme {
            image::Scheme::Https => Self::Https,
            image::Scheme::Http => Self::Http,
        }
    }
}
