//! Fenced health: a data center counts as good only on evidence that is tied to this very Order.

use crate::cluster::{Applied, Fatal, Fence, Finding, Power, Status};
use crate::live::Sight;
use crate::record::{Order, Ordered};
use crate::scale::Replication;

/// What the evidence says of an Order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing speaks of this Order yet: what is there is older, or unknown.
    Unseen,
    /// The data center works on it.
    Progressing(Option<Finding>),
    /// It cannot become healthy without another Order.
    Hopeless(Finding),
    /// As ordered, with pods.
    Healthy,
    /// As ordered, without pods.
    Done,
}

/// Judges `order`, whose fence is `fence`, by what is seen of it.
pub fn judge(order: &Order, fence: Fence, sight: Option<&Sight>) -> Verdict {
    let Some(status) = sight
        .filter(|sight| sight.fence == fence && sight.local.is_none())
        .and_then(|sight| sight.status.as_ref())
        .filter(|status| status.fence == fence)
    else {
        return Verdict::Unseen;
    };
    let there = match &order.ordered {
        Ordered::Deleted => (status.applied == Applied::Gone).then_some(Verdict::Done),
        Ordered::Run { replication, power, release: _, content: _ } => {
            let wanted = match power {
                Power::Online => replication,
                Power::Offline => &Replication::ZERO,
            };
            as_ordered(wanted, status)
        }
    };
    there.unwrap_or_else(|| {
        let finding = status.findings.first();
        match status.findings.iter().find(|finding| finding.fatal == Fatal::Yes) {
            Some(fatal) => Verdict::Hopeless(fatal.clone()),
            None => Verdict::Progressing(finding.cloned()),
        }
    })
}

fn as_ordered(wanted: &Replication, status: &Status) -> Option<Verdict> {
    let pods = &status.replicas;
    let settled = status.applied == Applied::Current && pods.old == 0 && pods.terminating == 0;
    if !settled {
        return None;
    }
    if wanted.at_most() == 0 {
        let none = pods.ordered == 0 && pods.updated == 0 && pods.ready == 0 && pods.available == 0;
        return none.then_some(Verdict::Done);
    }
    let bounds = wanted.at_least()..=wanted.at_most();
    let all = |count: u32| count == pods.ordered;
    (bounds.contains(&pods.ordered) && all(pods.updated) && all(pods.ready) && all(pods.available))
        .then_some(Verdict::Healthy)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::{Local, Replicas};
    use crate::digest::Digest;
    use crate::ledger::Revision;
    use crate::name::{OperationId, ReleaseNumber};
    use crate::scale::Autoscale;

    const FENCE: Fence = Fence { epoch: 1, revision: Revision(7) };

    fn mk_order(replication: Replication, power: Power) -> Order {
        let id = uuid::Uuid::from_u128(1);
        Order {
            uid: id.into(),
            epoch: 1,
            operation: OperationId::from(id),
            ordered: Ordered::Run {
                release: ReleaseNumber::FIRST,
                content: Digest::of_bytes(b"content"),
                power,
                replication,
            },
            deleted: Vec::new(),
            restarts: std::collections::BTreeMap::new(),
            last_good: None,
            pulls: None,
        }
    }

    fn mk_sight(replicas: Replicas, applied: Applied) -> Sight {
        let status = Status { fence: FENCE, replicas, applied, findings: Vec::new(), drift: Vec::new() };
        Sight { fence: FENCE, release: Some(ReleaseNumber::FIRST), local: None, status: Some(status) }
    }

    fn pods(ordered: u32, updated: u32, ready: u32, available: u32, old: u32, terminating: u32) -> Replicas {
        Replicas { ordered, updated, ready, available, old, terminating }
    }

    #[test]
    fn health_needs_every_count_to_be_what_was_ordered() {
        let fixed = mk_order(Replication::Fixed(3), Power::Online);
        let auto = Replication::Auto(Autoscale { min: 3, max: 6, cpu_percent: 50 });
        let auto = mk_order(auto, Power::Online);
        let going = Verdict::Progressing(None);
        for (order, counts, applied, verdict) in [
            (&fixed, pods(3, 3, 3, 3, 0, 0), Applied::Current, Verdict::Healthy),
            (&fixed, pods(3, 3, 3, 3, 0, 0), Applied::Pending, going.clone()),
            (&fixed, pods(3, 3, 3, 3, 1, 0), Applied::Current, going.clone()),
            (&fixed, pods(3, 3, 3, 3, 0, 1), Applied::Current, going.clone()),
            (&fixed, pods(3, 2, 3, 3, 0, 0), Applied::Current, going.clone()),
            (&fixed, pods(3, 3, 2, 3, 0, 0), Applied::Current, going.clone()),
            (&fixed, pods(3, 3, 3, 2, 0, 0), Applied::Current, going.clone()),
            // One too many is not what was ordered either.
            (&fixed, pods(3, 4, 3, 3, 0, 0), Applied::Current, going.clone()),
            (&fixed, pods(3, 3, 4, 3, 0, 0), Applied::Current, going.clone()),
            (&fixed, pods(3, 3, 3, 4, 0, 0), Applied::Current, going.clone()),
            (&fixed, pods(4, 4, 4, 4, 0, 0), Applied::Current, going.clone()),
            (&fixed, pods(2, 2, 2, 2, 0, 0), Applied::Current, going.clone()),
            (&fixed, pods(0, 0, 0, 0, 0, 0), Applied::Current, going.clone()),
            (&auto, pods(5, 5, 5, 5, 0, 0), Applied::Current, Verdict::Healthy),
            (&auto, pods(3, 3, 3, 3, 0, 0), Applied::Current, Verdict::Healthy),
            (&auto, pods(6, 6, 6, 6, 0, 0), Applied::Current, Verdict::Healthy),
            (&auto, pods(7, 7, 7, 7, 0, 0), Applied::Current, going.clone()),
            (&auto, pods(2, 2, 2, 2, 0, 0), Applied::Current, going.clone()),
        ] {
            assert_eq!(
                judge(order, FENCE, Some(&mk_sight(counts, applied))),
                verdict,
                "{counts:?} {applied:?}"
            );
        }
    }

    #[test]
    fn nothing_ordered_is_done_when_nothing_is_there() {
        for order in
            [mk_order(Replication::Fixed(3), Power::Offline), mk_order(Replication::Fixed(0), Power::Online)]
        {
            let none = mk_sight(pods(0, 0, 0, 0, 0, 0), Applied::Current);
            assert_eq!(judge(&order, FENCE, Some(&none)), Verdict::Done);
            for counts in [
                pods(3, 0, 0, 0, 0, 0),
                pods(0, 1, 0, 0, 0, 0),
                pods(0, 0, 1, 0, 0, 0),
                pods(0, 0, 0, 1, 0, 0),
                pods(0, 0, 0, 0, 1, 0),
                pods(0, 0, 0, 0, 0, 2),
            ] {
                let going = mk_sight(counts, Applied::Current);
                assert_eq!(judge(&order, FENCE, Some(&going)), Verdict::Progressing(None), "{counts:?}");
            }
            for applied in [Applied::Pending, Applied::Gone] {
                let unsettled = mk_sight(pods(0, 0, 0, 0, 0, 0), applied);
                assert_eq!(judge(&order, FENCE, Some(&unsettled)), Verdict::Progressing(None), "{applied:?}");
            }
        }
    }

    #[test]
    fn a_deletion_is_done_when_everything_is_gone_and_not_before() {
        let order = Order { ordered: Ordered::Deleted, ..mk_order(Replication::Fixed(3), Power::Online) };
        for (applied, expected) in [
            (Applied::Gone, Verdict::Done),
            (Applied::Pending, Verdict::Progressing(None)),
            (Applied::Current, Verdict::Progressing(None)),
        ] {
            let sight = mk_sight(pods(0, 0, 0, 0, 0, 0), applied);
            assert_eq!(judge(&order, FENCE, Some(&sight)), expected, "{applied:?}");
        }
    }

    #[test]
    fn what_is_fatal_counts_only_where_health_is_missing_and_before_what_is_not() {
        let finding = |fatal, message: &str| Finding {
            reason: "Reason".to_owned(),
            message: message.to_owned(),
            fatal,
        };
        let order = mk_order(Replication::Fixed(3), Power::Online);
        let mut sight = mk_sight(pods(3, 2, 2, 2, 0, 0), Applied::Current);
        let (slow, hopeless) = (finding(Fatal::No, "slow"), finding(Fatal::Yes, "no image"));
        let mut findings = |pods, list: &[&Finding]| {
            let status = sight.status.as_mut().unwrap();
            status.replicas = pods;
            status.findings = list.iter().map(|finding| (*finding).clone()).collect();
            judge(&order, FENCE, Some(&sight))
        };
        let (some, all) = (pods(3, 2, 2, 2, 0, 0), pods(3, 3, 3, 3, 0, 0));
        assert_eq!(findings(some, &[&slow]), Verdict::Progressing(Some(slow.clone())));
        assert_eq!(findings(some, &[&slow, &hopeless]), Verdict::Hopeless(hopeless.clone()));
        assert_eq!(findings(all, &[&slow, &hopeless]), Verdict::Healthy);
    }

    #[test]
    fn a_status_of_another_order_is_no_evidence() {
        let order = mk_order(Replication::Fixed(3), Power::Online);
        let newer = Fence { epoch: 1, revision: Revision(8) };
        let sight = mk_sight(pods(3, 3, 3, 3, 0, 0), Applied::Current);
        assert_eq!(judge(&order, newer, Some(&sight)), Verdict::Unseen);
        let put_but_not_seen = Sight { fence: newer, ..sight.clone() };
        assert_eq!(judge(&order, newer, Some(&put_but_not_seen)), Verdict::Unseen);
        assert_eq!(judge(&order, FENCE, None), Verdict::Unseen);
        // What the controller says it has done of an Order that is not in the data center is no evidence either.
        let mut seen_but_not_put = sight.clone();
        seen_but_not_put.status.as_mut().unwrap().fence = newer;
        assert_eq!(judge(&order, newer, Some(&seen_but_not_put)), Verdict::Unseen);
        let on_its_own = Sight { local: Some(Local::default()), ..sight };
        assert_eq!(judge(&order, FENCE, Some(&on_its_own)), Verdict::Unseen);
    }
}
