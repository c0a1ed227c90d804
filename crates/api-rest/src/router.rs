//! The router.

use std::sync::Arc;

use axum::Router;
use axum::middleware::{from_fn, from_fn_with_state};
use plimsoll_core::caller::Authenticate;
use plimsoll_core::enrol::Enrol;
use plimsoll_core::usecase::Plimsoll;
use tower_http::catch_panic::CatchPanicLayer;

use crate::handler::{self, Backend};
use crate::ports::Readiness;
use crate::{admission, deadline, failure, traced};

/// What the API is served from.
pub struct Rest {
    /// The use cases.
    pub plimsoll: Plimsoll,
    /// Who asks.
    pub authenticate: Arc<dyn Authenticate>,
    /// Adds data centers.
    pub enrol: Arc<dyn Enrol>,
    /// Whether this process can do its work.
    pub readiness: Arc<dyn Readiness>,
}

impl Rest {
    /// Everything under `/v1`, and `/openapi.json`, `/healthz`, `/readyz`. What is under no route here is
    /// answered as a problem too.
    pub fn into_router(self) -> Router {
        let Self { plimsoll, authenticate, enrol, readiness } = self;
        let (guarded, _) = handler::guarded().split_for_parts();
        let (open, _) = handler::open().split_for_parts();
        let routes = guarded
            .route_layer(from_fn_with_state(authenticate, admission::admit))
            .merge(open)
            .with_state(Backend { plimsoll, enrol, readiness });
        // The last layer is the outermost: a panic or a late answer is rendered like any other error.
        let answering = routes
            .layer(from_fn(deadline::keep))
            .layer(CatchPanicLayer::custom(failure::panicked))
            .layer(from_fn(failure::render));
        traced(answering)
    }
}
