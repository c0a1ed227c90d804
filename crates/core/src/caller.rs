//! Who asks, and what they may.

use serde::{Deserialize, Serialize};

use crate::error::{Error, Kind};

/// A caller, as whoever let them in made them out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// The name that goes into Releases, Operations and pins.
    pub name: String,
    /// What they may.
    pub role: Role,
}

/// What a caller may; each role may what those before it may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// Look.
    Viewer,
    /// Change Apps.
    Developer,
    /// Change data centers and Namespaces.
    Operator,
}

impl Caller {
    /// Refuses a caller whose role is below `role`.
    ///
    /// # Errors
    /// `PermissionDenied`, naming both roles.
    pub fn require(&self, role: Role) -> Result<(), Error> {
        if self.role >= role {
            return Ok(());
        }
        Err(Error::new(
            Kind::PermissionDenied,
            Kind::PermissionDenied.reason(),
            format!(
                "{} has the role {}; this needs {}",
                self.name,
                self.role.name(),
                role.name()
            ),
        ))
    }
}

impl Role {
    /// The role as it is written in a configuration.
    pub fn name(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Developer => "developer",
            Self::Operator => "operator",
        }
    }
}
