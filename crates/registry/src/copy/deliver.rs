//! Bringing an image to one target.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Weak};
use std::time::Duration;

use bytes::Bytes;
use futures::future::FutureExt as _;
use futures::stream::{self, BoxStream, StreamExt as _, TryStreamExt as _};
use oci_spec::image::{Descriptor, Digest};
use parking_lot::Mutex;
use tokio::sync::Mutex as Turn;

use super::graph::{Graph, Node};
use super::spool::{Transfer, Transfers};
use super::{Event, Place, Report, Share, Target, Throttle};
use crate::client::{Mount, PAUSING_CHUNK};
use crate::content::{BlobSource, Reference};
use crate::error::{Error, Kind};

pub(super) struct Delivery<'a> {
    pub(super) graph: &'a Graph,
    pub(super) target: &'a Target,
    pub(super) index: usize,
    pub(super) transfers: &'a Transfers,
    pub(super) parallel: usize,
    /// What other copies bring to the same place at the time, where there may be some.
    pub(super) arriving: Option<&'a Arriving>,
    pub(super) on: &'a (dyn Fn(Event) + Sync),
}

/// Blobs on their way to one repository, for copies to it that are made at the same time: what two images have in common
/// is sent by one of them, and the other waits.
#[derive(Debug, Default)]
pub(crate) struct Arriving(Mutex<HashMap<Digest, Weak<Turn<()>>>>);

impl Arriving {
    fn turn(&self, blob: &Digest) -> Arc<Turn<()>> {
        let mut turns = self.0.lock();
        if let Some(turn) = turns.get(blob).and_then(Weak::upgrade) {
            return turn;
        }
        turns.retain(|_, turn| turn.strong_count() > 0);
        let turn = Arc::new(Turn::new(()));
        turns.insert(blob.clone(), Arc::downgrade(&turn));
        turn
    }
}

/// How a blob came to be at the target.
enum Came {
    WasThere,
    Mounted,
    Sent(u64),
}

impl Delivery<'_> {
    pub(super) async fn run(self) -> Result<Report, Error> {
        let delivered = self.deliver().await;
        if delivered.is_err() {
            // The others need not wait for this one to be done with its blobs.
            self.graph.blobs().for_each(|blob| self.transfers.done(blob));
        }
        delivered
    }

    async fn deliver(&self) -> Result<Report, Error> {
        self.opened().await;
        self.check_tag().await?;
        let mut report = Report::default();
        let brought: Vec<_> = self.graph.blobs().map(|blob| self.bring(blob).boxed()).collect();
        let came: Vec<(&Descriptor, Came)> =
            stream::iter(brought).buffer_unordered(self.parallel).try_collect().await?;
        let mut unseen = Vec::new();
        for (blob, came) in came {
            match came {
                Came::WasThere => report.present += 1,
                Came::Mounted => {
                    report.mounted += 1;
                    unseen.push(blob);
                }
                Came::Sent(bytes) => {
                    report.sent += 1;
                    report.bytes += bytes;
                    unseen.push(blob);
                }
            }
        }
        for node in self.graph.nodes() {
            self.opened().await;
            report.manifests += usize::from(self.store(node).await?);
        }
        self.verify(&unseen).await?;
        self.tag().await?;
        (self.on)(Event::Done { target: self.index });
        Ok(report)
    }

    async fn bring<'a>(&self, blob: &'a Descriptor) -> Result<(&'a Descriptor, Came), Error> {
        self.opened().await;
        let turn = self.arriving.map(|arriving| arriving.turn(blob.digest()));
        let _turn = match &turn {
            Some(turn) => Some(turn.lock().await),
            None => None,
        };
        let Place { registry, repository } = &self.target.place;
        let skipped = || {
            let (blob, bytes) = (blob.digest().clone(), blob.size());
            (self.on)(Event::Skipped { target: self.index, blob, bytes });
        };
        let came = if registry.head_blob(repository, blob.digest()).await?.is_some() {
            skipped();
            Came::WasThere
        } else if self.mount(blob).await? {
            skipped();
            Came::Mounted
        } else {
            self.send(blob).await?;
            (self.on)(Event::Arrived { target: self.index, blob: blob.digest().clone() });
            Came::Sent(blob.size())
        };
        self.transfers.done(blob);
        Ok((blob, came))
    }

    /// Waits until a window of the target is open.
    async fn opened(&self) {
        let Some(throttle) = &self.target.throttle else { return };
        if let Some(wait) = throttle.shut_for() {
            (self.on)(Event::Paused { target: self.index, wait });
            throttle.opened().await;
        }
    }

    async fn mount(&self, blob: &Descriptor) -> Result<bool, Error> {
        let Place { registry, repository } = &self.target.place;
        for from in self.target.mounts_from.iter().filter(|from| *from != repository) {
            // Asked for what is not there, a registry opens an upload: the question is cheaper.
            if registry.head_blob(from, blob.digest()).await.is_ok_and(|found| found.is_some())
                && registry.mount(repository, blob.digest(), from).await? == Mount::Mounted
            {
                return Ok(true);
            }
        }
        Ok(false)
    }

    async fn send(&self, blob: &Descriptor) -> Result<(), Error> {
        let Place { registry, repository } = &self.target.place;
        let transfer = self.transfers.source(blob);
        // What goes out is seen from within the body, which may outlive this call: it tells by a channel.
        let (moved, mut told) = tokio::sync::mpsc::channel(64);
        let throttle = self.target.throttle.clone();
        let pauses = blob.size() > u64::from(PAUSING_CHUNK) && throttle.as_ref().is_some_and(|t| t.pauses());
        let outlet = Outlet { transfer: transfer.clone(), throttle, pauses, moved };
        let mut upload = std::pin::pin!(registry.upload_missing(repository, blob, Arc::new(outlet)));
        let mut sent = 0;
        let uploaded = loop {
            tokio::select! {
                biased;
                Some(step) = told.recv() => self.tell(blob.digest(), &step, &mut sent),
                uploaded = &mut upload => break uploaded,
            }
        };
        while let Ok(step) = told.try_recv() {
            self.tell(blob.digest(), &step, &mut sent);
        }
        uploaded.map_err(|error| transfer.take_failure().unwrap_or(error))
    }

    fn tell(&self, blob: &Digest, step: &Step, sent: &mut u64) {
        let (target, blob) = (self.index, blob.clone());
        match step {
            Step::Begun if *sent > 0 => (self.on)(Event::Again { target, blob, bytes: std::mem::take(sent) }),
            Step::Begun => {}
            Step::Paused(wait) => (self.on)(Event::Paused { target, wait: *wait }),
            Step::Bytes(bytes) => {
                *sent += bytes;
                (self.on)(Event::Moved { target, blob, bytes: *bytes });
            }
        }
    }

    /// Stores a manifest that is not there; the answer is whether it was stored.
    async fn store(&self, node: &Node) -> Result<bool, Error> {
        let Place { registry, repository } = &self.target.place;
        let reference = Reference::Digest(node.manifest.digest().clone());
        let is_referrer = node.links.subject.is_some();
        if !is_referrer && registry.head(repository, &reference).await?.is_some() {
            return Ok(false);
        }
        if is_referrer {
            registry.put_referrer(repository, &node.manifest).await?;
        } else {
            registry.put_manifest(repository, &reference, &node.manifest).await?;
        }
        (self.on)(Event::Stored { target: self.index, manifest: node.manifest.digest().clone() });
        Ok(true)
    }

    /// Looks whether everything is there that was not seen there before it was brought.
    async fn verify(&self, blobs: &[&Descriptor]) -> Result<(), Error> {
        let Place { registry, repository } = &self.target.place;
        let lost = |what: &Digest| {
            let named = format!("{what} of {repository} at {}", registry.host());
            Error::new(Kind::Corrupt, named, "the registry took it and does not have it")
        };
        for (blob, size) in self.target.place.sizes(blobs.iter().copied()).await? {
            // 0 where a registry does not say.
            if !size.is_some_and(|size| size == blob.size() || size == 0) {
                return Err(lost(blob.digest()));
            }
        }
        if let Some(node) = self.target.place.lacking(self.graph).await?.first() {
            return Err(lost(node.manifest.digest()));
        }
        let subjects: HashSet<&Digest> = self
            .graph
            .nodes()
            .iter()
            .filter_map(|node| node.links.subject.as_ref())
            .map(Descriptor::digest)
            .collect();
        for subject in subjects {
            let listed = registry.referrers(repository, subject, None).await?;
            let refers =
                |node: &&Node| node.links.subject.as_ref().is_some_and(|named| named.digest() == subject);
            for node in self.graph.nodes().iter().filter(refers) {
                if !listed.iter().any(|listed| listed.digest() == node.manifest.digest()) {
                    return Err(lost(node.manifest.digest()));
                }
            }
        }
        Ok(())
    }

    /// What the tag points to, if it is there; an error if it must stay where it is.
    async fn check_tag(&self) -> Result<Option<Digest>, Error> {
        let Some(tag) = &self.target.tag else { return Ok(None) };
        let Place { registry, repository } = &self.target.place;
        registry.pointing(repository, tag, self.graph.root(), self.target.moves).await
    }

    async fn tag(&self) -> Result<(), Error> {
        let (Some(tag), Some(manifest)) = (&self.target.tag, self.graph.root_manifest()) else {
            return Ok(());
        };
        self.opened().await;
        let Place { registry, repository } = &self.target.place;
        registry.put_tag(repository, tag, manifest, self.target.moves).await
    }
}

/// What a target lacks of an image.
pub(super) async fn share(graph: &Graph, target: &Target) -> Result<Share, Error> {
    let Place { registry, repository } = &target.place;
    let mut share = Share { manifests: target.place.lacking(graph).await?.len(), ..Share::default() };
    for (blob, size) in target.place.sizes(graph.blobs()).await? {
        if size.is_none() {
            share.blobs += 1;
            share.bytes += blob.size();
        }
    }
    if let Some(tag) = &target.tag {
        let there = registry.head(repository, &Reference::Tag(tag.clone())).await?;
        share.tagged = there.is_some_and(|descriptor| descriptor.digest() == graph.root());
    }
    Ok(share)
}

enum Step {
    Begun,
    Paused(Duration),
    Bytes(u64),
}

/// A transfer on its way out: at a rate, and with its steps told.
struct Outlet {
    transfer: Arc<Transfer>,
    throttle: Option<Arc<Throttle>>,
    /// Whether it stops where no window is open.
    pauses: bool,
    moved: tokio::sync::mpsc::Sender<Step>,
}

impl BlobSource for Outlet {
    fn open(&self) -> BoxStream<'static, std::io::Result<Bytes>> {
        let (throttle, moved, pauses) = (self.throttle.clone(), self.moved.clone(), self.pauses);
        let pieces = self.transfer.open();
        let begun = stream::once({
            let moved = moved.clone();
            async move {
                // Nobody listens any more when the copy was given up.
                let _ = moved.send(Step::Begun).await;
                Ok(Bytes::new())
            }
        });
        let paced = pieces.then(move |piece| {
            let (throttle, moved) = (throttle.clone(), moved.clone());
            async move {
                let piece = piece?;
                if let Some(throttle) = throttle {
                    throttle.take(piece.len()).await;
                    if let Some(wait) = throttle.shut_for().filter(|_| pauses) {
                        let _ = moved.send(Step::Paused(wait)).await;
                        throttle.opened().await;
                    }
                }
                let _ = moved.send(Step::Bytes(piece.len() as u64)).await;
                Ok(piece)
            }
        });
        begun.chain(paced).boxed()
    }

    fn pauses(&self) -> bool {
        self.pauses
    }
}
