//! What goes out with a request, and the watch over its progress.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::StreamExt as _;
use http::header::CONTENT_LENGTH;
use reqwest::{RequestBuilder, Response};
use tokio::sync::watch;

use super::guard::Refused;
use crate::access::Limits;
use crate::content::BlobSource;
use crate::error::{Error, Kind};

/// The body of a request.
#[derive(Clone)]
pub(crate) enum Payload {
    Empty,
    Bytes(Bytes),
    /// Read anew for every attempt; `size` bytes from the first on.
    Source {
        source: Arc<dyn BlobSource>,
        size: u64,
    },
}

/// Why there is no answer.
pub(super) enum Failure {
    Silent(Duration),
    Broken(reqwest::Error),
}

impl Payload {
    /// Sends a request with this body. It may take as long as it wants while bytes go out; from the last on, the answer
    /// must begin within the idle time.
    pub(super) async fn send(&self, request: RequestBuilder, limits: &Limits) -> Result<Response, Failure> {
        let (progress, mut moved) = watch::channel(());
        let request = match self {
            // Registries refuse a POST or PUT that does not say how long it is.
            Self::Empty => request.header(CONTENT_LENGTH, 0),
            Self::Bytes(bytes) => request.body(bytes.clone()),
            Self::Source { source, size } => {
                let pieces = source.open().inspect(move |_| {
                    progress.send_replace(());
                });
                // A piece of nothing ends a body in some framings.
                let pieces = pieces.filter(|piece| {
                    let something = !piece.as_ref().is_ok_and(Bytes::is_empty);
                    async move { something }
                });
                request.header(CONTENT_LENGTH, *size).body(reqwest::Body::wrap_stream(pieces))
            }
        };
        let mut answer = std::pin::pin!(request.send());
        loop {
            tokio::select! {
                response = &mut answer => return response.map_err(Failure::Broken),
                // Ends for good when the body went out: then only the silence is measured.
                Ok(()) = moved.changed() => {}
                () = tokio::time::sleep(limits.idle) => return Err(Failure::Silent(limits.idle)),
            }
        }
    }
}

impl Failure {
    pub(super) fn named(self, call: String) -> Error {
        match self {
            Self::Silent(idle) => {
                Error::new(Kind::TimedOut, call, format!("nothing moved for {} s", idle.as_secs()))
            }
            Self::Broken(error) => broken(call, error),
        }
    }
}

/// A connection that could not be made or broke off.
pub(super) fn broken(call: String, error: reqwest::Error) -> Error {
    let mut cause: &(dyn std::error::Error + 'static) = &error;
    loop {
        if let Some(refused) = cause.downcast_ref::<Refused>() {
            return Error::new(Kind::Forbidden, call, refused.to_string());
        }
        match cause.source() {
            Some(next) => cause = next,
            None => break,
        }
    }
    let (kind, message) = match &error {
        error if error.is_timeout() => (Kind::TimedOut, "no connection stood in time".to_owned()),
        error if error.is_connect() => (Kind::Unavailable, format!("it cannot be connected to: {cause}")),
        error if error.is_builder() => (Kind::Invalid, format!("no request can be made of it: {cause}")),
        _ => (Kind::Unavailable, format!("the connection broke off: {cause}")),
    };
    Error::new(kind, call, message).because(error.without_url())
}
