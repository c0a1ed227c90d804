//! Writing a blob.
//!
//! Two requests: POST opens a session, PUT sends the bytes and closes it. Nothing is resumed within a session: in
//! registries of the 2.x line a session is dead after one broken request, and takes bytes out of order without a word.
//! What broke off begins again with a new session and the first byte; the image never does.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use futures::stream::{BoxStream, StreamExt as _};
use http::header::{CONTENT_RANGE, CONTENT_TYPE, LOCATION, RANGE};
use http::{HeaderName, HeaderValue, Method, StatusCode};
use oci_spec::image::{Descriptor, Digest};
use plimsoll_core::image::Repository;
use reqwest::Url;

use super::Registry;
use crate::auth::Scopes;
use crate::content::BlobSource;
use crate::error::{Error, Kind};
use crate::transport::retry::{Budget, retrying};
use crate::transport::{Answer, Call, Payload, Transport};

const MIN_CHUNK: HeaderName = HeaderName::from_static("oci-chunk-min-length");
const CONTENT_DIGEST: HeaderName = HeaderName::from_static("docker-content-digest");
/// A chunk is held in memory while it is sent; a registry that wants larger ones is not sent chunks.
const LARGEST_CHUNK: u64 = 32 << 20;
/// The chunks of what may stop for hours. What is not larger goes out without stopping.
pub(crate) const PAUSING_CHUNK: u32 = 8 << 20;

/// What came of asking a registry to take a blob over from another of its repositories.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mount {
    /// It is there now, and not a byte was sent.
    Mounted,
    /// The registry does not, or may not, and wants the bytes.
    Declined,
}

/// An open upload.
struct Session {
    url: Url,
    min_chunk: u64,
}

impl Registry {
    /// Takes a blob over from another repository of the same registry. A registry that declines is not left with an open
    /// session.
    pub async fn mount(
        &self,
        repository: &Repository,
        digest: &Digest,
        from: &Repository,
    ) -> Result<Mount, Error> {
        let what = format!("blob {digest} of {repository}, mounted from {from}");
        let mut url = self.url(repository, "blobs/uploads/", &what)?;
        url.query_pairs_mut().append_pair("mount", digest.as_ref()).append_pair("from", from.as_str());
        let scopes = Scopes::push(repository).and(Scopes::pull(from));
        let answer = match self.read(Call::new(Method::POST, url, what, scopes.clone())).await {
            Ok(answer) => answer,
            // What does not mount says so in many ways, and all that follows from each is that the bytes are sent.
            Err(error)
                if matches!(
                    error.kind(),
                    Kind::NotFound | Kind::Unsupported | Kind::Invalid | Kind::Denied
                ) =>
            {
                return Ok(Mount::Declined);
            }
            Err(error) => return Err(error),
        };
        if answer.status() == StatusCode::CREATED {
            return Ok(Mount::Mounted);
        }
        if let Ok(session) = Self::session(&answer) {
            self.cancel(repository, session, scopes).await;
        }
        Ok(Mount::Declined)
    }

    /// Stores a blob: its bytes, and only them, under its digest. Done at once where it is there already.
    pub async fn upload(
        &self,
        repository: &Repository,
        descriptor: &Descriptor,
        source: Arc<dyn BlobSource>,
    ) -> Result<(), Error> {
        if self.head_blob(repository, descriptor.digest()).await?.is_some() {
            return Ok(());
        }
        self.upload_missing(repository, descriptor, source).await
    }

    /// The same for a blob that was not there a moment ago.
    pub(crate) async fn upload_missing(
        &self,
        repository: &Repository,
        descriptor: &Descriptor,
        source: Arc<dyn BlobSource>,
    ) -> Result<(), Error> {
        let mut budget = Budget::new(self.transport.limits.clone());
        loop {
            match self.attempt(repository, descriptor, &source).await {
                Ok(()) => return Ok(()),
                Err(error) => budget.wait(may_pass(error)).await?,
            }
            // The answer may be all that was lost.
            if self.head_blob(repository, descriptor.digest()).await?.is_some() {
                return Ok(());
            }
        }
    }

    async fn attempt(
        &self,
        repository: &Repository,
        descriptor: &Descriptor,
        source: &Arc<dyn BlobSource>,
    ) -> Result<(), Error> {
        let what = format!("upload of {} to {repository}", descriptor.digest());
        let url = self.url(repository, "blobs/uploads/", &what)?;
        let open = Call::new(Method::POST, url, what.clone(), Scopes::push(repository));
        let answer = retrying(&self.transport.limits, || self.transport.send(&open)).await?;
        let session = Self::session(&answer)?;
        let wanted = self.transport.limits.chunk.or(source.pauses().then_some(PAUSING_CHUNK));
        let chunk = wanted.map(|size| u64::from(size).max(session.min_chunk).max(1));
        if let Some(size) = chunk.filter(|size| *size <= LARGEST_CHUNK && *size < descriptor.size()) {
            let session = self.chunks(repository, session, source.open(), size, &what).await?;
            return self.close(repository, descriptor, session, Payload::Empty, &what).await;
        }
        let payload = Payload::Source { source: source.clone(), size: descriptor.size() };
        self.close(repository, descriptor, session, payload, &what).await
    }

    /// Sends all bytes in requests of one size; the last may be smaller.
    async fn chunks(
        &self,
        repository: &Repository,
        mut session: Session,
        mut pieces: BoxStream<'static, std::io::Result<Bytes>>,
        size: u64,
        what: &str,
    ) -> Result<Session, Error> {
        let full = usize::try_from(size).unwrap_or(usize::MAX);
        let (mut sent, mut held) = (0_u64, BytesMut::new());
        loop {
            let piece = pieces.next().await.transpose().map_err(|error| local(what, error))?;
            let ended = piece.is_none();
            held.extend_from_slice(&piece.unwrap_or_default());
            while held.len() >= full || (ended && !held.is_empty()) {
                let chunk = held.split_to(full.min(held.len())).freeze();
                let last = sent + chunk.len() as u64 - 1;
                session = self.chunk(repository, session, chunk, sent, last, what).await?;
                sent = last + 1;
            }
            if ended {
                return Ok(session);
            }
        }
    }

    async fn chunk(
        &self,
        repository: &Repository,
        session: Session,
        chunk: Bytes,
        first: u64,
        last: u64,
        what: &str,
    ) -> Result<Session, Error> {
        let range = HeaderValue::from_str(&format!("{first}-{last}"))
            .map_err(|error| Error::new(Kind::Invalid, what, "no range").because(error))?;
        let call = Call::new(Method::PATCH, session.url, what, Scopes::push(repository))
            .header(CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"))
            .header(CONTENT_RANGE, range)
            .payload(Payload::Bytes(chunk));
        let answer = self.transport.send(&call).await?;
        // `0-99`, and `0-0` for nothing as well as for one byte: where it says something else, the registry has other bytes.
        let has = answer.text(&RANGE).and_then(|range| range.rsplit('-').next()?.parse::<u64>().ok());
        if has.is_some_and(|has| has != last) {
            let message = format!("the registry has {has:?} as the last byte instead of {last}");
            return Err(Error::new(Kind::Unavailable, what, message));
        }
        Self::session(&answer)
    }

    async fn close(
        &self,
        repository: &Repository,
        descriptor: &Descriptor,
        session: Session,
        payload: Payload,
        what: &str,
    ) -> Result<(), Error> {
        let mut url = session.url;
        url.query_pairs_mut().append_pair("digest", descriptor.digest().as_ref());
        let call = Call::new(Method::PUT, url, what, Scopes::push(repository))
            .header(CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"))
            .payload(payload);
        let answer = self.transport.send(&call).await?;
        let said = answer.text(&CONTENT_DIGEST).and_then(|text| text.parse::<Digest>().ok());
        if said.is_some_and(|said| said != *descriptor.digest())
            && self.head_blob(repository, descriptor.digest()).await?.is_none()
        {
            // Registries of the 2.x line take a SHA-512 digest and keep the blob under its SHA-256.
            let message = format!("the registry does not keep content under {}", descriptor.digest());
            return Err(Error::new(Kind::Unsupported, what, message));
        }
        Ok(())
    }

    fn session(answer: &Answer) -> Result<Session, Error> {
        let location =
            answer.text(&LOCATION).ok_or_else(|| answer.malformed("it does not say where to upload to"))?;
        let url = Transport::follow(answer.url(), location, answer.call())?;
        let min_chunk = answer.text(&MIN_CHUNK).and_then(|text| text.parse().ok()).unwrap_or_default();
        Ok(Session { url, min_chunk })
    }

    /// Closes a session that nobody needs. A registry that cannot forgets it by itself.
    async fn cancel(&self, repository: &Repository, session: Session, scopes: Scopes) {
        let what = format!("unneeded upload to {repository}");
        let call = Call::new(Method::DELETE, session.url, what, scopes);
        if let Err(error) = self.transport.send(&call).await {
            tracing::debug!(%error, "upload session stays open");
        }
    }
}

/// A session that is gone, or whose bytes are not those that were sent, says nothing about the next one.
fn may_pass(error: Error) -> Error {
    let of_session =
        ["BLOB_UPLOAD_UNKNOWN", "BLOB_UPLOAD_INVALID", "DIGEST_INVALID", "SIZE_INVALID", "RANGE_INVALID"];
    let says = error.codes().iter().any(|code| of_session.contains(&code.as_str()));
    if says || matches!(error.status(), Some(404 | 416)) { error.of_kind(Kind::Unavailable) } else { error }
}

fn local(what: &str, error: std::io::Error) -> Error {
    Error::new(Kind::Local, what, "the bytes to send cannot be read").because(error)
}
