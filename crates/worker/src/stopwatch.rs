//! How long outcomes have stood, by the monotonic clock of this process.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use plimsoll_core::clock::Clock;
use plimsoll_core::ledger::Revision;
use plimsoll_core::name::OperationId;
use plimsoll_core::steer::Stopwatch;

/// When this worker first saw each outcome as it stands; time before that counts for nothing.
pub(crate) struct Watches {
    clock: Arc<dyn Clock>,
    since: HashMap<OperationId, (Revision, Duration)>,
}

impl Watches {
    pub(crate) fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, since: HashMap::new() }
    }

    /// Notes that the outcome of `operation` stands at `revision`.
    pub(crate) fn note(&mut self, operation: OperationId, revision: Revision) {
        let now = self.clock.elapsed();
        let stands = self.since.entry(operation).or_insert((revision, now));
        if stands.0 != revision {
            *stands = (revision, now);
        }
    }

    /// Forgets everything: from now on somebody else measures.
    pub(crate) fn clear(&mut self) {
        self.since.clear();
    }

    /// Forgets all Operations but these.
    pub(crate) fn retain(&mut self, keep: impl Fn(&OperationId) -> bool) {
        self.since.retain(|operation, _| keep(operation));
    }
}

impl Stopwatch for Watches {
    fn stood(&self, operation: OperationId, revision: Revision) -> Duration {
        match self.since.get(&operation) {
            Some((seen, since)) if *seen == revision => self.clock.elapsed().saturating_sub(*since),
            _ => Duration::ZERO,
        }
    }
}
