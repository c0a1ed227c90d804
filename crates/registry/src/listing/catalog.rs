//! The repositories of a registry: an extension of Docker's registry that most others have.

use std::collections::BTreeSet;

use plimsoll_core::image::Repository;
use serde::Deserialize;
use tokio::time::Instant;

use super::dropped::{Search, is_in_own_order};
use super::{Cause, Completeness, Listing};
use crate::auth::Scopes;
use crate::client::Registry;
use crate::error::Error;
use crate::profile::Profile;

#[derive(Deserialize)]
struct Body {
    #[serde(default)]
    repositories: Option<Vec<String>>,
}

impl Registry {
    /// The repositories of the registry. Those that were emptied are often still in it.
    pub fn repositories(&self) -> Result<Listing<'_, Repository>, Error> {
        self.repositories_behind(None)
    }

    /// Those that come behind a name, or what looks like one, in the order of the registry.
    pub(super) fn repositories_behind(&self, name: Option<String>) -> Result<Listing<'_, Repository>, Error> {
        let what = "repositories".to_owned();
        let first = self.transport().url("v2/_catalog", &what)?;
        let read = |body: &[u8]| {
            serde_json::from_slice::<Body>(body).map(|body| body.repositories.unwrap_or_default())
        };
        let known = self.transport().known();
        let catalog = known.as_ref().and_then(|profile| profile.catalog.known());
        let most = catalog.map(|catalog| catalog.largest_page.unwrap_or(0));
        Ok(Listing::new(self.transport(), first, what, Scopes::catalog(), read).behind(name).taking(most))
    }

    /// The same within a time and with a bound: what there is, in the registry's order, and why that is not everything.
    ///
    /// # Errors
    /// When not even the first page came.
    pub(crate) async fn repositories_until(
        &self,
        profile: &Profile,
        until: Instant,
        most: usize,
    ) -> Result<(Vec<Repository>, Vec<Cause>), Error> {
        let mut borders = BTreeSet::new();
        let (mut listed, mut causes) =
            self.repositories()?.collect_until(until, most, |border| borders.extend(border)).await?;
        if profile.may_drop_names() && !is_in_own_order(&listed) {
            match tokio::time::timeout_at(until, Search::new(self, &listed).run(borders)).await {
                Ok(Ok((found, more))) => {
                    listed.extend(found);
                    causes.extend(more);
                }
                Ok(Err(error)) => causes.push(Cause::Broken(error.to_string())),
                Err(_) => causes.push(Cause::Late),
            }
        }
        Ok((listed, causes))
    }

    /// The full list of repositories of a registry that behaves like this. Where names may be left out, they are asked
    /// for (`listing/dropped.rs`). What is found so is in the list and makes it incomplete, since nobody can ask for all
    /// names that there might be.
    pub async fn all_repositories(
        &self,
        profile: &Profile,
    ) -> Result<(Vec<Repository>, Completeness), Error> {
        let mut listing = self.repositories()?;
        let (mut listed, mut borders) = (Vec::new(), BTreeSet::new());
        while let Some(page) = listing.next_page().await? {
            listed.extend(page.items);
            borders.extend(listing.border());
        }
        let completeness = listing.completeness();
        if !profile.may_drop_names() || is_in_own_order(&listed) {
            return Ok((listed, completeness));
        }
        let mut causes = match completeness {
            Completeness::Complete => Vec::new(),
            Completeness::Incomplete(causes) => causes,
        };
        let (found, more) = Search::new(self, &listed).run(borders).await?;
        listed.extend(found);
        causes.extend(more);
        let completeness =
            if causes.is_empty() { Completeness::Complete } else { Completeness::Incomplete(causes) };
        Ok((listed, completeness))
    }
}
