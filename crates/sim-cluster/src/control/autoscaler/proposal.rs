//! How many replicas a metric asks for.

/// How far the use may be from its target before anything is done about it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Tolerance {
    pub(super) down: f64,
    pub(super) up: f64,
}

impl Tolerance {
    fn holds(self, ratio: f64) -> bool {
        1.0 - self.down <= ratio && ratio <= 1.0 + self.up
    }
}

/// What the use of a pod is to be, on average.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Aim {
    /// Percent of what it requests.
    Utilization(i64),
    /// In thousandths.
    Value(i64),
}

/// What a pod tells about the use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    /// What it uses, in thousandths, counts.
    Counts(i64),
    /// It starts: what it uses says nothing yet.
    Unready,
    /// Nothing is known of what it uses.
    Missing,
    /// It is on its way out.
    Leaving,
}

/// One pod: what it requests in thousandths, and what it tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Pod {
    pub(super) request: i64,
    pub(super) state: State,
}

/// What a metric asks for, and the use that it saw.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Proposal {
    pub(super) replicas: i64,
    /// Percent of the requests, for [`Aim::Utilization`].
    pub(super) utilization: Option<i64>,
    /// Of one pod, in thousandths.
    pub(super) average: i64,
}

/// The use of some pods beside what it is to be.
struct Seen {
    ratio: f64,
    utilization: Option<i64>,
    average: i64,
}

/// What the autoscaler makes of the pods: pods that it knows nothing of are taken to be at rest when it would
/// scale up, and busy when it would scale down, and never turn the direction.
pub(super) fn propose(
    pods: &[Pod],
    current: i64,
    aim: Aim,
    tolerance: Tolerance,
) -> Result<Proposal, &'static str> {
    let counted = |pod: &Pod| match pod.state {
        State::Counts(usage) => Some((usage, pod.request)),
        _ => None,
    };
    let mut metrics: Vec<(i64, i64)> = pods.iter().filter_map(counted).collect();
    if metrics.is_empty() {
        return Err("did not receive metrics for targeted pods (pods might be unready)");
    }
    let seen = see(&metrics, aim)?;
    let proposal = |replicas| Proposal { replicas, utilization: seen.utilization, average: seen.average };
    let of = |state: State| pods.iter().filter(move |pod| pod.state == state);
    let wakes = seen.ratio > 1.0 && of(State::Unready).next().is_some();
    if !wakes && of(State::Missing).next().is_none() {
        let kept = tolerance.holds(seen.ratio);
        return Ok(proposal(if kept { current } else { ceil(seen.ratio, metrics.len()) }));
    }
    if seen.ratio < 1.0 {
        metrics.extend(of(State::Missing).map(|pod| (busy(pod.request, aim), pod.request)));
    } else if seen.ratio > 1.0 {
        metrics.extend(of(State::Missing).map(|pod| (0, pod.request)));
    }
    if wakes {
        metrics.extend(of(State::Unready).map(|pod| (0, pod.request)));
    }
    let again = see(&metrics, aim)?.ratio;
    let turned = (seen.ratio < 1.0 && again > 1.0) || (seen.ratio > 1.0 && again < 1.0);
    if tolerance.holds(again) || turned {
        return Ok(proposal(current));
    }
    let replicas = ceil(again, metrics.len());
    let against = (again < 1.0 && replicas > current) || (again > 1.0 && replicas < current);
    Ok(proposal(if against { current } else { replicas }))
}

/// What a pod is taken to use of which nothing is known, when there would be fewer.
fn busy(request: i64, aim: Aim) -> i64 {
    match aim {
        Aim::Utilization(target) => request * target.max(100) / 100,
        Aim::Value(target) => target,
    }
}

#[expect(clippy::cast_precision_loss, reason = "the autoscaler reckons in floating point")]
fn see(metrics: &[(i64, i64)], aim: Aim) -> Result<Seen, &'static str> {
    let usage: i64 = metrics.iter().map(|(usage, _)| usage).sum();
    let requests: i64 = metrics.iter().map(|(_, request)| request).sum();
    let average = usage / i64::try_from(metrics.len()).unwrap_or(i64::MAX);
    match aim {
        Aim::Utilization(_) if requests == 0 => Err("no metrics returned matched known pods"),
        Aim::Utilization(target) => {
            let utilization = usage * 100 / requests;
            Ok(Seen { ratio: utilization as f64 / target as f64, utilization: Some(utilization), average })
        }
        Aim::Value(target) => Ok(Seen { ratio: average as f64 / target as f64, utilization: None, average }),
    }
}

#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    reason = "the autoscaler reckons in floating point, and there are fewer pods than would lose any"
)]
fn ceil(ratio: f64, pods: usize) -> i64 {
    (ratio * pods as f64).ceil() as i64
}

#[cfg(test)]
mod tests {
    use super::*;

    const TENTH: Tolerance = Tolerance { down: 0.1, up: 0.1 };

    fn pods(usages: &[State]) -> Vec<Pod> {
        usages.iter().map(|state| Pod { request: 100, state: *state }).collect()
    }

    fn replicas(states: &[State], target: i64) -> i64 {
        let current = i64::try_from(states.len()).unwrap();
        propose(&pods(states), current, Aim::Utilization(target), TENTH).unwrap().replicas
    }

    use State::{Counts, Leaving, Missing, Unready};

    #[test]
    fn twice_the_use_asks_for_twice_the_pods() {
        assert_eq!(replicas(&[Counts(160), Counts(160)], 80), 4);
        assert_eq!(replicas(&[Counts(20), Counts(20), Counts(20), Counts(20)], 80), 1);
        let value = propose(&pods(&[Counts(900), Counts(300)]), 2, Aim::Value(200), TENTH).unwrap();
        assert_eq!(value, Proposal { replicas: 6, utilization: None, average: 600 });
    }

    #[test]
    fn a_tenth_off_is_left_alone() {
        assert_eq!(replicas(&[Counts(88), Counts(88)], 80), 2);
        assert_eq!(replicas(&[Counts(72), Counts(72)], 80), 2);
        assert_eq!(replicas(&[Counts(90), Counts(90)], 80), 3);
    }

    #[test]
    fn a_pod_that_starts_is_at_rest_when_there_would_be_more_and_nobody_when_there_would_be_fewer() {
        // Alone, the first asks for three; the one that starts brings it to two.
        assert_eq!(replicas(&[Counts(200), Unready], 80), 3);
        assert_eq!(replicas(&[Counts(160), Unready], 80), 2);
        assert_eq!(replicas(&[Counts(20), Counts(20), Counts(20), Unready], 80), 1);
    }

    #[test]
    fn a_pod_without_metrics_is_busy_when_there_would_be_fewer_and_at_rest_when_there_would_be_more() {
        assert_eq!(replicas(&[Counts(20), Counts(20), Missing, Missing], 80), 3);
        assert_eq!(replicas(&[Counts(300), Missing], 80), 4);
        // It never turns the direction.
        assert_eq!(replicas(&[Counts(60), Missing, Missing, Missing], 80), 4);
    }

    #[test]
    fn a_pod_on_its_way_out_counts_for_nothing() {
        assert_eq!(replicas(&[Counts(160), Leaving], 80), 2);
        assert!(propose(&pods(&[Unready, Leaving]), 2, Aim::Utilization(80), TENTH).is_err());
    }

    #[test]
    fn utilization_of_pods_that_request_nothing_cannot_be_told() {
        let pods = [Pod { request: 0, state: Counts(5) }];
        assert!(propose(&pods, 1, Aim::Utilization(80), TENTH).is_err());
    }
}
