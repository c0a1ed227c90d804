//! Which rules an API server follows, by its version.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// A version of Kubernetes, as far as the rules of this crate differ: `1.37`.
///
/// The rules of 1.29 to 1.37 are known. A later version is taken to follow those of 1.37, an earlier one those
/// of 1.29. In JSON it is a string; `v1.36.2` is read as `1.36`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct KubernetesVersion {
    minor: u16,
}

/// A text that is no version of Kubernetes.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("`{0}` is no version of Kubernetes; write for example 1.37")]
pub struct UnknownVersion(String);

impl KubernetesVersion {
    /// The newest version whose rules are known.
    pub const LATEST: Self = Self { minor: 37 };

    /// Version `1.minor`.
    pub const fn new(minor: u16) -> Self {
        Self { minor }
    }

    /// Whether resources of the pod as a whole are kept at all (KEP-2837, on from 1.34).
    pub fn has_pod_level_resources(self) -> bool {
        self.minor >= 34
    }

    /// Whether limits of the pod as a whole are filled in from those of its containers, and empty resources of
    /// the pod mean that there are none (`PodLevelResourcesFixDefaulting` and
    /// `PodLevelResourcesFixKubeletQOSClass`, on from 1.37).
    pub fn completes_pod_level_resources(self) -> bool {
        self.minor >= 37
    }

    /// Whether containers may be resized in place (KEP-1287, on from 1.33).
    pub fn resizes_in_place(self) -> bool {
        self.minor >= 33
    }

    /// Whether plain init containers and resources of the pod as a whole may be resized too
    /// (`InPlacePodVerticalScalingInitContainers` and `InPlacePodLevelResourcesVerticalScaling`, on from 1.36).
    pub fn resizes_pods_and_init_containers(self) -> bool {
        self.minor >= 36
    }
}

impl Default for KubernetesVersion {
    fn default() -> Self {
        Self::LATEST
    }
}

impl fmt::Display for KubernetesVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "1.{}", self.minor)
    }
}

impl FromStr for KubernetesVersion {
    type Err = UnknownVersion;

    fn from_str(text: &str) -> Result<Self, UnknownVersion> {
        let unknown = || UnknownVersion(text.chars().take(40).collect());
        let numbers = text.strip_prefix('v').unwrap_or(text);
        let minor = numbers.strip_prefix("1.").ok_or_else(unknown)?;
        let minor = minor.split_once('.').map_or(minor, |(minor, _)| minor);
        // Servers with patches of their vendor say `34+`.
        let minor = minor.strip_suffix('+').unwrap_or(minor);
        if minor.is_empty() || !minor.bytes().all(|b| b.is_ascii_digit()) {
            return Err(unknown());
        }
        Ok(Self { minor: minor.parse().map_err(|_| unknown())? })
    }
}

impl TryFrom<String> for KubernetesVersion {
    type Error = UnknownVersion;

    fn try_from(text: String) -> Result<Self, UnknownVersion> {
        text.parse()
    }
}

impl From<KubernetesVersion> for String {
    fn from(version: KubernetesVersion) -> Self {
        version.to_string()
    }
}
