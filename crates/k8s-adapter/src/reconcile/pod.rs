//! Pods, as far as they say why an App does not become healthy.

use std::time::Duration;

use serde_json::Value;

use super::hindrance::{self, Hindrance, Named};

/// A container that has run for less than this is starting, whatever its probes say.
const LEAST_PATIENCE: Duration = Duration::from_secs(30);

/// About how many pods of an App events are asked for at once.
const ASKED: usize = 2;

/// One pod of an App.
#[expect(clippy::struct_excessive_bools, reason = "each is true or not whatever the others are")]
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
    /// It has a server, and nothing of it has begun there: its volumes are not mounted yet.
    pub(crate) is_unbegun: bool,
    /// So for longer than mounting takes.
    pub(crate) is_stuck: bool,
    /// Why, as far as it was asked and is known.
    pub(crate) hindrance: Option<Hindrance>,
    pub(crate) containers: Vec<Container>,
    pub(crate) namespace: String,
    /// The template that it was made from.
    pub(crate) template: String,
    /// What it names of Secrets and `ConfigMap`s; of a pod that is ready, nothing.
    pub(crate) named: Vec<Named>,
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
        let is_ready = is("Ready", "True");
        let is_leaving = metadata["deletionTimestamp"].is_string();
        let has_server = pod["spec"]["nodeName"].as_str().is_some_and(|name| !name.is_empty());
        // Volumes come before the sandbox, and images after it.
        let is_unbegun = !is_leaving
            && has_server
            && status["phase"] == "Pending"
            && !is("PodReadyToStartContainers", "True")
            && all.iter().all(Container::is_unbegun);
        Self {
            name: text(&metadata["name"]),
            uid: text(&metadata["uid"]),
            is_ready,
            is_leaving,
            is_overdue: false,
            grace: metadata["deletionGracePeriodSeconds"].as_u64().unwrap_or(0),
            unschedulable: condition("PodScheduled")
                .filter(|condition| condition["status"] == "False")
                .map(|condition| text(&condition["message"])),
            failed: (status["phase"] == "Failed").then(|| {
                let (reason, message) = (text(&status["reason"]), text(&status["message"]));
                if message.is_empty() { reason } else { format!("{reason}: {message}") }
            }),
            is_unbegun,
            is_stuck: false,
            hindrance: None,
            containers: all,
            namespace: text(&metadata["namespace"]),
            template: text(&metadata["labels"]["pod-template-hash"]),
            named: if is_ready { Vec::new() } else { hindrance::named(&pod["spec"]) },
        }
    }

    /// The pods whose events are worth asking for: one of each template of which some are stuck, for what pods of
    /// one template name, they all name.
    pub(crate) fn to_ask_about(pods: &[Self]) -> Vec<String> {
        let mut asked: Vec<&Self> = Vec::new();
        for pod in pods.iter().filter(|pod| pod.is_stuck) {
            if asked.len() < ASKED && asked.iter().all(|asked| asked.template != pod.template) {
                asked.push(pod);
            }
        }
        asked.into_iter().map(|pod| pod.uid.clone()).collect()
    }

    /// Notes what the events of one of the pods say of it, and of those that have it in common with it.
    pub(crate) fn explain(pods: &mut [Self], uid: &str, events: &[Value]) {
        let Some(asked) = pods.iter().find(|pod| pod.uid == uid) else { return };
        let Some(found) = hindrance::of_events(events, &asked.namespace, &asked.named) else { return };
        let template = asked.template.clone();
        for pod in pods {
            if pod.uid == uid || found.is_of_all && pod.is_unbegun && pod.template == template {
                pod.hindrance = Some(found.clone());
            }
        }
    }

    /// What a container lacks that cannot be made, if the kubelet's words say it.
    pub(super) fn lack(&self, words: &str) -> Option<String> {
        hindrance::of_container(words, &self.namespace, &self.named)
    }
}

impl Container {
    fn is_unbegun(&self) -> bool {
        let begins = |reason: &Reason| matches!(&*reason.reason, "ContainerCreating" | "PodInitializing");
        self.restarts == 0 && self.ended.is_none() && self.waiting.as_ref().is_some_and(begins)
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
