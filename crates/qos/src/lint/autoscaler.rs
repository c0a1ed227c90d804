//! Autoscalers count percent of the request; people mean percent of the limit.

use num_bigint::BigInt;
use num_integer::Integer;

use super::object::ResourceMetric;
use super::{Finding, Metric, Rule, Scaler, Severity, Space, Subject, object_name};
use crate::{Container, Pod, Quantity};

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
    let name = what.name.as_str();
    let (request, limit) = match counted(&subject.admitted, what) {
        Counted::Amounts { request, limit } => (request, limit?),
        Counted::Without(part) => {
            return Some(finding(
                Severity::Error,
                Rule::TargetWithoutRequest,
                format!("{part} requests no {name}, so there is nothing to count percent of"),
                format!("give {part} a {name} request, or scale by the main container alone"),
            ));
        }
        Counted::NoContainer => {
            return Some(finding(
                Severity::Warning,
                Rule::TargetWithoutRequest,
                format!(
                    "{} has no container `{}`: unless something adds it to its pods, there is nothing to count percent of",
                    subject.name(),
                    what.container
                ),
                "name a container that its pods have".to_owned(),
            ));
        }
    };
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

/// What an autoscaler counts percent of.
enum Counted {
    Amounts {
        request: Quantity,
        /// None where a part of it has none.
        limit: Option<Quantity>,
    },
    /// A part of the pod that requests nothing, by what it is called.
    Without(String),
    /// The container that is named is not there.
    NoContainer,
}

/// One container, or all that keep running; or else the pod, where it requests something as a whole.
///
/// Source: `k8s.io/kubernetes` v1.37 `pkg/controller/podautoscaler/replica_calculator.go` (`calculateRequests`).
fn counted(pod: &Pod, what: &ResourceMetric) -> Counted {
    let name = what.name.as_str();
    if what.container.is_empty() && pod.requests_as_a_whole() {
        return match pod.requests().positive(name) {
            Some(request) => {
                Counted::Amounts { request: request.clone(), limit: pod.limits().positive(name).cloned() }
            }
            None => Counted::Without("the pod as a whole".to_owned()),
        };
    }
    let sidecars = pod.init_containers.iter().filter(|container| container.is_sidecar());
    let all = pod.containers.iter().chain(sidecars);
    let counted: Vec<&Container> =
        all.filter(|container| what.container.is_empty() || container.name == what.container).collect();
    if counted.is_empty() && !what.container.is_empty() {
        return Counted::NoContainer;
    }
    if let Some(container) = counted.iter().find(|c| c.resources.requests.positive(name).is_none()) {
        return Counted::Without(format!("container `{}`", container.name));
    }
    let limits: Option<Vec<_>> = counted.iter().map(|c| c.resources.limits.positive(name)).collect();
    Counted::Amounts {
        request: counted.iter().map(|c| c.resources.requests.amount(name)).sum(),
        limit: limits.map(|limits| limits.into_iter().sum()),
    }
}
