//! The one table of errors that every face of Plimsoll speaks.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::document::golden::Rule;

/// The closed set of kinds. Each frontend maps a kind through [`Kind::http`], [`Kind::grpc`] and
/// [`Kind::exit`], and nothing else.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Kind {
    /// The request does not say something that can be done; `violations` lists every fault.
    Invalid,
    /// The caller is not known.
    Unauthenticated,
    /// The caller is known and may not.
    PermissionDenied,
    /// What the request names is not there.
    NotFound,
    /// What the request would make is there.
    AlreadyExists,
    /// Somebody was faster: what the caller had seen is not what is there.
    Conflict,
    /// A rule stands against it: a pin, a policy, something not built yet in this state.
    Refused,
    /// A quota or a bound is used up.
    ResourceExhausted,
    /// A part that this needs does not answer; the same request may succeed later.
    Unavailable,
    /// It took longer than the caller allowed; it may go on.
    DeadlineExceeded,
    /// Reserved, and not built.
    Unimplemented,
    /// The caller went away.
    Cancelled,
    /// A defect of Plimsoll.
    Internal,
}

impl Kind {
    /// Every kind, for tables and tests.
    pub const ALL: [Self; 13] = [
        Self::Invalid,
        Self::Unauthenticated,
        Self::PermissionDenied,
        Self::NotFound,
        Self::AlreadyExists,
        Self::Conflict,
        Self::Refused,
        Self::ResourceExhausted,
        Self::Unavailable,
        Self::DeadlineExceeded,
        Self::Unimplemented,
        Self::Cancelled,
        Self::Internal,
    ];

    /// HTTP status, gRPC code and exit status of the command line, in one row.
    fn row(self) -> (u16, i32, u8) {
        match self {
            Self::Invalid => (422, 3, 2),
            Self::Unauthenticated => (401, 16, 4),
            Self::PermissionDenied => (403, 7, 4),
            Self::NotFound => (404, 5, 5),
            Self::AlreadyExists => (409, 6, 6),
            Self::Conflict => (412, 10, 6),
            Self::Refused => (409, 9, 7),
            Self::ResourceExhausted => (429, 8, 7),
            Self::Unavailable => (503, 14, 1),
            Self::DeadlineExceeded => (504, 4, 8),
            Self::Unimplemented => (501, 12, 1),
            Self::Cancelled => (499, 1, 130),
            Self::Internal => (500, 13, 1),
        }
    }

    /// The HTTP status.
    pub fn http(self) -> u16 {
        self.row().0
    }

    /// The gRPC status code, by number.
    pub fn grpc(self) -> i32 {
        self.row().1
    }

    /// The exit status of the command line.
    pub fn exit(self) -> u8 {
        self.row().2
    }

    /// The reason used where an error has none of its own, `UPPER_SNAKE`.
    pub fn reason(self) -> &'static str {
        match self {
            Self::Invalid => "INVALID",
            Self::Unauthenticated => "UNAUTHENTICATED",
            Self::PermissionDenied => "PERMISSION_DENIED",
            Self::NotFound => "NOT_FOUND",
            Self::AlreadyExists => "ALREADY_EXISTS",
            Self::Conflict => "CONFLICT",
            Self::Refused => "REFUSED",
            Self::ResourceExhausted => "RESOURCE_EXHAUSTED",
            Self::Unavailable => "UNAVAILABLE",
            Self::DeadlineExceeded => "DEADLINE_EXCEEDED",
            Self::Unimplemented => "UNIMPLEMENTED",
            Self::Cancelled => "CANCELLED",
            Self::Internal => "INTERNAL",
        }
    }
}

/// One fault of a document or a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Violation {
    /// Where it is, as `spec.ports[0].name`.
    pub path: String,
    /// What is wrong, in one sentence.
    pub message: String,
    /// What to do about it, in one sentence.
    pub remedy: String,
    /// The golden rule that it breaks, if it breaks one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<Rule>,
}

impl Violation {
    /// A fault at `path`.
    pub fn new(path: impl Into<String>, message: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { path: path.into(), message: message.into(), remedy: remedy.into(), rule: None }
    }

    /// The same as one that breaks a golden rule.
    #[must_use]
    pub fn of_rule(self, rule: Rule) -> Self {
        Self { rule: Some(rule), ..self }
    }
}

/// An error as a use case answers it: what the caller sees, and apart from it what only the log keeps.
#[derive(Debug)]
pub struct Error {
    /// What sort of error it is.
    pub kind: Kind,
    /// The stable key, `UPPER_SNAKE`.
    pub reason: &'static str,
    /// What the caller is told: what is wrong and what to do, without inner workings.
    pub message: String,
    /// Every fault, where there can be several.
    pub violations: Vec<Violation>,
    /// Facts that a program can read, such as who won a conflict.
    pub metadata: Vec<(&'static str, String)>,
    pub(crate) source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl Error {
    /// An error of `kind` with the reason of its own `reason`.
    pub fn new(kind: Kind, reason: &'static str, message: impl Into<String>) -> Self {
        Self {
            kind,
            reason,
            message: message.into(),
            violations: Vec::new(),
            metadata: Vec::new(),
            source: None,
        }
    }

    /// A request with faults; `violations` is not empty.
    pub fn invalid(message: impl Into<String>, violations: Vec<Violation>) -> Self {
        Self { violations, ..Self::new(Kind::Invalid, Kind::Invalid.reason(), message) }
    }

    /// A defect: the caller sees that there is one, the log sees `source`.
    pub fn internal(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::new(
            Kind::Internal,
            Kind::Internal.reason(),
            "an internal error; the server's log has the details",
        )
        .with_source(source)
    }

    /// The same with what the log keeps.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// The same with one more fact for programs.
    #[must_use]
    pub fn with(mut self, key: &'static str, value: impl fmt::Display) -> Self {
        self.metadata.push((key, value.to_string()));
        self
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}

/// An error with its sources, outermost first, for the log.
pub struct Chain<'a>(pub &'a dyn std::error::Error);

impl fmt::Display for Chain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self.0, f)?;
        let mut next = self.0.source();
        while let Some(source) = next {
            write!(f, ": {source}")?;
            next = source.source();
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_its_row() {
        let table: Vec<_> = Kind::ALL.iter().map(|k| (k.reason(), k.http(), k.grpc(), k.exit())).collect();
        assert_eq!(
            table,
            [
                ("INVALID", 422, 3, 2),
                ("UNAUTHENTICATED", 401, 16, 4),
                ("PERMISSION_DENIED", 403, 7, 4),
                ("NOT_FOUND", 404, 5, 5),
                ("ALREADY_EXISTS", 409, 6, 6),
                ("CONFLICT", 412, 10, 6),
                ("REFUSED", 409, 9, 7),
                ("RESOURCE_EXHAUSTED", 429, 8, 7),
                ("UNAVAILABLE", 503, 14, 1),
                ("DEADLINE_EXCEEDED", 504, 4, 8),
                ("UNIMPLEMENTED", 501, 12, 1),
                ("CANCELLED", 499, 1, 130),
                ("INTERNAL", 500, 13, 1),
            ]
        );
    }

    #[test]
    fn the_log_sees_the_whole_chain_and_the_caller_the_first_link() {
        let error = Error::internal(std::io::Error::other("disk on fire"));
        assert_eq!(error.to_string(), "an internal error; the server's log has the details");
        assert_eq!(
            Chain(&error).to_string(),
            "an internal error; the server's log has the details: disk on fire"
        );
    }
}
