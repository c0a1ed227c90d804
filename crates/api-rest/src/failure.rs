//! From core's one table of errors to problems (RFC 9457).
//!
//! A handler answers a [`Failure`]; it becomes a body only in [`render`], which knows what the log calls the
//! request. Whatever else fails on the way (no such route, a panic) gets the same form there.

use std::sync::Arc;

use axum::Json;
use axum::extract::Request;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::header::{ALLOW, CONTENT_LENGTH, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderMap, HeaderValue, StatusCode};
use plimsoll_core::error::{Chain, Error, Kind};

use crate::dto::{Problem, Violation};
use crate::trace::TraceId;

const PROBLEM: HeaderValue = HeaderValue::from_static("application/problem+json");

/// An error on its way to the caller.
#[derive(Clone, Debug)]
pub(crate) struct Failure {
    status: StatusCode,
    error: Arc<Error>,
}

impl Failure {
    /// What HTTP itself has a status for that is not the one of `kind`.
    pub(crate) fn http(
        status: StatusCode,
        kind: Kind,
        reason: &'static str,
        detail: impl Into<String>,
    ) -> Self {
        Self { status, error: Arc::new(Error::new(kind, reason, detail)) }
    }

    /// Its form for the caller.
    pub(crate) fn problem(&self, trace_id: &TraceId) -> Problem {
        let Error { kind, reason, message, violations, metadata, .. } = &*self.error;
        Problem {
            type_: format!("urn:plimsoll:error:{reason}"),
            title: title(reason),
            status: self.status.as_u16(),
            detail: message.clone(),
            kind: format!("{kind:?}"),
            reason: (*reason).to_owned(),
            metadata: metadata.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect(),
            trace_id: trace_id.to_string(),
            violations: violations.iter().cloned().map(Violation::from).collect(),
        }
    }

    /// Tells the log what only the log keeps.
    pub(crate) fn log(&self) {
        if matches!(self.error.kind, Kind::Internal | Kind::Unavailable) {
            tracing::error!(reason = self.error.reason, error = %Chain(&*self.error), "request failed");
        }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let status = StatusCode::from_u16(error.kind.http()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        Self { status, error: Arc::new(error) }
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let mut response = self.status.into_response();
        response.extensions_mut().insert(self);
        response
    }
}

/// Writes the body of every answer that is an error.
pub(crate) async fn render(request: Request, next: Next) -> Response {
    let trace_id = TraceId::of(&request);
    let mut response = next.run(request).await;
    let failure = match response.extensions_mut().remove::<Failure>() {
        Some(failure) => failure,
        None if is_error(response.status()) => foreign(response.status()),
        None => return response,
    };
    failure.log();
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, PROBLEM);
    if let Some(allow) = response.headers_mut().remove(ALLOW) {
        headers.insert(ALLOW, allow);
    }
    match failure.status {
        StatusCode::UNAUTHORIZED => {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        StatusCode::SERVICE_UNAVAILABLE => {
            headers.insert(RETRY_AFTER, HeaderValue::from_static("1"));
        }
        _ => {}
    }
    headers.remove(CONTENT_LENGTH);
    (failure.status, headers, Json(failure.problem(&trace_id))).into_response()
}

/// What a panic becomes; its message goes to the log alone.
#[expect(clippy::needless_pass_by_value, reason = "the signature that the layer asks for")]
pub(crate) fn panicked(panic: Box<dyn std::any::Any + Send>) -> Response {
    let message = panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("a panic without a message");
    Failure::from(Error::internal(message)).into_response()
}

fn is_error(status: StatusCode) -> bool {
    status.is_client_error() || status.is_server_error()
}

/// An error that nobody here made: the router's own.
fn foreign(status: StatusCode) -> Failure {
    match status {
        StatusCode::NOT_FOUND => Failure::http(
            status,
            Kind::NotFound,
            "ROUTE_NOT_FOUND",
            "there is nothing under this path; /openapi.json lists what there is",
        ),
        StatusCode::METHOD_NOT_ALLOWED => Failure::http(
            status,
            Kind::Unimplemented,
            "METHOD_NOT_ALLOWED",
            "this path does not take this method; the Allow header lists those it takes",
        ),
        status if status.is_server_error() => {
            Error::internal(format!("an answer with the bare status {status}")).into()
        }
        status => Failure::http(
            status,
            Kind::Invalid,
            "BAD_REQUEST",
            format!("the request cannot be served: {status}"),
        ),
    }
}

/// `APP_CHANGED` in words.
fn title(reason: &str) -> String {
    let mut title = reason.replace('_', " ").to_lowercase();
    if let Some(first) = title.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    title
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_its_status_and_its_reason() {
        for kind in Kind::ALL {
            let failure = Failure::from(Error::new(kind, kind.reason(), "why").with("key", "value"));
            let problem = failure.problem(&TraceId::default());
            assert_eq!(problem.status, kind.http());
            assert_eq!(problem.kind, serde_json::to_value(kind).unwrap());
            assert_eq!(problem.reason, kind.reason());
            assert_eq!(problem.type_, format!("urn:plimsoll:error:{}", kind.reason()));
            assert_eq!(problem.metadata["key"], "value");
        }
    }

    #[test]
    fn the_source_stays_in_the_log() {
        let failure = Failure::from(Error::internal(std::io::Error::other("canary")));
        let problem = serde_json::to_string(&failure.problem(&TraceId::default())).unwrap();
        assert!(!problem.contains("canary"), "{problem}");
    }

    #[test]
    fn a_reason_is_a_title_in_words() {
        assert_eq!(title("APP_CHANGED"), "App changed");
        assert_eq!(title(""), "");
    }
}
