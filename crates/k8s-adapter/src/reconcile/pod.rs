//! Pods, as far as they say why an App does not become healthy.

use std::time::Duration;

use serde_json::Value;

/// A container that has run for less than this is starting, whatever its probes say.
const LEAST_PATIENCE: Duration = Duration::from_secs(30);

/// One pod of an App.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Pod {
    pub(crate) name: String,
    pub(crate) uid: String,
    pub(crate) is_ready: bool,
    /// Told to go.
    pub(crate) is_leaving: bool,
    /// Told to go, and still there when its grace is over.
    pub(crate) is_overdue: bool,
    /// How long it may take to go, in seconds.
    pub(crate) grace: u64,
    /// Why no server takes it.
    pub(crate) unschedulable: Option<String>,
    /// Why the server that it was sent to ended it.
    pub(crate) failed: Option<String>,
    pub(crate) containers: Vec<Container>,
}

/// One container of a pod.
#[expect(clippy::struct_excessive_bools, reason = "each is true or not whatever the others are")]
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Container {
    pub(crate) name: String,
    pub(crate) is_init: bool,
    pub(crate) is_ready: bool,
    pub(crate) is_running: bool,
    /// It has passed its startup probe, or has none.
    pub(crate) has_started: bool,
    /// How long it may run before it should be ready; from its start, or from when it has started.
    pub(crate) patience: Duration,
    /// It has run for longer than that.
    pub(crate) is_late: bool,
    pub(crate) restarts: u64,
    pub(crate) waiting: Option<Reason>,
    /// How it ended, now or the last time.
    pub(crate) ended: Option<Ended>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Reason {
    pub(crate) reason: String,
    pub(crate) message: String,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Ended {
    pub(crate) exit_code: i64,
    pub(crate) reason: String,
}

impl Pod {
    pub(crate) fn new(pod: &Value) -> Self {
        let (metadata, status) = (&pod["metadata"], &pod["status"]);
        let condition = |kind: &str| {
            let mut conditions = status["conditions"].as_array().into_iter().flatten();
            conditions.find(|condition| condition["type"] == kind)
        };
        let is =
            |kind: &str, value: &str| condition(kind).is_some_and(|condition| condition["status"] == value);
        let containers = |list: &str, is_init: bool| {
            let statuses = status[list].as_array().into_iter().flatten();
            let spec = if is_init { &pod["spec"]["initContainers"] } else { &pod["spec"]["containers"] };
            statuses.map(|status| container(status, spec, is_init)).collect::<Vec<_>>()
        };
        let mut all = containers("initContainerStatuses", true);
        all.extend(containers("containerStatuses", false));
        Self {
            name: text(&metadata["name"]),
            uid: text(&metadata["uid"]),
            is_ready: is("Ready", "True"),
            is_leaving: metadata["deletionTimestamp"].is_string(),
            is_overdue: false,
            grace: metadata["deletionGracePeriodSeconds"].as_u64().unwrap_or(0),
            unschedulable: condition("PodScheduled")
                .filter(|condition| condition["status"] == "False")
                .map(|condition| text(&condition["message"])),
            failed: (status["phase"] == "Failed").then(|| {
                let (reason, message) = (text(&status["reason"]), text(&status["message"]));
                if message.is_empty() { reason } else { format!("{reason}: {message}") }
            }),
            containers: all,
        }
    }
}

fn container(status: &Value, specs: &Value, is_init: bool) -> Container {
    let state = &status["state"];
    let mut specs = specs.as_array().into_iter().flatten();
    let spec = specs.find(|spec| spec["name"] == status["name"]).unwrap_or(&Value::Null);
    let has_started = status["started"] == true;
    let starting = if has_started { Duration::ZERO } else { budget(&spec["startupProbe"]) };
    let ended = [&state["terminated"], &status["lastState"]["terminated"]]
        .into_iter()
        .find(|ended| ended.is_object());
    Container {
        name: text(&status["name"]),
        is_init,
        is_ready: status["ready"] == true,
        is_running: state["running"].is_object(),
        has_started,
        patience: (starting + budget(&spec["readinessProbe"])).max(LEAST_PATIENCE),
        is_late: false,
        restarts: status["restartCount"].as_u64().unwrap_or(0),
        waiting: state["waiting"].is_object().then(|| Reason {
            reason: text(&state["waiting"]["reason"]),
            message: text(&state["waiting"]["message"]),
        }),
        ended: ended.map(|ended| Ended {
            exit_code: ended["exitCode"].as_i64().unwrap_or(0),
            reason: text(&ended["reason"]),
        }),
    }
}

/// How long a probe may fail before something is made of it; none takes no time.
fn budget(probe: &Value) -> Duration {
    if !probe.is_object() {
        return Duration::ZERO;
    }
    let number = |field: &str, default: u64| probe[field].as_u64().unwrap_or(default);
    let tries = number("periodSeconds", 10).saturating_mul(number("failureThreshold", 3));
    Duration::from_secs(number("initialDelaySeconds", 0).saturating_add(tries))
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
