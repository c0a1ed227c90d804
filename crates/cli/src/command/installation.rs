//! The installation, its data centers, its Namespaces.

use std::process::ExitCode;

use plimsoll_api_rest::dto::{
    DataCenter, Environment, Installation, Namespace, NewInstallation, NewNamespace,
};
use reqwest::Method;
use serde_json::{Value, json};

use super::list;
use super::session::Session;
use crate::arguments::{self, Dc, Format, Init};
use crate::client::read;
use crate::failure::{FAILED, Failure};
use crate::output::{Table, age, clean, print, structured};

/// The longest kubeconfig that is sent, in bytes.
const MAX_KUBECONFIG: usize = 1024 * 1024;

pub(super) async fn init(session: &Session, arguments: Init) -> Result<ExitCode, Failure> {
    let Init { id, name, environment } = arguments;
    let environment = match environment {
        arguments::Environment::Production => Environment::Production,
        arguments::Environment::Testing => Environment::Testing,
    };
    let name = name.unwrap_or_else(|| id.clone());
    let value = create(session, &["installation"], json!(NewInstallation { id, name, environment })).await?;
    made(session, &value, |Installation { id, environment, .. }| {
        (id.clone(), format!("the installation is {id}, with the rules of {environment:?}"))
    })
}

pub(super) async fn dc(session: &Session, command: Dc) -> Result<ExitCode, Failure> {
    match command {
        Dc::List => {
            let value = session.client.call(Method::GET, &["datacenters"]).send().await?;
            let items = value["items"].as_array().cloned().unwrap_or_default();
            list::show(
                session,
                &items,
                "there is no data center yet",
                |dc: &DataCenter| dc.name.clone(),
                |dcs| {
                    let mut table = Table::new(&["NAME", "STATE", "REACH", "AGE", "CLUSTER", "WHY"]);
                    for DataCenter { name, state, cluster_uid, reach, added } in dcs {
                        table.push([
                            name.clone(),
                            format!("{state:?}"),
                            reach.as_ref().map(|reach| format!("{:?}", reach.state)).unwrap_or_default(),
                            age(*added, session.now),
                            cluster_uid.clone(),
                            reach.as_ref().and_then(|reach| reach.message.clone()).unwrap_or_default(),
                        ]);
                    }
                    table
                },
            )?;
            Ok(ExitCode::SUCCESS)
        }
        Dc::Add { name, kubeconfig } => {
            let unread = |why: String| Failure::new(FAILED, format!("{} {why}", kubeconfig.display()));
            let text = std::fs::read_to_string(&kubeconfig)
                .map_err(|error| unread(format!("cannot be read: {}", crate::document::unread(&error))))?;
            if text.len() > MAX_KUBECONFIG {
                return Err(unread("has more than 1 MiB, which no kubeconfig has".to_owned()));
            }
            let body = json!({"name": name, "kubeconfig": text});
            let value = create(session, &["datacenters"], body).await?;
            made(session, &value, |DataCenter { name, cluster_uid, .. }| {
                (name.clone(), format!("{name} is added; its cluster is {cluster_uid}"))
            })
        }
    }
}

pub(super) async fn namespace(session: &Session, command: arguments::Namespace) -> Result<ExitCode, Failure> {
    match command {
        arguments::Namespace::List => {
            let items = list::all(session, &["namespaces"], &[]).await?;
            list::show(
                session,
                &items,
                "there is no Namespace yet",
                |namespace: &Namespace| namespace.name.clone(),
                |all| {
                    let mut table = Table::new(&["NAME", "BY", "AGE"]);
                    for Namespace { name, by, created } in all {
                        table.push([name.clone(), by.clone(), age(*created, session.now)]);
                    }
                    table
                },
            )?;
            Ok(ExitCode::SUCCESS)
        }
        arguments::Namespace::Create { name } => {
            let value = create(session, &["namespaces"], json!(NewNamespace { name: name.into() })).await?;
            made(session, &value, |Namespace { name, .. }| {
                (name.clone(), format!("the Namespace {name} is there"))
            })
        }
    }
}

async fn create(session: &Session, path: &[&str], body: Value) -> Result<Value, Failure> {
    let request_id = uuid::Uuid::now_v7().to_string();
    session.client.call(Method::POST, path).query("requestId", &request_id).body(body).send().await
}

/// Prints what was made: its name and a sentence.
fn made<T: serde::de::DeserializeOwned>(
    session: &Session,
    value: &Value,
    tell: impl FnOnce(&T) -> (String, String),
) -> Result<ExitCode, Failure> {
    if let Some(printed) = structured(session.format, value) {
        printed?;
        return Ok(ExitCode::SUCCESS);
    }
    let (name, sentence) = tell(&read(value)?);
    print(&clean(if session.format == Format::Name { &name } else { &sentence }))?;
    Ok(ExitCode::SUCCESS)
}
