//! Ending work on registries before its time.

use super::super::control::Steering;
use super::super::operations::no_such_operation;
use super::super::reading::from_ledger;
use super::super::request::{MAX_ROUNDS, too_many_writers};
use super::super::{Mode, Plimsoll, Write};
use crate::caller::{Caller, Role};
use crate::digest::Digest;
use crate::error::{Error, Kind};
use crate::ledger::{self, Committed, Compare};
use crate::name::OperationId;
use crate::record::{Draft, End, EndState, ImageOperationParts, ImageOutcomeState, Request, Word, key};
use crate::view::ImageAccepted;

impl Plimsoll {
    /// Aborts work on registries. It knows no pause: what was sent is not sent again, so to end it and to begin it
    /// again costs nothing.
    pub(in super::super) async fn steer_image_operation(
        &self,
        caller: &Caller,
        id: OperationId,
        steering: Steering,
        write: Write,
    ) -> Result<ImageAccepted, Error> {
        caller.require(Role::Operator)?;
        let body = Digest::of(&(id, steering)).map_err(Error::internal)?;
        for _ in 0..MAX_ROUNDS {
            if let Some(seen) = self.seen(caller, &write.request_id, body).await? {
                return self.first_answer(seen).await;
            }
            let parts = self.read_image_operation(id).await?.ok_or_else(|| no_such_operation(id))?;
            let word = Word { by: caller.name.clone(), reason: write.reason.clone(), at: self.clock.now() };
            let notes = check(&parts, steering)?;
            if write.mode == Mode::Validate {
                return Ok(ImageAccepted { operation: None, plan: None, notes });
            }
            let mut draft = Draft::default();
            // What is said of the targets is still so when this commits.
            for (target, outcome) in &parts.outcomes {
                draft.relies(key::image_outcome(id, *target), outcome.revision);
            }
            for target in
                (0..parts.operation.targets.len()).filter(|place| !parts.outcomes.contains_key(place))
            {
                draft.requires(Compare::Absent(key::image_outcome(id, target)));
            }
            let message = Some(format!("aborted by {}; {}", word.who_and_why(), notes.join("; ")));
            let end = End { state: EndState::Aborted, message, by: None, at: word.at };
            draft.create(key::image_end(id), &end).map_err(Error::internal)?;
            let request = Request { body, operation: Some(id), notes, at: word.at };
            draft.create(key::request(&caller.name, &write.request_id), &request).map_err(Error::internal)?;
            match self.ledger.transact(draft.into()).await {
                Ok(Committed::At(_)) => return self.first_answer(request).await,
                Ok(Committed::Lost) | Err(ledger::Error::Unknown(_)) => {}
                Err(error) => return Err(from_ledger(error)),
            }
        }
        Err(too_many_writers("the operation"))
    }
}

/// What an abort leaves behind; an error where there is nothing to abort, or something else is asked.
fn check(parts: &ImageOperationParts, steering: Steering) -> Result<Vec<String>, Error> {
    let what = what(parts);
    if parts.end.is_some() {
        return Err(refused("OPERATION_ENDED", format!("{what} has ended")));
    }
    match steering {
        Steering::Abort => {}
        Steering::Pause => {
            let message = format!(
                "{what} knows no pause; abort it and begin it again: what was sent is not sent again"
            );
            return Err(refused("NOTHING_TO_PAUSE", message));
        }
        Steering::Resume => {
            let message = format!(
                "{what} goes on by itself; what failed is tried by beginning it again: what was sent is not sent again"
            );
            return Err(refused("NOTHING_TO_RESUME", message));
        }
    }
    let done = |wanted: bool| {
        let names = parts
            .operation
            .targets
            .iter()
            .enumerate()
            .filter(|(place, _)| (parts.state_at(*place) == ImageOutcomeState::Done) == wanted);
        names.map(|(_, target)| target.name.as_str()).collect::<Vec<_>>().join(", ")
    };
    let (done, open) = (done(true), done(false));
    let mut notes = Vec::new();
    if !done.is_empty() {
        notes.push(format!("{done}: done"));
    }
    if !open.is_empty() {
        notes.push(format!("{open}: not done; no tag points to what is not whole"));
    }
    Ok(notes)
}

/// `the copy of qa.example.com/shop/web:1.4`.
fn what(parts: &ImageOperationParts) -> String {
    use crate::record::ImageWork;
    let verb = match parts.operation.work {
        ImageWork::CopyImage { .. } => "copy",
        ImageWork::SyncImages { .. } => "sync",
        ImageWork::VerifyImages { .. } => "verification",
    };
    format!("the {verb} of {}", parts.operation.work.subject())
}

fn refused(reason: &'static str, message: String) -> Error {
    Error::new(Kind::Refused, reason, message)
}
