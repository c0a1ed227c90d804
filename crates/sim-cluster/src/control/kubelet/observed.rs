//! A run read back from a pod's status, for pods that were there before the process started.

use jiff::Timestamp;

use super::container::{Container, State};
use super::run::{Mounts, Run};
use crate::clock;
use crate::control::condition;
use crate::control::shared::Shared;
use crate::object::{flag, integer, list, text};
use crate::script::Scripts;
use crate::tree::{Value, json};

pub(super) fn run(pod: &Value, scripts: &Scripts, now: Timestamp, specs: &mut Shared<str>) -> Run {
    let mut run = Run::new(pod, text(pod, "/status/podIP").to_owned(), now, specs);
    let up = condition(pod, "PodReadyToStartContainers");
    run.sandbox_up = up.is_some_and(|condition| text(condition, "/status") == "True");
    if run.sandbox_up {
        run.mounts = Mounts::Done;
    }
    run.sandbox_gone = matches!(text(pod, "/status/phase"), "Succeeded" | "Failed");
    run.started = clock::parse(text(pod, "/status/startTime")).unwrap_or(now);
    let statuses: Vec<&Value> = list(pod, "/status/initContainerStatuses")
        .iter()
        .chain(list(pod, "/status/containerStatuses"))
        .collect();
    for container in &mut run.containers {
        if let Some(status) = statuses.iter().find(|status| text(status, "/name") == container.name) {
            restore(container, pod, status, scripts, now);
        }
    }
    run
}

fn restore(container: &mut Container, pod: &Value, status: &Value, scripts: &Scripts, now: Timestamp) {
    let restarts = integer(status, "/restartCount").unwrap_or_default();
    let last = status.get("lastState").cloned().unwrap_or_else(|| json!({}));
    container.restore(restarts, last.clone(), !text(status, "/containerID").is_empty());
    let behavior = scripts.of(pod, &container.spec());
    if let Some(since) = clock::parse(text(status, "/state/running/startedAt")) {
        container.resume(&behavior, since, flag(status, "/started"), flag(status, "/ready"), now);
    } else if status.pointer("/state/terminated").is_some() {
        let again =
            text(pod, "/spec/restartPolicy") == "Always" && container.role != super::container::Role::Init;
        if again {
            container.resume_back_off(status["state"].clone(), now);
        } else {
            container.state = State::Ended(status["state"].clone());
        }
    } else if text(status, "/state/waiting/reason") == "CrashLoopBackOff" {
        container.resume_back_off(last, now);
    }
}
