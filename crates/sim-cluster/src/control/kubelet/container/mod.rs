//! One container: pulled, started, probed, ended, started again.

mod ending;
mod pull;

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use jiff::Timestamp;

use super::Node;
use super::back_off::BackOff;
use super::later;
use super::probe::Kind as Probe;
use super::reference;
use super::running::Running;
use crate::control::recorder::Kind;
use crate::control::shared::Shared;
use crate::digest::sha256;
use crate::object::{self, text};
use crate::script::{Behavior, End, Exit, Start};
use crate::tree::{Value, json};
use ending::leaving;

/// From "pulled" to "started".
const CREATE: Duration = Duration::from_millis(300);
/// How long an init step takes that no script says otherwise of.
const STEP: Duration = Duration::from_millis(200);
/// How soon the kubelet looks again at a pod of which something failed.
const SYNC: Duration = Duration::from_secs(10);
/// The same, for the first pull that fails: the sandbox has just come up, which makes it look.
const FIRST_SYNC: Duration = Duration::from_secs(1);
/// The longest that it does not look at a pod.
pub(super) const RESYNC: Duration = Duration::from_mins(1);

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
    /// The pull failed; when it is looked at again, and from when on it may be tried.
    PullFailed {
        sync_at: Timestamp,
        retry_at: Timestamp,
        reason: Reason,
    },
    /// Something that its environment names is not there; looked for again now and then.
    Unconfigured {
        retry_at: Timestamp,
    },
    Creating {
        until: Timestamp,
    },
    Running(Box<Running>),
    /// Told to leave by the kubelet because a probe failed, or because the pod ends.
    Stopping {
        since: Timestamp,
        until: Timestamp,
        end: End,
    },
    /// Ended, and to be started again: when it is looked at again, and from when on it may start.
    BackOff {
        sync_at: Timestamp,
        until: Timestamp,
        /// Since when the back-off counts, if there is one.
        waits_since: Option<Timestamp>,
    },
    /// Ended, and not started again.
    Ended(Value),
}

/// Why a container waits, as its status says it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Reason {
    pub(super) word: &'static str,
    pub(super) message: String,
}

/// What the status shows of a container that does not run.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Shown {
    /// That it is being made.
    Beginning,
    Waiting(Reason),
    /// How it ended, though it will be started again.
    Ended(Value),
}

/// One that was stopped by the kubelet, which looks at nothing until the next is started.
#[derive(Debug, Clone, Copy)]
struct Replaced {
    since: Timestamp,
    started: bool,
    ready: bool,
}

#[derive(Debug)]
pub(super) struct Container {
    pub(super) name: String,
    pub(super) role: Role,
    pub(super) image: String,
    pub(super) state: State,
    pub(super) shown: Shown,
    /// How often it was started.
    pub(super) times_started: i64,
    /// `lastState` as the status carries it.
    pub(super) last: Value,
    /// What its status shows while one that was stopped is replaced.
    replaced: Option<Replaced>,
    /// How it ended last, and when.
    ended: Option<(Value, Timestamp)>,
    pulling: BackOff,
    restarting: BackOff,
    /// As JSON, for a tree of it would be by far the largest thing here, and without where volumes are mounted: of that
    /// with the token the name is another one in each pod, while all else is the same for all pods of a template.
    spec: Arc<str>,
    /// What was read of it, as long as there is something to do.
    read: OnceLock<Value>,
}

impl Container {
    pub(super) fn new(spec: &Value, role: Role, specs: &mut Shared<str>) -> Self {
        let mut common = spec.clone();
        object::fields(&mut common).remove("volumeMounts");
        Self {
            name: text(spec, "/name").to_owned(),
            role,
            image: text(spec, "/image").to_owned(),
            state: State::Waiting,
            shown: Shown::Beginning,
            times_started: 0,
            last: json!({}),
            replaced: None,
            ended: None,
            pulling: BackOff::default(),
            restarting: BackOff::default(),
            spec: specs.one(common.to_string()),
            read: OnceLock::from(common),
        }
    }

    /// Continues one that a status tells of.
    pub(super) fn restore(&mut self, restarts: i64, last: Value, begun: bool) {
        self.times_started = if begun { restarts + 1 } else { restarts };
        self.last = last;
    }

    /// One that a status shows as running, as far as its script says what becomes of it.
    pub(super) fn resume(
        &mut self,
        behavior: &Behavior,
        since: Timestamp,
        started: bool,
        ready: bool,
        now: Timestamp,
    ) {
        let mut running = self.running(behavior, since);
        if started {
            running.recall(&self.spec(), ready, now);
        }
        self.state = State::Running(running);
    }

    /// One that waits to be started again after `ended`.
    pub(super) fn resume_back_off(&mut self, ended: Value, now: Timestamp) {
        self.shown = Shown::Ended(ended.clone());
        self.ended = Some((ended, now));
        self.state = State::BackOff { sync_at: now, until: now, waits_since: None };
    }

    pub(super) fn restarts(&self) -> i64 {
        (self.times_started - 1).max(0)
    }

    /// The runtime's id of the newest start.
    pub(super) fn id(&self, uid: &str) -> String {
        format!("containerd://{}", sha256(format!("{uid}/{}/{}", self.name, self.restarts())))
    }

    pub(super) fn spec(&self) -> Value {
        // What was written when it was made can be read.
        self.read.get_or_init(|| serde_json::from_str(&self.spec).unwrap_or_default()).clone()
    }

    /// It will not be looked at for a while.
    pub(super) fn put_away(&mut self) {
        self.read.take();
    }

    /// Where its volumes are mounted, which `spec` does not say.
    pub(super) fn mounts<'a>(&self, pod: &'a Value) -> &'a [Value] {
        object::container_of(pod, &self.name)
            .map(|spec| object::list(spec, "/volumeMounts"))
            .unwrap_or_default()
    }

    pub(super) fn since(&self) -> Option<Timestamp> {
        match &self.state {
            State::Running(run) => Some(run.since),
            State::Stopping { since, .. } => Some(*since),
            _ => self.replaced.map(|replaced| replaced.since),
        }
    }

    /// Whether its status tells of more than that it is to be made.
    pub(super) fn has_begun(&self) -> bool {
        self.times_started > 0 || self.shown != Shown::Beginning
    }

    pub(super) fn is_started(&self) -> bool {
        match &self.state {
            State::Running(run) => run.started,
            _ => self.replaced.is_some_and(|replaced| replaced.started),
        }
    }

    pub(super) fn is_ready(&self) -> bool {
        match &self.state {
            // A step is ready when it is done.
            State::Running(_) if self.role == Role::Init => false,
            State::Running(run) => run.is_ready(),
            // A finished init step counts as ready.
            State::Ended(state) => {
                self.role == Role::Init && object::integer(state, "/terminated/exitCode") == Some(0)
            }
            _ => self.replaced.is_some_and(|replaced| replaced.ready),
        }
    }

    /// Whether what comes after this init container may begin.
    pub(super) fn is_passed(&self) -> bool {
        match self.role {
            Role::Sidecar => self.is_started(),
            Role::Init => self.is_ready(),
            Role::Main => true,
        }
    }

    /// When it has filled its volumes, if it does.
    pub(super) fn fills_at(&self) -> Option<Timestamp> {
        match &self.state {
            State::Running(run) => run.fills_at,
            _ => None,
        }
    }

    /// Takes every step that is due; the answer is when the next one is.
    pub(super) fn advance(&mut self, node: &mut Node<'_>, policy: &str) -> Option<Timestamp> {
        loop {
            match self.due() {
                Some(due) if due <= node.now => self.step(node, policy, due),
                due => return due,
            }
        }
    }

    /// When something happens next by time alone; at once, if nothing has begun.
    fn due(&self) -> Option<Timestamp> {
        let due = match &self.state {
            State::Waiting => Timestamp::MIN,
            State::Pulling { until } | State::Creating { until } | State::Stopping { until, .. } => *until,
            State::PullFailed { sync_at, .. } | State::BackOff { sync_at, .. } => *sync_at,
            State::Unconfigured { retry_at } => *retry_at,
            State::Running(run) => run.due(),
            State::Ended(_) => Timestamp::MAX,
        };
        (due < Timestamp::MAX).then_some(due)
    }

    fn step(&mut self, node: &mut Node<'_>, policy: &str, due: Timestamp) {
        let behavior = node.scripts.of(node.pod, &self.spec());
        match self.state.clone() {
            State::Waiting | State::Unconfigured { .. } => self.pull(node, &behavior),
            State::Pulling { .. } => self.pulled(node, &behavior),
            State::PullFailed { retry_at, reason, .. } => self.pull_again(node, &behavior, retry_at, reason),
            State::Creating { .. } => self.start(node, &behavior, policy, due),
            State::Running(run) => self.run(node, policy, run, due),
            State::Stopping { since, end, .. } => self.stopped(node, policy, since, due, end),
            State::BackOff { until, waits_since, .. } => {
                self.start_again(node, &behavior, until, waits_since);
            }
            State::Ended(_) => {}
        }
    }

    fn event(&self, node: &Node<'_>, kind: Kind, reason: &str, message: &str) {
        node.event(&self.name, self.role != Role::Main, kind, reason, message);
    }

    fn create(&mut self, node: &Node<'_>) {
        if let Some(message) = reference::missing_in_environment(node.api, node.pod, &self.spec()) {
            self.event(node, Kind::Warning, "Failed", &format!("Error: {message}"));
            self.remember_end();
            self.shown = Shown::Waiting(Reason { word: "CreateContainerConfigError", message });
            self.state = State::Unconfigured { retry_at: later(node.now, SYNC) };
            return;
        }
        self.event(node, Kind::Normal, "Created", "Container created");
        self.state = State::Creating { until: later(node.now, CREATE) };
    }

    /// Starts what was created, or tells why that cannot be done.
    fn start(&mut self, node: &mut Node<'_>, behavior: &Behavior, policy: &str, at: Timestamp) {
        let error = match &behavior.start {
            Start::Works => {
                self.event(node, Kind::Normal, "Started", "Container started");
                self.times_started += 1;
                self.replaced = None;
                self.state = State::Running(self.running(behavior, at));
                return;
            }
            Start::NoSuchCommand => reference::no_such_command(&self.spec()),
            Start::Fails(error) => error.clone(),
        };
        self.event(node, Kind::Warning, "Failed", &format!("Error: {error}"));
        self.times_started += 1;
        self.remember_end();
        let mut ended = self.terminated(object::uid(node.pod), Timestamp::UNIX_EPOCH, at, End::Code(128));
        ended["terminated"]["reason"] = "StartError".into();
        ended["terminated"]["message"] = error.clone().into();
        self.last = ended.clone();
        self.ended = Some((ended.clone(), at));
        self.replaced = None;
        self.shown = Shown::Waiting(Reason { word: "RunContainerError", message: error });
        if policy == "Never" || (policy == "OnFailure" && self.role == Role::Sidecar) {
            self.state = State::Ended(ended);
        } else {
            self.wait(node, at, RESYNC);
            // One that could not be started at all is not tried again at once, but with the next look.
            if let State::BackOff { sync_at, until, waits_since: None } = &mut self.state {
                (*sync_at, *until) = (later(at, FIRST_SYNC), later(at, FIRST_SYNC));
            }
        }
    }

    /// What a start at `since` brings.
    fn running(&mut self, behavior: &Behavior, since: Timestamp) -> Box<Running> {
        self.remember_end();
        let exit = match (behavior.exit, self.role) {
            (None, Role::Init) => Some(Exit { after: STEP, end: End::Code(0) }),
            (exit, _) => exit,
        };
        Box::new(Running::new(&self.spec(), behavior, exit, since))
    }

    /// The end that was shown becomes the one before.
    fn remember_end(&mut self) {
        if let Some((ended, _)) = &self.ended {
            self.last = ended.clone();
        }
    }

    fn run(&mut self, node: &mut Node<'_>, policy: &str, mut run: Box<Running>, due: Timestamp) {
        if let Some((at, end)) = run.exit.filter(|(at, _)| *at <= due) {
            self.exited(node, policy, &run, at, end);
            return;
        }
        let Some((look, kind)) = run.look(&self.spec(), due, node.address) else { return };
        if let Some(failure) = &look.failure {
            self.event(node, Kind::Warning, "Unhealthy", failure);
        }
        let replaced = Replaced { since: run.since, started: run.started, ready: run.is_ready() };
        let failed = look.decided && look.failure.is_some();
        if look.decided && kind == Probe::Startup && !failed {
            run.start(&self.spec(), due);
        }
        self.state = State::Running(run);
        let word = match kind {
            Probe::Startup => "startup",
            Probe::Liveness => "liveness",
            Probe::Readiness => return,
        };
        if failed {
            let message = format!("Container {} failed {word} probe, will be restarted", self.name);
            self.event(node, Kind::Normal, "Killing", &message);
            let grace = object::integer(node.pod, "/spec/terminationGracePeriodSeconds").unwrap_or(30);
            let grace = Duration::from_secs(grace.try_into().unwrap_or_default());
            let (until, end) = leaving(&node.scripts.of(node.pod, &self.spec()), due, later(due, grace));
            self.replaced = Some(replaced);
            self.state = State::Stopping { since: replaced.since, until, end };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pods_of_one_template_share_what_is_noted_of_a_container() {
        let spec = |token: &str| json!({"name": "app", "image": "shop:1", "volumeMounts": [{"name": token}]});
        let mut specs = Shared::default();
        let [one, other] = ["a", "b"].map(|token| Container::new(&spec(token), Role::Main, &mut specs));
        assert!(Arc::ptr_eq(&one.spec, &other.spec));
        assert_eq!(
            (one.spec(), &*one.spec),
            (json!({"name": "app", "image": "shop:1"}), &*one.spec().to_string())
        );
        let pod = json!({"spec": {"containers": [spec("a")]}});
        assert_eq!(one.mounts(&pod), [json!({"name": "a"})]);
    }
}
