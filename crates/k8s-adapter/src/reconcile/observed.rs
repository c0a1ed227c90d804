//! What is there of an App in a data center.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use plimsoll_core::cluster::{Drift, Finding, Status};
use plimsoll_core::name::AppUid;
use serde::Deserialize;
use serde_json::Value;

use super::Pod;
use crate::label;
use crate::render::Kind;

/// Everything in a namespace that bears the name of one App.
#[derive(Clone, Debug, Default)]
pub(crate) struct Observed {
    /// Its objects, of this life and of others.
    pub(crate) objects: Vec<Live>,
    pub(crate) replica_sets: Vec<ReplicaSet>,
    /// What the App resource says.
    pub(crate) status: Option<Status>,
    /// Drift that was found and is not in `status` yet.
    pub(crate) unsaid: Vec<Drift>,
    /// Its pods, if they were read, fresh and complete.
    pub(crate) pods: Option<Vec<Pod>>,
    /// Whether it is worth reading pods to find out what is wrong.
    pub(crate) curious: bool,
    /// Whether a pod that was told to go was still there after its grace when pods were read last.
    pub(crate) has_overdue: bool,
    /// Whether nothing is left of what is to be gone, if that was read, fresh and complete.
    pub(crate) gone: Option<bool>,
    /// What stands against doing it, as far as it was tried.
    pub(crate) troubles: Vec<Finding>,
    /// Fields that were put right and are not to be put right again yet, by object.
    pub(crate) fought: BTreeMap<String, BTreeSet<String>>,
    /// Fields that were applied and that the server made something else of: trying again changes nothing.
    pub(crate) futile: BTreeMap<String, BTreeSet<String>>,
}

/// An object as it was last seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Live {
    pub(crate) kind: Kind,
    pub(crate) name: String,
    pub(crate) uid: String,
    pub(crate) resource_version: String,
    /// The life of the App that it says it was made for.
    pub(crate) app_uid: Option<AppUid>,
    /// It is being deleted.
    pub(crate) leaving: bool,
    /// Of a Deployment.
    pub(crate) rollout: Option<Rollout>,
    /// The rest, as JSON text: there are many, and most are looked at rarely.
    body: Arc<[u8]>,
}

/// How far a Deployment is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Rollout {
    pub(crate) generation: i64,
    pub(crate) observed_generation: i64,
    pub(crate) ordered: u32,
    pub(crate) replicas: u32,
    pub(crate) updated: u32,
    pub(crate) ready: u32,
    pub(crate) available: u32,
    /// Not said by older servers.
    pub(crate) terminating: Option<u32>,
    pub(crate) conditions: Vec<Condition>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(crate) struct Condition {
    #[serde(rename = "type")]
    pub(crate) kind: String,
    pub(crate) status: String,
    pub(crate) reason: String,
    pub(crate) message: String,
}

/// The objects that were compared with what is rendered and had nothing that differs, as they were then. They
/// need not be compared again for as long as they say the same and the same is rendered.
#[derive(Debug, Default)]
pub(crate) struct Matches(BTreeMap<Kind, (Arc<[u8]>, Option<u32>)>);

impl Matches {
    /// Whether `live` is as rendered with so many replicas.
    pub(super) fn has(&self, live: &Live, replicas: Option<u32>) -> bool {
        let seen = self.0.get(&live.kind);
        seen.is_some_and(|(body, told)| Arc::ptr_eq(body, &live.body) && *told == replicas)
    }

    pub(super) fn note(&mut self, live: &Live, replicas: Option<u32>) {
        self.0.insert(live.kind, (live.body.clone(), replicas));
    }
}

/// A ReplicaSet, as far as it says which config its pods need.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ReplicaSet {
    pub(crate) uid: String,
    pub(crate) app_uid: Option<AppUid>,
    pub(crate) config_maps: BTreeSet<String>,
}

impl Observed {
    /// The object of that kind of this life of the App.
    pub(crate) fn of(&self, kind: Kind, uid: AppUid) -> Option<&Live> {
        self.objects.iter().find(|live| live.kind == kind && live.app_uid == Some(uid))
    }
}

impl Live {
    /// Keeps of an object what is needed; `None` for what is no object.
    pub(crate) fn new(kind: Kind, mut object: Value) -> Option<Self> {
        let metadata = object.get("metadata")?;
        let text = |field: &str| metadata[field].as_str().map(str::to_owned);
        let (name, uid, resource_version) = (text("name")?, text("uid")?, text("resourceVersion")?);
        let app_uid = app_uid(metadata);
        let leaving = metadata["deletionTimestamp"].is_string();
        let rollout = (kind == Kind::Deployment).then(|| rollout(&object));
        if let Value::Object(fields) = &mut object {
            fields.remove("status");
            forget_status_managers(fields);
            if let Some(Value::Object(metadata)) = fields.get_mut("metadata") {
                // It is another after every write of the status, which changes nothing else.
                metadata.remove("resourceVersion");
            }
            if kind == Kind::ConfigMap {
                // It never changes, and its name says what is in it.
                fields.clear();
            }
        }
        let body = serde_json::to_vec(&object).ok()?.into();
        Some(Self { kind, name, uid, resource_version, app_uid, leaving, rollout, body })
    }

    /// The object, without its status.
    pub(crate) fn value(&self) -> Value {
        let mut value: Value = serde_json::from_slice(&self.body).unwrap_or_default();
        if let Some(Value::Object(metadata)) = value.get_mut("metadata") {
            metadata.insert("resourceVersion".to_owned(), Value::from(self.resource_version.as_str()));
        }
        value
    }

    /// Takes over the body of what was there before, where it is the same. Whoever compared that one need not
    /// compare this one.
    pub(crate) fn share(&mut self, before: &Self) {
        if self.body == before.body {
            self.body = before.body.clone();
        }
    }

    /// Whether nothing but the version differs.
    pub(crate) fn says_the_same(&self, other: &Self) -> bool {
        let Self { kind, name, uid, resource_version: _, app_uid, leaving, rollout, body } = self;
        *kind == other.kind
            && *name == other.name
            && *uid == other.uid
            && *app_uid == other.app_uid
            && *leaving == other.leaving
            && *rollout == other.rollout
            && *body == other.body
    }
}

impl ReplicaSet {
    pub(crate) fn new(object: &Value) -> Option<Self> {
        let metadata = object.get("metadata")?;
        let spec = &object["spec"]["template"]["spec"];
        let mut config_maps = BTreeSet::new();
        let mut needs = |name: &Value| config_maps.extend(name.as_str().map(str::to_owned));
        for volume in list(&spec["volumes"]) {
            needs(&volume["configMap"]["name"]);
        }
        for container in list(&spec["containers"]).chain(list(&spec["initContainers"])) {
            for from in list(&container["envFrom"]) {
                needs(&from["configMapRef"]["name"]);
            }
        }
        Some(Self { uid: metadata["uid"].as_str()?.to_owned(), app_uid: app_uid(metadata), config_maps })
    }
}

/// Who wrote the status is of no interest here, and changes with it.
fn forget_status_managers(object: &mut serde_json::Map<String, Value>) {
    let managers = object.get_mut("metadata").and_then(|metadata| metadata.get_mut("managedFields"));
    if let Some(Value::Array(managers)) = managers {
        managers.retain(|entry| entry["subresource"] != "status");
    }
}

fn app_uid(metadata: &Value) -> Option<AppUid> {
    metadata["labels"][label::APP_UID].as_str()?.parse().ok()
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn rollout(deployment: &Value) -> Rollout {
    let status = &deployment["status"];
    let number = |value: &Value| value.as_u64().and_then(|number| u32::try_from(number).ok());
    let count = |field: &str| number(&status[field]).unwrap_or(0);
    Rollout {
        generation: deployment["metadata"]["generation"].as_i64().unwrap_or(0),
        observed_generation: status["observedGeneration"].as_i64().unwrap_or(0),
        ordered: number(&deployment["spec"]["replicas"]).unwrap_or(1),
        replicas: count("replicas"),
        updated: count("updatedReplicas"),
        ready: count("readyReplicas"),
        available: count("availableReplicas"),
        terminating: number(&status["terminatingReplicas"]),
        conditions: list(&status["conditions"])
            .filter_map(|condition| serde_json::from_value(condition.clone()).ok())
            .collect(),
    }
}
