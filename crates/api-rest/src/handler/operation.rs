//! Operations.

use axum::Json;
use axum::extract::State;
use plimsoll_core::error::{Error, Kind};
use plimsoll_core::usecase::{OperationFilter, Plimsoll, Steering};

use crate::dto::{AnyOperation, Nothing, Page, Steered};
use crate::extract::{
    By, IfMatch, MaybeBody, OperationPath, OperationsQuery, Query, WaitQuery, WriteQuery, Writing,
};
use crate::failure::Failure;
use crate::openapi::{Changing, Reading};

/// List Operations.
///
/// The newest first; of one App, or of all and those on registries.
#[utoipa::path(get, path = "/v1/operations", tag = "operations", operation_id = "listOperations",
    params(OperationsQuery), responses((status = 200, body = Page<AnyOperation>), Reading))]
pub(super) async fn list(
    State(plimsoll): State<Plimsoll>,
    By(caller): By,
    Query(query): Query<OperationsQuery>,
) -> Result<Json<Page<AnyOperation>>, Failure> {
    let (app, page) = query.read()?;
    Ok(Json(plimsoll.operations(&caller, OperationFilter { app }, page).await?.into()))
}

/// Show an Operation.
#[utoipa::path(get, path = "/v1/operations/{id}", tag = "operations", operation_id = "getOperation",
    params(("id" = String, Path, description = "The id of the Operation.")),
    responses((status = 200, body = AnyOperation), Reading))]
pub(super) async fn get(
    State(plimsoll): State<Plimsoll>,
    By(caller): By,
    OperationPath(id): OperationPath,
    Query(Nothing {}): Query<Nothing>,
) -> Result<Json<AnyOperation>, Failure> {
    Ok(Json(plimsoll.operation(&caller, id).await?.into()))
}

/// Wait for an Operation.
///
/// Answers when it has come to its final state or is held; 504 if it goes on beyond the timeout, which ends
/// the waiting and not the Operation.
#[utoipa::path(post, path = "/v1/operations/{id}/wait", tag = "operations", operation_id = "waitOperation",
    params(("id" = String, Path, description = "The id of the Operation."), WaitQuery),
    responses((status = 200, body = AnyOperation), Reading))]
pub(super) async fn wait(
    State(plimsoll): State<Plimsoll>,
    By(caller): By,
    OperationPath(id): OperationPath,
    Query(query): Query<WaitQuery>,
    MaybeBody(Nothing {}): MaybeBody<Nothing>,
) -> Result<Json<AnyOperation>, Failure> {
    let timeout = query.read()?;
    let at_rest = plimsoll.wait_operation(&caller, id).await?;
    let Ok(view) = tokio::time::timeout(timeout, at_rest).await else {
        let message = "the operation goes on; wait again, or watch it";
        return Err(Error::new(Kind::DeadlineExceeded, "OPERATION_RUNNING", message).into());
    };
    Ok(Json(view?.into()))
}

/// A handler that says one word to an Operation; `$says` is its documentation.
macro_rules! steer {
    ($(#[doc = $says:expr])+ $name:ident, $steering:expr, $path:literal, $id:literal) => {
        $(#[doc = $says])+
        #[utoipa::path(post, path = $path, tag = "operations", operation_id = $id,
            params(("id" = String, Path, description = "The id of the Operation."), WriteQuery, IfMatch),
            responses((status = 200, body = Steered, description = "It is done, or it would be accepted."), Changing))]
        pub(super) async fn $name(
            State(plimsoll): State<Plimsoll>,
            By(caller): By,
            OperationPath(id): OperationPath,
            Writing(write): Writing,
            MaybeBody(Nothing {}): MaybeBody<Nothing>,
        ) -> Result<Json<Steered>, Failure> {
            Ok(Json(plimsoll.steer_operation(&caller, id, $steering, write).await?.into()))
        }
    };
}

steer! {
    /// Pause an Operation.
    ///
    /// No further data center gets it until it is resumed; what was sent goes on.
    pause, Steering::Pause, "/v1/operations/{id}/pause", "pauseOperation"
}

steer! {
    /// Let an Operation go on.
    ///
    /// After a pause; and where it is held, what failed is tried again with the whole deadline.
    resume, Steering::Resume, "/v1/operations/{id}/resume", "resumeOperation"
}

steer! {
    /// End an Operation.
    ///
    /// Every data center stays as it is; the notes say what runs where. One on registries leaves what it brought.
    abort, Steering::Abort, "/v1/operations/{id}/abort", "abortOperation"
}
