//! How a container ends, and whether and when it is started again.

use std::time::Duration;

use jiff::Timestamp;

use super::{Container, RESYNC, Reason, Replaced, Role, Shown, State};
use crate::clock;
use crate::control::kubelet::back_off::spoken;
use crate::control::kubelet::running::Running;
use crate::control::kubelet::{Node, later};
use crate::control::recorder::Kind;
use crate::object::{self, list};
use crate::script::{Behavior, End, Leave};
use crate::tree::{Value, json};

impl Container {
    /// A container that the kubelet stopped is started again at once, unless it was started again shortly before.
    pub(super) fn stopped(
        &mut self,
        node: &mut Node<'_>,
        policy: &str,
        since: Timestamp,
        at: Timestamp,
        end: End,
    ) {
        let before = self.ended.as_ref().map(|(_, at)| *at);
        let ended = self.terminated(object::uid(node.pod), since, at, end);
        self.ended = Some((ended.clone(), at));
        self.shown = Shown::Ended(ended.clone());
        if policy == "Never" && self.role == Role::Main {
            self.replaced = None;
            self.state = State::Ended(ended);
            return;
        }
        match before {
            None => self.state = State::BackOff { sync_at: at, until: at, waits_since: None },
            Some(before) => self.wait(node, before, RESYNC),
        }
    }

    pub(super) fn exited(
        &mut self,
        node: &mut Node<'_>,
        policy: &str,
        run: &Running,
        at: Timestamp,
        end: End,
    ) {
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
    pub(super) fn wait(&mut self, node: &Node<'_>, finished: Timestamp, noticed: Duration) {
        let until = self.restarting.until(finished).filter(|until| *until > node.now);
        if let Some(until) = until {
            self.tell_back_off(node);
            let sync_at = until.min(later(node.now, noticed));
            self.replaced = None;
            self.state = State::BackOff { sync_at, until, waits_since: Some(finished) };
        } else {
            self.restarting.extend(finished, node.now);
            self.state = State::BackOff { sync_at: node.now, until: node.now, waits_since: None };
        }
    }

    /// Looks at a container that waits: that it does is shown from now on; it starts when the time has come.
    pub(super) fn start_again(
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

    pub(super) fn terminated(&self, uid: &str, since: Timestamp, finished: Timestamp, end: End) -> Value {
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

    /// Ends a running container.
    pub(in crate::control::kubelet) fn end(&mut self, uid: &str, now: Timestamp, end: End) {
        if let Some(since) = self.since() {
            self.replaced = None;
            self.state = State::Ended(self.terminated(uid, since, now, end));
        }
    }

    /// Tells a running container to leave, by `due` at the latest; the answer is when it will have.
    pub(in crate::control::kubelet) fn leave(&mut self, node: &Node<'_>, due: Timestamp) -> Timestamp {
        let Some(since) = self.since() else { return node.now };
        let message = format!("Stopping container {}", self.name);
        self.event(node, Kind::Normal, "Killing", &message);
        let begin = later(node.now, pre_stop(&self.spec())).min(due);
        let (until, end) = leaving(&node.scripts.of(node.pod, &self.spec()), begin, due);
        self.replaced = Some(Replaced { since, started: self.is_started(), ready: self.is_ready() });
        self.state = State::Stopping { since, until, end };
        until
    }

    /// Ends one that was told to leave.
    pub(in crate::control::kubelet) fn left(&mut self, uid: &str, now: Timestamp) {
        let end = if let State::Stopping { end, .. } = self.state { end } else { End::Code(0) };
        self.end(uid, now, end);
    }
}

/// When and how a program ends that is told to at `begin`, and killed at `due`.
pub(super) fn leaving(behavior: &Behavior, begin: Timestamp, due: Timestamp) -> (Timestamp, End) {
    let Leave { after, code } = behavior.leave;
    let until = later(begin, after);
    // 128 and the number of SIGKILL.
    if until > due { (due.max(begin), End::Code(137)) } else { (until, End::Code(code)) }
}

/// How long the preStop hook takes, for the two ways in which one says that it waits.
fn pre_stop(container: &Value) -> Duration {
    let Some(hook) = container.pointer("/lifecycle/preStop") else { return Duration::ZERO };
    if let Some(seconds) = object::integer(hook, "/sleep/seconds") {
        return Duration::from_secs(seconds.try_into().unwrap_or_default());
    }
    let command: Vec<&str> = list(hook, "/exec/command").iter().filter_map(Value::as_str).collect();
    let words: Vec<&str> = command.iter().flat_map(|part| part.split_whitespace()).collect();
    let position = words.iter().position(|word| word.rsplit('/').next() == Some("sleep"));
    let seconds = position.and_then(|position| words.get(position + 1));
    let seconds = seconds.and_then(|word| word.trim_end_matches([';', '&']).parse().ok());
    Duration::from_secs(seconds.unwrap_or_default())
}

/// A pod as the kubelet names it in its messages.
fn full_name(pod: &Value) -> String {
    format!("{}_{}({})", object::name(pod), object::namespace(pod), object::uid(pod))
}
