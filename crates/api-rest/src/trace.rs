//! What the log calls a request, and the line that the log has about it.

use std::fmt;
use std::time::Instant;

use axum::Router;
use axum::extract::{MatchedPath, Request};
use axum::middleware::{Next, from_fn};
use axum::response::Response;
use http::{HeaderMap, HeaderValue};
use tracing::Instrument as _;

/// The header that tells the caller.
const HEADER: &str = "x-trace-id";

/// What the log calls a request: 32 hexadecimal digits, the caller's own if it sent a `traceparent`
/// (<https://www.w3.org/TR/trace-context/>).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TraceId(String);

impl fmt::Display for TraceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TraceId {
    /// The one that [`traced`] gave to `request`.
    pub fn of(request: &Request) -> Self {
        request.extensions().get::<Self>().cloned().unwrap_or_default()
    }

    fn read(headers: &HeaderMap) -> Option<Self> {
        let text = headers.get("traceparent")?.to_str().ok()?;
        let id = text.split('-').nth(1)?;
        let digits = id.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
        (id.len() == 32 && digits && id.bytes().any(|b| b != b'0')).then(|| Self(id.to_owned()))
    }
}

/// Gives every request a [`TraceId`], tells the caller in `x-trace-id`, and the log with each line about it.
/// To be put around everything that one port serves.
pub fn traced(router: Router) -> Router {
    router.layer(from_fn(trace))
}

async fn trace(mut request: Request, next: Next) -> Response {
    let id = TraceId::read(request.headers())
        .unwrap_or_else(|| TraceId(uuid::Uuid::now_v7().simple().to_string()));
    request.extensions_mut().insert(id.clone());
    let path = request
        .extensions()
        .get::<MatchedPath>()
        .map_or_else(|| request.uri().path().to_owned(), |path| path.as_str().to_owned());
    let span = tracing::info_span!("request", trace_id = %id, method = %request.method(), path);
    let started = Instant::now();
    async {
        let mut response = next.run(request).await;
        tracing::debug!(status = response.status().as_u16(), elapsed = ?started.elapsed(), "answered");
        if let Ok(value) = HeaderValue::from_str(&id.0) {
            response.headers_mut().insert(HEADER, value);
        }
        response
    }
    .instrument(span)
    .await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_callers_own_trace_is_kept_and_nothing_else_is_taken_for_one() {
        let read = |text: &str| {
            let headers = HeaderMap::from_iter([("traceparent".parse().unwrap(), text.parse().unwrap())]);
            TraceId::read(&headers).map(|id| id.0)
        };
        let id = "4bf92f3577b34da6a3ce929d0e0e4736";
        assert_eq!(read(&format!("00-{id}-00f067aa0ba902b7-01")), Some(id.to_owned()));
        for bad in ["", "00", "00-xyz-1-01", &format!("00-{}-1-01", "0".repeat(32)), &id.to_uppercase()] {
            assert_eq!(read(bad), None, "{bad:?}");
        }
    }
}
