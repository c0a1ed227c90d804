//! How an outcome stands by what is seen now, with the time that has been measured.

use std::time::Duration;

use jiff::Timestamp;

use super::{HELD, Scene};
use crate::cluster::{Fatal, Fence, Finding, Local};
use crate::fold::is_good;
use crate::health::{Verdict as Judgement, judge};
use crate::live::Sight;
use crate::policy::PublishPolicy;
use crate::record::{Control, Kind, OperationParts, Order, Outcome, OutcomeState, Spent, Stored};

/// How the outcome stands by what is seen now, with the time that has been measured.
pub(super) fn assess(
    scene: &Scene,
    parts: &OperationParts,
    before: &Stored<Outcome>,
    order: &Stored<Order>,
    stood: Duration,
) -> Outcome {
    let control = parts.plain_control();
    // Once failed it stays so until somebody tells the Operation to go on, or takes its place.
    if before.value.has_failed(&control) {
        return before.value.clone();
    }
    let again =
        (before.value.state == OutcomeState::Failed).then(|| once_more(&before.value, &control, scene.now));
    let (before, spent) = match &again {
        Some(again) => (again, Spent::default()),
        None => (&before.value, spend(&before.value, stood)),
    };
    let fence = order.value.fence(order.revision);
    let is = |state, finding: Option<&Finding>, spent| Outcome {
        state,
        reason: finding.map(|finding| finding.reason.clone()),
        message: finding.map(|finding| finding.message.clone()),
        since: if state == before.state { before.since } else { scene.now },
        order: Some(order.revision),
        spent,
        round: if state == OutcomeState::Failed { control.round } else { before.round },
    };
    if let Some(shut) = shut(scene) {
        return owed(before, shut, scene.now, spent);
    }
    if let Some(local) = scene.local() {
        return diverged(before, local, scene.now, spent);
    }
    let sight = scene.resource.as_ref().map(Sight::from);
    let no_soak = Spent { soaked: Duration::ZERO, ..spent };
    let waiting = |state, finding: Option<&Finding>| {
        // A deletion is never given up: what hinders it may go at any time.
        if parts.operation.kind != Kind::Delete && spent.running >= parts.operation.policy.deadline {
            return is(
                OutcomeState::Failed,
                Some(&too_late(parts.operation.policy.deadline, finding)),
                no_soak,
            );
        }
        is(state, finding, no_soak)
    };
    if let Some(ahead) = sight.as_ref().filter(|sight| sight.fence > fence || scene.is_unheld) {
        return waiting(OutcomeState::Sent, Some(&ahead_of_ledger(ahead.fence, fence)));
    }
    match judge(&order.value, fence, sight.as_ref()) {
        Judgement::Healthy => {
            let soaked = Spent { soaked: spent.soaked.min(parts.operation.policy.soak), ..spent };
            is(OutcomeState::Healthy, None, soaked)
        }
        Judgement::Done => is(OutcomeState::Done, None, no_soak),
        // Whoever said that it is to go on may have mended it a moment ago: the deadline is theirs again.
        Judgement::Hopeless(finding) if before.round > 0 => {
            waiting(OutcomeState::Progressing, Some(&finding))
        }
        Judgement::Hopeless(finding) => is(OutcomeState::Failed, Some(&finding), no_soak),
        Judgement::Progressing(finding) => waiting(OutcomeState::Progressing, finding.as_ref()),
        Judgement::Unseen => waiting(OutcomeState::Sent, scene.trouble.as_deref().map(not_taken).as_ref()),
    }
}

/// The beginning of another try: what was ordered stands, and the deadline begins anew.
fn once_more(failed: &Outcome, control: &Control, now: Timestamp) -> Outcome {
    Outcome {
        state: OutcomeState::Sent,
        reason: None,
        message: None,
        since: now,
        order: failed.order,
        spent: Spent::default(),
        round: control.round,
    }
}

fn not_taken(why: &str) -> Finding {
    Finding { reason: "NotDelivered".to_owned(), message: why.to_owned(), fatal: Fatal::No }
}

fn ahead_of_ledger(there: Fence, ordered: Fence) -> Finding {
    let what = if there > ordered {
        format!("the fence {there}, which is above the ledger's")
    } else {
        "a content that the ledger never held".to_owned()
    };
    Finding {
        reason: "AheadOfLedger".to_owned(),
        message: format!(
            "the app resource there carries {what}: nothing is delivered until an operator removes that resource; its \
             pods stay"
        ),
        fatal: Fatal::No,
    }
}

/// The deadline is over: the reason is the cause, as far as it is known.
fn too_late(deadline: Duration, finding: Option<&Finding>) -> Finding {
    let cause = finding.filter(|finding| finding.reason != Finding::LATE);
    let why = match cause {
        Some(finding) => finding.message.as_str(),
        None => "the data center has not said why",
    };
    Finding {
        reason: cause.map_or_else(|| "DeadlineExceeded".to_owned(), |finding| finding.reason.clone()),
        message: format!("not healthy within {}: {why}", crate::duration::format(deadline)),
        fatal: Fatal::Yes,
    }
}

/// Why a data center may not be written to at all.
pub(super) struct Shut {
    /// A stable key.
    pub(super) reason: &'static str,
    /// For people.
    pub(super) why: String,
}

/// That it is held goes before that it does not answer: it is what somebody has to decide.
pub(super) fn shut(scene: &Scene) -> Option<Shut> {
    if let Some(why) = scene.dc.value.closed() {
        return Some(Shut { reason: HELD, why });
    }
    scene.unreachable.clone().map(|why| Shut { reason: "Unreachable", why })
}

pub(super) fn owed(before: &Outcome, Shut { reason, why }: Shut, now: Timestamp, spent: Spent) -> Outcome {
    Outcome {
        state: OutcomeState::Owed,
        reason: Some(reason.to_owned()),
        message: Some(why),
        since: if before.state == OutcomeState::Owed { before.since } else { now },
        order: before.order,
        spent: Spent { soaked: Duration::ZERO, ..spent },
        round: before.round,
    }
}

/// A data center that goes its own way since a person said so there.
pub(super) fn diverged(before: &Outcome, local: &Local, now: Timestamp, spent: Spent) -> Outcome {
    Outcome {
        state: OutcomeState::Diverged,
        reason: Some(Local::REASON.to_owned()),
        message: Some(local.sentence()),
        since: if before.state == OutcomeState::Diverged { before.since } else { now },
        order: before.order,
        spent: Spent { soaked: Duration::ZERO, ..spent },
        round: before.round,
    }
}

/// Adds the time that an outcome stood to what it counts for.
fn spend(outcome: &Outcome, stood: Duration) -> Spent {
    let mut spent = outcome.spent;
    match outcome.state {
        OutcomeState::Sent | OutcomeState::Progressing => spent.running += stood,
        OutcomeState::Healthy => spent.soaked += stood,
        _ => {}
    }
    spent
}

/// Whether an outcome is worth writing: it stands elsewhere, for another reason, or its soak is over. Time
/// that merely passed is not, and neither is another wording of the same reason.
pub(super) fn differs(before: &Outcome, after: &Outcome, policy: &PublishPolicy) -> bool {
    before.state != after.state
        || before.reason != after.reason
        || is_good(before, policy) != is_good(after, policy)
}
