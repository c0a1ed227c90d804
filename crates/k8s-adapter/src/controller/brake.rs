//! Stopping, where too much is missing at once: see [`plimsoll_core::breaker`].
//!
//! While it is stopped nothing of any App is written but its status. The stop is kept in the data center itself
//! and holds until somebody takes it away there, which `plimsoll dc confirm` does.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use plimsoll_core::breaker::{Breaker, Cause, Deed, STOPPED};
use plimsoll_core::clock::Clock;
use plimsoll_core::cluster::{Error, Fatal, Finding};
use plimsoll_core::error::Chain;
use plimsoll_core::name::{AppRef, DcName, InstallationId};
use tokio::sync::Notify;

use super::Options;
use super::queue::Queue;
use super::world::World;
use crate::cluster::StopRecord;
use crate::reconcile::{Action, Desired, Observed};
use crate::render::Kind;
use crate::rest::Rest;

/// How often to look whether the stop was lifted, or to try again to keep it.
const ASKS: Duration = Duration::from_secs(2);

pub(super) struct Brake {
    rest: Rest,
    installation: InstallationId,
    dc: DcName,
    clock: Arc<dyn Clock>,
    world: Arc<World>,
    queue: Arc<Queue>,
    state: Mutex<State>,
    stopped: Notify,
}

#[derive(Default)]
struct State {
    breaker: Breaker,
    stop: Option<Stopped>,
    /// What was held back by the last stop, and is put back without being counted.
    held_back: HashSet<AppRef>,
}

#[derive(Clone)]
struct Stopped {
    cause: Cause,
    since: Timestamp,
    /// It is kept in the data center.
    is_kept: bool,
}

impl Brake {
    pub(super) fn new(rest: Rest, options: &Options, world: Arc<World>, queue: Arc<Queue>) -> Self {
        Self {
            rest,
            installation: options.installation.clone(),
            dc: options.dc.clone(),
            clock: options.clock.clone(),
            world,
            queue,
            state: Mutex::default(),
            stopped: Notify::new(),
        }
    }

    /// Reads whether it was stopped before. Until that is known nothing may be decided.
    pub(super) async fn load(&self) {
        loop {
            match self.record().read().await {
                Ok(None) => return,
                Ok(Some(stop)) => {
                    tracing::warn!(dc = %self.dc, why = %stop.cause, "stopped, since before this controller ran");
                    let stopped = Stopped { cause: stop.cause, since: stop.since, is_kept: true };
                    self.state().stop = Some(stopped);
                    self.stopped.notify_one();
                    return;
                }
                Err(error) => {
                    tracing::warn!(dc = %self.dc, error = %Chain(&error), "it is not known yet whether it is stopped");
                }
            }
            tokio::time::sleep(ASKS).await;
        }
    }

    /// Whether it is stopped, and nothing is to be written.
    pub(super) fn is_set(&self) -> bool {
        self.state().stop.is_some()
    }

    /// Asks before an action is done.
    ///
    /// # Errors
    /// Why it may not be done.
    pub(super) fn allow(
        &self,
        app: &AppRef,
        desired: &Desired,
        observed: &Observed,
        action: &Action,
    ) -> Result<(), Finding> {
        let apps = self.world.count();
        let mut state = self.state();
        if state.stop.is_none() {
            let counts = observed.was_done && !state.held_back.contains(app);
            let deed = deed(app, desired, observed, action).filter(|_| counts);
            let Some(deed) = deed else { return Ok(()) };
            let Err(loss) = state.breaker.count(deed, apps, self.clock.elapsed()) else { return Ok(()) };
            let cause = Cause::Loss(loss);
            tracing::error!(dc = %self.dc, why = %cause, "nothing more is written into the data center");
            state.stop = Some(Stopped { cause, since: self.clock.now(), is_kept: false });
            self.stopped.notify_one();
        }
        state.held_back.insert(app.clone());
        Err(self.finding(state.stop.as_ref()))
    }

    /// Notes that all of an App is written.
    pub(super) fn is_written(&self, app: &AppRef) {
        let mut state = self.state();
        if state.stop.is_none() {
            state.held_back.remove(app);
        }
    }

    /// Keeps a stop in the data center, and ends it when it is taken away there.
    pub(super) async fn run(&self) {
        loop {
            let stopped = self.state().stop.clone();
            match stopped {
                None => {
                    self.stopped.notified().await;
                    continue;
                }
                Some(Stopped { cause, since, is_kept: false }) => {
                    match self.record().keep(&self.dc, &cause, since).await {
                        Ok(_) => {
                            if let Some(stopped) = &mut self.state().stop {
                                stopped.is_kept = true;
                            }
                        }
                        Err(error) => self.not_yet(&error, "the stop could not be kept"),
                    }
                }
                Some(Stopped { is_kept: true, .. }) => match self.record().read().await {
                    Ok(Some(_)) => {}
                    Ok(None) => {
                        self.go_on();
                        continue;
                    }
                    Err(error) => self.not_yet(&error, "it is not known whether the stop was lifted"),
                },
            }
            tokio::time::sleep(ASKS).await;
        }
    }

    fn go_on(&self) {
        tracing::info!(dc = %self.dc, "the stop is lifted");
        {
            let mut state = self.state();
            state.stop = None;
            state.breaker.reset();
        }
        for app in self.world.apps() {
            self.world.remember(&app, |memory| memory.troubles.retain(|trouble| trouble.reason != STOPPED));
            self.queue.add(&app);
        }
    }

    fn not_yet(&self, error: &Error, what: &'static str) {
        tracing::warn!(dc = %self.dc, error = %Chain(error), "{what}");
    }

    fn finding(&self, stop: Option<&Stopped>) -> Finding {
        let dc = &self.dc;
        let why = stop.map(|stop| stop.cause.to_string()).unwrap_or_default();
        Finding {
            reason: STOPPED.to_owned(),
            message: format!(
                "nothing is written for this App in {dc} until an operator decides: {why}; `plimsoll dc confirm {dc}` \
                 goes on and puts back what is missing, `plimsoll dc refuse {dc}` leaves it as it is"
            ),
            fatal: Fatal::No,
        }
    }

    fn record(&self) -> StopRecord<'_> {
        StopRecord::new(&self.rest, &self.installation)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Every change leaves the state whole.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What is counted of an action on an Order that was carried out once. Config is not: what is missing of it is
/// no loss without the workload, and old config goes as housekeeping.
fn deed(app: &AppRef, desired: &Desired, observed: &Observed, action: &Action) -> Option<Deed> {
    match action {
        Action::Apply { object, uid: None, .. } if is_workload(object.kind) => {
            Some(Deed::made_again(object.kind.name(), app))
        }
        // What is of an earlier life, the Order lists to be deleted.
        Action::Delete { kind, uid, .. } if is_workload(*kind) && desired.rendering.is_some() => {
            let mut there = observed.objects.iter();
            let is_ours = there.any(|live| live.uid == *uid && live.app_uid == Some(desired.uid));
            is_ours.then(|| Deed::deleted(kind.name(), app))
        }
        _ => None,
    }
}

fn is_workload(kind: Kind) -> bool {
    matches!(kind, Kind::Deployment | Kind::Service)
}

#[cfg(test)]
mod tests;
