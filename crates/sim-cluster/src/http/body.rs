//! Request bodies: read with a bound, decoded by content type.

use axum::body::Body;
use bytes::Bytes;
use http::StatusCode;
use http::header::CONTENT_TYPE;
use http::request::Parts;
use http_body_util::{BodyExt, Limited};

use super::{json, protobuf};
use crate::api::{PatchType, Target};
use crate::status::ApiError;
use crate::tree::Value;

/// The real server's bound.
const LARGEST: usize = 3 * 1024 * 1024;

/// The formats of every object; built-in kinds have one more.
const OBJECTS: &str = "application/json, application/yaml";

const PROTOBUF: &str = "application/vnd.kubernetes.protobuf";

/// What the object in a body is to be.
#[derive(Debug, Clone, Copy)]
pub(super) struct Expected<'a> {
    pub(super) api_version: &'a str,
    pub(super) kind: &'a str,
    /// Whether it is written in protobuf too.
    pub(super) is_builtin: bool,
}

impl<'a> Expected<'a> {
    pub(super) fn builtin(api_version: &'a str, kind: &'a str) -> Self {
        Self { api_version, kind, is_builtin: true }
    }
}

pub(super) async fn read(body: Body) -> Result<Bytes, ApiError> {
    match Limited::new(body, LARGEST).collect().await {
        Ok(collected) => Ok(collected.to_bytes()),
        Err(error) if error.is::<http_body_util::LengthLimitError>() => Err(ApiError::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "RequestEntityTooLarge",
            format!("Request entity too large: limit is {LARGEST}"),
        )),
        Err(error) => Err(ApiError::bad_request(format!("reading the body: {error}"))),
    }
}

/// An object, as JSON or YAML, and the fields that it names twice.
pub(super) fn object(
    parts: &Parts,
    bytes: &Bytes,
    expected: Expected<'_>,
) -> Result<(Value, Vec<String>), ApiError> {
    match content_type(parts) {
        "" | "application/json" => from_json(bytes),
        "application/yaml" => Ok((from_yaml(bytes)?, Vec::new())),
        PROTOBUF if expected.is_builtin => Ok((protobuf::object(bytes, expected)?, Vec::new())),
        // A real server falls over them and breaks off the connection.
        PROTOBUF => Err(ApiError::unsupported_media_type(OBJECTS)),
        _ => Err(ApiError::unsupported_media_type(&format!("{OBJECTS}, {PROTOBUF}"))),
    }
}

/// An object of a resource.
pub(super) fn object_of(
    parts: &Parts,
    bytes: &Bytes,
    target: &Target,
) -> Result<(Value, Vec<String>), ApiError> {
    let expected = Expected {
        api_version: &target.api_version(),
        kind: &target.resource.kind,
        is_builtin: !target.resource.is_custom(),
    };
    object(parts, bytes, expected)
}

/// Delete options; no body means none.
pub(super) fn options(parts: &Parts, bytes: &Bytes, target: &Target) -> Result<Value, ApiError> {
    match content_type(parts) {
        _ if bytes.is_empty() => Ok(Value::Null),
        PROTOBUF if !target.resource.is_custom() => protobuf::options(bytes),
        _ => Ok(object_of(parts, bytes, target)?.0),
    }
}

/// The format of a patch, before its body is read.
pub(super) fn patch_type(parts: &Parts) -> Result<PatchType, ApiError> {
    match content_type(parts) {
        "application/json-patch+json" => Ok(PatchType::Json),
        "application/merge-patch+json" => Ok(PatchType::Merge),
        "application/strategic-merge-patch+json" => Ok(PatchType::Strategic),
        "application/apply-patch+yaml" => Ok(PatchType::Apply),
        _ => Err(ApiError::unsupported_patch()),
    }
}

pub(super) fn patch(format: PatchType, bytes: &Bytes) -> Result<Value, ApiError> {
    match format {
        // Most clients send JSON under the name of YAML, which is the same language.
        PatchType::Apply => serde_json::from_slice(bytes).or_else(|_| from_yaml(bytes)),
        PatchType::Merge | PatchType::Strategic => {
            serde_json::from_slice(bytes).map_err(|_| ApiError::bad_request("invalid JSON patch"))
        }
        PatchType::Json => serde_json::from_slice(bytes)
            .map_err(|error| ApiError::bad_request(format!("error decoding patch: {error}"))),
    }
}

fn content_type(parts: &Parts) -> &str {
    let value = parts.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    value.split(';').next().unwrap_or_default().trim()
}

fn from_json(bytes: &Bytes) -> Result<(Value, Vec<String>), ApiError> {
    json::parse(bytes).map_err(|error| {
        ApiError::bad_request(format!("couldn't get version/kind; json parse error: {error}"))
    })
}

fn from_yaml(bytes: &Bytes) -> Result<Value, ApiError> {
    let text =
        std::str::from_utf8(bytes).map_err(|_| ApiError::bad_request("error decoding YAML: not UTF-8"))?;
    serde_saphyr::from_str(text)
        .map_err(|error| ApiError::bad_request(format!("error decoding YAML: {error}")))
}
