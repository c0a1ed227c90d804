//! The App resource: what a data center holds of an Order, and what its controller says of it.
//!
//! `spec` mirrors `plimsoll_core::cluster::Delivery` and is written by Plimsoll's worker alone, `status` by
//! the controller alone. The content is carried as the JSON that its digest was made over, so that a process
//! or a definition that does not know a field of it cannot pass it on changed: the digest tells.

pub(crate) mod definition;
mod mapping;
mod schema;
mod spec;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::borrow::Cow;

pub(crate) use mapping::{
    Carried, Damage, app_of, carried, fence_in, installation_in, installation_of, to_resource, to_spec,
    to_status, to_wire_status,
};
pub(crate) use spec::Spec;

/// The API group of the App resource.
pub const GROUP: &str = "dc.plimsoll.io";
/// Its version.
pub const VERSION: &str = "v1alpha1";
/// Its kind.
pub const KIND: &str = "App";
/// The name of its definition.
pub const DEFINITION: &str = "apps.dc.plimsoll.io";

/// An App resource of which only the metadata is sure to be readable.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct AppObject {
    #[serde(default)]
    pub(crate) metadata: ObjectMeta,
    #[serde(default)]
    pub(crate) spec: Value,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) status: Option<Value>,
}

impl kube::Resource for AppObject {
    type DynamicType = ();
    type Scope = kube::core::NamespaceResourceScope;

    fn kind((): &()) -> Cow<'_, str> {
        KIND.into()
    }

    fn group((): &()) -> Cow<'_, str> {
        GROUP.into()
    }

    fn version((): &()) -> Cow<'_, str> {
        VERSION.into()
    }

    fn plural((): &()) -> Cow<'_, str> {
        "apps".into()
    }

    fn meta(&self) -> &ObjectMeta {
        &self.metadata
    }

    fn meta_mut(&mut self) -> &mut ObjectMeta {
        &mut self.metadata
    }
}
