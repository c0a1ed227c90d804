//! What is said of an App: counts, and whether everything that was ordered is written and seen.

use plimsoll_core::cluster::{Applied, Drift, Fence, Finding, Replicas, Status};
use plimsoll_core::name::AppUid;

use super::observed::Rollout;
use super::{Desired, Observed, finding};
use crate::render::{self, Kind, Rendering};

/// Whether `status` says that everything was written for this very Order.
pub(crate) fn is_done(status: &Status, fence: Fence) -> bool {
    status.fence == fence && status.applied == Applied::Current
}

/// Whether nothing more is to come by itself.
pub(crate) fn is_settled(status: &Status) -> bool {
    let Replicas { ordered, updated, ready, available, old, terminating } = status.replicas;
    match status.applied {
        Applied::Pending => false,
        Applied::Gone => true,
        Applied::Current => {
            ordered == updated && ordered == ready && ordered == available && old == 0 && terminating == 0
        }
    }
}

/// Whether the Deployment's own controller has seen what was written.
pub(super) fn is_caught_up(observed: &Observed, uid: AppUid) -> bool {
    rollout(observed, uid).is_some_and(|rollout| rollout.observed_generation >= rollout.generation)
}

/// Whether the Deployment alone cannot tell: that no pod is left, that none is still going (older servers do
/// not say it), or why it does not become healthy.
pub(super) fn needs_pods(desired: &Desired, observed: &Observed) -> bool {
    let Some(rollout) = rollout(observed, desired.uid) else { return false };
    let was_settled = was_settled(observed, desired.fence);
    if rollout.observed_generation < rollout.generation {
        return false;
    }
    if observed.has_overdue && rollout.terminating != Some(0) {
        // The server counts those that are stuck, and which they are only the pods say. Taking its word now
        // and theirs then, the App would be healthy and not, for ever.
        return true;
    }
    if rollout.ordered == 0 {
        let is_going = rollout.replicas > 0 || rollout.terminating.is_some_and(|count| count > 0);
        return if is_going { observed.curious } else { !was_settled };
    }
    if !is_complete(rollout) {
        return observed.curious;
    }
    match rollout.terminating {
        None => !was_settled,
        Some(0) => false,
        Some(_) => observed.curious,
    }
}

fn was_settled(observed: &Observed, fence: Fence) -> bool {
    observed.status.as_ref().is_some_and(|status| status.fence == fence && is_settled(status))
}

fn is_complete(rollout: &Rollout) -> bool {
    let Rollout { ordered, replicas, updated, ready, available, .. } = rollout;
    [replicas, updated, ready, available].into_iter().all(|count| count == ordered)
}

/// What is said of an App that is ordered to be there.
pub(super) fn status(
    desired: &Desired,
    rendering: &Rendering,
    observed: &Observed,
    is_written: bool,
    drift: Vec<Drift>,
) -> Status {
    let mut replicas = counts(observed, desired.uid);
    let rollout = rollout(observed, desired.uid);
    if rollout.is_none() {
        replicas.ordered = match rendering.replicas {
            render::Replicas::Fixed(replicas) => replicas,
            render::Replicas::Between { min, max: _ } => min,
        };
    }
    let applied = match rollout {
        Some(rollout) if is_written && rollout.observed_generation >= rollout.generation => {
            if rollout.ordered > 0 || is_empty(rollout, observed, desired.fence) {
                Applied::Current
            } else {
                Applied::Pending
            }
        }
        _ => Applied::Pending,
    };
    let mut status = Status { fence: desired.fence, replicas, applied, findings: Vec::new(), drift };
    status.findings = finding::findings(observed, rollout, is_settled(&status));
    status
}

/// Zero pods in a fresh, complete list: that of now, or that of when this was said of the same Order.
fn is_empty(rollout: &Rollout, observed: &Observed, fence: Fence) -> bool {
    match &observed.pods {
        Some(pods) => pods.is_empty(),
        None => rollout.replicas == 0 && was_settled(observed, fence),
    }
}

/// What is said of an App that must not be touched.
pub(super) fn untouched(fence: Fence, trouble: Finding, observed: &Observed) -> Status {
    let deployment = observed.objects.iter().find(|live| live.kind == Kind::Deployment);
    let replicas =
        deployment.and_then(|live| live.app_uid).map_or_else(Replicas::default, |uid| counts(observed, uid));
    Status {
        fence,
        replicas,
        applied: Applied::Pending,
        findings: vec![trouble],
        drift: observed.status.as_ref().map(|status| status.drift.clone()).unwrap_or_default(),
    }
}

/// Whether pods are there that were told to go, after their grace.
pub(super) fn has_overdue(observed: &Observed) -> bool {
    observed.pods.iter().flatten().any(|pod| pod.is_overdue)
}

/// What the Deployment says of its pods, corrected by the pods themselves where they were read.
pub(super) fn counts(observed: &Observed, uid: AppUid) -> Replicas {
    let read = observed.pods.as_deref();
    let leaving = read.map(|pods| {
        let within_grace = pods.iter().filter(|pod| pod.is_leaving && !pod.is_overdue).count();
        u32::try_from(within_grace).unwrap_or(u32::MAX)
    });
    let Some(rollout) = rollout(observed, uid) else {
        return Replicas { terminating: leaving.unwrap_or(0), ..Replicas::default() };
    };
    Replicas {
        ordered: rollout.ordered,
        updated: rollout.updated,
        ready: rollout.ready,
        available: rollout.available,
        old: rollout.replicas.saturating_sub(rollout.updated),
        terminating: leaving.or(rollout.terminating).unwrap_or(0),
    }
}

fn rollout(observed: &Observed, uid: AppUid) -> Option<&Rollout> {
    observed.of(Kind::Deployment, uid)?.rollout.as_ref()
}
