//! The tags of a repository.

use plimsoll_core::image::{Repository, Tag};
use serde::Deserialize;
use tokio::time::Instant;

use super::{Cause, Listing};
use crate::auth::Scopes;
use crate::client::Registry;
use crate::error::Error;

/// An emptied repository has `null`.
#[derive(Deserialize)]
struct Body {
    #[serde(default)]
    tags: Option<Vec<String>>,
}

impl Registry {
    /// The tags of a repository, those of lists of referrers among them (see [`Registry::is_referrers_tag`]).
    pub fn tags(&self, repository: &Repository) -> Result<Listing<'_, Tag>, Error> {
        let what = format!("tags of {repository}");
        let first = self.url(repository, "tags/list", &what)?;
        let read =
            |body: &[u8]| serde_json::from_slice::<Body>(body).map(|body| body.tags.unwrap_or_default());
        Ok(Listing::new(self.transport(), first, what, Scopes::pull(repository), read))
    }

    /// The same within a time and with a bound: what there is, in the registry's order, and why that is not everything.
    ///
    /// # Errors
    /// When not even the first page came.
    pub(crate) async fn tags_until(
        &self,
        repository: &Repository,
        until: Instant,
        most: usize,
    ) -> Result<(Vec<Tag>, Vec<Cause>), Error> {
        self.tags(repository)?.collect_until(until, most, drop).await
    }
}
