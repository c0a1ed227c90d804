//! Keeping repositories equal, tag by tag.

use std::sync::Arc;

use futures::future::join_all;
use futures::stream::{self, StreamExt as _, TryStreamExt as _};
use oci_spec::image::Digest;
use plimsoll_core::image::Tag;

use super::{Copier, Event, Hours, Moves, Place, Target, Throttle};
use crate::client::Registry;
use crate::content::Reference;
use crate::error::Error;
use crate::listing::Completeness;

/// How many tags are compared at a time, by a question here after one there.
const COMPARED: usize = 32;
/// How many images are copied at a time.
const COPIED: usize = 2;

/// A repository that is kept equal to another.
#[derive(Clone, Debug)]
pub struct Mirror {
    /// The repository.
    pub place: Place,
    /// How fast bytes may go there, and when. Whether its tags are equal is asked at any time.
    pub throttle: Option<Arc<Throttle>>,
}

impl From<Place> for Mirror {
    fn from(place: Place) -> Self {
        Self { place, throttle: None }
    }
}

/// What a synchronisation found and did.
#[derive(Debug)]
pub struct Synced {
    /// Tags of the source that were chosen.
    pub tags: usize,
    /// For each target, in their order.
    pub targets: Vec<SyncedTarget>,
    /// Whether the source listed all its tags.
    pub completeness: Completeness,
}

/// What a synchronisation did at one target.
#[derive(Debug, Default)]
pub struct SyncedTarget {
    /// Tags that pointed to the same image already.
    pub unchanged: usize,
    /// Tags that point to it now.
    pub copied: usize,
    /// Tags that do not, and why.
    pub failed: Vec<(Tag, Error)>,
}

impl Copier {
    /// Brings the tags of a repository that `choose` takes to other repositories, with what they point to. A tag that
    /// points to the same image costs one request here and one there. Tags that only the target has stay.
    ///
    /// Evidence that was added to an image after it was copied is not looked for; a copy of that image brings it.
    ///
    /// # Errors
    /// When the source cannot be read. What fails at a target is in the report.
    pub async fn sync(
        &self,
        source: &Place,
        targets: &[Mirror],
        moves: Moves,
        choose: impl Fn(&Tag) -> bool,
        on: &(dyn Fn(Event) + Sync),
    ) -> Result<Synced, Error> {
        Synchronization { copier: self, source, targets, moves, on }.run(choose).await
    }

    /// Does the same whenever a window of `schedule` begins, and now if one is open: what was missed while nobody was
    /// there is made up for within the hours meant for it. Goes on until it is dropped; each result is handed to `done`.
    pub async fn keep_equal(
        &self,
        source: &Place,
        targets: &[Mirror],
        moves: Moves,
        schedule: &Hours,
        choose: impl Fn(&Tag) -> bool,
        done: impl Fn(Result<Synced, Error>),
    ) {
        loop {
            schedule.opened().await;
            done(self.sync(source, targets, moves, &choose, &|_| {}).await);
            schedule.begins().await;
        }
    }
}

struct Synchronization<'a> {
    copier: &'a Copier,
    source: &'a Place,
    targets: &'a [Mirror],
    moves: Moves,
    on: &'a (dyn Fn(Event) + Sync),
}

/// A tag that some targets lack.
struct Lacking {
    tag: Tag,
    root: Digest,
    targets: Vec<usize>,
}

impl Synchronization<'_> {
    async fn run(&self, choose: impl Fn(&Tag) -> bool) -> Result<Synced, Error> {
        let mut listing = self.source.registry.tags(&self.source.repository)?;
        let mut targets: Vec<SyncedTarget> = self.targets.iter().map(|_| SyncedTarget::default()).collect();
        let mut tags = 0;
        while let Some(page) = listing.next_page().await? {
            // What refers to an image goes with the image.
            let chosen: Vec<Tag> = page
                .items
                .into_iter()
                .filter(|tag| !Registry::is_referrers_tag(tag) && choose(tag))
                .collect();
            tags += chosen.len();
            let compared: Vec<Comparison> =
                stream::iter(chosen).map(|tag| self.compare(tag)).buffered(COMPARED).try_collect().await?;
            let lacking: Vec<Lacking> =
                compared.into_iter().filter_map(|comparison| comparison.note(&mut targets)).collect();
            let brought: Vec<_> = stream::iter(lacking)
                .map(|lacking| self.bring(lacking))
                .buffer_unordered(COPIED)
                .collect()
                .await;
            for (tag, results) in brought {
                for (index, result) in results {
                    match result {
                        Ok(()) => targets[index].copied += 1,
                        Err(error) => targets[index].failed.push((tag.clone(), error)),
                    }
                }
            }
        }
        Ok(Synced { tags, targets, completeness: listing.completeness() })
    }

    /// What a tag points to there and then here. A target that does not answer is no reason to ask nobody else. The source
    /// is asked by what a target has: whether it is still that, is the cheaper question. Of a target it would be the wrong
    /// one, for a tag of which the manifest was lost may still be said to point to it.
    async fn compare(&self, tag: Tag) -> Result<Comparison, Error> {
        let reference = Reference::Tag(tag.clone());
        let digest = async |place: &Place| {
            let there = place.registry.head(&place.repository, &reference).await?;
            Ok::<_, Error>(there.map(|descriptor| descriptor.digest().clone()))
        };
        let there: Vec<Result<Option<Digest>, Error>> =
            join_all(self.targets.iter().map(|mirror| digest(&mirror.place))).await;
        let known = there.iter().flatten().flatten().next();
        let root = match known {
            Some(known) => self.source.registry.pointed_to(&self.source.repository, &tag, known).await,
            None => digest(self.source).await,
        }?;
        Ok(Comparison { tag, root, there })
    }

    async fn bring(&self, lacking: Lacking) -> (Tag, Vec<(usize, Result<(), Error>)>) {
        let Lacking { tag, root, targets } = lacking;
        let target = |index: &usize| Target {
            place: self.targets[*index].place.clone(),
            tag: Some(tag.clone()),
            moves: self.moves,
            mounts_from: Vec::new(),
            throttle: self.targets[*index].throttle.clone(),
        };
        let results = match self.copier.plan(self.source, &root, targets.iter().map(target).collect()).await {
            Ok(plan) => {
                self.copier.run(&plan, self.on).await.into_iter().map(|result| result.map(drop)).collect()
            }
            Err(error) => targets.iter().map(|_| Err(error.repeat())).collect::<Vec<_>>(),
        };
        (tag, targets.into_iter().zip(results).collect())
    }
}

struct Comparison {
    tag: Tag,
    root: Option<Digest>,
    there: Vec<Result<Option<Digest>, Error>>,
}

impl Comparison {
    /// Counts what is equal and what cannot be told; the rest is what lacks.
    fn note(self, targets: &mut [SyncedTarget]) -> Option<Lacking> {
        let Self { tag, root, there } = self;
        let mut lacking = Vec::new();
        for (index, there) in there.into_iter().enumerate() {
            match there {
                Ok(digest) if digest.is_some() && digest == root => targets[index].unchanged += 1,
                Ok(_) => lacking.push(index),
                Err(error) => targets[index].failed.push((tag.clone(), error)),
            }
        }
        // A tag that went away since it was listed is not there any more.
        let root = root.filter(|_| !lacking.is_empty())?;
        Some(Lacking { tag, root, targets: lacking })
    }
}
