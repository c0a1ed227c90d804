//! Who asks: before any handler sees a request.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::HeaderMap;
use http::header::AUTHORIZATION;
use plimsoll_core::caller::{Authenticate, bearer_token};
use plimsoll_core::error::Error;

use crate::failure::Failure;

/// Lets the request through with its caller as an extension, or answers that there is none.
pub(crate) async fn admit(
    State(authenticate): State<Arc<dyn Authenticate>>,
    mut request: Request,
    next: Next,
) -> Response {
    let caller = match bearer(request.headers()) {
        Ok(bearer) => authenticate.authenticate(bearer).await,
        Err(error) => Err(error),
    };
    match caller {
        Ok(caller) => {
            request.extensions_mut().insert(caller);
            next.run(request).await
        }
        Err(error) => Failure::from(error).into_response(),
    }
}

fn bearer(headers: &HeaderMap) -> Result<Option<&str>, Error> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    match (values.next(), values.next()) {
        (None, _) => Ok(None),
        // What cannot be read as text is no token, and of two nobody knows which one counts.
        (Some(value), None) => bearer_token(value.to_str().unwrap_or_default()).map(Some),
        (Some(_), Some(_)) => bearer_token("").map(Some),
    }
}
