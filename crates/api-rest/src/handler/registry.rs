//! Registries and what lies in them.

use axum::Json;
use axum::extract::State;
use plimsoll_core::image::Home;
use plimsoll_core::usecase::Plimsoll;

use crate::dto::{ImageTag, Page, Registry, RegistryPage, Repository};
use crate::extract::{By, PageQuery, Query, RegistryPath, RepositoriesQuery, TagsQuery, WriteQuery, Writing};
use crate::failure::Failure;
use crate::openapi::{Changing, Reading};

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
    Ok(Json(plimsoll.registries(&caller, &page.into())?.into()))
}

/// Ask a registry how it behaves.
///
/// By requests that change nothing there. The server goes by what it finds for a quarter of an hour.
#[utoipa::path(post, path = "/v1/registries/{host}/probe", tag = "images", operation_id = "probeRegistry",
    params(("host" = String, Path, description = "The registry."), WriteQuery),
    responses((status = 200, body = Registry), Changing))]
pub(super) async fn probe(
    State(plimsoll): State<Plimsoll>,
    By(caller): By,
    RegistryPath(host): RegistryPath,
    Writing(write): Writing,
) -> Result<Json<Registry>, Failure> {
    Ok(Json(plimsoll.probe_registry(&caller, &host, &write).await?.into()))
}

/// List the repositories of a registry.
///
/// All of them, or the list says why it is incomplete.
#[utoipa::path(get, path = "/v1/registries/{host}/repositories", tag = "images", operation_id = "listRepositories",
    params(("host" = String, Path, description = "The registry."), RepositoriesQuery),
    responses((status = 200, body = RegistryPage<Repository>), Reading))]
pub(super) async fn repositories(
    State(plimsoll): State<Plimsoll>,
    By(caller): By,
    RegistryPath(host): RegistryPath,
    Query(query): Query<RepositoriesQuery>,
) -> Result<Json<RegistryPage<Repository>>, Failure> {
    let (below, page) = query.read()?;
    Ok(Json(plimsoll.repositories(&caller, &host, below.as_ref(), page).await?.into()))
}

/// List the tags of a repository.
///
/// All of them but those that hold lists of what refers to images, or the list says why it is incomplete.
#[utoipa::path(get, path = "/v1/registries/{host}/tags", tag = "images", operation_id = "listTags",
    params(("host" = String, Path, description = "The registry."), TagsQuery),
    responses((status = 200, body = RegistryPage<ImageTag>), Reading))]
pub(super) async fn tags(
    State(plimsoll): State<Plimsoll>,
    By(caller): By,
    RegistryPath(host): RegistryPath,
    Query(query): Query<TagsQuery>,
) -> Result<Json<RegistryPage<ImageTag>>, Failure> {
    let (repository, page) = query.read()?;
    let home = Home { host, repository };
    Ok(Json(plimsoll.repository_tags(&caller, &home, page).await?.into()))
}
