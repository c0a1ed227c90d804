//! Handlers: read, one use case, answer.

mod app;
mod change;
mod document;
mod health;
mod image;
mod image_work;
mod installation;
mod operation;
mod registry;
mod watch;

use std::sync::Arc;

use axum::extract::FromRef;
use plimsoll_core::enrol::Enrol;
use plimsoll_core::usecase::Plimsoll;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::ports::Readiness;

/// What handlers work with.
#[derive(Clone)]
pub(crate) struct Backend {
    pub(crate) plimsoll: Plimsoll,
    pub(crate) enrol: Arc<dyn Enrol>,
    pub(crate) readiness: Arc<dyn Readiness>,
}

impl FromRef<Backend> for Plimsoll {
    fn from_ref(backend: &Backend) -> Self {
        backend.plimsoll.clone()
    }
}

impl FromRef<Backend> for Arc<dyn Enrol> {
    fn from_ref(backend: &Backend) -> Self {
        backend.enrol.clone()
    }
}

impl FromRef<Backend> for Arc<dyn Readiness> {
    fn from_ref(backend: &Backend) -> Self {
        backend.readiness.clone()
    }
}

/// What asks for a caller.
pub(crate) fn guarded() -> OpenApiRouter<Backend> {
    OpenApiRouter::new()
        .routes(routes!(app::list_all))
        .routes(routes!(app::list))
        .routes(routes!(app::get, change::apply, change::delete))
        .routes(routes!(app::history))
        .routes(routes!(app::document))
        .routes(routes!(app::operations))
        .routes(routes!(app::diff))
        .routes(routes!(change::rollback))
        .routes(routes!(change::unpin))
        .routes(routes!(change::scale))
        .routes(routes!(change::restart))
        .routes(routes!(change::offline))
        .routes(routes!(change::online))
        .routes(routes!(image_work::copy))
        .routes(routes!(image_work::sync))
        .routes(routes!(image_work::verify))
        .routes(routes!(operation::list))
        .routes(routes!(operation::get))
        .routes(routes!(operation::wait))
        .routes(routes!(operation::pause))
        .routes(routes!(operation::resume))
        .routes(routes!(operation::abort))
        .routes(routes!(watch::watch))
        .routes(routes!(installation::get, installation::init))
        .routes(routes!(installation::data_centers, installation::add_data_center))
        .routes(routes!(installation::data_center))
        .routes(routes!(installation::confirm_data_center))
        .routes(routes!(installation::refuse_data_center))
        .routes(routes!(installation::policy, installation::set_policy))
        .routes(routes!(installation::namespaces, installation::create_namespace))
        .routes(routes!(installation::namespace))
        .routes(routes!(registry::list))
        .routes(routes!(registry::probe))
        .routes(routes!(registry::repositories))
        .routes(routes!(registry::tags))
        .routes(routes!(image::get, image::remove))
        .routes(routes!(image::whereabouts))
}

/// What asks for nobody, and shows nothing that is anybody's.
pub(crate) fn open() -> OpenApiRouter<Backend> {
    OpenApiRouter::new()
        .routes(routes!(health::healthz))
        .routes(routes!(health::readyz))
        .routes(routes!(health::openapi))
}
