//! The repositories of a registry: an extension of Docker's registry that most others have.

use std::collections::{BTreeSet, HashSet};

use futures::stream::{self, StreamExt as _, TryStreamExt as _};
use plimsoll_core::image::Repository;
use serde::Deserialize;

use super::{Cause, Completeness, Listing};
use crate::auth::Scopes;
use crate::client::{Registry, found};
use crate::error::Error;
use crate::profile::Profile;

/// So many names are asked for at most.
const MOST_SUSPECTS: usize = 2_000;

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
        let known = self.transport().known();
        let most = known
            .as_ref()
            .and_then(|profile| profile.catalog.known())
            .map(|catalog| catalog.largest_page.unwrap_or(0));
        Ok(Listing::new(self.transport(), first, what, Scopes::catalog(), read).taking(most))
    }

    /// The full list of repositories of a registry that behaves like this. Where names may be left out, those that listed
    /// ones begin with are asked for: `a` and `a/b` of `a/b/c`. What is found so is in the list and makes it incomplete,
    /// since names that only share their first letters cannot be asked for.
    pub async fn all_repositories(
        &self,
        profile: &Profile,
    ) -> Result<(Vec<Repository>, Completeness), Error> {
        let (mut listed, completeness) = self.repositories()?.collect().await?;
        if !profile.may_drop_names() {
            return Ok((listed, completeness));
        }
        let known: HashSet<&Repository> = listed.iter().collect();
        let above = |name: &Repository| -> Vec<Repository> {
            let cuts = name.as_str().match_indices('/').map(|(at, _)| &name.as_str()[..at]);
            cuts.filter_map(|cut| cut.parse().ok()).collect()
        };
        let suspects: BTreeSet<Repository> =
            listed.iter().flat_map(above).filter(|suspect| !known.contains(suspect)).collect();
        let mut causes = match completeness {
            Completeness::Complete => Vec::new(),
            Completeness::Incomplete(causes) => causes,
        };
        let asked: Vec<(Repository, bool)> = stream::iter(suspects.into_iter().take(MOST_SUSPECTS + 1))
            .map(async |suspect| {
                let there = found(self.tags(&suspect)?.next_page().await)?.is_some();
                Ok::<_, Error>((suspect, there))
            })
            .buffered(8)
            .try_collect()
            .await?;
        if asked.len() > MOST_SUSPECTS {
            causes.push(Cause::Bound(MOST_SUSPECTS));
        }
        for (suspect, _) in asked.into_iter().filter(|(_, there)| *there) {
            causes.push(Cause::Unlisted(suspect.to_string()));
            listed.push(suspect);
        }
        let completeness =
            if causes.is_empty() { Completeness::Complete } else { Completeness::Incomplete(causes) };
        Ok((listed, completeness))
    }
}
