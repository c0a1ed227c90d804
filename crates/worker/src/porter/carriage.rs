//! One Operation on registries, from where it stands to its end.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use plimsoll_core::clock::Clock;
use plimsoll_core::error::Chain;
use plimsoll_core::image::{
    Advance, Carrier, Delivered, Error as ImageError, ErrorKind, Examination, Fan, Home, Mirroring, Step,
};
use plimsoll_core::ledger::{self, Committed, Compare, Ledger, Range, Revision};
use plimsoll_core::name::OperationId;
use plimsoll_core::record::{
    self, Draft, End, ImageOperation, ImageOperationParts, ImageOutcome, ImageOutcomeState, ImageWork,
    Stored, key,
};
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use tokio::task::JoinSet;

use super::AGAIN;
use crate::sights::Sights;

/// How often a target is tried in a row without anything coming of it.
const TRIES: u32 = 5;
/// The wait before the second of them; doubled for each further one.
const PAUSE: Duration = Duration::from_secs(1);

/// Why a sync left tags out at a target.
const TAGS_NOT_COPIED: &str = "TagsNotCopied";
/// Why a verification failed at a target.
const IMAGE_NOT_WHOLE: &str = "ImageNotWhole";
/// Why it is not known whether all is there.
const LIST_INCOMPLETE: &str = "ListIncomplete";

/// What is needed for one Operation.
pub(super) struct Carriage {
    pub(super) id: OperationId,
    pub(super) ledger: Arc<dyn Ledger>,
    pub(super) carrier: Arc<dyn Carrier>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) sights: Arc<Sights>,
}

/// Why an Operation has to be looked at anew.
#[derive(Debug, thiserror::Error)]
enum Error {
    #[error("the ledger did not do what it was asked")]
    Ledger(#[from] ledger::Error),
    #[error("a record cannot be read")]
    Record(#[from] record::Error),
    #[error("a record has no JSON form")]
    Form(#[from] serde_json::Error),
    /// Whoever aborted it, or another server that worked on it.
    #[error("somebody else wrote of it meanwhile")]
    Overtaken,
}

/// What a target came to in one try.
type Came = (usize, Result<Delivered, ImageError>);

/// What is shown of an Operation while somebody works on it goes with whoever does.
struct Shown<'a>(&'a Carriage);

impl Drop for Shown<'_> {
    fn drop(&mut self) {
        self.0.sights.forget_carried(self.0.id);
    }
}

impl Carriage {
    /// Works until it has ended.
    pub(super) async fn run(self) {
        self.sights.begin_carried(self.id);
        let shown = Shown(&self);
        loop {
            match self.attend().await {
                Ok(()) => break,
                Err(Error::Overtaken) => {}
                Err(error) => {
                    tracing::warn!(operation = %self.id, error = %Chain(&error), "work on registries waits");
                    tokio::time::sleep(AGAIN).await;
                }
            }
        }
        drop(shown);
    }

    async fn attend(&self) -> Result<(), Error> {
        let Some(mut parts) = self.read().await? else { return Ok(()) };
        if parts.end.is_some() {
            return Ok(());
        }
        let mut open: BTreeSet<usize> = parts.open().into_iter().collect();
        for place in &open {
            if parts.state_at(*place) == ImageOutcomeState::Waiting {
                self.write(&mut parts, *place, self.outcome(ImageOutcomeState::Running)).await?;
            }
        }
        let (came, mut coming) = unbounded_channel();
        // Ended with this call, whatever it stands at.
        let mut tries = JoinSet::new();
        self.begin(&mut tries, &parts.operation, open.iter().copied().collect(), Duration::ZERO, &came);
        let mut patience = Tried::default();
        while !open.is_empty() {
            // Each try tells of each of its targets once, so there are no more messages than targets.
            let Some((place, result)) = coming.recv().await else { return Ok(()) };
            while tries.try_join_next().is_some() {}
            let advance = self.sights.carried_last(self.id, place);
            if let Err(error) = &result
                && matches!(error.kind, ErrorKind::Unreachable | ErrorKind::Unsure)
                && let Some(pause) = patience.again(place, advance)
            {
                tracing::info!(operation = %self.id, target = place, %error, "a target is tried again");
                let outcome = ImageOutcome {
                    reason: Some(error.kind.reason().to_owned()),
                    message: Some(format!("{error}; it is tried again")),
                    ..self.outcome(ImageOutcomeState::Running)
                };
                let known = parts.outcomes.get(&place).and_then(|outcome| outcome.value.reason.as_ref());
                if known != outcome.reason.as_ref() {
                    self.write(&mut parts, place, outcome).await?;
                }
                self.begin(&mut tries, &parts.operation, vec![place], pause, &came);
                continue;
            }
            let outcome = self.judge(&parts.operation.work, result);
            self.write(&mut parts, place, outcome).await?;
            open.remove(&place);
        }
        self.end(parts).await
    }

    async fn read(&self) -> Result<Option<ImageOperationParts>, Error> {
        // An Operation and its parts are fewer than a page holds.
        let page = self.ledger.range(&Range::prefix(key::image_operation(self.id))).await?;
        Ok(ImageOperationParts::read(&page.entries)?)
    }

    fn outcome(&self, state: ImageOutcomeState) -> ImageOutcome {
        let since = self.clock.now();
        ImageOutcome { state, reason: None, message: None, since, sent: 0, tally: None }
    }

    /// Begins a try of these targets after a pause.
    fn begin(
        &self,
        tries: &mut JoinSet<()>,
        operation: &ImageOperation,
        places: Vec<usize>,
        pause: Duration,
        came: &UnboundedSender<Came>,
    ) {
        let at = |place: &usize| operation.targets.get(*place).map(|target| target.at.clone());
        let homes: Vec<Home> = places.iter().filter_map(at).collect();
        let pace = operation.pace.clone();
        match &operation.work {
            ImageWork::CopyImage { digest, source, peers, tag, image: _ } => {
                let (from, peers, tag) = (source.clone(), peers.clone(), tag.clone());
                let fan = Fan { digest: *digest, from, peers, to: homes, tag, pace };
                let (carrier, teller) = (self.carrier.clone(), self.teller(places, came));
                tries.spawn(async move {
                    tokio::time::sleep(pause).await;
                    let ended = carrier.copy(&fan, &|place, step| teller.tell(place, step)).await;
                    teller.end(ended);
                });
            }
            ImageWork::SyncImages { source, choice } => {
                let (source, choice) = (source.clone(), choice.clone());
                let mirroring = Mirroring { source, choice, to: homes, pace };
                let (carrier, teller) = (self.carrier.clone(), self.teller(places, came));
                tries.spawn(async move {
                    tokio::time::sleep(pause).await;
                    let ended = carrier.sync(&mirroring, &|place, step| teller.tell(place, step)).await;
                    teller.end(ended);
                });
            }
            ImageWork::VerifyImages { digest, sample, subject: _ } => {
                for (place, at) in places.into_iter().zip(homes) {
                    let examination = Examination { at, image: *digest, sample: *sample };
                    let (carrier, teller) = (self.carrier.clone(), self.teller(vec![place], came));
                    tries.spawn(async move {
                        tokio::time::sleep(pause).await;
                        let on = |advance: Advance| teller.tell(0, Step::Advanced(advance));
                        let looked = carrier.verify(&examination, &on).await;
                        teller.tell(0, Step::Ended(looked));
                    });
                }
            }
        }
    }

    fn teller(&self, places: Vec<usize>, came: &UnboundedSender<Came>) -> Teller {
        Teller {
            id: self.id,
            places,
            sights: self.sights.clone(),
            clock: self.clock.clone(),
            came: came.clone(),
        }
    }

    /// What a target came to.
    fn judge(&self, work: &ImageWork, result: Result<Delivered, ImageError>) -> ImageOutcome {
        let Delivered { sent, tally, trouble, incomplete } = match result {
            Ok(delivered) => delivered,
            Err(error) => {
                tracing::warn!(operation = %self.id, error = %Chain(&error), "work on a registry failed");
                return ImageOutcome {
                    reason: Some(error.kind.reason().to_owned()),
                    message: Some(error.to_string()),
                    ..self.outcome(ImageOutcomeState::Failed)
                };
            }
        };
        let (state, reason) = match (&trouble, &incomplete) {
            (Some(_), _) if matches!(work, ImageWork::VerifyImages { .. }) => {
                (ImageOutcomeState::Failed, Some(IMAGE_NOT_WHOLE))
            }
            (Some(_), _) => (ImageOutcomeState::Failed, Some(TAGS_NOT_COPIED)),
            (None, Some(_)) => (ImageOutcomeState::Incomplete, Some(LIST_INCOMPLETE)),
            (None, None) => (ImageOutcomeState::Done, None),
        };
        let message: Vec<String> = trouble.into_iter().chain(incomplete).collect();
        ImageOutcome {
            reason: reason.map(str::to_owned),
            message: (!message.is_empty()).then(|| message.join("; ")),
            sent,
            tally,
            ..self.outcome(state)
        }
    }

    /// Writes how it stands at a target, unless it ended or somebody else wrote of it.
    async fn write(
        &self,
        parts: &mut ImageOperationParts,
        place: usize,
        outcome: ImageOutcome,
    ) -> Result<(), Error> {
        let mut draft = Draft::default();
        let outcome_key = key::image_outcome(self.id, place);
        draft.requires(Compare::Absent(key::image_end(self.id)));
        match parts.outcomes.get(&place) {
            Some(Stored { revision, .. }) => draft.replace(outcome_key, *revision, &outcome)?,
            None => draft.create(outcome_key, &outcome)?,
        }
        let revision = self.commit(draft).await?;
        parts.outcomes.insert(place, Stored { value: outcome, revision });
        Ok(())
    }

    /// Ends it by what all targets came to.
    async fn end(&self, parts: ImageOperationParts) -> Result<(), Error> {
        let Some((state, message)) = parts.due() else { return Err(Error::Overtaken) };
        let mut draft = Draft::default();
        for (place, Stored { revision, .. }) in &parts.outcomes {
            draft.relies(key::image_outcome(self.id, *place), *revision);
        }
        let end = End { state, message, by: None, at: self.clock.now() };
        draft.create(key::image_end(self.id), &end)?;
        self.commit(draft).await?;
        tracing::info!(operation = %self.id, state = ?end.state, "work on registries has ended");
        Ok(())
    }

    async fn commit(&self, draft: Draft) -> Result<Revision, Error> {
        match self.ledger.transact(draft.into()).await? {
            Committed::At(revision) => Ok(revision),
            Committed::Lost => Err(Error::Overtaken),
        }
    }
}

/// How often targets were tried in a row without anything coming of it.
#[derive(Default)]
struct Tried(BTreeMap<usize, (u32, Option<Advance>)>);

impl Tried {
    /// How long to wait before a target is tried again; `None` where it is enough.
    fn again(&mut self, place: usize, advance: Option<Advance>) -> Option<Duration> {
        let (tries, before) = self.0.entry(place).or_default();
        let far = |advance: Option<Advance>| {
            advance.map_or((0, 0), |advance| {
                (advance.images.map_or(0, |images| images.done), advance.bytes.done)
            })
        };
        if far(advance) > far(*before) {
            *tries = 0;
            *before = advance;
        }
        *tries += 1;
        (*tries < TRIES).then(|| PAUSE * 2_u32.saturating_pow(*tries - 1))
    }
}

/// Tells of the targets of one try, which it knows by their places there.
struct Teller {
    id: OperationId,
    places: Vec<usize>,
    sights: Arc<Sights>,
    clock: Arc<dyn Clock>,
    came: UnboundedSender<Came>,
}

impl Teller {
    fn tell(&self, place: usize, step: Step) {
        let Some(place) = self.places.get(place).copied() else { return };
        match step {
            Step::Advanced(advance) => {
                self.sights.note_carried(self.id, place, advance, self.clock.elapsed());
            }
            // Nobody listens any more where the Operation is looked at anew.
            Step::Ended(result) => drop(self.came.send((place, result))),
        }
    }

    /// Tells of all targets what kept every one of them from being begun, if something did.
    fn end(&self, ended: Result<(), ImageError>) {
        let Err(error) = ended else { return };
        for place in &self.places {
            let error = ImageError::new(error.kind, &error.registry, error.message.clone());
            drop(self.came.send((*place, Err(error))));
        }
    }
}

#[cfg(test)]
mod tests {
    use plimsoll_core::image::Bytes;

    use super::*;

    #[test]
    fn a_target_is_given_up_after_as_many_tries_in_a_row_of_which_nothing_came() {
        let mut patience = Tried::default();
        let at = |done| Some(Advance { bytes: Bytes { done, total: 9 }, ..Advance::default() });
        let pauses: Vec<Option<u64>> = [None, None, at(1), at(1), at(1), at(1), at(1)]
            .into_iter()
            .map(|advance| patience.again(3, advance).map(|pause| pause.as_secs()))
            .collect();
        assert_eq!(pauses, [Some(1), Some(2), Some(1), Some(2), Some(4), Some(8), None]);
        assert_eq!(patience.again(4, None), Some(PAUSE));
    }
}
