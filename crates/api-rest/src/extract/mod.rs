//! What handlers are given: read from the request, parsed into core's words, with every fault told at once.

mod body;
mod image;
mod path;
mod query;
mod write;

pub(crate) use body::{Body, Document, MaybeBody};
pub(crate) use image::{ImageQuery, RemoveQuery, Removing, RepositoriesQuery, TagsQuery, WhereaboutsQuery};
pub(crate) use path::{
    AppPath, AppPathParams, DataCenterPath, NamespacePath, OperationPath, RegistryPath, ReleasePath,
};
pub(crate) use query::{OperationsQuery, PageQuery, Query, WaitQuery};
pub(crate) use write::{ApplyQuery, Applying, IfMatch, WriteQuery, Writing};

pub use body::MAX_BODY;

use std::fmt::Display;
use std::str::FromStr;

use axum::extract::FromRequestParts;
use http::request::Parts;
use plimsoll_core::caller::Caller;
use plimsoll_core::error::{Error, Violation};
use plimsoll_core::name::{DcName, ReleaseNumber};

use crate::failure::Failure;

/// Who asks.
pub(crate) struct By(pub(crate) Caller);

impl<S: Send + Sync> FromRequestParts<S> for By {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Failure> {
        let caller = parts.extensions.get::<Caller>().cloned();
        caller
            .map(Self)
            .ok_or_else(|| Error::internal("a guarded handler was called without a caller").into())
    }
}

/// Collects the faults of a request. What has one is read as `None`, like what may be left out and was; it is
/// [`Faults::check`] that tells the two apart.
#[derive(Default)]
pub(crate) struct Faults(Vec<Violation>);

impl Faults {
    /// What was read, if nothing had a fault.
    pub(crate) fn check<T>(self, read: Option<T>) -> Result<T, Failure> {
        match read {
            Some(read) if self.0.is_empty() => Ok(read),
            _ => Err(Error::invalid("the request has faults", self.0).into()),
        }
    }

    pub(crate) fn fault<T>(&mut self, path: &str, message: impl Into<String>, remedy: &str) -> Option<T> {
        self.0.push(Violation::new(path, message, remedy));
        None
    }

    pub(crate) fn parse<T: FromStr<Err: Display>>(
        &mut self,
        path: &str,
        text: &str,
        remedy: &str,
    ) -> Option<T> {
        match text.parse() {
            Ok(value) => Some(value),
            Err(error) => self.fault(path, error.to_string(), remedy),
        }
    }

    pub(crate) fn release(&mut self, path: &str, number: u64) -> Option<ReleaseNumber> {
        match ReleaseNumber::try_from(number) {
            Ok(number) => Some(number),
            Err(error) => self.fault(path, error.to_string(), "give the number of a Release"),
        }
    }

    pub(crate) fn dcs(&mut self, path: &str, names: &[String]) -> Vec<DcName> {
        names.iter().filter_map(|name| self.parse(path, name, "give the name of a data center")).collect()
    }
}
