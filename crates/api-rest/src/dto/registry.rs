//! Registries and what lies in them.

use jiff::Timestamp;
use plimsoll_core::image;
use plimsoll_core::view::{Listed, Pull, RegistryView};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A registry of the installation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Registry {
    /// Where it is: a name or an address, with its port where that is not the usual one.
    pub host: String,
    /// How it is spoken to.
    pub scheme: RegistryScheme,
    /// The data centers that pull from it, by name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub data_centers: Vec<RegistryPull>,
    /// How it behaves, as it was found last; absent where nobody has looked since the server started.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub traits: Vec<RegistryTrait>,
    /// When that was found.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub probed: Option<Timestamp>,
}

/// How a registry is spoken to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub enum RegistryScheme {
    /// Encrypted.
    Https,
    /// As plain text, which whoever is on the way can read.
    Http,
}

/// Where a data center pulls images from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RegistryPull {
    /// The data center.
    pub data_center: String,
    /// What stands before the repositories that are kept for it.
    pub prefix: String,
}

/// One thing that was asked of how a registry behaves.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RegistryTrait {
    /// What was asked.
    pub subject: TraitSubject,
    /// Whether an answer was found.
    pub known: bool,
    /// What was found, or why nothing was, in a sentence.
    pub finding: String,
    /// What Plimsoll does because of it, in a sentence; absent where it makes no difference.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub consequence: Option<String>,
}

/// What is asked of how a registry behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub enum TraitSubject {
    /// What it says that it is.
    Server,
    /// What it wants to see from who asks.
    Authentication,
    /// How it lists its repositories.
    Repositories,
    /// Whether it says what refers to an image.
    Referrers,
    /// Whether it removes images.
    Removal,
    /// Whether it says the digest of what a tag points to without sending it.
    Digests,
    /// Whether it says that a tag still points to what the caller has.
    EntityTags,
    /// Whether it gives out content from the middle.
    Ranges,
}

/// One page of what a registry lists.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RegistryPage<T> {
    /// In the order of their bytes.
    pub items: Vec<T>,
    /// What to send as `pageToken` for the next page; absent on the last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_page_token: Option<String>,
    /// Whether the list as a whole has everything.
    pub complete: bool,
    /// Why something is missing in the list, or may be, as `because …`; absent where it is complete.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub incomplete: Option<String>,
    /// What else is worth knowing, a sentence each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

/// A repository.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Repository {
    /// Its name with its registry: `registry.example.com/shop/web`.
    pub name: String,
}

/// A tag of a repository.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ImageTag {
    /// The tag.
    pub name: String,
}

impl From<RegistryView> for Registry {
    fn from(view: RegistryView) -> Self {
        let RegistryView { host, scheme, pulls, traits, probed } = view;
        Self {
            host: host.into(),
            scheme: scheme.into(),
            data_centers: pulls.into_iter().map(RegistryPull::from).collect(),
            traits: traits.into_iter().map(RegistryTrait::from).collect(),
            probed,
        }
    }
}

impl From<Pull> for RegistryPull {
    fn from(pull: Pull) -> Self {
        let Pull { dc, prefix } = pull;
        Self { data_center: dc.into(), prefix: prefix.into() }
    }
}

impl From<image::Scheme> for RegistryScheme {
    fn from(scheme: image::Scheme) -> Self {
        match scheme {
            image::Scheme::Https => Self::Https,
            image::Scheme::Http => Self::Http,
        }
    }
}

impl From<image::RegistryTrait> for RegistryTrait {
    fn from(found: image::RegistryTrait) -> Self {
        let image::RegistryTrait { subject, known, finding, consequence } = found;
        Self { subject: subject.into(), known, finding, consequence }
    }
}

impl From<image::TraitSubject> for TraitSubject {
    fn from(subject: image::TraitSubject) -> Self {
        match subject {
            image::TraitSubject::Server => Self::Server,
            image::TraitSubject::Authentication => Self::Authentication,
            image::TraitSubject::Repositories => Self::Repositories,
            image::TraitSubject::Referrers => Self::Referrers,
            image::TraitSubject::Removal => Self::Removal,
            image::TraitSubject::Digests => Self::Digests,
            image::TraitSubject::EntityTags => Self::EntityTags,
            image::TraitSubject::Ranges => Self::Ranges,
        }
    }
}

impl<T, V: Into<T>> From<Listed<V>> for RegistryPage<T> {
    fn from(listed: Listed<V>) -> Self {
        let Listed { items, next, incomplete, notes } = listed;
        Self {
            items: items.into_iter().map(Into::into).collect(),
            next_page_token: next,
            complete: incomplete.is_none(),
            incomplete,
            notes,
        }
    }
}

impl From<image::Home> for Repository {
    fn from(home: image::Home) -> Self {
        Self { name: home.into() }
    }
}

impl From<image::Tag> for ImageTag {
    fn from(tag: image::Tag) -> Self {
        Self { name: tag.into() }
    }
}
