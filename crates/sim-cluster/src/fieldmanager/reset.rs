//! Fields that never belong to anybody, and fields that an endpoint resets.

use super::path::PathElement;
use super::set::FieldSet;

/// Metadata that the server keeps itself; no manager ever owns it.
pub(super) fn never_owned() -> FieldSet {
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
}

/// What a request to a built-in kind's endpoint cannot change: status on the main one, spec on status. These
/// are the sets of the strategies in kube-apiserver's registries.
pub(super) fn builtin(api_version: &str, kind: &str, subresource: &str) -> FieldSet {
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
        return FieldSet::default();
    }
    match (subresource, kind) {
        ("status", "Deployment") => set(&[&["spec"], &["metadata", "labels"]]),
        ("status", "Pod") => {
            set(&[&["spec"], &["metadata", "deletionTimestamp"], &["metadata", "ownerReferences"]])
        }
        ("status", _) => set(&[&["spec"]]),
        _ => set(&[&["status"]]),
    }
}

/// What a request to a custom resource's endpoint cannot change; nothing without a status subresource.
pub(super) fn custom(subresource: &str, status: StatusSubresource) -> FieldSet {
    match (status, subresource) {
        (StatusSubresource::Disabled, _) => FieldSet::default(),
        (StatusSubresource::Enabled, "status") => set(&[&["metadata"], &["spec"]]),
        (StatusSubresource::Enabled, _) => set(&[&["status"]]),
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
