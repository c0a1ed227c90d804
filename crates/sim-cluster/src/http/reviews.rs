//! Reviews: who am I, and may I. Nothing is stored, and everybody who is let in may do everything.

use bytes::Bytes;
use http::request::Parts;
use http::{Method, StatusCode};
use serde_json::json;

use super::body;
use super::respond::{self, Reply};
use super::route::ResourcePath;
use crate::api::Caller;
use crate::status::ApiError;

pub(super) fn respond(
    caller: &Caller,
    parts: &Parts,
    bytes: &Bytes,
    place: &ResourcePath<'_>,
) -> Result<Option<Reply>, ApiError> {
    if parts.method != Method::POST {
        return Ok(None);
    }
    let mut review = match (place.api.group, place.api.version, place.resource) {
        ("authentication.k8s.io", "v1", "selfsubjectreviews")
        | ("authorization.k8s.io", "v1", "selfsubjectaccessreviews") => body::object(parts, bytes)?,
        _ => return Ok(None),
    };
    review["status"] = if place.resource == "selfsubjectreviews" {
        json!({"userInfo": {"username": caller.user, "groups": caller.groups}})
    } else {
        json!({"allowed": true})
    };
    Ok(Some(respond::json(StatusCode::CREATED, &review)))
}
