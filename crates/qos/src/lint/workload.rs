//! What a workload's pods say of themselves.

use super::{Finding, Rule, Severity, Subject};
use crate::{
    Amounts, CPU, Container, MEMORY, Pod, Policy, QosClass, Quantity, Ratio, Terms, qos_class, requests,
};

pub(super) fn findings(subject: &Subject<'_>, policy: &Policy) -> Vec<Finding> {
    let lost = class_lost(subject);
    if subject.is_owned {
        return lost.into_iter().collect();
    }
    let mut findings: Vec<Finding> = lost.into_iter().chain(best_effort(subject)).collect();
    findings.extend(refused(subject));
    for (path, container) in containers(&subject.pod) {
        findings.extend(memory_typos(subject, &path, container));
    }
    for (path, container) in containers(&subject.admitted) {
        findings.extend(oversold(subject, &path, container, policy));
    }
    findings.extend(no_priority(subject));
    findings
}

/// Each container with its path in the pod; init steps and sidecars first.
pub(super) fn containers(pod: &Pod) -> impl Iterator<Item = (String, &Container)> {
    let parts = [("initContainers", &pod.init_containers), ("containers", &pod.containers)];
    parts.into_iter().flat_map(|(list, containers)| {
        containers.iter().enumerate().map(move |(index, container)| (format!("{list}[{index}]"), container))
    })
}

fn best_effort(subject: &Subject<'_>) -> Option<Finding> {
    (qos_class(&subject.admitted).class == QosClass::BestEffort).then(|| {
        subject.finding(
            Severity::Warning,
            Rule::BestEffort,
            "containers",
            "its pods request and limit nothing, so they are the first to be killed and the last to get CPU"
                .into(),
            "give every container a CPU and a memory limit".into(),
        )
    })
}

fn refused(subject: &Subject<'_>) -> impl Iterator<Item = Finding> {
    subject.pod.faults().into_iter().map(|fault| {
        let (message, remedy) = (format!("an API server refuses such pods: {fault}"), fault.remedy());
        subject.finding(Severity::Error, Rule::PodRefused, fault.field, message, remedy)
    })
}

/// A single container that has no limits among others that request all they may use.
fn class_lost(subject: &Subject<'_>) -> Option<Finding> {
    let guaranteed = |container: &Container| {
        [CPU, MEMORY].iter().all(|name| {
            let limit = container.resources.limits.positive(name);
            limit.is_some() && limit == container.resources.requests.positive(name)
        })
    };
    if subject.admitted.has_own_resources() {
        return None;
    }
    let (kept, lost): (Vec<_>, Vec<_>) =
        containers(&subject.admitted).partition(|(_, container)| guaranteed(container));
    let [(path, container)] = lost.as_slice() else { return None };
    (!kept.is_empty()).then(|| {
        let because = qos_class(&subject.admitted).because;
        subject.finding(
            Severity::Warning,
            Rule::ClassLost,
            format_args!("{path}.resources"),
            format!(
                "all containers but `{}` are Guaranteed, and its pods are Burstable because {because}",
                container.name
            ),
            format!("give `{}` limits, and requests that equal them or none", container.name),
        )
    })
}

fn memory_typos(subject: &Subject<'_>, path: &str, container: &Container) -> Vec<Finding> {
    let lists = [("requests", &container.resources.requests), ("limits", &container.resources.limits)];
    let suspicious = |amount: &&Quantity| **amount < Quantity::from_mebibytes(1);
    let finding = |(list, amount): (&str, &Quantity)| {
        subject.finding(
            Severity::Error,
            Rule::MemoryTypo,
            format_args!("{path}.resources.{list}.memory"),
            format!("{amount} is less memory than any process needs"),
            "write bytes with Mi or Gi; `m` is a thousandth of a byte".into(),
        )
    };
    let found = lists.into_iter().filter_map(|(list, amounts)| {
        amounts.positive(MEMORY).filter(suspicious).map(|amount| finding((list, amount)))
    });
    found.take(1).collect()
}

fn oversold(subject: &Subject<'_>, path: &str, container: &Container, policy: &Policy) -> Vec<Finding> {
    let most = |ratio: fn(&crate::GradeRule) -> Ratio| policy.grades().iter().map(ratio).max();
    let checks = [
        (CPU, most(|grade| grade.cpu), Rule::CpuOversold, "waits whenever the node is busy"),
        (
            MEMORY,
            most(|grade| grade.memory),
            Rule::MemoryOversold,
            "is killed when its neighbours use theirs",
        ),
    ];
    let finding = |(name, most, rule, outcome): (&str, Option<Ratio>, Rule, &str)| {
        let most = most?;
        let limit = container.resources.limits.positive(name)?;
        let request = container.resources.requests.amount(name);
        // limit / request > numerator / denominator, without a division
        let beyond = limit.nanos() * most.denominator() > request.nanos() * most.numerator();
        beyond.then(|| {
            subject.finding(
                Severity::Warning,
                rule,
                format_args!("{path}.resources.requests.{name}"),
                format!(
                    "`{}` requests {request} of {name} and may use {limit}, more than {most} times as much; it \
                     {outcome}",
                    container.name
                ),
                format!("request at least {}", least(limit, most, name)),
            )
        })
    };
    checks.into_iter().filter_map(finding).collect()
}

/// The smallest request that a ratio allows, in the steps of the grades.
fn least(limit: &Quantity, ratio: Ratio, name: &str) -> Quantity {
    let limit = Amounts { cpu: limit.clone(), memory: limit.clone() };
    let Amounts { cpu, memory } = requests(&limit, "", &Terms { cpu: ratio, memory: ratio }).amounts();
    if name == CPU { cpu } else { memory }
}

fn no_priority(subject: &Subject<'_>) -> Option<Finding> {
    let sold = containers(&subject.admitted).any(|(_, container)| {
        let limit = container.resources.limits.positive(MEMORY);
        limit.is_some_and(|limit| limit > container.resources.requests.amount(MEMORY))
    });
    let without = subject.pod.priority_class_name.as_deref().unwrap_or_default().is_empty()
        && subject.pod.priority.unwrap_or_default() == 0;
    (sold && without).then(|| {
        subject.finding(
            Severity::Warning,
            Rule::NoPriority,
            "priorityClassName",
            "its memory is sold more than once, so using more than the request is normal, and then priority \
             decides who is evicted; its pods have none"
                .into(),
            "name the PriorityClass of its grade".into(),
        )
    })
}
