//! What an image is, where it lies, which Releases keep it, and where it runs.

use std::collections::{BTreeMap, BTreeSet};

use futures::future::{join, join_all};

use super::Plimsoll;
use super::images::Protected;
use super::registries::unanswered;
use crate::caller::{Caller, Role};
use crate::cluster::{AppLife, PodImages};
use crate::digest::Digest;
use crate::error::{Error, Kind};
use crate::image::{Examined, Home, Images, Inspected, Named, Reference, Sample, Whereabouts, digest_of};
use crate::name::{AppRef, DcName};
use crate::view::{AppPods, ImageDcView, ImageView, PlaceState, PlaceView, PodsView, WhereaboutsView};

/// How many Releases an answer names, how many faults of a place, and of how many Apps the pods are asked for.
const MAX_USES: usize = 100;
const MAX_FAULTS: usize = 20;
const MAX_APPS: usize = 200;

impl Plimsoll {
    /// What an image is, and what it says about itself.
    ///
    /// # Errors
    /// `Invalid` for a registry that the installation does not list; `NotFound`; `Unavailable` where the registry does
    /// not answer.
    pub async fn image(&self, caller: &Caller, named: &Named) -> Result<ImageView, Error> {
        caller.require(Role::Viewer)?;
        let images = self.images_of("image", &named.home.host)?;
        let image = inspect(images, named).await?;
        Ok(ImageView { home: named.home.clone(), image })
    }

    /// Where an image is: how much of it is where each data center pulls it from, which kept Releases run it, and which
    /// pods. A registry or a data center that does not answer is unknown, and delays nobody beyond a bound.
    ///
    /// # Errors
    /// `Invalid` for a registry that the installation does not list; for a tag, as [`Self::image`].
    pub async fn locate_image(
        &self,
        caller: &Caller,
        named: &Named,
        sample: Sample,
    ) -> Result<WhereaboutsView, Error> {
        caller.require(Role::Viewer)?;
        let Named { home, reference } = named;
        let images = self.images_of("image", &home.host)?;
        let digest = match reference {
            Reference::Digest(digest) => *digest,
            Reference::Tag(_) => inspect(images, named).await?.digest,
        };
        let mut protected = Protected::default();
        let mut lives = BTreeMap::new();
        self.each_kept(|app, numbers, image| {
            if image.digest == digest {
                protected.add(&app.app, numbers, image);
                let life = AppLife { namespace: app.app.namespace.clone(), uid: app.uid };
                lives.insert(life, app.app.clone());
            }
        })
        .await?;
        let mut notes = Vec::new();
        if lives.len() > MAX_APPS {
            let asked = "only the pods of the first";
            notes.push(format!("{asked} {MAX_APPS} of the {} apps that keep it were asked for", lives.len()));
        }
        let asked: Vec<AppLife> = lives.keys().take(MAX_APPS).cloned().collect();
        let dcs: Vec<DcName> = self.read_dcs().await?.into_keys().collect();
        let at: Vec<Home> =
            dcs.iter().map(|dc| images.registries.at(dc, home).unwrap_or_else(|_| home.clone())).collect();
        let homes: Vec<Home> =
            at.iter().chain([home]).cloned().collect::<BTreeSet<_>>().into_iter().collect();
        let pods = join_all(dcs.iter().map(|dc| self.live.pods(dc, &asked)));
        let (found, pods) = join(images.catalog.locate(&homes, &digest, sample), pods).await;
        let shown_as = shown_as(digest, &found);
        let places: BTreeMap<Home, PlaceView> =
            homes.into_iter().zip(found).map(|(home, found)| (home.clone(), place(&home, found))).collect();
        let place_of = |home: &Home| places.get(home).cloned().unwrap_or_else(|| unasked(home));
        let told = |place: &PlaceView| matches!(place.state, PlaceState::Whole | PlaceState::Broken);
        if !places.values().any(told) && !lives.is_empty() {
            notes.push(
                "no registry told all that it consists of; pods of one of its platforms may not be counted"
                    .to_owned(),
            );
        }
        let there = (!at.contains(home)).then(|| place_of(home));
        let rows = dcs.into_iter().zip(&at).zip(pods).map(|((dc, at), pods)| {
            let pods = match pods {
                Ok(pods) => PodsView::Known(counted(&pods, &shown_as, &lives)),
                Err(why) => PodsView::Unknown(why),
            };
            ImageDcView { dc, place: place_of(at), pods }
        });
        let rows = rows.collect();
        let mut uses = protected.uses().remove(&digest).unwrap_or_default();
        let use_count = uses.len();
        uses.truncate(MAX_USES);
        Ok(WhereaboutsView { home: home.clone(), digest, there, dcs: rows, uses, use_count, notes })
    }
}

async fn inspect(images: &Images, named: &Named) -> Result<Inspected, Error> {
    let found = images.catalog.inspect(&named.home, &named.reference).await;
    found.map_err(|error| unanswered("the image could not be looked at", error))?.ok_or_else(|| {
        Error::new(
            Kind::NotFound,
            "IMAGE_NOT_FOUND",
            format!("there is no {named}; `plimsoll image tags {}` lists what there is", named.home),
        )
    })
}

/// The digests that a container of the image may be shown with: every place that has it says the same.
fn shown_as(digest: Digest, found: &[Whereabouts]) -> BTreeSet<Digest> {
    let told = found.iter().filter_map(|found| match found {
        Whereabouts::Whole(examined) | Whereabouts::Broken(examined) => Some(&examined.shown_as),
        Whereabouts::Absent | Whereabouts::Unknown(_) => None,
    });
    told.flatten().copied().chain([digest]).collect()
}

/// How many pods of each App run it.
fn counted(
    pods: &[PodImages],
    shown_as: &BTreeSet<Digest>,
    lives: &BTreeMap<AppLife, AppRef>,
) -> Vec<AppPods> {
    let mut counts: BTreeMap<&AppRef, usize> = BTreeMap::new();
    for PodImages { app, images } in pods {
        let runs = images.iter().filter_map(|id| digest_of(id)).any(|digest| shown_as.contains(&digest));
        if let Some(app) = lives.get(app).filter(|_| runs) {
            *counts.entry(app).or_default() += 1;
        }
    }
    counts.into_iter().map(|(app, pods)| AppPods { app: app.clone(), pods }).collect()
}

fn place(home: &Home, found: Whereabouts) -> PlaceView {
    let bare = |state, message| PlaceView { state, message, ..unasked(home) };
    let examined = |state, message, examined: Examined| {
        let Examined { blobs, reread, mut faults, shown_as: _ } = examined;
        faults.truncate(MAX_FAULTS);
        PlaceView { blobs, reread, faults, ..bare(state, message) }
    };
    match found {
        Whereabouts::Whole(found) => examined(PlaceState::Whole, None, found),
        Whereabouts::Broken(found) => {
            let message = match found.faults.as_slice() {
                [one] => one.clone(),
                faults => format!("{} parts of it are missing or damaged", faults.len()),
            };
            examined(PlaceState::Broken, Some(message), found)
        }
        Whereabouts::Absent => bare(PlaceState::Absent, None),
        Whereabouts::Unknown(error) => bare(PlaceState::Unknown, Some(error.to_string())),
    }
}

/// A place of which nobody has an answer.
fn unasked(home: &Home) -> PlaceView {
    let message = Some("it was not asked".to_owned());
    PlaceView {
        home: home.clone(),
        state: PlaceState::Unknown,
        message,
        blobs: 0,
        reread: 0,
        faults: Vec::new(),
    }
}
