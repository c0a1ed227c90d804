//! Blobs: whether they are there, and away with them.

use http::Method;
use http::header::CONTENT_LENGTH;
use oci_spec::image::Digest;
use plimsoll_core::image::Repository;

use super::{Registry, found};
use crate::auth::Scopes;
use crate::error::Error;
use crate::transport::Call;

impl Registry {
    /// The size of a blob that is there; 0 where the registry does not say it.
    pub async fn head_blob(&self, repository: &Repository, digest: &Digest) -> Result<Option<u64>, Error> {
        let call = self.blob_call(Method::HEAD, repository, digest, Scopes::pull(repository))?;
        let size = |text: &str| text.parse().unwrap_or_default();
        Ok(found(self.read(call).await)?.map(|answer| answer.text(&CONTENT_LENGTH).map_or(0, size)))
    }

    /// Deletes a blob.
    ///
    /// # Errors
    /// [`crate::Kind::Unsupported`] where deleting is switched off.
    pub async fn delete_blob(&self, repository: &Repository, digest: &Digest) -> Result<(), Error> {
        self.must_delete(&format!("blob {digest} of {repository}"))?;
        let call = self.blob_call(Method::DELETE, repository, digest, Scopes::delete(repository))?;
        found(self.read(call).await).map(drop)
    }

    pub(super) fn blob_call(
        &self,
        method: Method,
        repository: &Repository,
        digest: &Digest,
        scopes: Scopes,
    ) -> Result<Call, Error> {
        let what = format!("blob {digest} of {repository}");
        let url = self.url(repository, &format!("blobs/{digest}"), &what)?;
        Ok(Call::new(method, url, what, scopes))
    }
}
