//! An App resource, as the controller holds it.

use plimsoll_core::cluster::{Fence, Status};
use serde::{Deserialize, Serialize};
use serde_json::Deserializer;
use serde_json::value::RawValue;

use crate::packed::Packed;
use crate::resource::{AppObject, fence_in, to_status};

/// An App resource, compactly: most are looked at rarely.
#[derive(Clone)]
pub(super) struct Held {
    pub(super) uid: String,
    pub(super) resource_version: String,
    pub(super) fence: Option<Fence>,
    pub(super) status: Option<Status>,
    /// The number of the list that was current when it was put into the world.
    pub(super) list: u64,
    /// Name and spec; the same in memory for as long as they say the same.
    pub(super) body: Packed,
}

impl Held {
    /// Reads an App resource; `None` for what is none.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let Partial { metadata, spec, status } = serde_json::from_str(text).ok()?;
        let Metadata { name, namespace, uid, resource_version } = metadata;
        let status = status.and_then(|status| to_status(&mut Deserializer::from_str(status.get())));
        let body = Body { metadata: BodyMetadata { name, namespace }, spec };
        Some(Self {
            uid: uid?,
            resource_version: resource_version?,
            fence: spec.and_then(fence_in),
            status,
            list: 0,
            body: Packed::of(&body)?,
        })
    }

    /// Whether nothing but the version differs.
    pub(super) fn says_the_same(&self, other: &Self) -> bool {
        let Self { uid, resource_version: _, fence, status, list: _, body } = self;
        *uid == other.uid && *fence == other.fence && *status == other.status && *body == other.body
    }

    pub(super) fn object(&self) -> AppObject {
        self.body.read().unwrap_or_default()
    }
}

/// The parts of an App resource that are kept.
#[derive(Deserialize)]
struct Partial<'a> {
    metadata: Metadata,
    #[serde(borrow, default)]
    spec: Option<&'a RawValue>,
    #[serde(borrow, default)]
    status: Option<&'a RawValue>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Metadata {
    name: Option<String>,
    namespace: Option<String>,
    uid: Option<String>,
    resource_version: Option<String>,
}

#[derive(Serialize)]
struct Body<'a> {
    metadata: BodyMetadata,
    #[serde(skip_serializing_if = "Option::is_none")]
    spec: Option<&'a RawValue>,
}

#[derive(Serialize)]
struct BodyMetadata {
    name: Option<String>,
    namespace: Option<String>,
}
