//! Requests that were seen, and the writes that need nothing but this to be repeatable.

use async_trait::async_trait;
use serde::Serialize;

use super::reading::from_ledger;
use super::{Mode, Plimsoll, Write};
use crate::caller::Caller;
use crate::digest::Digest;
use crate::error::{Error, Kind};
use crate::ledger::{self, Committed};
use crate::name::RequestId;
use crate::record::{Draft, Request, key};

/// How often a plan is made anew because somebody else was faster, before the caller is told to try again.
/// Each round is lost only to a transaction that was accepted, so this bounds a crowd, not a wait.
pub(super) const MAX_ROUNDS: usize = 64;

/// Makes something that is there once, such as a Namespace: again under the same names, it changes nothing.
/// Its JSON form, with the verb, tells a repeat of a request from another one under the same id.
#[async_trait]
pub(super) trait Making: Serialize + Sync {
    const VERB: &'static str;
    type View: Send;

    /// Looks at what is there, refuses or adds to `draft` what is to be written, nothing where it is there
    /// already; answers what there is then.
    async fn plan(
        &self,
        plimsoll: &Plimsoll,
        caller: &Caller,
        draft: &mut Draft,
    ) -> Result<Self::View, Error>;
}

impl Plimsoll {
    /// Makes it, or finds it made: plans on what is there until the plan's transaction commits.
    pub(super) async fn make<M: Making>(
        &self,
        caller: &Caller,
        making: &M,
        write: &Write,
    ) -> Result<M::View, Error> {
        let body = Digest::of(&(M::VERB, making)).map_err(Error::internal)?;
        for _ in 0..MAX_ROUNDS {
            let seen = self.seen(caller, &write.request_id, body).await?;
            let mut draft = Draft::default();
            let view = making.plan(self, caller, &mut draft).await?;
            if seen.is_some() || write.mode == Mode::Validate {
                return Ok(view);
            }
            let request = Request { body, operation: None, notes: Vec::new(), at: self.clock.now() };
            draft.create(key::request(&caller.name, &write.request_id), &request).map_err(Error::internal)?;
            match self.ledger.transact(draft.into()).await {
                Ok(Committed::At(_)) => return Ok(view),
                // Whether it was committed shows in the request's own record, on the next round.
                Ok(Committed::Lost) | Err(ledger::Error::Unknown(_)) => {}
                Err(error) => return Err(from_ledger(error)),
            }
        }
        Err(too_many_writers("the installation"))
    }

    /// Remembers a request whose work was done elsewhere, so that its repeat within 24 hours does nothing. Where it is
    /// not remembered, a repeat finds the work done.
    pub(super) async fn remember(&self, caller: &Caller, write: &Write, body: Digest) -> Result<(), Error> {
        let request = Request { body, operation: None, notes: Vec::new(), at: self.clock.now() };
        let mut draft = Draft::default();
        draft.create(key::request(&caller.name, &write.request_id), &request).map_err(Error::internal)?;
        match self.ledger.transact(draft.into()).await {
            Ok(Committed::At(_) | Committed::Lost) | Err(ledger::Error::Unknown(_)) => Ok(()),
            Err(error) => Err(from_ledger(error)),
        }
    }

    /// The first request with this id, if there was one.
    ///
    /// # Errors
    /// `Refused` where that was another request.
    pub(super) async fn seen(
        &self,
        caller: &Caller,
        id: &RequestId,
        body: Digest,
    ) -> Result<Option<Request>, Error> {
        let Some(request) = self.read::<Request>(&key::request(&caller.name, id)).await? else {
            return Ok(None);
        };
        if request.value.body != body {
            return Err(Error::new(
                Kind::Refused,
                "REQUEST_ID_REUSED",
                format!("the request id {} was used for another request; make a new one", id.as_str()),
            ));
        }
        Ok(Some(request.value))
    }
}

pub(super) fn too_many_writers(what: impl std::fmt::Display) -> Error {
    Error::new(
        Kind::Unavailable,
        "TOO_MANY_WRITERS",
        format!("too many others change {what} at this moment; try again"),
    )
}
