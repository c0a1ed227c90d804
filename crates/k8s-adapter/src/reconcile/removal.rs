//! Removing what was made for a life of an App, because an Order to delete says so.

use std::time::Duration;

use plimsoll_core::cluster::{Applied, Replicas, Status};
use plimsoll_core::name::AppUid;

use super::{Action, Desired, Observed, finding, health, plan};
use crate::render::Kind;

/// How soon to look again whether pods have gone.
const LEAVING: Duration = Duration::from_secs(1);

pub(super) fn remove(desired: &Desired, observed: &Observed) -> Vec<Action> {
    let lives: Vec<AppUid> = std::iter::once(desired.uid).chain(desired.deleted.iter().copied()).collect();
    let was_gone = observed
        .status
        .as_ref()
        .is_some_and(|status| status.fence == desired.fence && status.applied == Applied::Gone);
    let mut actions = removals(&lives, observed);
    if actions.is_empty() && !is_anything_left(&lives, observed) {
        if was_gone {
            return actions;
        }
        if observed.gone.is_none() {
            return vec![Action::ConfirmGone(lives)];
        }
    }
    let is_gone = actions.is_empty() && observed.gone == Some(true);
    let status = Status {
        fence: desired.fence,
        replicas: if is_gone { Replicas::default() } else { health::counts(observed, desired.uid) },
        applied: if is_gone { Applied::Gone } else { Applied::Pending },
        findings: finding::of_troubles(observed),
        drift: observed.status.as_ref().map(|status| status.drift.clone()).unwrap_or_default(),
    };
    actions.extend(finding::write_if_changed(status, observed));
    if !is_gone {
        actions.push(Action::LookAgain(LEAVING));
    }
    actions
}

/// Deletes what is left of these lives. Config goes after the pods that may still be starting with it.
pub(super) fn removals(lives: &[AppUid], observed: &Observed) -> Vec<Action> {
    let of_lives = |uid: Option<AppUid>| uid.is_some_and(|uid| lives.contains(&uid));
    let mut left: Vec<_> =
        observed.objects.iter().filter(|live| of_lives(live.app_uid) && !live.leaving).collect();
    let is_running = left.iter().any(|live| live.kind == Kind::Deployment);
    if is_running || has_replica_sets(lives, observed) {
        left.retain(|live| live.kind != Kind::ConfigMap);
    }
    // The autoscaler first, so that it does not start pods again; the Deployment before its Service, so that
    // the pods drain while they can still be found.
    let order = |kind: Kind| match kind {
        Kind::HorizontalPodAutoscaler => 0,
        Kind::Deployment => 1,
        Kind::PodDisruptionBudget => 2,
        Kind::Service => 3,
        Kind::ConfigMap => 4,
    };
    left.sort_by_key(|live| order(live.kind));
    left.into_iter().map(plan::delete).collect()
}

/// Whether the garbage collector has yet to take the `ReplicaSet`s of these lives.
pub(super) fn has_replica_sets(lives: &[AppUid], observed: &Observed) -> bool {
    observed.replica_sets.iter().any(|set| set.app_uid.is_some_and(|uid| lives.contains(&uid)))
}

fn is_anything_left(lives: &[AppUid], observed: &Observed) -> bool {
    let of_lives = |uid: Option<AppUid>| uid.is_some_and(|uid| lives.contains(&uid));
    observed.objects.iter().any(|live| of_lives(live.app_uid)) || has_replica_sets(lives, observed)
}
