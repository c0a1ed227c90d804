//! Why an App is not as ordered, in plain words.

use plimsoll_core::cluster::{Fatal, Finding, Status};

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
const OF_PODS: [&str; 9] = [
    "ConfigMissing",
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

/// One finding per reason, with the number of pods that it holds for and the words of the first.
fn of_pods(pods: &[Pod]) -> Vec<Finding> {
    let mut found: Vec<(Finding, usize)> = Vec::new();
    let staying: Vec<&Pod> = pods.iter().filter(|pod| !pod.is_leaving).collect();
    for finding in staying.iter().filter(|pod| !pod.is_ready).filter_map(|pod| of_pod(pod)) {
        match found.iter_mut().find(|(known, _)| known.reason == finding.reason) {
            Some((_, count)) => *count += 1,
            None => found.push((finding, 1)),
        }
    }
    let rank = |finding: &Finding| OF_PODS.iter().position(|reason| *reason == finding.reason);
    found.sort_by_key(|(finding, _)| rank(finding));
    let counted = found.into_iter().map(|(mut finding, count)| {
        finding.message = format!("{count} of {} pods: {}", staying.len(), finding.message);
        finding
    });
    counted.collect()
}

fn of_pod(pod: &Pod) -> Option<Finding> {
    if let Some(why) = &pod.failed {
        return Some(finding("Evicted", format!("ended by its server: {why}")));
    }
    if let Some(why) = &pod.unschedulable {
        return Some(finding("Unschedulable", format!("no server has room: {why}")));
    }
    pod.containers.iter().find_map(of_container)
}

fn of_container(container: &Container) -> Option<Finding> {
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
    let place = if name == "app" { "the main container".to_owned() } else { format!("container {name}") };
    if let Some(Reason { reason, message }) = waiting {
        match reason.as_str() {
            "ErrImagePull" | "ImagePullBackOff" | "InvalidImageName" | "ErrImageNeverPull" => {
                return Some(finding(
                    "ImagePull",
                    format!("the image of {place} cannot be fetched: {message}"),
                ));
            }
            "CreateContainerConfigError" => {
                return Some(finding("ConfigMissing", format!("{place} lacks what it refers to: {message}")));
            }
            "RunContainerError" | "CreateContainerError" => {
                return Some(finding("CannotStart", format!("{place} cannot be started: {message}")));
            }
            _ => {}
        }
    }
    let last = ended.as_ref().filter(|_| *restarts > 0 || !is_running);
    match last {
        Some(Ended { reason, .. }) if reason == "OOMKilled" => Some(finding(
            "OutOfMemory",
            format!(
                "{place} needed more memory than its size allows and was killed, restarted {}",
                times(*restarts)
            ),
        )),
        // A step that has ended well is done.
        Some(Ended { exit_code: 0, .. }) if *is_init && *restarts == 0 => None,
        Some(Ended { exit_code, reason }) if !is_ready => {
            let reason = if reason.is_empty() { "Error" } else { reason };
            Some(finding(
                "CrashLoop",
                format!(
                    "{place} ends by itself: exit code {exit_code} ({reason}), restarted {}",
                    times(*restarts)
                ),
            ))
        }
        // Before that it is starting, as every pod does.
        _ if *is_running && !is_ready && !is_init && *is_late => {
            let probe = if *has_started { "readiness" } else { "startup" };
            Some(finding("NotReady", format!("{place} runs, and its {probe} probe does not pass")))
        }
        _ => None,
    }
}

/// How often, as people say it.
fn times(count: u64) -> String {
    match count {
        1 => "once".to_owned(),
        count => format!("{count} times"),
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
