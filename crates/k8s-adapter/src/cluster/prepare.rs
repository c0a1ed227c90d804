//! What a data center needs before it can hold Apps.

use std::collections::BTreeMap;
use std::time::Duration;

use plimsoll_core::cluster::{Definition, Error};
use plimsoll_core::name::NamespaceName;
use plimsoll_qos::Grade;
use serde_json::{Map, Value, json};

use super::SYSTEM_NAMESPACE;
use crate::companions::{self, Beside};
use crate::connection::{Subject, to_error};
use crate::fields;
use crate::resource::definition::{self, definition};
use crate::resource::{DEFINITION, GROUP, VERSION};
use crate::rest::Rest;

const DEFINITIONS: &str = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
const PRIORITY_CLASSES: &str = "/apis/scheduling.k8s.io/v1/priorityclasses";
const NAMESPACES: &str = "/api/v1/namespaces";

/// How long a data center may take to serve a definition that it was given.
const ESTABLISHED_WITHIN: Duration = Duration::from_secs(30);

pub(super) async fn prepare(rest: &Rest) -> Result<Definition, Error> {
    let was_there = ensure_definition(rest).await?;
    ensure_priorities(rest).await?;
    Ok(was_there)
}

async fn ensure_definition(rest: &Rest) -> Result<Definition, Error> {
    let path = format!("{DEFINITIONS}/{DEFINITION}");
    let ours = definition();
    let installed: Option<Value> = rest.find(&path).await.map_err(other)?;
    let was_there = if installed.is_some() { Definition::Found } else { Definition::Made };
    let (installed, is_new) = match installed {
        Some(installed) if definition::generation(&installed) > definition::GENERATION => (installed, false),
        Some(installed) if fields::covers(&installed, &ours) => (installed, false),
        _ => (rest.apply(&path, &ours).await.map_err(other)?, true),
    };
    if !is_new && definition::is_established(&installed) {
        return Ok(was_there);
    }
    let established = async {
        loop {
            let installed: Value = rest.get(&path).await.map_err(other)?;
            if definition::is_established(&installed) && is_served(rest).await? {
                return Ok(was_there);
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    tokio::time::timeout(ESTABLISHED_WITHIN, established).await.unwrap_or_else(|_| {
        Err(Error::Refused(format!(
            "it took the definition of App resources and does not serve it after {} s",
            ESTABLISHED_WITHIN.as_secs()
        )))
    })
}

/// The API server says "established" a moment before it serves the resource.
async fn is_served(rest: &Rest) -> Result<bool, Error> {
    let path = format!("/apis/{GROUP}/{VERSION}/apps?limit=1");
    Ok(rest.find::<Value>(&path).await.map_err(other)?.is_some())
}

async fn ensure_priorities(rest: &Rest) -> Result<(), Error> {
    let there: Value = rest.get(PRIORITY_CLASSES).await.map_err(other)?;
    let there = there["items"].as_array().map(Vec::as_slice).unwrap_or_default();
    for grade in Grade::ALL {
        let (name, value) = grade.priority();
        match there.iter().find(|class| class["metadata"]["name"] == name) {
            None => create_priority(rest, grade).await?,
            Some(class) if class["value"] == value => {}
            Some(class) => {
                return Err(Error::Refused(format!(
                    "its PriorityClass {name} has the value {} and should have {value}; a value cannot be \
                     changed: delete the class and add the data center again",
                    class["value"]
                )));
            }
        }
    }
    Ok(())
}

async fn create_priority(rest: &Rest, grade: Grade) -> Result<(), Error> {
    let (name, value) = grade.priority();
    let class = json!({
        "apiVersion": "scheduling.k8s.io/v1",
        "kind": "PriorityClass",
        "metadata": {"name": name, "labels": {"app.kubernetes.io/managed-by": "plimsoll"}},
        "value": value,
        "globalDefault": false,
        "preemptionPolicy": "PreemptLowerPriority",
        "description": format!("Applications of grade {grade}, by Plimsoll."),
    });
    match rest.create(PRIORITY_CLASSES, &class).await {
        // Another process was faster, with the same class.
        Err(kube::Error::Api(status)) if status.is_already_exists() => Ok(()),
        answer => answer.map(|_: Value| ()).map_err(other),
    }
}

pub(super) async fn ensure_namespace(
    rest: &Rest,
    name: &NamespaceName,
    labels: &BTreeMap<String, String>,
) -> Result<Vec<String>, Error> {
    let path = format!("{NAMESPACES}/{name}");
    let mut found: Option<Value> = rest.find(&path).await.map_err(other)?;
    if found.is_none() {
        let namespace = json!({
            "apiVersion": "v1",
            "kind": "Namespace",
            "metadata": {"name": name, "labels": labels},
        });
        found = match rest.create(NAMESPACES, &namespace).await {
            Err(kube::Error::Api(status)) if status.is_already_exists() => {
                rest.find(&path).await.map_err(other)?
            }
            answer => Some(answer.map_err(other)?),
        };
    }
    let found = found.unwrap_or_default();
    if found["metadata"]["deletionTimestamp"].is_string() {
        return Err(Error::Refused(format!(
            "the namespace {name} is being deleted there; wait until it is gone"
        )));
    }
    let missing: Map<String, Value> = labels
        .iter()
        .filter(|(key, value)| found["metadata"]["labels"][key.as_str()] != value.as_str())
        .map(|(key, value)| (key.clone(), json!(value)))
        .collect();
    if !missing.is_empty() {
        let change = json!({"metadata": {"labels": missing}});
        rest.merge(&path, &change).await.map(|_: Value| ()).map_err(other)?;
    }
    companions_of(rest, name, &found).await.map_err(other)
}

/// Brings a Namespace its range and its quota; says in words what there stands against Apps.
async fn companions_of(rest: &Rest, name: &NamespaceName, found: &Value) -> kube::Result<Vec<String>> {
    let beside = Beside::read(rest, name.as_str()).await?;
    let mut notes = companions::ensure(rest, found, &beside, &[]).await?;
    notes.extend(companions::against_grades(name.as_str(), &beside));
    Ok(notes)
}

/// Creates an object of Plimsoll's own in its namespace, and that first where it is missing.
pub(super) async fn in_system_namespace(
    rest: &Rest,
    collection: &str,
    object: &Value,
) -> kube::Result<Value> {
    match rest.create(collection, object).await {
        Err(kube::Error::Api(status)) if status.code == 404 => {
            let namespace = json!({
                "apiVersion": "v1",
                "kind": "Namespace",
                "metadata": {"name": SYSTEM_NAMESPACE, "labels": {"app.kubernetes.io/managed-by": "plimsoll"}},
            });
            match rest.create::<_, Value>(NAMESPACES, &namespace).await {
                // Another process was faster.
                Err(kube::Error::Api(status)) if status.is_already_exists() => {}
                answer => {
                    answer?;
                }
            }
            rest.create(collection, object).await
        }
        answer => answer,
    }
}

fn other(error: kube::Error) -> Error {
    to_error(error, Subject::Other)
}
