//! Core's port to what registries are and what lies in them.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use plimsoll_core::digest::Digest as CoreDigest;
use plimsoll_core::image::{
    About, Error as PortError, ErrorKind, Examined, Home, Host, Inspected, Names, Part,
    Reference as CoreReference, RegistryCatalog, RegistryTrait, Repository, Sample, Scheme as CoreScheme,
    Tag, Walk, Whereabouts as CoreWhereabouts,
};
use tokio::time::Instant;

use crate::access::Scheme;
use crate::client::Registry;
use crate::content::Reference;
use crate::copy::Place;
use crate::description::platform;
use crate::error::{Error, Kind};
use crate::examine::{Presence, Whereabouts, whereabouts};
use crate::listing::Cause;
use crate::port::{Registries, named, of, unsure};
use crate::profile::Profile;
use crate::walks::MOST;
use crate::words::words;

/// How long a place may take that is asked for what it has of an image, where nothing is read again.
const LOOK: Duration = Duration::from_secs(10);

#[async_trait]
impl RegistryCatalog for Registries {
    fn about(&self, host: &Host) -> Option<About> {
        let registry = self.clients.get(host)?;
        let scheme = match registry.scheme() {
            Scheme::Https => CoreScheme::Https,
            Scheme::Http => CoreScheme::Http,
        };
        let probed = registry.found().map(|(profile, age)| (words(&profile), age));
        Some(About { scheme, probed })
    }

    async fn probe(&self, host: &Host) -> Result<Vec<RegistryTrait>, PortError> {
        let registry = self.client(host)?;
        self.ask(host, registry.probe()).await.map(|profile| words(&profile))
    }

    async fn repositories(&self, host: &Host, walk: Walk) -> Result<Names<Repository>, PortError> {
        let registry = self.client(host)?;
        if let Some(recent) = self.walks.repositories().find(host, walk) {
            return Ok(recent);
        }
        let until = Instant::now() + self.deadline;
        let _turn = self.walks.turn(until).await.ok_or_else(|| busy(host))?;
        let profile = self.ask(host, profile(registry)).await?;
        let read = registry.repositories_until(&profile, until, MOST).await;
        let (items, causes) = read.map_err(|error| of(host, error))?;
        Ok(self.walks.repositories().keep(host, items, because(&causes)))
    }

    async fn tags(&self, home: &Home, walk: Walk) -> Result<Names<Tag>, PortError> {
        let Place { registry, repository } = self.place(home)?;
        if let Some(recent) = self.walks.tags().find(home, walk) {
            return Ok(recent);
        }
        let until = Instant::now() + self.deadline;
        let _turn = self.walks.turn(until).await.ok_or_else(|| busy(&home.host))?;
        let read = registry.tags_until(&repository, until, MOST).await;
        let (items, causes) = read.map_err(|error| of(&home.host, error))?;
        Ok(self.walks.tags().keep(home, items, because(&causes)))
    }

    async fn inspect(&self, home: &Home, reference: &CoreReference) -> Result<Option<Inspected>, PortError> {
        let place = self.place(home)?;
        let reference = match reference {
            CoreReference::Tag(tag) => Reference::Tag(tag.clone()),
            CoreReference::Digest(digest) => Reference::Digest(named(&home.host, digest)?),
        };
        let answer = async {
            let Some(manifest) = place.registry.manifest(&place.repository, &reference).await? else {
                return Ok(None);
            };
            let links = manifest.links()?;
            let description = place.describe(manifest.digest()).await?;
            Ok(Some((manifest, links, description)))
        };
        let Some((manifest, links, description)) = self.ask(&home.host, answer).await? else {
            return Ok(None);
        };
        let digest = manifest.digest().to_string().parse().map_err(|_| {
            let digest = manifest.digest();
            unsure(&home.host, format!("{reference} has the digest {digest}, which is no SHA-256"))
        })?;
        let part = |part: &crate::Descriptor| Part {
            digest: part.digest().to_string(),
            platform: platform(part),
            media_type: part.media_type().to_string(),
        };
        Ok(Some(Inspected {
            digest,
            media_type: manifest.media_type().to_string(),
            parts: links.manifests.iter().map(part).collect(),
            description: description.into(),
        }))
    }

    async fn locate(&self, homes: &[Home], digest: &CoreDigest, sample: Sample) -> Vec<CoreWhereabouts> {
        let deadline = if sample.bytes() == 0 { LOOK.min(self.deadline) } else { self.deadline };
        let look = async |home: &Home| {
            let (place, root) = match (self.place(home), named(&home.host, digest)) {
                (Ok(place), Ok(root)) => (place, root),
                (Err(error), _) | (_, Err(error)) => return CoreWhereabouts::Unknown(error),
            };
            match whereabouts(&[place], &root, sample.bytes(), deadline).await.pop() {
                Some(Whereabouts::Whole(presence)) => CoreWhereabouts::Whole(examined(presence)),
                Some(Whereabouts::Broken(presence)) => CoreWhereabouts::Broken(examined(presence)),
                Some(Whereabouts::Absent) => CoreWhereabouts::Absent,
                Some(Whereabouts::Unknown(error)) => CoreWhereabouts::Unknown(of(&home.host, error)),
                None => CoreWhereabouts::Unknown(unsure(&home.host, "it was not asked")),
            }
        };
        futures::future::join_all(homes.iter().map(look)).await
    }
}

impl Registries {
    fn client(&self, host: &Host) -> Result<&Registry, PortError> {
        let unlisted = || {
            let message = "it is none of the registries of this installation";
            PortError::new(ErrorKind::Refused, host, message)
        };
        self.clients.get(host).ok_or_else(unlisted)
    }
}

/// How a registry behaves, as it was found not long ago, or is found now.
async fn profile(registry: &Registry) -> Result<Arc<Profile>, Error> {
    match registry.transport().known() {
        Some(profile) => Ok(profile),
        None => registry.probe().await.map(Arc::new),
    }
}

fn busy(host: &Host) -> PortError {
    let message = "too many lists are being read at this moment; ask again";
    of(host, Error::new(Kind::TimedOut, "list", message))
}

/// `because the list goes on beyond 100000; …`.
fn because(causes: &[Cause]) -> Option<String> {
    let causes: Vec<String> = causes.iter().map(Cause::to_string).collect();
    (!causes.is_empty()).then(|| format!("because {}", causes.join("; ")))
}

fn examined(presence: Presence) -> Examined {
    let Presence { manifests: _, blobs, missing, damaged, reread, absent: _, lost, names } = presence;
    let missing = missing.iter().map(|digest| format!("the blob {digest} is missing"));
    let damaged = damaged.iter().map(|digest| format!("the blob {digest} is not what its digest says"));
    let lost = lost.iter().map(|digest| format!("{digest} refers to it and is missing"));
    let shown_as: BTreeSet<CoreDigest> =
        names.iter().filter_map(|name| name.to_string().parse().ok()).collect();
    Examined { blobs, reread, faults: missing.chain(damaged).chain(lost).collect(), shown_as }
}
