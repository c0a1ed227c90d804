//! Making the next Order of an App for a data center out of the one before: a pure function.

use std::collections::BTreeMap;

use crate::digest::Digest;
use crate::name::{DcName, OperationId, ReleaseNumber};
use crate::record::{App, Order, Ordered, OutcomeState, Proven};

/// What the Order before the new one says, and how it fared.
#[derive(Clone, Copy)]
pub struct Before<'a> {
    /// The Order.
    pub order: &'a Order,
    /// How the Operation that wrote it stands in this data center, if that is known; asked for where the Order
    /// is to delete.
    pub settled: Option<OutcomeState>,
    /// What was good in this data center.
    pub proven: Option<&'a Proven>,
}

/// The Order of `app` for `dc`, which brings `release` with `content`.
pub fn order_for(
    app: &App,
    dc: &DcName,
    release: ReleaseNumber,
    content: Digest,
    before: Option<Before<'_>>,
    epoch: u64,
    operation: OperationId,
) -> Order {
    let ordered = Ordered::Run { release, content, power: app.power, replication: app.scale.of(dc) };
    let mut order = Order {
        uid: app.uid,
        epoch,
        operation,
        ordered,
        deleted: Vec::new(),
        restarts: BTreeMap::new(),
        last_good: None,
    };
    let Some(Before { order: before, settled, proven }) = before else {
        return order;
    };
    order.deleted.clone_from(&before.deleted);
    if before.uid != app.uid {
        if settled != Some(OutcomeState::Done) {
            order.deleted.push(before.uid);
        }
        return order;
    }
    order.restarts.clone_from(&before.restarts);
    order.last_good =
        proven.filter(|proven| proven.uid == app.uid).and_then(|proven| proven.other_than(&content)).cloned();
    order
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::builders::{mk_app_ref, mk_operation};
    use crate::cluster::Power;
    use crate::name::AppUid;
    use crate::record::Good;
    use crate::scale::{Placement, Replication, Scale};

    fn uid(n: u128) -> AppUid {
        uuid::Uuid::from_u128(n).into()
    }

    fn content(name: &str) -> Digest {
        Digest::of_bytes(name.as_bytes())
    }

    fn mk_app(life: u128) -> App {
        App {
            app: mk_app_ref(),
            uid: uid(life),
            owner: None,
            description: None,
            labels: BTreeMap::new(),
            head: ReleaseNumber::FIRST,
            head_content: content("a"),
            scale: Scale {
                placement: Placement::All,
                size: Replication::Fixed(3),
                exceptions: BTreeMap::new(),
            },
            power: Power::Online,
            pin: None,
            operations: BTreeMap::new(),
            created: Timestamp::UNIX_EPOCH,
            changed_by: "ann".to_owned(),
            changed: Timestamp::UNIX_EPOCH,
        }
    }

    fn next(life: u128, brings: &str, before: Option<Before<'_>>) -> Order {
        let dc = "dc-1".parse().unwrap();
        order_for(
            &mk_app(life),
            &dc,
            ReleaseNumber::FIRST.next(),
            content(brings),
            before,
            4,
            mk_operation().id,
        )
    }

    fn good(number: ReleaseNumber, of: &str) -> Good {
        Good { release: number, content: content(of) }
    }

    #[test]
    fn the_first_order_of_an_app_owes_nothing_to_anything() {
        let order = next(1, "a", None);
        let ordered = Ordered::Run {
            release: ReleaseNumber::FIRST.next(),
            content: content("a"),
            power: Power::Online,
            replication: Replication::Fixed(3),
        };
        assert_eq!((order.uid, order.epoch, order.ordered), (uid(1), 4, ordered));
        assert_eq!((order.deleted, order.restarts, order.last_good), (vec![], BTreeMap::new(), None));
    }

    #[test]
    fn an_order_of_the_same_life_keeps_restarts_and_what_was_good() {
        let mut before = next(1, "a", None);
        before.deleted = vec![uid(9)];
        before.restarts = BTreeMap::from([(content("a"), 2)]);
        let (first, second) = (ReleaseNumber::FIRST, ReleaseNumber::FIRST.next());
        let proven = Proven { uid: uid(1), releases: vec![good(second, "b"), good(first, "a")] };
        let follows = |brings, proven| {
            next(1, brings, Some(Before { order: &before, settled: Some(OutcomeState::Done), proven }))
        };
        let order = follows("b", Some(&proven));
        assert_eq!((&order.deleted, &order.restarts), (&before.deleted, &before.restarts));
        // It falls back to other content than its own.
        assert_eq!(order.last_good, Some(good(first, "a")));
        assert_eq!(follows("c", Some(&proven)).last_good, Some(good(second, "b")));
        assert_eq!(follows("c", None).last_good, None);
        let of_another_life = Proven { uid: uid(2), ..proven.clone() };
        assert_eq!(follows("c", Some(&of_another_life)).last_good, None);
    }

    #[test]
    fn an_order_of_another_life_asks_for_the_removal_that_nobody_confirmed() {
        let mut before = next(1, "a", None);
        before.restarts = BTreeMap::from([(content("a"), 2)]);
        before.deleted = vec![uid(9)];
        let proven = Proven { uid: uid(1), releases: vec![good(ReleaseNumber::FIRST, "b")] };
        for (settled, deleted) in [
            (Some(OutcomeState::Done), vec![uid(9)]),
            (Some(OutcomeState::Owed), vec![uid(9), uid(1)]),
            (Some(OutcomeState::Sent), vec![uid(9), uid(1)]),
            (None, vec![uid(9), uid(1)]),
        ] {
            let order = next(2, "a", Some(Before { order: &before, settled, proven: Some(&proven) }));
            assert_eq!(order.deleted, deleted, "{settled:?}");
            assert_eq!((order.uid, order.restarts, order.last_good), (uid(2), BTreeMap::new(), None));
        }
    }
}
