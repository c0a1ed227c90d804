//! Looking at Apps.

use axum::Json;
use axum::extract::State;
use axum::response::IntoResponse;
use http::header::ETAG;
use plimsoll_core::usecase::Plimsoll;
use serde_json::Value;

use super::document::agree;
use crate::dto::{App, Difference, Nothing, Operation, Page, Release};
use crate::extract::{AppPath, AppPathParams, By, Document, NamespacePath, PageQuery, Query, ReleasePath};
use crate::failure::Failure;
use crate::openapi::Reading;

/// List Apps.
///
/// Those of every Namespace, by Namespace and name.
#[utoipa::path(get, path = "/v1/apps", tag = "apps", operation_id = "listAllApps", params(PageQuery),
    responses((status = 200, body = Page<App>), Reading))]
pub(super) async fn list_all(
    State(plimsoll): State<Plimsoll>,
    By(caller): By,
    Query(page): Query<PageQuery>,
) -> Result<Json<Page<App>>, Failure> {
    Ok(Json(plimsoll.list(&caller, None, page.into()).await?.into()))
}

/// List the Apps of a Namespace.
///
/// By name.
#[utoipa::path(get, path = "/v1/namespaces/{namespace}/apps", tag = "apps", operation_id = "listApps",
    params(("namespace" = String, Path, description = "The Namespace."), PageQuery),
    responses((status = 200, body = Page<App>), Reading))]
pub(super) async fn list(
    State(plimsoll): State<Plimsoll>,
    By(caller): By,
    NamespacePath(namespace): NamespacePath,
    Query(page): Query<PageQuery>,
) -> Result<Json<Page<App>>, Failure> {
    Ok(Json(plimsoll.list(&caller, Some(&namespace), page.into()).await?.into()))
}

/// Show an App.
#[utoipa::path(get, path = "/v1/namespaces/{namespace}/apps/{app}", tag = "apps", operation_id = "getApp",
    params(AppPathParams),
    responses((status = 200, body = App, headers(("ETag" = String, description = "For `If-Match`."))), Reading))]
pub(super) async fn get(
    State(plimsoll): State<Plimsoll>,
    By(caller): By,
    AppPath(app): AppPath,
    Query(Nothing {}): Query<Nothing>,
) -> Result<impl IntoResponse, Failure> {
    let app = App::from(plimsoll.get(&caller, &app).await?);
    Ok(([(ETAG, app.etag.clone())], Json(app)))
}

/// List the Releases of an App.
///
/// The newest first. A note on the last page says where older ones lie.
#[utoipa::path(get, path = "/v1/namespaces/{namespace}/apps/{app}/history", tag = "apps",
    operation_id = "listReleases", params(AppPathParams, PageQuery),
    responses((status = 200, body = Page<Release>), Reading))]
pub(super) async fn history(
    State(plimsoll): State<Plimsoll>,
    By(caller): By,
    AppPath(app): AppPath,
    Query(page): Query<PageQuery>,
) -> Result<Json<Page<Release>>, Failure> {
    Ok(Json(plimsoll.history(&caller, &app, page.into()).await?.into()))
}

/// Show the document of a Release.
///
/// As `PUT` takes it; the scale in it is the App's present one.
#[utoipa::path(get, path = "/v1/namespaces/{namespace}/apps/{app}/releases/{number}", tag = "apps",
    operation_id = "getDocument",
    params(AppPathParams, ("number" = u64, Path, description = "The number of the Release.")),
    responses((status = 200, body = Object), Reading))]
pub(super) async fn document(
    State(plimsoll): State<Plimsoll>,
    By(caller): By,
    ReleasePath(app, number): ReleasePath,
    Query(Nothing {}): Query<Nothing>,
) -> Result<Json<Value>, Failure> {
    Ok(Json(plimsoll.document(&caller, &app, Some(number)).await?))
}

/// List the Operations of an App.
///
/// The newest first.
#[utoipa::path(get, path = "/v1/namespaces/{namespace}/apps/{app}/operations", tag = "apps",
    operation_id = "listOperationsOfApp", params(AppPathParams, PageQuery),
    responses((status = 200, body = Page<Operation>), Reading))]
pub(super) async fn operations(
    State(plimsoll): State<Plimsoll>,
    By(caller): By,
    AppPath(app): AppPath,
    Query(page): Query<PageQuery>,
) -> Result<Json<Page<Operation>>, Failure> {
    Ok(Json(plimsoll.operations_of(&caller, &app, page.into()).await?.into()))
}

/// Say what an apply would change.
///
/// It changes nothing.
#[utoipa::path(post, path = "/v1/namespaces/{namespace}/apps/{app}/diff", tag = "apps",
    operation_id = "diffApp", params(AppPathParams),
    request_body(content = Object, description = "The App document, `plimsoll.io/v1alpha1`."),
    responses((status = 200, body = Difference), Reading))]
pub(super) async fn diff(
    State(plimsoll): State<Plimsoll>,
    By(caller): By,
    AppPath(app): AppPath,
    Query(Nothing {}): Query<Nothing>,
    Document(mut document): Document,
) -> Result<Json<Difference>, Failure> {
    agree(&app, &mut document)?;
    Ok(Json(plimsoll.diff(&caller, &document).await?.into()))
}
