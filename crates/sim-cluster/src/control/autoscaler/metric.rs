//! What a metric of an autoscaler sees: the pods of its target, what they request, and what they use.

use std::str::FromStr;

use jiff::{SignedDuration, Timestamp};
use plimsoll_qos::Quantity;

use super::super::{condition, is_ready};
use super::proposal::{Aim, Pod, Proposal, State, Tolerance, propose};
use crate::clock;
use crate::load::{Load, Loads, Usage};
use crate::object::{self, integer, lasting_containers, list, text};
use crate::store::Object;
use crate::tree::{Value, json};

/// Over how much time the metrics API reckons; what runs for less has no metrics yet.
const WINDOW: SignedDuration = SignedDuration::from_secs(15);
/// How long the CPU that a pod uses may be that of its start.
const INITIALIZATION: SignedDuration = SignedDuration::from_mins(5);
/// A pod that was not ready within this time of its start, nor since, has never been.
const FIRST_READINESS: SignedDuration = SignedDuration::from_secs(30);

/// One entry of `spec.metrics`, of those kinds that the metrics API of resources answers.
pub(super) struct Metric<'a> {
    kind: &'static str,
    pub(super) resource: &'a str,
    /// The one container that it is about; empty for all.
    container: &'a str,
    target: &'a Value,
}

/// Why a metric says nothing.
pub(super) struct Failure {
    /// The reason of a condition and of an event.
    pub(super) reason: &'static str,
    /// What these say.
    pub(super) message: String,
    /// What is said of it where all metrics are spoken of.
    pub(super) error: String,
}

/// What the pods of a target are, at one moment.
pub(super) struct Scene<'a> {
    pub(super) pods: &'a [Object],
    pub(super) loads: &'a Loads,
    pub(super) now: Timestamp,
}

impl<'a> Metric<'a> {
    /// Reads an entry; none when it is of a kind that nothing here answers.
    pub(super) fn read(entry: &'a Value) -> Option<Self> {
        let (kind, field) = match text(entry, "/type") {
            "Resource" => ("Resource", "resource"),
            "ContainerResource" => ("ContainerResource", "containerResource"),
            _ => return None,
        };
        let source = &entry[field];
        Some(Self {
            kind,
            resource: text(source, "/name"),
            container: text(source, "/container"),
            target: &source["target"],
        })
    }

    /// How the metric is called in reasons.
    pub(super) fn name(&self) -> String {
        let Self { resource, .. } = self;
        match (self.average_value(), self.kind) {
            (Some(_), _) => format!("{resource} resource"),
            (None, "Resource") => format!("{resource} resource utilization (percentage of request)"),
            (None, _) => format!("{resource} container resource utilization (percentage of request)"),
        }
    }

    fn average_value(&self) -> Option<&'a str> {
        self.target.get("averageValue").and_then(Value::as_str)
    }

    /// What the metric asks for, and its entry of `status.currentMetrics`.
    pub(super) fn propose(
        &self,
        scene: &Scene<'_>,
        current: i64,
        tolerance: Tolerance,
    ) -> Result<(Proposal, Value), Failure> {
        let aim = match self.average_value() {
            Some(value) => Aim::Value(millis(value)),
            None => Aim::Utilization(integer(self.target, "/averageUtilization").unwrap_or_default()),
        };
        let pods = self.pods(scene, aim).map_err(|message| self.failure(aim, &message))?;
        let proposal =
            propose(&pods, current, aim, tolerance).map_err(|message| self.failure(aim, message))?;
        Ok((proposal, self.status(&proposal)))
    }

    fn failure(&self, aim: Aim, message: &str) -> Failure {
        let what = if matches!(aim, Aim::Value(_)) { "usage" } else { "utilization" };
        let (reason, metric) = match self.kind {
            "Resource" => ("FailedGetResourceMetric", format!("{} resource metric", self.resource)),
            _ => ("FailedGetContainerResourceMetric", format!("{} container metric", self.container)),
        };
        let message = format!("failed to get {} {what}: {message}", self.resource);
        Failure { reason, error: format!("failed to get {metric} value: {message}"), message }
    }

    fn status(&self, proposal: &Proposal) -> Value {
        let average = match self.resource {
            "memory" => Quantity::from_bytes(proposal.average / 1000),
            _ => Quantity::from_millis(proposal.average),
        };
        let mut current = json!({"averageValue": average.to_string()});
        if let Some(utilization) = proposal.utilization {
            current["averageUtilization"] = utilization.into();
        }
        let name = self.resource;
        match self.kind {
            "Resource" => json!({"type": self.kind, "resource": {"name": name, "current": current}}),
            _ => json!({
                "type": self.kind,
                "containerResource": {"name": name, "container": self.container, "current": current},
            }),
        }
    }

    fn pods(&self, scene: &Scene<'_>, aim: Aim) -> Result<Vec<Pod>, String> {
        let unknown = |why: &str| Err(format!("unable to get metrics for resource {}: {why}", self.resource));
        if !scene.loads.are_measured() {
            return unknown(
                "unable to fetch metrics from resource metrics API: the server could not find the requested resource \
                 (get pods.metrics.k8s.io)",
            );
        }
        if !scene.pods.iter().any(|pod| has_metrics(pod, scene)) {
            return unknown("no metrics returned from resource metrics API");
        }
        let states: Vec<State> = scene.pods.iter().map(|pod| self.state(pod, scene)).collect();
        if !states.iter().any(|state| matches!(state, State::Counts(_))) {
            return Err("did not receive metrics for targeted pods (pods might be unready)".to_owned());
        }
        let request = |pod: &Object| match aim {
            Aim::Utilization(_) => self.request(pod),
            Aim::Value(_) => Ok(0),
        };
        let pods = scene.pods.iter().zip(states);
        pods.map(|(pod, state)| Ok(Pod { request: request(pod)?, state })).collect()
    }

    fn state(&self, pod: &Value, scene: &Scene<'_>) -> State {
        let phase = text(pod, "/status/phase");
        if object::is_terminating(pod) || phase == "Failed" {
            return State::Leaving;
        }
        if phase == "Pending" {
            return State::Unready;
        }
        let Some(usage) = self.usage(pod, scene) else { return State::Missing };
        if self.resource == "cpu" && is_starting(pod, scene.now) {
            return State::Unready;
        }
        State::Counts(usage)
    }

    /// What the pod, or the one container, uses in thousandths; none while the metrics API has nothing of it.
    fn usage(&self, pod: &Value, scene: &Scene<'_>) -> Option<i64> {
        if !has_metrics(pod, scene) {
            return None;
        }
        let mut containers = running(pod).filter(|container| self.is_about(container)).peekable();
        containers.peek()?;
        Some(containers.map(|container| self.amount(pod, container, scene)).sum())
    }

    fn is_about(&self, container: &Value) -> bool {
        self.container.is_empty() || text(container, "/name") == self.container
    }

    fn amount(&self, pod: &Value, container: &Value, scene: &Scene<'_>) -> i64 {
        let usage = match scene.loads.on(pod, container) {
            Load::Each(usage) => usage,
            // Never asked for: such a pod has no metrics.
            Load::Unknown => Usage { cpu_millis: 0, memory_bytes: 0 },
            Load::Shared(_) if !is_ready(pod) => Usage::default(),
            Load::Shared(total) => {
                let ready = scene.pods.iter().filter(|pod| takes_traffic(pod)).count().max(1);
                let ready = u64::try_from(ready).unwrap_or(u64::MAX);
                let cpu_millis = u32::try_from(u64::from(total.cpu_millis) / ready).unwrap_or(u32::MAX);
                Usage { cpu_millis, memory_bytes: total.memory_bytes / ready }
            }
        };
        if self.resource == "memory" {
            return i64::try_from(usage.memory_bytes.saturating_mul(1000)).unwrap_or(i64::MAX);
        }
        let limit = container.pointer("/resources/limits/cpu").and_then(Value::as_str).map(millis);
        i64::from(usage.cpu_millis).min(limit.unwrap_or(i64::MAX))
    }

    fn request(&self, pod: &Value) -> Result<i64, String> {
        let Self { resource, container: name, .. } = self;
        let mut sum = 0;
        let mut found = false;
        for container in lasting_containers(pod).filter(|container| self.is_about(container)) {
            let request =
                container.pointer("/resources/requests").and_then(|requests| requests.get(*resource));
            let Some(request) = request.and_then(Value::as_str) else {
                let (container, pod) = (text(container, "/name"), object::name(pod));
                return Err(format!("missing request for {resource} in container {container} of Pod {pod}"));
            };
            sum += millis(request);
            found = true;
        }
        if found || name.is_empty() {
            Ok(sum)
        } else {
            Err(format!("container {name} not found in Pod {}", object::name(pod)))
        }
    }
}

fn running(pod: &Value) -> impl Iterator<Item = &Value> {
    let statuses = ["/status/containerStatuses", "/status/initContainerStatuses"];
    let runs = move |container: &&Value| {
        statuses.iter().flat_map(|pointer| list(pod, pointer)).any(|status| {
            text(status, "/name") == text(container, "/name") && status.pointer("/state/running").is_some()
        })
    };
    lasting_containers(pod).filter(runs)
}

/// Whether the metrics API tells of a pod: it runs for a whole window, and all that runs in it is known.
fn has_metrics(pod: &Value, scene: &Scene<'_>) -> bool {
    let Scene { loads, now, .. } = scene;
    let began = list(pod, "/status/containerStatuses")
        .iter()
        .filter_map(|status| clock::parse(text(status, "/state/running/startedAt")))
        .max();
    text(pod, "/status/phase") == "Running"
        && began.is_some_and(|began| now.duration_since(began) >= WINDOW)
        && running(pod).all(|container| loads.on(pod, container) != Load::Unknown)
}

fn takes_traffic(pod: &Value) -> bool {
    is_ready(pod) && !object::is_terminating(pod)
}

/// Whether the CPU that a pod uses may be that of its start.
fn is_starting(pod: &Value, now: Timestamp) -> bool {
    let ready = condition(pod, "Ready");
    let since = ready.and_then(|ready| clock::parse(text(ready, "/lastTransitionTime")));
    let started = clock::parse(text(pod, "/status/startTime"));
    let (Some(ready), Some(since), Some(started)) = (ready, since, started) else { return true };
    let unready = text(ready, "/status") == "False";
    if now.duration_since(started) < INITIALIZATION {
        unready || now.duration_since(since) < WINDOW
    } else {
        unready && since.duration_since(started) < FIRST_READINESS
    }
}

/// A quantity of a stored object in thousandths.
fn millis(quantity: &str) -> i64 {
    Quantity::from_str(quantity).ok().and_then(|quantity| quantity.millis_i64()).unwrap_or_default()
}
