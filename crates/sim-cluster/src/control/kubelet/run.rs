//! The life of one pod on its node.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::Node;
use super::container::{Container, Role, State};
use super::eviction::{self, Evicted};
use super::reference;
use crate::control::recorder::Kind;
use crate::control::shared::Shared;
use crate::control::{Outcome, until};
use crate::object::{self, list, text};
use crate::script::End;
use crate::store::Object;
use crate::tree::Value;

/// How long after the end of its containers a sandbox is taken down.
const TEARDOWN: SignedDuration = SignedDuration::from_secs(1);
/// How long after a sandbox has come up its first container is begun.
const SEEN: SignedDuration = SignedDuration::from_millis(50);
/// How long a sandbox takes to come up.
const SANDBOX: SignedDuration = SignedDuration::from_millis(300);

/// With nothing to do for so long, reading something again takes less than holding it.
const AWHILE: SignedDuration = SignedDuration::from_secs(30);

/// How soon a volume that could not be mounted is tried again; doubled each time, up to the second.
const FIRST_MOUNT_RETRY: Duration = Duration::from_millis(500);
const LAST_MOUNT_RETRY: Duration = Duration::from_secs(122);

/// Whether the volumes of a pod are mounted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mounts {
    /// To be tried, after so many times in vain.
    Due {
        at: Timestamp,
        failures: u32,
    },
    Done,
}

/// What has happened to a pod so far.
#[derive(Debug)]
pub(super) struct Run {
    pub(super) uid: String,
    pub(super) address: String,
    pub(super) started: Timestamp,
    /// How its volumes fare.
    pub(super) mounts: Mounts,
    /// When the sandbox is, or was, up.
    pub(super) sandbox_at: Timestamp,
    pub(super) sandbox_up: bool,
    /// When its containers may begin.
    begins_at: Timestamp,
    /// Whether it was up and is taken down again, with all containers ended.
    pub(super) sandbox_gone: bool,
    /// When it is taken down, once all containers have ended for good.
    teardown_at: Option<Timestamp>,
    /// Init containers in their order, then the main ones.
    pub(super) containers: Vec<Container>,
    /// Why it was evicted, if it was.
    pub(super) evicted: Option<Evicted>,
    /// Set once the pod is being stopped.
    pub(super) stops_at: Option<Timestamp>,
    /// The version in which everything was told, and when the next step is due.
    pub(super) settled: Option<(u64, Option<Timestamp>)>,
}

impl Run {
    pub(super) fn new(pod: &Value, address: String, now: Timestamp, specs: &mut Shared<str>) -> Self {
        Self {
            uid: object::uid(pod).to_owned(),
            address,
            started: now,
            mounts: Mounts::Due { at: now, failures: 0 },
            sandbox_at: Timestamp::MAX,
            sandbox_up: false,
            begins_at: Timestamp::MIN,
            sandbox_gone: false,
            teardown_at: None,
            containers: containers(pod, specs),
            evicted: None,
            stops_at: None,
            settled: None,
        }
    }

    /// If there is nothing to do or to tell: the outcome of not looking. Most changes of a pod are the kubelet's.
    pub(super) fn at_rest(&self, pod: &Object, now: Timestamp) -> Option<Outcome> {
        let (revision, due) = self.settled?;
        let facts = pod.facts();
        let rests = revision == facts.revision && *facts.uid == *self.uid && due.is_none_or(|due| due > now);
        rests.then(|| Ok(due.map(|due| until(now, due))))
    }

    /// Holds no more than it must, if the next step is not due before long.
    pub(super) fn put_away(&mut self, next: Option<Timestamp>, now: Timestamp) {
        if next.is_none_or(|next| next.duration_since(now) >= AWHILE) {
            self.containers.iter_mut().for_each(Container::put_away);
        }
    }

    /// There may be something to do after all.
    pub(super) fn rouse(&mut self) {
        self.settled = None;
    }

    /// Takes every step that is due; the answer is when the next one is.
    pub(super) fn advance(&mut self, node: &mut Node<'_>) -> Option<Timestamp> {
        if let Some(at) = self.stops_at {
            if at > node.now {
                return Some(at);
            }
            self.finish(node.now);
            return None;
        }
        if !self.sandbox_up {
            if let Some(at) = self.mount(node) {
                return Some(at);
            }
            if node.now < self.sandbox_at {
                return Some(self.sandbox_at);
            }
            self.sandbox_up = true;
            // That it is there is seen before anything is of its containers.
            self.begins_at = node.now.saturating_add(SEEN).unwrap_or(node.now);
        }
        if node.now < self.begins_at {
            return Some(self.begins_at);
        }
        let policy = text(node.pod, "/spec/restartPolicy").to_owned();
        let mut next: Option<Timestamp> = None;
        // A container may go once all init steps before it are done; its own step may open the next.
        for index in 0..self.containers.len() {
            let (before, rest) = self.containers.split_at_mut(index);
            let Some(container) = rest.first_mut() else { break };
            let open = match container.role {
                Role::Main => before.iter().filter(|c| c.role != Role::Main).all(Container::is_passed),
                Role::Init | Role::Sidecar => before.iter().all(Container::is_passed),
            };
            if open {
                let due = container.advance(node, &policy);
                next = [next, due].into_iter().flatten().min();
            }
        }
        if let Some((at, why)) = eviction::overflow(node.pod, self) {
            if at > node.now {
                return [next, Some(at)].into_iter().flatten().min();
            }
            self.evict(node, why);
            return self.stops_at;
        }
        if next.is_none() && self.has_ended() {
            next = self.take_down(node.now);
        }
        next
    }

    /// Mounts the volumes; the answer is when to try again, if one has nothing to show.
    fn mount(&mut self, node: &Node<'_>) -> Option<Timestamp> {
        let Mounts::Due { at, failures } = self.mounts else { return None };
        if at > node.now {
            return Some(at);
        }
        let missing = reference::unmountable(node.api, node.pod);
        if missing.is_empty() {
            self.mounts = Mounts::Done;
            self.sandbox_at = node.now.saturating_add(SANDBOX).unwrap_or(node.now);
            return None;
        }
        for (volume, why) in missing {
            let message = format!("MountVolume.SetUp failed for volume \"{volume}\" : {why}");
            node.pod_event(Kind::Warning, "FailedMount", &message);
        }
        let wait = FIRST_MOUNT_RETRY.saturating_mul(1 << failures.min(16)).min(LAST_MOUNT_RETRY);
        let wait = SignedDuration::try_from(wait).unwrap_or(SignedDuration::MAX);
        let at = node.now.saturating_add(wait).unwrap_or(Timestamp::MAX);
        self.mounts = Mounts::Due { at, failures: failures + 1 };
        Some(at)
    }

    /// Whether all init steps are done and all sidecars started.
    pub(super) fn is_initialized(&self) -> bool {
        self.containers.iter().filter(|c| c.role != Role::Main).all(Container::is_passed)
    }

    /// Whether nothing of it will run again.
    fn has_ended(&self) -> bool {
        let ended = |container: &Container| matches!(container.state, State::Ended(_));
        let failed = |container: &&Container| container.role == Role::Init && ended(container);
        self.containers.iter().filter(|c| c.role == Role::Main).all(ended)
            || self.containers.iter().find(failed).is_some_and(|container| !container.is_passed())
    }

    /// Takes the sandbox down, a while after the end of the containers; the answer is when, if that is to come.
    fn take_down(&mut self, now: Timestamp) -> Option<Timestamp> {
        let at = *self.teardown_at.get_or_insert(now.saturating_add(TEARDOWN).unwrap_or(now));
        if at > now {
            return Some(at);
        }
        self.end(now);
        self.sandbox_gone = true;
        None
    }

    /// Ends everything that still runs, as a stop does.
    fn end(&mut self, now: Timestamp) {
        for container in &mut self.containers {
            container.end(&self.uid, now, End::Code(0));
        }
    }

    /// Tells everything that still runs to end; the answer is when the last one will have.
    pub(super) fn stop(&mut self, node: &Node<'_>, due: Timestamp) -> Timestamp {
        let running = self.containers.iter_mut().filter(|container| container.since().is_some());
        let ends = running.map(|container| container.leave(node, due));
        ends.max().unwrap_or(node.now)
    }

    /// Ends everything that was told to, and takes the sandbox down.
    pub(super) fn finish(&mut self, now: Timestamp) {
        for container in &mut self.containers {
            container.left(&self.uid, now);
        }
        self.sandbox_gone = self.sandbox_up;
    }
}

fn containers(pod: &Value, specs: &mut Shared<str>) -> Vec<Container> {
    let init = list(pod, "/spec/initContainers").iter().map(|spec| {
        let sidecar = text(spec, "/restartPolicy") == "Always";
        (spec, if sidecar { Role::Sidecar } else { Role::Init })
    });
    let main = list(pod, "/spec/containers").iter().map(|spec| (spec, Role::Main));
    init.chain(main).map(|(spec, role)| Container::new(spec, role, specs)).collect()
}
