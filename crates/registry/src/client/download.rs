//! Reading a blob: in pieces, from where it broke off, checked at the end.

use bytes::Bytes;
use futures::stream::{self, BoxStream, StreamExt as _};
use http::header::{ACCEPT_ENCODING, CONTENT_RANGE, RANGE};
use http::{HeaderValue, Method, StatusCode};
use oci_spec::image::Descriptor;
use plimsoll_core::image::Repository;

use super::Registry;
use crate::auth::Scopes;
use crate::content::Verifier;
use crate::error::{Error, Kind};
use crate::transport::retry::Budget;

/// So many bytes must come before attempts are counted anew: a registry cannot hold a reader by single bytes.
const WORTH_IT: u64 = 1 << 20;

impl Registry {
    /// The bytes of a blob as they come. A connection that breaks off is made again, from the byte it broke at. The last
    /// item says whether all of it was what the descriptor promises: whoever keeps the bytes keeps them only then.
    pub fn blob(
        &self,
        repository: &Repository,
        descriptor: &Descriptor,
    ) -> BoxStream<'static, Result<Bytes, Error>> {
        let verifier = match Verifier::new(descriptor.digest(), descriptor.size()) {
            Ok(verifier) => verifier,
            Err(error) => return stream::once(async { Err(error) }).boxed(),
        };
        self.blob_from(repository, descriptor, verifier)
    }

    /// The bytes that a verifier has not seen yet.
    pub(crate) fn blob_from(
        &self,
        repository: &Repository,
        descriptor: &Descriptor,
        verifier: Verifier,
    ) -> BoxStream<'static, Result<Bytes, Error>> {
        let renewed = verifier.seen();
        let download = Download {
            registry: self.clone(),
            repository: repository.clone(),
            descriptor: descriptor.clone(),
            verifier,
            pieces: None,
            skip: 0,
            budget: Budget::new(self.transport.limits.clone()),
            renewed,
        };
        stream::unfold(Some(download), |download| async move {
            let mut download = download?;
            match download.next().await {
                Ok(Some(piece)) => Some((Ok(piece), Some(download))),
                Ok(None) => match download.verifier.finish() {
                    Ok(()) => None,
                    Err(error) => Some((Err(error), None)),
                },
                Err(error) => Some((Err(error), None)),
            }
        })
        .boxed()
    }
}

struct Download {
    registry: Registry,
    repository: Repository,
    descriptor: Descriptor,
    verifier: Verifier,
    pieces: Option<BoxStream<'static, Result<Bytes, Error>>>,
    /// Bytes that come a second time, from a registry that does not begin in the middle.
    skip: u64,
    budget: Budget,
    /// How much had come when the budget was last renewed.
    renewed: u64,
}

impl Download {
    /// The next bytes; nothing when there are as many as were promised.
    async fn next(&mut self) -> Result<Option<Bytes>, Error> {
        loop {
            match self.attempt().await {
                Ok(piece) => {
                    // A connection that moves is worth going on with, however often it broke.
                    if self.verifier.seen() - self.renewed >= WORTH_IT {
                        self.renewed = self.verifier.seen();
                        self.budget.renew();
                    }
                    return Ok(piece);
                }
                // Too much came: no further byte can mend it.
                Err(error) if error.kind() == Kind::Corrupt => return Err(error),
                Err(error) => {
                    self.pieces = None;
                    self.budget.wait(error).await?;
                }
            }
        }
    }

    async fn attempt(&mut self) -> Result<Option<Bytes>, Error> {
        loop {
            if self.pieces.is_none() {
                if self.verifier.is_whole() && self.verifier.seen() > 0 {
                    return Ok(None);
                }
                self.pieces = Some(self.open().await?);
            }
            let Some(pieces) = &mut self.pieces else { continue };
            match pieces.next().await {
                Some(Ok(mut piece)) => {
                    let skipped = self.skip.min(piece.len() as u64);
                    self.skip -= skipped;
                    let _ = piece.split_to(usize::try_from(skipped).unwrap_or(usize::MAX));
                    if piece.is_empty() {
                        continue;
                    }
                    self.verifier.update(&piece)?;
                    return Ok(Some(piece));
                }
                Some(Err(error)) => return Err(error),
                None if self.verifier.is_whole() => return Ok(None),
                None => {
                    let (seen, size) = (self.verifier.seen(), self.descriptor.size());
                    let message = format!("the body ended after {seen} of {size} bytes");
                    return Err(Error::new(Kind::Unavailable, self.descriptor.digest(), message));
                }
            }
        }
    }

    async fn open(&mut self) -> Result<BoxStream<'static, Result<Bytes, Error>>, Error> {
        let seen = self.verifier.seen();
        let mut call = self
            .registry
            .blob_call(
                Method::GET,
                &self.repository,
                self.descriptor.digest(),
                Scopes::pull(&self.repository),
            )?
            .header(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        if seen > 0 {
            let range = HeaderValue::from_str(&format!("bytes={seen}-"))
                .map_err(|error| Error::new(Kind::Invalid, &call, "no range").because(error))?;
            call = call.header(RANGE, range);
        }
        let answer = self.registry.transport.send(&call).await?;
        self.skip = match answer.status() {
            StatusCode::PARTIAL_CONTENT => {
                let begin = answer.text(&CONTENT_RANGE).and_then(first_byte);
                if begin != Some(seen) {
                    return Err(answer.malformed(format!("asked from byte {seen} on, it began elsewhere")));
                }
                0
            }
            _ => seen,
        };
        Ok(answer.pieces())
    }
}

/// The first byte of `bytes 100-199/200`.
fn first_byte(content_range: &str) -> Option<u64> {
    content_range.trim().strip_prefix("bytes")?.trim_start().split('-').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::first_byte;

    #[test]
    fn a_range_says_where_it_begins() {
        assert_eq!(first_byte("bytes 100-199/200"), Some(100));
        assert_eq!(first_byte("bytes 0-0/*"), Some(0));
        assert_eq!(
            (first_byte("bytes */200"), first_byte("items 1-2/3"), first_byte("")),
            (None, None, None)
        );
    }
}
