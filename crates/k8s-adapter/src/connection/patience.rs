//! Waits where the server asks for it, and nowhere else.
//!
//! The one answer that surely did nothing and may come out otherwise a moment later is 429 with
//! `Retry-After`, which is what the API server's priority and fairness gives. Everything else is the
//! caller's to decide: a 504 may have been a success.

use std::task::{Context, Poll};
use std::time::Duration;

use futures::future::BoxFuture;
use http::{Request, Response, StatusCode, header::RETRY_AFTER};
use kube::client::Body;
use tower::{BoxError, Service};

/// How often a call is made again.
const RETRIES: u32 = 2;
/// The longest wait that a call takes upon itself; a longer one is its caller's.
const LONGEST: Duration = Duration::from_secs(2);

/// The server asks to be left alone for so long, which is longer than a call waits. It did nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the server asks to wait for {} s", .0.as_secs())]
pub(crate) struct Asked(pub(crate) Duration);

/// Makes calls again that the server asked to make again.
#[derive(Clone, Copy)]
pub(super) struct Layer;

impl<S> tower::Layer<S> for Layer {
    type Service = Patience<S>;

    fn layer(&self, inner: S) -> Patience<S> {
        Patience { inner }
    }
}

/// See [`Layer`].
#[derive(Clone)]
pub(super) struct Patience<S> {
    inner: S,
}

impl<S, B> Service<Request<Body>> for Patience<S>
where
    S: Service<Request<Body>, Response = Response<B>> + Clone + Send + 'static,
    S::Error: Into<BoxError>,
    S::Future: Send + 'static,
    B: Send + 'static,
{
    type Response = Response<B>;
    type Error = BoxError;
    type Future = BoxFuture<'static, Result<Response<B>, BoxError>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(cx).map_err(Into::into)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        // The one that was made ready is used; its clone is for the next call.
        let fresh = self.inner.clone();
        let mut inner = std::mem::replace(&mut self.inner, fresh);
        Box::pin(async move {
            let mut request = request;
            let mut left = RETRIES;
            loop {
                let again = repeat(&request);
                let response = inner.call(request).await.map_err(Into::into)?;
                // The header is all that says so: the body of such an answer is a line of text.
                let Some(wait) = asked_to_wait(&response) else { return Ok(response) };
                request = match again.filter(|_| left > 0 && wait <= LONGEST) {
                    Some(again) => again,
                    None => return Err(Asked(wait).into()),
                };
                drop(response);
                left -= 1;
                tokio::time::sleep(wait).await;
                std::future::poll_fn(|cx| inner.poll_ready(cx)).await.map_err(Into::into)?;
            }
        })
    }
}

fn asked_to_wait<B>(response: &Response<B>) -> Option<Duration> {
    if response.status() != StatusCode::TOO_MANY_REQUESTS {
        return None;
    }
    let seconds = response.headers().get(RETRY_AFTER)?.to_str().ok()?.parse().ok()?;
    Some(Duration::from_secs(seconds))
}

fn repeat(request: &Request<Body>) -> Option<Request<Body>> {
    let mut again = Request::new(request.body().try_clone()?);
    again.method_mut().clone_from(request.method());
    again.uri_mut().clone_from(request.uri());
    *again.version_mut() = request.version();
    again.headers_mut().clone_from(request.headers());
    again.extensions_mut().clone_from(request.extensions());
    Some(again)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;
    use tower::{Layer as _, ServiceExt};

    /// How often a server is called that answers `status` with these headers, and what becomes of that.
    async fn calls(status: u16, retry_after: Option<&'static str>) -> (u32, Result<u16, Asked>) {
        let count = Arc::new(AtomicU32::new(0));
        let seen = Arc::clone(&count);
        let service = Layer.layer(tower::service_fn(move |request: Request<Body>| {
            let seen = Arc::clone(&seen);
            async move {
                assert_eq!(request.method(), "POST");
                seen.fetch_add(1, Ordering::SeqCst);
                let mut response = Response::builder().status(status);
                if let Some(seconds) = retry_after {
                    response = response.header(RETRY_AFTER, seconds);
                }
                Ok::<_, BoxError>(response.body(()).unwrap())
            }
        }));
        let request = Request::post("/x").body(Body::from(b"{}".to_vec())).unwrap();
        let answer = match service.oneshot(request).await {
            Ok(response) => Ok(response.status().as_u16()),
            Err(error) => Err(*error.downcast::<Asked>().unwrap()),
        };
        (count.load(Ordering::SeqCst), answer)
    }

    #[tokio::test(start_paused = true)]
    async fn only_a_server_that_asks_for_it_is_asked_again() {
        let asked = |seconds| Err(Asked(Duration::from_secs(seconds)));
        for (status, retry_after, expected, answer) in [
            (429, Some("1"), 3, asked(1)),
            (429, None, 1, Ok(429)),
            (429, Some("60"), 1, asked(60)),
            (429, Some("soon"), 1, Ok(429)),
            (503, Some("1"), 1, Ok(503)),
            (504, None, 1, Ok(504)),
            (201, None, 1, Ok(201)),
        ] {
            assert_eq!(calls(status, retry_after).await, (expected, answer), "{status} {retry_after:?}");
        }
    }
}
