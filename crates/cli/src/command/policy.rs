//! The grades of the installation.

use std::path::PathBuf;
use std::process::ExitCode;

use plimsoll_api_rest::dto::{Grade, GradeChange, Policy, PolicyChange, RetiredGrade};
use reqwest::Method;
use serde_json::{Map, Value, json};

use super::installation::write;
use super::session::Session;
use crate::arguments::{self, Format, SetPolicy};
use crate::client::read;
use crate::document::{self, Source};
use crate::failure::Failure;
use crate::output::{Table, age, clean, note, print, sold, structured};

const PATH: [&str; 1] = ["policy"];

pub(super) async fn policy(session: &Session, command: arguments::Policy) -> Result<ExitCode, Failure> {
    match command {
        arguments::Policy::Show => show(session).await,
        arguments::Policy::Set(arguments) => set(session, arguments).await,
    }
}

async fn show(session: &Session) -> Result<ExitCode, Failure> {
    let value = session.client.call(Method::GET, &PATH).send().await?;
    if let Some(printed) = structured(session.format, &value) {
        printed?;
        return Ok(ExitCode::SUCCESS);
    }
    let Policy { etag, grades, retired, changed_by, reason, changed } = read(&value)?;
    if session.format == Format::Name {
        grades.iter().try_for_each(|grade| print(&clean(&grade.name)))?;
        return Ok(ExitCode::SUCCESS);
    }
    let mut table = Table::new(&["GRADE", "CLASS", "CPU", "MEMORY", "PRIORITY", "PRIORITY CLASS"]);
    for Grade { name, qos_class, cpu, memory, priority, priority_class } in grades {
        table.push([
            name,
            format!("{qos_class:?}"),
            sold(&cpu),
            sold(&memory),
            priority.to_string(),
            priority_class,
        ]);
    }
    print(&table.to_string())?;
    if !retired.is_empty() {
        let names: Vec<String> = retired.into_iter().map(|RetiredGrade { name, .. }| name).collect();
        note(&format!("no new release may have these, which there were once: {}", names.join(", ")));
    }
    if let (Some(by), Some(changed)) = (changed_by, changed) {
        let why = reason.map_or_else(String::new, |reason| format!(": {reason}"));
        note(&format!("set by {by}, {} ago{why}; etag {etag}", age(changed, session.now)));
    }
    Ok(ExitCode::SUCCESS)
}

async fn set(session: &Session, arguments: SetPolicy) -> Result<ExitCode, Failure> {
    let SetPolicy { file, reason, if_match, making } = arguments;
    let source = open(file)?;
    // What was shown is set against what was shown: who changed it meanwhile is not overwritten.
    let etag = match if_match.or_else(|| source.value()["etag"].as_str().map(str::to_owned)) {
        Some(etag) => etag,
        None => read::<Policy>(&session.client.call(Method::GET, &PATH).send().await?)?.etag,
    };
    let mut call = write(session, Method::PUT, &PATH, &making)
        .if_match(Some(etag))
        .body(grades(source.value()))
        .about(&source);
    if let Some(reason) = &reason {
        call = call.query("reason", reason);
    }
    let value = call.send().await?;
    if let Some(printed) = structured(session.format, &value) {
        printed?;
        return Ok(ExitCode::SUCCESS);
    }
    let PolicyChange { policy: _, changes } = read(&value)?;
    for change in &changes {
        if session.format == Format::Name {
            print(&clean(&change.grade))?;
        } else {
            print(&clean(&told(change)))?;
        }
    }
    if session.format != Format::Name {
        note(match (changes.is_empty(), making.dry_run) {
            (true, _) => "the grades are these already",
            (false, true) => "nothing was changed: this would be accepted",
            (false, false) => {
                "set; what runs stays as it is, and every data center gets the classes within moments"
            }
        });
    }
    Ok(ExitCode::SUCCESS)
}

/// The one document of a file.
pub(crate) fn open(file: PathBuf) -> Result<Source, Failure> {
    let name = file.display().to_string();
    let mut sources = document::open(&[file], document::Wanted::Grades)?;
    match (sources.pop(), sources.is_empty()) {
        (Some(source), true) => Ok(source),
        _ => Err(Failure::usage(format!("{name} holds several documents; write the grades into one"))),
    }
}

/// The grades of a file: as `policy set` takes them, or as `policy show` and `qos policy` print them with what follows
/// from them.
pub(crate) fn grades(value: &Value) -> Value {
    const SET: [&str; 5] = ["name", "qosClass", "cpu", "memory", "priority"];
    let is_shown = value["etag"].is_string() || value["ok"] == true;
    let (true, Some(grades)) = (is_shown, value["grades"].as_array()) else { return value.clone() };
    let grades = grades.iter().map(|grade| match grade {
        Value::Object(fields) => {
            let set = fields.iter().filter(|(name, _)| SET.contains(&name.as_str()));
            Value::Object(set.map(|(name, value)| (name.clone(), value.clone())).collect::<Map<_, _>>())
        }
        other => other.clone(),
    });
    json!({"grades": grades.collect::<Vec<_>>()})
}

/// `silver-3: CPU 3 → 4; 2 apps keep the old until their next release: demo/shop, demo/till`.
fn told(change: &GradeChange) -> String {
    let GradeChange { grade, before, after, apps, app_count } = change;
    let what = match (before, after) {
        (None, Some(new)) => format!("new, {}", terms(new)),
        (Some(_), None) => "no new release may have it".to_owned(),
        (Some(old), Some(new)) => {
            let fields = [
                ("class", format!("{:?}", old.qos_class), format!("{:?}", new.qos_class)),
                ("CPU sold", old.cpu.clone(), new.cpu.clone()),
                ("memory sold", old.memory.clone(), new.memory.clone()),
            ];
            let differs = fields.into_iter().filter(|(_, old, new)| old != new);
            differs.map(|(what, old, new)| format!("{what} {old} → {new}")).collect::<Vec<_>>().join(", ")
        }
        (None, None) => String::new(),
    };
    let rest = app_count.saturating_sub(apps.len());
    let rest = if rest > 0 { format!(" and {rest} more") } else { String::new() };
    match app_count {
        0 => format!("{grade}: {what}"),
        1 => format!("{grade}: {what}; 1 app keeps what it has until its next release: {}", apps.join(", ")),
        count => format!(
            "{grade}: {what}; {count} apps keep what they have until their next release: {}{rest}",
            apps.join(", ")
        ),
    }
}

fn terms(grade: &Grade) -> String {
    let Grade { qos_class, cpu, memory, priority, .. } = grade;
    format!("{qos_class:?}, CPU {}, memory {}, priority {priority}", sold(cpu), sold(memory))
}
