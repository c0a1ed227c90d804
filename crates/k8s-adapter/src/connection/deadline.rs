//! Ends every call in time: a server that stands still must not hold its caller.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use futures::future::BoxFuture;
use http::{Request, Response};
use http_body::{Frame, SizeHint};
use kube::client::Body;
use tokio::time::{Instant, Sleep};
use tower::{BoxError, Service};

/// No answer, or not its end, within the deadline.
#[derive(Debug, thiserror::Error)]
#[error("no answer within {0:?}")]
pub(crate) struct Elapsed(pub(crate) Duration);

/// Puts a deadline on every call of the service below.
#[derive(Clone)]
pub(super) struct Layer {
    deadline: Duration,
}

impl Layer {
    pub(super) fn new(deadline: Duration) -> Self {
        Self { deadline }
    }
}

impl<S> tower::Layer<S> for Layer {
    type Service = Deadline<S>;

    fn layer(&self, inner: S) -> Deadline<S> {
        Deadline { inner, deadline: self.deadline }
    }
}

/// See [`Layer`].
#[derive(Clone)]
pub(super) struct Deadline<S> {
    inner: S,
    deadline: Duration,
}

impl<S, B> Service<Request<Body>> for Deadline<S>
where
    S: Service<Request<Body>, Response = Response<B>>,
    S::Error: Into<BoxError>,
    S::Future: Send + 'static,
{
    type Response = Response<Bounded<B>>;
    type Error = BoxError;
    type Future = BoxFuture<'static, Result<Self::Response, BoxError>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(cx).map_err(Into::into)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let until = Instant::now() + self.deadline;
        let deadline = self.deadline;
        // What goes on after its beginning is a stream, and has its own rule for silence.
        let streams = is_stream(request.uri().path(), request.uri().query().unwrap_or_default());
        let answer = self.inner.call(request);
        Box::pin(async move {
            let response = tokio::time::timeout_at(until, answer)
                .await
                .map_err(|_| Elapsed(deadline))?
                .map_err(Into::into)?;
            let left = (!streams).then(|| (Box::pin(tokio::time::sleep_until(until)), deadline));
            Ok(response.map(|body| Bounded { body: Box::pin(body), left }))
        })
    }
}

fn is_stream(path: &str, query: &str) -> bool {
    let asked = |parameter: &str| query.split('&').any(|part| part == parameter);
    asked("watch=true") || asked("watch=1") || (path.ends_with("/log") && asked("follow=true"))
}

/// A body that fails when its deadline is over.
pub(super) struct Bounded<B> {
    body: Pin<Box<B>>,
    left: Option<(Pin<Box<Sleep>>, Duration)>,
}

impl<B> http_body::Body for Bounded<B>
where
    B: http_body::Body<Data = Bytes>,
    B::Error: Into<BoxError>,
{
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        if let Poll::Ready(frame) = self.body.as_mut().poll_frame(cx) {
            return Poll::Ready(frame.map(|frame| frame.map_err(Into::into)));
        }
        let Some((timer, deadline)) = &mut self.left else {
            return Poll::Pending;
        };
        let deadline = *deadline;
        ready!(timer.as_mut().poll(cx));
        Poll::Ready(Some(Err(Elapsed(deadline).into())))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http_body_util::BodyExt;
    use tower::{Layer as _, ServiceExt};

    fn request(uri: &str) -> Request<Body> {
        Request::get(uri).body(Body::empty()).unwrap()
    }

    /// A body that says one thing and then nothing.
    struct Stuck(bool);

    impl http_body::Body for Stuck {
        type Data = Bytes;
        type Error = BoxError;

        fn poll_frame(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
            if std::mem::replace(&mut self.0, true) {
                return Poll::Pending;
            }
            Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(b"{")))))
        }
    }

    fn stuck() -> impl Service<Request<Body>, Response = Response<Bounded<Stuck>>, Error = BoxError> {
        Layer::new(Duration::from_secs(5)).layer(tower::service_fn(|_: Request<Body>| async {
            Ok::<_, BoxError>(Response::new(Stuck(false)))
        }))
    }

    #[tokio::test(start_paused = true)]
    async fn a_server_that_never_answers_ends_the_call() {
        let service = Layer::new(Duration::from_secs(5)).layer(tower::service_fn(|_: Request<Body>| {
            std::future::pending::<Result<Response<Stuck>, BoxError>>()
        }));
        let started = Instant::now();
        let error = service.oneshot(request("/api/v1/pods")).await.err().unwrap();
        assert!(error.is::<Elapsed>());
        assert_eq!(started.elapsed(), Duration::from_secs(5));
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_that_stops_half_way_ends_the_call() {
        let response = stuck().oneshot(request("/api/v1/pods?limit=500")).await.unwrap();
        let error = response.into_body().collect().await.err().unwrap();
        assert!(error.is::<Elapsed>());
    }

    #[tokio::test(start_paused = true)]
    async fn a_watch_may_be_silent() {
        let response = stuck().oneshot(request("/api/v1/pods?limit=1&watch=true")).await.unwrap();
        let collected = tokio::time::timeout(Duration::from_hours(1), response.into_body().collect()).await;
        assert!(collected.is_err());
    }
}
