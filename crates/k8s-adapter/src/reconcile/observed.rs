//! What is there of an App in a data center.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use plimsoll_core::cluster::{Drift, Finding, Status};
use plimsoll_core::digest::Digest;
use plimsoll_core::name::AppUid;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;

use super::Pod;
use crate::document::Parts;
use crate::packed::{Likeness, Packed};
use crate::render::Kind;

/// Everything in a namespace that bears the name of one App.
#[expect(clippy::struct_excessive_bools, reason = "each is true or not whatever the others are")]
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
    /// Whether all of the present Order was written once: what of it is missing was lost.
    pub(crate) was_done: bool,
    /// Whether what is missing was read, fresh: its marks may have been taken off.
    pub(crate) searched: bool,
    /// Whether it is worth reading pods to find out what is wrong.
    pub(crate) curious: bool,
    /// Whether a pod that was told to go was still there after its grace when pods were read last.
    pub(crate) has_overdue: bool,
    /// Whether nothing is left of what is to be gone, if that was read, fresh and complete.
    pub(crate) gone: Option<bool>,
    /// What stands against doing it, as far as it was tried.
    pub(crate) troubles: Vec<Finding>,
    /// What ranges and quotas of its Namespace have against its pods.
    pub(crate) refusals: Vec<Finding>,
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
    /// It does not say so: the mark was taken off.
    pub(crate) unmarked: bool,
    /// It is being deleted.
    pub(crate) leaving: bool,
    /// Of a Deployment.
    pub(crate) rollout: Option<Rollout>,
    /// What else is compared.
    body: Packed,
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
pub(crate) struct Matches(BTreeMap<Kind, (Digest, Option<u32>)>);

impl Matches {
    /// Whether `live` is as rendered with so many replicas.
    pub(super) fn has(&self, live: &Live, replicas: Option<u32>) -> bool {
        self.0.get(&live.kind) == Some(&(live.body.digest(), replicas))
    }

    /// Notes that `live` is as rendered with so many replicas.
    pub(crate) fn note(&mut self, live: &Live, replicas: Option<u32>) {
        self.0.insert(live.kind, (live.body.digest(), replicas));
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
    ///
    /// Of most events nothing but the status is new. So the text is not taken apart further than to the parts
    /// that are kept, and those stay the text that they are.
    pub(crate) fn parse(kind: Kind, text: &str) -> Option<Self> {
        Self::of(kind, serde_json::from_str(text).ok()?)
    }

    /// The same of an object whose parts are told apart already.
    pub(crate) fn of(kind: Kind, parts: Parts<'_>) -> Option<Self> {
        let Parts { metadata, spec, status } = parts;
        let metadata: Metadata<'_> = serde_json::from_str(metadata.get()).ok()?;
        let rollout = (kind == Kind::Deployment).then(|| rollout(metadata.generation, spec, status));
        let body = match kind {
            // It never changes, and its name says what is in it.
            Kind::ConfigMap => Packed::default(),
            _ => Packed::of(&Body { metadata: BodyMetadata::of(&metadata)?, spec })?,
        };
        Some(Self {
            kind,
            name: metadata.name?,
            uid: metadata.uid?,
            resource_version: metadata.resource_version?,
            app_uid: metadata.labels.and_then(app_uid),
            unmarked: false,
            leaving: metadata.deletion_timestamp.is_some(),
            rollout,
            body,
        })
    }

    /// The same as an object of that life, whose mark was taken off.
    pub(crate) fn of_life(self, uid: AppUid) -> Self {
        Self { app_uid: Some(uid), unmarked: true, ..self }
    }

    /// The object, without its status.
    pub(crate) fn value(&self) -> Value {
        let mut value: Value = self.body.read().unwrap_or_default();
        if let Some(Value::Object(metadata)) = value.get_mut("metadata") {
            let Self { name, uid, resource_version, .. } = self;
            for (field, text) in [("name", name), ("uid", uid), ("resourceVersion", resource_version)] {
                metadata.insert(field.to_owned(), Value::from(text.as_str()));
            }
            if let Some(rollout) = &self.rollout {
                metadata.insert("generation".to_owned(), Value::from(rollout.generation));
            }
        }
        value
    }

    /// It is to be kept, in place of what was kept before of the same object.
    pub(crate) fn keep(&mut self, before: Option<&Self>, likeness: &mut Likeness) {
        self.body.keep(before.map(|before| &before.body), likeness);
    }

    /// Whether nothing but the version differs.
    pub(crate) fn says_the_same(&self, other: &Self) -> bool {
        let Self { kind, name, uid, resource_version: _, app_uid, unmarked, leaving, rollout, body } = self;
        *kind == other.kind
            && *name == other.name
            && *uid == other.uid
            && *app_uid == other.app_uid
            && *unmarked == other.unmarked
            && *leaving == other.leaving
            && *rollout == other.rollout
            && *body == other.body
    }
}

impl ReplicaSet {
    /// Keeps of a ReplicaSet what is needed; `None` for what is none.
    pub(crate) fn of(parts: Parts<'_>) -> Option<Self> {
        let Parts { metadata, spec, status: _ } = parts;
        let metadata: Metadata<'_> = serde_json::from_str(metadata.get()).ok()?;
        let spec: SetSpec =
            spec.map_or(Ok(SetSpec::default()), |spec| serde_json::from_str(spec.get())).ok()?;
        let SetPod { volumes, containers, init_containers } = spec.template.spec;
        let mounted = volumes.into_iter().filter_map(|volume| volume.config_map);
        let read = containers.into_iter().chain(init_containers).flat_map(|container| container.env_from);
        let config_maps =
            mounted.chain(read.filter_map(|from| from.config_map_ref)).filter_map(|map| map.name);
        Some(Self {
            uid: metadata.uid?,
            app_uid: metadata.labels.and_then(app_uid),
            config_maps: config_maps.collect(),
        })
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Metadata<'a> {
    name: Option<String>,
    uid: Option<String>,
    resource_version: Option<String>,
    #[serde(default)]
    generation: i64,
    #[serde(borrow, default)]
    deletion_timestamp: Option<&'a RawValue>,
    #[serde(borrow, default)]
    labels: Option<&'a RawValue>,
    #[serde(borrow, default)]
    annotations: Option<&'a RawValue>,
    #[serde(borrow, default)]
    managed_fields: Option<Vec<&'a RawValue>>,
}

/// What is compared: without what changes with every write, and with the status alone.
#[derive(Serialize)]
struct Body<'a> {
    metadata: BodyMetadata<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    spec: Option<&'a RawValue>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct BodyMetadata<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    deletion_timestamp: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    labels: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    annotations: Option<&'a RawValue>,
    managed_fields: Vec<&'a RawValue>,
}

impl<'a> BodyMetadata<'a> {
    fn of(metadata: &Metadata<'a>) -> Option<Self> {
        #[derive(Deserialize)]
        struct Manager<'a> {
            #[serde(borrow, default)]
            subresource: Option<Cow<'a, str>>,
        }
        let mut managed_fields = Vec::new();
        for entry in metadata.managed_fields.iter().flatten() {
            let manager: Manager<'_> = serde_json::from_str(entry.get()).ok()?;
            // Who wrote the status is of no interest here, and changes with it.
            if manager.subresource.as_deref() != Some("status") {
                managed_fields.push(*entry);
            }
        }
        let Metadata { deletion_timestamp, labels, annotations, .. } = *metadata;
        Some(Self { deletion_timestamp, labels, annotations, managed_fields })
    }
}

/// The spec of a ReplicaSet, as far as it says which config its pods need.
#[derive(Default, Deserialize)]
#[serde(default)]
struct SetSpec {
    template: SetTemplate,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct SetTemplate {
    spec: SetPod,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct SetPod {
    volumes: Vec<Volume>,
    containers: Vec<SetContainer>,
    init_containers: Vec<SetContainer>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Volume {
    config_map: Option<Named>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct SetContainer {
    env_from: Vec<EnvFrom>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct EnvFrom {
    config_map_ref: Option<Named>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Named {
    name: Option<String>,
}

fn app_uid(labels: &RawValue) -> Option<AppUid> {
    #[derive(Deserialize)]
    struct Labels<'a> {
        #[serde(borrow, rename = "plimsoll.io/app-uid")]
        app_uid: Cow<'a, str>,
    }
    let labels: Labels<'_> = serde_json::from_str(labels.get()).ok()?;
    labels.app_uid.parse().ok()
}

fn rollout(generation: i64, spec: Option<&RawValue>, status: Option<&RawValue>) -> Rollout {
    #[derive(Default, Deserialize)]
    #[serde(default, rename_all = "camelCase")]
    struct DeploymentStatus {
        observed_generation: i64,
        replicas: u32,
        updated_replicas: u32,
        ready_replicas: u32,
        available_replicas: u32,
        terminating_replicas: Option<u32>,
        conditions: Vec<Condition>,
    }
    #[derive(Default, Deserialize)]
    struct DeploymentSpec {
        replicas: Option<u32>,
    }
    let spec: Option<DeploymentSpec> = spec.and_then(|spec| serde_json::from_str(spec.get()).ok());
    let status: Option<DeploymentStatus> = status.and_then(|status| serde_json::from_str(status.get()).ok());
    let status = status.unwrap_or_default();
    Rollout {
        generation,
        observed_generation: status.observed_generation,
        ordered: spec.and_then(|spec| spec.replicas).unwrap_or(1),
        replicas: status.replicas,
        updated: status.updated_replicas,
        ready: status.ready_replicas,
        available: status.available_replicas,
        terminating: status.terminating_replicas,
        conditions: status.conditions,
    }
}
