//! `InstallationService`.

use std::sync::Arc;

use plimsoll_core::enrol::{Enrol, Sharing};
use plimsoll_core::usecase::{NewInstallation, Plimsoll};
use secrecy::SecretString;
use tonic::{Request, Response, Status};

use super::next_page_token;
use crate::admission::caller;
use crate::map;
use crate::proto::installation_service_server::InstallationService;
use crate::proto::{
    AddDataCenterRequest, AddDataCenterResponse, ConfirmDataCenterRequest, ConfirmDataCenterResponse,
    CreateNamespaceRequest, CreateNamespaceResponse, GetDataCenterRequest, GetDataCenterResponse,
    GetInstallationRequest, GetInstallationResponse, GetNamespaceRequest, GetNamespaceResponse,
    GetPolicyRequest, GetPolicyResponse, InitRequest, InitResponse, ListDataCentersRequest,
    ListDataCentersResponse, ListNamespacesRequest, ListNamespacesResponse, RefuseDataCenterRequest,
    RefuseDataCenterResponse, SetPolicyRequest, SetPolicyResponse,
};
use crate::read::{Faults, page};
use crate::status::status;

/// The installation, its data centers and its Namespaces.
pub(crate) struct Installations {
    plimsoll: Plimsoll,
    enrol: Arc<dyn Enrol>,
}

impl Installations {
    pub(crate) fn new(plimsoll: Plimsoll, enrol: Arc<dyn Enrol>) -> Self {
        Self { plimsoll, enrol }
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

    async fn init(&self, request: Request<InitRequest>) -> Result<Response<InitResponse>, Status> {
        let caller = caller(&request)?;
        let InitRequest { id, name, environment, options, policy } = request.into_inner();
        let mut faults = Faults::default();
        let id = faults.installation(&id);
        let name = faults.title(name);
        let environment = faults.environment(environment);
        let write = faults.write(options);
        let policy = policy.and_then(|policy| faults.policy(Some(policy)));
        let ((id, name), (environment, write)) =
            faults.check(id.zip(name).zip(environment.zip(write))).map_err(status)?;
        let new = NewInstallation { id, name, environment, policy };
        let view = self.plimsoll.init(&caller, new, write).await.map_err(status)?;
        Ok(Response::new(InitResponse { installation: Some(map::installation(view)) }))
    }

    async fn get_data_center(
        &self,
        request: Request<GetDataCenterRequest>,
    ) -> Result<Response<GetDataCenterResponse>, Status> {
        let caller = caller(&request)?;
        let GetDataCenterRequest { name } = request.into_inner();
        let mut faults = Faults::default();
        let name = faults.dc("name", &name);
        let name = faults.check(name).map_err(status)?;
        let view = self.plimsoll.dc(&caller, &name).await.map_err(status)?;
        Ok(Response::new(GetDataCenterResponse { data_center: Some(map::data_center(view)) }))
    }

    async fn add_data_center(
        &self,
        request: Request<AddDataCenterRequest>,
    ) -> Result<Response<AddDataCenterResponse>, Status> {
        let caller = caller(&request)?;
        let AddDataCenterRequest { name, kubeconfig, options, shared } = request.into_inner();
        let sharing = if shared { Sharing::Shared } else { Sharing::Alone };
        let kubeconfig = SecretString::from(kubeconfig);
        let mut faults = Faults::default();
        let name = faults.dc("name", &name);
        let write = faults.write(options);
        let (name, write) = faults.check(name.zip(write)).map_err(status)?;
        let view = self.enrol.add(&caller, name, kubeconfig, sharing, write).await.map_err(status)?;
        Ok(Response::new(AddDataCenterResponse { data_center: Some(map::data_center(view)) }))
    }

    async fn confirm_data_center(
        &self,
        request: Request<ConfirmDataCenterRequest>,
    ) -> Result<Response<ConfirmDataCenterResponse>, Status> {
        let caller = caller(&request)?;
        let ConfirmDataCenterRequest { name, options } = request.into_inner();
        let mut faults = Faults::default();
        let name = faults.dc("name", &name);
        let write = faults.write(options);
        let (name, write) = faults.check(name.zip(write)).map_err(status)?;
        let view = self.plimsoll.confirm_dc(&caller, &name, write).await.map_err(status)?;
        Ok(Response::new(ConfirmDataCenterResponse { data_center: Some(map::data_center(view)) }))
    }

    async fn refuse_data_center(
        &self,
        request: Request<RefuseDataCenterRequest>,
    ) -> Result<Response<RefuseDataCenterResponse>, Status> {
        let caller = caller(&request)?;
        let RefuseDataCenterRequest { name, options } = request.into_inner();
        let mut faults = Faults::default();
        let name = faults.dc("name", &name);
        let write = faults.write(options);
        let (name, write) = faults.check(name.zip(write)).map_err(status)?;
        let view = self.plimsoll.refuse_dc(&caller, &name, write).await.map_err(status)?;
        Ok(Response::new(RefuseDataCenterResponse { data_center: Some(map::data_center(view)) }))
    }

    async fn get_policy(
        &self,
        request: Request<GetPolicyRequest>,
    ) -> Result<Response<GetPolicyResponse>, Status> {
        let caller = caller(&request)?;
        let view = self.plimsoll.policy(&caller).await.map_err(status)?;
        Ok(Response::new(GetPolicyResponse { policy: Some(map::policy(view)) }))
    }

    async fn set_policy(
        &self,
        request: Request<SetPolicyRequest>,
    ) -> Result<Response<SetPolicyResponse>, Status> {
        let caller = caller(&request)?;
        let SetPolicyRequest { policy, options } = request.into_inner();
        let mut faults = Faults::default();
        let policy = faults.policy(policy);
        let write = faults.write(options);
        let (policy, write) = faults.check(policy.zip(write)).map_err(status)?;
        let view = self.plimsoll.set_policy(&caller, &policy, write).await.map_err(status)?;
        Ok(Response::new(map::policy_change(view)))
    }

    async fn list_data_centers(
        &self,
        request: Request<ListDataCentersRequest>,
    ) -> Result<Response<ListDataCentersResponse>, Status> {
        let caller = caller(&request)?;
        let ListDataCentersRequest { page: options } = request.into_inner();
        let paged = self.plimsoll.list_dcs(&caller, page(options)).await.map_err(status)?;
        Ok(Response::new(ListDataCentersResponse {
            data_centers: paged.items.into_iter().map(map::data_center).collect(),
            next_page_token: next_page_token(paged.next),
        }))
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

    async fn get_namespace(
        &self,
        request: Request<GetNamespaceRequest>,
    ) -> Result<Response<GetNamespaceResponse>, Status> {
        let caller = caller(&request)?;
        let GetNamespaceRequest { name } = request.into_inner();
        let mut faults = Faults::default();
        let name = faults.namespace("name", &name);
        let name = faults.check(name).map_err(status)?;
        let view = self.plimsoll.namespace(&caller, &name).await.map_err(status)?;
        Ok(Response::new(GetNamespaceResponse { namespace: Some(map::namespace(view)) }))
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
