//! Publishing documents.

use std::process::ExitCode;

use futures::future::join_all;
use plimsoll_api_rest::dto::{Accepted, Operation};
use plimsoll_core::name::AppRef;
use reqwest::Method;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::change::{begun, send, submit};
use super::session::{Session, path};
use crate::arguments::{self, Apply, Format};
use crate::client::{Call, read};
use crate::document::{self, Source};
use crate::failure::Failure;
use crate::follow::{Progress, follow_app, judge, sentence};
use crate::output::{clean, note, print, structured};

pub(super) async fn apply(session: &Session, arguments: Apply) -> Result<ExitCode, Failure> {
    let Apply { files, scale, write } = arguments;
    let sources = document::open(&files, document::Wanted::Apps)?;
    let documents = named(session, &sources)?;
    match &documents[..] {
        [one] => send(session, &one.app, call(session, one, scale), write).await,
        _ => all(session, &documents, scale, write).await,
    }
}

fn call<'a>(session: &'a Session, document: &Document<'a>, scale: bool) -> Call<'a> {
    let Document { source, app } = document;
    let call = session.client.call(Method::PUT, &path(app, &[])).body(source.value().clone()).about(source);
    if scale { call.query("takeScale", "true") } else { call }
}

/// A document with the App that it is of.
pub(super) struct Document<'a> {
    pub(super) source: &'a Source,
    pub(super) app: AppRef,
}

/// The App of each document. Whatever is wrong with their names is told of all, and none is there twice.
pub(super) fn named<'a>(session: &Session, sources: &'a [Source]) -> Result<Vec<Document<'a>>, Failure> {
    let mut documents: Vec<Document<'a>> = Vec::new();
    let mut failures = Vec::new();
    for source in sources {
        match source.app(session.namespace.as_ref()) {
            Ok(app) => match documents.iter().find(|other| other.app == app) {
                Some(other) => failures.push(Failure::usage(format!(
                    "{}: {app} is in {} already; keep one of the two",
                    source.title(),
                    other.source.title()
                ))),
                None => documents.push(Document { source, app }),
            },
            Err(failure) => failures.push(failure),
        }
    }
    Failure::of_all(failures)?;
    Ok(documents)
}

/// Publishes several documents: all are checked before the first is sent, then each goes its own way, whatever
/// becomes of the others.
async fn all(
    session: &Session,
    documents: &[Document<'_>],
    scale: bool,
    write: arguments::Write,
) -> Result<ExitCode, Failure> {
    if write.if_match.is_some() || write.request_id.is_some() {
        let count = documents.len();
        return Err(Failure::usage(format!(
            "--if-match and --request-id are about one app, and these are {count} documents; apply that one alone"
        )));
    }
    let started = Instant::now();
    let check = arguments::Write { dry_run: true, ..write.clone() };
    let mut failures = Vec::new();
    let mut answers = Vec::new();
    for document in documents {
        let checked = submit(session, &document.app, call(session, document, scale), &check).await;
        match checked {
            Ok(answer) => answers.push(answer),
            Err(failure) => failures.push(failure),
        }
    }
    Failure::of_all(failures)?;
    if write.dry_run {
        return checked(session, documents, &answers);
    }
    let mut sent = Vec::new();
    let mut failures = Vec::new();
    for document in documents {
        let Document { source, app } = document;
        match submit(session, app, call(session, document, scale), &write).await {
            Ok(answer) => {
                tell(session, app, &answer)?;
                sent.push(Sent { app, answer });
            }
            Err(failure) => failures.push(failure.about(&source.title())),
        }
    }
    if write.wait.wait {
        failures.extend(wait(session, &mut sent, write.wait, started).await?);
    }
    let answers: Vec<&Value> = sent.iter().map(|sent| &sent.answer).collect();
    if let Some(printed) = structured(session.format, &json!({"items": answers})) {
        printed?;
    }
    Failure::of_all(failures)?;
    Ok(ExitCode::SUCCESS)
}

/// What was answered to a document that was sent.
struct Sent<'a> {
    app: &'a AppRef,
    answer: Value,
}

/// Tells that all of them would be accepted, with what is worth knowing of each.
fn checked(session: &Session, documents: &[Document<'_>], answers: &[Value]) -> Result<ExitCode, Failure> {
    if let Some(printed) = structured(session.format, &json!({"items": answers})) {
        printed?;
        return Ok(ExitCode::SUCCESS);
    }
    for (Document { app, .. }, answer) in documents.iter().zip(answers) {
        for text in read::<Accepted>(answer)?.notes {
            note(&format!("{app}: {text}"));
        }
    }
    print(&format!("nothing was changed: these {} would be accepted", documents.len()))?;
    Ok(ExitCode::SUCCESS)
}

/// One line of what a document that was sent has begun.
fn tell(session: &Session, app: &AppRef, answer: &Value) -> Result<(), Failure> {
    let Accepted { operation, notes, .. } = read(answer)?;
    let is_for_people = matches!(session.format, Format::Table | Format::Wide);
    match &operation {
        Some(operation) => {
            for text in notes {
                note(&format!("{app}: {text}"));
            }
            match session.format {
                Format::Name => print(&clean(&operation.id)),
                _ if is_for_people => print(&begun(operation)),
                _ => Ok(()),
            }
        }
        None if is_for_people => print(&clean(&format!("{app}: {}", notes.join("; ")))),
        None => Ok(()),
    }
}

/// Stays with everything that was begun until each has come to its end, and puts that end in the answers; gives
/// what did not end well.
async fn wait(
    session: &Session,
    sent: &mut [Sent<'_>],
    wait: arguments::Wait,
    started: Instant,
) -> Result<Vec<Failure>, Failure> {
    let progress = Progress::new();
    let width = sent.iter().map(|sent| sent.app.to_string().len()).max().unwrap_or_default();
    let mut followed = Vec::new();
    for (n, Sent { app, answer }) in sent.iter().enumerate() {
        let Some(operation) = read::<Accepted>(answer)?.operation else { continue };
        let mut progress = progress.labelled(&format!("{:<width$}  ", app.to_string()));
        followed.push(async move {
            let ended = follow_app(&session.client, &operation, wait.timeout, &mut progress).await;
            (n, ended, started.elapsed())
        });
    }
    let mut failures = Vec::new();
    for (n, ended, took) in join_all(followed).await {
        let app = sent[n].app;
        let operation: Operation = match ended {
            Ok(operation) => operation,
            Err(failure) => {
                failures.push(failure.about(&app.to_string()));
                continue;
            }
        };
        match judge(&operation) {
            Ok(()) if matches!(session.format, Format::Table | Format::Wide) => {
                print(&sentence(&operation, Some(took)))?;
            }
            Ok(()) => {}
            Err(failure) => failures.push(failure),
        }
        sent[n].answer["operation"] = json!(operation);
    }
    Ok(failures)
}
