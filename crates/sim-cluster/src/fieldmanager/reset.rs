//! Fields that never belong to anybody, and fields that an endpoint resets.

use std::sync::LazyLock;

use super::path::PathElement;
use super::set::FieldSet;

/// Metadata that the server keeps itself; no manager ever owns it.
pub(super) static NEVER_OWNED: LazyLock<FieldSet> = LazyLock::new(|| {
    set(&[
        &["apiVersion"],
        &["kind"],
        &["metadata"],
        &["metadata", "name"],
        &["metadata", "namespace"],
        &["metadata", "creationTimestamp"],
        &["metadata", "selfLink"],
        &["metadata", "uid"],
        &["metadata", "clusterName"],
        &["metadata", "generation"],
        &["metadata", "managedFields"],
        &["metadata", "resourceVersion"],
    ])
});

static NOTHING: LazyLock<FieldSet> = LazyLock::new(FieldSet::default);
static STATUS: LazyLock<FieldSet> = LazyLock::new(|| set(&[&["status"]]));
static SPEC: LazyLock<FieldSet> = LazyLock::new(|| set(&[&["spec"]]));
static METADATA_AND_SPEC: LazyLock<FieldSet> = LazyLock::new(|| set(&[&["metadata"], &["spec"]]));
static ON_STATUS_OF_DEPLOYMENT: LazyLock<FieldSet> =
    LazyLock::new(|| set(&[&["spec"], &["metadata", "labels"]]));
static ON_STATUS_OF_POD: LazyLock<FieldSet> =
    LazyLock::new(|| set(&[&["spec"], &["metadata", "deletionTimestamp"], &["metadata", "ownerReferences"]]));

/// What a request to a built-in kind's endpoint cannot change: status on the main one, spec on status. These
/// are the sets of the strategies in kube-apiserver's registries.
pub(super) fn builtin(api_version: &str, kind: &str, subresource: &str) -> &'static FieldSet {
    let has_status = matches!(
        kind,
        "Namespace"
            | "Node"
            | "Pod"
            | "Service"
            | "ResourceQuota"
            | "PersistentVolume"
            | "PersistentVolumeClaim"
            | "ReplicationController"
            | "Deployment"
            | "ReplicaSet"
            | "StatefulSet"
            | "DaemonSet"
            | "HorizontalPodAutoscaler"
            | "PodDisruptionBudget"
            | "CustomResourceDefinition"
    );
    let known_group = !api_version.contains('.') || api_version.starts_with("apiextensions.k8s.io/");
    if !has_status || !known_group {
        return &NOTHING;
    }
    match (subresource, kind) {
        ("status", "Deployment") => &ON_STATUS_OF_DEPLOYMENT,
        ("status", "Pod") => &ON_STATUS_OF_POD,
        ("status", _) => &SPEC,
        _ => &STATUS,
    }
}

/// What a request to a custom resource's endpoint cannot change; nothing without a status subresource.
pub(super) fn custom(subresource: &str, status: StatusSubresource) -> &'static FieldSet {
    match (status, subresource) {
        (StatusSubresource::Disabled, _) => &NOTHING,
        (StatusSubresource::Enabled, "status") => &METADATA_AND_SPEC,
        (StatusSubresource::Enabled, _) => &STATUS,
    }
}

/// Whether a custom resource has `/status`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StatusSubresource {
    /// Status is written through `/status` alone.
    Enabled,
    /// Status is a field like any other.
    Disabled,
}

fn set(paths: &[&[&str]]) -> FieldSet {
    let mut set = FieldSet::default();
    for path in paths {
        let path: Vec<PathElement> = path.iter().map(|name| PathElement::Field((*name).into())).collect();
        set.insert(&path);
    }
    set
}
