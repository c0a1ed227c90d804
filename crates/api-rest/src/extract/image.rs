//! Images and repositories in query strings.

use axum::extract::FromRequestParts;
use http::request::Parts;
use plimsoll_core::digest::Digest;
use plimsoll_core::image::{Home, InvalidName, Named, Reference, Repository, Sample};
use plimsoll_core::usecase::{PageRequest, Write};
use serde::Deserialize;
use utoipa::IntoParams;

use super::write::{WriteQuery, read};
use super::{Faults, Query};
use crate::failure::Failure;

/// Which repositories, and which page of them.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct RepositoriesQuery {
    /// Only this repository and those below it: `shop` stands for itself and for `shop/web`, not for `shopping`.
    prefix: Option<String>,
    /// At most so many items: 1 to 500, more is taken as 500; 50 if absent.
    #[param(minimum = 1)]
    page_size: Option<u32>,
    /// The `nextPageToken` of the page before, which is good for this list alone.
    page_token: Option<String>,
}

/// The tags of which repository, and which page of them.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct TagsQuery {
    /// The repository, without its registry: `shop/web`.
    #[param(required = true)]
    repository: Option<String>,
    /// At most so many items: 1 to 500, more is taken as 500; 50 if absent.
    #[param(minimum = 1)]
    page_size: Option<u32>,
    /// The `nextPageToken` of the page before, which is good for this list alone.
    page_token: Option<String>,
}

/// Which image.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ImageQuery {
    /// The image: `registry.example.com/shop/web:1.4`, or by its digest, which counts where both are given.
    #[param(required = true)]
    image: Option<String>,
}

/// Which image, and how closely to look.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct WhereaboutsQuery {
    /// The image: `registry.example.com/shop/web:1.4`, or by its digest, which counts where both are given.
    #[param(required = true)]
    image: Option<String>,
    /// How much of its content is read and checked in each registry, as `100Mi`: blobs that are left to chance, `1Gi` at
    /// most; none if absent.
    sample: Option<String>,
}

/// Which image to remove, and what every write carries.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct RemoveQuery {
    /// The image by its digest: `registry.example.com/shop/web@sha256:…`.
    #[param(required = true)]
    image: Option<String>,
    /// Names the request, so that its repeat within 24 hours gets the first answer: 1 to 128 visible ASCII
    /// characters other than `/`.
    #[param(required = true)]
    request_id: Option<String>,
    /// The request is only checked, and fails where the real one would.
    #[serde(default)]
    validate_only: bool,
    /// Why, for the record.
    reason: Option<String>,
}

/// An image that is to be removed.
pub(crate) struct Removing {
    pub(crate) home: Home,
    pub(crate) digest: Digest,
    pub(crate) write: Write,
}

impl RepositoriesQuery {
    /// Below which repository, and the page.
    pub(crate) fn read(self) -> Result<(Option<Repository>, PageRequest), Failure> {
        let Self { prefix, page_size, page_token } = self;
        let page = PageRequest { size: page_size, token: page_token };
        let Some(prefix) = prefix else { return Ok((None, page)) };
        let mut faults = Faults::default();
        let prefix = faults.parse("prefix", &prefix, "give whole components of a path, such as shop");
        Ok((Some(faults.check(prefix)?), page))
    }
}

impl TagsQuery {
    /// The repository, and the page.
    pub(crate) fn read(self) -> Result<(Repository, PageRequest), Failure> {
        let Self { repository, page_size, page_token } = self;
        let mut faults = Faults::default();
        let remedy = "give a repository without its registry, such as shop/web";
        let repository = match repository {
            None => faults.fault("repository", "is missing", remedy),
            Some(text) => faults.parse("repository", &text, remedy),
        };
        Ok((faults.check(repository)?, PageRequest { size: page_size, token: page_token }))
    }
}

impl ImageQuery {
    /// The image.
    pub(crate) fn read(self) -> Result<Named, Failure> {
        let mut faults = Faults::default();
        let image = faults.image(self.image.as_deref());
        faults.check(image)
    }
}

impl WhereaboutsQuery {
    /// The image, and how much of it is read in each registry.
    pub(crate) fn read(self) -> Result<(Named, Sample), Failure> {
        let Self { image, sample } = self;
        let mut faults = Faults::default();
        let image = faults.image(image.as_deref());
        let sample = match sample {
            None => Some(Sample::default()),
            Some(text) => faults.parse("sample", &text, "give one such as 100Mi"),
        };
        faults.check(image.zip(sample))
    }
}

impl Faults {
    fn image(&mut self, text: Option<&str>) -> Option<Named> {
        let remedy = "give one such as registry.example.com/shop/web:1.4";
        let Some(text) = text else { return self.fault("image", "is missing", remedy) };
        match text.parse() {
            Ok(named) => Some(named),
            Err(error @ InvalidName::Bare) => self.fault(
                "image",
                error.to_string(),
                "write a tag behind it, as in shop/web:1.4, or a digest",
            ),
            Err(error) => self.fault("image", error.to_string(), remedy),
        }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Removing {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Failure> {
        let Query(query) = Query::from_request_parts(parts, state).await?;
        let RemoveQuery { image, request_id, validate_only, reason } = query;
        let write = read(parts, WriteQuery { request_id, validate_only, reason })?;
        let mut faults = Faults::default();
        let named = faults.image(image.as_deref()).and_then(|named| match named.reference {
            Reference::Digest(digest) => Some((named.home, digest)),
            Reference::Tag(_) => faults.fault(
                "image",
                "is named by a tag, which somebody may move",
                "name it by the digest that `plimsoll image inspect` shows",
            ),
        });
        let (home, digest) = faults.check(named)?;
        Ok(Self { home, digest, write })
    }
}
