//! Registries that remember what was put into them, and keep silent when told to.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard};

use async_trait::async_trait;
use plimsoll_core::digest::Digest;
use plimsoll_core::image::{
    About, Bytes, Copied, Copy, Error, ErrorKind, Home, Host, ImageDescription, ImageRegistry, Images,
    Presence, Registries, RegistryCatalog, Removal, Resolved, Tag,
};
use tokio::sync::Semaphore;

/// The bytes of every image.
pub(crate) const SIZE: u64 = 1000;

/// Where images are pushed to.
pub(crate) const QA: &str = "qa.example.com/shop";

/// The registries of the test's installation: one that images are pushed to, and one in dc-1 and in dc-2 each.
pub(crate) struct FakeRegistry {
    state: Mutex<State>,
    /// Half of a copy has arrived when it waits for this.
    halfway: Semaphore,
}

#[derive(Default)]
struct State {
    silent: BTreeMap<String, ErrorKind>,
    tags: BTreeMap<(String, String), Digest>,
    images: BTreeSet<(String, Digest)>,
    /// Which image others are part of.
    parts: BTreeMap<Digest, Digest>,
    copies: Vec<String>,
    looks: usize,
}

impl FakeRegistry {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self { state: Mutex::default(), halfway: Semaphore::new(Semaphore::MAX_PERMITS) })
    }

    /// What an installation knows of them.
    pub(crate) fn images(self: &Arc<Self>) -> Images {
        let near = [("dc-1", "dc-1.example.com"), ("dc-2", "dc-2.example.com/mirror")];
        let near = near.map(|(dc, prefix)| (dc.parse().unwrap(), prefix.parse().unwrap()));
        let registries = Registries::new(["qa.example.com".parse().unwrap()], near.into());
        Images { registries, registry: self.clone(), catalog: Arc::new(NobodyLooks) }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// Pushes the image of this version, whole, under a tag.
    pub(crate) fn push(&self, home: &str, tag: &str, version: u8) -> Digest {
        let digest = super::digest(version).parse().unwrap();
        let mut state = self.state();
        state.tags.insert((home.to_owned(), tag.to_owned()), digest);
        state.images.insert((home.to_owned(), digest));
        digest
    }

    /// Pushes a signature of an image.
    pub(crate) fn sign(&self, home: &str, version: u8) -> Digest {
        let signature = Digest::of_bytes(&[version]);
        let mut state = self.state();
        state.parts.insert(signature, super::digest(version).parse().unwrap());
        state.images.insert((home.to_owned(), signature));
        signature
    }

    /// Takes an image away again, as a clean-up does.
    pub(crate) fn lose(&self, home: &str, version: u8) {
        let digest = super::digest(version).parse().unwrap();
        assert!(self.state().images.remove(&(home.to_owned(), digest)));
    }

    /// Has a registry answer nothing but this, or answer again.
    pub(crate) fn silence(&self, host: &str, kind: Option<ErrorKind>) {
        match kind {
            Some(kind) => self.state().silent.insert(host.to_owned(), kind),
            None => self.state().silent.remove(host),
        };
    }

    /// Copies come to their middle and no further until [`FakeRegistry::go_on`].
    pub(crate) fn stop_halfway(&self) {
        self.halfway.forget_permits(Semaphore::MAX_PERMITS);
    }

    pub(crate) fn go_on(&self) {
        self.halfway.add_permits(Semaphore::MAX_PERMITS);
    }

    /// The copies that were made: `FROM -> TO`.
    pub(crate) fn copies(&self) -> Vec<String> {
        self.state().copies.clone()
    }

    /// How often it was asked whether an image is there.
    pub(crate) fn looks(&self) -> usize {
        self.state().looks
    }

    fn answers(&self, home: &Home) -> Result<MutexGuard<'_, State>, Error> {
        let state = self.state();
        match state.silent.get(home.host.as_str()) {
            Some(kind) => Err(Error::new(*kind, &home.host, "scripted")),
            None => Ok(state),
        }
    }
}

/// No worker asks what registries are.
struct NobodyLooks;

#[async_trait]
impl RegistryCatalog for NobodyLooks {
    fn about(&self, _: &Host) -> Option<About> {
        unimplemented!("no worker asks what a registry is")
    }
}

#[async_trait]
impl ImageRegistry for FakeRegistry {
    async fn resolve(&self, home: &Home, tag: &Tag) -> Result<Option<Resolved>, Error> {
        let state = self.answers(home)?;
        let digest = state.tags.get(&(home.to_string(), tag.to_string()));
        let resolved = |digest: &Digest| Resolved {
            digest: *digest,
            media_type: "test".to_owned(),
            platforms: Vec::new(),
        };
        Ok(digest.map(resolved))
    }

    async fn presence(&self, home: &Home, digest: &Digest) -> Result<Presence, Error> {
        let mut state = self.answers(home)?;
        state.looks += 1;
        let there = state.images.contains(&(home.to_string(), *digest));
        Ok(if there { Presence::Whole } else { Presence::Absent })
    }

    async fn ensure(&self, copy: &Copy, on: &(dyn Fn(Bytes) + Send + Sync)) -> Result<Copied, Error> {
        let Copy { digest, from, to } = copy;
        if !self.answers(from)?.images.contains(&(from.to_string(), *digest)) {
            return Err(Error::new(ErrorKind::NotFound, &from.host, "scripted"));
        }
        drop(self.answers(to)?);
        on(Bytes { done: SIZE / 2, total: SIZE });
        let _ = self.halfway.acquire().await.unwrap();
        drop(self.answers(from)?);
        let mut state = self.answers(to)?;
        on(Bytes { done: SIZE, total: SIZE });
        state.images.insert((to.to_string(), *digest));
        state.copies.push(format!("{from} -> {to}"));
        Ok(Copied { sent: SIZE })
    }

    async fn remove(&self, home: &Home, digest: &Digest, kept: &[Digest]) -> Result<Removal, Error> {
        let mut state = self.answers(home)?;
        let part = state.parts.get(digest).filter(|whole| kept.contains(whole)).copied();
        if let Some(whole) = part {
            return Ok(Removal::PartOf(whole));
        }
        let there = state.images.remove(&(home.to_string(), *digest));
        Ok(if there { Removal::Removed } else { Removal::Absent })
    }

    async fn describe(&self, _: &Home, _: &Digest) -> Result<Option<ImageDescription>, Error> {
        unimplemented!("no worker asks for a description")
    }
}
