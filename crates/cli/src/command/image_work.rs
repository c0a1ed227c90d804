//! Work on registries.

use std::process::ExitCode;

use plimsoll_api_rest::dto::{
    AnyOperation, CopyImage, ImageAccepted, ImageOperation, ImagePlan, ImageTarget, PlannedTarget,
    SyncImages, VerifyImages,
};
use reqwest::Method;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::change::{ended, repeatable};
use super::session::Session;
use crate::arguments::{Begin, Copy, Format, Making, Pace, Sync, Verify};
use crate::client::read;
use crate::failure::Failure;
use crate::follow::{Progress, follow, what_of_images};
use crate::output::{Table, age, bytes, clean, note, note_all, print, structured};

pub(super) async fn copy(session: &Session, arguments: Copy) -> Result<ExitCode, Failure> {
    let Copy { image, to, tag, pace: Pace { rate, windows }, begin } = arguments;
    let body = json!(CopyImage { image, to, tag, rate, windows });
    self::begin(session, "copy", body, begin).await
}

pub(super) async fn sync(session: &Session, arguments: Sync) -> Result<ExitCode, Failure> {
    let Sync { repository, to, tags, newest, pace: Pace { rate, windows }, begin } = arguments;
    let body = json!(SyncImages { repository, to, tags, newest, rate, windows });
    self::begin(session, "sync", body, begin).await
}

pub(super) async fn verify(session: &Session, arguments: Verify) -> Result<ExitCode, Failure> {
    let Verify { subject, at, sample, begin } = arguments;
    let body = json!(VerifyImages { subject, at, sample });
    self::begin(session, "verify", body, begin).await
}

async fn begin(session: &Session, verb: &str, body: Value, begin: Begin) -> Result<ExitCode, Failure> {
    let Begin { reason, making: Making { dry_run, request_id }, wait } = begin;
    let started = Instant::now();
    let request_id = request_id.map_or_else(|| uuid::Uuid::now_v7().to_string(), String::from);
    let mut call =
        session.client.call(Method::POST, &["images", verb]).query("requestId", &request_id).body(body);
    if dry_run {
        call = call.query("validateOnly", "true");
    }
    if let Some(reason) = &reason {
        call = call.query("reason", reason);
    }
    let answer = call.send().await.map_err(|failure| repeatable(failure, &request_id))?;
    let ImageAccepted { operation, plan, notes } = read(&answer)?;
    note_all(&notes);
    let Some(operation) = operation else {
        if let Some(printed) = structured(session.format, &answer) {
            printed?;
        } else if let Some(plan) = plan {
            print(&planned(&plan))?;
        } else {
            print("nothing was changed: this would be accepted")?;
        }
        return Ok(ExitCode::SUCCESS);
    };
    if wait.wait {
        let any = AnyOperation::Image(Box::new(operation));
        let mut progress = Progress::new();
        let operation = follow(&session.client, any.id(), Some(&any), wait.timeout, &mut progress).await?;
        return ended(session, &operation, Some(started));
    }
    if let Some(printed) = structured(session.format, &answer) {
        printed?;
    } else if session.format == Format::Name {
        print(&clean(&operation.id))?;
    } else {
        print(&clean(&format!("{} has begun: operation {}", what_of_images(&operation), operation.id)))?;
        note(&format!("follow it by `plimsoll operation watch {}`", operation.id));
    }
    Ok(ExitCode::SUCCESS)
}

/// What it would take, a line for each target.
fn planned(plan: &ImagePlan) -> String {
    let ImagePlan { bytes: all, evidence, targets } = plan;
    let of_tags = targets.iter().any(|target| target.tags.is_some());
    let mut head = vec!["TARGET", "REPOSITORY"];
    if of_tags {
        head.extend(["TAGS", "UNCHANGED"]);
    }
    head.extend(["TO SEND", "WHY"]);
    let mut table = Table::new(&head);
    for PlannedTarget { target, repository, bytes: lacks, tags, unchanged, message } in targets {
        let mut row = vec![target.clone(), repository.clone()];
        if of_tags {
            let count = |count: &Option<u64>| count.map_or_else(|| "unknown".to_owned(), |n| n.to_string());
            row.extend([count(tags), count(unchanged)]);
        }
        row.push(lacks.map_or_else(|| "unknown".to_owned(), bytes));
        row.push(message.clone().unwrap_or_default());
        table.push(row);
    }
    let about = all.map(|all| {
        let evidence = match evidence.unwrap_or_default() {
            0 => "nothing refers to it".to_owned(),
            1 => "1 thing that refers to it goes along".to_owned(),
            several => format!("{several} things that refer to it go along"),
        };
        format!("the image has {}; {evidence}\n\n", bytes(all))
    });
    format!("{}{table}\n\nnothing was changed", about.unwrap_or_default())
}

/// How work on registries stands, a line for each target.
pub(super) fn targets(session: &Session, operation: &ImageOperation) -> Table {
    let mut table = Table::new(&["TARGET", "STATE", "SINCE", "REPOSITORY", "SENT", "IMAGES", "WHY"]);
    for target in &operation.targets {
        let ImageTarget {
            target,
            repository,
            state,
            message,
            since,
            sent_bytes,
            images,
            progress,
            reason: _,
        } = target;
        let there = progress.as_ref().map(|progress| progress.done_bytes);
        table.push([
            target.clone(),
            format!("{state:?}"),
            since.map(|since| age(since, session.now)).unwrap_or_default(),
            repository.clone(),
            sent_bytes.or(there).map(bytes).unwrap_or_default(),
            images
                .map(|images| format!("{} of {}", images.good + images.copied, images.total))
                .unwrap_or_default(),
            message.clone().unwrap_or_default(),
        ]);
    }
    table
}
