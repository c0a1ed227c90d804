//! What every write carries.

use axum::extract::FromRequestParts;
use http::header::IF_MATCH;
use http::request::Parts;
use plimsoll_core::error::Violation;
use plimsoll_core::name::RequestId;
use plimsoll_core::usecase::{Mode, TakeScale, Write};
use plimsoll_core::view::Etag;
use serde::Deserialize;
use utoipa::IntoParams;

use super::{Faults, Query};
use crate::failure::Failure;

/// What a write carries.
pub(crate) struct Writing(pub(crate) Write);

/// What an apply carries.
pub(crate) struct Applying(pub(crate) Write, pub(crate) TakeScale);

/// What every write carries in its query.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct WriteQuery {
    /// Names the request, so that its repeat within 24 hours gets the first answer: 1 to 128 visible ASCII
    /// characters other than `/`.
    #[param(required = true)]
    pub(super) request_id: Option<String>,
    /// The request is only checked, and fails where the real one would.
    #[serde(default)]
    pub(super) validate_only: bool,
    /// Why, for the record.
    pub(super) reason: Option<String>,
}

/// What an apply carries in its query.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ApplyQuery {
    /// Names the request, so that its repeat within 24 hours gets the first answer: 1 to 128 visible ASCII
    /// characters other than `/`.
    #[param(required = true)]
    request_id: Option<String>,
    /// The request is only checked, and fails where the real one would.
    #[serde(default)]
    validate_only: bool,
    /// Why, for the record.
    reason: Option<String>,
    /// An App that is there already takes the scale of the document.
    #[serde(default)]
    take_scale: bool,
}

/// What a write may carry in its head.
#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
#[expect(dead_code, reason = "it is read by the OpenAPI document alone")]
pub(crate) struct IfMatch {
    /// The `etag` that the caller had seen; another one by now is 412. Absent: whatever is there.
    #[param(rename = "If-Match")]
    if_match: Option<String>,
}

impl Faults {
    fn request_id(&mut self, request_id: Option<&str>) -> Option<RequestId> {
        let remedy = "name every write with an id of your own, such as a UUID";
        match request_id {
            None => self.fault("requestId", "is missing", remedy),
            Some(text) => self.parse("requestId", text, remedy),
        }
    }

    fn if_match(&mut self, parts: &Parts) -> Option<Etag> {
        let mut values = parts.headers.get_all(IF_MATCH).iter();
        let value = values.next()?;
        if values.next().is_some() {
            return self.fault(
                "If-Match",
                "is there more than once",
                "send the etag of the App as it was answered",
            );
        }
        match value.to_str().unwrap_or_default().parse() {
            Ok(etag) => Some(etag),
            Err(Violation { path, message, remedy, rule: _ }) => self.fault(&path, message, &remedy),
        }
    }
}

pub(super) fn read(parts: &Parts, query: WriteQuery) -> Result<Write, Failure> {
    let WriteQuery { request_id, validate_only, reason } = query;
    let mut faults = Faults::default();
    let request_id = faults.request_id(request_id.as_deref());
    let if_match = faults.if_match(parts);
    let mode = if validate_only { Mode::Validate } else { Mode::Do };
    let reason = reason.filter(|reason| !reason.is_empty());
    faults.check(request_id.map(|request_id| Write { request_id, if_match, mode, reason }))
}

impl<S: Send + Sync> FromRequestParts<S> for Writing {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Failure> {
        let Query(query) = Query::from_request_parts(parts, state).await?;
        read(parts, query).map(Self)
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Applying {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Failure> {
        let Query(query) = Query::from_request_parts(parts, state).await?;
        let ApplyQuery { request_id, validate_only, reason, take_scale } = query;
        let write = read(parts, WriteQuery { request_id, validate_only, reason })?;
        Ok(Self(write, if take_scale { TakeScale::Yes } else { TakeScale::No }))
    }
}
