//! Staying with an Operation until it has come to its end.

mod images;
mod progress;
mod summary;

use std::time::Duration;

use plimsoll_api_rest::dto::{AnyOperation, Operation, OperationState};
use plimsoll_core::error::Kind;

use tokio::signal::unix::{SignalKind, signal};

use crate::client::{Client, Event};
use crate::failure::{FAILED, Failure, Hope, INTERRUPTED, TIMED_OUT};

pub(crate) use images::what as what_of_images;
pub(crate) use progress::Progress;
pub(crate) use summary::{sentence, standing, what};

/// How long it waits before it asks again after a stream was cut; doubled each time, up to the second.
const PAUSE: (Duration, Duration) = (Duration::from_millis(200), Duration::from_secs(2));

/// Follows an Operation and shows how it goes, from the `first` view on, if there is one. Answers its final view, or the one in which it is held; what
/// ends the following early is a failure, and the Operation goes on.
pub(crate) async fn follow(
    client: &Client,
    id: &str,
    first: Option<&AnyOperation>,
    timeout: Duration,
    progress: &mut Progress,
) -> Result<AnyOperation, Failure> {
    let mut contact = if first.is_some() { Contact::Made } else { Contact::None };
    // Taken over before anything is shown: whoever sees a line can interrupt.
    let mut interrupt = signal(SignalKind::interrupt())
        .map_err(|error| Failure::new(FAILED, format!("Ctrl-C cannot be handled: {error}")))?;
    if let Some(operation) = first {
        progress.show(operation);
    }
    let outcome = tokio::select! {
        outcome = tokio::time::timeout(timeout, until_rest(client, id, &mut contact, progress)) => match outcome {
            Ok(outcome) => outcome,
            Err(_) => Err(Failure::new(
                TIMED_OUT,
                format!("the operation goes on; stay with it by `plimsoll operation watch {id}`"),
            )),
        },
        _ = interrupt.recv() => Err(Failure::new(
            INTERRUPTED,
            format!("interrupted; the operation goes on: `plimsoll operation watch {id}`"),
        )),
    };
    progress.finish();
    outcome
}

/// The same of one that changes an App.
pub(crate) async fn follow_app(
    client: &Client,
    first: &Operation,
    timeout: Duration,
    progress: &mut Progress,
) -> Result<Operation, Failure> {
    let any = AnyOperation::App(Box::new(first.clone()));
    match follow(client, &first.id, Some(&any), timeout, progress).await? {
        AnyOperation::App(operation) => Ok(*operation),
        AnyOperation::Image(_) => {
            Err(Failure::new(FAILED, "the server answered with another operation than was asked for"))
        }
    }
}

/// Whether the server was ever reached.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Contact {
    None,
    Made,
    Lost,
}

async fn until_rest(
    client: &Client,
    id: &str,
    contact: &mut Contact,
    progress: &mut Progress,
) -> Result<AnyOperation, Failure> {
    let (mut pause, longest) = PAUSE;
    let mut is_paused = false;
    loop {
        match client.watch(id).await {
            Ok(mut events) => {
                if std::mem::replace(contact, Contact::Made) == Contact::Lost {
                    progress.say("the server is back");
                }
                loop {
                    match events.next().await {
                        Event::Operation(operation) => {
                            pause = PAUSE.0;
                            progress.show(&operation);
                            // Of itself it never goes on, and whoever waits may not be who paused it.
                            if let AnyOperation::App(operation) = &*operation {
                                let now_paused = operation.state == OperationState::Paused;
                                if now_paused && !is_paused {
                                    let standing = standing(operation);
                                    progress.say(&format!(
                                        "{standing}; it goes on by `plimsoll operation resume {id}`"
                                    ));
                                } else if is_paused && !now_paused {
                                    progress.say(&format!("{} is paused no more", what(operation)));
                                }
                                is_paused = now_paused;
                            }
                            let state = operation.state();
                            if state.is_final() || state == OperationState::Held {
                                return Ok(*operation);
                            }
                        }
                        Event::Problem(problem) => {
                            let failure = Failure::problem(*problem, None);
                            if failure.hope() == Hope::None {
                                return Err(failure);
                            }
                            break;
                        }
                        Event::End | Event::Cut => break,
                    }
                }
            }
            // Whoever is not let in, or asks for what is not there, is not helped by asking again.
            Err(failure) if failure.hope() == Hope::None => return Err(failure),
            // Where nobody ever was, nobody is likely to come: the address is wrong, or the server is not started.
            Err(failure) if failure.hope() == Hope::Unreached && *contact == Contact::None => {
                return Err(failure);
            }
            Err(_) => {
                if std::mem::replace(contact, Contact::Lost) != Contact::Lost {
                    progress
                        .say("the server does not answer; the operation goes on, and so does the waiting");
                }
            }
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(longest);
    }
}

/// What the end of an Operation comes to: nothing where it is well.
pub(crate) fn judge(operation: &Operation) -> Result<(), Failure> {
    let exit = match operation.state {
        OperationState::Succeeded | OperationState::SucceededOwing => return Ok(()),
        OperationState::Superseded => Kind::Conflict.exit(),
        OperationState::Running
        | OperationState::Paused
        | OperationState::Held
        | OperationState::Failed
        | OperationState::RolledBack
        | OperationState::Aborted => FAILED,
    };
    Err(summary::failure(operation, exit))
}

/// The same of any.
pub(crate) fn judge_any(operation: &AnyOperation) -> Result<(), Failure> {
    match operation {
        AnyOperation::App(operation) => judge(operation),
        AnyOperation::Image(operation) => images::judge(operation),
    }
}

/// What any came to that is well.
pub(crate) fn sentence_of(operation: &AnyOperation, took: Option<Duration>) -> String {
    match operation {
        AnyOperation::App(operation) => sentence(operation, took),
        AnyOperation::Image(operation) => images::sentence(operation, took),
    }
}

/// How any stands.
pub(crate) fn standing_of(operation: &AnyOperation) -> String {
    match operation {
        AnyOperation::App(operation) => standing(operation),
        AnyOperation::Image(operation) => images::standing(operation),
    }
}
