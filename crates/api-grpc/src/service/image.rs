//! `ImageService`.

use plimsoll_core::usecase::Plimsoll;
use tonic::{Request, Response, Status};

use super::next_page_token;
use crate::admission::caller;
use crate::map;
use crate::proto::image_service_server::ImageService;
use crate::proto::{ListRegistriesRequest, ListRegistriesResponse};
use crate::read::page;
use crate::status::status;

/// The registries and the images in them.
pub(crate) struct Images {
    plimsoll: Plimsoll,
}

impl Images {
    pub(crate) fn new(plimsoll: Plimsoll) -> Self {
        Self { plimsoll }
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
}
