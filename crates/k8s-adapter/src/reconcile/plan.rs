//! Bringing the objects of an App to what was rendered.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::time::Duration;

use jiff::Timestamp;
use plimsoll_core::cluster::Finding;
use plimsoll_core::name::AppUid;
use serde_json::{Value, json};

use super::drift::Drifted;
use super::{Action, Desired, Had, Live, Matches, Observed, drift, finding, health, removal};
use crate::fields::{Difference, Managers, Sort, compare};
use crate::render::{Kind, Object, Rendering, Replicas};

/// How soon to look again at what is not settled and says nothing.
const UNSETTLED: Duration = Duration::from_secs(1);
/// How soon to look again whether pods that are stuck have gone: nothing need tell it.
const STUCK: Duration = Duration::from_mins(1);

pub(super) fn run(
    desired: &Desired,
    rendering: &Rendering,
    observed: &Observed,
    now: Timestamp,
    matches: &mut Matches,
) -> Vec<Action> {
    // An earlier life has the names that this one needs.
    let earlier = removal::removals(&desired.deleted, observed);
    if !earlier.is_empty() {
        return earlier;
    }
    // What was written for this fence was so: whatever differs from it now, somebody else did.
    let was_done = observed.was_done
        || observed.status.as_ref().is_some_and(|status| health::is_done(status, desired.fence));
    if was_done && !observed.searched {
        let lost = lost(desired.uid, rendering, observed);
        if !lost.is_empty() {
            return vec![Action::FindUnmarked(lost)];
        }
    }
    let mut work = Work {
        uid: desired.uid,
        observed,
        actions: Vec::new(),
        drifted: Vec::new(),
        fights: Vec::new(),
        was_done,
        is_held_up: false,
        matches,
    };
    for map in &rendering.config_maps {
        work.create(map);
    }
    // Before the number of pods changes, or it would change it back.
    if rendering.autoscaler.is_none() {
        work.remove(Kind::HorizontalPodAutoscaler);
    }
    // A Deployment of the same name hides from a garbage collector that was cut off that the one before it is gone: it
    // takes the one for the other, and leaves the pods of the earlier life running for good.
    if removal::has_replica_sets(&desired.deleted, observed) {
        work.is_held_up = true;
    } else {
        work.apply(&rendering.deployment, told(rendering, observed.of(Kind::Deployment, desired.uid)));
    }
    match &rendering.service {
        Some(service) => work.apply(service, None),
        None => work.remove(Kind::Service),
    }
    work.apply(&rendering.disruption_budget, None);
    if let Some(autoscaler) = &rendering.autoscaler {
        work.apply(autoscaler, None);
    }
    let Work { mut actions, drifted, fights, is_held_up, .. } = work;

    let is_written = actions.is_empty() && !is_held_up;
    let needs_pods = is_written && health::needs_pods(desired, observed);
    if needs_pods && observed.pods.is_none() {
        return vec![Action::ReadPods];
    }
    let drift = drift::history(observed, drifted, now);
    let mut status = health::status(desired, rendering, observed, is_written, drift);
    status.findings.splice(0..0, fights);
    if is_written && health::is_caught_up(observed, desired.uid) {
        actions.extend(prune(desired.uid, rendering, observed));
    }
    let settled = health::is_settled(&status);
    actions.extend(finding::write_if_changed(status, observed));
    if !settled {
        actions.push(Action::LookAgain(UNSETTLED));
    } else if health::has_overdue(observed) {
        actions.push(Action::LookAgain(STUCK));
    }
    actions
}

struct Work<'a> {
    uid: AppUid,
    observed: &'a Observed,
    actions: Vec<Action>,
    drifted: Vec<Drifted>,
    /// What is not put right yet, because somebody changes it again each time.
    fights: Vec<Finding>,
    was_done: bool,
    /// Something must go away by itself first.
    is_held_up: bool,
    matches: &'a mut Matches,
}

impl Work<'_> {
    fn create(&mut self, object: &Object) {
        let mut there = self.observed.objects.iter();
        if let Some(live) = there.find(|live| live.kind == object.kind && live.name == object.name) {
            self.is_held_up |= live.leaving;
            if live.unmarked {
                self.drifted.push(Drifted::unmarked(object));
                self.actions.push(Action::Create(object.clone()));
            }
        } else {
            self.missing(object);
            self.actions.push(Action::Create(object.clone()));
        }
    }

    /// Brings an object to what was rendered; a Deployment with the number of pods that it is told.
    fn apply(&mut self, object: &Object, replicas: Option<u32>) {
        let live = self.observed.of(object.kind, self.uid);
        if live.is_some_and(|live| !live.leaving && self.matches.has(live, replicas)) {
            return;
        }
        let object = with_replicas(object, replicas);
        let object = object.as_ref();
        match live {
            // It cannot be changed any more, and must be gone before it can be made again.
            Some(live) if live.leaving => self.is_held_up = true,
            None if self.is_leaving(object) => self.is_held_up = true,
            None => {
                self.missing(object);
                let (object, repairs) = (object.clone(), Vec::new());
                self.actions.push(Action::Apply { object, uid: None, had: Had::Nothing, repairs });
            }
            Some(live) => {
                let there = live.value();
                let managers = Managers::of(&there);
                let found = compare(&object.body, &there, &managers);
                let futile = self.observed.futile.get(&object.title());
                let is_futile = |field: &str| futile.is_some_and(|fields| fields.contains(field));
                if found.iter().all(|difference| is_futile(&difference.field)) {
                    self.matches.note(live, replicas);
                    return;
                }
                let drifted = self.drifted(object, &found, &managers);
                let repairs: Vec<String> = drifted.iter().map(|drifted| drifted.field.clone()).collect();
                let fought = self.observed.fought.get(&object.title());
                let is_fought = |field: &str| fought.is_some_and(|fields| fields.contains(field));
                // To repair anything of it would be to repair that as well.
                let mut fights = found.iter().filter(|difference| is_fought(&difference.field));
                let fight = fights.next().map(|difference| drift::fight(object, difference, &managers));
                self.drifted.extend(drifted);
                if let Some(fight) = fight {
                    self.fights.push(fight);
                    self.is_held_up = true;
                    return;
                }
                let is_added = found.iter().any(|difference| difference.sort == Sort::Added);
                let had = if is_added { Had::Additions } else { Had::Nothing };
                let (object, uid) = (object.clone(), Some(live.uid.clone()));
                self.actions.push(Action::Apply { object, uid, had, repairs });
            }
        }
    }

    fn remove(&mut self, kind: Kind) {
        if let Some(live) = self.observed.of(kind, self.uid).filter(|live| !live.leaving) {
            self.actions.push(delete(live));
        }
    }

    /// Of an earlier life, perhaps: its name is not free yet.
    fn is_leaving(&self, object: &Object) -> bool {
        let mut there = self.observed.objects.iter();
        there.any(|live| live.kind == object.kind && live.name == object.name && live.leaving)
    }

    fn missing(&mut self, object: &Object) {
        if self.was_done {
            self.drifted.push(Drifted::gone(object));
        }
    }

    fn drifted(&self, object: &Object, found: &[Difference], managers: &Managers<'_>) -> Vec<Drifted> {
        let field = |difference| Drifted::field(object, difference, managers, self.was_done);
        found.iter().filter_map(field).collect()
    }
}

/// What there was and is out of sight: because it is gone, or because the mark that it is seen by is.
fn lost(uid: AppUid, rendering: &Rendering, observed: &Observed) -> Vec<Object> {
    let Rendering { config_maps, deployment, service, disruption_budget, autoscaler, replicas: _ } =
        rendering;
    let objects = config_maps.iter().chain([deployment, disruption_budget]).chain(service).chain(autoscaler);
    let is_seen = |object: &Object| {
        let mut there = observed.objects.iter().filter(|live| live.kind == object.kind);
        there.any(|live| live.name == object.name && (live.app_uid == Some(uid) || live.leaving))
    };
    objects.filter(|object| !is_seen(object)).cloned().collect()
}

pub(super) fn delete(live: &Live) -> Action {
    Action::Delete { kind: live.kind, name: live.name.clone(), uid: live.uid.clone() }
}

/// The number of pods that the Deployment is to be told; none where its autoscaler tells.
///
/// A field that is applied no more, and that nobody else owns, falls back to its default: one pod. So the
/// number goes on being applied, as it is there, until the autoscaler has written one itself.
fn told(rendering: &Rendering, live: Option<&Live>) -> Option<u32> {
    match rendering.replicas {
        Replicas::Fixed(replicas) => Some(replicas),
        Replicas::Between { min, max } => match live {
            None => Some(min),
            Some(live) => {
                let now = live.rollout.as_ref().map_or(min, |rollout| rollout.ordered);
                let within = (min..=max).contains(&now);
                (!within || !is_told_by_another(&live.value())).then(|| now.clamp(min, max))
            }
        },
    }
}

fn with_replicas(object: &Object, replicas: Option<u32>) -> Cow<'_, Object> {
    let mut object = Cow::Borrowed(object);
    if let Some(replicas) = replicas {
        object.to_mut().body["spec"]["replicas"] = json!(replicas);
    }
    object
}

fn is_told_by_another(deployment: &Value) -> bool {
    let path = ["f:spec".to_owned(), "f:replicas".to_owned()];
    Managers::of(deployment).other_owner(&path).is_some()
}

/// Config that nobody can need any more: not what is ordered, and no ReplicaSet that could be revived.
fn prune(uid: AppUid, rendering: &Rendering, observed: &Observed) -> Vec<Action> {
    let mut needed: BTreeSet<&str> = rendering.config_maps.iter().map(|map| map.name.as_str()).collect();
    for set in &observed.replica_sets {
        needed.extend(set.config_maps.iter().map(String::as_str));
    }
    observed
        .objects
        .iter()
        .filter(|live| live.kind == Kind::ConfigMap && live.app_uid == Some(uid) && !live.leaving)
        .filter(|live| !needed.contains(live.name.as_str()))
        .map(delete)
        .collect()
}
