//! Query strings. A field that is not known is refused: a caller who misspelt `validateOnly` must not find out
//! by what was done.

use std::time::Duration;

use axum::extract::FromRequestParts;
use axum::extract::rejection::QueryRejection;
use http::request::Parts;
use plimsoll_core::error::{Error, Violation};
use plimsoll_core::name::AppRef;
use plimsoll_core::usecase::PageRequest;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use utoipa::IntoParams;

use super::Faults;
use crate::failure::Failure;

/// The query string as `T`.
pub(crate) struct Query<T>(pub(crate) T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for Query<T> {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Failure> {
        match axum::extract::Query::<T>::from_request_parts(parts, state).await {
            Ok(axum::extract::Query(query)) => Ok(Self(query)),
            Err(rejection) => Err(unreadable(&rejection).into()),
        }
    }
}

fn unreadable(rejection: &QueryRejection) -> Error {
    let text = rejection.body_text();
    let message = text.strip_prefix("Failed to deserialize query string: ").unwrap_or(&text);
    let remedy = "send the query as /openapi.json describes it";
    Error::invalid("the query has faults", vec![Violation::new("query", message, remedy)])
}

/// Which page of a list.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct PageQuery {
    /// At most so many items: 1 to 500, more is taken as 500; 50 if absent.
    #[param(minimum = 1)]
    page_size: Option<u32>,
    /// The `nextPageToken` of the page before, which is good for this list alone.
    page_token: Option<String>,
}

impl From<PageQuery> for PageRequest {
    fn from(query: PageQuery) -> Self {
        let PageQuery { page_size, page_token } = query;
        Self { size: page_size, token: page_token }
    }
}

/// Which Operations, and which page of them.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct OperationsQuery {
    /// Only those of an App in this Namespace; goes with `app`.
    namespace: Option<String>,
    /// Only those of this App; goes with `namespace`.
    app: Option<String>,
    /// At most so many items: 1 to 500, more is taken as 500; 50 if absent.
    #[param(minimum = 1)]
    page_size: Option<u32>,
    /// The `nextPageToken` of the page before, which is good for this list alone.
    page_token: Option<String>,
}

impl OperationsQuery {
    /// The App, if one is named, and the page.
    pub(crate) fn read(self) -> Result<(Option<AppRef>, PageRequest), Failure> {
        let Self { namespace, app, page_size, page_token } = self;
        let page = PageRequest { size: page_size, token: page_token };
        let mut faults = Faults::default();
        let app = match (namespace, app) {
            (None, None) => return Ok((None, page)),
            (Some(namespace), Some(app)) => {
                let namespace = faults.parse("namespace", &namespace, "give the name of a Namespace");
                let name = faults.parse("app", &app, "give the name of an App");
                namespace.zip(name).map(|(namespace, name)| AppRef { namespace, name })
            }
            (Some(_), None) => faults.fault("app", "is missing", "give namespace and app, or neither"),
            (None, Some(_)) => faults.fault("namespace", "is missing", "give namespace and app, or neither"),
        };
        faults.check(app).map(|app| (Some(app), page))
    }
}

/// How long to wait.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct WaitQuery {
    /// As `90s`, `5m`, `1h`: 1 hour at most, `30s` if absent.
    timeout: Option<String>,
}

const DEFAULT_WAIT: Duration = Duration::from_secs(30);
const MAX_WAIT: Duration = Duration::from_hours(1);

impl WaitQuery {
    pub(crate) fn read(self) -> Result<Duration, Failure> {
        let Some(text) = self.timeout else { return Ok(DEFAULT_WAIT) };
        let mut faults = Faults::default();
        let timeout = match plimsoll_core::duration::parse(&text) {
            Some(timeout) if timeout <= MAX_WAIT => Some(timeout),
            _ => faults.fault(
                "timeout",
                format!("is {text:?}"),
                "give a duration such as 90s, 5m or 1h, 1h at most",
            ),
        };
        faults.check(timeout)
    }
}
