//! Looking out for a data center: what went missing there, whether it is who it should be, and stopping where
//! only an operator can tell what is right.
//!
//! A stop lies in the record of the data center, in the ledger. From the moment that it is decided nothing is
//! written into the data center, also while the ledger does not take it yet.

use std::collections::HashSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

use plimsoll_core::breaker::{Breaker, Cause, Deed, Guard as By, Stop};
use plimsoll_core::cluster;
use plimsoll_core::error::Chain;
use plimsoll_core::ledger::{Committed, Revision};
use plimsoll_core::name::{AppRef, InstallationId};
use plimsoll_core::record::{DataCenter, Draft, Stored, key};
use plimsoll_core::steer::{Scene, is_acknowledged};

use crate::desk::Desk;

/// What the visits to one data center share about its safety.
#[derive(Default)]
pub(crate) struct Guard {
    state: Mutex<State>,
    /// One at a time tells the ledger.
    telling: tokio::sync::Mutex<()>,
}

#[derive(Default)]
struct State {
    breaker: Breaker,
    /// Decided, and not in the ledger yet.
    untold: Option<Stop>,
    /// The ledger has it since this revision, and the mirror may not.
    told: Option<Revision>,
    /// What is put back because an operator confirmed, in the record of this revision.
    restoring: Option<(Revision, HashSet<AppRef>)>,
}

impl Guard {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether the data center may be written to.
pub(crate) enum Leave {
    /// It may.
    Granted,
    /// Not now; the record of the data center will say why.
    Denied,
}

impl Desk {
    /// The data center's record, as the mirror has it.
    pub(crate) fn record(&self) -> Option<Stored<DataCenter>> {
        self.mirror.dc(&self.dc)
    }

    /// Whether nothing may be written there, as far as this process knows.
    pub(crate) fn is_closed(&self) -> bool {
        self.leave().is_denied() || self.record().is_none_or(|dc| dc.value.closed().is_some())
    }

    /// Whether no stop was decided that the mirror does not show yet.
    fn leave(&self) -> Leave {
        let shown = self.record().map(|dc| dc.revision);
        let mut state = self.guard.state();
        if state.told.is_some_and(|told| shown.is_some_and(|shown| shown >= told)) {
            state.told = None;
        }
        if state.untold.is_some() || state.told.is_some() { Leave::Denied } else { Leave::Granted }
    }

    /// Asks before the Order of a scene is written: what was lost there is counted.
    pub(crate) async fn may_deliver(&self, app: &AppRef, scene: &Scene) -> Leave {
        if self.leave().is_denied() {
            self.tell().await;
            return Leave::Denied;
        }
        // The scene may be older than a stop that was told meanwhile.
        if self.is_closed() {
            return Leave::Denied;
        }
        if scene.dc.value.restoring.is_some() {
            let state = self.guard.state();
            if !matches!(&state.restoring, Some((begun, _)) if *begun == scene.dc.revision) {
                // First it is noted what was missing when that was confirmed.
                return Leave::Denied;
            }
        }
        if !self.is_lost(app, scene) {
            return Leave::Granted;
        }
        let counted = {
            let apps = self.mirror.count_apps(&self.dc);
            let now = self.clock.elapsed();
            let mut state = self.guard.state();
            if state.restoring.as_ref().is_some_and(|(_, apps)| apps.contains(app)) {
                return Leave::Granted;
            }
            state.breaker.count(Deed::made_again("App", app), apps, now)
        };
        match counted {
            Ok(()) => Leave::Granted,
            Err(loss) => {
                self.hold(Cause::Loss(loss)).await;
                Leave::Denied
            }
        }
    }

    /// Whether the data center had what it does not have now.
    fn is_lost(&self, app: &AppRef, scene: &Scene) -> bool {
        let Some(order) = &scene.order else { return false };
        if scene.resource.is_some() {
            return false;
        }
        let fence = order.value.fence(order.revision);
        order.value.release().is_some() && self.sights.gone(&self.dc, app) == Some(fence)
            || is_acknowledged(scene.order.as_ref(), scene.settled, scene.proven.as_ref())
    }

    /// Notes that the Order of an App was written, or could not be for reasons of its own.
    pub(crate) async fn put_back(&self, app: &AppRef) {
        let is_last = match &mut self.guard.state().restoring {
            Some((_, apps)) => apps.remove(app) && apps.is_empty(),
            None => false,
        };
        if is_last {
            self.end_restoring().await;
        }
    }

    /// Counts the definition of App resources, where it was made again.
    pub(crate) async fn made_definition(&self) {
        let was_used = self.mirror.orders(&self.dc).iter().any(|order| order.acknowledged);
        let is_restoring = self.record().is_some_and(|dc| dc.value.restoring.is_some());
        if !was_used || is_restoring {
            return;
        }
        let deed = Deed {
            kind: plimsoll_core::breaker::DeedKind::MadeAgain,
            object: "the definition of App resources".to_owned(),
        };
        let apps = self.mirror.count_apps(&self.dc);
        let counted = self.guard.state().breaker.count(deed, apps, self.clock.elapsed());
        if let Err(loss) = counted {
            self.hold(Cause::Loss(loss)).await;
        }
    }

    /// Stops, from now on and in the ledger.
    pub(crate) async fn hold(&self, cause: Cause) {
        self.hold_by(By::Worker, cause, self.clock.now()).await;
    }

    async fn hold_by(&self, by: By, cause: Cause, since: jiff::Timestamp) {
        {
            let mut state = self.guard.state();
            if state.untold.is_none() {
                tracing::error!(dc = %self.dc, why = %cause, "nothing more is written into the data center");
                state.untold = Some(Stop { by, cause, since });
            }
        }
        self.tell().await;
    }

    /// Tells the ledger what it does not know yet; whoever comes while another does returns at once.
    pub(crate) async fn tell(&self) {
        let Ok(_turn) = self.guard.telling.try_lock() else { return };
        let Some(stop) = self.guard.state().untold.clone() else { return };
        let Some(dc) = self.record() else { return };
        let Some(held) = dc.value.held(stop) else {
            self.guard.state().untold = None;
            return;
        };
        if let Some(revision) = self.rewrite(&dc, &held).await {
            let mut state = self.guard.state();
            state.untold = None;
            state.told = Some(revision);
        }
    }

    /// Writes the record of the data center, if it is still as it was seen.
    pub(crate) async fn rewrite(&self, before: &Stored<DataCenter>, after: &DataCenter) -> Option<Revision> {
        let mut draft = Draft::default();
        if let Err(error) = draft.replace(key::dc(&self.dc), before.revision, after) {
            tracing::error!(dc = %self.dc, %error, "a record has no JSON form");
            return None;
        }
        match self.ledger.transact(draft.into()).await {
            Ok(Committed::At(revision)) => Some(revision),
            Ok(Committed::Lost) => None,
            Err(error) => {
                tracing::warn!(dc = %self.dc, error = %Chain(&error), "the ledger did not take a write");
                None
            }
        }
    }

    /// Another cluster answers.
    pub(crate) async fn meet_other_cluster(&self, expected: String, found: String) {
        let cause = Cause::OtherCluster { expected, found };
        if let Some(dc) = self.record()
            && dc.value.held(Stop { by: By::Worker, cause: cause.clone(), since: self.clock.now() }).is_some()
        {
            self.hold(cause).await;
        }
    }

    /// Somebody else's resource bears the name of one of our Apps.
    pub(crate) async fn meet_foreigner(&self, app: &AppRef, installation: InstallationId) {
        if !self.mirror.order(&self.dc, app).is_some_and(|order| order.runs()) {
            return;
        }
        let cause = Cause::ForeignInstallation { app: app.clone(), installation };
        if let Some(dc) = self.record()
            && dc.value.held(Stop { by: By::Worker, cause: cause.clone(), since: self.clock.now() }).is_some()
        {
            self.hold(cause).await;
        }
    }

    /// Whether the record says already that the controller has stopped, or that its stop is to be lifted.
    pub(crate) fn is_stopped_by_controller(&self) -> bool {
        self.record().is_some_and(|dc| {
            let by_controller = |stop: &Stop| matches!(stop.by, By::Controller { .. });
            dc.value.restoring.is_some() || dc.value.stops.iter().any(by_controller)
        })
    }

    /// Takes notice of the stop that the controller keeps, if it keeps one: one that was confirmed is lifted,
    /// another holds the data center.
    pub(crate) async fn heed_controller(&self) -> Result<(), cluster::Error> {
        let (Some(dc), Some(installation)) = (self.record(), self.mirror.installation()) else {
            return Ok(());
        };
        let installation = &installation.value.id;
        let Some(Stop { by, cause, since }) = self.cluster.stop(installation).await? else { return Ok(()) };
        let By::Controller { kept } = &by else { return Ok(()) };
        if dc.value.restoring.as_ref().is_some_and(|restoring| restoring.lift.contains(kept)) {
            self.cluster.lift(installation, kept).await?;
            tracing::info!(dc = %self.dc, "the controller's stop is lifted");
        } else if dc.value.held(Stop { by: by.clone(), cause: cause.clone(), since }).is_some() {
            self.hold_by(by, cause, since).await;
        }
        Ok(())
    }

    /// Begins what an operator confirmed, unless it has begun: the controller's stops are lifted, and what is
    /// missing or older now is put back without being counted.
    pub(crate) async fn restore(&self) -> Result<(), cluster::Error> {
        let Some(dc) = self.record() else { return Ok(()) };
        if dc.value.restoring.is_none() || dc.value.closed().is_some() {
            self.guard.state().restoring = None;
            return Ok(());
        }
        if matches!(&self.guard.state().restoring, Some((begun, _)) if *begun == dc.revision) {
            return Ok(());
        }
        self.heed_controller().await?;
        let missing = self.missing();
        tracing::info!(dc = %self.dc, apps = missing.len(), "what was confirmed is put back");
        let is_empty = missing.is_empty();
        {
            let mut state = self.guard.state();
            state.breaker.reset();
            state.restoring = Some((dc.revision, missing));
        }
        if is_empty {
            self.end_restoring().await;
        }
        Ok(())
    }

    /// The Apps whose resource is not there, or older than ordered.
    fn missing(&self) -> HashSet<AppRef> {
        let orders = self.mirror.orders(&self.dc);
        let lacks = |app: &AppRef, fence| {
            self.sights.resource(&self.dc, app).is_none_or(|resource| resource.fence < fence)
        };
        orders
            .into_iter()
            .filter(|order| order.runs() && lacks(&order.app, order.fence))
            .map(|order| order.app)
            .collect()
    }

    async fn end_restoring(&self) {
        let Some(dc) = self.record() else { return };
        let begun = self.guard.state().restoring.as_ref().map(|(begun, _)| *begun);
        if begun == Some(dc.revision) && dc.value.restoring.is_some() {
            let done = DataCenter { restoring: None, ..dc.value.clone() };
            if self.rewrite(&dc, &done).await.is_none() {
                // The next look begins it anew, and finds nothing left to do.
                self.guard.state().restoring = None;
            }
        }
    }
}

impl Leave {
    pub(crate) fn is_denied(&self) -> bool {
        matches!(self, Self::Denied)
    }
}
