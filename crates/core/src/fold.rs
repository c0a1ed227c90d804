//! The state of an Operation: a pure fold over the Operation, its control, its outcomes and its end.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::image::ErrorKind;
use crate::name::DcName;
use crate::policy::{OnFailure, PublishPolicy, Succeed};
use crate::record::{Control, End, EndState, Kind, Operation, Outcome, OutcomeState};

/// How an Operation stands as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum OperationState {
    /// It goes on.
    Running,
    /// A person stopped it for now.
    Paused,
    /// It cannot go on by itself: a failure under `Hold`, or only data centers that are owed could meet the
    /// policy.
    Held,
    /// As its policy asked.
    Succeeded,
    /// As its policy asked; some data centers get it on their return.
    SucceededOwing,
    /// It cannot succeed.
    Failed,
    /// Its automatic rollback took its place.
    RolledBack,
    /// A person ended it.
    Aborted,
    /// A newer Operation took its place.
    Superseded,
}

impl OperationState {
    /// Whether nothing more follows.
    pub fn is_final(self) -> bool {
        !matches!(self, Self::Running | Self::Paused | Self::Held)
    }
}

/// What the fold comes to, with the reason in a sentence where there is one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// The state.
    pub state: OperationState,
    /// Why, for people.
    pub message: Option<String>,
    /// What the worker has to write, if the outcomes say more than is written.
    pub due: Option<Due>,
}

/// What has to be written about an Operation as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Due {
    /// Its end.
    End(EndState),
    /// A rollback in its place.
    Rollback,
}

/// Whether an outcome counts as good: healthy for as long as the policy lets it soak.
pub fn is_good(outcome: &Outcome, policy: &PublishPolicy) -> bool {
    outcome.state == OutcomeState::Healthy && outcome.spent.soaked >= policy.soak
}

/// How the data centers of an Operation divide.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Tally<'a> {
    good: usize,
    done: usize,
    /// Those of the pending ones whose gate is closed.
    waiting: usize,
    pending: usize,
    failed: Vec<(&'a DcName, &'a Outcome)>,
    owed: Vec<&'a DcName>,
    /// Why a registry is waited for, where it is that and no data center.
    registry: Option<&'a str>,
}

fn tally<'a>(
    policy: &PublishPolicy,
    control: &Control,
    outcomes: &'a BTreeMap<DcName, Outcome>,
) -> Tally<'a> {
    let mut tally = Tally::default();
    for (dc, outcome) in outcomes {
        match outcome.state {
            OutcomeState::Healthy if is_good(outcome, policy) => tally.good += 1,
            // `Superseded` stands on deletions alone: the next life of the name was ordered there, and its
            // Order asks for this removal first.
            OutcomeState::Done | OutcomeState::Superseded => tally.done += 1,
            OutcomeState::Failed if outcome.has_failed(control) => tally.failed.push((dc, outcome)),
            OutcomeState::Owed | OutcomeState::Diverged => {
                tally.owed.push(dc);
                if ErrorKind::explains(outcome.reason.as_deref()) {
                    tally.registry = tally.registry.or(outcome.message.as_deref());
                }
            }
            OutcomeState::Waiting => {
                tally.waiting += 1;
                tally.pending += 1;
            }
            OutcomeState::Sent | OutcomeState::Progressing | OutcomeState::Healthy | OutcomeState::Failed => {
                tally.pending += 1;
            }
        }
    }
    tally
}

/// Folds an Operation. `outcomes` holds one per data center that is neither removed nor `Lost`.
pub fn fold(
    operation: &Operation,
    control: &Control,
    outcomes: &BTreeMap<DcName, Outcome>,
    end: Option<&End>,
) -> Standing {
    let tally = tally(&operation.policy, control, outcomes);
    if let Some(end) = end {
        return ended(end, &tally);
    }
    let open = |state, message| Standing { state, message, due: None };
    let due = |state, due, message| Standing { state, message, due: Some(due) };
    if let Some(failure) = failure(operation, &tally) {
        return match operation.policy.on_failure {
            OnFailure::Rollback if operation.fallback.is_some() => {
                due(OperationState::Running, Due::Rollback, Some(failure))
            }
            _ if operation.kind == Kind::Delete => open(OperationState::Running, Some(failure)),
            _ => {
                // Before what goes live first there is nothing to go back to.
                let back = if operation.kind == Kind::GoLive { "" } else { "roll back, " };
                open(OperationState::Held, Some(format!("{failure}; publish a fix, {back}or resume it")))
            }
        };
    }
    // Where every gate has opened there is nothing left to pause.
    let gates_are_left = tally.waiting > 0 || !tally.owed.is_empty();
    if let Some(word) = control.paused.as_ref().filter(|_| gates_are_left) {
        return open(OperationState::Paused, Some(format!("paused by {}", word.who_and_why())));
    }
    if tally.pending > 0 {
        return open(OperationState::Running, None);
    }
    let reached = tally.good > 0 || tally.done > 0;
    let enough = match operation.policy.succeed {
        // What was ordered to have nothing counts neither for nor against.
        Succeed::All => reached,
        Succeed::AtLeast(n) => tally.good >= n as usize || (tally.good == 0 && tally.done > 0),
    };
    match (enough, tally.owed.is_empty()) {
        (true, true) => due(OperationState::Running, Due::End(EndState::Succeeded), None),
        (true, false) => due(
            OperationState::Running,
            Due::End(EndState::SucceededOwing),
            Some(format!("{} gets it on return", list(&tally.owed))),
        ),
        (false, true) => open(
            OperationState::Held,
            Some(format!(
                "{} of the data centers that have any of it are healthy, and the publish policy asks for more than that",
                tally.good
            )),
        ),
        (false, false) => open(
            OperationState::Held,
            Some(match tally.registry {
                Some(why) => {
                    format!("only {} could still meet the publish policy: {why}", list(&tally.owed))
                }
                None => format!(
                    "only {} could still meet the publish policy, and cannot be reached",
                    list(&tally.owed)
                ),
            }),
        ),
    }
}

fn ended(end: &End, tally: &Tally<'_>) -> Standing {
    let (state, due) = match end.state {
        EndState::Succeeded => (OperationState::Succeeded, None),
        // The end stays as it was written; that nobody is owed any more shows in the outcomes.
        EndState::SucceededOwing
            if tally.owed.is_empty() && tally.pending == 0 && tally.failed.is_empty() =>
        {
            (OperationState::Succeeded, None)
        }
        EndState::SucceededOwing => (OperationState::SucceededOwing, None),
        EndState::Failed => (OperationState::Failed, None),
        EndState::RolledBack => (OperationState::RolledBack, None),
        EndState::Aborted => (OperationState::Aborted, None),
        EndState::Superseded => (OperationState::Superseded, None),
    };
    Standing { state, message: end.message.clone(), due }
}

/// Why the policy can no longer be met, whatever the others do: what each data center that failed gives as the
/// cause, those that give the same one together.
fn failure(operation: &Operation, tally: &Tally<'_>) -> Option<String> {
    if tally.failed.is_empty() {
        return None;
    }
    let mut causes: Vec<(&str, Vec<&DcName>)> = Vec::new();
    for (dc, outcome) in &tally.failed {
        let cause = outcome.message.as_deref().unwrap_or("did not become healthy");
        match causes.iter_mut().find(|(known, _)| *known == cause) {
            Some((_, dcs)) => dcs.push(dc),
            None => causes.push((cause, vec![dc])),
        }
    }
    let causes: Vec<String> =
        causes.into_iter().map(|(cause, dcs)| format!("{}: {cause}", list(&dcs))).collect();
    let causes = causes.join("; ");
    match operation.policy.succeed {
        Succeed::All => Some(causes),
        Succeed::AtLeast(n) => {
            let possible = tally.good + tally.pending + tally.owed.len();
            (possible < n as usize)
                .then(|| format!("{n} data centers must become healthy, and {possible} still can; {causes}"))
        }
    }
}

fn list(dcs: &[&DcName]) -> String {
    dcs.iter().map(|dc| dc.as_str()).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::builders::{mk_operation, mk_outcomes};
    use crate::name::ReleaseNumber;
    use crate::record::{OutcomeState as O, Word};

    fn standing(operation: &Operation, states: [O; 3]) -> (OperationState, Option<Due>) {
        let standing = fold(operation, &Control::default(), &mk_outcomes(states), None);
        (standing.state, standing.due)
    }

    const RUNNING: (OperationState, Option<Due>) = (OperationState::Running, None);
    const HELD: (OperationState, Option<Due>) = (OperationState::Held, None);

    fn ends(state: EndState) -> (OperationState, Option<Due>) {
        (OperationState::Running, Some(Due::End(state)))
    }

    #[test]
    fn all_means_all_that_are_not_owed_and_at_least_one() {
        let operation = mk_operation();
        for (states, expected) in [
            ([O::Waiting, O::Healthy, O::Healthy], RUNNING),
            ([O::Healthy, O::Healthy, O::Healthy], ends(EndState::Succeeded)),
            ([O::Healthy, O::Owed, O::Diverged], ends(EndState::SucceededOwing)),
            ([O::Owed, O::Owed, O::Diverged], HELD),
            ([O::Healthy, O::Failed, O::Healthy], HELD),
            ([O::Done, O::Done, O::Done], ends(EndState::Succeeded)),
            ([O::Done, O::Owed, O::Owed], ends(EndState::SucceededOwing)),
            ([O::Done, O::Healthy, O::Healthy], ends(EndState::Succeeded)),
        ] {
            assert_eq!(standing(&operation, states), expected, "{states:?}");
        }
    }

    #[test]
    fn at_least_two_waits_for_all_and_bears_one_failure() {
        let mut operation = mk_operation();
        operation.policy.succeed = Succeed::AtLeast(2);
        for (states, expected) in [
            ([O::Healthy, O::Healthy, O::Progressing], RUNNING),
            ([O::Healthy, O::Healthy, O::Failed], ends(EndState::Succeeded)),
            ([O::Healthy, O::Failed, O::Failed], HELD),
            ([O::Healthy, O::Failed, O::Owed], HELD),
            ([O::Healthy, O::Healthy, O::Owed], ends(EndState::SucceededOwing)),
            ([O::Healthy, O::Owed, O::Diverged], HELD),
            // Nothing ordered counts for nobody: neither beside too few that are good, nor beside enough.
            ([O::Healthy, O::Done, O::Done], HELD),
            ([O::Healthy, O::Done, O::Owed], HELD),
            ([O::Healthy, O::Healthy, O::Done], ends(EndState::Succeeded)),
            ([O::Done, O::Done, O::Done], ends(EndState::Succeeded)),
            ([O::Done, O::Owed, O::Owed], ends(EndState::SucceededOwing)),
            ([O::Failed, O::Done, O::Healthy], HELD),
            ([O::Failed, O::Healthy, O::Progressing], RUNNING),
        ] {
            assert_eq!(standing(&operation, states), expected, "{states:?}");
        }
    }

    #[test]
    fn a_delete_goes_on_after_a_failure_and_superseded_parts_of_it_are_done() {
        let mut operation = mk_operation();
        operation.kind = Kind::Delete;
        for (states, expected) in [
            ([O::Failed, O::Done, O::Done], RUNNING),
            ([O::Done, O::Superseded, O::Done], ends(EndState::Succeeded)),
            ([O::Superseded, O::Superseded, O::Owed], ends(EndState::SucceededOwing)),
        ] {
            assert_eq!(standing(&operation, states), expected, "{states:?}");
        }
    }

    #[test]
    fn who_soaks_is_not_good_yet() {
        let mut operation = mk_operation();
        operation.policy.soak = std::time::Duration::from_mins(1);
        let mut outcomes = mk_outcomes([O::Healthy; 3]);
        let standing = |outcomes: &BTreeMap<DcName, Outcome>| {
            let standing = fold(&operation, &Control::default(), outcomes, None);
            (standing.state, standing.due)
        };
        assert_eq!(standing(&outcomes), RUNNING);
        for outcome in outcomes.values_mut() {
            outcome.spent.soaked = std::time::Duration::from_mins(1);
        }
        assert_eq!(standing(&outcomes), ends(EndState::Succeeded));
    }

    #[test]
    fn a_failure_rolls_back_only_where_there_is_something_to_go_back_to() {
        let mut operation = mk_operation();
        operation.policy.on_failure = OnFailure::Rollback;
        assert_eq!(standing(&operation, [O::Failed, O::Waiting, O::Waiting]), HELD);
        operation.fallback = Some(ReleaseNumber::FIRST);
        let rolls_back = (OperationState::Running, Some(Due::Rollback));
        assert_eq!(standing(&operation, [O::Failed, O::Waiting, O::Waiting]), rolls_back);
    }

    #[test]
    fn what_ended_stays_ended_and_owing_is_over_when_nobody_is_owed() {
        let operation = mk_operation();
        let ended = |state, states| {
            let end = End { state, message: None, by: None, at: jiff::Timestamp::UNIX_EPOCH };
            fold(&operation, &Control::default(), &mk_outcomes(states), Some(&end)).state
        };
        let owing = EndState::SucceededOwing;
        assert_eq!(ended(owing, [O::Healthy, O::Healthy, O::Owed]), OperationState::SucceededOwing);
        assert_eq!(ended(owing, [O::Healthy, O::Healthy, O::Progressing]), OperationState::SucceededOwing);
        assert_eq!(ended(owing, [O::Healthy, O::Healthy, O::Healthy]), OperationState::Succeeded);
        assert_eq!(ended(owing, [O::Healthy, O::Healthy, O::Failed]), OperationState::SucceededOwing);
        assert_eq!(ended(owing, [O::Healthy, O::Healthy, O::Waiting]), OperationState::SucceededOwing);
        assert_eq!(ended(EndState::Succeeded, [O::Failed; 3]), OperationState::Succeeded);
        assert_eq!(ended(EndState::Failed, [O::Healthy; 3]), OperationState::Failed);
        assert_eq!(ended(EndState::Aborted, [O::Healthy; 3]), OperationState::Aborted);
        assert_eq!(ended(EndState::Superseded, [O::Healthy; 3]), OperationState::Superseded);
        assert_eq!(ended(EndState::RolledBack, [O::Healthy; 3]), OperationState::RolledBack);
    }

    #[test]
    fn a_pause_holds_as_long_as_a_gate_is_left_and_a_resumed_failure_is_pending() {
        let operation = mk_operation();
        let word = Word { by: "ann".to_owned(), reason: None, at: jiff::Timestamp::UNIX_EPOCH };
        let paused = Control { paused: Some(word), ..Control::default() };
        let state = |control: &Control, states| {
            let standing = fold(&operation, control, &mk_outcomes(states), None);
            (standing.state, standing.due)
        };
        let stands = (OperationState::Paused, None);
        assert_eq!(state(&paused, [O::Progressing, O::Waiting, O::Waiting]), stands);
        assert_eq!(state(&paused, [O::Healthy, O::Healthy, O::Waiting]), stands);
        assert_eq!(state(&paused, [O::Healthy, O::Healthy, O::Owed]), stands, "it may not get it yet");
        assert_eq!(state(&paused, [O::Healthy, O::Progressing, O::Progressing]), RUNNING);
        assert_eq!(state(&paused, [O::Healthy, O::Healthy, O::Healthy]), ends(EndState::Succeeded));
        assert_eq!(state(&paused, [O::Failed, O::Waiting, O::Waiting]), HELD);
        let resumed = Control { round: 1, ..Control::default() };
        assert_eq!(state(&resumed, [O::Failed, O::Waiting, O::Waiting]), RUNNING);
    }

    #[test]
    fn a_failure_repeats_the_cause_of_every_data_center_and_says_the_same_one_once() {
        let mut operation = mk_operation();
        let mut outcomes = mk_outcomes([O::Failed, O::Failed, O::Failed]);
        for (outcome, message) in outcomes.values_mut().zip([Some("no room"), None, Some("no room")]) {
            outcome.message = message.map(str::to_owned);
        }
        let said = |operation: &Operation| fold(operation, &Control::default(), &outcomes, None).message;
        assert_eq!(
            said(&operation).as_deref(),
            Some("dc-1, dc-3: no room; dc-2: did not become healthy; publish a fix, roll back, or resume it")
        );
        let go_live = Operation { kind: Kind::GoLive, ..operation.clone() };
        assert!(said(&go_live).is_some_and(|said| said.ends_with("healthy; publish a fix, or resume it")));
        operation.policy.succeed = Succeed::AtLeast(2);
        assert_eq!(
            said(&operation).as_deref(),
            Some(
                "2 data centers must become healthy, and 0 still can; dc-1, dc-3: no room; dc-2: did not become \
                 healthy; publish a fix, roll back, or resume it"
            )
        );
    }

    #[test]
    fn nothing_is_ever_concluded_from_nobody() {
        let standing = fold(&mk_operation(), &Control::default(), &BTreeMap::new(), None);
        assert_eq!((standing.state, standing.due), HELD);
    }
}
