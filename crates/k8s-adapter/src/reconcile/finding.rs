//! Why an App is not as ordered, in plain words.

use std::ops::RangeInclusive;

use plimsoll_core::cluster::{Fatal, Finding, Status};

use super::hindrance::Hindrance;
use super::observed::{Condition, Rollout};
use super::pod::{Container, Ended, Pod, Reason};
use super::{Action, Observed};
use crate::plain;

/// How many are said at once.
const SAID: usize = 5;

pub(super) fn write_if_changed(status: Status, observed: &Observed) -> Option<Action> {
    (observed.status.as_ref() != Some(&status)).then_some(Action::WriteStatus(status))
}

/// What was tried and did not go.
pub(super) fn of_troubles(observed: &Observed) -> Vec<Finding> {
    observed.troubles.clone()
}

/// Everything that stands against it, the most telling first: what was tried and did not go, what keeps pods
/// from being made, what is wrong with those that are, and last what only says that it takes long.
pub(super) fn findings(observed: &Observed, rollout: Option<&Rollout>, is_settled: bool) -> Vec<Finding> {
    let mut findings = of_troubles(observed);
    // Of pods that run it is true as well: made again, they would be refused.
    findings.extend(observed.refusals.iter().cloned());
    let pods = observed.pods.as_deref().unwrap_or_default();
    if !is_settled {
        let caught_up = rollout.filter(|rollout| rollout.observed_generation >= rollout.generation);
        let conditions = caught_up.map(|rollout| rollout.conditions.as_slice()).unwrap_or_default();
        findings.extend(conditions.iter().filter_map(of_failure));
        findings.extend(of_pods(pods));
        if findings.len() == observed.refusals.len() && observed.pods.is_none() {
            // Pods are read now and then; between that, what they said still holds.
            findings.extend(kept(observed, rollout));
        }
        findings.extend(conditions.iter().filter_map(of_progress));
    }
    findings.extend(of_overdue(pods));
    findings.truncate(SAID);
    findings
}

fn kept(observed: &Observed, rollout: Option<&Rollout>) -> Vec<Finding> {
    let Some(status) = &observed.status else { return Vec::new() };
    let same = rollout.is_some_and(|rollout| {
        rollout.updated == status.replicas.updated && rollout.ready == status.replicas.ready
    });
    let of_pods = |finding: &&Finding| OF_PODS.contains(&finding.reason.as_str());
    if same { status.findings.iter().filter(of_pods).cloned().collect() } else { Vec::new() }
}

/// The reasons that [`of_pods`] and [`of_overdue`] give.
const OF_PODS: [&str; 10] = [
    "ConfigMissing",
    "CannotMount",
    "ImagePull",
    "CannotStart",
    "OutOfMemory",
    "CrashLoop",
    "Evicted",
    "Unschedulable",
    "NotReady",
    "StuckTerminating",
];

fn finding(reason: &str, message: String) -> Finding {
    Finding { reason: reason.to_owned(), message, fatal: Fatal::No }
}

/// The Deployment's own controller could not make pods.
fn of_failure(condition: &Condition) -> Option<Finding> {
    if condition.kind != "ReplicaFailure" || condition.status != "True" {
        return None;
    }
    Some(match plain::Quota::parse(&condition.message) {
        Some(quota) => finding("QuotaExceeded", quota.to_string()),
        None => finding("PodsRefused", format!("the data center refuses the pods: {}", condition.message)),
    })
}

fn of_progress(condition: &Condition) -> Option<Finding> {
    let is_late = condition.kind == "Progressing"
        && condition.status == "False"
        && condition.reason == "ProgressDeadlineExceeded";
    is_late.then(|| {
        finding(
            Finding::LATE,
            "there was no progress for as long as the publish policy's deadline".to_owned(),
        )
    })
}

/// What is wrong with a pod. How often it was restarted is apart: pods of one crash differ in that alone.
struct Told {
    finding: Finding,
    restarts: Option<RangeInclusive<u64>>,
}

/// One finding per reason, with the number of pods that it holds for and the words of the first.
fn of_pods(pods: &[Pod]) -> Vec<Finding> {
    let mut found: Vec<(Told, usize)> = Vec::new();
    let staying: Vec<&Pod> = pods.iter().filter(|pod| !pod.is_leaving).collect();
    for told in staying.iter().filter(|pod| !pod.is_ready).filter_map(|pod| of_pod(pod)) {
        match found.iter_mut().find(|(known, _)| known.finding.reason == told.finding.reason) {
            Some((known, count)) => {
                *count += 1;
                let [one, other] = [known.restarts.take(), told.restarts];
                known.restarts = one
                    .zip(other)
                    .map(|(one, other)| *one.start().min(other.start())..=*one.end().max(other.end()));
            }
            None => found.push((told, 1)),
        }
    }
    let rank = |finding: &Finding| OF_PODS.iter().position(|reason| *reason == finding.reason);
    found.sort_by_key(|(told, _)| rank(&told.finding));
    let counted = found.into_iter().map(|(Told { mut finding, restarts }, count)| {
        let restarts = restarts.map(|restarts| restarted(&restarts)).unwrap_or_default();
        finding.message = format!("{count} of {} pods: {}{restarts}", staying.len(), finding.message);
        finding
    });
    counted.collect()
}

fn of_pod(pod: &Pod) -> Option<Told> {
    let told =
        |reason: &str, message: String| Some(Told { finding: finding(reason, message), restarts: None });
    if let Some(why) = &pod.failed {
        return told("Evicted", format!("ended by its server: {why}"));
    }
    if let Some(why) = &pod.unschedulable {
        return told("Unschedulable", format!("no server has room: {why}"));
    }
    if let Some(Hindrance { reason, words, is_of_all: _ }) = &pod.hindrance {
        return told(reason, words.clone());
    }
    pod.containers.iter().find_map(|container| of_container(pod, container))
}

fn of_container(pod: &Pod, container: &Container) -> Option<Told> {
    let Container {
        name,
        is_init,
        is_ready,
        is_running,
        has_started,
        patience: _,
        is_late,
        restarts,
        waiting,
        ended,
    } = container;
    let told =
        |reason: &str, message: String| Some(Told { finding: finding(reason, message), restarts: None });
    let restarted =
        |told: Option<Told>| told.map(|told| Told { restarts: Some(*restarts..=*restarts), ..told });
    let place = if name == "app" { "the main container".to_owned() } else { format!("container {name}") };
    if let Some(Reason { reason, message }) = waiting {
        match reason.as_str() {
            "ErrImagePull" | "ImagePullBackOff" | "InvalidImageName" | "ErrImageNeverPull" => {
                return told("ImagePull", format!("the image of {place} cannot be fetched: {message}"));
            }
            "CreateContainerConfigError" => {
                let lack = pod.lack(message);
                let lack = lack.unwrap_or_else(|| format!("{place} lacks what it refers to: {message}"));
                return told("ConfigMissing", lack);
            }
            "RunContainerError" | "CreateContainerError" => {
                return told("CannotStart", format!("{place} cannot be started: {message}"));
            }
            _ => {}
        }
    }
    let last = ended.as_ref().filter(|_| *restarts > 0 || !is_running);
    match last {
        Some(Ended { reason, .. }) if reason == "OOMKilled" => restarted(told(
            "OutOfMemory",
            format!("{place} needed more memory than its size allows and was killed"),
        )),
        // A step that has ended well is done.
        Some(Ended { exit_code: 0, .. }) if *is_init && *restarts == 0 => None,
        Some(Ended { exit_code, reason }) if !is_ready => {
            let reason = if reason.is_empty() { "Error" } else { reason };
            restarted(told("CrashLoop", format!("{place} ends by itself: exit code {exit_code} ({reason})")))
        }
        // Before that it is starting, as every pod does.
        _ if *is_running && !is_ready && !is_init && *is_late => {
            let probe = if *has_started { "readiness" } else { "startup" };
            told("NotReady", format!("{place} runs, and its {probe} probe does not pass"))
        }
        _ => None,
    }
}

/// How often, as people say it.
fn restarted(times: &RangeInclusive<u64>) -> String {
    match (times.start(), times.end()) {
        (0, 0) => String::new(),
        (0, 1) => ", restarted at most once".to_owned(),
        (1, 1) => ", restarted once".to_owned(),
        (2, 2) => ", restarted twice".to_owned(),
        (least, most) if least == most => format!(", restarted {most} times"),
        (least, most) => format!(", restarted {least} to {most} times"),
    }
}

fn of_overdue(pods: &[Pod]) -> Option<Finding> {
    let overdue: Vec<&str> = pods.iter().filter(|pod| pod.is_overdue).map(|pod| pod.name.as_str()).collect();
    let first = overdue.first()?;
    Some(finding(
        "StuckTerminating",
        format!(
            "{} pods were told to go and are still there after their grace, such as {first}: their server may be \
             out of reach",
            overdue.len()
        ),
    ))
}
