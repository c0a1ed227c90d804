//! The probes of a running container: when each looks next, what it finds, and what follows.
//!
//! A probe that goes on finding what it found is not asked again: it looks next when its answer changes.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::later;
use crate::object::integer;
use crate::script::{Answers, Behavior};
use crate::tree::Value;

/// A probe begins somewhere in its first period; here it is after this long, or the period if that is shorter.
const FIRST_LOOK: SignedDuration = SignedDuration::from_secs(1);

/// Being ready is asked as soon as it is seen that a container has started.
const FIRST_READINESS: SignedDuration = SignedDuration::from_millis(100);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Startup,
    Liveness,
    Readiness,
}

impl Kind {
    pub(super) fn field(self) -> &'static str {
        match self {
            Self::Startup => "startupProbe",
            Self::Liveness => "livenessProbe",
            Self::Readiness => "readinessProbe",
        }
    }

    fn word(self) -> &'static str {
        match self {
            Self::Startup => "Startup",
            Self::Liveness => "Liveness",
            Self::Readiness => "Readiness",
        }
    }
}

/// What the program behind the probes does, from one start on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Program {
    alive: Window,
    ready: Window,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Window {
    from: Timestamp,
    until: Timestamp,
    /// From the end of one to the end of the next.
    again: Option<SignedDuration>,
}

impl Window {
    fn of(answers: Answers, since: Timestamp) -> Self {
        Self {
            from: later(since, answers.from),
            until: answers.until.map_or(Timestamp::MAX, |end| later(since, end)),
            again: answers
                .pause
                .zip(answers.until)
                .and_then(|(pause, until)| (pause + until).try_into().ok()),
        }
    }

    /// The one that is, or that comes next at a moment.
    fn at(self, at: Timestamp) -> Self {
        let Some(again) = self.again.filter(|again| at >= self.until && !again.is_zero()) else {
            return self;
        };
        let rounds = at.duration_since(self.until).as_millis() / again.as_millis().max(1) + 1;
        let shift = i64::try_from(rounds * again.as_millis())
            .map_or(SignedDuration::MAX, SignedDuration::from_millis);
        Self { from: plus(self.from, shift), until: plus(self.until, shift), again: self.again }
    }

    fn has(self, at: Timestamp) -> bool {
        let Self { from, until, .. } = self.at(at);
        from <= at && at < until
    }
}

/// Why a probe fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    /// Nobody listens yet.
    Refused,
    /// Nobody answers any more.
    Silent,
    /// The program says that it is not ready.
    NotReady,
}

impl Program {
    pub(super) fn new(behavior: &Behavior, since: Timestamp) -> Self {
        Self { alive: Window::of(behavior.alive, since), ready: Window::of(behavior.ready, since) }
    }

    /// What it has come to stays, even where the clock has gone back since.
    pub(super) fn has_begun(&mut self, ready: bool) {
        self.alive.from = Timestamp::MIN;
        if ready {
            self.ready.from = Timestamp::MIN;
        }
    }

    fn fault(&self, kind: Kind, at: Timestamp) -> Option<Fault> {
        if at < self.alive.from {
            Some(Fault::Refused)
        } else if !self.alive.has(at) {
            Some(Fault::Silent)
        } else {
            (kind == Kind::Readiness && !self.ready.has(at)).then_some(Fault::NotReady)
        }
    }

    /// When the answer to a probe is another one than at `at`.
    fn change(&self, kind: Kind, at: Timestamp) -> Timestamp {
        let fails = |at| self.fault(kind, at).is_some();
        let windows = [self.alive.at(at), self.ready.at(at)];
        // The end of one may be the moment before the next begins.
        let next = windows.map(|window| window.at(window.until));
        let moments = windows.into_iter().chain(next).flat_map(|window| [window.from, window.until]);
        let changed = moments.filter(|moment| *moment > at && fails(*moment) != fails(at));
        changed.min().unwrap_or(Timestamp::MAX)
    }
}

/// One probe of one start of a container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Probe {
    pub(super) kind: Kind,
    /// What holds: `None` before a startup probe has come to anything.
    pub(super) verdict: Option<bool>,
    period: SignedDuration,
    next: Timestamp,
    /// What was found last, and how often in a row.
    streak: Option<(bool, i64)>,
}

/// What a look brought.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Look {
    /// What is told of a failure.
    pub(super) failure: Option<String>,
    /// Whether what holds is another verdict than before.
    pub(super) decided: bool,
}

impl Probe {
    /// The probe of this kind, if the container has one; it looks from `begin` on.
    pub(super) fn new(kind: Kind, spec: &Value, since: Timestamp, begin: Timestamp) -> Option<Self> {
        let probe = spec.get(kind.field())?;
        let delay = SignedDuration::from_secs(integer(probe, "/initialDelaySeconds").unwrap_or_default());
        let first = match kind {
            Kind::Readiness => plus(begin, FIRST_READINESS.min(period(probe))),
            Kind::Startup | Kind::Liveness => plus(begin, FIRST_LOOK.min(period(probe))),
        };
        let verdict = match kind {
            Kind::Startup => None,
            Kind::Liveness => Some(true),
            Kind::Readiness => Some(false),
        };
        // It keeps its step, and leaves out the looks that come too early.
        let step = period(probe).as_millis().max(1);
        let early = plus(since, delay).duration_since(first).as_millis().max(0);
        let steps = i64::try_from((early + step - 1) / step * step).unwrap_or(i64::MAX);
        let next = plus(first, SignedDuration::from_millis(steps));
        Some(Self { kind, verdict, period: period(probe), next, streak: None })
    }

    /// How often it looks.
    pub(super) fn period(&self) -> Duration {
        Duration::try_from(self.period).unwrap_or_default()
    }

    /// When it looks next and something may come of it.
    pub(super) fn due(&self, program: &Program) -> Timestamp {
        let settled = self.streak.is_some_and(|(good, _)| good && self.verdict == Some(good));
        let good = program.fault(self.kind, self.next).is_none();
        if !settled || !good {
            return self.next;
        }
        let change = program.change(self.kind, self.next);
        if change == Timestamp::MAX {
            return Timestamp::MAX;
        }
        let period = self.period.as_millis().max(1);
        let periods = (change.duration_since(self.next).as_millis() + period - 1) / period;
        let wait = i64::try_from(periods * period).map_or(SignedDuration::MAX, SignedDuration::from_millis);
        plus(self.next, wait)
    }

    /// Looks, at the moment that [`Probe::due`] named.
    pub(super) fn look(&mut self, spec: &Value, program: &Program, address: &str) -> Look {
        let at = self.due(program);
        let probe = &spec[self.kind.field()];
        let fault = program.fault(self.kind, at);
        let good = fault.is_none();
        let run = match self.streak {
            Some((before, run)) if before == good => run.saturating_add(1),
            _ => 1,
        };
        self.streak = Some((good, run));
        self.next = plus(at, self.period);
        let threshold = if good {
            integer(probe, "/successThreshold").unwrap_or(1)
        } else {
            integer(probe, "/failureThreshold").unwrap_or(3)
        };
        let decided = run >= threshold && self.verdict != Some(good);
        if decided {
            self.verdict = Some(good);
        }
        let failure = fault.map(|fault| {
            format!("{} probe failed: {}", self.kind.word(), sentence(probe, spec, fault, address))
        });
        Look { failure, decided }
    }

    /// What a restarted kubelet knows of it.
    pub(super) fn recall(&mut self, verdict: bool) {
        self.verdict = Some(verdict);
        self.streak = verdict.then_some((true, 1));
    }
}

fn sentence(probe: &Value, spec: &Value, fault: Fault, address: &str) -> String {
    let port = |pointer: &str| number(probe.pointer(pointer), spec);
    if let Some(get) = probe.get("httpGet") {
        let text = |field: &str| get.get(field).and_then(Value::as_str).unwrap_or_default();
        let (scheme, path) = (text("scheme").to_lowercase(), text("path"));
        let host = format!("{address}:{}", port("/httpGet/port"));
        let why = match fault {
            Fault::NotReady => return "HTTP probe failed with statuscode: 503".to_owned(),
            Fault::Refused => format!("dial tcp {host}: connect: connection refused"),
            Fault::Silent => {
                "context deadline exceeded (Client.Timeout exceeded while awaiting headers)".to_owned()
            }
        };
        return format!("Get \"{scheme}://{host}{path}\": {why}");
    }
    if probe.get("tcpSocket").is_some() {
        let host = format!("{address}:{}", port("/tcpSocket/port"));
        return match fault {
            Fault::Silent => format!("dial tcp {host}: i/o timeout"),
            Fault::Refused | Fault::NotReady => format!("dial tcp {host}: connect: connection refused"),
        };
    }
    let patience = integer(probe, "/timeoutSeconds").unwrap_or(1);
    if probe.get("grpc").is_some() {
        let host = format!("{address}:{}", port("/grpc/port"));
        return match fault {
            Fault::NotReady => "service unhealthy (responded with \"NOT_SERVING\")".to_owned(),
            Fault::Refused | Fault::Silent => format!(
                "timeout: failed to connect service \"{host}\" within {patience}s: context deadline exceeded"
            ),
        };
    }
    match fault {
        Fault::Silent => format!("command timed out after {patience}s"),
        // What the command wrote; this one writes nothing.
        Fault::Refused | Fault::NotReady => String::new(),
    }
}

/// A port by number or by name.
fn number(port: Option<&Value>, spec: &Value) -> i64 {
    let Some(name) = port.and_then(Value::as_str) else {
        return port.and_then(Value::as_i64).unwrap_or_default();
    };
    let named = crate::object::list(spec, "/ports").iter().find(|port| port["name"] == name);
    named.and_then(|port| integer(port, "/containerPort")).unwrap_or_default()
}

fn period(probe: &Value) -> SignedDuration {
    SignedDuration::from_secs(integer(probe, "/periodSeconds").unwrap_or(10).max(1))
}

fn plus(at: Timestamp, wait: SignedDuration) -> Timestamp {
    at.saturating_add(wait).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use crate::tree::{Value, json};
    use jiff::Timestamp;

    use super::{Kind, Probe, Program};
    use crate::script::Behavior;

    /// Looks until `count` verdicts have fallen; each with the second in which it fell.
    fn verdicts(kind: Kind, probe: &Value, behavior: &Behavior, count: usize) -> Vec<(i64, bool)> {
        let since = Timestamp::UNIX_EPOCH;
        let spec = json!({(kind.field()): probe});
        let program = Program::new(behavior, since);
        let mut probe = Probe::new(kind, &spec, since, since).unwrap();
        let mut found = Vec::new();
        while found.len() < count {
            let at = probe.due(&program);
            if at == Timestamp::MAX {
                break;
            }
            if probe.look(&spec, &program, "10.0.0.1").decided {
                found.push((at.as_second(), probe.verdict.unwrap()));
            }
        }
        found
    }

    const SEVEN: Duration = Duration::from_secs(7);

    #[test]
    fn a_container_is_ready_at_the_first_look_that_finds_it_so_often_enough() {
        let slow = Behavior::slow(SEVEN);
        let probe = json!({"initialDelaySeconds": 2, "periodSeconds": 3});
        assert_eq!(verdicts(Kind::Readiness, &probe, &slow, 2), [(9, true)]);
        let probe = json!({"periodSeconds": 1, "successThreshold": 3});
        assert_eq!(verdicts(Kind::Readiness, &probe, &slow, 2), [(9, true)]);
    }

    #[test]
    fn one_failure_below_the_threshold_decides_nothing() {
        let probe = json!({"periodSeconds": 1, "failureThreshold": 3});
        let answers = Behavior::unready_after(SEVEN);
        assert_eq!(verdicts(Kind::Readiness, &probe, &answers, 2), [(0, true), (9, false)]);
        let hangs = Behavior::hanging(SEVEN);
        assert_eq!(verdicts(Kind::Liveness, &probe, &hangs, 1), [(9, false)]);
        assert_eq!(verdicts(Kind::Liveness, &probe, &Behavior::never_ready(), 1), []);
        let patient = json!({"periodSeconds": 2, "failureThreshold": 30});
        let slow = Behavior::slow(SEVEN);
        assert_eq!(verdicts(Kind::Startup, &patient, &slow, 1), [(7, true)]);
        assert_eq!(verdicts(Kind::Startup, &probe, &slow, 1), [(3, false)]);
    }

    #[test]
    fn a_program_that_is_ready_on_and_off_is_found_so_in_turn() {
        let probe = json!({"periodSeconds": 1, "failureThreshold": 2});
        let flapping = Behavior::flapping(SEVEN, Duration::from_secs(5));
        let found = verdicts(Kind::Readiness, &probe, &flapping, 5);
        assert_eq!(found, [(5, true), (13, false), (17, true), (25, false), (29, true)]);
    }
}
