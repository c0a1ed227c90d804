//! Answers: objects in the form that was asked for, errors as `Status`.

use axum::body::Body;
use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE, HeaderValue, RETRY_AFTER, WARNING};
use http::{HeaderMap, Response, StatusCode};

use crate::api::Answer;
use crate::status::{ApiError, Written};
use crate::tree::{Value, json};

const TEXT: &str = "text/plain; charset=utf-8";

pub(super) type Reply = Response<Body>;

/// The form in which a client wants objects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    Full,
    /// `PartialObjectMetadata`.
    Metadata,
    /// Rows for `kubectl get`.
    Table,
}

impl Form {
    /// The first form in `Accept` that is offered here.
    pub(super) fn of(headers: &HeaderMap) -> Result<Self, ApiError> {
        let Some(accept) = headers.get(ACCEPT).and_then(|value| value.to_str().ok()) else {
            return Ok(Self::Full);
        };
        for media in accept.split(',').map(str::trim) {
            let mut parts = media.split(';').map(str::trim);
            let kind = parts.next().unwrap_or_default();
            if !["application/json", "application/*", "*/*"].contains(&kind) {
                continue;
            }
            let form = parts.find_map(|part| part.strip_prefix("as="));
            match form {
                None => return Ok(Self::Full),
                Some("Table") => return Ok(Self::Table),
                Some("PartialObjectMetadata" | "PartialObjectMetadataList") => return Ok(Self::Metadata),
                Some(_) => {}
            }
        }
        Err(ApiError::new(
            StatusCode::NOT_ACCEPTABLE,
            "NotAcceptable",
            "only the following media types are accepted: application/json",
        )
        .with(json!({})))
    }
}

/// Whether the client takes aggregated discovery documents of version v2.
pub(super) fn wants_aggregated_discovery(headers: &HeaderMap) -> bool {
    let accept = headers.get(ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    accept.split(',').any(|media| {
        media.contains("g=apidiscovery.k8s.io") && media.contains("v=v2;")
            || media.trim().ends_with("v=v2;as=APIGroupDiscoveryList")
            || (media.contains("g=apidiscovery.k8s.io")
                && media.contains("v=v2")
                && !media.contains("v=v2beta1"))
    })
}

pub(super) fn json(code: StatusCode, value: &Value) -> Reply {
    with_type(code, "application/json", value.to_string())
}

pub(super) fn with_type(code: StatusCode, content_type: &'static str, body: impl Into<Body>) -> Reply {
    let mut reply = Response::new(body.into());
    *reply.status_mut() = code;
    reply.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    reply
}

pub(super) fn answer(answer: &Answer, shown: Bytes) -> Reply {
    let mut reply = with_type(answer.code, "application/json", shown);
    for warning in &answer.warnings {
        warn(&mut reply, warning);
    }
    reply
}

/// Adds a `Warning` to an answer.
pub(super) fn warn(reply: &mut Reply, warning: &str) {
    let text = format!("299 - \"{}\"", warning.replace('\\', "\\\\").replace('"', "\\\""));
    if let Ok(value) = HeaderValue::from_str(&text) {
        reply.headers_mut().append(WARNING, value);
    }
}

pub(super) fn error(error: &ApiError) -> Reply {
    let mut reply = match error.written() {
        Written::Status => json(error.code, &error.to_value()),
        Written::Untyped => with_type(error.code, TEXT, error.to_value().to_string()),
        Written::Text => with_type(error.code, TEXT, format!("{}\n", error.message)),
    };
    if let Some(seconds) = error.retry_after {
        reply.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
    reply
}

/// What the real server answers for a path it does not serve at all.
pub(super) fn page_not_found() -> Reply {
    with_type(StatusCode::NOT_FOUND, TEXT, "404 page not found\n")
}
