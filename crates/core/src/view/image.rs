//! Registries and images, as they are shown.

use serde::Serialize;

use crate::image::{Host, Prefix, Scheme};
use crate::name::DcName;

/// A registry of the installation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RegistryView {
    /// Where it is.
    pub host: Host,
    /// How it is spoken to.
    pub scheme: Scheme,
    /// Which data centers pull from it, and from where in it, by name.
    pub pulls: Vec<Pull>,
}

/// Where a data center pulls images from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Pull {
    /// The data center.
    pub dc: DcName,
    /// What stands before the repositories that are kept for it.
    pub prefix: Prefix,
}
