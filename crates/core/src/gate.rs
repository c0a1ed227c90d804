//! "May this data center take the Release now?": a pure function over what the ledger says.

use std::collections::BTreeMap;

use crate::fold::is_good;
use crate::name::DcName;
use crate::policy::{PublishPolicy, Succeed};
use crate::record::{Control, DcState, End, Operation, Outcome, OutcomeState, Pace};

/// The answer for one data center.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Gate {
    /// Now.
    Open,
    /// Not now; why, for people.
    Closed(String),
    /// It may not be written to at all; the outcome is `Owed` for this reason.
    Shut(String),
}

/// The data centers of an Operation in waves: those of the policy, then all others as the last one.
pub fn waves(policy: &PublishPolicy, dcs: &[DcName]) -> Vec<Vec<DcName>> {
    let mut left: Vec<DcName> = dcs.to_vec();
    let mut waves = Vec::new();
    for wave in &policy.waves {
        let (now, later) = left.into_iter().partition::<Vec<_>, _>(|dc| wave.contains(dc));
        left = later;
        waves.push(now);
    }
    waves.push(left);
    waves.retain(|wave| !wave.is_empty());
    waves
}

/// Whether `dc` may take the Order of `operation` now.
///
/// `outcomes` has one per data center that is neither removed nor `Lost`.
pub fn gate(
    operation: &Operation,
    dc: &DcName,
    state: DcState,
    control: &Control,
    outcomes: &BTreeMap<DcName, Outcome>,
    end: Option<&End>,
) -> Gate {
    match state {
        DcState::Active => {}
        DcState::Cordoned => return Gate::Shut(format!("{dc} is cordoned and takes no publish")),
        DcState::Held => return Gate::Shut(format!("{dc} is held until an operator decides")),
        DcState::Lost => return Gate::Shut(format!("{dc} is declared lost")),
    }
    // After its end an Operation still serves those that were owed.
    if end.is_some() || operation.pace == Pace::AtOnce {
        return Gate::Open;
    }
    if let Some(by) = &control.paused_by {
        return Gate::Closed(format!("paused by {by}"));
    }
    if let Some(failed) = blocking_failure(operation, outcomes) {
        return Gate::Closed(format!("stopped, because {failed} failed"));
    }
    for wave in waves(&operation.policy, &operation.dcs) {
        if wave.contains(dc) {
            return Gate::Open;
        }
        let waits_for: Vec<&str> = wave
            .iter()
            .filter(|before| {
                outcomes.get(*before).is_some_and(|outcome| is_awaited(outcome, &operation.policy))
            })
            .map(DcName::as_str)
            .collect();
        if !waits_for.is_empty() {
            return Gate::Closed(format!("waits for {}", waits_for.join(", ")));
        }
    }
    Gate::Open
}

/// Whether later waves wait for this outcome: it may yet become good.
fn is_awaited(outcome: &Outcome, policy: &PublishPolicy) -> bool {
    match outcome.state {
        OutcomeState::Waiting | OutcomeState::Sent | OutcomeState::Progressing => true,
        OutcomeState::Healthy => !is_good(outcome, policy),
        OutcomeState::Failed
        | OutcomeState::Owed
        | OutcomeState::Diverged
        | OutcomeState::Superseded
        | OutcomeState::Done => false,
    }
}

/// A data center whose failure ends the publish: under [`Succeed::AtLeast`] the others may still do.
fn blocking_failure<'a>(
    operation: &Operation,
    outcomes: &'a BTreeMap<DcName, Outcome>,
) -> Option<&'a DcName> {
    let failed =
        outcomes.iter().find(|(_, outcome)| outcome.state == OutcomeState::Failed).map(|(dc, _)| dc)?;
    match operation.policy.succeed {
        Succeed::All => Some(failed),
        Succeed::AtLeast(n) => {
            let lost = outcomes
                .values()
                .filter(|outcome| matches!(outcome.state, OutcomeState::Failed | OutcomeState::Done))
                .count();
            (outcomes.len() - lost < n as usize).then_some(failed)
        }
    }
}
