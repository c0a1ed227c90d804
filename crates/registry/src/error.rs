//! Why a registry gave no result.

use std::fmt;
use std::time::Duration;

use plimsoll_core::image::Host;

/// The closed set of reasons for which a call fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// What was asked for is not a thing that a registry has: a name, a digest, a manifest out of its grammar.
    Invalid,
    /// The registry does not have it.
    NotFound,
    /// The registry does not know the caller.
    Unauthenticated,
    /// The registry knows the caller, who may not.
    Denied,
    /// The registry does not do this: deleting is switched off, a type of manifest is unknown to it.
    Unsupported,
    /// What came is not what its digest or size says.
    Corrupt,
    /// What came, or what was to be sent, is beyond a bound.
    TooLarge,
    /// The registry wants to be asked less often.
    RateLimited,
    /// The registry cannot be reached, or failed; the same call may succeed later.
    Unavailable,
    /// The registry took longer than it may.
    TimedOut,
    /// A rule of ours stands against it: an address that may not be reached, a host that may not have credentials.
    Forbidden,
    /// The registry answered what the protocol does not know.
    Malformed,
    /// The disk that blobs are kept on meanwhile failed.
    Local,
}

/// A call that failed: what was tried, why it failed, and what the registry said.
#[derive(Debug, thiserror::Error)]
#[error("{call}: {message}")]
pub struct Error {
    kind: Kind,
    /// `GET shop/web manifest 1.4 from registry.example.com`.
    call: String,
    /// In words, with what the registry said, bounded and without control characters.
    message: String,
    /// The status of the answer, if there was one.
    status: Option<u16>,
    /// The error codes of the answer, such as `MANIFEST_UNKNOWN`.
    codes: Vec<String>,
    /// How long the registry wants to be left alone.
    retry_after: Option<Duration>,
    #[source]
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl Error {
    pub(crate) fn new(kind: Kind, call: impl fmt::Display, message: impl Into<String>) -> Self {
        Self {
            kind,
            call: call.to_string(),
            message: message.into(),
            status: None,
            codes: Vec::new(),
            retry_after: None,
            source: None,
        }
    }

    pub(crate) fn because(mut self, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    pub(crate) fn answered(mut self, status: http::StatusCode, codes: Vec<String>) -> Self {
        self.status = Some(status.as_u16());
        self.codes = codes;
        self
    }

    pub(crate) fn after(mut self, wait: Option<Duration>) -> Self {
        self.retry_after = wait;
        self
    }

    /// The same for another who hears of it, without what lay beneath.
    pub(crate) fn repeat(&self) -> Self {
        let Self { kind, call, message, status, codes, retry_after, source: _ } = self;
        let (call, message, codes) = (call.clone(), message.clone(), codes.clone());
        Self { kind: *kind, call, message, status: *status, codes, retry_after: *retry_after, source: None }
    }

    /// The same, where the call that failed makes another reason of it.
    pub(crate) fn of_kind(mut self, kind: Kind) -> Self {
        self.kind = kind;
        self
    }

    /// Whether it was this registry that the call went to: every call says so at its end.
    pub(crate) fn is_at(&self, host: &Host) -> bool {
        self.call.strip_suffix(host.as_str()).is_some_and(|call| call.ends_with(" at "))
    }

    /// Which reason it is.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// The HTTP status of the answer, if there was one.
    pub fn status(&self) -> Option<u16> {
        self.status
    }

    /// The error codes of the answer, such as `MANIFEST_UNKNOWN`.
    pub fn codes(&self) -> &[String] {
        &self.codes
    }

    /// How long the registry wants to be left alone.
    pub fn retry_after(&self) -> Option<Duration> {
        self.retry_after
    }
}
