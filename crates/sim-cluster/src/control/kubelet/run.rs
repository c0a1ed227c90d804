//! The life of one pod on its node.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::Node;
use super::container::{Container, Role};
use super::reference;
use crate::control::recorder::Kind;
use crate::control::{Outcome, until};
use crate::object::{self, list, text};
use crate::store::Object;

/// How long a sandbox takes to come up.
const SANDBOX: SignedDuration = SignedDuration::from_millis(300);

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
    /// Init containers in their order, then the main ones.
    pub(super) containers: Vec<Container>,
    /// Set once the pod is being stopped.
    pub(super) stops_at: Option<Timestamp>,
    /// The version in which everything was told, and when the next step is due.
    pub(super) settled: Option<(u64, Option<Timestamp>)>,
}

impl Run {
    pub(super) fn new(pod: &Value, address: String, now: Timestamp) -> Self {
        Self {
            uid: object::uid(pod).to_owned(),
            address,
            started: now,
            mounts: Mounts::Due { at: now, failures: 0 },
            sandbox_at: Timestamp::MAX,
            sandbox_up: false,
            containers: containers(pod),
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

    /// There may be something to do after all.
    pub(super) fn rouse(&mut self) {
        self.settled = None;
    }

    /// Takes every step that is due; the answer is when the next one is.
    pub(super) fn advance(&mut self, node: &mut Node<'_>) -> Option<Timestamp> {
        if !self.sandbox_up {
            if let Some(at) = self.mount(node) {
                return Some(at);
            }
            if node.now < self.sandbox_at {
                return Some(self.sandbox_at);
            }
            self.sandbox_up = true;
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

    /// The containers that run now.
    pub(super) fn running(&self) -> impl Iterator<Item = &str> {
        self.containers.iter().filter(|c| c.since().is_some()).map(|c| c.name.as_str())
    }

    /// Whether all init steps are done and all sidecars started.
    pub(super) fn is_initialized(&self) -> bool {
        self.containers.iter().filter(|c| c.role != Role::Main).all(Container::is_passed)
    }

    /// Ends everything that still runs, as a stop does.
    pub(super) fn end(&mut self, now: Timestamp) {
        for container in &mut self.containers {
            container.end(&self.uid, now);
        }
    }
}

fn containers(pod: &Value) -> Vec<Container> {
    let init = list(pod, "/spec/initContainers").iter().map(|spec| {
        let sidecar = text(spec, "/restartPolicy") == "Always";
        Container::new(spec, if sidecar { Role::Sidecar } else { Role::Init })
    });
    let main = list(pod, "/spec/containers").iter().map(|spec| Container::new(spec, Role::Main));
    init.chain(main).collect()
}
