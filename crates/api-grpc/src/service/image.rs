//! `ImageService`.

use plimsoll_core::caller::Caller;
use plimsoll_core::image::Home;
use plimsoll_core::usecase::{CopyImage, ImageRequest, PaceWanted, Plimsoll, SyncImages, VerifyImages};
use plimsoll_core::view::{Listed, RemovedView};
use tonic::{Request, Response, Status};

use super::next_page_token;
use crate::admission::caller;
use crate::map;
use crate::proto::image_service_server::ImageService;
use crate::proto::{
    CopyImageRequest, CopyImageResponse, GetImageRequest, GetImageResponse, ImageAccepted,
    ListRegistriesRequest, ListRegistriesResponse, ListRepositoriesRequest, ListRepositoriesResponse,
    ListTagsRequest, ListTagsResponse, LocateImageRequest, LocateImageResponse, ProbeRegistryRequest,
    ProbeRegistryResponse, RemoveImageRequest, RemoveImageResponse, SyncImagesRequest, SyncImagesResponse,
    VerifyImagesRequest, VerifyImagesResponse, WriteOptions,
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
        let paged = self.plimsoll.registries(&caller, &page(options)).map_err(status)?;
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

    async fn probe_registry(
        &self,
        request: Request<ProbeRegistryRequest>,
    ) -> Result<Response<ProbeRegistryResponse>, Status> {
        let caller = caller(&request)?;
        let ProbeRegistryRequest { host, options } = request.into_inner();
        let mut faults = Faults::default();
        let host = faults.host(&host);
        let write = faults.write(options);
        let (host, write) = faults.check(host.zip(write)).map_err(status)?;
        let view = self.plimsoll.probe_registry(&caller, &host, &write).await.map_err(status)?;
        Ok(Response::new(ProbeRegistryResponse { registry: Some(map::registry(view)) }))
    }

    async fn list_repositories(
        &self,
        request: Request<ListRepositoriesRequest>,
    ) -> Result<Response<ListRepositoriesResponse>, Status> {
        let caller = caller(&request)?;
        let ListRepositoriesRequest { host, prefix, page: options } = request.into_inner();
        let mut faults = Faults::default();
        let host = faults.host(&host);
        let prefix = match prefix.as_str() {
            "" => None,
            text => faults.repository("prefix", text),
        };
        let host = faults.check(host).map_err(status)?;
        let listed = self.plimsoll.repositories(&caller, &host, prefix.as_ref(), page(options)).await;
        let Listed { items, next, incomplete, notes } = listed.map_err(status)?;
        Ok(Response::new(ListRepositoriesResponse {
            repositories: items.into_iter().map(map::repository).collect(),
            next_page_token: next_page_token(next),
            complete: incomplete.is_none(),
            incomplete: incomplete.unwrap_or_default(),
            notes,
        }))
    }

    async fn list_tags(
        &self,
        request: Request<ListTagsRequest>,
    ) -> Result<Response<ListTagsResponse>, Status> {
        let caller = caller(&request)?;
        let ListTagsRequest { host, repository, page: options } = request.into_inner();
        let mut faults = Faults::default();
        let host = faults.host(&host);
        let repository = faults.repository("repository", &repository);
        let (host, repository) = faults.check(host.zip(repository)).map_err(status)?;
        let home = Home { host, repository };
        let listed = self.plimsoll.repository_tags(&caller, &home, page(options)).await;
        let Listed { items, next, incomplete, notes } = listed.map_err(status)?;
        Ok(Response::new(ListTagsResponse {
            tags: items.into_iter().map(map::image_tag).collect(),
            next_page_token: next_page_token(next),
            complete: incomplete.is_none(),
            incomplete: incomplete.unwrap_or_default(),
            notes,
        }))
    }

    async fn get_image(
        &self,
        request: Request<GetImageRequest>,
    ) -> Result<Response<GetImageResponse>, Status> {
        let caller = caller(&request)?;
        let GetImageRequest { image } = request.into_inner();
        let mut faults = Faults::default();
        let named = faults.image(&image);
        let named = faults.check(named).map_err(status)?;
        let view = self.plimsoll.image(&caller, &named).await.map_err(status)?;
        Ok(Response::new(GetImageResponse { image: Some(map::image(view)) }))
    }

    async fn locate_image(
        &self,
        request: Request<LocateImageRequest>,
    ) -> Result<Response<LocateImageResponse>, Status> {
        let caller = caller(&request)?;
        let LocateImageRequest { image, sample } = request.into_inner();
        let mut faults = Faults::default();
        let named = faults.image(&image);
        let sample = faults.sample(&sample);
        let (named, sample) = faults.check(named.zip(sample)).map_err(status)?;
        let view = self.plimsoll.locate_image(&caller, &named, sample).await.map_err(status)?;
        Ok(Response::new(LocateImageResponse { whereabouts: Some(map::whereabouts(view)) }))
    }

    async fn remove_image(
        &self,
        request: Request<RemoveImageRequest>,
    ) -> Result<Response<RemoveImageResponse>, Status> {
        let caller = caller(&request)?;
        let RemoveImageRequest { image, options } = request.into_inner();
        let mut faults = Faults::default();
        let pinned = faults.pinned_image(&image);
        let write = faults.write(options);
        let ((home, digest), write) = faults.check(pinned.zip(write)).map_err(status)?;
        let view = self.plimsoll.remove_image(&caller, &home, &digest, &write).await.map_err(status)?;
        let RemovedView { home, digest, notes } = view;
        Ok(Response::new(RemoveImageResponse { repository: home.into(), digest: digest.to_string(), notes }))
    }
}

/// A text that may be left out.
fn given(text: String) -> Option<String> {
    Some(text).filter(|text| !text.is_empty())
}
