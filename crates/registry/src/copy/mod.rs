//! Copies that keep every digest.
//!
//! An image is copied as what it is: manifests byte for byte, with all that they name and all that refers to them. The
//! source is read once however many targets there are; what a target has is not sent, what lies beside it there is
//! mounted. A tag moves last, after everything below it was seen to be whole at the target.

mod deliver;
mod event;
pub(crate) mod graph;
mod hours;
mod origin;
mod progress;
mod spool;
pub(crate) mod spread;
mod sync;
mod throttle;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use futures::future::{FutureExt as _, join_all};
use futures::stream::{self, StreamExt as _, TryStreamExt as _};
use oci_spec::image::{Descriptor, Digest};
use plimsoll_core::image::{Repository, Tag};

use crate::client::Registry;
use crate::content::Reference;
use crate::error::{Error, Kind};
use deliver::Delivery;
pub use event::{Event, Meter};
use graph::{Graph, Node};
pub use hours::Hours;
pub(crate) use origin::Origin;
pub use progress::{Progress, Reached, Stage};
use spool::Spool;
pub use sync::{Mirror, Synced, SyncedTarget};
pub use throttle::Throttle;

/// How many questions a registry is asked at a time.
const QUESTIONS: usize = 8;

/// A repository in a registry.
#[derive(Clone, Debug)]
pub struct Place {
    /// The registry.
    pub registry: Registry,
    /// The repository in it.
    pub repository: Repository,
}

/// Where an image is to be.
#[derive(Clone, Debug)]
pub struct Target {
    /// The repository.
    pub place: Place,
    /// The tag that is to point to it; without one it is there by its digest alone, for garbage collection to find.
    pub tag: Option<Tag>,
    /// What happens to a tag that points elsewhere.
    pub moves: Moves,
    /// Other repositories of that registry which may have some of its blobs.
    pub mounts_from: Vec<Repository>,
    /// How fast bytes may go there, and when.
    pub throttle: Option<Arc<Throttle>>,
}

/// What happens to a tag that points elsewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moves {
    /// It stays, and the copy fails: what was promoted is not overwritten.
    Never,
    /// It points to the copy from then on.
    Freely,
}

/// A copy that can be made.
#[derive(Debug)]
pub struct Plan {
    /// Where it is read from: the first, and what that does not give, from the others.
    sources: Vec<Place>,
    graph: Graph,
    targets: Vec<Target>,
}

/// What of an image a target lacks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Share {
    /// Blobs that are not in its repository.
    pub blobs: usize,
    /// Their bytes: what is sent at most, if nothing can be mounted.
    pub bytes: u64,
    /// Manifests that are not in its repository.
    pub manifests: usize,
    /// Whether its tag is there and points to the image.
    pub tagged: bool,
}

/// What a copy took.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Blobs that were there.
    pub present: usize,
    /// Blobs that the registry took over from another repository.
    pub mounted: usize,
    /// Blobs that were sent.
    pub sent: usize,
    /// Their bytes.
    pub bytes: u64,
    /// Manifests that were stored.
    pub manifests: usize,
}

/// Copies images. What is under way lies in a folder, where the next run finds it after a kill.
#[derive(Debug)]
pub struct Copier {
    spool: Spool,
    /// Blobs that are on their way at a time, per target.
    parallel: usize,
}

impl Copier {
    /// One that keeps blobs meanwhile in `folder`, which no other may use at the time. It needs room for what is under
    /// way: at most the image, less as its parts arrive.
    ///
    /// # Errors
    /// [`Kind::Local`] when the folder cannot be made or another process has it.
    pub fn new(folder: impl Into<PathBuf>) -> Result<Self, Error> {
        Ok(Self { spool: Spool::open(folder.into())?, parallel: 4 })
    }

    /// Reads what an image consists of, to be copied to these targets. Nothing is written anywhere.
    ///
    /// # Errors
    /// When the source cannot be read.
    pub async fn plan(&self, source: &Place, root: &Digest, targets: Vec<Target>) -> Result<Plan, Error> {
        self.plan_from(std::slice::from_ref(source), root, targets).await
    }

    /// The same of an image that several places have, such as the registries of other data centers, the nearest first.
    /// What it consists of is read from the first that has all of it. What that cannot give later, for it went down or
    /// what came from there was damaged, comes from the others.
    ///
    /// # Errors
    /// When none of them can be read: why the first could not, unless it only does not have it and another could not.
    pub async fn plan_from(
        &self,
        sources: &[Place],
        root: &Digest,
        targets: Vec<Target>,
    ) -> Result<Plan, Error> {
        let mut refused: Option<Error> = None;
        for (at, source) in sources.iter().enumerate() {
            match Graph::read_whole(source, root).await {
                Ok(graph) => {
                    let mut sources = sources.to_vec();
                    sources.rotate_left(at);
                    return Ok(Plan { sources, graph, targets });
                }
                Err(error) => {
                    let says_more = error.kind() != Kind::NotFound
                        && refused.as_ref().is_some_and(|first| first.kind() == Kind::NotFound);
                    if refused.is_none() || says_more {
                        refused = Some(error);
                    }
                }
            }
        }
        Err(refused.unwrap_or_else(|| Error::new(Kind::Invalid, root, "no place was named to copy it from")))
    }

    /// Carries a plan out, in all targets at once; none waits for another. The results are in the order of the targets.
    pub async fn run(&self, plan: &Plan, on: &(dyn Fn(Event) + Sync)) -> Vec<Result<Report, Error>> {
        let transfers = self.spool.transfers(&plan.sources, plan.targets.len());
        let deliveries = plan.targets.iter().enumerate().map(|(index, target)| {
            let delivery = Delivery {
                graph: &plan.graph,
                target,
                index,
                transfers: &transfers,
                parallel: self.parallel,
                arriving: None,
                on,
            };
            delivery.run()
        });
        join_all(deliveries).await
    }
}

impl Plan {
    /// What is copied.
    pub fn root(&self) -> &Digest {
        self.graph.root()
    }

    /// Where it is read from, what cannot be read there from the next.
    pub fn sources(&self) -> &[Place] {
        &self.sources
    }

    /// How many targets there are.
    pub fn targets(&self) -> usize {
        self.targets.len()
    }

    /// What each target lacks, in their order: what the copy would take. One that does not answer has its own error.
    pub async fn shares(&self) -> Vec<Result<Share, Error>> {
        join_all(self.targets.iter().map(|target| deliver::share(&self.graph, target))).await
    }

    /// All bytes of the image with everything that belongs to it, each blob once.
    pub fn bytes(&self) -> u64 {
        self.graph.blobs().map(Descriptor::size).sum()
    }

    /// Manifests that an index names and the source does not have: the image is sparse, and so is its copy.
    pub fn absent(&self) -> &[Digest] {
        self.graph.absent()
    }

    /// What refers to the image, by artifact type.
    pub fn evidence(&self) -> BTreeMap<String, usize> {
        self.graph.evidence()
    }
}

impl Place {
    /// The sizes in which blobs are here; nothing for those that are not.
    pub(crate) async fn sizes<'a>(
        &self,
        blobs: impl Iterator<Item = &'a Descriptor>,
    ) -> Result<Vec<(&'a Descriptor, Option<u64>)>, Error> {
        // Boxed, here and below: a future that is made by a closure over references cannot be shown to be `Send`
        // (<https://github.com/rust-lang/rust/issues/102211>), and who copies has tasks.
        let asked: Vec<_> = blobs.map(|blob| self.size(blob).boxed()).collect();
        stream::iter(asked).buffered(QUESTIONS).try_collect().await
    }

    async fn size<'a>(&self, blob: &'a Descriptor) -> Result<(&'a Descriptor, Option<u64>), Error> {
        Ok((blob, self.registry.head_blob(&self.repository, blob.digest()).await?))
    }

    /// The manifests of an image that are not here.
    async fn lacking<'a>(&self, graph: &'a Graph) -> Result<Vec<&'a Node>, Error> {
        let asked: Vec<_> = graph.nodes().iter().map(|node| self.has(node).boxed()).collect();
        let asked: Vec<(&Node, bool)> = stream::iter(asked).buffered(QUESTIONS).try_collect().await?;
        Ok(asked.into_iter().filter(|(_, there)| !there).map(|(node, _)| node).collect())
    }

    async fn has<'a>(&self, node: &'a Node) -> Result<(&'a Node, bool), Error> {
        let reference = Reference::Digest(node.manifest.digest().clone());
        Ok((node, self.registry.head(&self.repository, &reference).await?.is_some()))
    }
}

fn local(what: impl std::fmt::Display, message: &str, error: std::io::Error) -> Error {
    Error::new(Kind::Local, what, message).because(error)
}
