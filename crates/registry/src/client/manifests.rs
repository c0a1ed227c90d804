//! Manifests: read, written and deleted, byte for byte.

use http::header::{CONTENT_LENGTH, CONTENT_TYPE, IF_NONE_MATCH};
use http::{HeaderName, HeaderValue, Method, StatusCode};
use oci_spec::image::{Descriptor, Digest, MediaType};
use plimsoll_core::image::{Repository, Tag};
use serde::Deserialize;

use super::{Registry, accepting, found};
use crate::auth::Scopes;
use crate::content::{Manifest, Reference, Verifier, digest_of};
use crate::copy::Moves;
use crate::error::{Error, Kind};
use crate::profile::{Profile, Support};
use crate::transport::retry::retrying;
use crate::transport::{Answer, Call, Payload};

const CONTENT_DIGEST: HeaderName = HeaderName::from_static("docker-content-digest");
const OCI_SUBJECT: HeaderName = HeaderName::from_static("oci-subject");

/// What a registry did with a manifest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stored {
    /// Whether the registry itself keeps who refers to the subject; if not, its writer has to.
    pub indexes_subject: bool,
}

impl Registry {
    /// What a tag points to, or whether a digest is there, without its content. Costs one request, and a second where a
    /// registry does not say the digest.
    pub async fn head(
        &self,
        repository: &Repository,
        reference: &Reference,
    ) -> Result<Option<Descriptor>, Error> {
        let is_tag = matches!(reference, Reference::Tag(_));
        let says_none =
            |profile: &Profile| profile.reads.known().is_some_and(|reads| reads.digests == Support::No);
        if is_tag && self.transport.known().is_some_and(|profile| says_none(&profile)) {
            return Ok(self.manifest(repository, reference).await?.map(|manifest| manifest.descriptor()));
        }
        let call = self.manifest_call(Method::HEAD, repository, reference, Scopes::pull(repository))?;
        let Some(answer) = found(self.read(call).await)? else { return Ok(None) };
        if let Some(descriptor) = described(&answer, reference) {
            return Ok(Some(descriptor));
        }
        Ok(self.manifest(repository, reference).await?.map(|manifest| manifest.descriptor()))
    }

    /// What a tag points to, asked by who has `known` and wants to hear of anything else. Registries whose entity tags are
    /// digests, as those of Docker and Distribution, need not read the manifest to say that it is still that; so the
    /// answer does not say that the manifest can be read.
    pub async fn pointed_to(
        &self,
        repository: &Repository,
        tag: &Tag,
        known: &Digest,
    ) -> Result<Option<Digest>, Error> {
        let reference = Reference::Tag(tag.clone());
        let known_tag = HeaderValue::from_str(&format!("\"{known}\"")).map_err(|error| {
            Error::new(Kind::Invalid, known, "no entity tag can be made of it").because(error)
        })?;
        let call = self
            .manifest_call(Method::HEAD, repository, &reference, Scopes::pull(repository))?
            .header(IF_NONE_MATCH, known_tag);
        let Some(answer) = found(self.read(call).await)? else { return Ok(None) };
        if answer.status() == StatusCode::NOT_MODIFIED {
            return Ok(Some(known.clone()));
        }
        if let Some(descriptor) = described(&answer, &reference) {
            return Ok(Some(descriptor.digest().clone()));
        }
        Ok(self.manifest(repository, &reference).await?.map(|manifest| manifest.digest().clone()))
    }

    /// A manifest, checked against its digest: the one it was asked for by, or the one that the registry says.
    pub async fn manifest(
        &self,
        repository: &Repository,
        reference: &Reference,
    ) -> Result<Option<Manifest>, Error> {
        let call = self.manifest_call(Method::GET, repository, reference, Scopes::pull(repository))?;
        // The body is part of the attempt: one that breaks off or was changed on the way is asked for again.
        let read = retrying(&self.transport.limits, || async {
            let answer = self.transport.send(&call).await?;
            let named = answer.call().to_owned();
            let media_type = media_type(&answer);
            let said = answer.text(&CONTENT_DIGEST).map(str::to_owned);
            let bytes = answer.bytes(self.transport.limits.manifest).await?;
            let expected = match (reference, said) {
                (Reference::Digest(digest), _) => digest.clone(),
                (Reference::Tag(_), Some(said)) => said.parse().map_err(|error| {
                    Error::new(Kind::Malformed, &named, "its digest is none").because(error)
                })?,
                (Reference::Tag(_), None) => digest_of(&bytes),
            };
            let mut verifier = Verifier::new(&expected, bytes.len() as u64)?;
            verifier
                .update(&bytes)
                .and_then(|()| verifier.finish())
                .map_err(|error| Error::new(Kind::Corrupt, &named, error.to_string()).because(error))?;
            let media_type = media_type.or_else(|| written(&bytes)).ok_or_else(|| {
                Error::new(
                    Kind::Malformed,
                    &named,
                    "neither the answer nor the manifest says what kind it is",
                )
            })?;
            Ok(Manifest::checked(bytes, media_type, expected))
        });
        found(read.await)
    }

    /// What a tag points to; an error if that is not `wanted` and may not become it.
    pub(crate) async fn pointing(
        &self,
        repository: &Repository,
        tag: &Tag,
        wanted: &Digest,
        moves: Moves,
    ) -> Result<Option<Digest>, Error> {
        let there = self.head(repository, &Reference::Tag(tag.clone())).await?;
        let there = there.map(|descriptor| descriptor.digest().clone());
        let is_fixed = moves == Moves::Never || self.transport.tags == Moves::Never;
        match &there {
            Some(other) if other != wanted && is_fixed => {
                let named = format!("tag {tag} of {repository} at {}", self.host());
                let message = format!("it points to {other} and may not be moved; copy to another tag");
                Err(Error::new(Kind::Forbidden, named, message))
            }
            _ => Ok(there),
        }
    }

    /// Points a tag to a manifest. One that may not be moved is looked at and set in one go: of all who do that by clones
    /// of one client, the first sets it and the others hear where it points. Who goes past the client is seen only where
    /// that was before.
    ///
    /// # Errors
    /// [`Kind::Forbidden`] when the tag points elsewhere and may not be moved.
    pub async fn put_tag(
        &self,
        repository: &Repository,
        tag: &Tag,
        manifest: &Manifest,
        moves: Moves,
    ) -> Result<(), Error> {
        let _turn = self.transport.tagging.lock().await;
        if self.pointing(repository, tag, manifest.digest(), moves).await?.as_ref() == Some(manifest.digest())
        {
            return Ok(());
        }
        self.store(repository, &Reference::Tag(tag.clone()), manifest).await.map(drop)
    }

    /// Stores a manifest under a tag or its own digest. What it names must be there already.
    ///
    /// # Errors
    /// [`Kind::Forbidden`] when a tag points elsewhere in a registry whose tags are fixed ([`crate::Access::tags`]).
    pub async fn put_manifest(
        &self,
        repository: &Repository,
        reference: &Reference,
        manifest: &Manifest,
    ) -> Result<Stored, Error> {
        let fixed = match reference {
            // Lists of referrers grow.
            Reference::Tag(tag) if self.transport.tags == Moves::Never && !Self::is_referrers_tag(tag) => tag,
            _ => return self.store(repository, reference, manifest).await,
        };
        let _turn = self.transport.tagging.lock().await;
        self.pointing(repository, fixed, manifest.digest(), Moves::Never).await?;
        self.store(repository, reference, manifest).await
    }

    async fn store(
        &self,
        repository: &Repository,
        reference: &Reference,
        manifest: &Manifest,
    ) -> Result<Stored, Error> {
        let what = named(repository, reference);
        let limit = self.transport.limits.manifest;
        if manifest.bytes().len() > limit {
            let message = format!("it has {} bytes, {limit} at most", manifest.bytes().len());
            return Err(Error::new(Kind::TooLarge, what, message));
        }
        let media_type = HeaderValue::from_str(manifest.media_type().as_ref())
            .map_err(|error| Error::new(Kind::Invalid, &what, "its type is none").because(error))?;
        let call = self
            .manifest_call(Method::PUT, repository, reference, Scopes::push(repository))?
            .header(CONTENT_TYPE, media_type)
            .payload(Payload::Bytes(manifest.bytes().clone()));
        let answer = self.read(call).await?;
        // Of the same algorithm, or it says nothing about these bytes.
        let said = answer.text(&CONTENT_DIGEST).and_then(|text| text.parse::<Digest>().ok());
        if let Some(said) = said.filter(|said| said.algorithm() == manifest.digest().algorithm())
            && said != *manifest.digest()
        {
            let message = format!("it was stored as {said} instead of {}", manifest.digest());
            return Err(Error::new(Kind::Corrupt, what, message));
        }
        Ok(Stored { indexes_subject: answer.headers().contains_key(OCI_SUBJECT) })
    }

    /// Deletes a manifest, and with it every tag that points to it.
    ///
    /// # Errors
    /// [`Kind::Unsupported`] where deleting is switched off.
    pub async fn delete_manifest(&self, repository: &Repository, digest: &Digest) -> Result<(), Error> {
        let reference = Reference::Digest(digest.clone());
        self.must_delete(&named(repository, &reference))?;
        let call = self.manifest_call(Method::DELETE, repository, &reference, Scopes::delete(repository))?;
        found(self.read(call).await).map(drop)
    }

    /// Deletes a tag and leaves what it points to.
    ///
    /// # Errors
    /// [`Kind::Unsupported`] where a registry deletes by digest only: with the manifest, all its tags would go.
    pub async fn delete_tag(&self, repository: &Repository, tag: &Tag) -> Result<(), Error> {
        let reference = Reference::Tag(tag.clone());
        self.must_delete(&named(repository, &reference))?;
        let call = self.manifest_call(Method::DELETE, repository, &reference, Scopes::delete(repository))?;
        match found(self.read(call).await) {
            Err(error) if error.status() == Some(400) => Err(Error::new(
                Kind::Unsupported,
                named(repository, &reference),
                "the registry deletes by digest only, and every tag of that digest would go with it",
            )
            .because(error)),
            other => other.map(drop),
        }
    }

    /// An error where the registry is known not to delete.
    pub(super) fn must_delete(&self, what: &str) -> Result<(), Error> {
        let known = self.transport.known();
        match known.as_ref().and_then(|profile| profile.deletes.known()) {
            Some(Support::No) => {
                let what = format!("{what} at {}", self.host());
                Err(Error::new(Kind::Unsupported, what, "deleting is switched off in the registry"))
            }
            _ => Ok(()),
        }
    }

    fn manifest_call(
        &self,
        method: Method,
        repository: &Repository,
        reference: &Reference,
        scopes: Scopes,
    ) -> Result<Call, Error> {
        let what = named(repository, reference);
        let url = self.url(repository, &format!("manifests/{reference}"), &what)?;
        let reads = matches!(method, Method::GET | Method::HEAD);
        let call = Call::new(method, url, what, scopes);
        Ok(if reads { accepting(call) } else { call })
    }
}

fn named(repository: &Repository, reference: &Reference) -> String {
    format!("manifest {reference} of {repository}")
}

/// The descriptor that the headers of an answer make, if they make one.
fn described(answer: &Answer, reference: &Reference) -> Option<Descriptor> {
    let size = answer.text(&CONTENT_LENGTH)?.parse().ok()?;
    let digest: Digest = match reference {
        Reference::Digest(digest) => digest.clone(),
        Reference::Tag(_) => answer.text(&CONTENT_DIGEST)?.parse().ok()?,
    };
    Some(Descriptor::new(media_type(answer)?, size, digest))
}

/// The type in the header, unless it only says that something comes.
fn media_type(answer: &Answer) -> Option<MediaType> {
    let text = answer.text(&CONTENT_TYPE)?.split(';').next()?.trim();
    let says_nothing = matches!(text, "" | "application/json" | "application/octet-stream" | "text/plain");
    (!says_nothing).then(|| MediaType::from(text))
}

/// The type that a manifest itself says.
fn written(bytes: &[u8]) -> Option<MediaType> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Typed {
        media_type: Option<MediaType>,
    }
    serde_json::from_slice::<Typed>(bytes).ok()?.media_type
}
