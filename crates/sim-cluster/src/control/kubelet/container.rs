//! One container: pulled, started, probed, ended, started again.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::Node;
use super::probe;
use super::reference;
use crate::clock;
use crate::control::recorder::Kind;
use crate::digest::sha256;
use crate::object::{self, text};
use crate::script::{Behavior, Pull};

/// From "pulled" to "started".
const CREATE: SignedDuration = SignedDuration::from_millis(100);
/// How long an init step takes that no script says otherwise of.
const STEP: Duration = Duration::from_millis(200);
/// How soon the kubelet tries again what failed and has no back-off of its own.
const SYNC: Duration = Duration::from_secs(10);
/// How long `ErrImagePull` shows before the kubelet speaks of backing off.
const PULL_ERROR_SHOWN: SignedDuration = SignedDuration::from_secs(2);
const FIRST_BACK_OFF: i64 = 10;
const LONGEST_BACK_OFF: i64 = 300;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    Init,
    Sidecar,
    Main,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum State {
    /// Not begun.
    Waiting,
    Pulling {
        until: Timestamp,
    },
    /// The pull failed; first the error shows, then that it is waited.
    PullFailed {
        shown_until: Timestamp,
        retry_at: Timestamp,
    },
    /// Something that its environment names is not there; looked for again now and then.
    Unconfigured {
        message: String,
        retry_at: Timestamp,
    },
    Creating {
        until: Timestamp,
    },
    Running(Running),
    BackOff {
        until: Timestamp,
    },
    /// Ended, and not started again.
    Ended(Value),
}

/// A running container, with the moments that its probes will bring.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Running {
    pub(super) since: Timestamp,
    /// When the startup probe succeeds; the start itself without one.
    pub(super) started_at: Option<Timestamp>,
    pub(super) ready_at: Option<Timestamp>,
    pub(super) exit_at: Option<Timestamp>,
    pub(super) exit_code: i32,
    /// When a failing readiness probe is told of.
    pub(super) unready_at: Option<Timestamp>,
}

#[derive(Debug)]
pub(super) struct Container {
    pub(super) name: String,
    pub(super) role: Role,
    pub(super) image: String,
    pub(super) state: State,
    pub(super) restarts: i64,
    /// `lastState` as the status carries it.
    pub(super) last: Value,
    pub(super) failed_pulls: u32,
    spec: Value,
}

impl Container {
    pub(super) fn new(spec: &Value, role: Role) -> Self {
        Self {
            name: text(spec, "/name").to_owned(),
            role,
            image: text(spec, "/image").to_owned(),
            state: State::Waiting,
            restarts: 0,
            last: json!({}),
            failed_pulls: 0,
            spec: spec.clone(),
        }
    }

    /// The runtime's id of the present start.
    pub(super) fn id(&self, uid: &str) -> String {
        format!("containerd://{}", sha256(format!("{uid}/{}/{}", self.name, self.restarts)))
    }

    pub(super) fn spec(&self) -> &Value {
        &self.spec
    }

    pub(super) fn is_started(&self, now: Timestamp) -> bool {
        matches!(&self.state, State::Running(run) if run.started_at.is_some_and(|at| at <= now))
    }

    pub(super) fn is_ready(&self, now: Timestamp) -> bool {
        match &self.state {
            State::Running(run) => run.ready_at.is_some_and(|at| at <= now),
            // A finished init step counts as ready.
            State::Ended(state) => {
                self.role == Role::Init && object::integer(state, "/terminated/exitCode") == Some(0)
            }
            _ => false,
        }
    }

    /// Whether what comes after this init container may begin.
    pub(super) fn is_passed(&self, now: Timestamp) -> bool {
        match self.role {
            Role::Sidecar => self.is_started(now),
            Role::Init => self.is_ready(now),
            Role::Main => true,
        }
    }

    /// Takes every step that is due; the answer is when the next one is.
    pub(super) fn advance(&mut self, node: &mut Node<'_>, policy: &str) -> Option<Timestamp> {
        loop {
            match self.due() {
                Some(due) if due <= node.now => self.step(node, policy, due),
                due => return [due, self.next_sight(node.now)].into_iter().flatten().min(),
            }
        }
    }

    /// When the status changes although nothing is done: a probe begins to succeed.
    fn next_sight(&self, now: Timestamp) -> Option<Timestamp> {
        let State::Running(run) = &self.state else { return None };
        [run.started_at, run.ready_at].into_iter().flatten().filter(|at| *at > now).min()
    }

    /// When something happens next by time alone; now, if nothing has begun.
    fn due(&self) -> Option<Timestamp> {
        match &self.state {
            State::Waiting => Some(Timestamp::MIN),
            State::Pulling { until } | State::Creating { until } | State::BackOff { until } => Some(*until),
            State::PullFailed { shown_until, retry_at } => Some(*shown_until.min(retry_at)),
            State::Unconfigured { retry_at, .. } => Some(*retry_at),
            State::Running(run) => [run.exit_at, run.unready_at].into_iter().flatten().min(),
            State::Ended(_) => None,
        }
    }

    fn step(&mut self, node: &mut Node<'_>, policy: &str, due: Timestamp) {
        let init = self.role != Role::Main;
        let behavior = node.scripts.of(&self.image);
        match self.state.clone() {
            State::Pulling { .. } => self.pulled(node, &behavior),
            State::PullFailed { shown_until, retry_at } if shown_until < retry_at => {
                let message = format!("Back-off pulling image \"{}\"", self.image);
                node.event(&self.name, init, Kind::Normal, "BackOff", &message);
                node.event(&self.name, init, Kind::Warning, "Failed", "Error: ImagePullBackOff");
                self.state = State::PullFailed { shown_until: retry_at, retry_at };
            }
            State::Waiting
            | State::PullFailed { .. }
            | State::Unconfigured { .. }
            | State::BackOff { .. } => self.pull(node, &behavior),
            State::Creating { .. } => {
                node.event(&self.name, init, Kind::Normal, "Started", "Container started");
                self.state = State::Running(self.running(&behavior, due));
            }
            State::Running(run) if run.unready_at.is_some_and(|at| at <= node.now) => {
                let message = probe::failure(&self.spec, "readinessProbe");
                node.event(&self.name, init, Kind::Warning, "Unhealthy", &message);
                self.state = State::Running(Running { unready_at: None, ..run });
            }
            State::Running(run) => self.exited(node, policy, &run),
            State::Ended(_) => {}
        }
    }

    fn pull(&mut self, node: &mut Node<'_>, behavior: &Behavior) {
        let init = self.role != Role::Main;
        let held = (node.name.to_owned(), self.image.clone());
        let always = text(&self.spec, "/imagePullPolicy") == "Always";
        if node.images.contains(&held) && !always {
            let message = format!(
                "Container image \"{}\" already present on machine and can be accessed by the pod",
                self.image
            );
            node.event(&self.name, init, Kind::Normal, "Pulled", &message);
            self.create(node);
            return;
        }
        node.event(&self.name, init, Kind::Normal, "Pulling", &format!("Pulling image \"{}\"", self.image));
        let takes = match behavior.pull {
            Pull::After(time) => time,
            Pull::NotFound => Duration::from_millis(100),
        };
        self.state = State::Pulling { until: later(node.now, takes) };
    }

    fn pulled(&mut self, node: &mut Node<'_>, behavior: &Behavior) {
        let init = self.role != Role::Main;
        let image = &self.image;
        match behavior.pull {
            Pull::After(time) => {
                let millis = time.as_millis();
                let message = format!(
                    "Successfully pulled image \"{image}\" in {millis}ms ({millis}ms including waiting). Image \
                     size: 3659416 bytes."
                );
                node.event(&self.name, init, Kind::Normal, "Pulled", &message);
                node.images.insert((node.name.to_owned(), image.clone()));
                self.failed_pulls = 0;
                self.create(node);
            }
            Pull::NotFound => {
                let message = format!("Failed to pull image \"{image}\": {}", pull_error(image));
                node.event(&self.name, init, Kind::Warning, "Failed", &message);
                node.event(&self.name, init, Kind::Warning, "Failed", "Error: ErrImagePull");
                let wait = back_off(self.failed_pulls);
                self.failed_pulls += 1;
                self.state = State::PullFailed {
                    shown_until: node.now.saturating_add(PULL_ERROR_SHOWN).unwrap_or(node.now),
                    retry_at: later(node.now, wait),
                };
            }
        }
    }

    fn create(&mut self, node: &Node<'_>) {
        if let Some(message) = reference::missing_in_environment(node.api, node.pod, &self.spec) {
            let told = format!("Error: {message}");
            node.event(&self.name, self.role != Role::Main, Kind::Warning, "Failed", &told);
            self.state = State::Unconfigured { message, retry_at: later(node.now, SYNC) };
            return;
        }
        if self.last != json!({}) {
            self.restarts += 1;
        }
        node.event(&self.name, self.role != Role::Main, Kind::Normal, "Created", "Container created");
        self.state = State::Creating { until: node.now.saturating_add(CREATE).unwrap_or(node.now) };
    }

    /// What a start at `since` will bring.
    fn running(&self, behavior: &Behavior, since: Timestamp) -> Running {
        let probes = probe::outlook(&self.spec, behavior, since);
        let exit = match (behavior.exit, self.role) {
            (Some(exit), _) => Some(exit),
            (None, Role::Init) => Some(crate::script::Exit { after: STEP, code: 0 }),
            (None, _) => None,
        };
        Running {
            since,
            started_at: probes.started,
            ready_at: probes.ready,
            unready_at: probes.unready,
            exit_at: exit.map(|exit| later(since, exit.after)),
            exit_code: exit.map_or(0, |exit| exit.code),
        }
    }

    fn exited(&mut self, node: &Node<'_>, policy: &str, run: &Running) {
        let finished = run.exit_at.unwrap_or(node.now);
        let ended = self.terminated(object::uid(node.pod), run.since, finished, run.exit_code);
        let again = match self.role {
            Role::Sidecar => true,
            Role::Init => run.exit_code != 0 && policy != "Never",
            Role::Main => policy == "Always" || (policy == "OnFailure" && run.exit_code != 0),
        };
        if !again {
            self.state = State::Ended(ended);
            return;
        }
        let restarts = self.restarts;
        self.last = ended;
        if restarts == 0 {
            // The first time there is no waiting.
            self.state = State::BackOff { until: node.now };
            return;
        }
        let wait = back_off(u32::try_from(restarts - 1).unwrap_or(u32::MAX));
        let pod = node.pod;
        let message = format!(
            "Back-off restarting failed container {} in pod {}_{}({})",
            self.name,
            object::name(pod),
            object::namespace(pod),
            object::uid(pod)
        );
        node.event(&self.name, self.role != Role::Main, Kind::Warning, "BackOff", &message);
        self.state = State::BackOff { until: later(node.now, wait) };
    }

    fn terminated(&self, uid: &str, since: Timestamp, finished: Timestamp, code: i32) -> Value {
        json!({"terminated": {
            "containerID": self.id(uid),
            "exitCode": code,
            "finishedAt": clock::seconds(finished),
            "reason": if code == 0 { "Completed" } else { "Error" },
            "startedAt": clock::seconds(since),
        }})
    }

    /// Ends a running container as a stop of the pod does.
    pub(super) fn end(&mut self, uid: &str, now: Timestamp) {
        if let State::Running(run) = &self.state {
            self.state = State::Ended(self.terminated(uid, run.since, now, 0));
        }
    }

    /// How long the present back-off is, for its message.
    pub(super) fn back_off_seconds(&self) -> u64 {
        back_off(u32::try_from((self.restarts - 1).max(0)).unwrap_or(u32::MAX)).as_secs()
    }
}

/// Ten seconds, doubled each time, five minutes at most.
fn back_off(times: u32) -> Duration {
    let seconds = FIRST_BACK_OFF.saturating_mul(1_i64.checked_shl(times.min(16)).unwrap_or(i64::MAX));
    Duration::from_secs(seconds.min(LONGEST_BACK_OFF).unsigned_abs())
}

/// What containerd says of an image that is not there.
pub(super) fn pull_error(image: &str) -> String {
    format!(
        "rpc error: code = NotFound desc = failed to pull and unpack image \"{image}\": failed to resolve \
         reference \"{image}\": {image}: not found"
    )
}

fn later(at: Timestamp, wait: Duration) -> Timestamp {
    let wait = SignedDuration::try_from(wait).unwrap_or(SignedDuration::MAX);
    at.saturating_add(wait).unwrap_or(Timestamp::MAX)
}
