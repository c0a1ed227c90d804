//! What does not go together with oversell.

use std::process::ExitCode;

use plimsoll_qos::lint::{Object, lint};
use serde_json::json;

use super::answer::{answered, items, show, text};
use super::arguments::Lint;
use super::input::{Found, Input};
use super::unless;
use crate::arguments::Format;
use crate::failure::Failure;
use crate::output::{clean, note};

pub(super) fn run(format: Format, arguments: &Lint) -> Result<ExitCode, Failure> {
    let Lint { files, policy } = arguments;
    let policy = policy.policy()?;
    let mut objects = Vec::new();
    for path in &files.files {
        objects.extend(Input::open(path)?.objects::<Object>()?.into_iter().map(|Found { item, .. }| item));
    }
    let known = objects.iter().filter(|object| !matches!(object, Object::Other)).count();
    let findings = lint(&objects, &policy);
    let clean_bill = findings.is_empty();
    let answer = answered(&json!({"findings": findings}))?;
    if clean_bill {
        note(&format!("nothing found in {known} objects that say something of resources"));
        if matches!(format, Format::Table | Format::Wide) {
            return Ok(ExitCode::SUCCESS);
        }
    }
    show(format, &answer, || {
        let said = items(&answer["findings"]).iter().map(|finding| {
            let field = |name: &str| clean(&text(&finding[name]));
            format!(
                "{} {}: {} {}\n  {}\n  — {}",
                field("severity"),
                field("rule"),
                field("object"),
                field("field"),
                field("message"),
                field("remedy")
            )
        });
        said.collect::<Vec<_>>().join("\n")
    })?;
    Ok(unless(!clean_bill))
}
