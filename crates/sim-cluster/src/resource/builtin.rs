//! The resources that are there without any `CustomResourceDefinition`.

use std::sync::Arc;

use super::{BlindUpdate, Generation, Resource, Scope, ServedVersion, table_key};

/// One line of the table below.
struct Row {
    group: &'static str,
    /// Versions served, the preferred one first.
    versions: &'static [&'static str],
    plural: &'static str,
    kind: &'static str,
    short: &'static [&'static str],
    categories: &'static [&'static str],
    scope: Scope,
    generation: Generation,
    blind: BlindUpdate,
    status: bool,
    scale: bool,
    /// The warning that comes with every answer.
    deprecation: Option<&'static str>,
}

const fn row(group: &'static str, plural: &'static str, kind: &'static str) -> Row {
    Row {
        group,
        versions: &["v1"],
        plural,
        kind,
        short: &[],
        categories: &[],
        scope: Scope::Namespaced,
        generation: Generation::None,
        blind: BlindUpdate::Allowed,
        status: false,
        scale: false,
        deprecation: None,
    }
}

const ENDPOINTS_ARE_DEPRECATED: &str =
    "v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice";

const ALL: &[&str] = &["all"];

const ROWS: &[Row] = &[
    Row { short: &["cm"], ..row("", "configmaps", "ConfigMap") },
    Row { short: &["ep"], deprecation: Some(ENDPOINTS_ARE_DEPRECATED), ..row("", "endpoints", "Endpoints") },
    Row { short: &["ev"], ..row("", "events", "Event") },
    Row { short: &["limits"], ..row("", "limitranges", "LimitRange") },
    Row { short: &["ns"], scope: Scope::Cluster, status: true, ..row("", "namespaces", "Namespace") },
    Row { short: &["no"], scope: Scope::Cluster, status: true, ..row("", "nodes", "Node") },
    Row {
        short: &["po"],
        categories: ALL,
        generation: Generation::Spec,
        status: true,
        ..row("", "pods", "Pod")
    },
    Row { short: &["quota"], status: true, ..row("", "resourcequotas", "ResourceQuota") },
    row("", "secrets", "Secret"),
    Row { short: &["sa"], ..row("", "serviceaccounts", "ServiceAccount") },
    Row { short: &["svc"], categories: ALL, status: true, ..row("", "services", "Service") },
    Row {
        short: &["crd", "crds"],
        categories: &["api-extensions"],
        scope: Scope::Cluster,
        generation: Generation::Spec,
        blind: BlindUpdate::Refused,
        status: true,
        ..row("apiextensions.k8s.io", "customresourcedefinitions", "CustomResourceDefinition")
    },
    Row {
        short: &["deploy"],
        categories: ALL,
        generation: Generation::Spec,
        status: true,
        scale: true,
        ..row("apps", "deployments", "Deployment")
    },
    Row {
        short: &["rs"],
        categories: ALL,
        generation: Generation::Spec,
        status: true,
        scale: true,
        ..row("apps", "replicasets", "ReplicaSet")
    },
    Row {
        short: &["hpa"],
        categories: ALL,
        versions: &["v2"],
        generation: Generation::Spec,
        status: true,
        ..row("autoscaling", "horizontalpodautoscalers", "HorizontalPodAutoscaler")
    },
    Row { blind: BlindUpdate::Refused, ..row("coordination.k8s.io", "leases", "Lease") },
    row("discovery.k8s.io", "endpointslices", "EndpointSlice"),
    Row {
        short: &["pdb"],
        generation: Generation::Spec,
        blind: BlindUpdate::Refused,
        status: true,
        ..row("policy", "poddisruptionbudgets", "PodDisruptionBudget")
    },
    Row {
        short: &["pc"],
        scope: Scope::Cluster,
        generation: Generation::Content,
        ..row("scheduling.k8s.io", "priorityclasses", "PriorityClass")
    },
];

/// Every built-in resource.
pub(super) fn resources() -> Vec<Resource> {
    ROWS.iter().map(to_resource).collect()
}

fn to_resource(row: &Row) -> Resource {
    let Row {
        group,
        versions,
        plural,
        kind,
        short,
        categories,
        scope,
        generation,
        blind,
        status,
        scale,
        deprecation,
    } = *row;
    let owned = |words: &[&str]| words.iter().map(|&word| word.to_owned()).collect::<Vec<_>>();
    Resource {
        group: group.to_owned(),
        plural: plural.to_owned(),
        singular: kind.to_lowercase(),
        kind: kind.to_owned(),
        list_kind: format!("{kind}List"),
        short_names: owned(short),
        categories: owned(categories),
        scope,
        generation,
        blind_update: blind,
        versions: versions
            .iter()
            .map(|&name| ServedVersion {
                name: name.to_owned(),
                status,
                scale,
                deprecation: deprecation.map(str::to_owned),
            })
            .collect(),
        storage: None,
        selectable_fields: Vec::new(),
        definition: None,
        key: Arc::from(table_key(group, plural)),
    }
}
