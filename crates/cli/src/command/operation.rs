//! Operations.

use std::fmt::Write as _;
use std::process::ExitCode;

use plimsoll_api_rest::dto::Operation;
use reqwest::Method;

use super::change::ended;
use super::list;
use super::session::Session;
use crate::arguments::{self, Following, Format};
use crate::client::read;
use crate::failure::Failure;
use crate::follow::{Progress, follow};
use crate::output::{Table, age, clean, print, structured};

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
                |operation: &Operation| operation.id.clone(),
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
    }
    Ok(ExitCode::SUCCESS)
}

async fn get(session: &Session, id: &str) -> Result<(), Failure> {
    let value = session.client.call(Method::GET, &["operations", id]).send().await?;
    if let Some(printed) = structured(session.format, &value) {
        return printed;
    }
    let operation: Operation = read(&value)?;
    if session.format == Format::Name {
        return print(&clean(&operation.id));
    }
    let mut text = format!("{}\n\n", table(session, std::slice::from_ref(&operation)));
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
            outcome.message.clone().unwrap_or_default(),
        ]);
    }
    text.push_str(&outcomes.to_string());
    if let Some(message) = &operation.message {
        let _ = write!(text, "\n\n{}", clean(message));
    }
    print(&text)
}

fn table(session: &Session, operations: &[Operation]) -> Table {
    let wide = session.format == Format::Wide;
    let mut head = vec!["ID", "APP", "KIND", "RELEASE", "STATE", "BY", "AGE"];
    if wide {
        head.extend(["FROM", "SUPERSEDED BY", "REASON", "WHY"]);
    }
    let mut table = Table::new(&head);
    for operation in operations {
        let mut row = vec![
            operation.id.clone(),
            format!("{}/{}", operation.namespace, operation.app),
            format!("{:?}", operation.kind),
            operation.release.to_string(),
            format!("{:?}", operation.state),
            operation.by.clone(),
            age(operation.created, session.now),
        ];
        if wide {
            row.extend([
                operation.from.map(|release| release.to_string()).unwrap_or_default(),
                operation.superseded_by.clone().unwrap_or_default(),
                operation.reason.clone().unwrap_or_default(),
                operation.message.clone().unwrap_or_default(),
            ]);
        }
        table.push(row);
    }
    table
}
