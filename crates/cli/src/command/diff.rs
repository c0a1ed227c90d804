//! What an apply would change.

use std::fmt::Write as _;
use std::process::ExitCode;

use plimsoll_api_rest::dto::{Change, Difference};
use reqwest::Method;
use serde_json::Value;

use super::session::{Session, path};
use crate::arguments::{Diff, Format};
use crate::client::read;
use crate::document::Source;
use crate::failure::Failure;
use crate::output::{clean, note, note_all, print, structured};

/// There are differences, which is no failure.
const DIFFERENT: u8 = 3;

pub(super) async fn diff(session: &Session, arguments: Diff) -> Result<ExitCode, Failure> {
    let Diff { file } = arguments;
    let source = Source::open(&file)?;
    let app = source.app(session.namespace.as_ref())?;
    let call =
        session.client.call(Method::POST, &path(&app, &["diff"])).body(source.value().clone()).about(&source);
    let value = call.send().await?;
    let Difference { release, changes, notes } = read(&value)?;
    match structured(session.format, &value) {
        Some(printed) => printed?,
        None if session.format == Format::Name => {
            changes.iter().try_for_each(|change| print(&clean(&change.path)))?;
        }
        None => {
            note_all(&notes);
            if changes.is_empty() {
                note(&format!("{} says what {app} is already", source.name()));
            } else {
                let against =
                    release.map_or_else(|| "nothing".to_owned(), |release| format!("release {release}"));
                print(&format!("--- {app}, {against}\n+++ {}\n{}", clean(source.name()), told(&changes)))?;
            }
        }
    }
    Ok(if changes.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(DIFFERENT) })
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
