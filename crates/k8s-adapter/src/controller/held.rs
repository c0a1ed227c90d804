//! An App resource, as the controller holds it.

use plimsoll_core::cluster::{Fence, Status};
use serde::Serialize;
use serde_json::value::RawValue;

use crate::packed::Packed;
use crate::resource::{AppMetadata, AppText, Carried, Damage, Head, carried, to_status};

/// An App resource, compactly: most are looked at rarely.
#[derive(Clone)]
pub(super) struct Held {
    pub(super) uid: String,
    pub(super) resource_version: String,
    pub(super) fence: Option<Fence>,
    pub(super) status: Option<Status>,
    /// The number of the list that was current when it was put into the world.
    pub(super) list: u64,
    /// Name and spec.
    pub(super) body: Packed,
}

impl Held {
    /// Reads an App resource; `None` for what is none.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let object = AppText::parse(text).ok()?;
        let head = object.head();
        Self::read(object, &head)
    }

    /// Keeps an App resource that says so much of itself.
    pub(super) fn read(object: AppText<'_>, head: &Head) -> Option<Self> {
        let AppText { metadata: AppMetadata { name, namespace, uid, resource_version }, spec, status } =
            object;
        let body = Body { metadata: BodyMetadata { name, namespace }, spec };
        Some(Self {
            uid: uid?,
            resource_version: resource_version?,
            fence: head.fence,
            status: status.and_then(to_status),
            list: 0,
            body: Packed::of(&body)?,
        })
    }

    /// Whether nothing but the version differs.
    pub(super) fn says_the_same(&self, other: &Self) -> bool {
        let Self { uid, resource_version: _, fence, status, list: _, body } = self;
        *uid == other.uid && *fence == other.fence && *status == other.status && *body == other.body
    }

    /// What it carries.
    pub(super) fn carried(&self) -> Carried {
        let text = self.body.text().unwrap_or_default();
        AppText::parse(&text).map_or_else(
            |why| Carried::Damaged(Damage::Unreadable(why.to_string())),
            |object| carried(&object),
        )
    }
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
