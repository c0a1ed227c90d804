//! One sentence about what an Operation came to.

use std::fmt::Write as _;
use std::time::Duration;

use plimsoll_api_rest::dto::{Operation, OperationKind, OperationState, Outcome, OutcomeState};
use plimsoll_core::image::ErrorKind;

use crate::failure::Failure;
use crate::output::{clean, seconds};

/// `shop release 2 is live in dc-1, dc-2, dc-3 (9 of 9 pods ready), 4.2 s`.
pub(crate) fn sentence(operation: &Operation, took: Option<Duration>) -> String {
    let Operation { app, release, kind, data_centers, .. } = operation;
    let served: Vec<&Outcome> = data_centers
        .iter()
        .filter(|outcome| matches!(outcome.state, OutcomeState::Healthy | OutcomeState::Done))
        .collect();
    let healthy: Vec<&Outcome> =
        served.iter().copied().filter(|outcome| outcome.state == OutcomeState::Healthy).collect();
    let everywhere = names(&served);
    let running = match names(&healthy) {
        names if names.is_empty() => format!("ordered in {everywhere}, which run none of it"),
        names => format!("live in {names}{}", pods(&healthy)),
    };
    let mut text = match kind {
        OperationKind::GoLive | OperationKind::Upgrade => format!("{app} release {release} is {running}"),
        OperationKind::Rollback => format!("{app} is rolled back: release {release} is {running}"),
        OperationKind::Scale => format!("{app} is scaled in {everywhere}{}", pods(&healthy)),
        OperationKind::Restart => format!("{app} is restarted in {everywhere}{}", pods(&healthy)),
        OperationKind::Online => format!("{app} is online in {everywhere}{}", pods(&healthy)),
        OperationKind::Offline => format!("{app} is offline in {everywhere}"),
        OperationKind::Delete => format!("{app} is deleted from {everywhere}"),
    };
    let in_state = |state| data_centers.iter().filter(|outcome| outcome.state == state).collect::<Vec<_>>();
    let (held, away): (Vec<&Outcome>, Vec<&Outcome>) = in_state(OutcomeState::Owed)
        .into_iter()
        .partition(|outcome| outcome.reason.as_deref() == Some(plimsoll_core::steer::HELD));
    if !held.is_empty() {
        let _ = write!(text, "; {} is held and gets it when an operator lets it go on", names(&held));
    }
    let (registry, away): (Vec<&Outcome>, Vec<&Outcome>) =
        away.into_iter().partition(|outcome| ErrorKind::explains(outcome.reason.as_deref()));
    if !registry.is_empty() {
        let _ = write!(text, "; {} waits for a registry and gets it when that answers", names(&registry));
    }
    if !away.is_empty() {
        let _ = write!(text, "; {} cannot be reached and gets it on return", names(&away));
    }
    let diverged = in_state(OutcomeState::Diverged);
    if !diverged.is_empty() {
        let _ = write!(text, "; {} was changed locally and is left out", names(&diverged));
    }
    if let Some(took) = took {
        let _ = write!(text, ", {}", seconds(took));
    }
    clean(&text)
}

/// `the upgrade of shop to release 2`.
pub(crate) fn what(operation: &Operation) -> String {
    let Operation { app, release, kind, .. } = operation;
    match kind {
        OperationKind::GoLive => format!("the go-live of {app} as release {release}"),
        OperationKind::Upgrade => format!("the upgrade of {app} to release {release}"),
        OperationKind::Rollback => format!("the rollback of {app} as release {release}"),
        OperationKind::Scale => format!("the scaling of {app}"),
        OperationKind::Restart => format!("the restart of {app}"),
        OperationKind::Offline => format!("taking {app} offline"),
        OperationKind::Online => format!("bringing {app} online"),
        OperationKind::Delete => format!("the deletion of {app}"),
    }
}

/// `the upgrade of shop to release 2 is held: dc-1: the image cannot be fetched`.
pub(crate) fn standing(operation: &Operation) -> String {
    let what = what(operation);
    let id = &operation.id;
    let state = match operation.state {
        OperationState::Running | OperationState::Succeeded | OperationState::SucceededOwing => "goes on",
        OperationState::Paused => "is paused",
        OperationState::Held => "is held",
        OperationState::Failed => "failed",
        OperationState::RolledBack => "failed and was rolled back",
        OperationState::Aborted => "was aborted",
        OperationState::Superseded => "was superseded",
    };
    let why = match (&operation.message, &operation.superseded_by) {
        // These begin with the state.
        (Some(message), _) if operation.state == OperationState::Paused => {
            return clean(&format!("{what} is {message}"));
        }
        (Some(message), _) if operation.state == OperationState::Aborted => {
            return clean(&format!("{what} was {message}"));
        }
        (Some(message), _) => format!(": {message}"),
        (None, Some(by)) => format!(" by operation {by}"),
        (None, None) => format!("; look with `plimsoll operation get {id}`"),
    };
    clean(&format!("{what} {state}{why}"))
}

/// Why an Operation did not succeed, with what each data center says that has something to say.
pub(super) fn failure(operation: &Operation, exit: u8) -> Failure {
    let mut failure = Failure::new(exit, standing(operation));
    for outcome in &operation.data_centers {
        if let Some(message) = &outcome.message {
            failure = failure.with(format!("{}: {:?}: {message}", outcome.data_center, outcome.state));
        }
    }
    failure
}

fn names(outcomes: &[&Outcome]) -> String {
    outcomes.iter().map(|outcome| outcome.data_center.as_str()).collect::<Vec<_>>().join(", ")
}

/// ` (9 of 9 pods ready)`, if any data center has said.
fn pods(outcomes: &[&Outcome]) -> String {
    let known: Vec<_> = outcomes.iter().filter_map(|outcome| outcome.replicas.as_ref()).collect();
    if known.is_empty() {
        return String::new();
    }
    let ready: u32 = known.iter().map(|replicas| replicas.ready).sum();
    let ordered: u32 = known.iter().map(|replicas| replicas.ordered).sum();
    format!(" ({ready} of {ordered} pods ready)")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::follow::{judge, progress::line};
    use plimsoll_api_rest::dto::Replicas;

    fn mk_outcome(dc: &str, state: OutcomeState, ready: u32) -> Outcome {
        let replicas =
            Replicas { ordered: 3, updated: 3, ready, available: ready, old: 3 - ready, terminating: 0 };
        Outcome {
            data_center: dc.to_owned(),
            state,
            reason: None,
            message: None,
            since: "2026-11-23T00:00:00Z".parse().unwrap(),
            replicas: (state != OutcomeState::Owed).then_some(replicas),
            images: None,
        }
    }

    fn mk_operation(kind: OperationKind, state: OperationState, data_centers: Vec<Outcome>) -> Operation {
        Operation {
            id: "0199".to_owned(),
            kind,
            namespace: "demo".to_owned(),
            app: "shop".to_owned(),
            release: 2,
            from: Some(1),
            state,
            message: None,
            superseded_by: None,
            data_centers,
            by: "alice".to_owned(),
            reason: None,
            created: "2026-11-23T00:00:00Z".parse().unwrap(),
            ended: None,
        }
    }

    #[test]
    fn every_kind_ends_with_one_sentence() {
        use OperationKind::{Delete, GoLive, Offline, Online, Restart, Rollback, Scale, Upgrade};
        let healthy = || ["dc-1", "dc-2"].map(|dc| mk_outcome(dc, OutcomeState::Healthy, 3)).to_vec();
        let done = || ["dc-1", "dc-2"].map(|dc| mk_outcome(dc, OutcomeState::Done, 0)).to_vec();
        let owing =
            || vec![mk_outcome("dc-1", OutcomeState::Healthy, 3), mk_outcome("dc-2", OutcomeState::Owed, 0)];
        let took = Some(Duration::from_millis(4200));
        let mut told: Vec<String> = [GoLive, Upgrade, Rollback, Scale, Restart, Online]
            .map(|kind| sentence(&mk_operation(kind, OperationState::Succeeded, healthy()), took))
            .to_vec();
        for kind in [Offline, Delete, Upgrade] {
            told.push(sentence(&mk_operation(kind, OperationState::Succeeded, done()), took));
        }
        told.push(sentence(&mk_operation(Upgrade, OperationState::SucceededOwing, owing()), None));
        let mut held = owing();
        held[1].reason = Some("Held".to_owned());
        told.push(sentence(&mk_operation(Upgrade, OperationState::SucceededOwing, held), None));
        insta::assert_yaml_snapshot!(told);
    }

    #[test]
    fn what_did_not_succeed_says_why_and_ends_with_its_code() {
        let mut failed = mk_outcome("dc-2", OutcomeState::Failed, 1);
        failed.message = Some("the image cannot be pulled\u{1b}[31m".to_owned());
        let mut told = Vec::new();
        for state in [
            OperationState::Held,
            OperationState::Failed,
            OperationState::RolledBack,
            OperationState::Aborted,
            OperationState::Superseded,
        ] {
            let mut operation = mk_operation(OperationKind::Upgrade, state, vec![failed.clone()]);
            operation.superseded_by = (state == OperationState::Superseded).then(|| "0200".to_owned());
            let failure = judge(&operation).unwrap_err();
            told.push((failure.exit(), failure.lines()));
        }
        insta::assert_yaml_snapshot!(told);
        for state in [OperationState::Succeeded, OperationState::SucceededOwing] {
            assert!(judge(&mk_operation(OperationKind::Upgrade, state, vec![])).is_ok());
        }
    }

    #[test]
    fn a_data_center_is_one_line() {
        let mut failed = mk_outcome("dc-2", OutcomeState::Failed, 1);
        failed.message = Some("the image cannot be pulled\n\u{1b}[31m".to_owned());
        let with = |state, replicas| Outcome { replicas: Some(replicas), ..mk_outcome("dc-4", state, 3) };
        let none = Replicas { ordered: 0, updated: 0, ready: 0, available: 0, old: 0, terminating: 0 };
        let lines = [
            mk_outcome("dc-1", OutcomeState::Progressing, 2),
            failed,
            mk_outcome("dc-3", OutcomeState::Owed, 0),
            with(
                OutcomeState::Progressing,
                Replicas { ordered: 3, updated: 3, ready: 3, available: 3, old: 0, terminating: 2 },
            ),
            with(OutcomeState::Progressing, Replicas { updated: 1, terminating: 2, ..none.clone() }),
            with(OutcomeState::Done, none),
        ];
        insta::assert_yaml_snapshot!(lines.iter().map(line).collect::<Vec<_>>());
    }
}
