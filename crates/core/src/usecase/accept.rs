//! Accepting: read the ground, decide, commit one transaction that compares all that was relied on.
//!
//! A transaction that lost its comparison is planned anew on the new ground. What the caller had seen
//! (`If-Match`) is checked on each ground, so whoever sent it learns who was faster instead of overwriting.

use std::collections::{BTreeMap, BTreeSet};
use std::iter;

use serde::Serialize;

use super::apply::Application;
use super::grades::Grades;
use super::reading::from_ledger;
use super::request::{MAX_ROUNDS, too_many_writers};
use super::scale::ScaleChange;
use super::{Mode, Plimsoll, Write};
use crate::caller::Caller;
use crate::cluster::Power;
use crate::content::Content;
use crate::digest::Digest;
use crate::error::{Error, Kind};
use crate::ledger::{self, Committed, Compare, Revision, Size, Transaction};
use crate::name::{AppRef, AppUid, DcName, OperationId, ReleaseNumber, RequestId};
use crate::order::{Before, Brings, order_for};
use crate::policy::PublishPolicy;
use crate::record::{
    App, DataCenter, DcState, Draft, End, EndState, HistoryEntry, Installation, Kind as OperationKind,
    Operation, OperationParts, Order, Ordered, Outcome, OutcomeState, Pace, Proven, Release, Request, Spent,
    Stored, Verdict, key,
};
use crate::view::{Accepted, ContainerSize};

/// Everything that the verbs on an App rely on, read at the beginning of a round.
pub(super) struct Ground {
    pub(super) installation: Stored<Installation>,
    pub(super) dcs: BTreeMap<DcName, Stored<DataCenter>>,
    pub(super) app: Option<Stored<App>>,
    pub(super) orders: BTreeMap<DcName, Stored<Order>>,
    /// The outcomes of the Operations that wrote those of the present Orders that remove something, each in its own
    /// data center.
    pub(super) settled: BTreeMap<DcName, OutcomeState>,
    /// What was good in each data center.
    pub(super) proven: BTreeMap<DcName, Stored<Proven>>,
    /// The uid that a new App will have.
    pub(super) uid: AppUid,
    /// The id that the Operation will have.
    pub(super) id: OperationId,
    pub(super) now: jiff::Timestamp,
}

/// Whether a plan is the first of its request, or follows one whose transaction was lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Round {
    /// What admission read is as fresh as anything.
    First,
    /// Somebody was faster: whatever was read before may have changed.
    Again,
}

/// What a verb decided.
pub(super) struct Plan {
    /// The App as it is to be; `None` removes it.
    pub(super) app: Option<App>,
    pub(super) release: Option<(Release, Content)>,
    /// What becomes known of an earlier Release.
    pub(super) verdict: Option<(ReleaseNumber, Verdict)>,
    pub(super) orders: BTreeMap<DcName, Order>,
    pub(super) operation: Option<Operation>,
    /// Operations that the new one takes the place of, if they still run.
    pub(super) supersedes: Vec<(OperationId, EndState)>,
    pub(super) notes: Vec<String>,
    /// The grades that its Release got its terms from.
    pub(super) grades: Option<Grades>,
    /// The content that its caller is told the sizes of.
    pub(super) sizes: Vec<ContainerSize>,
}

impl Plan {
    /// A plan that gives `app` this Operation and these Orders, and takes the place of the Operation that ran
    /// on its track.
    pub(super) fn new(mut app: App, operation: Operation, orders: BTreeMap<DcName, Order>) -> Self {
        let replaced = app.operations.insert(operation.kind.track(), operation.id);
        Self {
            app: Some(app),
            release: None,
            verdict: None,
            orders,
            operation: Some(operation),
            supersedes: replaced.map(|id| (id, EndState::Superseded)).into_iter().collect(),
            notes: Vec::new(),
            grades: None,
            sizes: Vec::new(),
        }
    }

    /// A plan that changes nothing and says why.
    pub(super) fn nothing(app: Option<App>, note: impl Into<String>) -> Self {
        Self {
            app,
            release: None,
            verdict: None,
            orders: BTreeMap::new(),
            operation: None,
            supersedes: Vec::new(),
            notes: vec![note.into()],
            grades: None,
            sizes: Vec::new(),
        }
    }
}

/// What a caller asks of an App. Its JSON form, with the App's name, tells a repeat of a request from
/// another one under the same id.
#[derive(Serialize)]
pub(super) enum Verb {
    Apply(Box<Application>),
    Rollback(Option<ReleaseNumber>),
    /// Of an Operation that failed, by the worker that saw it fail.
    RollbackOf(OperationId),
    Unpin,
    Scale(ScaleChange),
    Restart,
    Power(Power),
    Delete,
}

/// What a write is about.
pub(super) struct Subject<'a> {
    pub(super) app: &'a AppRef,
    pub(super) verb: &'a Verb,
    pub(super) write: &'a Write,
}

impl Subject<'_> {
    fn digest(&self) -> Result<Digest, Error> {
        if let Verb::Apply(application) = self.verb
            && let Some(digest) = application.digest(self.app)?
        {
            return Ok(digest);
        }
        Digest::of(&(self.app, self.verb)).map_err(Error::internal)
    }

    /// A rollback always wins, so what its caller had seen does not matter.
    fn heeds_match(&self) -> bool {
        !matches!(self.verb, Verb::Rollback(_) | Verb::RollbackOf(_))
    }
}

impl Plimsoll {
    pub(super) async fn ground(&self, app: &AppRef) -> Result<Ground, Error> {
        let installation = self.read_installation().await?;
        let dcs = self.read_dcs().await?;
        let stored = self.read_app(app).await?;
        let orders = self.read_orders(app).await?;
        let settled = self.settled(&orders).await?;
        let proven = self.read_proven(app).await?;
        Ok(Ground {
            installation,
            dcs,
            app: stored,
            orders,
            settled,
            proven,
            uid: self.ids.uuid().into(),
            id: self.ids.uuid().into(),
            now: self.clock.now(),
        })
    }

    /// How the Operations behind the Orders that remove something stand, each in its Order's data center: nothing else
    /// hangs on it. One Operation wrote them all, so its outcomes are read together.
    async fn settled(
        &self,
        orders: &BTreeMap<DcName, Stored<Order>>,
    ) -> Result<BTreeMap<DcName, OutcomeState>, Error> {
        let removes = |order: &&Stored<Order>| {
            order.value.ordered == Ordered::Deleted || !order.value.deleted.is_empty()
        };
        let wrote: BTreeSet<OperationId> =
            orders.values().filter(removes).map(|order| order.value.operation).collect();
        let mut settled = BTreeMap::new();
        for id in wrote {
            let mut outcomes = self.read_outcomes(id).await?;
            for (dc, _) in orders.iter().filter(|(_, order)| order.value.operation == id) {
                if let Some(outcome) = outcomes.remove(dc) {
                    settled.insert(dc.clone(), outcome.value.state);
                }
            }
        }
        Ok(settled)
    }

    /// Does `verb` with `app`: plans on the present ground until the plan's transaction commits.
    pub(super) async fn accept(
        &self,
        caller: &Caller,
        app: &AppRef,
        verb: &Verb,
        write: &Write,
    ) -> Result<Accepted, Error> {
        let subject = &Subject { app, verb, write };
        let body = subject.digest()?;
        for round in iter::once(Round::First).chain(iter::repeat(Round::Again)).take(MAX_ROUNDS) {
            if let Some(answer) = self.seen_before(caller, subject.app, &write.request_id, body).await? {
                return self.with_sizes(subject, answer).await;
            }
            let ground = self.ground(subject.app).await?;
            ledger_is_current(&ground.dcs)?;
            if subject.heeds_match() {
                check_match(subject.app, subject.write, ground.app.as_ref())?;
            }
            let plan = self.plan(caller, subject, &ground, round).await?;
            if matches!(subject.verb, Verb::Apply(_)) && plan.release.is_some() {
                self.has_room_for_a_release().await?;
            }
            if subject.write.mode == Mode::Validate {
                let Plan { notes, sizes, .. } = plan;
                return Ok(Accepted { app: subject.app.clone(), operation: None, sizes, notes });
            }
            let transaction = self.transaction(caller, subject, body, &ground, &plan).await?;
            match self.ledger.transact(transaction).await {
                Ok(Committed::At(revision)) => {
                    // As it was committed, which is known without a read.
                    let parts = plan.operation.map(|operation| ground.begun(operation, revision));
                    let operation = parts.map(|parts| self.view_parts(parts));
                    let (notes, sizes) = (plan.notes, plan.sizes);
                    return Ok(Accepted { app: subject.app.clone(), operation, sizes, notes });
                }
                // Whether it was committed shows in the request's own record, on the next round.
                Ok(Committed::Lost) | Err(ledger::Error::Unknown(_)) => {}
                Err(error) => return Err(from_ledger(error)),
            }
        }
        Err(too_many_writers(subject.app))
    }

    /// Refuses a publish while the rest of the ledger is kept for what cannot wait: what brings an App back or
    /// down is never refused for that.
    async fn has_room_for_a_release(&self) -> Result<(), Error> {
        let size = self.ledger.size().await.map_err(from_ledger)?;
        if !size.is_scarce() {
            return Ok(());
        }
        let Size { used, quota } = size;
        Err(Error::new(
            Kind::Refused,
            "LEDGER_SCARCE",
            format!(
                "the ledger holds {} of {} MiB, and from {} % on it takes no new release; rollback, scale, restart, \
                 offline, online and delete go on; an operator raises quota under [ledger] in plimsoll.toml, or \
                 deletes apps that are not needed",
                mebibytes(used),
                mebibytes(quota),
                Size::RESERVE_FROM
            ),
        )
        .with("usedBytes", used)
        .with("quotaBytes", quota))
    }

    /// What a verb comes to. Whatever it reads beyond the ground must hang on the App's record, which every
    /// transaction compares.
    async fn plan(
        &self,
        caller: &Caller,
        subject: &Subject<'_>,
        ground: &Ground,
        round: Round,
    ) -> Result<Plan, Error> {
        let Subject { app, verb, write } = subject;
        let reason = write.reason.as_deref();
        match verb {
            Verb::Apply(application) => self.plan_apply(caller, application, reason, ground, round).await,
            Verb::Rollback(to) => self.plan_rollback(caller, app, *to, reason, ground).await,
            Verb::RollbackOf(failed) => self.plan_rollback_of(caller, app, *failed, reason, ground).await,
            Verb::Unpin => ground.plan_unpin(caller, app),
            Verb::Scale(change) => self.plan_scale(caller, app, change, reason, ground).await,
            Verb::Restart => ground.plan_restart(caller, app, reason),
            Verb::Power(power) => self.plan_power(caller, app, *power, reason, ground).await,
            Verb::Delete => ground.plan_delete(caller, app, reason),
        }
    }

    /// The answer of the first request with this id, if there was one.
    pub(super) async fn seen_before(
        &self,
        caller: &Caller,
        app: &AppRef,
        request_id: &RequestId,
        body: Digest,
    ) -> Result<Option<Accepted>, Error> {
        let Some(request) = self.seen(caller, request_id, body).await? else {
            return Ok(None);
        };
        let operation = match request.operation {
            Some(id) => Some(self.view_operation(id).await?),
            None => None,
        };
        Ok(Some(Accepted { app: app.clone(), operation, sizes: Vec::new(), notes: request.notes }))
    }

    async fn transaction(
        &self,
        caller: &Caller,
        subject: &Subject<'_>,
        body: Digest,
        ground: &Ground,
        plan: &Plan,
    ) -> Result<Transaction, Error> {
        let mut draft = Draft::default();
        draft.relies(key::INSTALLATION, ground.installation.revision);
        for (dc, stored) in &ground.dcs {
            draft.relies(key::dc(dc), stored.revision);
        }
        if let Some(grades) = &plan.grades {
            draft.requires(grades.required());
        }
        let app_key = key::app(subject.app);
        match (&ground.app, &plan.app) {
            (Some(before), Some(after)) if before.value == *after && plan.operation.is_none() => {
                draft.relies(app_key, before.revision);
            }
            (Some(before), Some(after)) => {
                draft.replace(app_key, before.revision, after).map_err(Error::internal)?;
            }
            (Some(before), None) => draft.remove(app_key, before.revision),
            (None, Some(after)) => {
                draft.requires(Compare::Present(key::namespace(&subject.app.namespace)));
                draft.create(app_key, after).map_err(Error::internal)?;
            }
            (None, None) => draft.requires(Compare::Absent(app_key)),
        }
        if let (Some(app), Some((release, content))) = (&plan.app, &plan.release) {
            draft.create(key::release(app.uid, release.number), release).map_err(Error::internal)?;
            draft.put(key::content(app.uid, &release.content), content).map_err(Error::internal)?;
        }
        if let (Some(app), Some((number, verdict))) = (&plan.app, &plan.verdict) {
            draft.put(key::verdict(app.uid, *number), verdict).map_err(Error::internal)?;
        }
        // A gate that opens meanwhile writes an Order that this plan knows nothing of.
        let unordered =
            ground.dcs.keys().filter(|dc| !ground.orders.contains_key(*dc) && !plan.orders.contains_key(*dc));
        for dc in unordered {
            draft.requires(Compare::Absent(key::order(subject.app, dc)));
        }
        for (dc, order) in &plan.orders {
            let order_key = key::order(subject.app, dc);
            match ground.orders.get(dc) {
                Some(before) => draft.replace(order_key, before.revision, order).map_err(Error::internal)?,
                None => draft.create(order_key, order).map_err(Error::internal)?,
            }
            let proven_key = key::proven(subject.app, dc);
            match ground.proven.get(dc) {
                Some(proven) if plan.app.is_none() => draft.remove(proven_key, proven.revision),
                Some(proven) => draft.relies(proven_key, proven.revision),
                None => draft.requires(Compare::Absent(proven_key)),
            }
        }
        if let Some(operation) = &plan.operation {
            draft.create(key::operation(operation.id), operation).map_err(Error::internal)?;
            draft
                .create(key::history_entry(subject.app, operation.id), &HistoryEntry { kind: operation.kind })
                .map_err(Error::internal)?;
            for dc in &operation.dcs {
                draft
                    .create(key::outcome(operation.id, dc), &ground.first_outcome(operation, dc))
                    .map_err(Error::internal)?;
            }
        }
        for (id, state) in &plan.supersedes {
            let end_key = key::end(*id);
            if self.ledger.get(&end_key).await.map_err(from_ledger)?.is_none() {
                let by = plan.operation.as_ref().map(|operation| operation.id);
                draft
                    .create(end_key, &End { state: *state, message: None, by, at: ground.now })
                    .map_err(Error::internal)?;
            }
        }
        let request = Request {
            body,
            operation: plan.operation.as_ref().map(|operation| operation.id),
            notes: plan.notes.clone(),
            at: ground.now,
        };
        draft
            .create(key::request(&caller.name, &subject.write.request_id), &request)
            .map_err(Error::internal)?;
        Ok(draft.into())
    }
}

fn mebibytes(bytes: u64) -> u64 {
    bytes.div_ceil(1024 * 1024)
}

/// Refuses who has seen another App than the one that is there.
pub(super) fn check_match(app: &AppRef, write: &Write, there: Option<&Stored<App>>) -> Result<(), Error> {
    let Some(expected) = write.if_match else {
        return Ok(());
    };
    match there {
        Some(there) if there.revision == expected.0 => Ok(()),
        Some(there) => Err(Error::new(
            Kind::Conflict,
            "APP_CHANGED",
            format!(
                "{} changed {app} at {}, after you looked; look again and decide anew",
                there.value.changed_by, there.value.changed
            ),
        )
        .with("changedBy", &there.value.changed_by)
        .with("changedAt", there.value.changed)
        .with("etag", crate::view::Etag(there.revision))),
        None => Err(Error::new(
            Kind::Conflict,
            "APP_CHANGED",
            format!("{app} is not there any more; somebody deleted it after you looked"),
        )),
    }
}

/// Refuses everything while a data center knows of Orders that this ledger does not: what would be accepted now
/// would be lost, or undo them.
pub(super) fn ledger_is_current(dcs: &BTreeMap<DcName, Stored<DataCenter>>) -> Result<(), Error> {
    let ahead = dcs.iter().find_map(|(dc, stored)| Some((dc, stored.value.ahead.as_ref()?)));
    ahead.map_or(Ok(()), |(dc, ahead)| {
        Err(Error::new(Kind::Refused, "LEDGER_BEHIND", ahead.sentence(dc)).with("dc", dc))
    })
}

impl Ground {
    /// How an Operation begins in a data center: sent, where its Order is written with it; owed, where nothing may
    /// be written, for the reason that holds it.
    fn first_outcome(&self, operation: &Operation, dc: &DcName) -> Outcome {
        let held = self.dcs.get(dc).and_then(|dc| dc.value.closed());
        let state = match (&held, operation.pace) {
            (Some(_), _) => OutcomeState::Owed,
            (None, Pace::Gated) => OutcomeState::Waiting,
            (None, Pace::AtOnce) => OutcomeState::Sent,
        };
        let reason = held.as_ref().map(|_| crate::steer::HELD.to_owned());
        let since = self.now;
        Outcome { state, reason, message: held, since, order: None, spent: Spent::default(), round: 0 }
    }

    /// An Operation as the transaction of that revision began it.
    fn begun(&self, operation: Operation, revision: Revision) -> OperationParts {
        let begin = |dc: &DcName| {
            let value = self.first_outcome(&operation, dc);
            (dc.clone(), Stored { value, revision })
        };
        let outcomes = operation.dcs.iter().map(begin).collect();
        OperationParts { outcomes, ..OperationParts::new(operation) }
    }

    /// The Order before, for [`order_for`].
    pub(super) fn before(&self, dc: &DcName) -> Option<Before<'_>> {
        let order = self.orders.get(dc)?;
        Some(Before {
            order: &order.value,
            settled: self.settled.get(dc).copied(),
            proven: self.proven.get(dc).map(|proven| &proven.value),
        })
    }

    /// The App, which the verb needs to be there.
    pub(super) fn existing(&self, app: &AppRef) -> Result<&App, Error> {
        self.app.as_ref().map(|app| &app.value).ok_or_else(|| super::reading::no_such_app(app))
    }

    /// The data centers that are counted: all that are not declared lost.
    pub(super) fn counted(&self) -> Vec<DcName> {
        self.dcs
            .values()
            .filter(|dc| dc.value.state != DcState::Lost)
            .map(|dc| dc.value.name.clone())
            .collect()
    }

    /// New Orders everywhere an Order of this life is, each with the Release that it had: what scale, restart,
    /// offline and online write.
    pub(super) fn reordered(&self, app: &App) -> BTreeMap<DcName, Order> {
        let mut orders = BTreeMap::new();
        for (dc, stored) in &self.orders {
            if stored.value.uid != app.uid || !self.dcs.contains_key(dc) {
                continue;
            }
            if let Ordered::Run { release, content, .. } = stored.value.ordered {
                let epoch = self.installation.value.epoch;
                let brings = Brings { release, content, pulls: stored.value.pulls.clone() };
                orders.insert(dc.clone(), order_for(app, dc, brings, self.before(dc), epoch, self.id));
            }
        }
        orders
    }

    /// An Operation on an App that stays at its Release, in all the data centers that get an Order.
    pub(super) fn operation(
        &self,
        caller: &Caller,
        kind: OperationKind,
        app: &App,
        orders: &BTreeMap<DcName, Order>,
        reason: Option<&str>,
    ) -> Operation {
        Operation {
            id: self.id,
            kind,
            app: app.app.clone(),
            uid: app.uid,
            release: app.head,
            from: None,
            fallback: None,
            pace: Pace::AtOnce,
            policy: PublishPolicy::default(),
            dcs: orders.keys().cloned().collect(),
            by: caller.name.clone(),
            reason: reason.map(str::to_owned),
            created: self.now,
        }
    }

    /// The App with a mark of who changed its aim.
    pub(super) fn touched(&self, app: &App, caller: &Caller) -> App {
        App { changed_by: caller.name.clone(), changed: self.now, ..app.clone() }
    }
}
