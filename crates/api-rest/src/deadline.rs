//! How long a request may take.

use std::time::Duration;

use axum::extract::Request;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use plimsoll_core::error::{Error, Kind};

use crate::failure::Failure;

/// From the first byte of the head to the first byte of the answer. `wait` has a bound of its own, and of a
/// stream only the beginning counts.
const LIMIT: Duration = Duration::from_secs(30);

/// Ends a request that takes too long. A write that was under way may have been accepted: its repeat with the
/// same request id says so.
pub(crate) async fn keep(request: Request, next: Next) -> Response {
    if request.uri().path().ends_with("/wait") {
        return next.run(request).await;
    }
    tokio::time::timeout(LIMIT, next.run(request)).await.unwrap_or_else(|_| {
        let message = "the request took too long; a repeat with the same request id is safe";
        Failure::from(Error::new(Kind::DeadlineExceeded, Kind::DeadlineExceeded.reason(), message))
            .into_response()
    })
}
