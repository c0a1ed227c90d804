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
    if let Some(word) = &control.paused {
        return Gate::Closed(format!("paused by {}", word.who_and_why()));
    }
    if let Some(failed) = blocking_failure(operation, control, outcomes) {
        return Gate::Closed(format!("stopped, because {failed} failed"));
    }
    for wave in waves(&operation.policy, &operation.dcs) {
        if wave.contains(dc) {
            return Gate::Open;
        }
        let waits_for: Vec<&str> = wave
            .iter()
            .filter(|before| {
                outcomes.get(*before).is_some_and(|outcome| is_awaited(outcome, control, &operation.policy))
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
fn is_awaited(outcome: &Outcome, control: &Control, policy: &PublishPolicy) -> bool {
    match outcome.state {
        OutcomeState::Waiting | OutcomeState::Sent | OutcomeState::Progressing => true,
        OutcomeState::Healthy => !is_good(outcome, policy),
        // Told to go on, it is tried again.
        OutcomeState::Failed => !outcome.has_failed(control),
        OutcomeState::Owed | OutcomeState::Diverged | OutcomeState::Superseded | OutcomeState::Done => false,
    }
}

/// A data center whose failure ends the publish: under [`Succeed::AtLeast`] the others may still do.
fn blocking_failure<'a>(
    operation: &Operation,
    control: &Control,
    outcomes: &'a BTreeMap<DcName, Outcome>,
) -> Option<&'a DcName> {
    let failed = outcomes.iter().find(|(_, outcome)| outcome.has_failed(control)).map(|(dc, _)| dc)?;
    match operation.policy.succeed {
        Succeed::All => Some(failed),
        Succeed::AtLeast(n) => {
            let lost = outcomes
                .values()
                .filter(|outcome| outcome.has_failed(control) || outcome.state == OutcomeState::Done)
                .count();
            (outcomes.len() - lost < n as usize).then_some(failed)
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::builders::{mk_dcs, mk_operation, mk_outcomes};
    use crate::record::{EndState, OutcomeState as O, Word};

    /// The answers for dc-1, dc-2 and dc-3 in a word each.
    fn gates(operation: &Operation, outcomes: &BTreeMap<DcName, Outcome>) -> [&'static str; 3] {
        ["dc-1", "dc-2", "dc-3"].map(|dc| {
            let dc = dc.parse().unwrap();
            match gate(operation, &dc, DcState::Active, &Control::default(), outcomes, None) {
                Gate::Open => "open",
                Gate::Closed(_) => "closed",
                Gate::Shut(_) => "shut",
            }
        })
    }

    #[test]
    fn waves_open_one_after_the_other() {
        let mut operation = mk_operation();
        operation.policy.waves = vec![mk_dcs(["dc-2"]), mk_dcs(["dc-1"])];
        for (states, expected) in [
            ([O::Waiting, O::Waiting, O::Waiting], ["closed", "open", "closed"]),
            ([O::Waiting, O::Progressing, O::Waiting], ["closed", "open", "closed"]),
            ([O::Waiting, O::Healthy, O::Waiting], ["open", "open", "closed"]),
            ([O::Healthy, O::Healthy, O::Waiting], ["open", "open", "open"]),
            // Nobody waits for who is owed, changed locally, or has nothing ordered.
            ([O::Waiting, O::Owed, O::Waiting], ["open", "open", "closed"]),
            ([O::Diverged, O::Done, O::Waiting], ["open", "open", "open"]),
            // One failure stops the publish for all who have not got it.
            ([O::Waiting, O::Failed, O::Waiting], ["closed", "closed", "closed"]),
        ] {
            assert_eq!(gates(&operation, &mk_outcomes(states)), expected, "{states:?}");
        }
    }

    #[test]
    fn nobody_waits_for_a_data_center_without_an_outcome() {
        let mut operation = mk_operation();
        operation.policy.waves = vec![mk_dcs(["dc-2"]), mk_dcs(["dc-1"])];
        let mut outcomes = mk_outcomes([O::Waiting; 3]);
        // Removed or lost since.
        outcomes.remove(&mk_dcs(["dc-2"])[0]);
        assert_eq!(gates(&operation, &outcomes), ["open", "open", "closed"]);
    }

    #[test]
    fn what_ends_the_publish_under_a_number_is_what_leaves_too_few_to_reach_it() {
        let mut operation = mk_operation();
        operation.policy.succeed = Succeed::AtLeast(2);
        let (goes_on, stopped) = (["open"; 3], ["closed"; 3]);
        for (states, expected) in [
            ([O::Failed, O::Healthy, O::Waiting], goes_on),
            ([O::Failed, O::Owed, O::Waiting], goes_on),
            ([O::Failed, O::Diverged, O::Progressing], goes_on),
            // What has nothing ordered will never be healthy.
            ([O::Failed, O::Done, O::Waiting], stopped),
            ([O::Failed, O::Failed, O::Healthy], stopped),
            // Without a failure nothing is stopped, however few are left.
            ([O::Done, O::Done, O::Waiting], goes_on),
        ] {
            assert_eq!(gates(&operation, &mk_outcomes(states)), expected, "{states:?}");
        }
    }

    #[test]
    fn what_is_written_at_once_passes_every_gate_but_a_shut_one() {
        let mut operation = mk_operation();
        operation.pace = Pace::AtOnce;
        operation.policy.waves = vec![mk_dcs(["dc-2"]), mk_dcs(["dc-1"])];
        assert_eq!(gates(&operation, &mk_outcomes([O::Waiting; 3])), ["open"; 3]);
        assert_eq!(gates(&operation, &mk_outcomes([O::Failed; 3])), ["open"; 3]);
        let held = gate(
            &operation,
            &mk_dcs(["dc-1"])[0],
            DcState::Held,
            &Control::default(),
            &mk_outcomes([O::Waiting; 3]),
            None,
        );
        assert_eq!(held, Gate::Shut("dc-1 is held until an operator decides".to_owned()));
    }

    #[test]
    fn waves_name_each_data_center_once_and_leave_out_who_takes_no_part() {
        let dcs = mk_dcs(["dc-1", "dc-2", "dc-3"]);
        let mut policy = mk_operation().policy;
        for (order, expected) in [
            (vec![], vec![mk_dcs(["dc-1", "dc-2", "dc-3"])]),
            (vec![mk_dcs(["dc-3"])], vec![mk_dcs(["dc-3"]), mk_dcs(["dc-1", "dc-2"])]),
            (vec![mk_dcs(["dc-9"]), mk_dcs(["dc-2"])], vec![mk_dcs(["dc-2"]), mk_dcs(["dc-1", "dc-3"])]),
            (vec![mk_dcs(["dc-1", "dc-2", "dc-3"])], vec![mk_dcs(["dc-1", "dc-2", "dc-3"])]),
        ] {
            policy.waves = order;
            assert_eq!(waves(&policy, &dcs), expected, "{:?}", policy.waves);
        }
    }

    #[test]
    fn a_data_center_that_soaks_is_waited_for() {
        let mut operation = mk_operation();
        operation.policy.waves = vec![mk_dcs(["dc-1"])];
        operation.policy.soak = Duration::from_mins(1);
        let mut outcomes = mk_outcomes([O::Healthy, O::Waiting, O::Waiting]);
        assert_eq!(gates(&operation, &outcomes), ["open", "closed", "closed"]);
        outcomes.values_mut().next().unwrap().spent.soaked = Duration::from_mins(1);
        assert_eq!(gates(&operation, &outcomes), ["open", "open", "open"]);
    }

    #[test]
    fn a_failure_that_the_policy_can_bear_stops_nobody() {
        let mut operation = mk_operation();
        operation.policy.waves = vec![mk_dcs(["dc-1"])];
        operation.policy.succeed = Succeed::AtLeast(2);
        assert_eq!(
            gates(&operation, &mk_outcomes([O::Failed, O::Waiting, O::Waiting])),
            ["open", "open", "open"]
        );
        assert_eq!(
            gates(&operation, &mk_outcomes([O::Failed, O::Failed, O::Waiting])),
            ["closed", "closed", "closed"]
        );
    }

    #[test]
    fn a_failure_that_is_tried_again_is_waited_for() {
        let mut operation = mk_operation();
        operation.policy.waves = vec![mk_dcs(["dc-1"])];
        let outcomes = mk_outcomes([O::Failed, O::Waiting, O::Waiting]);
        let resumed = Control { round: 1, ..Control::default() };
        let answer = gate(&operation, &mk_dcs(["dc-2"])[0], DcState::Active, &resumed, &outcomes, None);
        assert_eq!(answer, Gate::Closed("waits for dc-1".to_owned()));
    }

    #[test]
    fn a_data_center_that_takes_no_publish_is_shut_whatever_the_waves_say() {
        let operation = mk_operation();
        let outcomes = mk_outcomes([O::Waiting; 3]);
        for state in [DcState::Cordoned, DcState::Held, DcState::Lost] {
            let answer =
                gate(&operation, &"dc-1".parse().unwrap(), state, &Control::default(), &outcomes, None);
            assert!(matches!(answer, Gate::Shut(_)), "{state:?}: {answer:?}");
        }
    }

    #[test]
    fn a_pause_closes_every_gate_and_the_end_opens_them_for_those_that_are_owed() {
        let operation = mk_operation();
        let outcomes = mk_outcomes([O::Healthy, O::Healthy, O::Owed]);
        let dc = "dc-3".parse().unwrap();
        let word = Word { by: "ann".to_owned(), reason: None, at: jiff::Timestamp::UNIX_EPOCH };
        let paused = Control { paused: Some(word), ..Control::default() };
        assert_eq!(
            gate(&operation, &dc, DcState::Active, &paused, &outcomes, None),
            Gate::Closed("paused by ann".to_owned())
        );
        let end =
            End { state: EndState::SucceededOwing, message: None, by: None, at: jiff::Timestamp::UNIX_EPOCH };
        assert_eq!(gate(&operation, &dc, DcState::Active, &paused, &outcomes, Some(&end)), Gate::Open);
    }
}
