//! Changing Apps.

use std::io::{IsTerminal as _, Write as _};
use std::process::ExitCode;

use plimsoll_api_rest::dto::{
    Accepted, All, AnyOperation, App, Autoscale, Operation, Placement, RollbackRequest, ScaleRequest,
};
use plimsoll_core::name::AppRef;
use reqwest::Method;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::session::{Session, path};
use crate::arguments::{self, Change, Delete, Format, Rollback, Scale, Wait};
use crate::client::{Call, read};
use crate::failure::{Failure, TIMED_OUT};
use crate::follow::{Progress, follow_app, judge_any, sentence_of, what};
use crate::output::{clean, note, note_all, print, structured};

/// What the default of `--cpu-percent` is, as in the document.
const CPU_PERCENT: u32 = 70;

pub(super) async fn rollback(session: &Session, arguments: Rollback) -> Result<ExitCode, Failure> {
    let Rollback { app, to, write } = arguments;
    let app = session.app(app)?;
    let body = json!(RollbackRequest { to });
    // A rollback always wins, so what was seen before plays no part.
    let write = arguments::Write { force: true, ..write };
    let call = session.client.call(Method::POST, &path(&app, &["rollback"])).body(body);
    send(session, &app, call, write).await
}

pub(super) async fn plain(session: &Session, verb: &str, arguments: Change) -> Result<ExitCode, Failure> {
    let Change { app, write } = arguments;
    let app = session.app(app)?;
    send(session, &app, session.client.call(Method::POST, &path(&app, &[verb])), write).await
}

pub(super) async fn scale(session: &Session, arguments: Scale) -> Result<ExitCode, Failure> {
    let Scale { app, replicas, min, max, cpu_percent, dcs, placement, write } = arguments;
    // All that could be said, in one line; what clap makes of such a group is hard to read.
    if replicas.is_none() && min.is_none() && placement.is_empty() {
        return Err(Failure::usage(
            "nothing is to change; say how many: --replicas N, or --min N --max N; or where: --placement all|DC,DC",
        ));
    }
    let app = session.app(app)?;
    let autoscale = min.zip(max).map(|(min, max)| Autoscale {
        min,
        max,
        cpu_percent: cpu_percent.unwrap_or(CPU_PERCENT),
    });
    let placement = match &placement[..] {
        [] => None,
        [word] if word.eq_ignore_ascii_case("all") => Some(Placement::Every(All::All)),
        names => Some(Placement::Only(names.to_vec())),
    };
    let data_centers = dcs.into_iter().map(String::from).collect();
    let body = json!(ScaleRequest { replicas, autoscale, data_centers, placement });
    let call = session.client.call(Method::POST, &path(&app, &["scale"])).body(body);
    send(session, &app, call, write).await
}

pub(super) async fn delete(session: &Session, arguments: Delete) -> Result<ExitCode, Failure> {
    let Delete { app, yes, write } = arguments;
    let app = session.app(app)?;
    if !yes && !write.dry_run {
        confirm(&app)?;
    }
    send(session, &app, session.client.call(Method::DELETE, &path(&app, &[])), write).await
}

/// Has the name typed, so that nobody deletes what another window meant.
fn confirm(app: &AppRef) -> Result<(), Failure> {
    if !std::io::stdin().is_terminal() {
        return Err(Failure::usage(format!("{app} is not deleted: nobody can be asked here; say --yes")));
    }
    eprint!("This deletes {app} in every data center. Type its name to go on: ");
    let _ = std::io::stderr().flush();
    let mut typed = String::new();
    let read = std::io::stdin().read_line(&mut typed);
    if read.is_ok() && typed.trim() == app.name.as_str() {
        return Ok(());
    }
    Err(Failure::usage(format!("{app} is not deleted: that was not its name")))
}

/// Sends a write and tells what came of it.
pub(super) async fn send(
    session: &Session,
    app: &AppRef,
    call: Call<'_>,
    write: arguments::Write,
) -> Result<ExitCode, Failure> {
    let started = Instant::now();
    let answer = submit(session, app, call, &write).await?;
    report(session, &answer, write.dry_run, write.wait, started).await
}

/// Sends a write; gives the answer.
pub(super) async fn submit(
    session: &Session,
    app: &AppRef,
    call: Call<'_>,
    write: &arguments::Write,
) -> Result<Value, Failure> {
    let arguments::Write { reason, dry_run, if_match, force, request_id, wait: _ } = write;
    let etag = match (if_match, force) {
        (Some(etag), _) => Some(etag.clone()),
        (None, true) => None,
        (None, false) => etag(session, app).await?,
    };
    let request_id = match request_id {
        Some(id) => id.as_str().to_owned(),
        None => uuid::Uuid::now_v7().to_string(),
    };
    let mut call = call.query("requestId", &request_id).if_match(etag);
    if *dry_run {
        call = call.query("validateOnly", "true");
    }
    if let Some(reason) = reason {
        call = call.query("reason", reason);
    }
    call.send().await.map_err(|failure| repeatable(failure, &request_id))
}

/// Says how to send again what may have been done.
pub(super) fn repeatable(failure: Failure, request_id: &str) -> Failure {
    if failure.exit() == TIMED_OUT {
        failure.with(format!("the same again with --request-id {request_id} does nothing twice"))
    } else {
        failure
    }
}

/// The etag of an App as it is now; none where it is not there yet.
async fn etag(session: &Session, app: &AppRef) -> Result<Option<String>, Failure> {
    let value = session.client.call(Method::GET, &path(app, &[])).find().await?;
    Ok(value.map(|value| read::<App>(&value)).transpose()?.map(|app| app.etag))
}

async fn report(
    session: &Session,
    answer: &Value,
    dry_run: bool,
    wait: Wait,
    started: Instant,
) -> Result<ExitCode, Failure> {
    let Accepted { operation, notes, .. } = read(answer)?;
    let Some(operation) = operation else {
        if let Some(printed) = structured(session.format, answer) {
            printed?;
        } else if dry_run {
            note_all(&notes);
            print("nothing was changed: this would be accepted")?;
        } else {
            notes.iter().try_for_each(|text| print(&clean(text)))?;
        }
        return Ok(ExitCode::SUCCESS);
    };
    note_all(&notes);
    if wait.wait {
        let mut progress = Progress::new();
        let operation = follow_app(&session.client, &operation, wait.timeout, &mut progress).await?;
        return ended(session, &AnyOperation::App(Box::new(operation)), Some(started));
    }
    if let Some(printed) = structured(session.format, answer) {
        printed?;
    } else if session.format == Format::Name {
        print(&clean(&operation.id))?;
    } else {
        print(&begun(&operation))?;
        note(&format!("follow it by `plimsoll operation watch {}`", operation.id));
    }
    Ok(ExitCode::SUCCESS)
}

/// `the upgrade of shop to release 2 has begun: operation 0199…`.
pub(super) fn begun(operation: &Operation) -> String {
    clean(&format!("{} has begun: operation {}", what(operation), operation.id))
}

/// Tells how an Operation ended.
pub(super) fn ended(
    session: &Session,
    operation: &AnyOperation,
    started: Option<Instant>,
) -> Result<ExitCode, Failure> {
    if let Some(printed) = structured(session.format, &json!(operation)) {
        printed?;
        judge_any(operation)?;
        return Ok(ExitCode::SUCCESS);
    }
    judge_any(operation)?;
    match session.format {
        Format::Name => print(&clean(operation.id()))?,
        _ => print(&sentence_of(operation, started.map(|started| started.elapsed())))?,
    }
    Ok(ExitCode::SUCCESS)
}
