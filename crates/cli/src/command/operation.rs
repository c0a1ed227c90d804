//! Operations.

use std::fmt::Write as _;
use std::process::ExitCode;

use plimsoll_api_rest::dto::{Accepted, AnyOperation, ImageAccepted, Operation, Steered};
use reqwest::Method;
use tokio::time::Instant;

use super::change::{ended, repeatable};
use super::session::Session;
use super::{image_work, list};
use crate::arguments::{self, Following, Format, Making, Steering};
use crate::client::read;
use crate::failure::Failure;
use crate::follow::{Progress, follow, standing_of};
use crate::output::{Table, age, clean, leaving, note_all, print, structured};

pub(super) async fn run(session: &Session, command: arguments::Operation) -> Result<ExitCode, Failure> {
    match command {
        arguments::Operation::Get { id } => get(session, &id).await?,
        arguments::Operation::List { app } => {
            let app = app.map(|app| session.app(app)).transpose()?;
            let query = match &app {
                Some(app) => vec![("namespace", app.namespace.as_str()), ("app", app.name.as_str())],
                None => vec![],
            };
            let items = list::all(session, &["operations"], &query).await?;
            list::show(
                session,
                &items,
                "there is no operation yet",
                |operation: &AnyOperation| operation.id().to_owned(),
                |all| table(session, all),
            )?;
        }
        arguments::Operation::Watch(Following { id, timeout }) => {
            let operation = follow(&session.client, &id, None, timeout, &mut Progress::new()).await?;
            return ended(session, &operation, None);
        }
        arguments::Operation::Wait(Following { id, timeout }) => {
            let operation = follow(&session.client, &id, None, timeout, &mut Progress::silent()).await?;
            return ended(session, &operation, None);
        }
        arguments::Operation::Pause(steering) => {
            steer(session, "pause", steering).await?;
        }
        arguments::Operation::Abort(steering) => {
            steer(session, "abort", steering).await?;
        }
        arguments::Operation::Resume { steering, wait } => {
            let started = Instant::now();
            let resumed = steer(session, "resume", steering).await?;
            if let Some(operation) = resumed.filter(|_| wait.wait) {
                let client = &session.client;
                let mut progress = Progress::new();
                let operation =
                    follow(client, operation.id(), Some(&operation), wait.timeout, &mut progress).await?;
                return ended(session, &operation, Some(started));
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Says something to an operation that runs, and tells how it stands then; none where it was only checked.
async fn steer(session: &Session, verb: &str, steering: Steering) -> Result<Option<AnyOperation>, Failure> {
    let Steering { id, reason, making: Making { dry_run, request_id } } = steering;
    let request_id = request_id.map_or_else(|| uuid::Uuid::now_v7().to_string(), String::from);
    let path = ["operations", &id, verb];
    let mut call = session.client.call(Method::POST, &path).query("requestId", &request_id);
    if dry_run {
        call = call.query("validateOnly", "true");
    }
    if let Some(reason) = &reason {
        call = call.query("reason", reason);
    }
    let value = call.send().await.map_err(|failure| repeatable(failure, &request_id))?;
    let (operation, notes) = match read(&value)? {
        Steered::App(accepted) => {
            let Accepted { operation, notes, .. } = *accepted;
            (operation.map(|operation| AnyOperation::App(Box::new(operation))), notes)
        }
        Steered::Image(accepted) => {
            let ImageAccepted { operation, notes, plan: _ } = *accepted;
            (operation.map(|operation| AnyOperation::Image(Box::new(operation))), notes)
        }
    };
    if let Some(printed) = structured(session.format, &value) {
        printed?;
        return Ok(operation);
    }
    note_all(&notes);
    match &operation {
        None => print("nothing was changed: this would be accepted")?,
        Some(operation) if session.format == Format::Name => print(&clean(operation.id()))?,
        Some(operation) => print(&standing_of(operation))?,
    }
    Ok(operation)
}

async fn get(session: &Session, id: &str) -> Result<(), Failure> {
    let value = session.client.call(Method::GET, &["operations", id]).send().await?;
    if let Some(printed) = structured(session.format, &value) {
        return printed;
    }
    let operation: AnyOperation = read(&value)?;
    if session.format == Format::Name {
        return print(&clean(operation.id()));
    }
    let mut text = format!("{}\n\n", table(session, std::slice::from_ref(&operation)));
    let (below, message) = match &operation {
        AnyOperation::App(operation) => (outcomes(session, operation), &operation.message),
        AnyOperation::Image(operation) => (image_work::targets(session, operation), &operation.message),
    };
    text.push_str(&below.to_string());
    if let Some(message) = message {
        let _ = write!(text, "\n\n{}", clean(message));
    }
    print(&text)
}

fn outcomes(session: &Session, operation: &Operation) -> Table {
    let mut outcomes = Table::new(&["DATA CENTER", "STATE", "SINCE", "ORDERED", "UPDATED", "READY", "WHY"]);
    for outcome in &operation.data_centers {
        let count = |count: fn(&plimsoll_api_rest::dto::Replicas) -> u32| {
            outcome.replicas.as_ref().map_or_else(String::new, |replicas| count(replicas).to_string())
        };
        outcomes.push([
            outcome.data_center.clone(),
            format!("{:?}", outcome.state),
            age(outcome.since, session.now),
            count(|replicas| replicas.ordered),
            count(|replicas| replicas.updated),
            count(|replicas| replicas.ready),
            outcome
                .message
                .clone()
                .or_else(|| outcome.replicas.as_ref().and_then(leaving))
                .unwrap_or_default(),
        ]);
    }
    outcomes
}

fn table(session: &Session, operations: &[AnyOperation]) -> Table {
    let wide = session.format == Format::Wide;
    let mut head = vec!["ID", "APP", "KIND", "RELEASE", "STATE", "BY", "AGE"];
    if wide {
        head.extend(["FROM", "SUPERSEDED BY", "REASON", "WHY"]);
    }
    let mut table = Table::new(&head);
    for operation in operations {
        let (mut row, more) = match operation {
            AnyOperation::App(operation) => (
                vec![
                    operation.id.clone(),
                    format!("{}/{}", operation.namespace, operation.app),
                    format!("{:?}", operation.kind),
                    operation.release.to_string(),
                    format!("{:?}", operation.state),
                    operation.by.clone(),
                    age(operation.created, session.now),
                ],
                [
                    operation.from.map(|release| release.to_string()).unwrap_or_default(),
                    operation.superseded_by.clone().unwrap_or_default(),
                    operation.reason.clone().unwrap_or_default(),
                    operation.message.clone().unwrap_or_default(),
                ],
            ),
            AnyOperation::Image(operation) => (
                vec![
                    operation.id.clone(),
                    operation.subject.clone(),
                    format!("{:?}", operation.kind),
                    String::new(),
                    format!("{:?}", operation.state),
                    operation.by.clone(),
                    age(operation.created, session.now),
                ],
                [
                    String::new(),
                    String::new(),
                    operation.reason.clone().unwrap_or_default(),
                    operation.message.clone().unwrap_or_default(),
                ],
            ),
        };
        if wide {
            row.extend(more);
        }
        table.push(row);
    }
    table
}
