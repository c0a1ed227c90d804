//! What a data center needs before it can hold Apps.

use std::collections::BTreeMap;
use std::time::Duration;

use plimsoll_core::cluster::{Definition, Error};
use plimsoll_core::name::NamespaceName;
use plimsoll_qos::{GradeRule, Policy, PriorityClass, Terms};
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
    ensure_definition(rest).await
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

/// Makes the classes that are missing; answers those that cannot be had, with the reason.
pub(super) async fn ensure_classes(
    rest: &Rest,
    classes: &[PriorityClass],
) -> Result<BTreeMap<String, String>, Error> {
    let mut there = read_classes(rest).await?;
    let mut is_fresh = true;
    let mut blocked = BTreeMap::new();
    for class in classes {
        if !there.contains_key(&class.name) {
            match rest.create(PRIORITY_CLASSES, &manifest(class)).await {
                Ok(Value::Null | Value::Object(_)) => continue,
                Ok(_) => return Err(Error::Unreadable("a PriorityClass that is no object".into())),
                // Another process was faster; what it made is looked at like any other.
                Err(kube::Error::Api(status)) if status.is_already_exists() => is_fresh = false,
                Err(error) => return Err(other(error)),
            }
        }
        if !is_fresh {
            there = read_classes(rest).await?;
            is_fresh = true;
        }
        if let Some(why) = there.get(&class.name).and_then(|found| in_the_way(class, found)) {
            blocked.insert(class.name.clone(), why);
        }
    }
    Ok(blocked)
}

/// All classes by name.
async fn read_classes(rest: &Rest) -> Result<BTreeMap<String, Value>, Error> {
    let there: Value = rest.get(PRIORITY_CLASSES).await.map_err(other)?;
    let items = there["items"].as_array().map(Vec::as_slice).unwrap_or_default();
    let named = |class: &Value| Some((class["metadata"]["name"].as_str()?.to_owned(), class.clone()));
    Ok(items.iter().filter_map(named).collect())
}

/// Why a class that is there is not the one that is wanted.
fn in_the_way(class: &PriorityClass, found: &Value) -> Option<String> {
    let PriorityClass { name, value, description: _ } = class;
    if found["value"] != *value {
        return Some(format!(
            "its PriorityClass {name} has the value {} and should have {value}; Kubernetes changes no value: delete \
             the class there, or give the grade another name (`plimsoll policy set`)",
            found["value"]
        ));
    }
    (found["metadata"]["labels"][MANAGED_BY] != OURS).then(|| {
        format!(
            "its PriorityClass {name} was not made by Plimsoll; label it {MANAGED_BY}={OURS} if it may be used, or \
             delete it there"
        )
    })
}

const MANAGED_BY: &str = "app.kubernetes.io/managed-by";
const OURS: &str = "plimsoll";

fn manifest(class: &PriorityClass) -> Value {
    let PriorityClass { name, value, description } = class;
    json!({
        "apiVersion": "scheduling.k8s.io/v1",
        "kind": "PriorityClass",
        "metadata": {"name": name, "labels": {MANAGED_BY: OURS}},
        "value": value,
        "globalDefault": false,
        "preemptionPolicy": "PreemptLowerPriority",
        "description": description,
    })
}

pub(super) async fn ensure_namespace(
    rest: &Rest,
    name: &NamespaceName,
    labels: &BTreeMap<String, String>,
    policy: &Policy,
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
    companions_of(rest, name, &found, policy).await.map_err(other)
}

/// Brings a Namespace its range and its quota; says in words what there stands against Apps.
async fn companions_of(
    rest: &Rest,
    name: &NamespaceName,
    found: &Value,
    policy: &Policy,
) -> kube::Result<Vec<String>> {
    let beside = Beside::read(rest, name.as_str()).await?;
    let terms: Vec<Terms> = policy.grades().iter().map(GradeRule::terms).collect();
    let mut notes = companions::ensure(rest, found, &beside, &terms).await?;
    notes.extend(companions::against_grades(name.as_str(), &beside, policy));
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
