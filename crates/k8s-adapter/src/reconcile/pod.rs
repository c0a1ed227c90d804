//! Pods, as far as they say why an App does not become healthy.

use serde_json::Value;

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
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Container {
    pub(crate) name: String,
    pub(crate) is_init: bool,
    pub(crate) is_ready: bool,
    pub(crate) is_running: bool,
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
            statuses.map(|status| container(status, is_init)).collect::<Vec<_>>()
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

fn container(status: &Value, is_init: bool) -> Container {
    let state = &status["state"];
    let ended = [&state["terminated"], &status["lastState"]["terminated"]]
        .into_iter()
        .find(|ended| ended.is_object());
    Container {
        name: text(&status["name"]),
        is_init,
        is_ready: status["ready"] == true,
        is_running: state["running"].is_object(),
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

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
