//! plimsoll.v1 over gRPC: services over core's use cases, and the client.
//!
//! A call goes through [`router`]: its deadline, who asks, then a service, which reads the request
//! (`read`), calls one use case and writes the answer (`map`). Errors become statuses in one place
//! (`status`). Everything that is said on the wire is in `proto/plimsoll/v1`.

mod admission;
mod deadline;
mod json;
mod map;
mod read;
mod router;
mod service;
mod status;

/// What is generated from `proto/plimsoll/v1`.
#[expect(clippy::pedantic, reason = "generated")]
pub mod proto {
    tonic::include_proto!("plimsoll.v1");

    /// The files as reflection shows them: an encoded `google.protobuf.FileDescriptorSet`.
    pub const DESCRIPTORS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/plimsoll.v1.bin"));
}

/// Clients of the services.
pub mod client {
    pub use crate::proto::app_service_client::AppServiceClient;
    pub use crate::proto::image_service_client::ImageServiceClient;
    pub use crate::proto::installation_service_client::InstallationServiceClient;
    pub use crate::proto::operation_service_client::OperationServiceClient;
}

pub use router::{MAX_MESSAGE, report, router};
pub use tonic_health::ServingStatus;
pub use tonic_health::server::HealthReporter;
