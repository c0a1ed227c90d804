//! Bringing the tags of a repository to several others, each at a pace of its own.
//!
//! Unlike [`Copier::sync`], which goes tag by tag through all targets, every target here goes through the tags by itself:
//! one that is slow or does not answer holds up no other. What one of them needed of the source is kept for those behind
//! it, up to a bound; who is further behind than that reads it anew.

use std::collections::{HashSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use futures::future::{FutureExt as _, join_all};
use futures::stream::{self, StreamExt as _};
use oci_spec::image::Digest;
use parking_lot::Mutex;
use plimsoll_core::image::Tag;
use tokio::sync::OnceCell;
use tokio::time::Instant;

use super::deliver::Arriving;
use super::origin::Origin;
use super::{Copier, Event, Mirror, Moves, Place, Target};
use crate::content::Reference;
use crate::error::{Error, Kind};

/// How many tags are compared at a time at one target.
const COMPARED: usize = 16;
/// How many images are on their way to one target at a time.
const COPIED: usize = 2;
/// Bytes of images that are kept for targets which are behind.
const BEHIND: u64 = 1 << 30;
/// How many tags that failed are told with their reasons.
const TOLD: usize = 5;

/// Tags that are to be in several repositories.
pub(crate) struct Spread<'a> {
    copier: &'a Copier,
    source: &'a Place,
    targets: &'a [Mirror],
    moves: Moves,
    tags: &'a [Tag],
    /// What each tag points to at the source, asked once for all targets.
    roots: Vec<OnceCell<Option<Digest>>>,
    origins: Mutex<VecDeque<(Digest, Arc<OnceCell<Origin>>)>>,
    /// For each target.
    arriving: Vec<Arriving>,
}

/// What is told of a target while tags are brought to it.
pub(crate) enum Told<'a> {
    /// A tag was found to be lacking, with so many bytes in all.
    Lacks(u64),
    /// So many tags were seen to.
    Seen(u64),
    /// Something happened in a copy.
    Copying(&'a Event),
}

/// What became of one target.
#[derive(Debug, Default)]
pub(crate) struct SpreadTo {
    /// Tags that pointed to the same image already.
    pub(crate) unchanged: u64,
    /// Tags that point to it now.
    pub(crate) copied: u64,
    /// Bytes that were sent.
    pub(crate) sent: u64,
    /// Tags that do not point to it.
    pub(crate) failed: u64,
    /// Some of them, with why.
    pub(crate) reasons: Vec<String>,
}

/// What one target lacks.
#[derive(Debug, Default)]
pub(crate) struct SpreadPlan {
    pub(crate) unchanged: u64,
    pub(crate) seen: u64,
    pub(crate) bytes: u64,
}

/// How a tag stands at a target.
enum Stands {
    Equal,
    Lacking(Digest),
    /// It is not at the source any more.
    Gone,
}

impl<'a> Spread<'a> {
    pub(crate) fn new(
        copier: &'a Copier,
        source: &'a Place,
        targets: &'a [Mirror],
        moves: Moves,
        tags: &'a [Tag],
    ) -> Self {
        let arriving = targets.iter().map(|_| Arriving::default()).collect();
        let roots = tags.iter().map(|_| OnceCell::new()).collect();
        Self { copier, source, targets, moves, tags, roots, origins: Mutex::default(), arriving }
    }

    /// Brings all tags to the target in this place. What fails of one tag is in the answer.
    ///
    /// # Errors
    /// When the source or the target does not answer: to go on asking for every tag helps nobody.
    pub(crate) async fn to(&self, index: usize, on: &(dyn Fn(Told<'_>) + Sync)) -> Result<SpreadTo, Error> {
        let mut done = SpreadTo::default();
        let mut seen = 0;
        let compared: Vec<_> = (0..self.tags.len()).map(|n| self.compare(index, n).boxed()).collect();
        let mut brought = stream::iter(compared)
            .buffered(COMPARED)
            .map(|(n, stands)| self.bring(index, n, stands, on).boxed())
            .buffer_unordered(COPIED);
        while let Some((n, came)) = brought.next().await {
            seen += 1;
            match came {
                Ok(None) => done.unchanged += 1,
                Ok(Some(bytes)) => {
                    done.copied += 1;
                    done.sent += bytes;
                }
                Err(error) if is_away(&error) => return Err(error),
                Err(error) => {
                    done.failed += 1;
                    if done.reasons.len() < TOLD {
                        done.reasons.push(format!("{}: {error}", self.tags[n]));
                    }
                }
            }
            on(Told::Seen(seen));
        }
        Ok(done)
    }

    /// What the target in this place lacks, as far as it is found out within `patience`.
    pub(crate) async fn plan(&self, index: usize, patience: Duration) -> Result<SpreadPlan, Error> {
        let until = Instant::now() + patience;
        let mut plan = SpreadPlan::default();
        let mut known: HashSet<Digest> = HashSet::new();
        let compared: Vec<_> = (0..self.tags.len()).map(|n| self.compare(index, n).boxed()).collect();
        let mut compared = stream::iter(compared).buffered(COMPARED);
        loop {
            let next = async {
                let Some((_, stands)) = compared.next().await else { return Ok(None) };
                let Stands::Lacking(root) = stands? else { return Ok(Some(Vec::new())) };
                let cell = self.origin(&root);
                let origin = cell.get_or_try_init(|| self.read(&root)).await?;
                let unasked = origin.blobs().filter(|blob| !known.contains(blob.digest()));
                let sizes = self.targets[index].place.sizes(unasked).await?;
                let found = |(blob, there): (&oci_spec::image::Descriptor, Option<u64>)| {
                    (blob.digest().clone(), if there.is_none() { blob.size() } else { 0 })
                };
                let mut found: Vec<(Digest, u64)> = sizes.into_iter().map(found).collect();
                // Nothing to send is lacking all the same.
                found.push((root, 0));
                Ok::<_, Error>(Some(found))
            };
            match tokio::time::timeout_at(until, next).await {
                Err(_) | Ok(Ok(None)) => return Ok(plan),
                Ok(Ok(Some(found))) => {
                    plan.seen += 1;
                    plan.unchanged += u64::from(found.is_empty());
                    for (digest, bytes) in found {
                        plan.bytes += if known.insert(digest) { bytes } else { 0 };
                    }
                }
                Ok(Err(error)) if is_away(&error) => return Err(error),
                // What a copy would tell of it.
                Ok(Err(_)) => plan.seen += 1,
            }
        }
    }

    /// What a tag points to here and there. The source is asked by what the target has: whether it is still that, is the
    /// cheaper question.
    async fn compare(&self, index: usize, n: usize) -> (usize, Result<Stands, Error>) {
        let ask = async {
            let tag = &self.tags[n];
            let here = digest(&self.targets[index].place, tag).await?;
            let asked = self.roots[n].get_or_try_init(|| async {
                let Place { registry, repository } = self.source;
                match &here {
                    Some(known) => registry.pointed_to(repository, tag, known).await,
                    None => digest(self.source, tag).await,
                }
            });
            let root = asked.await?;
            Ok(match root {
                Some(root) if here.as_ref() == Some(root) => Stands::Equal,
                Some(root) => Stands::Lacking(root.clone()),
                None => Stands::Gone,
            })
        };
        (n, ask.await)
    }

    /// Bytes that were sent, for a tag that was lacking.
    async fn bring(
        &self,
        index: usize,
        n: usize,
        stands: Result<Stands, Error>,
        on: &(dyn Fn(Told<'_>) + Sync),
    ) -> (usize, Result<Option<u64>, Error>) {
        let root = match stands {
            Ok(Stands::Lacking(root)) => root,
            // A tag that went away since it was listed is not there any more.
            Ok(Stands::Equal | Stands::Gone) => return (n, Ok(None)),
            Err(error) => return (n, Err(error)),
        };
        let bring = async {
            let cell = self.origin(&root);
            let origin = cell.get_or_try_init(|| self.read(&root)).await?;
            on(Told::Lacks(origin.bytes()));
            let Mirror { place, throttle } = self.targets[index].clone();
            let tag = Some(self.tags[n].clone());
            let target = Target { place, tag, moves: self.moves, mounts_from: Vec::new(), throttle };
            let (arriving, tell) = (&self.arriving[index], |event| on(Told::Copying(&event)));
            let report = origin.deliver(&target, index, Some(arriving), &tell).await?;
            Ok(Some(report.bytes))
        };
        (n, bring.await)
    }

    async fn read(&self, root: &Digest) -> Result<Origin, Error> {
        self.copier.origin(std::slice::from_ref(self.source), root).await
    }

    /// An image as the source has it, kept for a while for the other targets.
    fn origin(&self, root: &Digest) -> Arc<OnceCell<Origin>> {
        // Outlive the lock: the last to let go of an image takes its files away.
        let mut over = Vec::new();
        let mut origins = self.origins.lock();
        if let Some((_, cell)) = origins.iter().find(|(known, _)| known == root) {
            return cell.clone();
        }
        let bytes = |cell: &OnceCell<Origin>| cell.get().map_or(0, Origin::bytes);
        let mut kept: u64 = origins.iter().map(|(_, cell)| bytes(cell)).sum();
        // Of one target alone nobody is behind.
        let most = if self.targets.len() > 1 { BEHIND } else { 0 };
        while kept > most
            && let Some((_, cell)) = origins.pop_front()
        {
            kept -= bytes(&cell);
            over.push(cell);
        }
        let cell: Arc<OnceCell<Origin>> = Arc::default();
        origins.push_back((root.clone(), cell.clone()));
        drop(origins);
        drop(over);
        cell
    }
}

/// Whether whoever is asked gives no answer at all.
fn is_away(error: &Error) -> bool {
    matches!(error.kind(), Kind::Unavailable | Kind::TimedOut | Kind::RateLimited)
}

async fn digest(place: &Place, tag: &Tag) -> Result<Option<Digest>, Error> {
    let there = place.registry.head(&place.repository, &Reference::Tag(tag.clone())).await?;
    Ok(there.map(|descriptor| descriptor.digest().clone()))
}

/// Runs something for every target at once.
pub(crate) async fn each<'a, F: Future<Output = ()> + Send + 'a>(
    count: usize,
    run: impl Fn(usize) -> F + 'a,
) {
    let runs: Vec<_> = (0..count).map(|index| run(index).boxed()).collect();
    join_all(runs).await;
}
