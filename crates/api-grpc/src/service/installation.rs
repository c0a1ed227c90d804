//! `InstallationService`.

use plimsoll_core::usecase::Plimsoll;
use tonic::{Request, Response, Status};

use super::next_page_token;
use crate::admission::caller;
use crate::map;
use crate::proto::installation_service_server::InstallationService;
use crate::proto::{
    CreateNamespaceRequest, CreateNamespaceResponse, GetInstallationRequest, GetInstallationResponse,
    ListDataCentersRequest, ListDataCentersResponse, ListNamespacesRequest, ListNamespacesResponse,
};
use crate::read::{Faults, page};
use crate::status::status;

/// The installation, its data centers and its Namespaces.
pub(crate) struct Installations {
    plimsoll: Plimsoll,
}

impl Installations {
    pub(crate) fn new(plimsoll: Plimsoll) -> Self {
        Self { plimsoll }
    }
}

#[tonic::async_trait]
impl InstallationService for Installations {
    async fn get_installation(
        &self,
        request: Request<GetInstallationRequest>,
    ) -> Result<Response<GetInstallationResponse>, Status> {
        let caller = caller(&request)?;
        let view = self.plimsoll.installation(&caller).await.map_err(status)?;
        Ok(Response::new(GetInstallationResponse { installation: Some(map::installation(view)) }))
    }

    async fn list_data_centers(
        &self,
        request: Request<ListDataCentersRequest>,
    ) -> Result<Response<ListDataCentersResponse>, Status> {
        let caller = caller(&request)?;
        let views = self.plimsoll.dcs(&caller).await.map_err(status)?;
        let data_centers = views.into_iter().map(map::data_center).collect();
        Ok(Response::new(ListDataCentersResponse { data_centers }))
    }

    async fn list_namespaces(
        &self,
        request: Request<ListNamespacesRequest>,
    ) -> Result<Response<ListNamespacesResponse>, Status> {
        let caller = caller(&request)?;
        let ListNamespacesRequest { page: options } = request.into_inner();
        let paged = self.plimsoll.namespaces(&caller, page(options)).await.map_err(status)?;
        Ok(Response::new(ListNamespacesResponse {
            namespaces: paged.items.into_iter().map(map::namespace).collect(),
            next_page_token: next_page_token(paged.next),
        }))
    }

    async fn create_namespace(
        &self,
        request: Request<CreateNamespaceRequest>,
    ) -> Result<Response<CreateNamespaceResponse>, Status> {
        let caller = caller(&request)?;
        let CreateNamespaceRequest { name, options } = request.into_inner();
        let mut faults = Faults::default();
        let name = faults.namespace("name", &name);
        let write = faults.write(options);
        let (name, write) = faults.check(name.zip(write)).map_err(status)?;
        let view = self.plimsoll.create_namespace(&caller, name, write).await.map_err(status)?;
        Ok(Response::new(CreateNamespaceResponse { namespace: Some(map::namespace(view)) }))
    }
}
