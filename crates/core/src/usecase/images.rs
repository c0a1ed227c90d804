//! Images: which Releases keep them, and removing one that nobody needs.

use std::collections::{BTreeMap, BTreeSet};

use super::reading::from_ledger;
use super::registries::unanswered;
use super::{Mode, Plimsoll, Write};
use crate::caller::{Caller, Role};
use crate::content::Content;
use crate::digest::Digest;
use crate::error::{Error, Kind};
use crate::image::{Home, ImageRef, Registries, Removal, Removing};
use crate::ledger::{Entry, Range};
use crate::name::{AppRef, ReleaseNumber};
use crate::record::{self, App, Release, key};
use crate::view::{ImageUse, RemovedView};

/// What a registry does with what nothing needs any more is its own affair.
const SPACE: &str = "its space is free once the registry's own clean-up has run";

/// How many Releases a refusal names.
const NAMED: usize = 5;

impl Plimsoll {
    /// Every image that a kept Release of an App runs, with those Releases: what no clean-up may take, or a rollback
    /// would bring back what is not there. Releases that went into the archive cannot be gone back to and keep nothing.
    ///
    /// # Errors
    /// What the ledger fails with.
    pub async fn protected_images(&self, caller: &Caller) -> Result<BTreeMap<Digest, Vec<ImageUse>>, Error> {
        caller.require(Role::Viewer)?;
        let mut protected = Protected::default();
        self.each_kept(|app, numbers, image| protected.add(&app.app, numbers, image)).await?;
        Ok(protected.uses())
    }

    /// Removes an image from a repository, so that its registry's clean-up takes what only it needs. Refuses one that a
    /// kept Release runs from anywhere, and what is part of such an image there, such as its signature. The repeat of a
    /// request that removed it changes nothing.
    ///
    /// # Errors
    /// `Invalid` for a registry that the installation does not list; `Refused` with the Releases that keep it;
    /// `NotFound` where it is not there; `Unavailable` where the registry does not say.
    pub async fn remove_image(
        &self,
        caller: &Caller,
        home: &Home,
        digest: &Digest,
        write: &Write,
    ) -> Result<RemovedView, Error> {
        caller.require(Role::Operator)?;
        let images = self.images_of("image", &home.host)?;
        let view =
            |note: &str| RemovedView { home: home.clone(), digest: *digest, notes: vec![note.to_owned()] };
        let body = Digest::of(&("image rm", home, digest)).map_err(Error::internal)?;
        if self.seen(caller, &write.request_id, body).await?.is_some() {
            return Ok(view(SPACE));
        }
        let mut protected = Protected::default();
        let mut here = BTreeSet::new();
        self.each_kept(|app, numbers, image| {
            protected.add(&app.app, numbers, image);
            if may_lie_in(&images.registries, image, home) {
                here.insert(image.digest);
            }
        })
        .await?;
        let protected = protected.uses();
        if let Some(uses) = protected.get(digest) {
            return Err(in_use(&format!("{home}@{digest}"), uses));
        }
        let kept: Vec<Digest> = here.into_iter().collect();
        let removing = match write.mode {
            Mode::Do => Removing::Do,
            Mode::Validate => Removing::Check,
        };
        match images.registry.remove(home, digest, &kept, removing).await {
            Ok(Removal::Removed) if write.mode == Mode::Validate => {
                Ok(view("nothing was removed: it would be"))
            }
            Ok(Removal::Removed) => {
                self.remember(caller, write, body).await?;
                Ok(view(SPACE))
            }
            Ok(Removal::Absent) => {
                Err(Error::new(Kind::NotFound, "IMAGE_NOT_FOUND", format!("there is no {digest} in {home}")))
            }
            Ok(Removal::PartOf(whole)) => {
                let uses = protected.get(&whole).map(Vec::as_slice).unwrap_or_default();
                Err(in_use(&format!("{home}@{digest} is part of {whole}, which"), uses))
            }
            Err(error) => Err(unanswered("nothing was removed", error)),
        }
    }

    /// Calls `on` for every image of every content that Releases of an App keep, with the numbers of those.
    pub(super) async fn each_kept(
        &self,
        mut on: impl FnMut(&App, &BTreeSet<ReleaseNumber>, &ImageRef) + Send,
    ) -> Result<(), Error> {
        let mut range = Range::prefix(key::APPS);
        loop {
            let page = self.ledger.range(&range).await.map_err(from_ledger)?;
            for entry in &page.entries {
                let app: App = decoded(entry)?;
                let uid = app.uid;
                let mut numbers: BTreeMap<Digest, BTreeSet<ReleaseNumber>> = BTreeMap::new();
                for entry in &self.read_all(&key::releases(uid)).await? {
                    let Release { number, content, .. } = decoded(entry)?;
                    numbers.entry(content).or_default().insert(number);
                }
                for (content, numbers) in &numbers {
                    let content: Content = self.read_content(uid, content).await?;
                    content.images().for_each(|image| on(&app, numbers, image));
                }
            }
            if !page.more {
                return Ok(());
            }
            range.after = page.entries.last().map(|entry| entry.key.clone());
        }
    }
}

/// The uses of images, as they are found.
#[derive(Default)]
pub(super) struct Protected(BTreeMap<Digest, BTreeSet<ImageUse>>);

impl Protected {
    pub(super) fn add(&mut self, app: &AppRef, numbers: &BTreeSet<ReleaseNumber>, image: &ImageRef) {
        let uses = self.0.entry(image.digest).or_default();
        uses.extend(numbers.iter().map(|release| ImageUse { app: app.clone(), release: *release }));
    }

    pub(super) fn uses(self) -> BTreeMap<Digest, Vec<ImageUse>> {
        self.0.into_iter().map(|(digest, uses)| (digest, uses.into_iter().collect())).collect()
    }
}

/// Whether an image is named to lie there, or some data center pulls it from there.
fn may_lie_in(registries: &Registries, image: &ImageRef, home: &Home) -> bool {
    image.home().is_some_and(|written| {
        let pulls = |dc| registries.at(dc, &written).is_ok_and(|at| at == *home);
        written == *home || registries.near().keys().any(pulls)
    })
}

fn decoded<T: serde::de::DeserializeOwned>(entry: &Entry) -> Result<T, Error> {
    record::decode(entry).map(|stored| stored.value).map_err(Error::internal)
}

fn in_use(what: &str, uses: &[ImageUse]) -> Error {
    let named: Vec<String> =
        uses.iter().take(NAMED).map(|used| format!("release {} of {}", used.release, used.app)).collect();
    let more = match uses.len().saturating_sub(NAMED) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    Error::new(
        Kind::Refused,
        "IMAGE_IN_USE",
        format!("{what} is kept by {}{more}, which may be gone back to", named.join(", ")),
    )
}
