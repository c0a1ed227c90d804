//! `OperationService`.

use futures::StreamExt as _;
use futures::stream::BoxStream;
use plimsoll_core::caller::Caller;
use plimsoll_core::error::{Error, Kind};
use plimsoll_core::usecase::{OperationFilter, Plimsoll, Steering};
use plimsoll_core::view::{AnyOperation, Steered};
use tonic::{Request, Response, Status};

use super::next_page_token;
use crate::admission::caller;
use crate::map;
use crate::proto::operation_service_server::OperationService;
use crate::proto::{
    AbortOperationRequest, AbortOperationResponse, Accepted, GetOperationRequest, GetOperationResponse,
    ImageAccepted, ImageOperation, ListOperationsRequest, ListOperationsResponse, Operation,
    PauseOperationRequest, PauseOperationResponse, ResumeOperationRequest, ResumeOperationResponse,
    WaitOperationRequest, WaitOperationResponse, WatchOperationRequest, WatchOperationResponse, WriteOptions,
};
use crate::read::{Faults, page};
use crate::status::status;

/// The Operations.
pub(crate) struct Operations {
    plimsoll: Plimsoll,
}

impl Operations {
    pub(crate) fn new(plimsoll: Plimsoll) -> Self {
        Self { plimsoll }
    }

    async fn steer(
        &self,
        caller: &Caller,
        id: &str,
        steering: Steering,
        options: Option<WriteOptions>,
    ) -> Result<(Option<Accepted>, Option<ImageAccepted>), Status> {
        let mut faults = Faults::default();
        let id = faults.operation(id);
        let write = faults.write(options);
        let (id, write) = faults.check(id.zip(write)).map_err(status)?;
        let steered = self.plimsoll.steer_operation(caller, id, steering, write).await.map_err(status)?;
        Ok(match steered {
            Steered::App(accepted) => (Some(map::accepted(*accepted)), None),
            Steered::Image(accepted) => (None, Some(map::image_accepted(*accepted))),
        })
    }
}

/// The one or the other field of an answer.
fn either(view: AnyOperation) -> (Option<Operation>, Option<ImageOperation>) {
    match view {
        AnyOperation::App(view) => (Some(map::operation(*view)), None),
        AnyOperation::Image(view) => (None, Some(map::image_operation(*view))),
    }
}

#[tonic::async_trait]
impl OperationService for Operations {
    type WatchOperationStream = BoxStream<'static, Result<WatchOperationResponse, Status>>;

    async fn get_operation(
        &self,
        request: Request<GetOperationRequest>,
    ) -> Result<Response<GetOperationResponse>, Status> {
        let caller = caller(&request)?;
        let GetOperationRequest { id } = request.into_inner();
        let mut faults = Faults::default();
        let id = faults.operation(&id);
        let id = faults.check(id).map_err(status)?;
        let view = self.plimsoll.operation(&caller, id).await.map_err(status)?;
        let (operation, image_operation) = either(view);
        Ok(Response::new(GetOperationResponse { operation, image_operation }))
    }

    async fn list_operations(
        &self,
        request: Request<ListOperationsRequest>,
    ) -> Result<Response<ListOperationsResponse>, Status> {
        let caller = caller(&request)?;
        let ListOperationsRequest { app, page: options } = request.into_inner();
        let mut faults = Faults::default();
        let app = app.and_then(|app| faults.app(Some(app)));
        let filter = faults.check(Some(OperationFilter { app })).map_err(status)?;
        let paged = self.plimsoll.operations(&caller, filter, page(options)).await.map_err(status)?;
        let (mut operations, mut image_operations) = (Vec::new(), Vec::new());
        for view in paged.items {
            let (operation, image_operation) = either(view);
            operations.extend(operation);
            image_operations.extend(image_operation);
        }
        let next_page_token = next_page_token(paged.next);
        Ok(Response::new(ListOperationsResponse { operations, next_page_token, image_operations }))
    }

    async fn watch_operation(
        &self,
        request: Request<WatchOperationRequest>,
    ) -> Result<Response<Self::WatchOperationStream>, Status> {
        let caller = caller(&request)?;
        let WatchOperationRequest { id } = request.into_inner();
        let mut faults = Faults::default();
        let id = faults.operation(&id);
        let id = faults.check(id).map_err(status)?;
        let views = self.plimsoll.watch_operation(&caller, id).await.map_err(status)?;
        // Nothing is read ahead: a slow reader gets the newest view when it asks for the next.
        let messages = views.map(|view| match view {
            Ok(view) => {
                let (operation, image_operation) = either(view);
                Ok(WatchOperationResponse { operation, image_operation })
            }
            Err(error) => Err(status(error)),
        });
        Ok(Response::new(messages.boxed()))
    }

    async fn wait_operation(
        &self,
        request: Request<WaitOperationRequest>,
    ) -> Result<Response<WaitOperationResponse>, Status> {
        let caller = caller(&request)?;
        let WaitOperationRequest { id, timeout } = request.into_inner();
        let mut faults = Faults::default();
        let id = faults.operation(&id);
        let timeout = faults.timeout(timeout);
        let (id, timeout) = faults.check(id.zip(timeout)).map_err(status)?;
        let at_rest = self.plimsoll.wait_operation(&caller, id).await.map_err(status)?;
        let Ok(view) = tokio::time::timeout(timeout, at_rest).await else {
            let message = "the operation goes on; wait again, or watch it";
            return Err(status(Error::new(Kind::DeadlineExceeded, "OPERATION_RUNNING", message)));
        };
        let view = view.map_err(status)?;
        let (operation, image_operation) = either(view);
        Ok(Response::new(WaitOperationResponse { operation, image_operation }))
    }

    async fn pause_operation(
        &self,
        request: Request<PauseOperationRequest>,
    ) -> Result<Response<PauseOperationResponse>, Status> {
        let caller = caller(&request)?;
        let PauseOperationRequest { id, options } = request.into_inner();
        let (accepted, image_accepted) = self.steer(&caller, &id, Steering::Pause, options).await?;
        Ok(Response::new(PauseOperationResponse { accepted, image_accepted }))
    }

    async fn resume_operation(
        &self,
        request: Request<ResumeOperationRequest>,
    ) -> Result<Response<ResumeOperationResponse>, Status> {
        let caller = caller(&request)?;
        let ResumeOperationRequest { id, options } = request.into_inner();
        let (accepted, image_accepted) = self.steer(&caller, &id, Steering::Resume, options).await?;
        Ok(Response::new(ResumeOperationResponse { accepted, image_accepted }))
    }

    async fn abort_operation(
        &self,
        request: Request<AbortOperationRequest>,
    ) -> Result<Response<AbortOperationResponse>, Status> {
        let caller = caller(&request)?;
        let AbortOperationRequest { id, options } = request.into_inner();
        let (accepted, image_accepted) = self.steer(&caller, &id, Steering::Abort, options).await?;
        Ok(Response::new(AbortOperationResponse { accepted, image_accepted }))
    }
}
