//! A run read back from a pod's status, for pods that were there before the process started.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::container::{Container, Running, State};
use super::run::{Mounts, Run};
use crate::clock;
use crate::control::condition;
use crate::object::{flag, integer, list, text};

pub(super) fn run(pod: &Value, now: Timestamp) -> Run {
    let mut run = Run::new(pod, text(pod, "/status/podIP").to_owned(), now);
    let up = condition(pod, "PodReadyToStartContainers");
    run.sandbox_up = up.is_some_and(|condition| text(condition, "/status") == "True");
    if run.sandbox_up {
        run.mounts = Mounts::Done;
    }
    run.started = clock::parse(text(pod, "/status/startTime")).unwrap_or(now);
    let statuses: Vec<&Value> = list(pod, "/status/initContainerStatuses")
        .iter()
        .chain(list(pod, "/status/containerStatuses"))
        .collect();
    for container in &mut run.containers {
        if let Some(status) = statuses.iter().find(|status| text(status, "/name") == container.name) {
            restore(container, status, now);
        }
    }
    run
}

fn restore(container: &mut Container, status: &Value, now: Timestamp) {
    container.restarts = integer(status, "/restartCount").unwrap_or_default();
    container.last = status.get("lastState").cloned().unwrap_or_else(|| json!({}));
    if let Some(since) = clock::parse(text(status, "/state/running/startedAt")) {
        // What was reached stays reached, even where the clock has gone back since.
        let known = |field: &str| flag(status, field).then_some(since.min(now));
        let mut running = Running {
            since,
            started_at: known("/started"),
            ready_at: known("/ready"),
            exit_at: None,
            exit_code: 0,
            unready_at: None,
        };
        if running.ready_at.is_none() {
            // It was not ready yet: its probes go on from here.
            let outlook = super::probe::outlook(container.spec(), &crate::script::Behavior::default(), now);
            running.started_at = running.started_at.or(outlook.started);
            running.ready_at = outlook.ready;
        }
        container.state = State::Running(running);
    } else if status.pointer("/state/terminated").is_some() {
        container.state = State::Ended(status["state"].clone());
    } else if text(status, "/state/waiting/reason") == "CrashLoopBackOff" {
        container.state = State::BackOff { until: now };
    }
}
