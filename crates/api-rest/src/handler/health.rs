//! The server itself.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use utoipa::openapi::OpenApi as Document;

use crate::failure::Failure;
use crate::openapi::Open;
use crate::ports::Readiness;

/// Whether this process lives.
#[utoipa::path(get, path = "/healthz", tag = "server", operation_id = "healthz", security(()),
    responses((status = 200, body = String)))]
pub(super) async fn healthz() -> &'static str {
    "ok"
}

/// Whether this process can do its work.
#[utoipa::path(get, path = "/readyz", tag = "server", operation_id = "readyz", security(()),
    responses((status = 200, body = String), Open))]
pub(super) async fn readyz(State(readiness): State<Arc<dyn Readiness>>) -> Result<&'static str, Failure> {
    readiness.ready().await?;
    Ok("ok")
}

/// This document.
#[utoipa::path(get, path = "/openapi.json", tag = "server", operation_id = "openapi", security(()),
    responses((status = 200, body = Object)))]
pub(super) async fn openapi() -> Json<Document> {
    Json(crate::openapi::document())
}
