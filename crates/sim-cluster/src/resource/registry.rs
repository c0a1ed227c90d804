//! The resources served at this moment: the built-in ones and those of established CRDs.

use std::collections::BTreeMap;
use std::sync::Arc;

use parking_lot::RwLock;

use super::{Resource, builtin, table_key};

/// API groups of Kubernetes itself of which nothing is modelled here.
const OTHER_GROUPS: &[&str] = &[
    "admissionregistration.k8s.io",
    "apiregistration.k8s.io",
    "authentication.k8s.io",
    "authorization.k8s.io",
    "batch",
    "certificates.k8s.io",
    "events.k8s.io",
    "flowcontrol.apiserver.k8s.io",
    "metrics.k8s.io",
    "networking.k8s.io",
    "node.k8s.io",
    "rbac.authorization.k8s.io",
    "resource.k8s.io",
    "storage.k8s.io",
];
/// Versions that a real server has of the groups modelled here.
const OTHER_VERSIONS: &[(&str, &str)] = &[("autoscaling", "v1")];
/// Resources that a real server has in the groups modelled here.
const OTHER_RESOURCES: &[&str] = &[
    "bindings",
    "componentstatuses",
    "controllerrevisions",
    "daemonsets",
    "leasecandidates",
    "persistentvolumeclaims",
    "persistentvolumes",
    "podtemplates",
    "replicationcontrollers",
    "statefulsets",
];

/// The controllers of pods that a real server has beside those modelled here, and whether they have a scale.
const OTHER_CONTROLLERS: &[((&str, &str), &str, bool)] = &[
    (("", "ReplicationController"), "replicationcontrollers", true),
    (("apps", "DaemonSet"), "daemonsets.apps", false),
    (("apps", "StatefulSet"), "statefulsets.apps", true),
    (("batch", "CronJob"), "cronjobs.batch", false),
    (("batch", "Job"), "jobs.batch", false),
];

/// All served resources by table key.
#[derive(Debug)]
pub(crate) struct Registry {
    resources: RwLock<BTreeMap<Arc<str>, Arc<Resource>>>,
}

impl Registry {
    pub(crate) fn new() -> Self {
        let resources = builtin::resources().into_iter().map(|r| (r.key.clone(), Arc::new(r))).collect();
        Self { resources: RwLock::new(resources) }
    }

    /// The resource that serves `group/version/plural`.
    pub(crate) fn find(&self, group: &str, version: &str, plural: &str) -> Option<Arc<Resource>> {
        let found = self.resources.read().get(table_key(group, plural).as_str()).cloned()?;
        found.version(version).is_some().then_some(found)
    }

    /// The resource of a table.
    pub(crate) fn by_key(&self, key: &str) -> Option<Arc<Resource>> {
        self.resources.read().get(key).cloned()
    }

    /// The resource whose objects have this kind.
    pub(crate) fn by_kind(&self, group: &str, kind: &str) -> Option<Arc<Resource>> {
        self.resources.read().values().find(|r| r.group == group && r.kind == kind).cloned()
    }

    /// All of them, ordered by table key.
    pub(crate) fn all(&self) -> Vec<Arc<Resource>> {
        self.resources.read().values().cloned().collect()
    }

    /// Serves a custom resource from now on, in place of an earlier definition of it.
    pub(crate) fn insert(&self, resource: Resource) {
        self.resources.write().insert(resource.key.clone(), Arc::new(resource));
    }

    /// Stops serving a custom resource.
    pub(crate) fn remove(&self, key: &str) {
        let mut resources = self.resources.write();
        if resources.get(key).is_some_and(|r| r.is_custom()) {
            resources.remove(key);
        }
    }

    /// Whether a real server would have a resource that is missing here.
    pub(crate) fn is_missing(&self, group: &str, version: &str, plural: &str) -> bool {
        Self::is_missing_group(group, Some(version))
            || OTHER_RESOURCES.contains(&plural) && self.has_version(group, version)
    }

    /// Whether a real server would have a resource in some version of a group, of which others are modelled here.
    pub(crate) fn is_missing_resource(&self, group: &str, plural: &str) -> bool {
        OTHER_RESOURCES.contains(&plural) && self.has_group(group)
    }

    /// Whether a real server would have a group, or this version of it, that is missing here.
    pub(crate) fn is_missing_group(group: &str, version: Option<&str>) -> bool {
        OTHER_GROUPS.contains(&group)
            || version.is_some_and(|version| OTHER_VERSIONS.contains(&(group, version)))
    }

    /// What a real server has of a kind that is missing here: its resource, and whether that has a scale.
    pub(crate) fn missing_kind(group: &str, kind: &str) -> Option<(&'static str, bool)> {
        let (_, resource, scale) = OTHER_CONTROLLERS.iter().find(|(of, _, _)| *of == (group, kind))?;
        Some((resource, *scale))
    }

    /// Whether anything of a version of a group is served.
    fn has_version(&self, group: &str, version: &str) -> bool {
        let resources = self.resources.read();
        resources.values().any(|resource| resource.group == group && resource.version(version).is_some())
    }

    /// Whether anything of a group is served.
    pub(crate) fn has_group(&self, group: &str) -> bool {
        self.resources.read().values().any(|resource| resource.group == group)
    }
}
