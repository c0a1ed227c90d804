//! Names and ids in paths.

use std::fmt::Display;
use std::str::FromStr;

use axum::extract::{FromRequestParts, RawPathParams};
use http::request::Parts;
use plimsoll_core::error::{Error, Violation};
use plimsoll_core::image::Host;
use plimsoll_core::name::{AppRef, DcName, NamespaceName, OperationId, ReleaseNumber};
use utoipa::IntoParams;

use super::Faults;
use crate::failure::Failure;

/// The App that the path names.
pub(crate) struct AppPath(pub(crate) AppRef);

/// The Namespace that the path names.
pub(crate) struct NamespacePath(pub(crate) NamespaceName);

/// The data center that the path names.
pub(crate) struct DataCenterPath(pub(crate) DcName);

/// The registry that the path names.
pub(crate) struct RegistryPath(pub(crate) Host);

/// The Operation that the path names.
pub(crate) struct OperationPath(pub(crate) OperationId);

/// The Release that the path names.
pub(crate) struct ReleasePath(pub(crate) AppRef, pub(crate) ReleaseNumber);

/// What the path of an App is described as.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
#[expect(dead_code, reason = "it is read by the OpenAPI document alone")]
pub(crate) struct AppPathParams {
    /// The Namespace of the App.
    namespace: String,
    /// The name of the App.
    app: String,
}

/// The parts of a path by name.
struct Names {
    params: RawPathParams,
    faults: Faults,
}

impl Names {
    async fn of<S: Send + Sync>(parts: &mut Parts, state: &S) -> Result<Self, Failure> {
        let params = RawPathParams::from_request_parts(parts, state).await.map_err(|rejection| {
            let violation = Violation::new("path", rejection.body_text(), "percent-encode names as UTF-8");
            Error::invalid("the path cannot be read", vec![violation])
        })?;
        Ok(Self { params, faults: Faults::default() })
    }

    fn read<T: FromStr<Err: Display>>(&mut self, name: &str, remedy: &str) -> Option<T> {
        let text = self.params.iter().find(|(key, _)| *key == name).map_or("", |(_, value)| value);
        self.faults.parse(name, text, remedy)
    }

    fn app(&mut self) -> Option<AppRef> {
        let namespace = self.namespace();
        let name = self.read("app", "give the name of an App");
        Some(AppRef { namespace: namespace?, name: name? })
    }

    fn namespace(&mut self) -> Option<NamespaceName> {
        self.read("namespace", "give the name of a Namespace")
    }
}

impl<S: Send + Sync> FromRequestParts<S> for AppPath {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Failure> {
        let mut names = Names::of(parts, state).await?;
        let app = names.app();
        names.faults.check(app).map(Self)
    }
}

impl<S: Send + Sync> FromRequestParts<S> for NamespacePath {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Failure> {
        let mut names = Names::of(parts, state).await?;
        let namespace = names.namespace();
        names.faults.check(namespace).map(Self)
    }
}

impl<S: Send + Sync> FromRequestParts<S> for DataCenterPath {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Failure> {
        let mut names = Names::of(parts, state).await?;
        let dc = names.read("dc", "give the name of a data center");
        names.faults.check(dc).map(Self)
    }
}

impl<S: Send + Sync> FromRequestParts<S> for RegistryPath {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Failure> {
        let mut names = Names::of(parts, state).await?;
        let host = names.read("host", "give the host of a registry, with its port where it has one");
        names.faults.check(host).map(Self)
    }
}

impl<S: Send + Sync> FromRequestParts<S> for OperationPath {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Failure> {
        let mut names = Names::of(parts, state).await?;
        let id = names.read("id", "give the id of an Operation as it was answered");
        names.faults.check(id).map(Self)
    }
}

impl<S: Send + Sync> FromRequestParts<S> for ReleasePath {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Failure> {
        let mut names = Names::of(parts, state).await?;
        let app = names.app();
        let number = names.read::<u64>("number", "give the number of a Release");
        let number = number.and_then(|number| names.faults.release("number", number));
        let (app, number) = names.faults.check(app.zip(number))?;
        Ok(Self(app, number))
    }
}
