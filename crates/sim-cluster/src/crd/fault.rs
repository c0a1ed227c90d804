//! Faults in a field, worded as kube-apiserver words them.

use std::fmt;

use crate::schema::golang;
use crate::tree::Value;

/// Where the whole object is meant instead of a field.
const WHOLE_OBJECT: &str = "<nil>";

/// A field that is not as it should be: one entry of `details.causes` of an answer 422 `Invalid`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldError {
    /// The field, such as `spec.ports[0].name`; `<nil>` for the object itself.
    pub path: String,
    /// What kind of fault it is.
    pub reason: Reason,
    /// The message of the cause: everything after the path.
    pub message: String,
}

/// The kinds of fault, as the server names them in causes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// `FieldValueRequired`
    Required,
    /// `FieldValueInvalid`
    Invalid,
    /// `FieldValueTypeInvalid`
    TypeInvalid,
    /// `FieldValueNotSupported`
    NotSupported,
    /// `FieldValueDuplicate`
    Duplicate,
    /// `FieldValueForbidden`
    Forbidden,
    /// `FieldValueTooLong`
    TooLong,
    /// `FieldValueTooMany`
    TooMany,
}

impl Reason {
    /// The reason as it stands in a cause.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Required => "FieldValueRequired",
            Self::Invalid => "FieldValueInvalid",
            Self::TypeInvalid => "FieldValueTypeInvalid",
            Self::NotSupported => "FieldValueNotSupported",
            Self::Duplicate => "FieldValueDuplicate",
            Self::Forbidden => "FieldValueForbidden",
            Self::TooLong => "FieldValueTooLong",
            Self::TooMany => "FieldValueTooMany",
        }
    }

    fn title(self) -> &'static str {
        match self {
            Self::Required => "Required value",
            Self::Invalid | Self::TypeInvalid => "Invalid value",
            Self::NotSupported => "Unsupported value",
            Self::Duplicate => "Duplicate value",
            Self::Forbidden => "Forbidden",
            Self::TooLong => "Too long",
            Self::TooMany => "Too many",
        }
    }

    /// Whether rules are not evaluated after a fault of this kind: they could not rely on the types.
    pub(super) fn blocks_rules(self) -> bool {
        matches!(
            self,
            Self::NotSupported | Self::Required | Self::TooLong | Self::TooMany | Self::TypeInvalid
        )
    }
}

impl fmt::Display for FieldError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path, self.message)
    }
}

impl FieldError {
    /// A fault that shows the offending value.
    pub(super) fn of_value(path: &str, reason: Reason, value: &Value, detail: &str) -> Self {
        let value = match value {
            Value::String(text) => Value::from(text.as_str()).to_string(),
            other => golang::json(other),
        };
        Self::new(path, reason, Some(&value), detail)
    }

    /// A fault without a value.
    pub(super) fn plain(path: &str, reason: Reason, detail: &str) -> Self {
        Self::new(path, reason, None, detail)
    }

    pub(super) fn required(path: &str, detail: &str) -> Self {
        Self::plain(path, Reason::Required, detail)
    }

    pub(super) fn invalid(path: &str, value: impl Into<Value>, detail: &str) -> Self {
        Self::of_value(path, Reason::Invalid, &value.into(), detail)
    }

    /// A fault whose value is already printed.
    pub(super) fn printed(path: &str, value: &str, detail: &str) -> Self {
        Self::new(path, Reason::Invalid, Some(value), detail)
    }

    pub(super) fn not_supported(path: &str, value: &Value, supported: &[String]) -> Self {
        let supported: Vec<String> = supported.iter().map(|name| format!("{name:?}")).collect();
        let detail = format!("supported values: {}", supported.join(", "));
        Self::of_value(path, Reason::NotSupported, value, &detail)
    }

    /// Reports the fault for a field of the object that `parent` holds.
    pub(super) fn move_below(&mut self, parent: &str) {
        self.path = if self.path == WHOLE_OBJECT { parent.to_owned() } else { child(parent, &self.path) };
    }

    fn new(path: &str, reason: Reason, value: Option<&str>, detail: &str) -> Self {
        let mut message = reason.title().to_owned();
        for part in value.into_iter().chain((!detail.is_empty()).then_some(detail)) {
            message.push_str(": ");
            message.push_str(part);
        }
        let path = if path.is_empty() { WHOLE_OBJECT } else { path };
        Self { path: path.to_owned(), reason, message }
    }
}

/// The path of a field of what `path` points at.
pub(super) fn child(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}

/// The path of an item of the list that `path` points at.
pub(super) fn index(path: &str, index: usize) -> String {
    format!("{path}[{index}]")
}

/// The path of a key of the map that `path` points at.
pub(super) fn key(path: &str, key: &str) -> String {
    format!("{path}[{key}]")
}
