//! Which resources are served, under which names, versions and scopes.

mod builtin;
mod registry;

use std::sync::Arc;

pub(crate) use registry::Registry;

use crate::crd::Definition;
use crate::status::Subject;

/// Whether objects of a resource live in a namespace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scope {
    Cluster,
    Namespaced,
}

/// How `metadata.generation` moves with updates.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Generation {
    /// The field is not set.
    None,
    /// It grows when `spec` changes.
    Spec,
    /// It grows when anything but `metadata` and `status` changes.
    Content,
}

/// Whether a PUT without `resourceVersion` is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BlindUpdate {
    Allowed,
    Refused,
}

/// One served version of a resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ServedVersion {
    pub(crate) name: String,
    pub(crate) status: bool,
    pub(crate) scale: bool,
    /// What those are told who still use it.
    pub(crate) deprecation: Option<String>,
}

/// A resource of the API: what its objects are called, where they live, how they are served.
#[derive(Debug, Clone)]
pub(crate) struct Resource {
    pub(crate) group: String,
    pub(crate) plural: String,
    pub(crate) singular: String,
    pub(crate) kind: String,
    pub(crate) list_kind: String,
    pub(crate) short_names: Vec<String>,
    pub(crate) categories: Vec<String>,
    pub(crate) scope: Scope,
    pub(crate) generation: Generation,
    pub(crate) blind_update: BlindUpdate,
    /// Served versions, the preferred one first.
    pub(crate) versions: Vec<ServedVersion>,
    /// The version objects are kept in, where that is not the preferred one.
    pub(crate) storage: Option<String>,
    /// Paths that a CRD declares selectable, without the leading dot.
    pub(crate) selectable_fields: Vec<String>,
    /// Set for custom resources.
    pub(crate) definition: Option<Arc<Definition>>,
    /// `plural.group`, or `plural` alone in the core group: the key of the table in the store.
    pub(crate) key: Arc<str>,
}

impl Resource {
    pub(crate) fn is_namespaced(&self) -> bool {
        self.scope == Scope::Namespaced
    }

    pub(crate) fn is_custom(&self) -> bool {
        self.definition.is_some()
    }

    pub(crate) fn version(&self, name: &str) -> Option<&ServedVersion> {
        self.versions.iter().find(|v| v.name == name)
    }

    /// Whether all objects of a collection can be deleted by one request; namespaces go one by one.
    pub(crate) fn deletes_collections(&self) -> bool {
        &*self.key != "namespaces"
    }

    /// The version in which objects are kept.
    pub(crate) fn storage_version(&self) -> &str {
        let preferred = || self.versions.first().map_or("", |version| &version.name);
        self.storage.as_deref().unwrap_or_else(preferred)
    }

    /// `v1` or `apps/v1`.
    pub(crate) fn api_version(&self, version: &str) -> String {
        api_version(&self.group, version)
    }

    /// How errors name the object `name` of this resource.
    pub(crate) fn subject<'a>(&'a self, name: &'a str) -> Subject<'a> {
        Subject { group: &self.group, resource: &self.plural, kind: &self.kind, name }
    }
}

/// `v1` for the core group, `group/version` otherwise.
pub(crate) fn api_version(group: &str, version: &str) -> String {
    if group.is_empty() { version.to_owned() } else { format!("{group}/{version}") }
}

/// Splits `apps/v1` into group and version; the core group is empty.
pub(crate) fn split_api_version(api_version: &str) -> (&str, &str) {
    api_version.split_once('/').unwrap_or(("", api_version))
}

/// The key of the table of a resource: `pods`, `deployments.apps`.
pub(crate) fn table_key(group: &str, plural: &str) -> String {
    if group.is_empty() { plural.to_owned() } else { format!("{plural}.{group}") }
}
