use plimsoll_core::cluster::{Applied, Replicas};
use plimsoll_core::name::AppUid;
use plimsoll_core::scale::{Autoscale, Replication};

use super::mk::{decide, mk_healthy, mk_order, mk_replica_set};
use crate::reconcile::Observed;
use crate::render::Kind;

fn other_life() -> AppUid {
    uuid::Uuid::from_u128(99).into()
}

#[test]
fn a_deletion_takes_the_autoscaler_first_and_config_last() {
    let order = mk_order()
        .next(|next| next.replication = Replication::Auto(Autoscale { min: 2, max: 10, cpu_percent: 70 }));
    let mut observed = mk_healthy(&order);
    let gone = order.next(|next| next.content = None);
    let (actions, status) = decide(&gone, &observed);
    assert_eq!(
        actions,
        [
            "delete HorizontalPodAutoscaler/shop",
            "delete Deployment/shop",
            "delete PodDisruptionBudget/shop",
            "delete Service/shop",
            "look again"
        ]
    );
    assert_eq!(status.unwrap().applied, Applied::Pending);

    observed.objects.retain(|live| live.kind == Kind::ConfigMap);
    observed.replica_sets = vec![mk_replica_set(&order, &[])];
    assert_eq!(decide(&gone, &observed).0, ["look again"]);
    observed.replica_sets.clear();
    assert_eq!(decide(&gone, &observed).0.len(), 2);
}

#[test]
fn gone_is_said_on_fresh_and_complete_lists_alone() {
    let gone = mk_order().next(|next| {
        next.content = None;
        next.deleted = vec![other_life()];
    });
    let mut observed = Observed::default();
    assert_eq!(decide(&gone, &observed), (vec!["confirm that 2 are gone".to_owned()], None));
    observed.gone = Some(false);
    let (actions, status) = decide(&gone, &observed);
    assert_eq!((actions, status.unwrap().applied), (vec!["look again".to_owned()], Applied::Pending));
    observed.gone = Some(true);
    let (actions, status) = decide(&gone, &observed);
    assert_eq!(actions, Vec::<String>::new());
    let status = status.unwrap();
    assert_eq!((status.applied, status.replicas), (Applied::Gone, Replicas::default()));
    observed.gone = None;
    observed.status = Some(status);
    assert_eq!(decide(&gone, &observed), (Vec::new(), None));
}

#[test]
fn an_earlier_life_goes_before_the_new_one_comes() {
    let order = mk_order();
    let observed = mk_healthy(&order);
    let again = order.next(|next| {
        next.uid = other_life();
        next.deleted = vec![order.uid];
    });
    let (actions, status) = decide(&again, &observed);
    assert_eq!(actions, ["delete Deployment/shop", "delete PodDisruptionBudget/shop", "delete Service/shop"]);
    assert_eq!(status, None);
    let (actions, _) = decide(&again, &Observed::default());
    assert_eq!(actions[1], "apply Deployment/shop with 3 unseen");
}

#[test]
fn a_deployment_takes_the_name_of_an_earlier_life_when_the_garbage_collector_has_seen_it_go() {
    let order = mk_order();
    let again = order.next(|next| {
        next.uid = other_life();
        next.deleted = vec![order.uid];
    });
    let mut observed = Observed { replica_sets: vec![mk_replica_set(&order, &[])], ..Observed::default() };
    let (actions, status) = decide(&again, &observed);
    assert!(actions.iter().all(|action| !action.contains("Deployment")), "{actions:?}");
    assert_eq!(status.unwrap().applied, Applied::Pending);
    assert!(actions.contains(&"look again".to_owned()), "{actions:?}");

    observed.replica_sets = vec![mk_replica_set(&again, &[])];
    let (actions, _) = decide(&again, &observed);
    assert!(actions.contains(&"apply Deployment/shop with 3 unseen".to_owned()), "{actions:?}");
}

#[test]
fn a_life_that_no_order_names_is_left_alone() {
    let order = mk_order();
    let observed = mk_healthy(&order);
    let stranger = order.next(|next| next.uid = other_life());
    let (actions, _) = decide(&stranger, &observed);
    assert!(actions.iter().all(|action| !action.starts_with("delete")), "{actions:?}");
}
