//! Who asks, and what they may.

use async_trait::async_trait;
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
            format!("{} has the role {}; this needs {}", self.name, self.role.name(), role.name()),
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

/// Makes out who asks, the same for every frontend.
#[async_trait]
pub trait Authenticate: Send + Sync + 'static {
    /// The caller who holds `bearer`, the token of an `authorization: Bearer` header as it was sent; `None`
    /// where there was none. A token that is empty or blank is nobody's.
    ///
    /// # Errors
    /// `Unauthenticated`, with one message for every token that is not known; `Unavailable` where that cannot
    /// be found out now.
    async fn authenticate(&self, bearer: Option<&str>) -> Result<Caller, Error>;
}

/// The token in the value of an `authorization` header, for [`Authenticate::authenticate`].
///
/// # Errors
/// `Unauthenticated` where it is not `Bearer` and something behind it.
pub fn bearer_token(authorization: &str) -> Result<&str, Error> {
    match authorization.split_once(' ') {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => Ok(token.trim()),
        _ => Err(Error::new(
            Kind::Unauthenticated,
            Kind::Unauthenticated.reason(),
            "the authorization is not `Bearer` and a token",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_stands_behind_bearer_and_nothing_else() {
        for (header, token) in [("Bearer abc", "abc"), ("bearer  abc ", "abc"), ("Bearer  ", "")] {
            assert_eq!(bearer_token(header).ok(), Some(token), "{header:?}");
        }
        for bad in ["", "Bearer", "abc", "Basic abc", "Bearerabc"] {
            assert_eq!(bearer_token(bad).map_err(|e| e.kind), Err(Kind::Unauthenticated), "{bad:?}");
        }
    }
}
