//! The App resource: what a data center holds of an Order, and what its controller says of it.
//!
//! `spec` mirrors `plimsoll_core::cluster::Delivery` and is written by Plimsoll's worker alone, `status` by
//! the controller alone. The content is carried as the JSON that its digest was made over, so that a process
//! or a definition that does not know a field of it cannot pass it on changed: the digest tells.

pub(crate) mod definition;
mod mapping;
mod schema;
mod spec;
mod text;

use kube::core::ApiResource;

pub(crate) use mapping::{Carried, Damage, app_of, carried, to_resource, to_spec, to_status, to_wire_status};
pub(crate) use spec::Spec;
pub(crate) use text::{AppMetadata, AppText, Head};

/// The API group of the App resource.
pub const GROUP: &str = "dc.plimsoll.io";
/// Its version.
pub const VERSION: &str = "v1alpha1";
/// Its kind.
pub const KIND: &str = "App";
/// The name of its definition.
pub const DEFINITION: &str = "apps.dc.plimsoll.io";

/// What App resources are called in requests.
pub(crate) fn api_resource() -> ApiResource {
    ApiResource {
        group: GROUP.to_owned(),
        version: VERSION.to_owned(),
        api_version: format!("{GROUP}/{VERSION}"),
        kind: KIND.to_owned(),
        plural: "apps".to_owned(),
    }
}
