//! Pausing, resuming and aborting what runs.

use std::collections::BTreeMap;

use serde::Serialize;

use super::accept::check_match;
use super::reading::from_ledger;
use super::request::{MAX_ROUNDS, too_many_writers};
use super::{Mode, Plimsoll, Write};
use crate::caller::{Caller, Role};
use crate::digest::Digest;
use crate::error::{Error, Kind};
use crate::fold::OperationState;
use crate::ledger::{self, Committed, Compare};
use crate::name::{DcName, OperationId};
use crate::record::{
    App, Control, Draft, End, EndState, Kind as OperationKind, OperationParts, Order, Ordered, OutcomeState,
    Pace, Request, Stored, Track, Word, key,
};
use crate::view::{Accepted, Steered};

/// What a caller says about an Operation that runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
pub enum Steering {
    /// No further gate opens; what was sent goes on.
    Pause,
    /// It goes on after a pause, and what failed is tried again.
    Resume,
    /// It ends here; every data center stays as it is.
    Abort,
}

impl Plimsoll {
    /// Pauses, resumes or aborts an Operation; one on registries is for operators to abort, and knows neither of the
    /// others.
    ///
    /// # Errors
    /// `NotFound`; `Refused` where it has ended, or where there is nothing to pause or to resume, saying what it
    /// does instead; `Conflict` where `If-Match` names an App that has changed.
    pub async fn steer_operation(
        &self,
        caller: &Caller,
        id: OperationId,
        steering: Steering,
        write: Write,
    ) -> Result<Steered, Error> {
        caller.require(Role::Developer)?;
        if self.read_operation(id).await?.is_none() && self.read_image_operation(id).await?.is_some() {
            let accepted = self.steer_image_operation(caller, id, steering, write).await?;
            return Ok(Steered::Image(Box::new(accepted)));
        }
        let accepted = self.steer_app_operation(caller, id, steering, write).await?;
        Ok(Steered::App(Box::new(accepted)))
    }

    async fn steer_app_operation(
        &self,
        caller: &Caller,
        id: OperationId,
        steering: Steering,
        write: Write,
    ) -> Result<Accepted, Error> {
        let body = Digest::of(&(id, steering)).map_err(Error::internal)?;
        let app = self.parts(id).await?.operation.app;
        for _ in 0..MAX_ROUNDS {
            if let Some(answer) = self.seen_before(caller, &app, &write.request_id, body).await? {
                return Ok(answer);
            }
            let ground = Ground {
                parts: self.parts(id).await?,
                app: self.read_app(&app).await?,
                orders: self.read_orders(&app).await?,
                word: Word { by: caller.name.clone(), reason: write.reason.clone(), at: self.clock.now() },
            };
            check_match(&app, &write, ground.app.as_ref())?;
            let mut draft = Draft::default();
            let notes = ground.plan(steering, &mut draft)?;
            if write.mode == Mode::Validate {
                return Ok(Accepted { app, operation: None, sizes: Vec::new(), notes });
            }
            let request = Request { body, operation: Some(id), notes: notes.clone(), at: ground.word.at };
            let request_key = key::request(&caller.name, &write.request_id);
            draft.create(request_key, &request).map_err(Error::internal)?;
            match self.ledger.transact(draft.into()).await {
                Ok(Committed::At(_)) => {
                    let operation = Some(self.view_operation(id).await?);
                    return Ok(Accepted { app, operation, sizes: Vec::new(), notes });
                }
                Ok(Committed::Lost) | Err(ledger::Error::Unknown(_)) => {}
                Err(error) => return Err(from_ledger(error)),
            }
        }
        Err(too_many_writers(&app))
    }

    async fn parts(&self, id: OperationId) -> Result<OperationParts, Error> {
        self.read_operation(id).await?.ok_or_else(|| super::operations::no_such_operation(id))
    }
}

/// What is there when somebody says something about an Operation.
struct Ground {
    parts: OperationParts,
    app: Option<Stored<App>>,
    orders: BTreeMap<DcName, Stored<Order>>,
    word: Word,
}

impl Ground {
    /// Adds to `draft` what is to be written; answers what is worth knowing of it.
    fn plan(&self, steering: Steering, draft: &mut Draft) -> Result<Vec<String>, Error> {
        let operation = &self.parts.operation;
        if self.parts.end.is_some() {
            let (ended, state) = (self.name(), self.parts.standing().state);
            return Err(refused("OPERATION_ENDED", format!("{ended} has ended: {}", came_to(state))));
        }
        draft.requires(Compare::Absent(key::end(operation.id)));
        match steering {
            Steering::Pause => self.pause(draft),
            Steering::Resume => self.resume(draft),
            Steering::Abort => self.abort(draft),
        }
    }

    /// `the upgrade of demo/shop to release 2`.
    fn name(&self) -> String {
        let operation = &self.parts.operation;
        let (app, release) = (&operation.app, operation.release);
        match operation.kind {
            OperationKind::GoLive => format!("the go-live of {app}"),
            OperationKind::Upgrade => format!("the upgrade of {app} to release {release}"),
            OperationKind::Rollback => format!("the rollback of {app} as release {release}"),
            OperationKind::Scale => format!("the scaling of {app}"),
            OperationKind::Restart => format!("the restart of {app}"),
            OperationKind::Offline => format!("taking {app} offline"),
            OperationKind::Online => format!("bringing {app} online"),
            OperationKind::Delete => format!("the deletion of {app}"),
        }
    }

    fn pause(&self, draft: &mut Draft) -> Result<Vec<String>, Error> {
        let operation = &self.parts.operation;
        let mut control = self.parts.plain_control();
        if let Some(word) = &control.paused {
            let (name, who) = (self.name(), word.who_and_why());
            self.rely_on_control(draft);
            return Ok(vec![format!("{name} is paused already, by {who} at {}", word.at)]);
        }
        let (left, sent): (Vec<_>, Vec<_>) = self.parts.outcomes.iter().partition(|(_, outcome)| {
            matches!(outcome.value.state, OutcomeState::Waiting | OutcomeState::Owed)
        });
        if operation.pace == Pace::AtOnce || left.is_empty() {
            return Err(refused(
                "NOTHING_TO_PAUSE",
                format!(
                    "every data center has its order from {} already, so there is nothing left to pause; \
                     plimsoll rollback brings back what was there before",
                    self.name()
                ),
            ));
        }
        control.paused = Some(self.word.clone());
        self.write_control(draft, &control)?;
        let waits = format!("{}: no order until it is resumed", list(left.iter().map(|(dc, _)| *dc)));
        if sent.is_empty() {
            return Ok(vec![waits]);
        }
        let sent = list(sent.iter().map(|(dc, _)| *dc));
        Ok(vec![format!("{waits}; {sent}: what was sent goes on")])
    }

    fn resume(&self, draft: &mut Draft) -> Result<Vec<String>, Error> {
        let mut control = self.parts.plain_control();
        let failed: Vec<&DcName> = self
            .parts
            .outcomes
            .iter()
            .filter(|(_, outcome)| outcome.value.has_failed(&control))
            .map(|(dc, _)| dc)
            .collect();
        if control.paused.is_none() && failed.is_empty() {
            let standing = self.parts.standing();
            let name = self.name();
            return Err(refused(
                "NOTHING_TO_RESUME",
                match (standing.state, standing.message) {
                    (OperationState::Held, Some(why)) => {
                        format!("{name} is held for what nobody can resume: {why}")
                    }
                    _ => format!("{name} is neither paused nor held: it goes on"),
                },
            ));
        }
        let mut notes = Vec::new();
        if let Some(word) = control.paused.take() {
            notes.push(format!("it was paused by {}", word.who_and_why()));
        }
        if !failed.is_empty() {
            control.round += 1;
            notes.push(format!("{}: tried again, with the whole deadline", list(failed.iter().copied())));
        }
        control.resumed = Some(self.word.clone());
        self.write_control(draft, &control)?;
        Ok(notes)
    }

    fn abort(&self, draft: &mut Draft) -> Result<Vec<String>, Error> {
        let operation = &self.parts.operation;
        if operation.kind == OperationKind::Delete {
            return Err(refused(
                "NOT_ABORTABLE",
                format!(
                    "{} is ordered in every data center and cannot be called back; apply makes the app anew",
                    self.name()
                ),
            ));
        }
        // What is said of each data center is still so when this commits.
        for dc in self.parts.outcomes.keys() {
            let order_key = key::order(&operation.app, dc);
            match self.orders.get(dc) {
                Some(order) => draft.relies(order_key, order.revision),
                None => draft.requires(Compare::Absent(order_key)),
            }
        }
        let places = self.places();
        let message = format!("aborted by {}; {places}", self.word.who_and_why());
        let end = End { state: EndState::Aborted, message: Some(message), by: None, at: self.word.at };
        draft.put(key::end(operation.id), &end).map_err(Error::internal)?;
        let mut notes = vec![places];
        if operation.kind.track() == Track::Release {
            notes.push(format!(
                "release {} stays what {} aims at: publish again, or roll back",
                operation.release, operation.app
            ));
        }
        Ok(notes)
    }

    /// What runs where, those that are alike together.
    fn places(&self) -> String {
        let mut places: Vec<(String, Vec<&DcName>)> = Vec::new();
        for dc in self.parts.outcomes.keys() {
            let what = self.place(dc);
            match places.iter_mut().find(|(known, _)| *known == what) {
                Some((_, dcs)) => dcs.push(dc),
                None => places.push((what, vec![dc])),
            }
        }
        let places: Vec<String> =
            places.into_iter().map(|(what, dcs)| format!("{}: {what}", list(dcs.into_iter()))).collect();
        places.join("; ")
    }

    fn place(&self, dc: &DcName) -> String {
        let operation = &self.parts.operation;
        let order = self.orders.get(dc).filter(|order| order.value.uid == operation.uid);
        let Some(Ordered::Run { release, .. }) = order.map(|order| &order.value.ordered) else {
            return "nothing of it".to_owned();
        };
        let outcome = self.parts.outcomes.get(dc).map(|outcome| &outcome.value);
        let is_sent = operation.kind.track() != Track::Release || *release >= operation.release;
        match outcome.map(|outcome| outcome.state) {
            Some(OutcomeState::Waiting) => format!("still release {release}"),
            Some(OutcomeState::Owed | OutcomeState::Diverged) if !is_sent => {
                format!("still release {release}")
            }
            Some(OutcomeState::Healthy) => format!("release {release}"),
            Some(OutcomeState::Done) => format!("release {release}, without pods"),
            Some(OutcomeState::Owed) => format!("release {release}, on its return"),
            Some(OutcomeState::Diverged) => format!("changed locally; release {release} is ordered"),
            Some(
                OutcomeState::Sent
                | OutcomeState::Progressing
                | OutcomeState::Failed
                | OutcomeState::Superseded,
            )
            | None => {
                format!("release {release}, which is not healthy there")
            }
        }
    }

    fn rely_on_control(&self, draft: &mut Draft) {
        let control_key = key::control(self.parts.operation.id);
        match &self.parts.control {
            Some(control) => draft.relies(control_key, control.revision),
            None => draft.requires(Compare::Absent(control_key)),
        }
    }

    fn write_control(&self, draft: &mut Draft, control: &Control) -> Result<(), Error> {
        // What is said of the data centers may be old by a moment; a gate that opens meanwhile compares this key.
        self.rely_on_control(draft);
        draft.put(key::control(self.parts.operation.id), control).map_err(Error::internal)
    }
}

fn refused(reason: &'static str, message: String) -> Error {
    Error::new(Kind::Refused, reason, message)
}

fn came_to(state: OperationState) -> &'static str {
    match state {
        OperationState::Succeeded => "it succeeded",
        OperationState::SucceededOwing => "it succeeded, and owes some data centers what they miss",
        OperationState::Failed => "it failed",
        OperationState::RolledBack => "it failed and was rolled back",
        OperationState::Aborted => "it was aborted",
        OperationState::Superseded => "something newer took its place",
        OperationState::Running | OperationState::Paused | OperationState::Held => "it goes on",
    }
}

fn list<'a>(dcs: impl Iterator<Item = &'a DcName>) -> String {
    dcs.map(DcName::as_str).collect::<Vec<_>>().join(", ")
}
