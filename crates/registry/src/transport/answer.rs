//! What comes back, read within bounds.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures::stream::{self, BoxStream, StreamExt as _};
use http::{HeaderMap, HeaderName, StatusCode};
use reqwest::{Response, Url};

use super::payload::broken;
use crate::error::{Error, Kind};

/// An answer whose body has not been read.
#[derive(Debug)]
pub(crate) struct Answer {
    response: Response,
    url: Url,
    call: String,
    idle: Duration,
}

impl Answer {
    pub(super) fn new(response: Response, url: Url, call: String, idle: Duration) -> Self {
        Self { response, url, call, idle }
    }

    pub(crate) fn status(&self) -> StatusCode {
        self.response.status()
    }

    pub(crate) fn headers(&self) -> &HeaderMap {
        self.response.headers()
    }

    /// A header's value, if it is text.
    pub(crate) fn text(&self, name: &HeaderName) -> Option<&str> {
        self.headers().get(name)?.to_str().ok()
    }

    /// Where it came from, after all that led there.
    pub(crate) fn url(&self) -> &Url {
        &self.url
    }

    /// What was asked, for messages.
    pub(crate) fn call(&self) -> &str {
        &self.call
    }

    /// An error about this answer.
    pub(crate) fn malformed(&self, message: impl Into<String>) -> Error {
        Error::new(Kind::Malformed, &self.call, message)
    }

    /// The body, which may have `limit` bytes at most.
    pub(crate) async fn bytes(self, limit: usize) -> Result<Bytes, Error> {
        let too_large =
            |call: &str| Error::new(Kind::TooLarge, call, format!("the answer has more than {limit} bytes"));
        let announced = self.response.content_length();
        if announced.is_some_and(|length| length > limit as u64) {
            return Err(too_large(&self.call));
        }
        let call = self.call.clone();
        let mut pieces = self.pieces();
        let mut body = BytesMut::new();
        while let Some(piece) = pieces.next().await {
            let piece = piece?;
            if body.len() + piece.len() > limit {
                return Err(too_large(&call));
            }
            body.extend_from_slice(&piece);
        }
        Ok(body.freeze())
    }

    /// As much of the body as comes within the bound and in time, for the words of a refusal.
    pub(super) async fn beginning(self, limit: usize) -> Bytes {
        let mut pieces = self.pieces();
        let mut body = BytesMut::new();
        while let Some(Ok(piece)) = pieces.next().await {
            let room = limit.saturating_sub(body.len());
            body.extend_from_slice(&piece[..piece.len().min(room)]);
            if body.len() >= limit {
                break;
            }
        }
        body.freeze()
    }

    /// The body in the pieces in which it comes. One that stops coming is an error.
    pub(crate) fn pieces(self) -> BoxStream<'static, Result<Bytes, Error>> {
        let Self { response, call, idle, .. } = self;
        let pieces = stream::unfold(Some((response, call)), move |state| async move {
            let (mut response, call) = state?;
            match tokio::time::timeout(idle, response.chunk()).await {
                Ok(Ok(Some(piece))) => Some((Ok(piece), Some((response, call)))),
                Ok(Ok(None)) => None,
                Ok(Err(error)) => Some((Err(broken(call, error)), None)),
                Err(_) => {
                    let message = format!("nothing came for {} s", idle.as_secs());
                    Some((Err(Error::new(Kind::TimedOut, call, message)), None))
                }
            }
        });
        Box::pin(pieces)
    }
}
