//! All services in one router.

use std::sync::Arc;

use axum::Router;
use axum::middleware::{from_fn, from_fn_with_state};
use plimsoll_core::caller::Authenticate;
use plimsoll_core::enrol::Enrol;
use plimsoll_core::usecase::Plimsoll;
use tonic::server::NamedService;
use tonic::service::Routes;
use tonic_health::ServingStatus;
use tonic_health::pb::health_server::HealthServer;
use tonic_health::server::{HealthReporter, HealthService};

use crate::proto::app_service_server::AppServiceServer;
use crate::proto::image_service_server::ImageServiceServer;
use crate::proto::installation_service_server::InstallationServiceServer;
use crate::proto::operation_service_server::OperationServiceServer;
use crate::service::{Apps, Images, Installations, Operations};
use crate::{admission, deadline, proto};

/// The largest message that is read, in bytes.
pub const MAX_MESSAGE: usize = 4 * 1024 * 1024;

/// All services of plimsoll.v1, of which one adds data centers by `enrol`, behind `authenticate`; health, which tells what `health` was told; reflection.
/// The last two show nothing that is anybody's and ask for no token.
///
/// # Errors
/// If the descriptors that were compiled in cannot be read, which a test rules out.
pub fn router(
    plimsoll: Plimsoll,
    enrol: Arc<dyn Enrol>,
    authenticate: Arc<dyn Authenticate>,
    health: &HealthReporter,
) -> Result<Router, tonic_reflection::server::Error> {
    let apps = AppServiceServer::new(Apps::new(plimsoll.clone()));
    let operations = OperationServiceServer::new(Operations::new(plimsoll.clone()));
    let images = ImageServiceServer::new(Images::new(plimsoll.clone()));
    let installations = InstallationServiceServer::new(Installations::new(plimsoll, enrol));
    let guarded = Routes::new(apps.max_decoding_message_size(MAX_MESSAGE))
        .add_service(operations.max_decoding_message_size(MAX_MESSAGE))
        .add_service(images.max_decoding_message_size(MAX_MESSAGE))
        .add_service(installations.max_decoding_message_size(MAX_MESSAGE))
        .into_axum_router()
        // It covers the routes so far: those added below are open.
        .route_layer(from_fn_with_state(authenticate, admission::admit));
    let router = Routes::from(guarded)
        .add_service(HealthServer::new(HealthService::from_health_reporter(health.clone())))
        .add_service(reflection().build_v1()?)
        .add_service(reflection().build_v1alpha()?)
        .into_axum_router()
        .layer(from_fn(deadline::keep));
    Ok(router)
}

/// Tells `health` how the server and each of its services stand.
pub async fn report(health: &HealthReporter, status: ServingStatus) {
    let services = [
        // The empty name stands for the server as a whole.
        "",
        AppServiceServer::<Apps>::NAME,
        OperationServiceServer::<Operations>::NAME,
        InstallationServiceServer::<Installations>::NAME,
        ImageServiceServer::<Images>::NAME,
    ];
    for service in services {
        health.set_service_status(service, status).await;
    }
}

fn reflection() -> tonic_reflection::server::Builder<'static> {
    tonic_reflection::server::Builder::configure()
        .register_encoded_file_descriptor_set(proto::DESCRIPTORS)
        .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
        // What the details of a status are made of, so that a client that knows nothing can show them.
        .register_encoded_file_descriptor_set(tonic_types::pb::FILE_DESCRIPTOR_SET)
}
