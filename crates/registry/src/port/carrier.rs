//! Core's port to work that takes long.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures::future::{FutureExt as _, join_all};
use futures::stream::{self, StreamExt as _};
use parking_lot::Mutex;
use plimsoll_core::image::{
    Advance, Bytes, Carrier, Delivered, Error as PortError, Examination, Fan, FanPlan, Home, Host, ImagePace,
    ImageTally, Items, Mirroring, Newest, Step, SyncPlan, Tag, TagChoice,
};
use tokio::time::Instant;

use super::{Registries, named, of};
use crate::Digest;
use crate::client::Registry;
use crate::content::Reference;
use crate::copy::spread::{Spread, SpreadTo, Told, each};
use crate::copy::{Event, Meter, Mirror, Moves, Place, Progress, Reached, Stage, Target, Throttle};
use crate::error::{Error, Kind};
use crate::examine::Presence;
use crate::listing::Completeness;

/// How many images of a repository are looked at at a time.
const EXAMINED: usize = 4;
/// How many images that are not whole are told.
const TOLD: usize = 5;

impl Registries {
    fn throttle(&self, pace: &ImagePace) -> Option<Arc<Throttle>> {
        let ImagePace { rate, windows } = pace;
        if rate.is_none() && windows.is_empty() {
            return None;
        }
        let throttle = rate.map_or_else(Throttle::unlimited, Throttle::new);
        Some(Arc::new(throttle.within(windows.clone(), self.clock.clone())))
    }

    fn target(&self, fan: &Fan, to: &Home) -> Result<Target, PortError> {
        Ok(Target {
            place: self.place(to)?,
            tag: Some(fan.tag.clone()),
            moves: Moves::Never,
            mounts_from: Vec::new(),
            throttle: self.throttle(&fan.pace),
        })
    }

    /// What an image consists of, read from the first place that has it. An error names the place that it came from.
    async fn read(&self, fan: &Fan) -> Result<crate::copy::Origin, PortError> {
        let Fan { digest, from, peers, .. } = fan;
        let homes: Vec<&Home> = std::iter::once(from).chain(peers).collect();
        let places = homes.iter().map(|home| self.place(home)).collect::<Result<Vec<Place>, _>>()?;
        let root = named(&from.host, digest)?;
        let copier = self.copier().map_err(|error| of(&from.host, error))?;
        let hosts: Vec<&Host> = homes.iter().map(|home| &home.host).collect();
        copier.origin(&places, &root).await.map_err(|error| at_fault(error, &hosts, &from.host))
    }

    /// The chosen tags of a repository, and why there may be more.
    async fn chosen(
        &self,
        source: &Home,
        choice: &TagChoice,
    ) -> Result<(Vec<Tag>, Option<String>), PortError> {
        let place = self.place(source)?;
        let list = async {
            let mut listing = place.registry.tags(&place.repository)?;
            let mut newest = choice.newest.map(Newest::new);
            let mut tags = Vec::new();
            while let Some(page) = listing.next_page().await? {
                // What refers to an image goes with the image.
                let wanted = |tag: &Tag| !Registry::is_referrers_tag(tag) && choice.takes(tag);
                for tag in page.items.into_iter().filter(wanted) {
                    if let Some(newest) = &mut newest {
                        newest.offer(tag);
                    } else {
                        tags.push(tag);
                    }
                }
            }
            tags.extend(newest.into_iter().flat_map(Newest::into_tags));
            Ok((tags, incomplete(&listing.completeness())))
        };
        list.await.map_err(|error| of(&source.host, error))
    }

    fn mirrors(&self, mirroring: &Mirroring) -> Result<Vec<Mirror>, PortError> {
        let mirror = |home| Ok(Mirror { place: self.place(home)?, throttle: self.throttle(&mirroring.pace) });
        mirroring.to.iter().map(mirror).collect()
    }
}

#[async_trait]
impl Carrier for Registries {
    async fn plan(&self, fan: &Fan) -> Result<FanPlan, PortError> {
        let origin = self.read(fan).await?;
        let share = async |to: &Home| {
            let target = self.target(fan, to)?;
            self.ask(&to.host, origin.share(&target)).await.map(|share| share.bytes)
        };
        let shares: Vec<_> = fan.to.iter().map(|to| share(to).boxed()).collect();
        Ok(FanPlan { bytes: origin.bytes(), evidence: origin.evidence(), lacking: join_all(shares).await })
    }

    async fn copy(&self, fan: &Fan, on: &(dyn Fn(usize, Step) + Send + Sync)) -> Result<(), PortError> {
        let origin = self.read(fan).await?;
        let progress = Progress::of(origin.bytes(), fan.to.len());
        let deliver = async |index: usize| {
            let to = &fan.to[index];
            let target = self.target(fan, to)?;
            let tell = |event: Event| {
                progress.note(&event);
                if let Some(reached) = progress.reached_at(index) {
                    on(index, Step::Advanced(advance(&reached)));
                }
            };
            let report = origin.deliver(&target, index, None, &tell).await;
            let hosts: Vec<&Host> =
                std::iter::once(&fan.from).chain(&fan.peers).map(|home| &home.host).collect();
            let report = report.map_err(|error| at_fault(error, &hosts, &to.host))?;
            Ok(Delivered { sent: report.bytes, ..Delivered::default() })
        };
        let (deliver, on) = (&deliver, &on);
        each(fan.to.len(), |index| async move { on(index, Step::Ended(deliver(index).await)) }).await;
        Ok(())
    }

    async fn plan_sync(
        &self,
        mirroring: &Mirroring,
        patience: Duration,
    ) -> Result<Vec<Result<SyncPlan, PortError>>, PortError> {
        let until = Instant::now() + patience;
        let Mirroring { source, choice, to, .. } = mirroring;
        let place = self.place(source)?;
        let mirrors = self.mirrors(mirroring)?;
        let (tags, cut) = self.chosen(source, choice).await?;
        let copier = self.copier().map_err(|error| of(&source.host, error))?;
        let spread = Spread::new(&copier, &place, &mirrors, Moves::Never, &tags);
        let plan = async |index: usize| {
            let left = until.saturating_duration_since(Instant::now());
            let plan = spread.plan(index, left).await;
            let plan = plan.map_err(|error| at_fault(error, &[&source.host], &to[index].host))?;
            let all = tags.len() as u64;
            let hurried = (plan.seen < all).then(|| {
                format!(
                    "{} of {all} tags were looked at in {} s; it may be more",
                    plan.seen,
                    patience.as_secs()
                )
            });
            let incomplete = [cut.clone(), hurried].into_iter().flatten().collect::<Vec<_>>().join("; ");
            Ok(SyncPlan {
                tags: all,
                unchanged: plan.unchanged,
                bytes: plan.bytes,
                incomplete: (!incomplete.is_empty()).then_some(incomplete),
            })
        };
        let plans: Vec<_> = (0..to.len()).map(|index| plan(index).boxed()).collect();
        Ok(join_all(plans).await)
    }

    async fn sync(
        &self,
        mirroring: &Mirroring,
        on: &(dyn Fn(usize, Step) + Send + Sync),
    ) -> Result<(), PortError> {
        let Mirroring { source, choice, to, .. } = mirroring;
        let place = self.place(source)?;
        let mirrors = self.mirrors(mirroring)?;
        let (tags, cut) = self.chosen(source, choice).await?;
        let copier = self.copier().map_err(|error| of(&source.host, error))?;
        let spread = Spread::new(&copier, &place, &mirrors, Moves::Never, &tags);
        let bring = async |index: usize| {
            let count = Mutex::new(Count::new(tags.len() as u64));
            let tell = |told: Told<'_>| {
                let advance = count.lock().after(&told);
                on(index, Step::Advanced(advance));
            };
            let done = spread.to(index, &tell).await;
            let done = done.map_err(|error| at_fault(error, &[&source.host], &to[index].host))?;
            let SpreadTo { unchanged, copied, sent, failed, reasons } = done;
            let total = tags.len() as u64;
            let tally = Some(ImageTally { total, good: unchanged, copied, bad: failed });
            let trouble = trouble(&reasons, failed);
            Ok(Delivered { sent, tally, trouble, incomplete: cut.clone() })
        };
        let (bring, on) = (&bring, &on);
        each(to.len(), |index| async move { on(index, Step::Ended(bring(index).await)) }).await;
        Ok(())
    }

    async fn verify(
        &self,
        examination: &Examination,
        on: &(dyn Fn(Advance) + Send + Sync),
    ) -> Result<Delivered, PortError> {
        let Examination { at, image, sample } = examination;
        let place = self.place(at)?;
        let look = async |root: &Digest| match place.examine(root, *sample).await {
            Ok(presence) if presence.is_whole() => Ok(None),
            Ok(presence) => Ok(Some(broken(&presence))),
            Err(error) if error.kind() == Kind::NotFound => Ok(Some("it is not there".to_owned())),
            Err(error) => Err(of(&at.host, error)),
        };
        if let Some(image) = image {
            let wrong = look(&named(&at.host, image)?).await?;
            let bad = u64::from(wrong.is_some());
            let tally = Some(ImageTally { total: 1, good: 1 - bad, copied: 0, bad });
            return Ok(Delivered { tally, trouble: wrong, ..Delivered::default() });
        }
        let listed = async {
            let (tags, completeness) = place.registry.tags(&place.repository)?.collect().await?;
            Ok::<_, Error>((tags, incomplete(&completeness)))
        };
        let (mut tags, incomplete) = listed.await.map_err(|error| of(&at.host, error))?;
        tags.retain(|tag| !Registry::is_referrers_tag(tag));
        let look_at = async |tag: &Tag| {
            let there = place.registry.head(&place.repository, &Reference::Tag(tag.clone())).await;
            match there.map_err(|error| of(&at.host, error))? {
                Some(descriptor) => look(descriptor.digest()).await,
                None => Ok(Some("it is listed, and what it points to is not there".to_owned())),
            }
        };
        let look_at = &look_at;
        let looks: Vec<_> = tags.iter().map(|tag| async move { (tag, look_at(tag).await) }.boxed()).collect();
        let mut looked = stream::iter(looks).buffered(EXAMINED);
        let mut tally = ImageTally { total: tags.len() as u64, ..ImageTally::default() };
        let mut reasons = Vec::new();
        while let Some((tag, wrong)) = looked.next().await {
            match wrong? {
                None => tally.good += 1,
                Some(wrong) => {
                    tally.bad += 1;
                    if reasons.len() < TOLD {
                        reasons.push(format!("{tag}: {wrong}"));
                    }
                }
            }
            let images = Some(Items { done: tally.good + tally.bad, total: tally.total });
            on(Advance { images, ..Advance::default() });
        }
        let trouble = trouble(&reasons, tally.bad);
        Ok(Delivered { sent: 0, tally: Some(tally), trouble, incomplete })
    }
}

/// How far the tags of a repository have come at one target.
struct Count {
    total: u64,
    items: Items,
    meter: Meter,
    shut: Option<Duration>,
}

impl Count {
    fn new(tags: u64) -> Self {
        let meter = Meter::new(0, Instant::now());
        Self { total: 0, items: Items { done: 0, total: tags }, meter, shut: None }
    }

    fn after(&mut self, told: &Told<'_>) -> Advance {
        match told {
            Told::Lacks(bytes) => {
                self.total += bytes;
                self.meter.again(*bytes);
            }
            Told::Seen(done) => self.items.done = *done,
            Told::Copying(event) => {
                self.shut = None;
                match event {
                    Event::Skipped { bytes, .. } => self.meter.skipped(*bytes),
                    Event::Moved { bytes, .. } => self.meter.moved(*bytes, Instant::now()),
                    Event::Again { bytes, .. } => self.meter.again(*bytes),
                    Event::Paused { wait, .. } => self.shut = Some(*wait),
                    Event::Arrived { .. } | Event::Stored { .. } | Event::Done { .. } => {}
                }
            }
        }
        Advance {
            bytes: Bytes { done: self.total.saturating_sub(self.meter.left()), total: self.total },
            images: Some(self.items),
            // What later tags lack is not known: nobody could say when all is done.
            estimate: None,
            shut: self.shut,
        }
    }
}

fn advance(reached: &Reached) -> Advance {
    let Reached { done, total, stage, estimate } = *reached;
    let shut = match stage {
        Stage::Paused(wait) => Some(wait),
        Stage::Moving | Stage::Done => None,
    };
    Advance { bytes: Bytes { done, total }, images: None, estimate, shut }
}

fn incomplete(completeness: &Completeness) -> Option<String> {
    match completeness {
        Completeness::Complete => None,
        Completeness::Incomplete(_) => Some(format!("the list of tags is {completeness}")),
    }
}

/// `1.4: it is not there; and 3 more`.
fn trouble(reasons: &[String], all: u64) -> Option<String> {
    let told = reasons.join("; ");
    match all - reasons.len() as u64 {
        _ if all == 0 => None,
        0 => Some(told),
        more => Some(format!("{told}; and {more} more")),
    }
}

/// An error with the one of these registries that it came from.
fn at_fault(error: Error, sources: &[&Host], target: &Host) -> PortError {
    let host = sources.iter().copied().find(|host| error.is_at(host)).unwrap_or(target);
    of(host, error)
}

/// `2 blobs are not there (sha256:…), 1 is damaged (sha256:…)`.
fn broken(presence: &Presence) -> String {
    let Presence { missing, damaged, lost, .. } = presence;
    let kinds = [(missing, "not there"), (damaged, "damaged"), (lost, "said to refer to it and not there")];
    let told: Vec<String> = kinds
        .into_iter()
        .filter_map(|(digests, what)| {
            let first = digests.first()?;
            Some(match digests.len() {
                1 => format!("1 part of it is {what} ({first})"),
                several => format!("{several} parts of it are {what} ({first} among them)"),
            })
        })
        .collect();
    told.join(", ")
}
