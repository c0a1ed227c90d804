//! `ImageService`.

use plimsoll_core::caller::Caller;
use plimsoll_core::usecase::{CopyImage, ImageRequest, PaceWanted, Plimsoll, SyncImages, VerifyImages};
use tonic::{Request, Response, Status};

use super::next_page_token;
use crate::admission::caller;
use crate::map;
use crate::proto::image_service_server::ImageService;
use crate::proto::{
    CopyImageRequest, CopyImageResponse, ImageAccepted, ListRegistriesRequest, ListRegistriesResponse,
    SyncImagesRequest, SyncImagesResponse, VerifyImagesRequest, VerifyImagesResponse, WriteOptions,
};
use crate::read::{Faults, page};
use crate::status::status;

/// The registries and the images in them.
pub(crate) struct Images {
    plimsoll: Plimsoll,
}

impl Images {
    pub(crate) fn new(plimsoll: Plimsoll) -> Self {
        Self { plimsoll }
    }

    async fn begin(
        &self,
        caller: &Caller,
        request: &ImageRequest,
        options: Option<WriteOptions>,
    ) -> Result<Option<ImageAccepted>, Status> {
        let mut faults = Faults::default();
        let write = faults.write(options);
        let write = faults.check(write).map_err(status)?;
        let accepted = self.plimsoll.begin_image_work(caller, request, write).await.map_err(status)?;
        Ok(Some(map::image_accepted(accepted)))
    }
}

#[tonic::async_trait]
impl ImageService for Images {
    async fn list_registries(
        &self,
        request: Request<ListRegistriesRequest>,
    ) -> Result<Response<ListRegistriesResponse>, Status> {
        let caller = caller(&request)?;
        let ListRegistriesRequest { page: options } = request.into_inner();
        let paged = self.plimsoll.registries(&caller, page(options)).await.map_err(status)?;
        Ok(Response::new(ListRegistriesResponse {
            registries: paged.items.into_iter().map(map::registry).collect(),
            next_page_token: next_page_token(paged.next),
            notes: paged.notes,
        }))
    }

    async fn copy_image(
        &self,
        request: Request<CopyImageRequest>,
    ) -> Result<Response<CopyImageResponse>, Status> {
        let caller = caller(&request)?;
        let CopyImageRequest { options, image, to, tag, rate, windows } = request.into_inner();
        let pace = PaceWanted { rate: given(rate), windows };
        let request = ImageRequest::Copy(CopyImage { image, to, tag: given(tag), pace });
        let accepted = self.begin(&caller, &request, options).await?;
        Ok(Response::new(CopyImageResponse { accepted }))
    }

    async fn sync_images(
        &self,
        request: Request<SyncImagesRequest>,
    ) -> Result<Response<SyncImagesResponse>, Status> {
        let caller = caller(&request)?;
        let SyncImagesRequest { options, repository, to, tags, newest, rate, windows } = request.into_inner();
        let pace = PaceWanted { rate: given(rate), windows };
        let request = ImageRequest::Sync(SyncImages { repository, to, tags, newest, pace });
        let accepted = self.begin(&caller, &request, options).await?;
        Ok(Response::new(SyncImagesResponse { accepted }))
    }

    async fn verify_images(
        &self,
        request: Request<VerifyImagesRequest>,
    ) -> Result<Response<VerifyImagesResponse>, Status> {
        let caller = caller(&request)?;
        let VerifyImagesRequest { options, subject, at, sample } = request.into_inner();
        let request = ImageRequest::Verify(VerifyImages { subject, at, sample: given(sample) });
        let accepted = self.begin(&caller, &request, options).await?;
        Ok(Response::new(VerifyImagesResponse { accepted }))
    }
}

/// A text that may be left out.
fn given(text: String) -> Option<String> {
    Some(text).filter(|text| !text.is_empty())
}
