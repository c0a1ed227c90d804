//! Registries that remember what was put into them, and keep silent when told to.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use async_trait::async_trait;
use futures::future::join_all;
use plimsoll_core::digest::Digest;
use plimsoll_core::image::{
    About, Advance, Bytes, Carrier, Copied, Copy, Delivered, Error, ErrorKind, Examination, Examined, Fan,
    FanPlan, Home, Host, ImageDescription, ImageRegistry, ImageTally, Images, Inspected, Mirroring, Names,
    Presence, Reference, Registries, RegistryCatalog, RegistryTrait, Removal, Removing, Repository, Resolved,
    Sample, Step, SyncPlan, Tag, Walk, Whereabouts,
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
    /// Why lists of tags may lack some.
    cut: Option<String>,
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
        Images { registries, registry: self.clone(), catalog: self.clone(), carrier: self.clone() }
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

    /// Lists of tags are cut from now on.
    pub(crate) fn cut_lists(&self, why: &str) {
        self.state().cut = Some(why.to_owned());
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

    async fn remove(
        &self,
        home: &Home,
        digest: &Digest,
        kept: &[Digest],
        removing: Removing,
    ) -> Result<Removal, Error> {
        let mut state = self.answers(home)?;
        let part = state.parts.get(digest).filter(|whole| kept.contains(whole)).copied();
        if let Some(whole) = part {
            return Ok(Removal::PartOf(whole));
        }
        let image = (home.to_string(), *digest);
        let there = match removing {
            Removing::Do => state.images.remove(&image),
            Removing::Check => state.images.contains(&image),
        };
        Ok(if there { Removal::Removed } else { Removal::Absent })
    }

    async fn describe(&self, _: &Home, _: &Digest) -> Result<Option<ImageDescription>, Error> {
        unimplemented!("no worker asks for a description")
    }
}

impl FakeRegistry {
    /// Brings an image to one place, as a [`Carrier`] tells of it.
    async fn carry(
        &self,
        from: &Home,
        to: &Home,
        digest: &Digest,
        tag: &Tag,
        on: &(dyn Fn(Advance) + Send + Sync),
    ) -> Result<Delivered, Error> {
        {
            let state = self.answers(to)?;
            let pointed = state.tags.get(&(to.to_string(), tag.to_string()));
            if pointed.is_some_and(|pointed| pointed != digest) {
                return Err(Error::new(ErrorKind::Refused, &to.host, "the tag points elsewhere"));
            }
            if state.images.contains(&(to.to_string(), *digest)) && pointed.is_some() {
                return Ok(Delivered::default());
            }
        }
        on(Advance { bytes: Bytes { done: SIZE / 2, total: SIZE }, ..Advance::default() });
        let _ = self.halfway.acquire().await.unwrap();
        let mut state = self.answers(to)?;
        on(Advance { bytes: Bytes { done: SIZE, total: SIZE }, ..Advance::default() });
        state.images.insert((to.to_string(), *digest));
        state.tags.insert((to.to_string(), tag.to_string()), *digest);
        state.copies.push(format!("{from} -> {to}"));
        Ok(Delivered { sent: SIZE, ..Delivered::default() })
    }

    /// The chosen tags of a repository, with what they point to.
    fn chosen(&self, mirroring: &Mirroring) -> Result<Vec<(Tag, Digest)>, Error> {
        let Mirroring { source, choice, .. } = mirroring;
        let state = self.answers(source)?;
        let of = |((home, tag), digest): (&(String, String), &Digest)| {
            (*home == source.to_string()).then(|| (tag.parse::<Tag>().unwrap(), *digest))
        };
        Ok(state.tags.iter().filter_map(of).filter(|(tag, _)| choice.takes(tag)).collect())
    }
}

#[async_trait]
impl Carrier for FakeRegistry {
    async fn plan(&self, fan: &Fan) -> Result<FanPlan, Error> {
        let lacks = |to: &Home| {
            let there = self.answers(to)?.images.contains(&(to.to_string(), fan.digest));
            Ok(if there { 0 } else { SIZE })
        };
        drop(self.answers(&fan.from)?);
        Ok(FanPlan { bytes: SIZE, evidence: 1, lacking: fan.to.iter().map(lacks).collect() })
    }

    async fn copy(&self, fan: &Fan, on: &(dyn Fn(usize, Step) + Send + Sync)) -> Result<(), Error> {
        let Fan { digest, from, peers, to, tag, pace: _ } = fan;
        let mut sources = std::iter::once(from).chain(peers);
        let has = |home: &&Home| {
            self.answers(home).is_ok_and(|state| state.images.contains(&(home.to_string(), *digest)))
        };
        let Some(source) = sources.find(has) else {
            drop(self.answers(from)?);
            return Err(Error::new(ErrorKind::NotFound, &from.host, "scripted"));
        };
        let bring = |(place, to): (usize, &'_ Home)| {
            let to = to.clone();
            async move {
                let tell = |advance| on(place, Step::Advanced(advance));
                on(place, Step::Ended(self.carry(source, &to, digest, tag, &tell).await));
            }
        };
        join_all(to.iter().enumerate().map(bring)).await;
        Ok(())
    }

    async fn plan_sync(
        &self,
        mirroring: &Mirroring,
        _: Duration,
    ) -> Result<Vec<Result<SyncPlan, Error>>, Error> {
        let chosen = self.chosen(mirroring)?;
        let plan = |to: &Home| {
            let state = self.answers(to)?;
            let lacks = |(_, digest): &&(Tag, Digest)| !state.images.contains(&(to.to_string(), *digest));
            let (tags, lacking) = (chosen.len() as u64, chosen.iter().filter(lacks).count() as u64);
            Ok(SyncPlan { tags, unchanged: tags - lacking, bytes: SIZE * lacking, incomplete: None })
        };
        Ok(mirroring.to.iter().map(plan).collect())
    }

    async fn sync(
        &self,
        mirroring: &Mirroring,
        on: &(dyn Fn(usize, Step) + Send + Sync),
    ) -> Result<(), Error> {
        let chosen = self.chosen(mirroring)?;
        let incomplete = self.state().cut.clone();
        for (place, to) in mirroring.to.iter().enumerate() {
            let tell = |advance| on(place, Step::Advanced(advance));
            let mut tally = ImageTally { total: chosen.len() as u64, ..ImageTally::default() };
            let (mut sent, mut trouble, mut away) = (0, None, None);
            for (tag, digest) in &chosen {
                match self.carry(&mirroring.source, to, digest, tag, &tell).await {
                    Ok(Delivered { sent: 0, .. }) => tally.good += 1,
                    Ok(delivered) => {
                        tally.copied += 1;
                        sent += delivered.sent;
                    }
                    Err(error) if error.kind == ErrorKind::Unreachable => away = Some(error),
                    Err(error) => {
                        tally.bad += 1;
                        trouble = Some(format!("{tag}: {error}"));
                    }
                }
            }
            let incomplete = incomplete.clone();
            let delivered = Delivered { sent, tally: Some(tally), trouble, incomplete };
            on(place, Step::Ended(away.map_or(Ok(delivered), Err)));
        }
        Ok(())
    }

    async fn verify(
        &self,
        examination: &Examination,
        _: &(dyn Fn(Advance) + Send + Sync),
    ) -> Result<Delivered, Error> {
        let Examination { at, image, sample: _ } = examination;
        let state = self.answers(at)?;
        let image = image.expect("an image: no test looks at a whole repository here");
        let bad = u64::from(!state.images.contains(&(at.to_string(), image)));
        Ok(Delivered {
            tally: Some(ImageTally { total: 1, good: 1 - bad, copied: 0, bad }),
            trouble: (bad > 0).then(|| "it is not there".to_owned()),
            ..Delivered::default()
        })
    }
}

#[async_trait]
impl RegistryCatalog for FakeRegistry {
    fn about(&self, _: &Host) -> Option<About> {
        unimplemented!("no test of the worker asks what a registry is")
    }

    async fn probe(&self, _: &Host) -> Result<Vec<RegistryTrait>, Error> {
        unimplemented!("no test of the worker asks what a registry is")
    }

    async fn repositories(&self, _: &Host, _: Walk) -> Result<Names<Repository>, Error> {
        unimplemented!("no test of the worker lists anything")
    }

    async fn tags(&self, _: &Home, _: Walk) -> Result<Names<Tag>, Error> {
        unimplemented!("no test of the worker lists anything")
    }

    async fn inspect(&self, home: &Home, reference: &Reference) -> Result<Option<Inspected>, Error> {
        let state = self.answers(home)?;
        let digest = match reference {
            Reference::Digest(digest) => Some(*digest),
            Reference::Tag(tag) => state.tags.get(&(home.to_string(), tag.to_string())).copied(),
        };
        let there = digest.filter(|digest| state.images.contains(&(home.to_string(), *digest)));
        let inspected = |digest| Inspected {
            digest,
            media_type: "test".to_owned(),
            parts: Vec::new(),
            description: ImageDescription::default(),
        };
        Ok(there.map(inspected))
    }

    async fn locate(&self, homes: &[Home], digest: &Digest, _: Sample) -> Vec<Whereabouts> {
        let look = |home: &Home| match self.answers(home) {
            Err(error) => Whereabouts::Unknown(error),
            Ok(state) if state.images.contains(&(home.to_string(), *digest)) => {
                let parts = state.parts.iter().filter(|(_, whole)| *whole == digest).map(|(part, _)| *part);
                Whereabouts::Whole(Examined { shown_as: parts.collect(), ..Examined::default() })
            }
            Ok(_) => Whereabouts::Absent,
        };
        homes.iter().map(look).collect()
    }
}
