//! Ranges and quotas against the workloads that they hold for.

use super::object::LimitsItem;
use super::{Finding, Limits, Quota, Rule, Severity, Space, Subject, object_name, workload};
use crate::Quantity;

/// What a range says against itself.
pub(super) fn range_findings(limits: &Limits) -> Vec<Finding> {
    let finding = |(index, item): (usize, &LimitsItem)| {
        let derived = |name: &&str| !item.default.contains(name) || !item.default_request.contains(name);
        let stated = item.max.names().chain(item.default.names()).find(derived)?;
        Some(Finding {
            severity: Severity::Warning,
            rule: Rule::DefaultsDerived,
            object: object_name("LimitRange", &limits.metadata),
            field: format!("spec.limits[{index}]"),
            message: format!(
                "it bounds or fills in {stated} without saying both default and defaultRequest, so Kubernetes \
                 derives them: max becomes the default limit, and that the default request"
            ),
            remedy: format!("write default and defaultRequest for {stated}"),
        })
    };
    container_items(limits).filter_map(finding).collect()
}

/// What a range or a quota does to a workload.
pub(super) fn workload_findings(subject: &Subject<'_>, space: &Space<'_>) -> Vec<Finding> {
    if subject.is_owned {
        return Vec::new();
    }
    let ranges = space.limits.iter().flat_map(|limits| {
        let containers = container_items(limits).flat_map(|(_, item)| range_against(subject, limits, item));
        containers.chain(items(limits, "Pod").flat_map(|(_, item)| pod_range_against(subject, limits, item)))
    });
    let quotas = space.quotas.iter().filter(|quota| quota.spec.counts(&subject.admitted));
    let quotas = quotas
        .flat_map(|quota| quota_against(subject, quota).into_iter().chain(no_room_for_one(subject, quota)));
    ranges.chain(quotas).collect()
}

pub(super) fn container_items(limits: &Limits) -> impl Iterator<Item = (usize, &LimitsItem)> {
    items(limits, "Container")
}

fn items<'a>(limits: &'a Limits, of: &'static str) -> impl Iterator<Item = (usize, &'a LimitsItem)> {
    limits.spec.limits.iter().enumerate().filter(move |(_, item)| item.r#type == of)
}

fn range_against(subject: &Subject<'_>, limits: &Limits, item: &LimitsItem) -> Vec<Finding> {
    let range = object_name("LimitRange", &limits.metadata);
    let mut findings = Vec::new();
    for (path, container) in workload::containers(&subject.pod) {
        let (requests, own_limits) = (&container.resources.requests, &container.resources.limits);
        for (name, default) in &item.default {
            let request = requests.amount(name);
            if own_limits.contains(name) || request <= default {
                continue;
            }
            findings.push(subject.finding(
                Severity::Error,
                Rule::DefaultBelowRequest,
                format_args!("{path}.resources.limits.{name}"),
                format!("without a limit of its own it gets the {default} of {range}, below its request of {request}"),
                format!("give `{}` a {name} limit of at least {request}", container.name),
            ));
        }
        for (name, most) in &item.max {
            let Some(limit) = own_limits.positive(name).filter(|limit| *limit > most) else { continue };
            findings.push(subject.finding(
                Severity::Error,
                Rule::SizeRefused,
                format_args!("{path}.resources.limits.{name}"),
                format!("its {name} limit of {limit} is above the {most} that {range} lets a container have"),
                format!("lower it to {most}, or raise max.{name} of {range}"),
            ));
        }
        for (name, least) in &item.min {
            let Some(request) = requests.positive(name).filter(|request| *request < least) else { continue };
            findings.push(subject.finding(
                Severity::Error,
                Rule::SizeRefused,
                format_args!("{path}.resources.requests.{name}"),
                format!(
                    "its {name} request of {request} is below the {least} that {range} has every container ask for"
                ),
                format!("give it a larger size, or lower min.{name} of {range}"),
            ));
        }
        for (name, most) in &item.max_limit_request_ratio {
            let limit = own_limits.positive(name).or_else(|| item.default.positive(name));
            let request = requests.positive(name).or_else(|| item.default_request.positive(name));
            let (Some(limit), Some(request)) = (limit, request) else { continue };
            if exceeds(limit, request, most) {
                findings.push(subject.finding(
                    Severity::Error,
                    Rule::RatioRefused,
                    format_args!("{path}.resources"),
                    format!("its {name} limit of {limit} is more than {most} times its request of {request}, which {range} refuses"),
                    format!("raise the request, or maxLimitRequestRatio.{name} of {range}"),
                ));
            }
        }
    }
    findings
}

/// What a range says of all containers of a pod together.
fn pod_range_against(subject: &Subject<'_>, limits: &Limits, item: &LimitsItem) -> Vec<Finding> {
    let range = object_name("LimitRange", &limits.metadata);
    let (requests, own_limits) = (subject.pod.requests(), subject.pod.limits());
    let refused = |message: String, remedy: String| {
        subject.finding(Severity::Error, Rule::SizeRefused, "containers", message, remedy)
    };
    let above = own_limits.beyond(&item.max).filter(|(name, ..)| item.max.contains(name));
    let above = above.map(|(name, limit, most)| {
        refused(
            format!("the {name} limits of its containers are {limit}, above the {most} that {range} lets a pod have"),
            format!("lower them to {most} together, or raise max.{name} of {range}"),
        )
    });
    let below = item.min.beyond(&requests).map(|(name, least, request)| {
        refused(
            format!("the {name} requests of its containers are {request}, below the {least} that {range} has every pod ask for"),
            format!("give it a larger size, or lower min.{name} of {range}"),
        )
    });
    let ratios = item.max_limit_request_ratio.iter().filter_map(|(name, most)| {
        let (limit, request) = (own_limits.positive(name)?, requests.positive(name)?);
        exceeds(limit, request, most).then(|| {
            subject.finding(
                Severity::Error,
                Rule::RatioRefused,
                "containers",
                format!(
                    "the {name} limits of its containers, {limit}, are more than {most} times their requests, \
                     {request}, which {range} refuses"
                ),
                format!("raise the requests, or maxLimitRequestRatio.{name} of {range}"),
            )
        })
    });
    above.chain(below).chain(ratios).collect()
}

/// A quota in which not even the first pod has room.
fn no_room_for_one(subject: &Subject<'_>, quota: &Quota) -> Vec<Finding> {
    let usage = subject.admitted.quota_usage();
    let hard = &quota.spec.hard;
    let beyond = usage.beyond(hard).filter(|(name, ..)| hard.contains(name));
    let finding = |(name, wanted, most): (&str, &Quantity, &Quantity)| {
        let quota = object_name("ResourceQuota", &quota.metadata);
        subject.finding(
            Severity::Error,
            Rule::QuotaTooSmall,
            "containers",
            format!("one pod takes {wanted} of {name}, and {quota} has {most} of it for all"),
            format!("give it a smaller size, or raise {name} of {quota}"),
        )
    };
    beyond.map(finding).collect()
}

/// `limit / request > most`, exact.
fn exceeds(limit: &Quantity, request: &Quantity, most: &Quantity) -> bool {
    limit.nanos() * Quantity::from_units(1).nanos() > request.nanos() * most.nanos()
}

/// A quota that counts requests and leaves limits open.
pub(super) fn quota_finding(quota: &Quota) -> Option<Finding> {
    let hard = &quota.spec.hard;
    let open = ["cpu", "memory"].into_iter().find(|name| {
        let counted = hard.contains(name) || hard.contains(&format!("requests.{name}"));
        counted && !hard.contains(&format!("limits.{name}"))
    })?;
    Some(Finding {
        severity: Severity::Warning,
        rule: Rule::QuotaOnRequestsAlone,
        object: object_name("ResourceQuota", &quota.metadata),
        field: "spec.hard".to_owned(),
        message: format!(
            "it counts requests of {open} and not limits: a tenant whose {open} is sold ten times may use ten times \
             what it says"
        ),
        remedy: format!("bound limits.{open} too"),
    })
}

fn quota_against(subject: &Subject<'_>, quota: &Quota) -> Vec<Finding> {
    let name_of = object_name("ResourceQuota", &quota.metadata);
    let mut findings = Vec::new();
    // A pod that says anything for itself as a whole need not say anything of its containers (KEP-2837).
    if subject.admitted.has_own_resources() {
        return findings;
    }
    for (path, container) in workload::containers(&subject.admitted) {
        for counted in quota.spec.hard.names() {
            let (list, name) = match counted.split_once('.') {
                Some(("limits", name @ ("cpu" | "memory"))) => ("limits", name),
                Some(("requests", name @ ("cpu" | "memory"))) => ("requests", name),
                None if matches!(counted, "cpu" | "memory") => ("requests", counted),
                _ => continue,
            };
            let own =
                if list == "limits" { &container.resources.limits } else { &container.resources.requests };
            if own.contains(name) {
                continue;
            }
            findings.push(subject.finding(
                Severity::Error,
                Rule::QuotaNeeds,
                format_args!("{path}.resources.{list}.{name}"),
                format!(
                    "{name_of} counts {counted}, so a pod whose container `{}` says nothing of it is refused",
                    container.name
                ),
                format!("say {list}.{name}, or let a LimitRange fill it in"),
            ));
        }
    }
    findings
}
