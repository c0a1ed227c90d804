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
        container_items(limits).flat_map(|(_, item)| range_against(subject, limits, item))
    });
    let quotas = space.quotas.iter().filter(|quota| quota.spec.counts_all());
    ranges.chain(quotas.flat_map(|quota| quota_against(subject, quota, space))).collect()
}

fn container_items(limits: &Limits) -> impl Iterator<Item = (usize, &LimitsItem)> {
    limits.spec.limits.iter().enumerate().filter(|(_, item)| item.r#type == "Container")
}

fn range_against(subject: &Subject<'_>, limits: &Limits, item: &LimitsItem) -> Vec<Finding> {
    let range = object_name("LimitRange", &limits.metadata);
    let mut findings = Vec::new();
    for (path, container) in workload::containers(subject) {
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

fn quota_against(subject: &Subject<'_>, quota: &Quota, space: &Space<'_>) -> Vec<Finding> {
    let name_of = object_name("ResourceQuota", &quota.metadata);
    let mut findings = Vec::new();
    for (path, container) in workload::containers(subject) {
        for counted in quota.spec.hard.names() {
            let (list, name) = match counted.split_once('.') {
                Some(("limits", name @ ("cpu" | "memory"))) => ("limits", name),
                Some(("requests", name @ ("cpu" | "memory"))) => ("requests", name),
                None if matches!(counted, "cpu" | "memory") => ("requests", counted),
                _ => continue,
            };
            let own =
                if list == "limits" { &container.resources.limits } else { &container.resources.requests };
            if own.contains(name) || is_filled_in(space, list, name) {
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

/// Whether a range of the namespace gives a container what it does not say.
fn is_filled_in(space: &Space<'_>, list: &str, name: &str) -> bool {
    space.limits.iter().flat_map(|limits| container_items(limits)).any(|(_, item)| match list {
        "limits" => item.default.contains(name) || item.max.contains(name),
        _ => item.default_request.contains(name) || item.default.contains(name) || item.max.contains(name),
    })
}
