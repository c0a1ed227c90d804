//! What is told of an App in a data center that does not answer: since when and why, what it is owed, and what
//! was seen there last.

use jiff::{Timestamp, Unit};

use crate::cluster::{Fatal, Fence, Finding};
use crate::live::Sight;
use crate::name::ReleaseNumber;
use crate::record::{App, Order};
use crate::view::Outage;

/// The reason of such a finding, as of an outcome that is owed for the same cause.
const UNREACHABLE: &str = "Unreachable";

/// Why nobody knows how `app` fares in a data center that is to have `order`, whose fence is `fence`.
pub(super) fn finding(
    outage: &Outage,
    app: &App,
    order: &Order,
    fence: Fence,
    sight: Option<&Sight>,
) -> Finding {
    let Outage { why, since } = outage;
    let owed = owed(app.head, order, fence, sight);
    Finding {
        reason: UNREACHABLE.to_owned(),
        message: format!("{why}, since {}; {owed}", to_the_second(*since)),
        fatal: Fatal::No,
    }
}

fn owed(head: ReleaseNumber, order: &Order, fence: Fence, sight: Option<&Sight>) -> String {
    let seen = match sight.map(|sight| sight.release) {
        None => "nothing of it was seen there since this server began".to_owned(),
        Some(None) => "its deletion was seen there last".to_owned(),
        Some(Some(release)) => format!("release {release} was seen there last"),
    };
    let is_there = sight.is_some_and(|sight| sight.fence == fence);
    match order.release() {
        None if is_there => format!("{seen}, and nothing is owed"),
        None => format!("its deletion is ordered and owed, and {seen}"),
        // The Order there moves when its gate opens, which takes a data center that answers.
        Some(release) if release != head => format!("release {head} is owed, and {seen}"),
        Some(release) if is_there => {
            format!(
                "release {release} is ordered and was there, nothing is owed; what is counted is as of then"
            )
        }
        Some(release) if sight.is_none() => {
            format!("release {release} is ordered, and {seen}, so what it has is not known")
        }
        Some(release) if sight.and_then(|sight| sight.release) == Some(release) => {
            format!("the newest order of release {release} is owed, and {seen}")
        }
        Some(release) => format!("release {release} is ordered and owed, and {seen}"),
    }
}

/// As people read it; a fraction of a second says nothing of an outage.
fn to_the_second(time: Timestamp) -> Timestamp {
    time.round(Unit::Second).unwrap_or(time)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::Power;
    use crate::digest::Digest;
    use crate::ledger::Revision;
    use crate::name::OperationId;
    use crate::record::Ordered;
    use crate::scale::Replication;

    fn mk_order(release: Option<u64>) -> Order {
        let id = uuid::Uuid::from_u128(1);
        let ordered = release.map_or(Ordered::Deleted, |release| Ordered::Run {
            release: mk_release(release),
            content: Digest::of_bytes(b"content"),
            power: Power::Online,
            replication: Replication::Fixed(3),
        });
        Order {
            uid: id.into(),
            epoch: 1,
            operation: OperationId::from(id),
            ordered,
            deleted: Vec::new(),
            restarts: std::collections::BTreeMap::new(),
            last_good: None,
            pulls: None,
        }
    }

    fn mk_release(number: u64) -> ReleaseNumber {
        ReleaseNumber::try_from(number).unwrap()
    }

    fn mk_fence(revision: u64) -> Fence {
        Fence { epoch: 1, revision: Revision(revision) }
    }

    #[test]
    fn what_is_owed_is_told_beside_what_was_seen_last() {
        let seen = |revision: u64, release: Option<u64>| {
            let release = release.map(mk_release);
            Some(Sight { fence: mk_fence(revision), release, local: None, status: None })
        };
        let fence = mk_fence(7);
        let told: Vec<String> = [
            ("all is there", 2, Some(2), seen(7, Some(2))),
            ("its gate never opened", 3, Some(2), seen(7, Some(2))),
            ("a release was ordered just before", 3, Some(3), seen(5, Some(2))),
            ("a scale was ordered", 2, Some(2), seen(5, Some(2))),
            ("the server has just begun", 2, Some(2), None),
            ("the server has just begun, and a newer is aimed at", 3, Some(2), None),
            ("a deletion", 2, None, seen(5, Some(2))),
            ("a deletion that was there", 2, None, seen(7, None)),
            ("it is made again after a deletion", 1, Some(1), seen(5, None)),
        ]
        .into_iter()
        .map(|(case, head, ordered, sight)| {
            format!("{case}: {}", owed(mk_release(head), &mk_order(ordered), fence, sight.as_ref()))
        })
        .collect();
        insta::assert_yaml_snapshot!(told);
    }

    #[test]
    fn a_time_is_told_to_the_second() {
        let time: Timestamp = "2026-11-23T06:52:32.71828Z".parse().unwrap();
        assert_eq!(to_the_second(time).to_string(), "2026-11-23T06:52:33Z");
    }
}
