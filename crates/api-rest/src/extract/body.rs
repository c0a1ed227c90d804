//! Bodies: JSON without doubled keys, of bounded length and depth.

use axum::extract::{FromRequest, Request};
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, StatusCode};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use plimsoll_core::document::parse_json;
use plimsoll_core::error::{Error, Kind, Violation};
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::failure::Failure;

/// The longest body that is read, in bytes. A document may have 1 MiB, and its own fault is the better answer
/// for one that is a little longer.
pub const MAX_BODY: usize = 1024 * 1024 + 64 * 1024;

/// The App document, as core reads it.
pub(crate) struct Document(pub(crate) Value);

/// A body of the form `T`.
pub(crate) struct Body<T>(pub(crate) T);

/// A body of the form `T`, which may be left out.
pub(crate) struct MaybeBody<T>(pub(crate) T);

impl<S: Send + Sync> FromRequest<S> for Document {
    type Rejection = Failure;

    async fn from_request(request: Request, _: &S) -> Result<Self, Failure> {
        must_be_json(request.headers())?;
        json(&bytes(request).await?).map(Self)
    }
}

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Body<T> {
    type Rejection = Failure;

    async fn from_request(request: Request, _: &S) -> Result<Self, Failure> {
        must_be_json(request.headers())?;
        typed(&bytes(request).await?).map(Self)
    }
}

impl<T: DeserializeOwned + Default, S: Send + Sync> FromRequest<S> for MaybeBody<T> {
    type Rejection = Failure;

    async fn from_request(request: Request, _: &S) -> Result<Self, Failure> {
        let headers = request.headers().clone();
        let bytes = bytes(request).await?;
        if bytes.is_empty() {
            return Ok(Self(T::default()));
        }
        must_be_json(&headers)?;
        typed(&bytes).map(Self)
    }
}

fn must_be_json(headers: &HeaderMap) -> Result<(), Failure> {
    let content_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let media_type = content_type.split(';').next().unwrap_or_default().trim();
    if media_type.eq_ignore_ascii_case("application/json") {
        return Ok(());
    }
    let what = if media_type.is_empty() { "without a type".to_owned() } else { format!("{media_type:?}") };
    Err(Failure::http(
        StatusCode::UNSUPPORTED_MEDIA_TYPE,
        Kind::Invalid,
        "UNSUPPORTED_MEDIA_TYPE",
        format!("the body is {what}; send JSON with `Content-Type: application/json`"),
    ))
}

async fn bytes(request: Request) -> Result<Bytes, Failure> {
    match Limited::new(request.into_body(), MAX_BODY).collect().await {
        Ok(body) => Ok(body.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => Err(Failure::http(
            StatusCode::PAYLOAD_TOO_LARGE,
            Kind::ResourceExhausted,
            "BODY_TOO_LARGE",
            "the body is too long; a document has at most 1 MiB",
        )),
        Err(error) => {
            Err(Error::new(Kind::Cancelled, "BODY_CUT_OFF", "the body ended early").with_source(error).into())
        }
    }
}

fn json(bytes: &[u8]) -> Result<Value, Failure> {
    parse_json(bytes).map_err(|violations| Error::invalid("the body cannot be read", violations).into())
}

fn typed<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Failure> {
    serde_path_to_error::deserialize(json(bytes)?).map_err(|error| {
        let path = match error.path().to_string() {
            // How it spells the root.
            path if path == "." => "body".to_owned(),
            path => path,
        };
        let remedy = "send the body as /openapi.json describes it";
        let violation = Violation::new(path, error.into_inner().to_string(), remedy);
        Error::invalid("the body has faults", vec![violation]).into()
    })
}
