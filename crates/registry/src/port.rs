//! Core's ports to registries, over the clients of those that an installation lists.

mod carrier;

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use async_trait::async_trait;
use parking_lot::Mutex;
use plimsoll_core::clock::Clock;
use plimsoll_core::digest::Digest as CoreDigest;
use plimsoll_core::image::{
    Bytes, Copied, Copy, Error as PortError, ErrorKind, Home, Host, ImageDescription, ImageRegistry,
    Presence as CorePresence, Removal, Removing, Resolved, Tag,
};
use tokio::sync::{Mutex as Turn, OnceCell};

use crate::access::{Access, InvalidAccess};
use crate::client::Registry;
use crate::content::Reference;
use crate::copy::graph::Graph;
use crate::copy::{Copier, Event, Moves, Origin, Place, Target};
use crate::description::Description;
use crate::error::{Error, Kind};
use crate::walks::Walks;
use crate::{Digest, MediaType};

/// How long a question may take. Somebody waits for the answer.
const DEADLINE: Duration = Duration::from_secs(20);

/// The registries of an installation.
///
/// What is read of an image lies in one folder, for whoever copies it at the same time: its source is read once.
/// Copies to one registry for data centers that wait for them are made one after the other; those to different
/// ones never wait for each other, nor for any that a [`Carrier`](plimsoll_core::image::Carrier) makes.
pub struct Registries {
    pub(crate) clients: BTreeMap<Host, Registry>,
    folder: PathBuf,
    clock: Arc<dyn Clock>,
    /// Made with the first copy.
    copier: Mutex<Option<Arc<Copier>>>,
    turns: Mutex<BTreeMap<Host, Arc<Turn<()>>>>,
    /// The images that are under way, by where they are read.
    origins: Mutex<Origins>,
    pub(crate) deadline: Duration,
    pub(crate) walks: Walks,
}

type Origins = HashMap<(Home, CoreDigest), Weak<OnceCell<Origin>>>;

impl fmt::Debug for Registries {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Registries")
            .field("clients", &self.clients)
            .field("folder", &self.folder)
            .finish_non_exhaustive()
    }
}

impl Registries {
    /// Those that can be accessed so, with a folder for what is under way, and the clock that windows go by. Nothing is
    /// sent and nothing is written yet.
    ///
    /// # Errors
    /// The first that no client can be made for.
    pub fn new(
        accesses: impl IntoIterator<Item = Access>,
        folder: impl Into<PathBuf>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, InvalidAccess> {
        let client = |access| Registry::new(access).map(|registry| (registry.host().clone(), registry));
        let clients = accesses.into_iter().map(client).collect::<Result<_, _>>()?;
        Ok(Self {
            clients,
            folder: folder.into(),
            clock,
            copier: Mutex::default(),
            turns: Mutex::default(),
            origins: Mutex::default(),
            deadline: DEADLINE,
            walks: Walks::default(),
        })
    }

    /// The same with another bound for questions.
    #[must_use]
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    pub(crate) fn place(&self, home: &Home) -> Result<Place, PortError> {
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
    pub(crate) async fn ask<T>(
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

    /// The copier of the installation. Its folder is made with the first copy.
    fn copier(&self) -> Result<Arc<Copier>, Error> {
        let mut copier = self.copier.lock();
        if let Some(copier) = &*copier {
            return Ok(copier.clone());
        }
        Ok(copier.insert(Arc::new(Copier::new(&self.folder)?)).clone())
    }

    /// An image as it is read at this moment, or will be by whoever is first.
    fn origin(&self, from: &Home, digest: &CoreDigest) -> Arc<OnceCell<Origin>> {
        let mut origins = self.origins.lock();
        origins.retain(|_, origin| origin.strong_count() > 0);
        let entry = origins.entry((from.clone(), *digest)).or_default();
        entry.upgrade().unwrap_or_else(|| {
            let origin = Arc::default();
            *entry = Arc::downgrade(&origin);
            origin
        })
    }

    async fn copy(&self, copy: &Copy, on: &(dyn Fn(Bytes) + Send + Sync)) -> Result<Copied, PortError> {
        let Copy { digest, from, to } = copy;
        let (source, target) = (self.place(from)?, self.place(to)?);
        let tag: Tag = Copy::keeps(digest).parse().map_err(|error| unsure(&to.host, error))?;
        let root = named(&to.host, digest)?;
        let turn = self.turns.lock().entry(to.host.clone()).or_default().clone();
        let _turn = turn.lock().await;
        let copier = self.copier().map_err(|error| of(&to.host, error))?;
        let origin = self.origin(from, digest);
        let read = origin.get_or_try_init(|| copier.origin(std::slice::from_ref(&source), &root));
        let origin = read.await.map_err(|error| of(&from.host, error))?;
        let target = Target {
            place: target,
            tag: Some(tag),
            // It bears the digest, so it can point to nothing else.
            moves: Moves::Never,
            mounts_from: Vec::new(),
            throttle: None,
        };
        let progress = Progress { done: AtomicU64::new(0), total: origin.bytes() };
        match origin.deliver(&target, 0, None, &|event| on(progress.after(&event))).await {
            Ok(report) => Ok(Copied { sent: report.bytes }),
            Err(error) => {
                let at_fault = if error.is_at(&from.host) { &from.host } else { &to.host };
                Err(of(at_fault, error))
            }
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
        removing: Removing,
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
            if removing == Removing::Do {
                place.registry.delete_manifest(&place.repository, &root).await?;
            }
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

pub(crate) fn named(host: &Host, digest: &CoreDigest) -> Result<Digest, PortError> {
    digest.to_string().parse().map_err(|error| unsure(host, error))
}

pub(crate) fn unsure(host: &Host, message: impl std::fmt::Display) -> PortError {
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

pub(crate) fn of(host: &Host, error: Error) -> PortError {
    PortError {
        kind: kind_of(error.kind()),
        registry: host.clone(),
        message: error.to_string(),
        source: Some(error.into()),
    }
}
