//! What an apply would change.

use std::fmt::Write as _;
use std::process::ExitCode;

use plimsoll_api_rest::dto::{Change, Difference};
use plimsoll_core::name::AppRef;
use reqwest::Method;
use serde_json::{Value, json};

use super::apply::{Document, named};
use super::session::{Session, path};
use crate::arguments::{Diff, Format};
use crate::client::read;
use crate::document::{self, Source};
use crate::failure::Failure;
use crate::output::{clean, note, note_all, print, structured};

/// There are differences, which is no failure.
const DIFFERENT: u8 = 3;

pub(super) async fn diff(session: &Session, arguments: Diff) -> Result<ExitCode, Failure> {
    let Diff { files } = arguments;
    let sources = document::open(&files, document::Wanted::Apps)?;
    let documents = named(session, &sources)?;
    let mut answers = Vec::new();
    let mut failures = Vec::new();
    for Document { source, app } in &documents {
        let body = source.value().clone();
        let call = session.client.call(Method::POST, &path(app, &["diff"])).body(body).about(source);
        match call.send().await {
            Ok(answer) => answers.push((source, app, answer)),
            Err(failure) => failures.push(failure),
        }
    }
    Failure::of_all(failures)?;
    let mut exit = ExitCode::SUCCESS;
    let mut items = Vec::new();
    for (source, app, answer) in answers {
        let difference: Difference = read(&answer)?;
        if !difference.changes.is_empty() {
            exit = ExitCode::from(DIFFERENT);
        }
        match session.format {
            Format::Json | Format::Yaml => items.push(answer),
            Format::Name | Format::Table | Format::Wide => show(session, source, app, difference)?,
        }
    }
    // One difference stands alone; several say whose they are.
    let value = match (documents.len(), items.pop()) {
        (1, Some(item)) => item,
        (_, last) => {
            items.extend(last);
            for (item, Document { app, .. }) in items.iter_mut().zip(&documents) {
                item["namespace"] = json!(app.namespace);
                item["app"] = json!(app.name);
            }
            json!({"items": items})
        }
    };
    structured(session.format, &value).unwrap_or(Ok(()))?;
    Ok(exit)
}

fn show(session: &Session, source: &Source, app: &AppRef, difference: Difference) -> Result<(), Failure> {
    let Difference { release, changes, notes } = difference;
    if session.format == Format::Name {
        return changes.iter().try_for_each(|change| print(&clean(&change.path)));
    }
    note_all(&notes);
    if changes.is_empty() {
        note(&format!("{} says what {app} is already", source.title()));
        return Ok(());
    }
    let against = release.map_or_else(|| "nothing".to_owned(), |release| format!("release {release}"));
    print(&format!("--- {app}, {against}\n+++ {}\n{}", clean(&source.title()), told(&changes)))
}

fn told(changes: &[Change]) -> String {
    let mut text = String::new();
    for Change { path, before, after } in changes {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{}", clean(path));
        for (sign, value) in [('-', before), ('+', after)] {
            for line in value.iter().flat_map(lines) {
                let _ = writeln!(text, "  {sign} {}", clean(&line));
            }
        }
    }
    text.trim_end().to_owned()
}

/// A value as lines: text as it is, everything else as JSON.
fn lines(value: &Value) -> Vec<String> {
    let text = match value {
        Value::String(text) if text.contains('\n') => text.clone(),
        other => format!("{other:#}"),
    };
    text.lines().map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_change_shows_what_was_and_what_will_be() {
        let change = |path: &str, before: Option<Value>, after: Option<Value>| Change {
            path: path.to_owned(),
            before,
            after,
        };
        let text = told(&[
            change("spec.image", Some(json!("a")), Some(json!("b\u{1b}"))),
            change("spec.env.A", None, Some(json!("1"))),
            change("spec.files", Some(json!([{"path": "/a"}])), None),
            change("spec.files[0].content", Some(json!("one\ntwo\n")), Some(json!("one\n"))),
        ]);
        insta::assert_snapshot!(text);
    }
}
