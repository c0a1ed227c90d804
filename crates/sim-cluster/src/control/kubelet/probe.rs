//! When probes will succeed: a function of their timing and of the program.

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use crate::object::integer;
use crate::script::{Behavior, Readiness};

/// What the probes of a container will say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Outlook {
    /// When the startup probe succeeds; at once without one.
    pub(super) started: Option<Timestamp>,
    /// When the container is ready; as soon as it is started without a readiness probe.
    pub(super) ready: Option<Timestamp>,
    /// When the first readiness probe fails, if it does.
    pub(super) unready: Option<Timestamp>,
}

pub(super) fn outlook(spec: &Value, behavior: &Behavior, since: Timestamp) -> Outlook {
    let answers_at = match behavior.readiness {
        Readiness::After(time) => {
            SignedDuration::try_from(time).ok().and_then(|time| since.saturating_add(time).ok())
        }
        Readiness::Never => None,
    };
    let started_at = match spec.get("startupProbe") {
        None => Some(since),
        Some(probe) => answers_at.map(|answers| success(probe, since, answers)),
    };
    let (ready_at, unready_at) = match (spec.get("readinessProbe"), started_at) {
        (_, None) => (None, None),
        (None, Some(started)) => (Some(started), None),
        (Some(probe), Some(started)) => {
            let first = first_probe(probe, started.max(delayed(probe, since)), started);
            let ready = answers_at.map(|answers| success_after(probe, first, answers));
            let fails = answers_at.is_none_or(|answers| answers > first);
            (ready, fails.then_some(first))
        }
    };
    Outlook { started: started_at, ready: ready_at, unready: unready_at }
}

/// The message of a failed probe.
pub(super) fn failure(spec: &Value, probe: &str) -> String {
    let probe_spec = &spec[probe];
    let why = if probe_spec.get("httpGet").is_some() {
        "HTTP probe failed with statuscode: 503"
    } else if probe_spec.get("tcpSocket").is_some() {
        "dial tcp: connect: connection refused"
    } else if probe_spec.get("grpc").is_some() {
        "service unhealthy (responded with \"NOT_SERVING\")"
    } else {
        "command failed"
    };
    let word = if probe == "startupProbe" { "Startup" } else { "Readiness" };
    format!("{word} probe failed: {why}")
}

fn success(probe: &Value, since: Timestamp, answers: Timestamp) -> Timestamp {
    let first = first_probe(probe, delayed(probe, since), since);
    success_after(probe, first, answers)
}

/// Probes begin at their initial delay, and never before what they wait for.
fn first_probe(_probe: &Value, delayed: Timestamp, not_before: Timestamp) -> Timestamp {
    delayed.max(not_before)
}

fn delayed(probe: &Value, since: Timestamp) -> Timestamp {
    let delay = integer(probe, "/initialDelaySeconds").unwrap_or_default();
    since.saturating_add(SignedDuration::from_secs(delay)).unwrap_or(since)
}

/// The probe, of those every period from `first` on, by which the program has answered often enough.
fn success_after(probe: &Value, first: Timestamp, answers: Timestamp) -> Timestamp {
    let period = integer(probe, "/periodSeconds").unwrap_or(10).max(1);
    let missed = if answers <= first {
        0
    } else {
        let late = answers.duration_since(first).as_millis();
        i64::try_from((late + i128::from(period) * 1000 - 1) / (i128::from(period) * 1000))
            .unwrap_or(i64::MAX)
    };
    let more = integer(probe, "/successThreshold").unwrap_or(1).max(1) - 1;
    let wait = SignedDuration::from_secs(period.saturating_mul(missed.saturating_add(more)));
    first.saturating_add(wait).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use jiff::Timestamp;
    use serde_json::{Value, json};

    use super::outlook;
    use crate::script::Behavior;

    fn ready_after(spec: &Value, behavior: &Behavior) -> Option<i64> {
        let since = Timestamp::UNIX_EPOCH;
        outlook(spec, behavior, since).ready.map(|at| at.duration_since(since)).map(|wait| wait.as_secs())
    }

    #[test]
    fn a_container_is_ready_at_the_first_probe_that_finds_it_answering() {
        let slow = Behavior::slow(Duration::from_secs(7));
        let readiness = json!({"readinessProbe": {"initialDelaySeconds": 2, "periodSeconds": 3}});
        assert_eq!(ready_after(&readiness, &slow), Some(8));
        let startup = json!({
            "startupProbe": {"periodSeconds": 5},
            "readinessProbe": {"periodSeconds": 1, "successThreshold": 3},
        });
        assert_eq!(ready_after(&startup, &slow), Some(12));
        assert_eq!(ready_after(&json!({}), &slow), Some(0));
        assert_eq!(ready_after(&readiness, &Behavior::never_ready()), None);
    }
}
