//! Images: what one is, where it lies, and removing it.

use axum::Json;
use axum::extract::State;
use plimsoll_core::usecase::Plimsoll;

use crate::dto::{Image, ImageRemoval, ImageWhereabouts};
use crate::extract::{By, ImageQuery, Query, RemoveQuery, Removing, WhereaboutsQuery};
use crate::failure::Failure;
use crate::openapi::{Changing, Reading};

/// Show an image.
///
/// What it is, and what it says about itself.
#[utoipa::path(get, path = "/v1/images", tag = "images", operation_id = "getImage",
    params(ImageQuery), responses((status = 200, body = Image), Reading))]
pub(super) async fn get(
    State(plimsoll): State<Plimsoll>,
    By(caller): By,
    Query(query): Query<ImageQuery>,
) -> Result<Json<Image>, Failure> {
    Ok(Json(plimsoll.image(&caller, &query.read()?).await?.into()))
}

/// Tell where an image is.
///
/// How much of it is where each data center pulls it from, which Releases keep it, and which pods run it. A registry
/// or a data center that does not answer is unknown, and holds up the answer no longer than a bound.
#[utoipa::path(get, path = "/v1/images/whereabouts", tag = "images", operation_id = "locateImage",
    params(WhereaboutsQuery), responses((status = 200, body = ImageWhereabouts), Reading))]
pub(super) async fn whereabouts(
    State(plimsoll): State<Plimsoll>,
    By(caller): By,
    Query(query): Query<WhereaboutsQuery>,
) -> Result<Json<ImageWhereabouts>, Failure> {
    let (image, sample) = query.read()?;
    Ok(Json(plimsoll.locate_image(&caller, &image, sample).await?.into()))
}

/// Remove an image from a repository.
///
/// One that a kept Release runs is refused, as is what is part of one. Other tags and repositories keep what they have.
#[utoipa::path(delete, path = "/v1/images", tag = "images", operation_id = "removeImage",
    params(RemoveQuery), responses((status = 200, body = ImageRemoval), Changing))]
pub(super) async fn remove(
    State(plimsoll): State<Plimsoll>,
    By(caller): By,
    Removing { home, digest, write }: Removing,
) -> Result<Json<ImageRemoval>, Failure> {
    Ok(Json(plimsoll.remove_image(&caller, &home, &digest, &write).await?.into()))
}
