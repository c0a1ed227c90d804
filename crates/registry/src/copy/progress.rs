//! How far a copy has come at each target, and when it will be done.

use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::Instant;

use super::{Event, Meter, Plan};

/// Folds what a copy tells into how far it is.
#[derive(Debug)]
pub struct Progress {
    targets: Mutex<Vec<State>>,
    total: u64,
}

#[derive(Debug)]
struct State {
    meter: Meter,
    stage: Stage,
}

/// What a target is at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Its blobs are brought.
    Moving,
    /// No window of it is open; the next opens after so long.
    Paused(Duration),
    /// Everything is there and was looked at.
    Done,
}

/// How far one target is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reached {
    /// Bytes that are there.
    pub done: u64,
    /// Bytes of the image with all that belongs to it.
    pub total: u64,
    /// What it is at.
    pub stage: Stage,
    /// How long the rest takes at the rate of the last while, a pause included; unknown before anything moved.
    pub estimate: Option<Duration>,
}

impl Progress {
    /// Of a plan that is about to be run.
    pub fn new(plan: &Plan) -> Self {
        Self::of(plan.bytes(), plan.targets())
    }

    /// Of so many bytes that go to so many targets.
    pub(crate) fn of(total: u64, targets: usize) -> Self {
        let now = Instant::now();
        let state = |_| State { meter: Meter::new(total, now), stage: Stage::Moving };
        Self { targets: Mutex::new((0..targets).map(state).collect()), total }
    }

    /// Takes note of what a copy told.
    pub fn note(&self, event: &Event) {
        let now = Instant::now();
        let mut targets = self.targets.lock();
        let Some(State { meter, stage }) = targets.get_mut(event.target()) else { return };
        *stage = Stage::Moving;
        match event {
            Event::Skipped { bytes, .. } => meter.skipped(*bytes),
            Event::Moved { bytes, .. } => meter.moved(*bytes, now),
            Event::Again { bytes, .. } => meter.again(*bytes),
            Event::Paused { wait, .. } => *stage = Stage::Paused(*wait),
            Event::Arrived { .. } | Event::Stored { .. } => {}
            Event::Done { .. } => *stage = Stage::Done,
        }
    }

    /// How far each target is, in their order.
    pub fn reached(&self) -> Vec<Reached> {
        self.targets.lock().iter().map(|state| self.of_state(state)).collect()
    }

    /// How far one is.
    pub(crate) fn reached_at(&self, target: usize) -> Option<Reached> {
        self.targets.lock().get(target).map(|state| self.of_state(state))
    }

    fn of_state(&self, State { meter, stage }: &State) -> Reached {
        let now = Instant::now();
        let estimate = match stage {
            Stage::Moving => meter.estimate(now),
            Stage::Paused(wait) => meter.estimate(now).map(|rest| rest + *wait),
            Stage::Done => Some(Duration::ZERO),
        };
        let done = self.total - meter.left().min(self.total);
        Reached { done, total: self.total, stage: *stage, estimate }
    }
}
