//! One start of a container: its probes, and how it ends by itself.

use std::time::Duration;

use jiff::Timestamp;

use super::container::RESYNC;
use super::later;
use super::probe::{Kind, Look, Probe, Program};
use crate::script::{Behavior, End, Exit};
use crate::tree::Value;

/// How long even one that ends at once is seen to run.
const SEEN: Duration = Duration::from_millis(100);

/// A running container, with its probes.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Running {
    pub(super) since: Timestamp,
    program: Program,
    startup: Option<Probe>,
    liveness: Option<Probe>,
    readiness: Option<Probe>,
    /// Whether its startup probe has succeeded, or it has none.
    pub(super) started: bool,
    /// When it has filled its volumes.
    pub(super) fills_at: Option<Timestamp>,
    /// When and how it ends without being told to.
    pub(super) exit: Option<(Timestamp, End)>,
}

impl Running {
    /// What a start at `since` brings.
    pub(super) fn new(spec: &Value, behavior: &Behavior, exit: Option<Exit>, since: Timestamp) -> Self {
        let mut running = Self {
            since,
            program: Program::new(behavior, since),
            started: false,
            startup: Probe::new(Kind::Startup, spec, since, since),
            liveness: None,
            readiness: None,
            fills_at: behavior.fills.map(|after| later(since, after)),
            exit: exit.map(|exit| (later(since, exit.after.max(SEEN)), exit.end)),
        };
        if running.startup.is_none() {
            running.start(spec, since);
        }
        running
    }

    /// One that was found running.
    pub(super) fn recall(&mut self, spec: &Value, ready: bool, now: Timestamp) {
        self.program.has_begun(ready);
        self.start(spec, now);
        if let Some(probe) = &mut self.readiness {
            probe.recall(ready);
        }
    }

    pub(super) fn is_ready(&self) -> bool {
        self.started && self.readiness.as_ref().is_none_or(|probe| probe.verdict == Some(true))
    }

    /// How soon the kubelet looks at the pod after its end: a readiness probe that fails now and did not before
    /// makes it look.
    pub(super) fn noticed(&self) -> Duration {
        let probe = self.readiness.as_ref().filter(|probe| probe.verdict == Some(true));
        probe.map_or(RESYNC, Probe::period)
    }

    /// From here on it counts as started, and is asked whether it lives and is ready.
    pub(super) fn start(&mut self, spec: &Value, at: Timestamp) {
        self.started = true;
        self.liveness = Probe::new(Kind::Liveness, spec, self.since, at);
        self.readiness = Probe::new(Kind::Readiness, spec, self.since, at);
    }

    /// The probes that look now.
    fn probes(&mut self) -> impl Iterator<Item = &mut Probe> {
        let startup = self.startup.as_mut().filter(|_| !self.started);
        [startup, self.liveness.as_mut(), self.readiness.as_mut()].into_iter().flatten()
    }

    pub(super) fn due(&self) -> Timestamp {
        let startup = self.startup.as_ref().filter(|_| !self.started);
        let probes = [startup, self.liveness.as_ref(), self.readiness.as_ref()].into_iter().flatten();
        let looks = probes.map(|probe| probe.due(&self.program));
        looks.chain(self.exit.map(|(at, _)| at)).min().unwrap_or(Timestamp::MAX)
    }

    /// Lets the probe look that is due.
    pub(super) fn look(&mut self, spec: &Value, due: Timestamp, address: &str) -> Option<(Look, Kind)> {
        let program = self.program;
        let probe = self.probes().find(|probe| probe.due(&program) <= due)?;
        Some((probe.look(spec, &program, address), probe.kind))
    }
}
