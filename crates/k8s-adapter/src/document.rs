//! Any object as the JSON that it is, for kube's watcher.

use std::borrow::Cow;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::core::{ApiResource, DynamicResourceScope};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

/// An object as the text of its parts; of its metadata only what names it, its version and its App is read. Most events
/// say nothing new, so the whole is gone over once, and each part again by whoever needs to know it.
///
/// Text is passed on as it is only where JSON is read from text. kube reads events so, as long as their type comes
/// before their object, which is the order that every API server writes.
#[derive(Clone, Debug)]
pub(crate) struct Document {
    metadata: ObjectMeta,
    /// The label that names the App.
    pub(crate) app: Option<String>,
    parts: OwnParts,
}

/// What an object is made of, as JSON; `null` for metadata that is missing.
#[derive(Clone, Copy, Debug, Deserialize)]
pub(crate) struct Parts<'a> {
    #[serde(borrow, default = "null")]
    pub(crate) metadata: &'a RawValue,
    #[serde(borrow, default)]
    pub(crate) spec: Option<&'a RawValue>,
    #[serde(borrow, default)]
    pub(crate) status: Option<&'a RawValue>,
}

#[derive(Clone, Debug, Deserialize)]
struct OwnParts {
    #[serde(default = "own_null")]
    metadata: Box<RawValue>,
    #[serde(default)]
    spec: Option<Box<RawValue>>,
    #[serde(default)]
    status: Option<Box<RawValue>>,
}

fn null() -> &'static RawValue {
    RawValue::NULL
}

fn own_null() -> Box<RawValue> {
    null().to_owned()
}

impl Document {
    /// The object.
    pub(crate) fn parts(&self) -> Parts<'_> {
        let OwnParts { metadata, spec, status } = &self.parts;
        Parts { metadata, spec: spec.as_deref(), status: status.as_deref() }
    }
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Head {
    name: Option<String>,
    namespace: Option<String>,
    uid: Option<String>,
    resource_version: Option<String>,
    labels: Option<Labels>,
}

#[derive(Default, Deserialize)]
struct Labels {
    #[serde(default, rename = "app.kubernetes.io/name")]
    name: Option<String>,
}

impl<'de> Deserialize<'de> for Document {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let parts = OwnParts::deserialize(deserializer)?;
        let head: Option<Head> = serde_json::from_str(parts.metadata.get()).map_err(D::Error::custom)?;
        let Head { name, namespace, uid, resource_version, labels } = head.unwrap_or_default();
        let metadata = ObjectMeta { name, namespace, uid, resource_version, ..ObjectMeta::default() };
        Ok(Self { metadata, app: labels.and_then(|labels| labels.name), parts })
    }
}

impl kube::Resource for Document {
    type DynamicType = ApiResource;
    type Scope = DynamicResourceScope;

    fn kind(resource: &ApiResource) -> Cow<'_, str> {
        resource.kind.as_str().into()
    }

    fn group(resource: &ApiResource) -> Cow<'_, str> {
        resource.group.as_str().into()
    }

    fn version(resource: &ApiResource) -> Cow<'_, str> {
        resource.version.as_str().into()
    }

    fn plural(resource: &ApiResource) -> Cow<'_, str> {
        resource.plural.as_str().into()
    }

    fn api_version(resource: &ApiResource) -> Cow<'_, str> {
        resource.api_version.as_str().into()
    }

    fn meta(&self) -> &ObjectMeta {
        &self.metadata
    }

    fn meta_mut(&mut self) -> &mut ObjectMeta {
        &mut self.metadata
    }
}
