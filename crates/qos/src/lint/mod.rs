//! Objects of a namespace that do not go together with oversell.

mod admitted;
mod autoscaler;
mod namespace;
mod object;
mod workload;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::Serialize;

use crate::Policy;

pub use object::Object;
use object::{Limits, Meta, Metric, Quota, Repeated, RepeatedSpec, Scaler, Template, Workload};

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Severity {
    /// Kubernetes refuses pods, or something does not work at all.
    Error,
    /// It works until the node is busy.
    Warning,
}

/// What was looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Rule {
    /// A pod without any request or limit.
    BestEffort,
    /// Resources that an API server stores in no pod: a limit below its request, an amount below zero.
    PodRefused,
    /// One container takes the QoS class from a pod whose others are Guaranteed.
    ClassLost,
    /// Memory sold more often than the policy allows.
    MemoryOversold,
    /// CPU sold more often than the policy allows.
    CpuOversold,
    /// Pods that are sold more than once and have no priority.
    NoPriority,
    /// Memory that is no whole number of bytes, or less than any process needs: `100m`.
    MemoryTypo,
    /// An autoscaler's target is in percent of the request, and the request is a part of the limit.
    TargetNotScaled,
    /// An autoscaler's target is beyond the limit, so it never scales up.
    TargetBeyondLimit,
    /// An autoscaler counts percent of a request that a container does not have.
    TargetWithoutRequest,
    /// A `LimitRange` fills in a limit below the request that a container has.
    DefaultBelowRequest,
    /// A `LimitRange` from whose parts Kubernetes derives the others.
    DefaultsDerived,
    /// A `LimitRange` refuses the ratio of a workload.
    RatioRefused,
    /// A `LimitRange` refuses the size of a workload: above its `max`, or below its `min`.
    SizeRefused,
    /// A `ResourceQuota` wants what a container does not say.
    QuotaNeeds,
    /// A `ResourceQuota` that has no room for a single pod of a workload, even where nothing else runs.
    QuotaTooSmall,
    /// A `ResourceQuota` counts requests alone, so limits are without bound.
    QuotaOnRequestsAlone,
}

/// Something that does not go together.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Finding {
    /// How bad it is.
    pub severity: Severity,
    /// What was looked for.
    pub rule: Rule,
    /// The object, `Deployment shop/web`.
    pub object: String,
    /// The field in it.
    pub field: String,
    /// What is wrong, in words.
    pub message: String,
    /// What to do.
    pub remedy: String,
}

/// The findings in a set of objects, as `kubectl get … -o json` lists them, the worst first.
///
/// Workloads are judged by their pod templates after Kubernetes' defaulting and after what the ranges of the namespace
/// fill in, and pods that a workload owns only for what an injector added to them. Kinds that say nothing of resources
/// are passed over.
pub fn lint(objects: &[Object], policy: &Policy) -> Vec<Finding> {
    let mut spaces: BTreeMap<&str, Space<'_>> = BTreeMap::new();
    for object in objects {
        if let Some(meta) = object.meta() {
            spaces.entry(meta.namespace.as_str()).or_default().add(object);
        }
    }
    let mut findings = BTreeSet::new();
    for space in spaces.values_mut() {
        space.admit();
        for workload in &space.workloads {
            findings.extend(workload::findings(workload, policy));
            findings.extend(namespace::workload_findings(workload, space));
        }
        for scaler in &space.scalers {
            findings.extend(autoscaler::findings(scaler, space));
        }
        findings.extend(space.limits.iter().flat_map(|limits| namespace::range_findings(limits)));
        findings.extend(space.quotas.iter().filter_map(|quota| namespace::quota_finding(quota)));
    }
    findings.into_iter().collect()
}

/// What there is in a namespace.
#[derive(Default)]
struct Space<'a> {
    workloads: Vec<Subject<'a>>,
    scalers: Vec<&'a Scaler>,
    limits: Vec<&'a Limits>,
    quotas: Vec<&'a Quota>,
}

/// A workload, or a pod of its own.
struct Subject<'a> {
    kind: &'static str,
    meta: &'a Meta,
    /// Where in the object its pods are described.
    path: &'static str,
    /// The pod as it is described, with Kubernetes' defaults.
    pod: crate::Pod,
    /// The same with what the ranges of its namespace fill in: as it is stored.
    admitted: crate::Pod,
    /// Whether it is a pod that a workload owns.
    is_owned: bool,
    /// Whether an API server has stored it, so that no range fills in anything any more.
    is_stored: bool,
}

impl<'a> Space<'a> {
    fn add(&mut self, object: &'a Object) {
        match object {
            Object::Deployment(deployment) => self.workload("Deployment", deployment),
            Object::StatefulSet(set) => self.workload("StatefulSet", set),
            Object::DaemonSet(set) => self.workload("DaemonSet", set),
            // What a CronJob makes is judged where the CronJob is.
            Object::Job(job) if job.metadata.owner_references.is_empty() => self.workload("Job", job),
            Object::Job(_) | Object::Other => {}
            Object::CronJob(Repeated { metadata, spec: RepeatedSpec { job_template } }) => {
                let pod = &job_template.spec.template.spec;
                self.template("CronJob", metadata, "spec.jobTemplate.spec.template.spec", pod);
            }
            Object::Pod(pod) => self.workloads.push(Subject {
                kind: "Pod",
                meta: &pod.metadata,
                path: "spec",
                pod: pod.spec.defaulted(),
                admitted: crate::Pod::default(),
                is_owned: !pod.metadata.owner_references.is_empty(),
                is_stored: pod.metadata.creation_timestamp.is_some(),
            }),
            Object::HorizontalPodAutoscaler(scaler) => self.scalers.push(scaler),
            Object::LimitRange(limits) => self.limits.push(limits),
            Object::ResourceQuota(quota) => self.quotas.push(quota),
        }
    }

    fn workload(&mut self, kind: &'static str, Workload { metadata, spec }: &'a Workload) {
        let Template { spec: pod } = &spec.template;
        self.template(kind, metadata, "spec.template.spec", pod);
    }

    fn template(&mut self, kind: &'static str, meta: &'a Meta, path: &'static str, pod: &crate::Pod) {
        self.workloads.push(Subject {
            kind,
            meta,
            path,
            pod: pod.defaulted(),
            admitted: crate::Pod::default(),
            is_owned: false,
            is_stored: false,
        });
    }

    /// Works out what is stored of each, once all ranges are known.
    fn admit(&mut self) {
        for subject in &mut self.workloads {
            subject.admitted = subject.pod.clone();
            if !subject.is_owned && !subject.is_stored {
                admitted::fill_in(&mut subject.admitted, &self.limits);
            }
        }
    }
}

impl Subject<'_> {
    fn name(&self) -> String {
        object_name(self.kind, self.meta)
    }

    /// A finding about this workload's pods; `field` is a path in them.
    fn finding(
        &self,
        severity: Severity,
        rule: Rule,
        field: impl fmt::Display,
        message: String,
        remedy: String,
    ) -> Finding {
        let field = format!("{}.{field}", self.path);
        Finding { severity, rule, object: self.name(), field, message, remedy }
    }
}

fn object_name(kind: &str, meta: &Meta) -> String {
    let Meta { name, namespace, .. } = meta;
    match (namespace.as_str(), name.as_str()) {
        (_, "") => format!("{kind} without a name"),
        ("", name) => format!("{kind} {name}"),
        (namespace, name) => format!("{kind} {namespace}/{name}"),
    }
}
