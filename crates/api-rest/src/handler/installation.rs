//! The installation, its data centers, its Namespaces.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use plimsoll_core::enrol::{Enrol, Sharing};
use plimsoll_core::name::{DcName, InstallationId, NamespaceName};
use plimsoll_core::usecase::{self, Plimsoll};

use crate::dto::{
    DataCenter, Installation, Namespace, NewDataCenter, NewInstallation, NewNamespace, NewPolicy, Nothing,
    Page, Policy, PolicyChange,
};
use crate::extract::{
    Body, By, DataCenterPath, Document, Faults, IfMatch, NamespacePath, PageQuery, Query, WriteQuery, Writing,
};
use crate::failure::Failure;
use crate::openapi::{Changing, Reading};

/// Show the installation.
#[utoipa::path(get, path = "/v1/installation", tag = "installation", operation_id = "getInstallation",
    responses((status = 200, body = Installation), Reading))]
pub(super) async fn get(
    State(plimsoll): State<Plimsoll>,
    By(caller): By,
    Query(Nothing {}): Query<Nothing>,
) -> Result<Json<Installation>, Failure> {
    Ok(Json(plimsoll.installation(&caller).await?.into()))
}

/// Name the installation, once.
///
/// Again with the same id, it changes nothing.
#[utoipa::path(post, path = "/v1/installation", tag = "installation", operation_id = "initInstallation",
    params(WriteQuery), request_body(content = NewInstallation),
    responses((status = 201, body = Installation), Changing))]
pub(super) async fn init(
    State(plimsoll): State<Plimsoll>,
    By(caller): By,
    Writing(write): Writing,
    Body(request): Body<NewInstallation>,
) -> Result<(StatusCode, Json<Installation>), Failure> {
    let NewInstallation { id, name, environment, policy } = request;
    let mut faults = Faults::default();
    let id = faults.parse::<InstallationId>("id", &id, "give an RFC 1123 label");
    if name.is_empty() || name.chars().count() > MAX_TITLE {
        let _ = faults.fault::<()>("name", "is empty or too long", "give 1 to 100 characters");
    }
    let id = faults.check(id)?;
    let new = usecase::NewInstallation { id, name, environment: environment.into(), policy };
    let view = plimsoll.init(&caller, new, write).await?;
    Ok((StatusCode::CREATED, Json(view.into())))
}

/// The longest name for people, in characters.
const MAX_TITLE: usize = 100;

/// List the data centers.
///
/// By name.
#[utoipa::path(get, path = "/v1/datacenters", tag = "installation", operation_id = "listDataCenters",
    params(PageQuery), responses((status = 200, body = Page<DataCenter>), Reading))]
pub(super) async fn data_centers(
    State(plimsoll): State<Plimsoll>,
    By(caller): By,
    Query(page): Query<PageQuery>,
) -> Result<Json<Page<DataCenter>>, Failure> {
    Ok(Json(plimsoll.list_dcs(&caller, page.into()).await?.into()))
}

/// Show a data center.
#[utoipa::path(get, path = "/v1/datacenters/{dc}", tag = "installation", operation_id = "getDataCenter",
    params(("dc" = String, Path, description = "The data center.")), responses((status = 200, body = DataCenter), Reading))]
pub(super) async fn data_center(
    State(plimsoll): State<Plimsoll>,
    By(caller): By,
    DataCenterPath(name): DataCenterPath,
    Query(Nothing {}): Query<Nothing>,
) -> Result<Json<DataCenter>, Failure> {
    Ok(Json(plimsoll.dc(&caller, &name).await?.into()))
}

/// Add a data center.
///
/// Makes its cluster able to hold Apps. Again with the same cluster, it changes nothing but the
/// credentials.
#[utoipa::path(post, path = "/v1/datacenters", tag = "installation", operation_id = "addDataCenter",
    params(WriteQuery), request_body(content = NewDataCenter),
    responses((status = 201, body = DataCenter), Changing))]
pub(super) async fn add_data_center(
    State(enrol): State<Arc<dyn Enrol>>,
    By(caller): By,
    Writing(write): Writing,
    Body(request): Body<NewDataCenter>,
) -> Result<(StatusCode, Json<DataCenter>), Failure> {
    let NewDataCenter { name, kubeconfig, shared } = request;
    let sharing = if shared { Sharing::Shared } else { Sharing::Alone };
    let mut faults = Faults::default();
    let name = faults.parse::<DcName>("name", &name, "give an RFC 1123 label of at most 40 characters");
    let name = faults.check(name)?;
    let view = enrol.add(&caller, name, kubeconfig, sharing, write).await?;
    Ok((StatusCode::CREATED, Json(view.into())))
}

/// Let a data center that is held go on.
///
/// What was found missing there is put back, and it takes Orders again. Where another cluster answers, that one is
/// the data center from now on.
#[utoipa::path(post, path = "/v1/datacenters/{dc}/confirm", tag = "installation", operation_id = "confirmDataCenter",
    params(("dc" = String, Path, description = "The data center."), WriteQuery, IfMatch),
    responses((status = 200, body = DataCenter), Changing))]
pub(super) async fn confirm_data_center(
    State(plimsoll): State<Plimsoll>,
    By(caller): By,
    DataCenterPath(name): DataCenterPath,
    Writing(write): Writing,
) -> Result<Json<DataCenter>, Failure> {
    Ok(Json(plimsoll.confirm_dc(&caller, &name, write).await?.into()))
}

/// Leave a data center that is held as it is.
///
/// Nothing is written there and nothing is put back, until somebody confirms. What is ordered meanwhile is owed to it.
#[utoipa::path(post, path = "/v1/datacenters/{dc}/refuse", tag = "installation", operation_id = "refuseDataCenter",
    params(("dc" = String, Path, description = "The data center."), WriteQuery, IfMatch),
    responses((status = 200, body = DataCenter), Changing))]
pub(super) async fn refuse_data_center(
    State(plimsoll): State<Plimsoll>,
    By(caller): By,
    DataCenterPath(name): DataCenterPath,
    Writing(write): Writing,
) -> Result<Json<DataCenter>, Failure> {
    Ok(Json(plimsoll.refuse_dc(&caller, &name, write).await?.into()))
}

/// Show the grades.
///
/// Those that new Releases may have, the most important first.
#[utoipa::path(get, path = "/v1/policy", tag = "installation", operation_id = "getPolicy",
    responses((status = 200, body = Policy), Reading))]
pub(super) async fn policy(
    State(plimsoll): State<Plimsoll>,
    By(caller): By,
    Query(Nothing {}): Query<Nothing>,
) -> Result<Json<Policy>, Failure> {
    Ok(Json(plimsoll.policy(&caller).await?.into()))
}

/// Set the grades.
///
/// What was released stays as it is; the next Release takes the new terms. The answer names every grade that changes
/// and the Apps that have it.
#[utoipa::path(put, path = "/v1/policy", tag = "installation", operation_id = "setPolicy",
    params(WriteQuery, IfMatch), request_body(content = NewPolicy),
    responses((status = 200, body = PolicyChange), Changing))]
pub(super) async fn set_policy(
    State(plimsoll): State<Plimsoll>,
    By(caller): By,
    Writing(write): Writing,
    Document(grades): Document,
) -> Result<Json<PolicyChange>, Failure> {
    Ok(Json(plimsoll.set_policy(&caller, &grades, write).await?.into()))
}

/// List the Namespaces.
///
/// By name.
#[utoipa::path(get, path = "/v1/namespaces", tag = "installation", operation_id = "listNamespaces",
    params(PageQuery), responses((status = 200, body = Page<Namespace>), Reading))]
pub(super) async fn namespaces(
    State(plimsoll): State<Plimsoll>,
    By(caller): By,
    Query(page): Query<PageQuery>,
) -> Result<Json<Page<Namespace>>, Failure> {
    Ok(Json(plimsoll.namespaces(&caller, page.into()).await?.into()))
}

/// Show a Namespace.
#[utoipa::path(get, path = "/v1/namespaces/{namespace}", tag = "installation", operation_id = "getNamespace",
    params(("namespace" = String, Path, description = "The Namespace.")), responses((status = 200, body = Namespace), Reading))]
pub(super) async fn namespace(
    State(plimsoll): State<Plimsoll>,
    By(caller): By,
    NamespacePath(name): NamespacePath,
    Query(Nothing {}): Query<Nothing>,
) -> Result<Json<Namespace>, Failure> {
    Ok(Json(plimsoll.namespace(&caller, &name).await?.into()))
}

/// Make a Namespace.
///
/// The data centers get it within moments. One that is there stays as it is.
#[utoipa::path(post, path = "/v1/namespaces", tag = "installation", operation_id = "createNamespace",
    params(WriteQuery), request_body(content = NewNamespace),
    responses((status = 201, body = Namespace), Changing))]
pub(super) async fn create_namespace(
    State(plimsoll): State<Plimsoll>,
    By(caller): By,
    Writing(write): Writing,
    Body(request): Body<NewNamespace>,
) -> Result<(StatusCode, Json<Namespace>), Failure> {
    let NewNamespace { name } = request;
    let mut faults = Faults::default();
    let name = faults.parse::<NamespaceName>("name", &name, "give an RFC 1123 label");
    let name = faults.check(name)?;
    let view = plimsoll.create_namespace(&caller, name, write).await?;
    Ok((StatusCode::CREATED, Json(view.into())))
}
