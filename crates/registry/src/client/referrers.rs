//! Who refers to a manifest: signatures, bills of materials, attestations.
//!
//! Registries that keep such lists are asked. For the others the writers keep one, under a tag made of the subject's
//! digest ([the referrers tag schema]). Nothing makes writing that tag exclusive: two writers who read it at the same
//! moment overwrite each other. So each first leaves a claim, a tag of its own for its referrer; writes the list with
//! every claim it sees; and looks again afterwards. Whoever writes last sees all claims. The claims also keep referrers,
//! which no other tag names, from being collected as garbage.
//!
//! [the referrers tag schema]: https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#referrers-tag-schema

use std::collections::BTreeMap;

use http::Method;
use oci_spec::image::{Descriptor, Digest, MediaType};
use plimsoll_core::image::{Repository, Tag};
use serde_json::json;

use super::Registry;
use crate::auth::Scopes;
use crate::content::{Manifest, Reference};
use crate::error::{Error, Kind};
use crate::listing::next_page;
use crate::profile::Support;
use crate::transport::Call;
use crate::transport::retry::retrying;

const INDEX: &str = "application/vnd.oci.image.index.v1+json";
/// More referrers than this no list holds; a manifest of 4 MiB has room for half.
const MOST: usize = 50_000;
/// How often a list is written again because somebody else wrote it meanwhile.
const ROUNDS: usize = 20;

impl Registry {
    /// Everything that refers to a manifest, or what of it is of one artifact type.
    pub async fn referrers(
        &self,
        repository: &Repository,
        subject: &Digest,
        artifact_type: Option<&str>,
    ) -> Result<Vec<Descriptor>, Error> {
        let of_type = |descriptor: &Descriptor| {
            artifact_type.is_none_or(|wanted| {
                descriptor.artifact_type().as_ref().is_some_and(|kind| kind.as_ref() == wanted)
            })
        };
        let mut all = BTreeMap::new();
        // A registry that learned to keep lists does not know what was written before it did: the tag is read as well.
        for descriptor in self.kept(repository, subject, artifact_type).await?.into_iter().flatten() {
            all.insert(descriptor.digest().to_string(), descriptor);
        }
        for descriptor in self.listed(repository, subject).await?.0 {
            all.entry(descriptor.digest().to_string()).or_insert(descriptor);
        }
        Ok(all.into_values().filter(of_type).collect())
    }

    /// Stores a manifest that refers to another, so that it is found from there, whatever the registry can do.
    pub async fn put_referrer(&self, repository: &Repository, manifest: &Manifest) -> Result<(), Error> {
        let links = manifest.links()?;
        let reference = Reference::Digest(manifest.digest().clone());
        let stored = self.put_manifest(repository, &reference, manifest).await?;
        let Some(subject) = links.subject.as_ref().filter(|_| !stored.indexes_subject) else { return Ok(()) };
        let claim = claim_tag(subject.digest(), manifest.digest())?;
        self.put_manifest(repository, &Reference::Tag(claim), manifest).await?;
        self.enlist(repository, subject.digest()).await
    }

    /// What a registry that keeps lists has; nothing from one that keeps none.
    async fn kept(
        &self,
        repository: &Repository,
        subject: &Digest,
        artifact_type: Option<&str>,
    ) -> Result<Option<Vec<Descriptor>>, Error> {
        let known = self.transport.known();
        if known.is_some_and(|profile| profile.referrers.known() == Some(&Support::No)) {
            return Ok(None);
        }
        let what = format!("referrers of {subject} in {repository}");
        let mut url = self.url(repository, &format!("referrers/{subject}"), &what)?;
        if let Some(kind) = artifact_type {
            url.query_pairs_mut().append_pair("artifactType", kind);
        }
        let mut all = Vec::new();
        for _ in 0..self.transport.limits.pages {
            let call =
                super::accepting(Call::new(Method::GET, url.clone(), what.clone(), Scopes::pull(repository)));
            let page = retrying(&self.transport.limits, || async {
                let answer = self.transport.send(&call).await?;
                let next = next_page(self.transport(), &answer)?;
                let bytes = answer.bytes(self.transport.limits.manifest).await?;
                Ok((Manifest::new(bytes, MediaType::from(INDEX)).links()?.manifests, next))
            });
            let page = match page.await {
                Err(error) if matches!(error.status(), Some(404 | 405 | 501)) => return Ok(None),
                // Registries without the route take the path for something else.
                Err(error) if error.kind() == Kind::Invalid && error.status().is_some() => return Ok(None),
                other => other?,
            };
            all.extend(page.0);
            if all.len() > MOST {
                return Err(Error::new(Kind::TooLarge, what, format!("there are more than {MOST}")));
            }
            match page.1 {
                Some(next) => url = next,
                None => return Ok(Some(all)),
            }
        }
        Err(Error::new(Kind::TooLarge, what, "the list has no end"))
    }

    /// What the writers' list says, and the manifest that it is.
    async fn listed(
        &self,
        repository: &Repository,
        subject: &Digest,
    ) -> Result<(Vec<Descriptor>, Option<Digest>), Error> {
        let tag = Reference::Tag(list_tag(subject)?);
        match self.manifest(repository, &tag).await? {
            Some(list) if list.is_index() => Ok((list.links()?.manifests, Some(list.digest().clone()))),
            // An image that happens to be tagged so is no list.
            Some(_) | None => Ok((Vec::new(), None)),
        }
    }

    /// Writes the list anew until it has every claim.
    async fn enlist(&self, repository: &Repository, subject: &Digest) -> Result<(), Error> {
        for _ in 0..ROUNDS {
            let (listed, _) = self.listed(repository, subject).await?;
            let mut all: BTreeMap<String, Descriptor> =
                listed.into_iter().map(|descriptor| (descriptor.digest().to_string(), descriptor)).collect();
            let known = all.len();
            for descriptor in self.claimed(repository, subject, &all).await? {
                all.insert(descriptor.digest().to_string(), descriptor);
            }
            if all.len() == known {
                return Ok(());
            }
            let descriptors: Vec<&Descriptor> = all.values().collect();
            let list = json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": descriptors});
            let list = Manifest::new(list.to_string(), MediaType::from(INDEX));
            self.put_manifest(repository, &Reference::Tag(list_tag(subject)?), &list).await?;
        }
        let what = format!("list of referrers of {subject} in {repository}");
        Err(Error::new(
            Kind::Unavailable,
            what,
            "others wrote it as often as we did; its claims stay and the next writer lists them",
        ))
    }

    /// The referrers that were claimed and are not in `known`.
    async fn claimed(
        &self,
        repository: &Repository,
        subject: &Digest,
        known: &BTreeMap<String, Descriptor>,
    ) -> Result<Vec<Descriptor>, Error> {
        let prefix = format!("{}.", list_tag(subject)?);
        let mut tags = self.tags(repository)?;
        let mut claims = Vec::new();
        while let Some(page) = tags.next_page().await? {
            claims.extend(page.items.into_iter().filter(|tag| tag.as_str().starts_with(&prefix)));
        }
        let mut unknown = Vec::new();
        for claim in claims {
            let short = &claim.as_str()[prefix.len()..];
            if known.values().any(|descriptor| descriptor.digest().digest().starts_with(short)) {
                continue;
            }
            if let Some(manifest) = self.manifest(repository, &Reference::Tag(claim)).await? {
                unknown.push(referrer(&manifest)?);
            }
        }
        Ok(unknown)
    }

    /// Whether a tag is of the list of referrers or a claim to it, rather than of an image.
    pub fn is_referrers_tag(tag: &Tag) -> bool {
        tag.lists_referrers()
    }
}

/// A referrer as lists show it: with its artifact type, which for an image is that of its configuration, and what it says
/// about itself.
fn referrer(manifest: &Manifest) -> Result<Descriptor, Error> {
    let links = manifest.links()?;
    let mut descriptor = manifest.descriptor();
    let of_config = || links.blobs.first().map(|config| config.media_type().to_string());
    let kind = links.artifact_type.clone().or_else(of_config);
    descriptor.set_artifact_type(kind.map(|kind| MediaType::from(kind.as_str())));
    let annotations = (!links.annotations.is_empty()).then(|| links.annotations.into_iter().collect());
    descriptor.set_annotations(annotations);
    Ok(descriptor)
}

/// `sha256-<64 digits>`; the digits of a longer digest are cut, as the specification says.
fn list_tag(subject: &Digest) -> Result<Tag, Error> {
    let hex: String = subject.digest().chars().take(64).collect();
    let tag = format!("{}-{hex}", subject.algorithm());
    tag.parse().map_err(|error| Error::new(Kind::Invalid, subject, "no tag can be made of it").because(error))
}

fn claim_tag(subject: &Digest, referrer: &Digest) -> Result<Tag, Error> {
    let short: String = referrer.digest().chars().take(16).collect();
    let tag = format!("{}.{short}", list_tag(subject)?);
    tag.parse()
        .map_err(|error| Error::new(Kind::Invalid, referrer, "no tag can be made of it").because(error))
}
