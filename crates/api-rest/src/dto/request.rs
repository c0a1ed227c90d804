//! Bodies of requests other than the App document.

use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Autoscale, Environment, NewPolicy, Placement};

/// An empty object; it may be left out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Nothing {}

/// Where a rollback goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RollbackRequest {
    /// The Release to go back to; absent: the newest one that succeeded and differs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<u64>,
}

/// What is to change of a scale. At most one of `replicas` and `autoscale` is given.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ScaleRequest {
    /// So many.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replicas: Option<u32>,
    /// As many as the load asks for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub autoscale: Option<Autoscale>,
    /// The data centers that these numbers are for, as exceptions; empty: everywhere.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub data_centers: Vec<String>,
    /// Which data centers have any; absent: as before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub placement: Option<Placement>,
}

/// The name of an installation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewInstallation {
    /// Its id: an RFC 1123 label of at most 40 characters, fixed for good.
    pub id: String,
    /// Its name, for people.
    pub name: String,
    /// Which rules hold.
    pub environment: Environment,
    /// Its grades, as `PUT /v1/policy` takes them; Plimsoll's own where they are left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<NewPolicy>)]
    pub policy: Option<serde_json::Value>,
}

/// A data center to be added.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewDataCenter {
    /// Its name: an RFC 1123 label of at most 40 characters.
    pub name: String,
    /// The kubeconfig file as text; its current context is the one that is used.
    #[schema(value_type = String, format = Password)]
    pub kubeconfig: SecretString,
    /// That its cluster is a data center of another installation too, and that this is meant; else one that is, is
    /// refused.
    #[serde(default)]
    pub shared: bool,
}

/// A Namespace to be made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewNamespace {
    /// Its name: an RFC 1123 label.
    pub name: String,
}
