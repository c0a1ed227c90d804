//! When to write, when to ask, when to try again: what is remembered of the work on one App.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use plimsoll_core::cluster::{Drift, Fence, Finding, Status};
use tokio::time::Instant;

use super::budget::Budget;
use super::fight::Fights;
use super::turn::Order;
use crate::packed::Packed;
use crate::reconcile::{Matches, Pod, is_done, is_settled};

/// Between two statuses, whatever they say.
const BETWEEN: Duration = Duration::from_millis(300);
/// Between two statuses that only say how far it is; a tenth of the time that it has taken already, if that is
/// more.
const BETWEEN_PROGRESS: Duration = Duration::from_secs(2);
/// How long the first word of progress is held back: most changes are done by then, and one word suffices.
const FIRST_PROGRESS: Duration = Duration::from_millis(500);
/// How long an App may be unsettled before its pods are read to find out why.
const CURIOUS_AFTER: Duration = Duration::from_secs(3);

/// How long a pod may have a server and nothing begun there before its events are read: mounting takes less.
const MOUNTED_AFTER: Duration = Duration::from_secs(3);

/// One run of a container, before or after it has started: the pod, the container, how often it was restarted,
/// whether it has started.
type Attempt = (String, String, u64, bool);

/// See the module. It lives and dies with what is known of the App.
#[derive(Default)]
pub(super) struct Memory {
    fence: Option<Fence>,
    unsettled_since: Option<Instant>,
    pods_read: Option<Instant>,
    status_wanted: Option<Instant>,
    status_written: Option<Instant>,
    failures: u32,
    /// When pods were first seen to be leaving.
    leaving: HashMap<String, Instant>,
    /// Whether some of them were past their grace when pods were read last.
    pub(super) has_overdue: bool,
    /// When pods were first seen to have a server, and nothing begun there.
    unbegun: HashMap<String, Instant>,
    /// When containers were first seen to run and not to be ready.
    unready: HashMap<Attempt, Instant>,
    /// What the resource says is to be done, and the resource that says it: worked out once per change, and
    /// forgotten when it is done.
    order: Option<(Packed, Arc<Order>)>,
    /// What was compared with that and is so.
    pub(super) matches: Matches,
    /// Whether a status has said that all of this Order is written.
    was_done: bool,
    pub(super) troubles: Vec<Finding>,
    /// Drift that was put right and is not in the App's status yet.
    pub(super) unsaid: Vec<Drift>,
    /// Forgotten with another Order, which is carried out at once.
    pub(super) fights: Fights,
    pub(super) futile: BTreeMap<String, BTreeSet<String>>,
}

impl Memory {
    /// Another Order: what was learnt of the one before is of no use.
    pub(super) fn at(&mut self, fence: Option<Fence>) {
        if self.fence != fence {
            let Self { status_written, leaving, has_overdue, unbegun, unready, unsaid, .. } =
                std::mem::take(self);
            *self = Self {
                fence,
                status_written,
                leaving,
                has_overdue,
                unbegun,
                unready,
                unsaid,
                ..Self::default()
            };
        }
    }

    /// Whether all of this Order was written once, also where the newest status does not say so any more.
    pub(super) fn was_done(&mut self, status: Option<&Status>) -> bool {
        let says_so = status.zip(self.fence).is_some_and(|(status, fence)| is_done(status, fence));
        self.was_done |= says_so;
        self.was_done
    }

    /// What `body` was found to say.
    pub(super) fn order(&self, body: &Packed) -> Option<Arc<Order>> {
        self.order.as_ref().filter(|(of, _)| of == body).map(|(_, order)| order.clone())
    }

    pub(super) fn found(&mut self, body: Packed, order: Arc<Order>) {
        self.order = Some((body, order));
        self.matches = Matches::default();
    }

    /// How long to wait before `new` is written, in place of `old`. What only says how far it is comes out of
    /// `progress`, which all Apps of the data center share: each such word costs its API server as much as half a
    /// publish, and a thousand Apps on their way are not followed second by second.
    pub(super) fn hold_back(
        &mut self,
        new: &Status,
        old: Option<&Status>,
        progress: &Budget,
    ) -> Option<Duration> {
        let now = Instant::now();
        let said = |drift: &&Drift| old.is_some_and(|old| old.drift.contains(drift));
        self.unsaid = new.drift.iter().filter(|drift| !said(drift)).cloned().collect();
        let wanted = *self.status_wanted.get_or_insert(now);
        let after_last = |pause: Duration| self.status_written.map_or(now, |written| written + pause);
        let is_urgent = is_settled(new) || says_more(new, old);
        let due = if is_urgent {
            after_last(BETWEEN)
        } else {
            let age = self.unsettled_since.map_or(Duration::ZERO, |since| since.elapsed());
            after_last(BETWEEN_PROGRESS.max(age / 10)).max(wanted + FIRST_PROGRESS)
        };
        let wait = due.saturating_duration_since(now);
        if !wait.is_zero() {
            return Some(wait);
        }
        (!is_urgent && !progress.take()).then_some(BETWEEN_PROGRESS)
    }

    pub(super) fn wrote_status(&mut self) {
        self.status_wanted = None;
        self.status_written = Some(Instant::now());
        self.unsaid.clear();
    }

    /// Notes whether more is to come; gives how long to wait for it before looking again.
    pub(super) fn unsettled(&mut self, at_least: Duration) -> Duration {
        let since = *self.unsettled_since.get_or_insert_with(Instant::now);
        // The longer it takes, the less a second more matters.
        (since.elapsed() / 5).clamp(at_least, at_least.max(Duration::from_secs(10)))
    }

    pub(super) fn settled(&mut self) {
        self.unsettled_since = None;
        self.status_wanted = None;
        self.pods_read = None;
        self.order = None;
        self.matches = Matches::default();
        self.leaving = HashMap::new();
        self.has_overdue = false;
        self.unbegun = HashMap::new();
        self.unready = HashMap::new();
    }

    /// Whether to read pods for the sake of knowing why.
    pub(super) fn is_curious(&self) -> bool {
        let Some(since) = self.unsettled_since else { return false };
        let pause = (since.elapsed() / 10).clamp(Duration::from_secs(5), Duration::from_mins(1));
        since.elapsed() >= CURIOUS_AFTER && self.pods_read.is_none_or(|read| read.elapsed() >= pause)
    }

    /// Notes since when pods are leaving or starting, by our own clock: two machines' times are never compared.
    pub(super) fn read_pods(&mut self, pods: &mut [Pod]) {
        let now = Instant::now();
        self.pods_read = Some(now);
        note(&mut self.leaving, pods.iter().filter(|pod| pod.is_leaving), now);
        note(&mut self.unbegun, pods.iter().filter(|pod| pod.is_unbegun), now);
        for pod in pods.iter_mut() {
            pod.is_stuck = self.unbegun.get(&pod.uid).is_some_and(|since| now - *since >= MOUNTED_AFTER);
            // A server takes a moment to say that a pod has gone.
            let grace = Duration::from_secs(pod.grace) + Duration::from_secs(10);
            pod.is_overdue = self.leaving.get(&pod.uid).is_some_and(|since| now - *since > grace);
        }
        self.has_overdue = pods.iter().any(|pod| pod.is_overdue);
        let known = std::mem::take(&mut self.unready);
        for pod in pods {
            for container in &mut pod.containers {
                if container.is_ready || !container.is_running {
                    continue;
                }
                let attempt =
                    (pod.uid.clone(), container.name.clone(), container.restarts, container.has_started);
                let since = known.get(&attempt).copied().unwrap_or(now);
                container.is_late = now - since > container.patience;
                self.unready.insert(attempt, since);
            }
        }
    }

    /// How long to wait before trying again.
    pub(super) fn failed(&mut self) -> Duration {
        let pause = Duration::from_millis(200) * 2_u32.pow(self.failures.min(8));
        self.failures += 1;
        pause.min(Duration::from_secs(30))
    }

    pub(super) fn succeeded(&mut self) {
        self.failures = 0;
        self.troubles.clear();
    }
}

/// Keeps of these pods since when they are so, and forgets the others.
fn note<'a>(since: &mut HashMap<String, Instant>, pods: impl Iterator<Item = &'a Pod>, now: Instant) {
    let known = std::mem::take(since);
    *since = pods.map(|pod| (pod.uid.clone(), known.get(&pod.uid).copied().unwrap_or(now))).collect();
}

/// Whether `new` says something that a person would want to know at once.
fn says_more(new: &Status, old: Option<&Status>) -> bool {
    let reasons = |status: &Status| -> Vec<String> {
        status.findings.iter().map(|finding| finding.reason.clone()).collect()
    };
    match old {
        None => !new.findings.is_empty(),
        Some(old) => {
            reasons(new) != reasons(old)
                || new.drift != old.drift
                || is_settled(old) && old.fence == new.fence
        }
    }
}

#[cfg(test)]
mod tests {
    use plimsoll_core::cluster::{Applied, Replicas};
    use plimsoll_core::ledger::Revision;
    use serde_json::json;

    use super::*;

    fn status(revision: u64, updated: u32) -> Status {
        let all =
            Replicas { ordered: 3, updated, ready: updated, available: updated, old: 0, terminating: 0 };
        Status {
            fence: Fence { epoch: 1, revision: Revision(revision) },
            replicas: all,
            applied: Applied::Current,
            findings: Vec::new(),
            drift: Vec::new(),
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_quick_change_is_worth_one_word() {
        let (mut memory, budget) = (Memory::default(), Budget::new(10));
        let before = status(1, 3);
        let mut wait = |now: &Status| memory.hold_back(now, Some(&before), &budget);
        assert_eq!(wait(&status(2, 0)), Some(FIRST_PROGRESS));
        tokio::time::advance(Duration::from_millis(100)).await;
        assert_eq!(wait(&status(2, 2)), Some(Duration::from_millis(400)));
        assert_eq!(wait(&status(2, 3)), None);
    }

    #[tokio::test(start_paused = true)]
    async fn a_slow_change_is_told_ever_more_rarely_and_trouble_at_once() {
        let (mut memory, budget) = (Memory::default(), Budget::new(10));
        let before = status(1, 3);
        memory.unsettled(Duration::ZERO);
        memory.hold_back(&status(2, 0), Some(&before), &budget);
        tokio::time::advance(FIRST_PROGRESS).await;
        assert_eq!(memory.hold_back(&status(2, 1), Some(&before), &budget), None);
        memory.wrote_status();
        tokio::time::advance(BETWEEN).await;
        let said = status(2, 1);
        let wait = memory.hold_back(&status(2, 2), Some(&said), &budget);
        assert_eq!(wait, Some(Duration::from_millis(1700)));
        tokio::time::advance(Duration::from_mins(1)).await;
        memory.wrote_status();
        let wait = memory.hold_back(&status(2, 2), Some(&said), &budget);
        assert_eq!(wait, Some(Duration::from_millis(6080)));
        tokio::time::advance(BETWEEN).await;
        let mut trouble = status(2, 2);
        trouble.findings.push(Finding {
            reason: "CrashLoop".to_owned(),
            message: String::new(),
            fatal: plimsoll_core::cluster::Fatal::No,
        });
        assert_eq!(memory.hold_back(&trouble, Some(&said), &budget), None);
    }

    #[tokio::test(start_paused = true)]
    async fn what_only_says_how_far_many_are_is_said_of_some_and_the_end_is_said_of_all() {
        let budget = Budget::new(10);
        let before = status(1, 3);
        let mut memories: Vec<Memory> = (0..100).map(|_| Memory::default()).collect();
        let mut written = |now: &Status| {
            memories.iter_mut().filter_map(|memory| memory.hold_back(now, Some(&before), &budget)).count()
        };
        assert_eq!(written(&status(2, 0)), 100, "all wait for the first word");
        tokio::time::advance(FIRST_PROGRESS).await;
        assert_eq!(written(&status(2, 1)), 90);
        assert_eq!(written(&status(2, 3)), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn a_pod_is_overdue_by_our_own_clock() {
        let mut memory = Memory::default();
        let mut pods = [Pod { uid: "a".to_owned(), is_leaving: true, grace: 30, ..Pod::default() }];
        memory.read_pods(&mut pods);
        tokio::time::advance(Duration::from_secs(35)).await;
        memory.read_pods(&mut pods);
        assert!(!pods[0].is_overdue);
        tokio::time::advance(Duration::from_secs(10)).await;
        memory.read_pods(&mut pods);
        assert!(pods[0].is_overdue && memory.has_overdue);
        memory.at(Some(Fence { epoch: 1, revision: Revision(2) }));
        assert!(memory.has_overdue, "it is stuck whatever is ordered");
        memory.read_pods(&mut []);
        assert!(!memory.has_overdue);
    }

    #[tokio::test(start_paused = true)]
    async fn a_pod_is_stuck_when_mounting_has_had_its_time() {
        let mut memory = Memory::default();
        let mut pods = [Pod { uid: "a".to_owned(), is_unbegun: true, ..Pod::default() }];
        for (after, is_stuck) in [(0, false), (2, false), (1, true)] {
            tokio::time::advance(Duration::from_secs(after)).await;
            memory.read_pods(&mut pods);
            assert_eq!(pods[0].is_stuck, is_stuck);
        }
        pods[0].is_unbegun = false;
        memory.read_pods(&mut pods);
        assert!(!pods[0].is_stuck);
    }

    #[tokio::test(start_paused = true)]
    async fn a_container_is_late_when_its_probes_have_had_their_time() {
        let startup = json!({"initialDelaySeconds": 20, "periodSeconds": 5, "failureThreshold": 40});
        let readiness = json!({"periodSeconds": 20, "failureThreshold": 4});
        let table = [
            (json!({"name": "app"}), true, 30),
            (json!({"name": "app", "readinessProbe": {"periodSeconds": 1}}), true, 30),
            (json!({"name": "app", "readinessProbe": readiness}), true, 80),
            (json!({"name": "app", "readinessProbe": readiness, "startupProbe": startup}), false, 300),
            // What was left of its start no longer counts.
            (json!({"name": "app", "readinessProbe": readiness, "startupProbe": startup}), true, 80),
        ];
        for (spec, started, patience) in table {
            let status = json!({
                "name": "app", "ready": false, "restartCount": 0, "started": started, "state": {"running": {}},
            });
            let pod = json!({
                "metadata": {"name": "p", "uid": "p"}, "spec": {"containers": [spec]},
                "status": {"containerStatuses": [status]},
            });
            let mut memory = Memory::default();
            let mut pods = [Pod::new(&pod)];
            for (after, is_late) in [(0, false), (patience, false), (1, true)] {
                tokio::time::advance(Duration::from_secs(after)).await;
                memory.read_pods(&mut pods);
                assert_eq!(pods[0].containers[0].is_late, is_late, "{after} s, {spec}");
            }
            // It was ended, and is at its beginning again.
            pods[0].containers[0].restarts = 1;
            memory.read_pods(&mut pods);
            assert!(!pods[0].containers[0].is_late);
        }
    }
}
