//! Reviews: who am I, and may I. Nothing is stored.

use bytes::Bytes;
use http::request::Parts;
use http::{Method, StatusCode};

use super::body::{self, Expected};
use super::respond::{self, Reply};
use super::route::ResourcePath;
use crate::api::Caller;
use crate::permissions::{Attributes, Permissions};
use crate::status::ApiError;
use crate::tree::{Value, json};

pub(super) fn respond(
    caller: &Caller,
    permissions: &Permissions,
    parts: &Parts,
    bytes: &Bytes,
    place: &ResourcePath<'_>,
) -> Result<Option<Reply>, ApiError> {
    if parts.method != Method::POST {
        return Ok(None);
    }
    let expected = match (place.api.group, place.api.version, place.resource) {
        ("authentication.k8s.io", "v1", "selfsubjectreviews") => {
            Expected::builtin("authentication.k8s.io/v1", "SelfSubjectReview")
        }
        ("authorization.k8s.io", "v1", "selfsubjectaccessreviews") => {
            Expected::builtin("authorization.k8s.io/v1", "SelfSubjectAccessReview")
        }
        _ => return Ok(None),
    };
    let mut review = body::object(parts, bytes, expected)?.0;
    let resource = asked_resource(&review["spec"]["resourceAttributes"]);
    review["status"] = if place.resource == "selfsubjectreviews" {
        json!({"userInfo": {"username": caller.user, "groups": caller.groups}})
    } else {
        json!({"allowed": permissions.allows(&asked(caller, &review["spec"]["resourceAttributes"], &resource))})
    };
    Ok(Some(respond::json(StatusCode::CREATED, &review)))
}

/// The resource that a review asks about, with its subresource.
fn asked_resource(attributes: &Value) -> String {
    let text = |field: &str| attributes[field].as_str().unwrap_or_default();
    match text("subresource") {
        "" => text("resource").to_owned(),
        subresource => format!("{}/{subresource}", text("resource")),
    }
}

fn asked<'a>(caller: &'a Caller, attributes: &'a Value, resource: &'a str) -> Attributes<'a> {
    let text = |field: &str| attributes[field].as_str().unwrap_or_default();
    Attributes { user: &caller.user, verb: text("verb"), group: text("group"), resource }
}
