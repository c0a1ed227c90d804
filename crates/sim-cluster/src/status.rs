//! The errors of an API server: the `Status` bodies that clients branch on.

use http::StatusCode;

use crate::tree::{Map, Value, json};

/// What a failed request answers: an HTTP code and a `Status` object in the real server's wording.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("{reason} ({code}): {message}")]
pub struct ApiError {
    /// The HTTP code, repeated in the body.
    pub code: StatusCode,
    /// The `reason` clients branch on; empty for errors that have none.
    pub reason: &'static str,
    /// The sentence people read.
    pub message: String,
    /// `details` of the `Status`, `Null` when there are none.
    pub details: Value,
    /// Seconds for the `Retry-After` header, on 429 and some 5xx.
    pub retry_after: Option<u32>,
    /// The token with which an expired list goes on.
    token: String,
    written: Written,
}

/// How an error is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Written {
    /// As a `Status` object.
    Status,
    /// As a `Status` without its kind, called text: from where the server does not know what was asked for.
    Untyped,
    /// As the sentence alone.
    Text,
}

/// One entry of `details.causes`: which field is wrong, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Cause {
    pub(crate) reason: &'static str,
    pub(crate) field: String,
    pub(crate) message: String,
}

impl Cause {
    pub(crate) fn required(field: impl Into<String>, detail: &str) -> Self {
        let message =
            if detail.is_empty() { "Required value".to_owned() } else { format!("Required value: {detail}") };
        Self { reason: "FieldValueRequired", field: field.into(), message }
    }

    pub(crate) fn invalid(field: impl Into<String>, value: &Value, detail: &str) -> Self {
        Self {
            reason: "FieldValueInvalid",
            field: field.into(),
            message: format!("Invalid value: {value}: {detail}"),
        }
    }

    pub(crate) fn forbidden(field: impl Into<String>, detail: &str) -> Self {
        Self { reason: "FieldValueForbidden", field: field.into(), message: format!("Forbidden: {detail}") }
    }

    pub(crate) fn unsupported(field: impl Into<String>, value: &Value, supported: &[&str]) -> Self {
        let supported = supported.iter().map(|s| format!("\"{s}\"")).collect::<Vec<_>>().join(", ");
        Self {
            reason: "FieldValueNotSupported",
            field: field.into(),
            message: format!("Unsupported value: {value}: supported values: {supported}"),
        }
    }

    pub(crate) fn duplicate(field: impl Into<String>, value: &Value) -> Self {
        Self {
            reason: "FieldValueDuplicate",
            field: field.into(),
            message: format!("Duplicate value: {value}"),
        }
    }

    fn to_value(&self) -> Value {
        json!({"reason": self.reason, "message": self.message, "field": self.field})
    }
}

/// The resource and object an error speaks of: `deployments.apps "shop"`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Subject<'a> {
    pub(crate) group: &'a str,
    pub(crate) resource: &'a str,
    pub(crate) kind: &'a str,
    pub(crate) name: &'a str,
}

impl Subject<'_> {
    fn qualified(&self, word: &str) -> String {
        if self.group.is_empty() { word.to_owned() } else { format!("{word}.{}", self.group) }
    }

    fn resource(&self) -> String {
        self.qualified(self.resource)
    }

    /// `details` name the plural in `kind`; only validation errors name the real kind.
    fn details(&self, kind: &str) -> Value {
        let mut details = Map::new();
        if !self.name.is_empty() {
            details.insert("name", self.name.into());
        }
        if !self.group.is_empty() {
            details.insert("group", self.group.into());
        }
        if !kind.is_empty() {
            details.insert("kind", kind.into());
        }
        Value::Object(details)
    }
}

impl ApiError {
    /// An error with any code, reason and message, for hooks that script a failure.
    pub fn new(code: StatusCode, reason: &'static str, message: impl Into<String>) -> Self {
        Self {
            code,
            reason,
            message: message.into(),
            details: Value::Null,
            retry_after: None,
            token: String::new(),
            written: Written::Status,
        }
    }

    /// 429 as priority and fairness answers it: with `Retry-After`, and a sentence of plain text in the place of a
    /// `Status`.
    pub fn too_many_requests(retry_after: u32) -> Self {
        let message = "Too many requests, please try again later.";
        let mut error = Self::new(StatusCode::TOO_MANY_REQUESTS, "TooManyRequests", message);
        error.retry_after = Some(retry_after);
        error.written = Written::Text;
        error
    }

    /// 504 as a server answers a request that it does not get done in time.
    pub fn timeout() -> Self {
        let message = "Timeout: request did not complete within the allotted timeout";
        let mut error = Self::new(StatusCode::GATEWAY_TIMEOUT, "Timeout", message).with(json!({}));
        error.written = Written::Untyped;
        error
    }

    /// 410: the version asked for is no longer in the history. Watches tell it as an event, mostly: see
    /// [`WatchFault::Fail`](crate::WatchFault::Fail).
    pub fn expired(message: impl Into<String>) -> Self {
        Self::new(StatusCode::GONE, "Expired", message)
    }

    /// 503 as an overloaded or half-started server answers it.
    pub fn unavailable(message: impl Into<String>) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "ServiceUnavailable", message)
    }

    /// 500 for a failure inside the server.
    pub fn internal(message: impl Into<String>) -> Self {
        let message = message.into();
        let mut error = Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "InternalError",
            format!("Internal error occurred: {message}"),
        );
        error.details = json!({"causes": [{"message": message}]});
        error
    }

    pub(crate) fn bad_request(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "BadRequest", message)
    }

    pub(crate) fn unauthorized() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "Unauthorized", "Unauthorized")
    }

    pub(crate) fn not_found(subject: Subject<'_>) -> Self {
        let message = format!("{} \"{}\" not found", subject.resource(), subject.name);
        Self::new(StatusCode::NOT_FOUND, "NotFound", message).with(subject.details(subject.resource))
    }

    pub(crate) fn already_exists(subject: Subject<'_>) -> Self {
        let message = format!("{} \"{}\" already exists", subject.resource(), subject.name);
        Self::new(StatusCode::CONFLICT, "AlreadyExists", message).with(subject.details(subject.resource))
    }

    /// The same while the one that is there is on its way out.
    pub(crate) fn still_exists(subject: Subject<'_>) -> Self {
        let mut error = Self::already_exists(subject);
        error.message.insert_str(0, "object is being deleted: ");
        error
    }

    pub(crate) fn conflict(subject: Subject<'_>, why: &str) -> Self {
        let message =
            format!("Operation cannot be fulfilled on {} \"{}\": {why}", subject.resource(), subject.name);
        Self::new(StatusCode::CONFLICT, "Conflict", message).with(subject.details(subject.resource))
    }

    /// The conflict of a write made against an older version.
    pub(crate) fn modified(subject: Subject<'_>) -> Self {
        Self::conflict(
            subject,
            "the object has been modified; please apply your changes to the latest version and try again",
        )
    }

    pub(crate) fn forbidden(subject: Subject<'_>, why: &str) -> Self {
        let message = if subject.name.is_empty() {
            format!("{} is forbidden: {why}", subject.resource())
        } else {
            format!("{} \"{}\" is forbidden: {why}", subject.resource(), subject.name)
        };
        Self::new(StatusCode::FORBIDDEN, "Forbidden", message).with(subject.details(subject.resource))
    }

    pub(crate) fn invalid(subject: Subject<'_>, causes: &[Cause]) -> Self {
        let texts: Vec<String> = causes.iter().map(|c| format!("{}: {}", c.field, c.message)).collect();
        let list = match texts.as_slice() {
            [one] => one.clone(),
            many => format!("[{}]", many.join(", ")),
        };
        let kind = subject.qualified(subject.kind);
        let message = format!("{kind} \"{}\" is invalid: {list}", subject.name);
        let mut details = subject.details(subject.kind);
        details["causes"] = causes.iter().map(Cause::to_value).collect();
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, "Invalid", message).with(details)
    }

    /// Field ownership conflicts of a server-side apply without force.
    pub(crate) fn apply_conflict(message: String, causes: &Value) -> Self {
        Self::new(StatusCode::CONFLICT, "Conflict", message).with(json!({"causes": causes}))
    }

    pub(crate) fn too_large_resource_version(asked: u64, current: u64) -> Self {
        let mut error = Self::new(
            StatusCode::GATEWAY_TIMEOUT,
            "Timeout",
            format!("Timeout: Too large resource version: {asked}, current: {current}"),
        );
        error.details = json!({
            "causes": [{"reason": "ResourceVersionTooLarge", "message": "Too large resource version"}],
            "retryAfterSeconds": 1,
        });
        error.retry_after = Some(1);
        error
    }

    pub(crate) fn method_not_allowed() -> Self {
        Self::new(
            StatusCode::METHOD_NOT_ALLOWED,
            "MethodNotAllowed",
            "the server does not allow this method on the requested resource",
        )
        .with(json!({}))
    }

    /// 404 for a resource, subresource or scope that is not served in a group that is.
    pub(crate) fn no_such_resource() -> Self {
        Self::new(StatusCode::NOT_FOUND, "NotFound", "the server could not find the requested resource")
            .with(json!({}))
    }

    /// 415 for the content type of a patch.
    pub(crate) fn unsupported_patch() -> Self {
        let message = "415: Unsupported Media Type";
        Self::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "UnsupportedMediaType", message).with(json!({}))
    }

    /// 422 for the options of a request, `CreateOptions` and the like.
    pub(crate) fn invalid_options(kind: &str, cause: &Cause) -> Self {
        let resource = kind.to_lowercase();
        let subject = Subject { group: "meta.k8s.io", resource: &resource, kind, name: "" };
        Self::invalid(subject, std::slice::from_ref(cause))
    }

    pub(crate) fn unsupported_media_type(accepted: &str) -> Self {
        let message = format!(
            "the body of the request was in an unknown format - accepted media types include: {accepted}"
        );
        Self::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "UnsupportedMediaType", message)
    }

    /// What this simulation answers where the real server would do something it does not model.
    pub(crate) fn not_modelled(what: &str) -> Self {
        Self::new(
            StatusCode::NOT_IMPLEMENTED,
            "NotImplemented",
            format!("not modelled by the simulated cluster: {what}"),
        )
    }

    /// Names the token with which the list goes on all the same.
    pub(crate) fn going_on_with(mut self, token: String) -> Self {
        self.token = token;
        self
    }

    pub(crate) fn written(&self) -> Written {
        self.written
    }

    pub(crate) fn with(mut self, details: Value) -> Self {
        self.details = details;
        self
    }

    /// The `Status` object that is the body of the answer.
    pub fn to_value(&self) -> Value {
        let mut status = json!({
            "metadata": {},
            "status": "Failure",
            "message": self.message,
            "code": self.code.as_u16(),
        });
        if self.written != Written::Untyped {
            status["kind"] = "Status".into();
            status["apiVersion"] = "v1".into();
        }
        if !self.token.is_empty() {
            status["metadata"]["continue"] = self.token.as_str().into();
        }
        if !self.reason.is_empty() {
            status["reason"] = self.reason.into();
        }
        if !self.details.is_null() {
            status["details"] = self.details.clone();
        }
        status
    }
}
