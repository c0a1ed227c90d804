//! Streams that have no end of their own end with the server, so that it need not wait for their readers.

use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::middleware::Next;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderName, HeaderValue, Response};
use http_body::{Body as HttpBody, Frame, SizeHint};
use plimsoll_core::error::Kind;
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

use super::split::is_grpc;

/// Lets what the response streams end when `stopping` is cancelled. Answers that are ready go out whole.
pub(crate) async fn end_streams(
    State(stopping): State<CancellationToken>,
    request: Request,
    next: Next,
) -> Response<Body> {
    let response = next.run(request).await;
    let grpc = is_grpc(response.headers());
    if !grpc && !is_sse(response.headers()) {
        return response;
    }
    response.map(|inner| {
        let stopping = Box::pin(stopping.cancelled_owned());
        // A reader of gRPC is told why; an SSE client connects again by itself.
        let farewell = grpc.then(farewell);
        Body::new(Ending { inner, stopping, farewell, ended: false })
    })
}

fn is_sse(headers: &HeaderMap) -> bool {
    headers.get(CONTENT_TYPE).is_some_and(|value| value.as_bytes().starts_with(b"text/event-stream"))
}

fn farewell() -> HeaderMap {
    HeaderMap::from_iter([
        (HeaderName::from_static("grpc-status"), HeaderValue::from(Kind::Unavailable.grpc())),
        (HeaderName::from_static("grpc-message"), HeaderValue::from_static("the server stops; try again")),
    ])
}

struct Ending {
    inner: Body,
    stopping: Pin<Box<WaitForCancellationFutureOwned>>,
    farewell: Option<HeaderMap>,
    ended: bool,
}

impl HttpBody for Ending {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        if self.ended {
            return Poll::Ready(None);
        }
        if let Poll::Ready(frame) = Pin::new(&mut self.inner).poll_frame(cx) {
            return Poll::Ready(frame);
        }
        match self.stopping.as_mut().poll(cx) {
            Poll::Pending => Poll::Pending,
            Poll::Ready(()) => {
                self.ended = true;
                Poll::Ready(self.farewell.take().map(|trailers| Ok(Frame::trailers(trailers))))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.ended || self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        // It may end before what the inner one announces.
        SizeHint::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::Router;
    use axum::middleware::from_fn_with_state;
    use axum::response::IntoResponse as _;
    use axum::routing::get;
    use futures::stream::{self, StreamExt as _};
    use http_body_util::BodyExt as _;
    use tower::ServiceExt as _;

    async fn streamed(content_type: &'static str) -> (Bytes, Option<HeaderMap>) {
        let endless = move || async move {
            let items = stream::iter([Ok::<_, axum::Error>("one")]).chain(stream::pending());
            ([(CONTENT_TYPE, content_type)], Body::from_stream(items)).into_response()
        };
        let stopping = CancellationToken::new();
        let router =
            Router::new().route("/", get(endless)).layer(from_fn_with_state(stopping.clone(), end_streams));
        let response = router.oneshot(Request::new(Body::empty())).await.unwrap();
        stopping.cancel();
        let collected = response.into_body().collect().await.unwrap();
        let trailers = collected.trailers().cloned();
        (collected.to_bytes(), trailers)
    }

    #[tokio::test]
    async fn a_stream_ends_with_the_server_after_what_was_ready() {
        assert_eq!(streamed("text/event-stream").await, (Bytes::from("one"), None));
        let (data, trailers) = streamed("application/grpc").await;
        assert_eq!(data, Bytes::from("one"));
        assert_eq!(trailers.unwrap()["grpc-status"], "14");
    }
}
