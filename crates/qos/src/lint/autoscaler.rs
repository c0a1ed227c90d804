//! Autoscalers count percent of the request; people mean percent of the limit.

use num_bigint::BigInt;
use num_integer::Integer;

use super::{Finding, Metric, Rule, Scaler, Severity, Space, Subject, object_name};
use crate::{Container, Quantity};

/// Percent of the limit from which a target looks meant: whoever forgets the ratio lands below.
const BUSY: u32 = 50;

pub(super) fn findings(scaler: &Scaler, space: &Space<'_>) -> Vec<Finding> {
    let target = &scaler.spec.scale_target_ref;
    let is_target = |subject: &&Subject<'_>| subject.kind == target.kind && subject.meta.name == target.name;
    let Some(subject) = space.workloads.iter().find(is_target) else { return Vec::new() };
    let metrics = scaler.spec.metrics.iter().enumerate();
    metrics.filter_map(|(index, metric)| judge(scaler, index, metric, subject)).collect()
}

fn judge(scaler: &Scaler, index: usize, metric: &Metric, subject: &Subject<'_>) -> Option<Finding> {
    let (part, what) = match metric {
        Metric { resource: Some(resource), .. } => ("resource", resource),
        Metric { container_resource: Some(resource), .. } => ("containerResource", resource),
        Metric { .. } => return None,
    };
    let percent = what.target.average_utilization?;
    let field = format!("spec.metrics[{index}].{part}.target.averageUtilization");
    let finding = |severity, rule, message, remedy| Finding {
        severity,
        rule,
        object: object_name("HorizontalPodAutoscaler", &scaler.metadata),
        field,
        message,
        remedy,
    };
    let counted: Vec<&Container> = subject
        .pod
        .containers
        .iter()
        .chain(subject.pod.init_containers.iter().filter(|container| container.is_sidecar()))
        .filter(|container| what.container.is_empty() || container.name == what.container)
        .collect();
    let name = what.name.as_str();
    if let Some(container) = counted.iter().find(|c| c.resources.requests.positive(name).is_none()) {
        return Some(finding(
            Severity::Error,
            Rule::TargetWithoutRequest,
            format!(
                "container `{}` requests no {name}, so there is nothing to count percent of",
                container.name
            ),
            format!("give `{}` a {name} request, or scale by the main container alone", container.name),
        ));
    }
    let request: Quantity = counted.iter().map(|c| c.resources.requests.amount(name)).sum();
    let limits: Option<Vec<_>> = counted.iter().map(|c| c.resources.limits.positive(name)).collect();
    let limit: Quantity = limits?.into_iter().sum();
    if limit <= request || !request.is_positive() {
        return None;
    }
    let (requested, limited) = (request.nanos(), limit.nanos());
    // Percent of the request as percent of the limit, and the other way round.
    let of_limit = &requested * percent / &limited;
    let of_request = |percent: u32| &limited * percent / &requested;
    if &requested * percent > &limited * 100 {
        let of_limit = (&requested * percent).div_ceil(&limited);
        return Some(finding(
            Severity::Error,
            Rule::TargetBeyondLimit,
            format!(
                "{percent} % of the request of {request} is {of_limit} % of the limit of {limit}: it never scales up"
            ),
            format!("for 80 % of the limit set it to {}", of_request(80)),
        ));
    }
    let meant = of_request(percent);
    // Percent are whole: where the ratio makes no other number of it, it is scaled as well as it can be.
    let is_scaled = meant == BigInt::from(percent);
    (percent <= 100 && of_limit < BigInt::from(BUSY) && !is_scaled).then(|| {
        finding(
            Severity::Warning,
            Rule::TargetNotScaled,
            format!(
                "{percent} % of the request of {request} is only {of_limit} % of the limit of {limit}: it scales up \
                 without load"
            ),
            format!("for {percent} % of the limit set it to {meant}"),
        )
    })
}
