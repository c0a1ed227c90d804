//! What shows that a content is good in a data center, and is kept as such.

use super::opening::needs_gate;
use super::{Scene, Step, matters};
use crate::fold::is_good;
use crate::health::{Verdict as Judgement, judge};
use crate::ledger::Compare;
use crate::live::Sight;
use crate::record::{
    Draft, Good, OperationParts, Order, Ordered, Outcome, OutcomeState, Pace, Proven, Stored, Track, key,
};

/// Keeps, with the outcome `after` of an Operation, that what is ordered is good, if that is what it says.
pub(super) fn add(
    draft: &mut Draft,
    scene: &Scene,
    parts: &OperationParts,
    after: &Outcome,
) -> Result<(), serde_json::Error> {
    let Some(order) = scene.order.as_ref().filter(|order| order.value.uid == parts.operation.uid) else {
        return Ok(());
    };
    let waits_for_another = || {
        let others = scene.operations.iter().filter(|other| other.operation.id != parts.operation.id);
        others.filter(|other| matters(scene, other)).any(|other| has_the_say(scene, other))
    };
    if is_good(after, &parts.operation.policy) && !waits_for_another() {
        note(draft, scene, order)?;
    }
    Ok(())
}

/// Whether this Operation brings what is ordered and has not come to a judgement: its soak is the one that
/// counts, and a scale or a restart in the middle of it, which know none, prove nothing.
fn has_the_say(scene: &Scene, parts: &OperationParts) -> bool {
    let brings = parts.operation.kind.track() == Track::Release || parts.operation.pace == Pace::Gated;
    let outcome = parts.outcomes.get(&scene.dc.value.name).map(|outcome| &outcome.value);
    brings
        && outcome.is_some_and(|outcome| match outcome.state {
            OutcomeState::Healthy => !is_good(outcome, &parts.operation.policy),
            OutcomeState::Done | OutcomeState::Superseded | OutcomeState::Diverged => false,
            OutcomeState::Waiting | OutcomeState::Owed => !needs_gate(scene, parts, outcome),
            OutcomeState::Sent | OutcomeState::Progressing | OutcomeState::Failed => true,
        })
}

/// Keeps that what is ordered is good, where no Operation says anything about it.
pub(super) fn of_nobody(scene: &Scene) -> Result<Option<Step>, serde_json::Error> {
    let dc = &scene.dc.value.name;
    let Some(order) = scene.order.as_ref().filter(|_| scene.settled.is_none() && scene.unreachable.is_none())
    else {
        return Ok(None);
    };
    let followed =
        scene.operations.iter().filter(|parts| matters(scene, parts)).any(|parts| {
            parts.outcomes.get(dc).is_some_and(|outcome| !needs_gate(scene, parts, &outcome.value))
        });
    let sight = scene.resource.as_ref().map(Sight::from);
    let fence = order.value.fence(order.revision);
    if followed || judge(&order.value, fence, sight.as_ref()) != Judgement::Healthy {
        return Ok(None);
    }
    let mut draft = Draft::default();
    if !note(&mut draft, scene, order)? {
        return Ok(None);
    }
    match &scene.app {
        Some(app) => draft.relies(key::order(&app.value.app, dc), order.revision),
        None => return Ok(None),
    }
    Ok(Some(Step::Commit(draft.into())))
}

/// Adds to a transaction that what is ordered is good; false where that is known.
fn note(draft: &mut Draft, scene: &Scene, order: &Stored<Order>) -> Result<bool, serde_json::Error> {
    let Some(app) = scene.app.as_ref().filter(|app| app.value.uid == order.value.uid) else {
        return Ok(false);
    };
    let Ordered::Run { release, content, .. } = order.value.ordered else { return Ok(false) };
    let good = Good { release, content };
    let before = scene.proven.as_ref();
    if before.is_some_and(|proven| proven.value.begins_with(order.value.uid, &good)) {
        return Ok(false);
    }
    let proven = Proven::with(before.map(|proven| &proven.value), order.value.uid, &good);
    let key = key::proven(&app.value.app, &scene.dc.value.name);
    match before {
        Some(before) => draft.replace(key, before.revision, &proven)?,
        None => draft.create(key, &proven)?,
    }
    Ok(true)
}

/// Compares what was known to be good here.
pub(super) fn rely(draft: &mut Draft, scene: &Scene, app: &crate::name::AppRef) {
    let key = key::proven(app, &scene.dc.value.name);
    match &scene.proven {
        Some(proven) => draft.relies(key, proven.revision),
        None => draft.requires(Compare::Absent(key)),
    }
}
