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
fn a_stuck_pod_is_told_and_not_counted_however_often_one_looks() {
    struct Row {
        server_says: Option<u32>,
        pods: Vec<Pod>,
        then: (&'static [&'static str], u32, usize),
    }
    let both = || vec![leaving(true), leaving(false)];
    let table = [
        Row { server_says: Some(1), pods: vec![leaving(true)], then: (&["look again"], 0, 1) },
        Row { server_says: None, pods: vec![leaving(true)], then: (&["look again"], 0, 1) },
        Row { server_says: Some(2), pods: both(), then: (&["look again"], 1, 1) },
        Row { server_says: Some(1), pods: vec![leaving(false)], then: (&["look again"], 1, 0) },
        Row { server_says: None, pods: Vec::new(), then: (&[], 0, 0) },
    ];
    for Row { server_says, pods, then: (then, terminating, findings) } in table {
        let order = mk_order();
        let mut observed = mk_written(&order);
        change(&mut observed, Kind::Deployment, |deployment| {
            deployment["status"]["terminatingReplicas"] = json!(server_says);
        });
        observed.has_overdue = true;
        assert_eq!(decide(&order, &observed), (vec!["read pods".to_owned()], None));
        observed.pods = Some(pods);
        let (actions, status) = decide(&order, &observed);
        assert_eq!(actions, then);
        let said = status.as_ref().unwrap();
        assert_eq!((said.replicas.terminating, said.findings.len()), (terminating, findings));

        // The status that was written wakes the App, and nothing new is to be said.
        observed.status = status;
        let pods = observed.pods.take();
        assert_eq!(decide(&order, &observed).0, ["read pods"]);
        observed.pods = pods;
        assert_eq!(decide(&order, &observed), (then.iter().map(|&action| action.to_owned()).collect(), None));
    }
}

#[test]
fn a_stuck_pod_that_has_gone_is_forgotten_without_reading_pods() {
    let order = mk_order();
    let mut observed = mk_written(&order);
    observed.pods = Some(vec![leaving(true)]);
    observed.status = decide(&order, &observed).1;
    assert_eq!(observed.status.as_ref().unwrap().findings[0].reason, "StuckTerminating");
    (observed.pods, observed.has_overdue) = (None, true);
    let (actions, status) = decide(&order, &observed);
    assert_eq!((actions, status.unwrap().findings), (Vec::new(), Vec::new()));
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
