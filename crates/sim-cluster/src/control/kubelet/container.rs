//! One container: pulled, started, probed, ended, started again.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::Node;
use super::back_off::{BackOff, spoken};
use super::image;
use super::later;
use super::probe::Kind as Probe;
use super::reference;
use super::running::Running;
use crate::clock;
use crate::control::recorder::Kind;
use crate::digest::sha256;
use crate::object::{self, text};
use crate::script::{Behavior, End, Exit, Pull};

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
/// How long a well-behaved program takes to leave after SIGTERM.
pub(super) const LEAVE: Duration = Duration::from_millis(300);

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
    /// Told to leave by the kubelet because a probe failed.
    Stopping {
        since: Timestamp,
        until: Timestamp,
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
    /// How it ended last, and when.
    ended: Option<(Value, Timestamp)>,
    pulling: BackOff,
    restarting: BackOff,
    /// As JSON, for a tree of it would be by far the largest thing here.
    spec: Box<str>,
}

impl Container {
    pub(super) fn new(spec: &Value, role: Role) -> Self {
        Self {
            name: text(spec, "/name").to_owned(),
            role,
            image: text(spec, "/image").to_owned(),
            state: State::Waiting,
            shown: Shown::Beginning,
            times_started: 0,
            last: json!({}),
            ended: None,
            pulling: BackOff::default(),
            restarting: BackOff::default(),
            spec: spec.to_string().into(),
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
        serde_json::from_str(&self.spec).unwrap_or_default()
    }

    pub(super) fn since(&self) -> Option<Timestamp> {
        match &self.state {
            State::Running(run) => Some(run.since),
            State::Stopping { since, .. } => Some(*since),
            _ => None,
        }
    }

    pub(super) fn is_started(&self) -> bool {
        matches!(&self.state, State::Running(run) if run.started)
    }

    pub(super) fn is_ready(&self) -> bool {
        match &self.state {
            State::Running(run) => run.is_ready(),
            // A finished init step counts as ready.
            State::Ended(state) => {
                self.role == Role::Init && object::integer(state, "/terminated/exitCode") == Some(0)
            }
            _ => false,
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
            State::Creating { .. } => {
                self.event(node, Kind::Normal, "Started", "Container started");
                self.times_started += 1;
                self.state = State::Running(self.running(&behavior, due));
            }
            State::Running(run) => self.run(node, policy, run, due),
            State::Stopping { since, .. } => self.stopped(node, policy, since, due),
            State::BackOff { until, waits_since, .. } => {
                self.start_again(node, &behavior, until, waits_since);
            }
            State::Ended(_) => {}
        }
    }

    fn event(&self, node: &Node<'_>, kind: Kind, reason: &str, message: &str) {
        node.event(&self.name, self.role != Role::Main, kind, reason, message);
    }

    fn pull(&mut self, node: &mut Node<'_>, behavior: &Behavior) {
        let image = &self.image;
        let policy = text(&self.spec(), "/imagePullPolicy").to_owned();
        let held = node.images.contains(&(node.name.to_owned(), image.clone()));
        if held && policy != "Always" {
            let message = format!(
                "Container image \"{image}\" already present on machine and can be accessed by the pod"
            );
            self.event(node, Kind::Normal, "Pulled", &message);
            self.create(node);
            return;
        }
        if policy == "Never" {
            let message = format!("Container image \"{image}\" is not present with pull policy of Never");
            self.event(node, Kind::Warning, "ErrImageNeverPull", &message);
            self.event(node, Kind::Warning, "Failed", "Error: ErrImageNeverPull");
            self.shown = Shown::Waiting(Reason { word: "ErrImageNeverPull", message });
            self.state = State::Unconfigured { retry_at: later(node.now, SYNC) };
            return;
        }
        self.event(node, Kind::Normal, "Pulling", &format!("Pulling image \"{image}\""));
        let takes = match behavior.pull {
            Pull::After(time) => time,
            Pull::NotFound | Pull::Denied | Pull::Fails(_) => Duration::from_millis(100),
        };
        self.state = State::Pulling { until: later(node.now, takes) };
    }

    fn pulled(&mut self, node: &mut Node<'_>, behavior: &Behavior) {
        let image = &self.image;
        let error = match &behavior.pull {
            Pull::After(time) => {
                let millis = time.as_millis();
                let message = format!(
                    "Successfully pulled image \"{image}\" in {millis}ms ({millis}ms including waiting). Image \
                     size: {} bytes.",
                    image::SIZE,
                );
                self.event(node, Kind::Normal, "Pulled", &message);
                node.images.insert((node.name.to_owned(), image.clone()));
                self.create(node);
                return;
            }
            Pull::NotFound => image::not_found(image),
            Pull::Denied => image::denied(image),
            Pull::Fails(error) => error.clone(),
        };
        let message = format!("Failed to pull image \"{image}\": {error}");
        self.event(node, Kind::Warning, "Failed", &message);
        self.event(node, Kind::Warning, "Failed", "Error: ErrImagePull");
        self.pulling.extend(node.now, node.now);
        let sync = if self.shown == Shown::Beginning { FIRST_SYNC } else { SYNC };
        self.state = State::PullFailed {
            sync_at: later(node.now, sync),
            retry_at: later(node.now, self.pulling.delay()),
            reason: Reason { word: "ErrImagePull", message: error },
        };
    }

    /// Looks at a pull that failed: what came of the look before is shown, and whether it waits is told.
    fn pull_again(&mut self, node: &mut Node<'_>, behavior: &Behavior, retry_at: Timestamp, reason: Reason) {
        self.shown = Shown::Waiting(reason.clone());
        if retry_at <= node.now {
            self.pull(node, behavior);
            return;
        }
        let message = format!("Back-off pulling image \"{}\"", self.image);
        self.event(node, Kind::Normal, "BackOff", &message);
        self.event(node, Kind::Warning, "Failed", "Error: ImagePullBackOff");
        let reason = match reason.word {
            "ErrImagePull" => Reason {
                word: "ImagePullBackOff",
                message: format!("{message}: ErrImagePull: {}", reason.message),
            },
            _ => reason,
        };
        self.state = State::PullFailed { sync_at: later(node.now, SYNC), retry_at, reason };
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
        let since = run.since;
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
            self.state = State::Stopping { since, until: later(due, LEAVE) };
        }
    }

    /// A container that the kubelet stopped is started again at once, unless it was started again shortly before.
    fn stopped(&mut self, node: &mut Node<'_>, policy: &str, since: Timestamp, at: Timestamp) {
        let before = self.ended.as_ref().map(|(_, at)| *at);
        let ended = self.terminated(object::uid(node.pod), since, at, End::Code(0));
        self.ended = Some((ended.clone(), at));
        self.shown = Shown::Ended(ended.clone());
        if policy == "Never" && self.role == Role::Main {
            self.state = State::Ended(ended);
            return;
        }
        match before {
            None => self.state = State::BackOff { sync_at: at, until: at, waits_since: None },
            Some(before) => self.wait(node, before, RESYNC),
        }
    }

    fn exited(&mut self, node: &mut Node<'_>, policy: &str, run: &Running, at: Timestamp, end: End) {
        let ended = self.terminated(object::uid(node.pod), run.since, at, end);
        self.ended = Some((ended.clone(), at));
        self.shown = Shown::Ended(ended.clone());
        let good = end == End::Code(0);
        let again = match self.role {
            Role::Sidecar => true,
            Role::Init => !good && policy != "Never",
            Role::Main => policy == "Always" || (policy == "OnFailure" && !good),
        };
        if again {
            self.wait(node, at, run.noticed());
        } else {
            self.state = State::Ended(ended);
        }
    }

    /// Waits as long as the back-off since `finished` says, which is not at all the first time.
    fn wait(&mut self, node: &Node<'_>, finished: Timestamp, noticed: Duration) {
        let until = self.restarting.until(finished).filter(|until| *until > node.now);
        if let Some(until) = until {
            self.tell_back_off(node);
            let sync_at = until.min(later(node.now, noticed));
            self.state = State::BackOff { sync_at, until, waits_since: Some(finished) };
        } else {
            self.restarting.extend(finished, node.now);
            self.state = State::BackOff { sync_at: node.now, until: node.now, waits_since: None };
        }
    }

    /// Looks at a container that waits: that it does is shown from now on; it starts when the time has come.
    fn start_again(
        &mut self,
        node: &mut Node<'_>,
        behavior: &Behavior,
        until: Timestamp,
        waits_since: Option<Timestamp>,
    ) {
        if let Some(finished) = waits_since {
            self.remember_end();
            let message = format!(
                "back-off {} restarting failed container={} pod={}",
                spoken(self.restarting.delay()),
                self.name,
                full_name(node.pod),
            );
            self.shown = Shown::Waiting(Reason { word: "CrashLoopBackOff", message });
            if until > node.now {
                self.tell_back_off(node);
                let sync_at = until.min(later(node.now, RESYNC));
                self.state = State::BackOff { sync_at, until, waits_since };
                return;
            }
            self.restarting.extend(finished, node.now);
        }
        self.pull(node, behavior);
    }

    fn tell_back_off(&self, node: &Node<'_>) {
        let message =
            format!("Back-off restarting failed container {} in pod {}", self.name, full_name(node.pod));
        self.event(node, Kind::Warning, "BackOff", &message);
    }

    fn terminated(&self, uid: &str, since: Timestamp, finished: Timestamp, end: End) -> Value {
        let (code, reason) = match end {
            End::Code(0) => (0, "Completed"),
            End::Code(code) => (code, "Error"),
            End::OutOfMemory => (137, "OOMKilled"),
        };
        json!({"terminated": {
            "containerID": self.id(uid),
            "exitCode": code,
            "finishedAt": clock::seconds(finished),
            "reason": reason,
            "startedAt": clock::seconds(since),
        }})
    }

    /// Ends a running container as a stop of the pod does.
    pub(super) fn end(&mut self, uid: &str, now: Timestamp) {
        if let Some(since) = self.since() {
            self.state = State::Ended(self.terminated(uid, since, now, End::Code(0)));
        }
    }
}

/// A pod as the kubelet names it in its messages.
fn full_name(pod: &Value) -> String {
    format!("{}_{}({})", object::name(pod), object::namespace(pod), object::uid(pod))
}
