//! The repositories of a registry: an extension of Docker's registry that most others have.

use plimsoll_core::image::Repository;
use serde::Deserialize;

use super::Listing;
use crate::auth::Scopes;
use crate::client::Registry;
use crate::error::Error;

#[derive(Deserialize)]
struct Body {
    #[serde(default)]
    repositories: Option<Vec<String>>,
}

impl Registry {
    /// The repositories of the registry. Those that were emptied are often still in it.
    pub fn repositories(&self) -> Result<Listing<'_, Repository>, Error> {
        let what = "repositories".to_owned();
        let first = self.transport().url("v2/_catalog", &what)?;
        let read = |body: &[u8]| {
            serde_json::from_slice::<Body>(body).map(|body| body.repositories.unwrap_or_default())
        };
        Ok(Listing::new(self.transport(), first, what, Scopes::catalog(), read))
    }
}
