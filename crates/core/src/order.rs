//! Making the next Order of an App for a data center out of the one before: a pure function.

use std::collections::BTreeMap;

use crate::digest::Digest;
use crate::image::Pulls;
use crate::name::{AppUid, DcName, OperationId, ReleaseNumber};
use crate::record::{App, Order, Ordered, OutcomeState, Proven};

/// What the Order before the new one says, and how it fared.
#[derive(Clone, Copy)]
pub struct Before<'a> {
    /// The Order.
    pub order: &'a Order,
    /// How the Operation that wrote it stands in this data center, if that is known; asked for where the Order
    /// is to delete, or lists lives to delete.
    pub settled: Option<OutcomeState>,
    /// What was good in this data center.
    pub proven: Option<&'a Proven>,
}

/// What an Order brings.
#[derive(Clone, Debug)]
pub struct Brings {
    /// The Release.
    pub release: ReleaseNumber,
    /// The digest of its content.
    pub content: Digest,
    /// From where the data center pulls images now.
    pub pulls: Option<Pulls>,
}

/// The Order of `app` for `dc`.
pub fn order_for(
    app: &App,
    dc: &DcName,
    brings: Brings,
    before: Option<Before<'_>>,
    epoch: u64,
    operation: OperationId,
) -> Order {
    let Brings { release, content, pulls } = brings;
    let ordered = Ordered::Run { release, content, power: app.power, replication: app.scale.of(dc) };
    let mut order = Order {
        uid: app.uid,
        epoch,
        operation,
        ordered,
        deleted: Vec::new(),
        restarts: BTreeMap::new(),
        last_good: None,
        pulls,
    };
    let Some(Before { order: before, settled, proven }) = before else {
        return order;
    };
    order.deleted = still_to_go(app.uid, &Before { order: before, settled, proven });
    if before.uid != app.uid {
        return order;
    }
    order.restarts.clone_from(&before.restarts);
    // What runs stays where it was pulled from: another place is another pod template, and neither a scale nor a
    // restart of the same content asked for one.
    if before.content() == Some(&content) {
        order.pulls.clone_from(&before.pulls);
    }
    order.last_good =
        proven.filter(|proven| proven.uid == app.uid).and_then(|proven| proven.other_than(&content)).cloned();
    order
}

/// The Order that this life of an App is gone.
pub fn order_to_delete(uid: AppUid, before: &Before<'_>, epoch: u64, operation: OperationId) -> Order {
    Order {
        uid,
        epoch,
        operation,
        ordered: Ordered::Deleted,
        deleted: still_to_go(uid, before),
        restarts: BTreeMap::new(),
        last_good: None,
        pulls: None,
    }
}

/// The lives before `uid` whose workloads this data center has not shown to be gone, so that the next Order goes on
/// asking for that.
fn still_to_go(uid: AppUid, before: &Before<'_>) -> Vec<AppUid> {
    let Before { order, settled, proven } = before;
    let mut lives = if has_cleared(order, *settled, *proven) { Vec::new() } else { order.deleted.clone() };
    let is_gone = order.ordered == Ordered::Deleted && *settled == Some(OutcomeState::Done);
    if order.uid != uid && !is_gone && !lives.contains(&order.uid) {
        lives.push(order.uid);
    }
    lives
}

/// Whether the data center has shown that the lives which `order` lists are gone. A controller makes nothing of an App
/// before that is so: a good word about this Order is one about them, and so is one about any Order of this life,
/// each of which listed whoever was there before it.
pub fn has_cleared(order: &Order, settled: Option<OutcomeState>, proven: Option<&Proven>) -> bool {
    matches!(settled, Some(OutcomeState::Healthy | OutcomeState::Done))
        || proven.is_some_and(|proven| proven.uid == order.uid)
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::builders::{mk_app_ref, mk_operation, mk_registries};
    use crate::cluster::Power;
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
            Brings {
                release: ReleaseNumber::FIRST.next(),
                content: content(brings),
                pulls: mk_registries().pulls(&dc),
            },
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
        before.restarts = BTreeMap::from([(content("a"), 2)]);
        let (first, second) = (ReleaseNumber::FIRST, ReleaseNumber::FIRST.next());
        let proven = Proven { uid: uid(1), releases: vec![good(second, "b"), good(first, "a")] };
        let follows = |brings, proven| {
            next(1, brings, Some(Before { order: &before, settled: Some(OutcomeState::Done), proven }))
        };
        let order = follows("b", Some(&proven));
        assert_eq!(order.restarts, before.restarts);
        // It falls back to other content than its own.
        assert_eq!(order.last_good, Some(good(first, "a")));
        assert_eq!(follows("c", Some(&proven)).last_good, Some(good(second, "b")));
        assert_eq!(follows("c", None).last_good, None);
        let of_another_life = Proven { uid: uid(2), ..proven.clone() };
        assert_eq!(follows("c", Some(&of_another_life)).last_good, None);
    }

    #[test]
    fn the_same_content_stays_where_it_was_pulled_from_and_another_comes_from_where_images_are_now() {
        let now = mk_registries().pulls(&"dc-1".parse().unwrap());
        let before = Order { pulls: None, ..next(1, "a", None) };
        let follows = |life, brings| {
            next(life, brings, Some(Before { order: &before, settled: None, proven: None })).pulls
        };
        assert_eq!((follows(1, "a"), follows(1, "b"), follows(2, "a")), (None, now.clone(), now));
        let elsewhere = Order { pulls: mk_registries().pulls(&"dc-2".parse().unwrap()), ..before.clone() };
        assert_ne!(elsewhere.digest().unwrap(), before.digest().unwrap(), "it is another Order");
    }

    #[test]
    fn an_order_of_another_life_asks_for_the_removal_that_nobody_confirmed() {
        let mut before = next(1, "a", None);
        before.restarts = BTreeMap::from([(content("a"), 2)]);
        before.deleted = vec![uid(9)];
        before.ordered = Ordered::Deleted;
        let proven = Proven { uid: uid(1), releases: vec![good(ReleaseNumber::FIRST, "b")] };
        for (settled, deleted) in [
            (Some(OutcomeState::Done), vec![]),
            (Some(OutcomeState::Owed), vec![uid(9), uid(1)]),
            (Some(OutcomeState::Sent), vec![uid(9), uid(1)]),
            (None, vec![uid(9), uid(1)]),
        ] {
            let order = next(2, "a", Some(Before { order: &before, settled, proven: None }));
            assert_eq!(order.deleted, deleted, "{settled:?}");
            assert_eq!((order.uid, order.restarts, order.last_good), (uid(2), BTreeMap::new(), None));
        }
        // What was good of the life before says nothing of its removal, and all of the one before that.
        let order = next(2, "a", Some(Before { order: &before, settled: None, proven: Some(&proven) }));
        assert_eq!((order.deleted, order.last_good), (vec![uid(1)], None));
        // An App without pods is not one that is gone.
        let offline = next(1, "a", None);
        let settled = Some(OutcomeState::Done);
        assert_eq!(
            next(2, "a", Some(Before { order: &offline, settled, proven: None })).deleted,
            vec![uid(1)]
        );
    }

    #[test]
    fn a_list_of_removals_is_carried_on_until_an_order_with_it_was_answered_well() {
        use OutcomeState as O;
        let before = Order { deleted: vec![uid(9), uid(8)], ..next(1, "a", None) };
        let of_this_life = Proven { uid: uid(1), releases: vec![good(ReleaseNumber::FIRST, "a")] };
        let of_another = Proven { uid: uid(9), ..of_this_life.clone() };
        let (kept, empty) = (before.deleted.clone(), Vec::new());
        for (settled, proven, deleted) in [
            (None, None, &kept),
            (Some(O::Sent), None, &kept),
            (Some(O::Progressing), None, &kept),
            (Some(O::Failed), Some(&of_another), &kept),
            (Some(O::Owed), None, &kept),
            (Some(O::Healthy), None, &empty),
            (Some(O::Done), None, &empty),
            (Some(O::Progressing), Some(&of_this_life), &empty),
        ] {
            let before = Before { order: &before, settled, proven };
            assert_eq!(&next(1, "b", Some(before)).deleted, deleted, "{settled:?}");
            let deletion = order_to_delete(uid(1), &before, 4, mk_operation().id);
            assert_eq!((&deletion.deleted, deletion.ordered), (deleted, Ordered::Deleted), "{settled:?}");
        }
    }
}
