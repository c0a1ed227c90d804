//! Work on registries.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use http::header::LOCATION;
use plimsoll_core::usecase::{ImageRequest, Plimsoll};
use plimsoll_core::view;

use crate::dto::{CopyImage, ImageAccepted, SyncImages, VerifyImages};
use crate::extract::{Body, By, WriteQuery, Writing};
use crate::failure::Failure;
use crate::openapi::{BegunOnRegistries, Changing};

/// What was accepted: 202 with the Operation's place, or 200 with what it would take.
pub(super) struct Answer(view::ImageAccepted);

impl IntoResponse for Answer {
    fn into_response(self) -> Response {
        let accepted = ImageAccepted::from(self.0);
        match &accepted.operation {
            None => Json(accepted).into_response(),
            Some(operation) => {
                let place = format!("/v1/operations/{}", operation.id);
                (StatusCode::ACCEPTED, [(LOCATION, place)], Json(accepted)).into_response()
            }
        }
    }
}

/// A handler that begins work on registries; `$says` is its documentation.
macro_rules! begin {
    ($(#[doc = $says:expr])+ $name:ident, $body:ident, $path:literal, $id:literal) => {
        $(#[doc = $says])+
        #[utoipa::path(post, path = $path, tag = "images", operation_id = $id,
            params(WriteQuery), request_body = $body, responses(BegunOnRegistries, Changing))]
        pub(super) async fn $name(
            State(plimsoll): State<Plimsoll>,
            By(caller): By,
            Writing(write): Writing,
            Body(request): Body<$body>,
        ) -> Result<Answer, Failure> {
            let request = ImageRequest::from(request);
            Ok(Answer(plimsoll.begin_image_work(&caller, &request, write).await?))
        }
    };
}

begin! {
    /// Copy an image to several registries.
    ///
    /// By its digest, with everything that refers to it; the source is read once. A tag that points elsewhere is not
    /// moved. With `validateOnly` it says how many bytes each target lacks.
    copy, CopyImage, "/v1/images/copy", "copyImage"
}

begin! {
    /// Bring tags of a repository to several registries.
    ///
    /// What is there is not sent again, and nothing is removed. With `validateOnly` it says how many bytes each target
    /// lacks.
    sync, SyncImages, "/v1/images/sync", "syncImages"
}

begin! {
    /// Look whether an image, or every tag of a repository, is whole.
    ///
    /// Every manifest is read, every blob asked for, and a sample of them read and checked.
    verify, VerifyImages, "/v1/images/verify", "verifyImages"
}
