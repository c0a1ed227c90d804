//! Answers.

use std::io;

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use futures::{StreamExt as _, stream};
use http::{HeaderValue, StatusCode};
use serde_json::json;

/// What a script makes of a request.
pub enum Scripted {
    /// What the registry would do anyway.
    Pass,
    /// This answer, without effect.
    Instead(Response),
    /// The effect, and then this answer.
    After(Response),
}

/// An answer of this status with these headers and this body.
///
/// # Panics
/// If the status or a header is none.
#[expect(clippy::expect_used, reason = "what a test writes is what it means")]
pub fn respond(status: u16, headers: &[(&'static str, &str)], body: impl Into<Body>) -> Response {
    let mut response = Response::new(body.into());
    *response.status_mut() = StatusCode::from_u16(status).expect("a status");
    for (name, value) in headers {
        response.headers_mut().append(*name, HeaderValue::from_str(value).expect("a header value"));
    }
    response
}

/// An answer that promises all of these bytes and breaks off after some.
pub fn broken_off(bytes: &Bytes, after: usize) -> Response {
    let part = bytes.slice(..after.min(bytes.len()));
    // The pause lets the bytes out before the connection is closed under them.
    let broken = stream::once(async {
        tokio::task::yield_now().await;
        Err(io::Error::other("broken off"))
    });
    let body = Body::from_stream(stream::iter([Ok(part)]).chain(broken));
    respond(200, &[("content-length", &bytes.len().to_string())], body)
}

pub(crate) fn error(status: u16, code: &str, message: &str) -> Response {
    let body = json!({"errors": [{"code": code, "message": message}]}).to_string();
    respond(status, &[("content-type", "application/json")], body)
}
