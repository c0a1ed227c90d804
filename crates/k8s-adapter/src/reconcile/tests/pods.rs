use plimsoll_core::cluster::{Applied, Power, Replicas};
use serde_json::json;

use super::mk::{change, decide, mk_healthy, mk_order, mk_written};
use crate::reconcile::Pod;
use crate::render::Kind;

fn leaving(overdue: bool) -> Pod {
    Pod { name: "shop-1".to_owned(), is_leaving: true, is_overdue: overdue, ..Pod::default() }
}

#[test]
fn zero_pods_are_believed_only_on_a_complete_list() {
    let order = mk_order().next(|next| next.power = Power::Offline);
    let mut observed = mk_written(&order);
    assert_eq!(decide(&order, &observed).0, ["read pods"]);

    observed.pods = Some(vec![leaving(false)]);
    let (actions, status) = decide(&order, &observed);
    assert_eq!(actions, ["look again"]);
    let status = status.unwrap();
    assert_eq!((status.applied, status.replicas.terminating), (Applied::Pending, 1));

    // One that never goes is a pod nevertheless.
    observed.pods = Some(vec![leaving(true)]);
    let status = decide(&order, &observed).1.unwrap();
    assert_eq!((status.applied, status.replicas.terminating), (Applied::Pending, 0));
    assert_eq!(status.findings[0].reason, "StuckTerminating");

    observed.pods = Some(Vec::new());
    let (actions, status) = decide(&order, &observed);
    assert_eq!(actions, Vec::<String>::new());
    observed.status = status;
    assert_eq!(observed.status.as_ref().unwrap().applied, Applied::Current);

    // Said once for this Order, it need not be read again.
    observed.pods = None;
    assert_eq!(decide(&order, &observed), (Vec::new(), None));
    assert_eq!(decide(&order.next(|_| ()), &observed).0, ["read pods"]);
}

#[test]
fn pods_that_are_going_are_waited_for_without_asking_for_them() {
    let order = mk_order().next(|next| next.power = Power::Offline);
    let mut observed = mk_written(&order);
    change(&mut observed, Kind::Deployment, |deployment| {
        deployment["status"]["terminatingReplicas"] = json!(3);
    });
    let (actions, status) = decide(&order, &observed);
    assert_eq!(actions, ["look again"]);
    assert_eq!(status.unwrap().replicas.terminating, 3);
    observed.curious = true;
    assert_eq!(decide(&order, &observed).0, ["read pods"]);
}

#[test]
fn a_server_that_does_not_count_what_is_going_is_asked_for_pods_once() {
    let order = mk_order();
    let mut observed = mk_written(&order);
    change(&mut observed, Kind::Deployment, |deployment| {
        deployment["status"].as_object_mut().unwrap().remove("terminatingReplicas");
    });
    assert_eq!(decide(&order, &observed).0, ["read pods"]);
    observed.pods = Some(vec![leaving(false)]);
    assert_eq!(decide(&order, &observed).1.unwrap().replicas.terminating, 1);
    observed.pods = Some(Vec::new());
    observed.status = decide(&order, &observed).1;
    observed.pods = None;
    assert_eq!(decide(&order, &observed), (Vec::new(), None));
}

#[test]
fn old_pods_are_told_apart_from_new_ones() {
    let order = mk_order();
    let mut observed = mk_healthy(&order);
    change(&mut observed, Kind::Deployment, |deployment| {
        deployment["status"]["replicas"] = json!(4);
        deployment["status"]["updatedReplicas"] = json!(1);
    });
    let (actions, status) = decide(&order, &observed);
    assert_eq!(actions, ["look again"]);
    let expected = Replicas { ordered: 3, updated: 1, ready: 3, available: 3, old: 3, terminating: 0 };
    assert_eq!(status.unwrap().replicas, expected);
}
