//! The installation, its data centers, its Namespaces.

use std::process::ExitCode;
use std::time::Duration;

use plimsoll_api_rest::dto::{
    DataCenter, Decision, DecisionWord, Environment, Guard, Installation, Namespace, NamespaceThere,
    NewInstallation, NewNamespace, Reach, ReachState, Stop,
};
use reqwest::Method;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::list;
use super::session::Session;
use crate::arguments::{self, Dc, Decide, Format, Init, Making};
use crate::client::{Call, read};
use crate::failure::{FAILED, Failure};
use crate::output::{Table, age, clean, note, print, structured};

/// How long to wait until the data centers that answer have a Namespace, and between two looks.
const MADE_WITHIN: Duration = Duration::from_secs(3);
const ASKS: Duration = Duration::from_millis(100);
/// The longest kubeconfig that is sent, in bytes.
const MAX_KUBECONFIG: usize = 1024 * 1024;

pub(super) async fn init(session: &Session, arguments: Init) -> Result<ExitCode, Failure> {
    let Init { id, name, environment, policy, making } = arguments;
    let environment = match environment {
        arguments::Environment::Production => Environment::Production,
        arguments::Environment::Testing => Environment::Testing,
    };
    let name = name.unwrap_or_else(|| id.clone());
    let source = policy.map(super::policy::open).transpose()?;
    let policy = source.as_ref().map(|source| super::policy::grades(source.value()));
    let body = json!(NewInstallation { id, name, environment, policy });
    let mut call = write(session, Method::POST, &["installation"], &making).body(body);
    if let Some(source) = &source {
        call = call.about(source);
    }
    let value = call.send().await?;
    made(session, &value, &making, |Installation { id, environment, .. }| {
        (id.clone(), format!("the installation is {id}, with the rules of {environment:?}"))
    })
}

pub(super) async fn dc(session: &Session, command: Dc) -> Result<ExitCode, Failure> {
    match command {
        Dc::List => {
            let items = list::all(session, &["datacenters"], &[]).await?;
            list::show(session, &items, "there is no data center yet", name_of_dc, |dcs| {
                dc_table(session, dcs)
            })?;
            Ok(ExitCode::SUCCESS)
        }
        Dc::Get { name } => {
            let value = session.client.call(Method::GET, &["datacenters", name.as_str()]).send().await?;
            one(session, &value, name_of_dc, |dcs| dc_table(session, dcs))?;
            if matches!(session.format, Format::Table | Format::Wide) {
                let details = details(&read(&value)?, session.now);
                if !details.is_empty() {
                    print(&details)?;
                }
            }
            Ok(ExitCode::SUCCESS)
        }
        Dc::Confirm(decide) => {
            decided(session, "confirm", decide, |dc| {
                format!("{dc} goes on; what was missing there is put back")
            })
            .await
        }
        Dc::Refuse(decide) => {
            decided(session, "refuse", decide, |dc| {
                format!(
                    "{dc} stays held: nothing is written there, nothing missing is put back, and what is ordered is \
                     owed to it, until `plimsoll dc confirm {dc}`"
                )
            })
            .await
        }
        Dc::Add { name, kubeconfig, shared, making } => {
            let unread = |why: String| Failure::new(FAILED, format!("{} {why}", kubeconfig.display()));
            let text = std::fs::read_to_string(&kubeconfig)
                .map_err(|error| unread(format!("cannot be read: {}", crate::document::unread(&error))))?;
            if text.len() > MAX_KUBECONFIG {
                return Err(unread("has more than 1 MiB, which no kubeconfig has".to_owned()));
            }
            let body = json!({"name": name, "kubeconfig": text, "shared": shared});
            let value = create(session, &["datacenters"], body, &making).await?;
            made(session, &value, &making, |DataCenter { name, cluster_uid, .. }| {
                (name.clone(), format!("{name} is added; its cluster is {cluster_uid}"))
            })
        }
    }
}

pub(super) async fn namespace(session: &Session, command: arguments::Namespace) -> Result<ExitCode, Failure> {
    match command {
        arguments::Namespace::List => {
            let items = list::all(session, &["namespaces"], &[]).await?;
            list::show(session, &items, "there is no Namespace yet", name_of_namespace, |all| {
                namespace_table(session, all)
            })?;
            Ok(ExitCode::SUCCESS)
        }
        arguments::Namespace::Get { name } => {
            let value = session.client.call(Method::GET, &["namespaces", name.as_str()]).send().await?;
            one(session, &value, name_of_namespace, |all| namespace_table(session, all))?;
            tell_notes(&value)?;
            Ok(ExitCode::SUCCESS)
        }
        arguments::Namespace::Create { name, making } => {
            let body = json!(NewNamespace { name: name.clone().into() });
            let mut value = create(session, &["namespaces"], body, &making).await?;
            if !making.dry_run {
                value = made_there(session, name.as_str(), value).await?;
                tell_notes(&value)?;
            }
            made(session, &value, &making, |Namespace { name, .. }| {
                (name.clone(), format!("the Namespace {name} is there"))
            })
        }
    }
}

/// Waits a moment until the data centers that answer have a Namespace, which they then say something about.
async fn made_there(session: &Session, name: &str, made: Value) -> Result<Value, Failure> {
    let began = std::time::Instant::now();
    let mut value = made;
    loop {
        let dcs = list::all(session, &["datacenters"], &[]).await?;
        value = match session.client.call(Method::GET, &["namespaces", name]).send().await {
            Ok(there) => there,
            // A reader of another process may be a moment behind.
            Err(_) => value,
        };
        let Namespace { data_centers, .. } = read(&value)?;
        let dcs: Vec<DataCenter> = read(&Value::Array(dcs))?;
        let has = |dc: &DataCenter| data_centers.iter().any(|there| there.name == dc.name);
        let answers =
            |dc: &&DataCenter| dc.reach.as_ref().is_some_and(|reach| reach.state == ReachState::Connected);
        if dcs.iter().filter(answers).all(has) || began.elapsed() > MADE_WITHIN {
            return Ok(value);
        }
        tokio::time::sleep(ASKS).await;
    }
}

/// Says what stands against Apps in a Namespace.
fn tell_notes(value: &Value) -> Result<(), Failure> {
    let Namespace { data_centers, .. } = read(value)?;
    for NamespaceThere { name, notes } in data_centers {
        for said in notes {
            note(&format!("{name}: {said}"));
        }
    }
    Ok(())
}

fn name_of_dc(dc: &DataCenter) -> String {
    dc.name.clone()
}

fn dc_table(session: &Session, dcs: &[DataCenter]) -> Table {
    let mut table = Table::new(&["NAME", "STATE", "REACH", "AGE", "CLUSTER", "WHY"]);
    for dc in dcs {
        let DataCenter { name, state, message, cluster_uid, reach, added, .. } = dc;
        let unreached = reach.as_ref().and_then(|reach| reach.message.as_ref());
        table.push([
            name.clone(),
            format!("{state:?}"),
            reach.as_ref().map(|reach| reached(reach, session.now)).unwrap_or_default(),
            age(*added, session.now),
            cluster_uid.clone(),
            message.as_ref().or(unreached).cloned().unwrap_or_default(),
        ]);
    }
    table
}

/// `Connected`, or `Unreachable for 5m`.
fn reached(Reach { state, message: _, since }: &Reach, now: jiff::Timestamp) -> String {
    match since {
        Some(since) => format!("{state:?} for {}", age(*since, now)),
        None => format!("{state:?}"),
    }
}

/// What a table has no room for: why a data center is held, what was decided, and who is a stranger there.
fn details(dc: &DataCenter, now: jiff::Timestamp) -> String {
    let DataCenter { name, stops, decision, unknown_apps, .. } = dc;
    let mut lines = Vec::new();
    for Stop { reason, message, since, noticed_by, count, objects } in stops {
        let by = match noticed_by {
            Guard::Worker => "the worker",
            Guard::Controller => "the controller",
        };
        let why = clean(&format!("({reason}): {message}"));
        lines.push(format!("\nheld for {}, noticed by {by} {why}", age(*since, now)));
        lines.extend(objects.iter().map(|object| format!("  {}", clean(object))));
        let rest = count.saturating_sub(objects.len());
        if rest > 0 {
            lines.push(format!("  and {rest} more"));
        }
    }
    if let Some(Decision { word, by, reason, at }) = decision {
        let what = match word {
            DecisionWord::Confirm => "confirmed",
            DecisionWord::Refuse => "refused",
        };
        let why = reason.as_ref().map(|reason| format!(": {reason}")).unwrap_or_default();
        lines.push(format!("\n{}", clean(&format!("{what} by {by} {} ago{why}", age(*at, now)))));
    }
    if !unknown_apps.is_empty() {
        lines.push(format!("\nin {} and not in the ledger; they are left alone:", clean(name)));
        lines.extend(unknown_apps.iter().map(|app| format!("  {}", clean(app))));
    }
    lines.join("\n")
}

/// Decides about a data center that is held, on what is known of it now.
async fn decided(
    session: &Session,
    verb: &str,
    decide: Decide,
    sentence: impl FnOnce(&str) -> String,
) -> Result<ExitCode, Failure> {
    let Decide { name, reason, if_match, making } = decide;
    let etag = if let Some(etag) = if_match {
        etag
    } else {
        let value = session.client.call(Method::GET, &["datacenters", name.as_str()]).send().await?;
        read::<DataCenter>(&value)?.etag
    };
    let path = ["datacenters", name.as_str(), verb];
    let mut call = write(session, Method::POST, &path, &making).if_match(Some(etag));
    if let Some(reason) = &reason {
        call = call.query("reason", reason);
    }
    let value = call.send().await?;
    made(session, &value, &making, |DataCenter { name, .. }| (name.clone(), sentence(name)))
}

fn name_of_namespace(namespace: &Namespace) -> String {
    namespace.name.clone()
}

fn namespace_table(session: &Session, namespaces: &[Namespace]) -> Table {
    let mut table = Table::new(&["NAME", "BY", "AGE"]);
    for Namespace { name, by, created, data_centers: _ } in namespaces {
        table.push([name.clone(), by.clone(), age(*created, session.now)]);
    }
    table
}

/// Shows one thing as a list shows it.
fn one<T: DeserializeOwned>(
    session: &Session,
    value: &Value,
    name: impl Fn(&T) -> String,
    table: impl FnOnce(&[T]) -> Table,
) -> Result<ExitCode, Failure> {
    if let Some(printed) = structured(session.format, value) {
        printed?;
    } else {
        list::show(session, std::slice::from_ref(value), "", name, table)?;
    }
    Ok(ExitCode::SUCCESS)
}

async fn create(session: &Session, path: &[&str], body: Value, making: &Making) -> Result<Value, Failure> {
    write(session, Method::POST, path, making).body(body).send().await
}

/// A write that takes no time.
pub(super) fn write<'a>(session: &'a Session, method: Method, path: &[&str], making: &Making) -> Call<'a> {
    let Making { dry_run, request_id } = making;
    let request_id = match request_id {
        Some(id) => id.as_str().to_owned(),
        None => uuid::Uuid::now_v7().to_string(),
    };
    let mut call = session.client.call(method, path).query("requestId", &request_id);
    if *dry_run {
        call = call.query("validateOnly", "true");
    }
    call
}

/// Prints what was made: its name and a sentence.
fn made<T: DeserializeOwned>(
    session: &Session,
    value: &Value,
    making: &Making,
    tell: impl FnOnce(&T) -> (String, String),
) -> Result<ExitCode, Failure> {
    if let Some(printed) = structured(session.format, value) {
        printed?;
        return Ok(ExitCode::SUCCESS);
    }
    let (name, sentence) = tell(&read(value)?);
    let sentence = match session.format {
        Format::Name => name,
        _ if making.dry_run => "nothing was changed: this would be accepted".to_owned(),
        _ => sentence,
    };
    print(&clean(&sentence))?;
    Ok(ExitCode::SUCCESS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_table_has_no_room_for_is_a_line_each_and_none_is_from_outside() {
        let dc: DataCenter = serde_json::from_value(json!({
            "name": "dc-3", "etag": "\"7\"", "state": "Held", "clusterUid": "1", "added": "2026-11-23T00:00:00Z",
            "stops": [{
                "reason": "TooMuchMissing", "message": "5 things were missing\nthere", "since": "2026-11-23T00:00:00Z",
                "noticedBy": "Controller", "count": 3, "objects": ["Deployment demo/shop", "Service demo/\nshop"],
            }],
            "decision": {"word": "Refuse", "by": "olga", "reason": "look\n\u{1b}[31mfirst", "at": "2026-11-23T00:00:05Z"},
            "unknownApps": ["demo/old"],
        }))
        .unwrap();
        insta::assert_snapshot!(details(&dc, "2026-11-23T00:00:09Z".parse().unwrap()));
    }
}
