//! `AppService`.

use plimsoll_core::error::Error;
use plimsoll_core::name::AppRef;
use plimsoll_core::usecase::{Plimsoll, TakeScale, Write};
use serde_json::Value;
use tonic::{Request, Response, Status};

use super::next_page_token;
use crate::admission::caller;
use crate::proto::app_service_server::AppService;
use crate::proto::{
    self, ApplyAppRequest, ApplyAppResponse, DeleteAppRequest, DeleteAppResponse, DiffAppRequest,
    DiffAppResponse, GetAppRequest, GetAppResponse, GetDocumentRequest, GetDocumentResponse, ListAppsRequest,
    ListAppsResponse, ListReleasesRequest, ListReleasesResponse, OfflineAppRequest, OfflineAppResponse,
    OnlineAppRequest, OnlineAppResponse, RestartAppRequest, RestartAppResponse, RollbackAppRequest,
    RollbackAppResponse, ScaleAppRequest, ScaleAppResponse, UnpinAppRequest, UnpinAppResponse,
};
use crate::read::{Faults, page};
use crate::status::status;
use crate::{json, map};

/// The verbs of Apps.
pub(crate) struct Apps {
    plimsoll: Plimsoll,
}

impl Apps {
    pub(crate) fn new(plimsoll: Plimsoll) -> Self {
        Self { plimsoll }
    }
}

fn read_app(app: Option<proto::AppRef>) -> Result<AppRef, Error> {
    let mut faults = Faults::default();
    let app = faults.app(app);
    faults.check(app)
}

fn read_write(
    app: Option<proto::AppRef>,
    options: Option<proto::WriteOptions>,
) -> Result<(AppRef, Write), Error> {
    let mut faults = Faults::default();
    let app = faults.app(app);
    let write = faults.write(options);
    faults.check(app.zip(write))
}

#[tonic::async_trait]
impl AppService for Apps {
    async fn apply_app(
        &self,
        request: Request<ApplyAppRequest>,
    ) -> Result<Response<ApplyAppResponse>, Status> {
        let caller = caller(&request)?;
        let ApplyAppRequest { document, options, take_scale } = request.into_inner();
        let mut faults = Faults::default();
        let document = faults.document(document);
        let write = faults.write(options);
        let (document, write) = faults.check(document.zip(write)).map_err(status)?;
        let take_scale = if take_scale { TakeScale::Yes } else { TakeScale::No };
        let accepted = self.plimsoll.apply(&caller, &document, take_scale, write).await.map_err(status)?;
        Ok(Response::new(ApplyAppResponse { accepted: Some(map::accepted(accepted)) }))
    }

    async fn diff_app(&self, request: Request<DiffAppRequest>) -> Result<Response<DiffAppResponse>, Status> {
        let caller = caller(&request)?;
        let DiffAppRequest { document } = request.into_inner();
        let mut faults = Faults::default();
        let document = faults.document(document);
        let document = faults.check(document).map_err(status)?;
        let view = self.plimsoll.diff(&caller, &document).await.map_err(status)?;
        Ok(Response::new(map::difference(view)))
    }

    async fn rollback_app(
        &self,
        request: Request<RollbackAppRequest>,
    ) -> Result<Response<RollbackAppResponse>, Status> {
        let caller = caller(&request)?;
        let RollbackAppRequest { app, options, to } = request.into_inner();
        let mut faults = Faults::default();
        let app = faults.app(app);
        let write = faults.write(options);
        let to = to.and_then(|number| faults.release("to", number));
        let (app, write) = faults.check(app.zip(write)).map_err(status)?;
        let accepted = self.plimsoll.rollback(&caller, &app, to, write).await.map_err(status)?;
        Ok(Response::new(RollbackAppResponse { accepted: Some(map::accepted(accepted)) }))
    }

    async fn scale_app(
        &self,
        request: Request<ScaleAppRequest>,
    ) -> Result<Response<ScaleAppResponse>, Status> {
        let caller = caller(&request)?;
        let ScaleAppRequest { app, options, size, data_centers, placement } = request.into_inner();
        let mut faults = Faults::default();
        let app = faults.app(app);
        let write = faults.write(options);
        let change = faults.scale(size, &data_centers, placement);
        let (app, write) = faults.check(app.zip(write)).map_err(status)?;
        let accepted = self.plimsoll.scale(&caller, &app, change, write).await.map_err(status)?;
        Ok(Response::new(ScaleAppResponse { accepted: Some(map::accepted(accepted)) }))
    }

    async fn unpin_app(
        &self,
        request: Request<UnpinAppRequest>,
    ) -> Result<Response<UnpinAppResponse>, Status> {
        let caller = caller(&request)?;
        let UnpinAppRequest { app, options } = request.into_inner();
        let (app, write) = read_write(app, options).map_err(status)?;
        let accepted = self.plimsoll.unpin(&caller, &app, write).await.map_err(status)?;
        Ok(Response::new(UnpinAppResponse { accepted: Some(map::accepted(accepted)) }))
    }

    async fn restart_app(
        &self,
        request: Request<RestartAppRequest>,
    ) -> Result<Response<RestartAppResponse>, Status> {
        let caller = caller(&request)?;
        let RestartAppRequest { app, options } = request.into_inner();
        let (app, write) = read_write(app, options).map_err(status)?;
        let accepted = self.plimsoll.restart(&caller, &app, write).await.map_err(status)?;
        Ok(Response::new(RestartAppResponse { accepted: Some(map::accepted(accepted)) }))
    }

    async fn offline_app(
        &self,
        request: Request<OfflineAppRequest>,
    ) -> Result<Response<OfflineAppResponse>, Status> {
        let caller = caller(&request)?;
        let OfflineAppRequest { app, options } = request.into_inner();
        let (app, write) = read_write(app, options).map_err(status)?;
        let accepted = self.plimsoll.offline(&caller, &app, write).await.map_err(status)?;
        Ok(Response::new(OfflineAppResponse { accepted: Some(map::accepted(accepted)) }))
    }

    async fn online_app(
        &self,
        request: Request<OnlineAppRequest>,
    ) -> Result<Response<OnlineAppResponse>, Status> {
        let caller = caller(&request)?;
        let OnlineAppRequest { app, options } = request.into_inner();
        let (app, write) = read_write(app, options).map_err(status)?;
        let accepted = self.plimsoll.online(&caller, &app, write).await.map_err(status)?;
        Ok(Response::new(OnlineAppResponse { accepted: Some(map::accepted(accepted)) }))
    }

    async fn delete_app(
        &self,
        request: Request<DeleteAppRequest>,
    ) -> Result<Response<DeleteAppResponse>, Status> {
        let caller = caller(&request)?;
        let DeleteAppRequest { app, options } = request.into_inner();
        let (app, write) = read_write(app, options).map_err(status)?;
        let accepted = self.plimsoll.delete(&caller, &app, write).await.map_err(status)?;
        Ok(Response::new(DeleteAppResponse { accepted: Some(map::accepted(accepted)) }))
    }

    async fn get_app(&self, request: Request<GetAppRequest>) -> Result<Response<GetAppResponse>, Status> {
        let caller = caller(&request)?;
        let GetAppRequest { app } = request.into_inner();
        let app = read_app(app).map_err(status)?;
        let view = self.plimsoll.get(&caller, &app).await.map_err(status)?;
        Ok(Response::new(GetAppResponse { app: Some(map::app(view)) }))
    }

    async fn list_apps(
        &self,
        request: Request<ListAppsRequest>,
    ) -> Result<Response<ListAppsResponse>, Status> {
        let caller = caller(&request)?;
        let ListAppsRequest { namespace, page: options } = request.into_inner();
        let mut faults = Faults::default();
        let namespace = Some(namespace).filter(|name| !name.is_empty());
        let namespace = namespace.and_then(|name| faults.namespace("namespace", &name));
        let () = faults.check(Some(())).map_err(status)?;
        let paged = self.plimsoll.list(&caller, namespace.as_ref(), page(options)).await.map_err(status)?;
        Ok(Response::new(ListAppsResponse {
            apps: paged.items.into_iter().map(map::app).collect(),
            next_page_token: next_page_token(paged.next),
        }))
    }

    async fn list_releases(
        &self,
        request: Request<ListReleasesRequest>,
    ) -> Result<Response<ListReleasesResponse>, Status> {
        let caller = caller(&request)?;
        let ListReleasesRequest { app, page: options } = request.into_inner();
        let app = read_app(app).map_err(status)?;
        let paged = self.plimsoll.history(&caller, &app, page(options)).await.map_err(status)?;
        Ok(Response::new(ListReleasesResponse {
            releases: paged.items.into_iter().map(map::release).collect(),
            next_page_token: next_page_token(paged.next),
            notes: paged.notes,
        }))
    }

    async fn get_document(
        &self,
        request: Request<GetDocumentRequest>,
    ) -> Result<Response<GetDocumentResponse>, Status> {
        let caller = caller(&request)?;
        let GetDocumentRequest { app, release } = request.into_inner();
        let mut faults = Faults::default();
        let app = faults.app(app);
        let release = release.and_then(|number| faults.release("release", number));
        let app = faults.check(app).map_err(status)?;
        match self.plimsoll.document(&caller, &app, release).await.map_err(status)? {
            Value::Object(document) => {
                Ok(Response::new(GetDocumentResponse { document: Some(json::to_struct(document)) }))
            }
            _ => Err(status(Error::internal("a document is not an object"))),
        }
    }
}
