//! Work on registries: copying an image, bringing tags, looking whether images are whole. Each is an Operation.

mod plan;
mod request;
mod steer;

use std::collections::BTreeSet;

use self::request::{Reach, Reader, Subject};
use super::reading::from_ledger;
use super::request::{MAX_ROUNDS, too_many_writers};
use super::{Mode, Plimsoll, Write};
use crate::caller::{Caller, Role};
use crate::digest::Digest;
use crate::error::{Error, Kind};
use crate::image::{self, Copy, ErrorKind, Home, Images, Registries, Tagged};
use crate::ledger::{self, Committed};
use crate::name::OperationId;
use crate::record::{
    DcState, Draft, ImageOperation, ImageOperationParts, ImageTarget, ImageWork, Request, Stored, key,
};
use crate::view::{ImageAccepted, ImageOperationView, ImageTargetState, ImageTargetView};

pub use request::{CopyImage, ImageRequest, PaceWanted, SyncImages, VerifyImages};

/// What a request came to, before anything is written.
struct Prepared {
    work: ImageWork,
    targets: Vec<ImageTarget>,
    pace: image::ImagePace,
    notes: Vec<String>,
}

impl Plimsoll {
    /// Begins work on registries, or says what it would take.
    ///
    /// # Errors
    /// `Refused` where the installation has no registries; `Invalid` with every fault; `NotFound` for a tag that is not
    /// there; `Unavailable` where its registry does not say.
    pub async fn begin_image_work(
        &self,
        caller: &Caller,
        request: &ImageRequest,
        write: Write,
    ) -> Result<ImageAccepted, Error> {
        caller.require(Role::Operator)?;
        let images = self.images.as_ref().ok_or_else(super::registries::no_registries)?;
        let body = Digest::of(request).map_err(Error::internal)?;
        if let Some(seen) = self.seen(caller, &write.request_id, body).await? {
            return self.first_answer(seen).await;
        }
        let Prepared { work, targets, pace, notes } = self.prepare(images, request).await?;
        if write.mode == Mode::Validate {
            let plan = self.plan_images(images, &work, &targets, &pace).await?;
            return Ok(ImageAccepted { operation: None, plan, notes });
        }
        let operation = ImageOperation {
            id: self.ids.uuid().into(),
            work,
            targets,
            pace,
            by: caller.name.clone(),
            reason: write.reason,
            created: self.clock.now(),
        };
        let request = Request { body, operation: Some(operation.id), notes, at: operation.created };
        for _ in 0..MAX_ROUNDS {
            let mut draft = Draft::default();
            draft.create(key::image_operation(operation.id), &operation).map_err(Error::internal)?;
            draft.create(key::request(&caller.name, &write.request_id), &request).map_err(Error::internal)?;
            match self.ledger.transact(draft.into()).await {
                Ok(Committed::At(_)) => return self.first_answer(request).await,
                // Whether it was committed shows in the request's own record.
                Ok(Committed::Lost) | Err(ledger::Error::Unknown(_)) => {
                    if let Some(seen) = self.seen(caller, &write.request_id, body).await? {
                        return self.first_answer(seen).await;
                    }
                }
                Err(error) => return Err(from_ledger(error)),
            }
        }
        Err(too_many_writers("the installation"))
    }

    async fn first_answer(&self, request: Request) -> Result<ImageAccepted, Error> {
        let Request { operation, notes, body: _, at: _ } = request;
        let parts = match operation {
            Some(id) => self.read_image_operation(id).await?,
            None => None,
        };
        let operation = parts.map(|parts| self.view_image_operation(parts));
        Ok(ImageAccepted { operation, plan: None, notes })
    }

    /// An Operation on registries with its parts, or `None`.
    pub(super) async fn read_image_operation(
        &self,
        id: OperationId,
    ) -> Result<Option<ImageOperationParts>, Error> {
        let entries = self.read_all(&key::image_operation(id)).await?;
        ImageOperationParts::read(&entries).map_err(Error::internal)
    }

    pub(super) fn view_image_operation(&self, parts: ImageOperationParts) -> ImageOperationView {
        let state = parts.state();
        let ImageOperationParts { operation, mut outcomes, end } = parts;
        let ImageOperation { id, work, targets, pace, by, reason, created } = operation;
        let targets = targets.into_iter().enumerate().map(|(place, ImageTarget { name, at })| {
            let outcome = outcomes.remove(&place).map(|Stored { value, .. }| value);
            let stands =
                outcome.as_ref().map_or(crate::record::ImageOutcomeState::Waiting, |outcome| outcome.state);
            // What was told before the end is no progress any more.
            let advance = self.live.carried(id, place).filter(|_| end.is_none() && !stands.is_final());
            let mut view = ImageTargetView {
                name,
                at,
                state: ImageTargetState::of(stands, state),
                reason: None,
                message: None,
                since: None,
                sent: None,
                tally: None,
                advance,
            };
            if let Some(outcome) = outcome {
                view.sent = stands.is_final().then_some(outcome.sent);
                view.reason = outcome.reason;
                view.message = outcome.message;
                view.since = Some(outcome.since);
                view.tally = outcome.tally;
            }
            view
        });
        let targets = targets.collect();
        let end = end.map(|end| end.value);
        ImageOperationView {
            id,
            work,
            pace,
            state,
            message: end.as_ref().and_then(|end| end.message.clone()),
            targets,
            by,
            reason,
            created,
            ended: end.map(|end| end.at),
        }
    }

    async fn prepare(&self, images: &Images, request: &ImageRequest) -> Result<Prepared, Error> {
        let dcs = self.read_dcs().await?;
        let dcs: BTreeSet<_> =
            dcs.into_values().filter(|dc| dc.value.state != DcState::Lost).map(|dc| dc.value.name).collect();
        let registries = &images.registries;
        let mut reader = Reader { registries, dcs: &dcs, faults: Vec::new() };
        match request {
            ImageRequest::Copy(CopyImage { image, to, tag, pace }) => {
                let subject = reader.subject("image", image);
                if let Some(Subject::Repository(home)) = &subject {
                    let remedy = format!(
                        "write {home}:TAG or {home}@sha256:DIGEST; `plimsoll image sync {home}` brings tags"
                    );
                    reader.fault("image", format!("{image:?} is a repository"), remedy);
                }
                let tag = reader.tag("tag", tag.as_deref());
                let pace = reader.pace(pace);
                let targets = subject
                    .as_ref()
                    .and_then(|subject| reader.targets("to", to, subject.home(), Reach::Elsewhere));
                let ((subject, pace), targets) = reader.check(subject.zip(pace).zip(targets))?;
                let home = subject.home().clone();
                let Pinned { digest, tag: named, notes } = pin(images, subject).await?;
                let tag = tag.or(named);
                let tag = match tag {
                    Some(tag) => tag,
                    None => Copy::keeps(&digest).parse().map_err(Error::internal)?,
                };
                let peers = peers(registries, &home);
                let work = ImageWork::CopyImage { image: image.clone(), digest, source: home, peers, tag };
                Ok(Prepared { work, targets, pace, notes })
            }
            ImageRequest::Sync(SyncImages { repository, to, tags, newest, pace }) => {
                let source = reader.repository("repository", repository);
                let choice = reader.choice(tags, *newest);
                let pace = reader.pace(pace);
                let targets =
                    source.as_ref().and_then(|home| reader.targets("to", to, home, Reach::Elsewhere));
                let read = source.zip(choice).zip(pace).zip(targets);
                let (((source, choice), pace), targets) = reader.check(read)?;
                Ok(Prepared {
                    work: ImageWork::SyncImages { source, choice },
                    targets,
                    pace,
                    notes: Vec::new(),
                })
            }
            ImageRequest::Verify(VerifyImages { subject: text, at, sample }) => {
                let subject = reader.subject("subject", text);
                let sample = reader.sample(sample.as_deref());
                let targets = subject
                    .as_ref()
                    .and_then(|subject| reader.targets("at", at, subject.home(), Reach::Anywhere));
                let (subject, targets) = reader.check(subject.zip(targets))?;
                let (digest, notes) = match subject {
                    Subject::Repository(_) => (None, Vec::new()),
                    subject => {
                        let Pinned { digest, tag: _, notes } = pin(images, subject).await?;
                        (Some(digest), notes)
                    }
                };
                let work = ImageWork::VerifyImages { subject: text.clone(), digest, sample };
                Ok(Prepared { work, targets, pace: image::ImagePace::default(), notes })
            }
        }
    }
}

/// Where what is named `home` may be, too: where data centers pull it from.
fn peers(registries: &Registries, home: &Home) -> Vec<Home> {
    let mut peers = Vec::new();
    for dc in registries.near().keys() {
        if let Ok(at) = registries.at(dc, home)
            && at != *home
            && !peers.contains(&at)
        {
            peers.push(at);
        }
    }
    peers
}

/// An image that is known by its digest.
struct Pinned {
    digest: Digest,
    tag: Option<image::Tag>,
    notes: Vec<String>,
}

/// What a subject is at this moment: its tag is asked for once.
async fn pin(images: &Images, subject: Subject) -> Result<Pinned, Error> {
    let tagged = match subject {
        Subject::Pinned { digest, tag, home: _ } => return Ok(Pinned { digest, tag, notes: Vec::new() }),
        Subject::Tagged(tagged) => tagged,
        Subject::Repository(home) => return Err(Error::internal(format!("{home} is no image"))),
    };
    match images.registry.resolve(&tagged.home, &tagged.tag).await {
        Ok(Some(resolved)) => {
            let digest = resolved.digest;
            let notes = vec![format!("{tagged} is {digest}, which is what is meant from now on")];
            Ok(Pinned { digest, tag: Some(tagged.tag), notes })
        }
        Ok(None) => Err(no_such_tag(&tagged)),
        Err(error) if error.kind == ErrorKind::NotFound => Err(no_such_tag(&tagged)),
        Err(error) => {
            let (kind, reason) = match error.kind {
                ErrorKind::Refused => (Kind::Refused, "REGISTRY_REFUSED"),
                _ => (Kind::Unavailable, "REGISTRY_UNAVAILABLE"),
            };
            let message = format!("what {tagged} points to is not known, so nothing was accepted: {error}");
            Err(Error::new(kind, reason, message).with_source(error))
        }
    }
}

fn no_such_tag(Tagged { home, tag }: &Tagged) -> Error {
    Error::new(Kind::NotFound, "IMAGE_NOT_FOUND", format!("{home} has no tag {tag}"))
}
