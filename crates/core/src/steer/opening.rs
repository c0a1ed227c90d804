//! Gates, and what is written when one opens.

use super::assess::{Shut, differs, diverged, owed, shut};
use super::{Scene, Step, evidence, relies_on_operation, write};
use crate::gate::{Gate, gate};
use crate::image::{IMAGE_NOT_FOUND, IMAGE_NOT_THERE, Preflight};
use crate::order::{Before, Brings, order_for};
use crate::record::{Draft, OperationParts, Ordered, Outcome, OutcomeState, Pace, Spent, Stored, Track, key};

/// Whether an Operation's Order is yet to be written here.
pub(super) fn needs_gate(scene: &Scene, parts: &OperationParts, outcome: &Outcome) -> bool {
    if parts.operation.pace == Pace::AtOnce {
        return false;
    }
    match outcome.state {
        OutcomeState::Waiting => true,
        // It was owed, or went its own way, before its gate opened: the Order is still of something older.
        OutcomeState::Owed | OutcomeState::Diverged => !is_ordered(scene, parts),
        // It failed before anything was ordered, and somebody said that it is to go on.
        OutcomeState::Failed => {
            outcome.order.is_none()
                && !outcome.has_failed(&parts.plain_control())
                && !is_ordered(scene, parts)
        }
        _ => false,
    }
}

/// Whether the present Order is this Operation's, or came after it.
fn is_ordered(scene: &Scene, parts: &OperationParts) -> bool {
    let Some(order) = &scene.order else { return false };
    if order.value.uid != parts.operation.uid {
        return false;
    }
    match parts.operation.kind.track() {
        Track::Release => order.value.release() == Some(parts.operation.release),
        // A gated scale or online is in the Order as soon as the Order was written after it was accepted.
        Track::Scale | Track::Power | Track::Restart => order.value.operation >= parts.operation.id,
    }
}

pub(super) fn at_the_gate(
    scene: &Scene,
    parts: &OperationParts,
    outcome: &Stored<Outcome>,
) -> Result<Option<Step>, serde_json::Error> {
    let dc = &scene.dc.value.name;
    if let Some(local) = scene.local().filter(|_| shut(scene).is_none()) {
        let after = diverged(&outcome.value, local, scene.now, outcome.value.spent);
        let stands = outcome.value.state == after.state;
        return if stands { Ok(None) } else { write(scene, parts, outcome, &after).map(Some) };
    }
    let closed = match shut(scene) {
        Some(closed) => closed,
        None => match gate(
            &parts.operation,
            dc,
            scene.dc.value.state,
            &parts.plain_control(),
            &parts.plain_outcomes(),
            parts.end.as_ref().map(|end| &end.value),
        ) {
            Gate::Open => return through(scene, parts, outcome),
            Gate::Closed(_) if outcome.value.state != OutcomeState::Waiting => {
                // It is back, and its turn has not come.
                let after = Outcome {
                    state: OutcomeState::Waiting,
                    reason: None,
                    message: None,
                    since: scene.now,
                    ..outcome.value.clone()
                };
                return write(scene, parts, outcome, &after).map(Some);
            }
            Gate::Closed(_) => return Ok(None),
            Gate::Shut(why) => Shut { reason: "Cordoned", why },
        },
    };
    let after = owed(&outcome.value, closed, scene.now, outcome.value.spent);
    if !differs(&outcome.value, &after, &parts.operation.policy) {
        return Ok(None);
    }
    write(scene, parts, outcome, &after).map(Some)
}

/// What comes next where a gate is open: the images of a Release come before it. What brings no Release needs none but
/// those that are there.
fn through(
    scene: &Scene,
    parts: &OperationParts,
    outcome: &Stored<Outcome>,
) -> Result<Option<Step>, serde_json::Error> {
    let (state, reason, why) = match &scene.preflight {
        _ if parts.operation.kind.track() != Track::Release => {
            return open_gate(scene, parts, outcome).map(Some);
        }
        Preflight::Ready => return open_gate(scene, parts, outcome).map(Some),
        Preflight::Unknown => return Ok(Some(Step::Prepare)),
        Preflight::Looking => return Ok(None),
        Preflight::Copying(why) => (OutcomeState::Waiting, IMAGE_NOT_THERE, why),
        Preflight::Missing(why) => (OutcomeState::Failed, IMAGE_NOT_FOUND, why),
        Preflight::Silent(kind, why) => (OutcomeState::Owed, kind.reason(), why),
    };
    let before = &outcome.value;
    let after = Outcome {
        state,
        reason: Some(reason.to_owned()),
        message: Some(why.clone()),
        since: if before.state == state { before.since } else { scene.now },
        round: if state == OutcomeState::Failed { parts.plain_control().round } else { before.round },
        ..before.clone()
    };
    if !differs(before, &after, &parts.operation.policy) {
        return Ok(None);
    }
    write(scene, parts, outcome, &after).map(Some)
}

/// Opening a gate is one transaction: the Order and `Sent`, on everything that the gate was judged by.
fn open_gate(
    scene: &Scene,
    parts: &OperationParts,
    outcome: &Stored<Outcome>,
) -> Result<Step, serde_json::Error> {
    let Some(app) = &scene.app else { return Ok(Step::Rest(None)) };
    let dc = &scene.dc.value.name;
    let before = scene.order.as_ref().map(|order| Before {
        order: &order.value,
        settled: scene.settled,
        proven: scene.proven.as_ref().map(|proven| &proven.value),
    });
    // Only what brings a Release moves the Order's; scale and online leave it where it is.
    let (release, content) =
        match (parts.operation.kind.track(), scene.order.as_ref().map(|order| &order.value.ordered)) {
            (Track::Release, _) | (_, None | Some(Ordered::Deleted)) => {
                (app.value.head, app.value.head_content)
            }
            (_, Some(Ordered::Run { release, content, .. })) => (*release, *content),
        };
    let order = order_for(
        &app.value,
        dc,
        Brings { release, content, pulls: scene.pulls.clone() },
        before,
        scene.installation.value.epoch,
        parts.operation.id,
    );
    let mut draft = Draft::default();
    draft.relies(key::INSTALLATION, scene.installation.revision);
    draft.relies(key::dc(dc), scene.dc.revision);
    draft.relies(key::app(&app.value.app), app.revision);
    evidence::rely(&mut draft, scene, &app.value.app);
    relies_on_operation(&mut draft, parts, Some(dc));
    let order_key = key::order(&app.value.app, dc);
    match &scene.order {
        Some(before) => draft.replace(order_key, before.revision, &order)?,
        None => draft.create(order_key, &order)?,
    }
    let sent = Outcome {
        state: OutcomeState::Sent,
        reason: None,
        message: None,
        since: scene.now,
        order: None,
        spent: Spent::default(),
        round: outcome.value.round,
    };
    draft.replace(key::outcome(parts.operation.id, dc), outcome.revision, &sent)?;
    Ok(Step::Commit(draft.into()))
}
