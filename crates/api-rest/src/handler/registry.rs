//! Registries and what lies in them.

use axum::Json;
use axum::extract::State;
use plimsoll_core::usecase::Plimsoll;

use crate::dto::{Page, Registry};
use crate::extract::{By, PageQuery, Query};
use crate::failure::Failure;
use crate::openapi::Reading;

/// List the registries.
///
/// By host. None of them is asked for it.
#[utoipa::path(get, path = "/v1/registries", tag = "images", operation_id = "listRegistries",
    params(PageQuery), responses((status = 200, body = Page<Registry>), Reading))]
pub(super) async fn list(
    State(plimsoll): State<Plimsoll>,
    By(caller): By,
    Query(page): Query<PageQuery>,
) -> Result<Json<Page<Registry>>, Failure> {
    Ok(Json(plimsoll.registries(&caller, page.into()).await?.into()))
}
