//! Core's port to registries, over the clients of those that an installation lists.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use parking_lot::Mutex;
use plimsoll_core::digest::Digest as CoreDigest;
use plimsoll_core::image::{
    About, Bytes, Copied, Copy, Error as PortError, ErrorKind, Home, Host, ImageDescription, ImageRegistry,
    Presence as CorePresence, RegistryCatalog, Removal, Resolved, Scheme as CoreScheme, Tag,
};
use tokio::sync::Mutex as Turn;

use crate::access::{Access, InvalidAccess, Scheme};
use crate::client::Registry;
use crate::content::Reference;
use crate::copy::graph::Graph;
use crate::copy::{Copier, Event, Moves, Place, Target};
use crate::description::Description;
use crate::error::{Error, Kind};
use crate::{Digest, MediaType};

/// How long a question may take. Somebody waits for the answer.
const DEADLINE: Duration = Duration::from_secs(20);

/// The registries of an installation.
///
/// Copies to one registry are made one after the other, and those to different ones never wait for each other: each
/// has its own folder for what is under way.
#[derive(Debug)]
pub struct Registries {
    clients: BTreeMap<Host, Registry>,
    folder: PathBuf,
    copiers: Mutex<BTreeMap<Host, Arc<Turn<Option<Copier>>>>>,
    deadline: Duration,
}

impl Registries {
    /// Those that can be accessed so, with a folder for what is under way. Nothing is sent and nothing is written
    /// yet.
    ///
    /// # Errors
    /// The first that no client can be made for.
    pub fn new(
        accesses: impl IntoIterator<Item = Access>,
        folder: impl Into<PathBuf>,
    ) -> Result<Self, InvalidAccess> {
        let client = |access| Registry::new(access).map(|registry| (registry.host().clone(), registry));
        let clients = accesses.into_iter().map(client).collect::<Result<_, _>>()?;
        Ok(Self { clients, folder: folder.into(), copiers: Mutex::default(), deadline: DEADLINE })
    }

    /// The same with another bound for questions.
    #[must_use]
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    fn place(&self, home: &Home) -> Result<Place, PortError> {
        let registry = self.clients.get(&home.host).ok_or_else(|| {
            PortError::new(
                ErrorKind::Refused,
                &home.host,
                "it is none of the registries of this installation",
            )
        })?;
        Ok(Place { registry: registry.clone(), repository: home.repository.clone() })
    }

    /// Asks within the bound.
    async fn ask<T>(
        &self,
        host: &Host,
        answer: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, PortError> {
        let Ok(answer) = tokio::time::timeout(self.deadline, answer).await else {
            let message = format!("no answer within {} s", self.deadline.as_secs());
            return Err(PortError::new(ErrorKind::Unreachable, host, message));
        };
        answer.map_err(|error| of(host, error))
    }

    /// The copier of a registry. Its folder is made with the first copy.
    fn copier(&self, host: &Host) -> Arc<Turn<Option<Copier>>> {
        self.copiers.lock().entry(host.clone()).or_default().clone()
    }

    async fn copy(&self, copy: &Copy, on: &(dyn Fn(Bytes) + Send + Sync)) -> Result<Copied, PortError> {
        let Copy { digest, from, to } = copy;
        let (source, target) = (self.place(from)?, self.place(to)?);
        let tag: Tag = Copy::keeps(digest).parse().map_err(|error| unsure(&to.host, error))?;
        let root = named(&to.host, digest)?;
        let turn = self.copier(&to.host);
        let mut turn = turn.lock().await;
        let copier = match &mut *turn {
            Some(copier) => copier,
            none => {
                // A colon is no part of a file's name everywhere.
                let folder = self.folder.join(to.host.as_str().replace(':', "_"));
                none.insert(Copier::new(folder).map_err(|error| of(&to.host, error))?)
            }
        };
        let target = Target {
            place: target,
            tag: Some(tag),
            // It bears the digest, so it can point to nothing else.
            moves: Moves::Never,
            mounts_from: Vec::new(),
            throttle: None,
        };
        let plan = copier.plan(&source, &root, vec![target]).await.map_err(|error| of(&from.host, error))?;
        let progress = Progress { done: AtomicU64::new(0), total: plan.bytes() };
        let mut results = copier.run(&plan, &|event| on(progress.after(&event))).await;
        match results.pop() {
            Some(Ok(report)) => Ok(Copied { sent: report.bytes }),
            Some(Err(error)) => {
                let at_fault = if error.is_at(&from.host) { &from.host } else { &to.host };
                Err(of(at_fault, error))
            }
            None => Err(unsure(&to.host, "the copy has no result")),
        }
    }
}

#[async_trait]
impl ImageRegistry for Registries {
    async fn resolve(&self, home: &Home, tag: &Tag) -> Result<Option<Resolved>, PortError> {
        let place = self.place(home)?;
        let answer = async {
            let reference = Reference::Tag(tag.clone());
            let Some(manifest) = place.registry.manifest(&place.repository, &reference).await? else {
                return Ok(None);
            };
            let described = place.describe(manifest.digest()).await?;
            Ok(Some((manifest.digest().clone(), manifest.media_type().clone(), described.platforms)))
        };
        let found: Option<(Digest, MediaType, Vec<String>)> = self.ask(&home.host, answer).await?;
        let resolved = |(digest, media_type, platforms): (Digest, MediaType, Vec<String>)| {
            let digest = digest.to_string().parse().map_err(|_| {
                unsure(
                    &home.host,
                    format!("{tag} has the digest {digest}, which is no SHA-256", tag = tag.as_str()),
                )
            })?;
            Ok(Resolved { digest, media_type: media_type.to_string(), platforms })
        };
        found.map(resolved).transpose()
    }

    async fn presence(&self, home: &Home, digest: &CoreDigest) -> Result<CorePresence, PortError> {
        let (place, root) = (self.place(home)?, named(&home.host, digest)?);
        let found = self.ask(&home.host, place.examine(&root, 0)).await;
        match found {
            Ok(found) if found.is_whole() => Ok(CorePresence::Whole),
            Ok(found) => {
                let broken = found.missing.len() + found.damaged.len() + found.lost.len();
                Ok(CorePresence::Incomplete(broken))
            }
            Err(error) if error.kind == ErrorKind::NotFound => Ok(CorePresence::Absent),
            Err(error) => Err(error),
        }
    }

    async fn ensure(&self, copy: &Copy, on: &(dyn Fn(Bytes) + Send + Sync)) -> Result<Copied, PortError> {
        self.copy(copy, on).await
    }

    async fn remove(
        &self,
        home: &Home,
        digest: &CoreDigest,
        kept: &[CoreDigest],
    ) -> Result<Removal, PortError> {
        let (place, root) = (self.place(home)?, named(&home.host, digest)?);
        let answer = async {
            let reference = Reference::Digest(root.clone());
            if place.registry.head(&place.repository, &reference).await?.is_none() {
                return Ok(Removal::Absent);
            }
            for whole in kept {
                let Ok(whole_root) = whole.to_string().parse() else { continue };
                match Graph::read(&place, &whole_root).await {
                    Ok(graph) if graph.nodes().iter().any(|node| *node.manifest().digest() == root) => {
                        return Ok(Removal::PartOf(*whole));
                    }
                    Ok(_) => {}
                    // Most of what is kept is kept elsewhere.
                    Err(error) if error.kind() == Kind::NotFound => {}
                    Err(error) => return Err(error),
                }
            }
            place.registry.delete_manifest(&place.repository, &root).await?;
            Ok(Removal::Removed)
        };
        self.ask(&home.host, answer).await
    }

    async fn describe(
        &self,
        home: &Home,
        digest: &CoreDigest,
    ) -> Result<Option<ImageDescription>, PortError> {
        let (place, root) = (self.place(home)?, named(&home.host, digest)?);
        match self.ask(&home.host, place.describe(&root)).await {
            Ok(description) => Ok(Some(description.into())),
            Err(error) if error.kind == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }
}

#[async_trait]
impl RegistryCatalog for Registries {
    fn about(&self, host: &Host) -> Option<About> {
        let registry = self.clients.get(host)?;
        let scheme = match registry.scheme() {
            Scheme::Https => CoreScheme::Https,
            Scheme::Http => CoreScheme::Http,
        };
        Some(About { scheme })
    }
}

impl From<Description> for ImageDescription {
    fn from(description: Description) -> Self {
        let Description {
            created,
            authors,
            source,
            revision,
            version,
            title: _,
            vendor: _,
            licenses: _,
            base_name,
            base_digest,
            url: _,
            labels: _,
            platforms,
            size,
        } = description;
        Self { created, authors, source, revision, version, base_name, base_digest, platforms, size }
    }
}

/// Counts what a copy tells.
struct Progress {
    done: AtomicU64,
    total: u64,
}

impl Progress {
    fn after(&self, event: &Event) -> Bytes {
        match event {
            Event::Skipped { bytes, .. } | Event::Moved { bytes, .. } => {
                self.done.fetch_add(*bytes, Ordering::Relaxed);
            }
            Event::Again { bytes, .. } => {
                self.done.fetch_sub(*bytes, Ordering::Relaxed);
            }
            Event::Arrived { .. } | Event::Paused { .. } | Event::Stored { .. } | Event::Done { .. } => {}
        }
        Bytes { done: self.done.load(Ordering::Relaxed), total: self.total }
    }
}

fn named(host: &Host, digest: &CoreDigest) -> Result<Digest, PortError> {
    digest.to_string().parse().map_err(|error| unsure(host, error))
}

fn unsure(host: &Host, message: impl std::fmt::Display) -> PortError {
    PortError::new(ErrorKind::Unsure, host, message.to_string())
}

fn kind_of(kind: Kind) -> ErrorKind {
    match kind {
        Kind::NotFound => ErrorKind::NotFound,
        Kind::Unauthenticated | Kind::Denied | Kind::Unsupported | Kind::Forbidden => ErrorKind::Refused,
        Kind::RateLimited | Kind::Unavailable | Kind::TimedOut => ErrorKind::Unreachable,
        Kind::Invalid | Kind::Corrupt | Kind::TooLarge | Kind::Malformed | Kind::Local => ErrorKind::Unsure,
    }
}

fn of(host: &Host, error: Error) -> PortError {
    PortError {
        kind: kind_of(error.kind()),
        registry: host.clone(),
        message: error.to_string(),
        source: Some(error.into()),
    }
}
