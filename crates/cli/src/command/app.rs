//! Looking at Apps.

use std::process::ExitCode;

use plimsoll_api_rest::dto::{App, Health, Operation, Release};
use reqwest::Method;
use serde_json::Value;

use super::list;
use super::session::{Session, path};
use crate::arguments::{Format, Get, History, List, Show};
use crate::client::read;
use crate::failure::Failure;
use crate::follow::standing;
use crate::output::{Table, age, clean, describe, print, structured};

pub(super) async fn get(session: &Session, arguments: Get) -> Result<ExitCode, Failure> {
    let Get { app, list: which } = arguments;
    let Some(app) = app else { return list(session, which).await };
    let app = session.app(app)?;
    let value = session.client.call(Method::GET, &path(&app, &[])).send().await?;
    if let Some(printed) = structured(session.format, &value) {
        printed?;
        return Ok(ExitCode::SUCCESS);
    }
    let app: App = read(&value)?;
    match session.format {
        Format::Name => print(&clean(&format!("{}/{}", app.namespace, app.name)))?,
        _ => print(&describe(&app, under_way(session, &app).await?.as_deref(), session.now))?,
    }
    Ok(ExitCode::SUCCESS)
}

/// How the newest Operation stands, where it has not come to its end: what an app that is not healthy is waiting for,
/// and whom.
async fn under_way(session: &Session, app: &App) -> Result<Option<String>, Failure> {
    let (Some(id), Health::Progressing | Health::Degraded | Health::Unknown) = (&app.operation, app.health)
    else {
        return Ok(None);
    };
    // Between the two answers it may have been tidied away, with the app.
    let Some(value) = session.client.call(Method::GET, &["operations", id]).find().await? else {
        return Ok(None);
    };
    let operation: Operation = read(&value)?;
    Ok((!operation.state.is_final()).then(|| standing(&operation)))
}

pub(super) async fn list(session: &Session, List { all }: List) -> Result<ExitCode, Failure> {
    let (items, none) = match session.namespace.as_ref().filter(|_| !all) {
        Some(namespace) => {
            let items = list::all(session, &["namespaces", namespace.as_str(), "apps"], &[]).await?;
            (items, format!("there is no app in Namespace {namespace}"))
        }
        None => (list::all(session, &["apps"], &[]).await?, "there is no app yet".to_owned()),
    };
    list::show(
        session,
        &items,
        &none,
        |app: &App| format!("{}/{}", app.namespace, app.name),
        |apps| {
            let wide = session.format == Format::Wide;
            let mut head = vec!["NAMESPACE", "NAME", "RELEASE", "GRADE", "STATE", "HEALTH", "READY", "AGE"];
            if wide {
                head.extend(["DATA CENTERS", "PINNED BY", "OWNER", "CHANGED BY", "IMAGE"]);
            }
            let mut table = Table::new(&head);
            for app in apps {
                let mut row = vec![
                    app.namespace.clone(),
                    app.name.clone(),
                    app.release.to_string(),
                    app.grade.clone(),
                    format!("{:?}", app.state),
                    format!("{:?}", app.health),
                    ready(app),
                    age(app.created, session.now),
                ];
                if wide {
                    let placed = app.data_centers.iter().filter(|dc| dc.release.is_some());
                    row.extend([
                        placed.map(|dc| dc.data_center.as_str()).collect::<Vec<_>>().join(","),
                        app.pin.as_ref().map(|pin| pin.by.clone()).unwrap_or_default(),
                        app.owner.clone().unwrap_or_default(),
                        app.changed_by.clone(),
                        app.image.clone(),
                    ]);
                }
                table.push(row);
            }
            table
        },
    )?;
    Ok(ExitCode::SUCCESS)
}

/// Ready pods of all that are ordered, where any data center has said.
fn ready(app: &App) -> String {
    let known: Vec<_> = app.data_centers.iter().filter_map(|dc| dc.replicas.as_ref()).collect();
    if known.is_empty() {
        return String::new();
    }
    let ready: u32 = known.iter().map(|replicas| replicas.ready).sum();
    let ordered: u32 = known.iter().map(|replicas| replicas.ordered).sum();
    format!("{ready}/{ordered}")
}

pub(super) async fn history(session: &Session, arguments: History) -> Result<ExitCode, Failure> {
    let History { app } = arguments;
    let app = session.app(app)?;
    let items = list::all(session, &path(&app, &["history"]), &[]).await?;
    list::show(
        session,
        &items,
        "there is no release",
        |release: &Release| release.number.to_string(),
        |releases| {
            let wide = session.format == Format::Wide;
            let mut head = vec!["RELEASE", "STATUS", "BY", "AGE", "REASON", "IMAGE"];
            if wide {
                head.extend(["CONTENT", "OPERATION"]);
            }
            let mut table = Table::new(&head);
            for release in releases {
                let mut row = vec![
                    release.number.to_string(),
                    status(release),
                    release.by.clone(),
                    age(release.created, session.now),
                    release.reason.clone().unwrap_or_default(),
                    release.image.clone(),
                ];
                if wide {
                    row.extend([release.content.clone(), release.operation.clone()]);
                }
                table.push(row);
            }
            table
        },
    )?;
    Ok(ExitCode::SUCCESS)
}

fn status(release: &Release) -> String {
    let mut told = Vec::new();
    if release.head {
        told.push("head".to_owned());
    }
    if let Some(number) = release.back_to {
        told.push(format!("back to {number}"));
    }
    if release.rolled_back.is_some() {
        told.push("rolled back".to_owned());
    } else if release.succeeded.is_some() {
        told.push("succeeded".to_owned());
    }
    told.join(", ")
}

pub(super) async fn show(session: &Session, arguments: Show) -> Result<ExitCode, Failure> {
    let Show { app, release } = arguments;
    let app = session.app(app)?;
    let release = match release {
        Some(release) => release,
        None => read::<App>(&session.client.call(Method::GET, &path(&app, &[])).send().await?)?.release,
    };
    let release = release.to_string();
    let document: Value =
        session.client.call(Method::GET, &path(&app, &["releases", &release])).send().await?;
    // A document is no table: what `apply` takes is what people want to see.
    let format = if session.format == Format::Json { Format::Json } else { Format::Yaml };
    structured(format, &document).unwrap_or(Ok(()))?;
    Ok(ExitCode::SUCCESS)
}
