//! As much of Kubernetes' objects as the lint reads; every other field is ignored.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{Pod, QosClass, Quantity, Resources, bounded, qos_class};

/// An object of a namespace, by its `kind`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind")]
pub enum Object {
    /// A `Deployment`.
    Deployment(Workload),
    /// A `StatefulSet`.
    StatefulSet(Workload),
    /// A `DaemonSet`.
    DaemonSet(Workload),
    /// A `Job`.
    Job(Workload),
    /// A `CronJob`.
    CronJob(Repeated),
    /// A `Pod`.
    Pod(PodObject),
    /// A `HorizontalPodAutoscaler`, `autoscaling/v2`.
    HorizontalPodAutoscaler(Scaler),
    /// A `LimitRange`.
    LimitRange(Limits),
    /// A `ResourceQuota`.
    ResourceQuota(Quota),
    /// Any other kind.
    #[serde(other)]
    Other,
}

impl Object {
    pub(super) fn meta(&self) -> Option<&Meta> {
        match self {
            Self::Deployment(workload)
            | Self::StatefulSet(workload)
            | Self::DaemonSet(workload)
            | Self::Job(workload) => Some(&workload.metadata),
            Self::CronJob(repeated) => Some(&repeated.metadata),
            Self::Pod(pod) => Some(&pod.metadata),
            Self::HorizontalPodAutoscaler(scaler) => Some(&scaler.metadata),
            Self::LimitRange(limits) => Some(&limits.metadata),
            Self::ResourceQuota(quota) => Some(&quota.metadata),
            Self::Other => None,
        }
    }
}

/// What an object is called.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Meta {
    /// Its name.
    pub name: String,
    /// Its namespace.
    pub namespace: String,
    /// What it belongs to.
    #[serde(deserialize_with = "bounded::list", skip_serializing_if = "Vec::is_empty")]
    pub owner_references: Vec<Owner>,
    /// When an API server stored it; absent in a manifest.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub creation_timestamp: Option<String>,
}

/// What an object belongs to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Owner {
    /// Its kind.
    pub kind: String,
    /// Its name.
    pub name: String,
}

/// A kind that makes pods of a template.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Workload {
    /// What it is called.
    pub metadata: Meta,
    /// What is wanted.
    pub spec: WorkloadSpec,
}

/// What a workload wants.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct WorkloadSpec {
    /// What its pods are made of.
    pub template: Template,
}

/// A kind that makes Jobs at certain times.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Repeated {
    /// What it is called.
    pub metadata: Meta,
    /// What is wanted.
    pub spec: RepeatedSpec,
}

/// What a `CronJob` wants.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct RepeatedSpec {
    /// What its Jobs are made of.
    pub job_template: JobTemplate,
}

/// What Jobs are made of.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct JobTemplate {
    /// The Job.
    pub spec: WorkloadSpec,
}

/// What pods are made of.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Template {
    /// The pod.
    pub spec: Pod,
}

/// A pod with its name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct PodObject {
    /// What it is called.
    pub metadata: Meta,
    /// The pod.
    pub spec: Pod,
}

/// An autoscaler.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Scaler {
    /// What it is called.
    pub metadata: Meta,
    /// What is wanted.
    pub spec: ScalerSpec,
}

/// What an autoscaler wants.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ScalerSpec {
    /// What it scales.
    pub scale_target_ref: Owner,
    /// What it looks at.
    #[serde(deserialize_with = "bounded::list")]
    pub metrics: Vec<Metric>,
}

/// What an autoscaler looks at: at most one of these; others say nothing of requests.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Metric {
    /// A resource of all containers together.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resource: Option<ResourceMetric>,
    /// A resource of one container.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub container_resource: Option<ResourceMetric>,
}

/// A resource and its target.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ResourceMetric {
    /// `cpu` or `memory`.
    pub name: String,
    /// The container, where one alone is looked at.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub container: String,
    /// The aim.
    pub target: MetricTarget,
}

/// The aim of an autoscaler.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct MetricTarget {
    /// Percent of the request; absent where the target is an amount.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub average_utilization: Option<u32>,
}

/// What a namespace fills in and lets through.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Limits {
    /// What it is called.
    pub metadata: Meta,
    /// Its parts.
    pub spec: LimitsSpec,
}

/// The parts of a `LimitRange`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct LimitsSpec {
    /// One for containers, for pods, for claims.
    #[serde(deserialize_with = "bounded::list")]
    pub limits: Vec<LimitsItem>,
}

/// One part of a `LimitRange`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct LimitsItem {
    /// `Container`, `Pod` or `PersistentVolumeClaim`.
    pub r#type: String,
    /// The largest limit.
    pub max: Resources,
    /// The smallest request.
    pub min: Resources,
    /// The limit of a container that has none.
    pub default: Resources,
    /// The request of a container that has none.
    pub default_request: Resources,
    /// Limit over request at most.
    pub max_limit_request_ratio: BTreeMap<String, Quantity>,
}

/// What a namespace may have.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Quota {
    /// What it is called.
    pub metadata: Meta,
    /// Its bounds.
    pub spec: QuotaSpec,
}

/// The bounds of a `ResourceQuota`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct QuotaSpec {
    /// How much.
    pub hard: Resources,
    /// Which pods it counts; empty is all of them.
    #[serde(deserialize_with = "bounded::list")]
    pub scopes: Vec<String>,
    /// Which pods it counts, by operator.
    pub scope_selector: Option<ScopeSelector>,
}

/// Which pods a quota counts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ScopeSelector {
    /// All must hold.
    #[serde(deserialize_with = "bounded::list")]
    pub match_expressions: Vec<ScopeRequirement>,
}

/// One condition of a quota.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ScopeRequirement {
    /// `PriorityClass`, `BestEffort` and so on.
    pub scope_name: String,
    /// `In`, `NotIn`, `Exists` or `DoesNotExist`.
    pub operator: String,
    /// What it is compared with.
    #[serde(deserialize_with = "bounded::list")]
    pub values: Vec<String>,
}

impl QuotaSpec {
    /// Whether it counts such pods, which a workload keeps running.
    pub(super) fn counts(&self, pod: &Pod) -> bool {
        let selected = self.scope_selector.iter().flat_map(|selector| &selector.match_expressions);
        self.scopes.iter().all(|scope| is_in(pod, scope, "Exists", &[])) && { selected }
            .all(|it| is_in(pod, &it.scope_name, &it.operator, &it.values))
    }
}

/// Whether a pod is in a scope of quotas. One that is not known counts no pod.
fn is_in(pod: &Pod, scope: &str, operator: &str, values: &[String]) -> bool {
    let best_effort = || qos_class(pod).class == QosClass::BestEffort;
    match scope {
        "BestEffort" => best_effort(),
        "NotBestEffort" => !best_effort(),
        // What a workload keeps running has no end of its own.
        "NotTerminating" => true,
        "PriorityClass" => {
            let class = pod.priority_class_name.as_deref().unwrap_or_default();
            let is_named = values.iter().any(|value| value == class);
            match operator {
                "In" => is_named,
                "NotIn" => !is_named,
                "DoesNotExist" => class.is_empty(),
                _ => !class.is_empty(),
            }
        }
        _ => false,
    }
}
