use plimsoll_core::cluster::{Applied, Drift, Power, Replicas};
use plimsoll_core::scale::{Autoscale, Replication};
use serde_json::{Value, json};

use super::mk::{
    NOW, change, decide, live, mk_desired, mk_healthy, mk_order, mk_replica_set, mk_there, mk_written,
};
use crate::contract::mk::mk_image;
use crate::reconcile::{Action, Matches, Observed, reconcile};
use crate::render::Kind;

fn auto(order: &crate::contract::mk::MkDelivery) -> crate::contract::mk::MkDelivery {
    order.next(|next| next.replication = Replication::Auto(Autoscale { min: 2, max: 10, cpu_percent: 70 }))
}

#[test]
fn what_is_as_ordered_is_left_alone() {
    let order = mk_order();
    assert_eq!(decide(&order, &mk_healthy(&order)), (Vec::new(), None));
    let order = auto(&order);
    assert_eq!(decide(&order, &mk_healthy(&order)), (Vec::new(), None));
}

#[test]
fn what_was_compared_once_is_compared_again_when_it_changes_or_another_number_is_told() {
    let order = auto(&mk_order());
    let mut observed = mk_healthy(&order);
    let mut matches = Matches::default();
    let mut is_applied = |observed: &Observed, kind: Kind| {
        let actions = reconcile(&mk_desired(&order), observed, NOW, &mut matches);
        actions.iter().any(|action| matches!(action, Action::Apply { object, .. } if object.kind == kind))
    };
    for _ in 0..2 {
        assert!(!is_applied(&observed, Kind::Service));
    }
    let before = observed.clone();
    change(&mut observed, Kind::Service, |service| service["spec"]["ports"][0]["port"] = json!(1));
    assert!(is_applied(&observed, Kind::Service));
    assert!(!is_applied(&before, Kind::Service));
    change(&mut observed, Kind::Deployment, |deployment| deployment["spec"]["replicas"] = json!(40));
    assert!(is_applied(&observed, Kind::Deployment));
}

#[test]
fn all_is_made_where_nothing_is_config_first() {
    let (actions, status) = decide(&mk_order(), &Observed::default());
    assert_eq!(
        actions,
        [
            "create ConfigMap",
            "apply Deployment/shop with 3 unseen",
            "apply Service/shop unseen",
            "apply PodDisruptionBudget/shop unseen",
            "look again"
        ]
    );
    let status = status.unwrap();
    assert_eq!((status.applied, status.drift.len()), (Applied::Pending, 0));
    assert_eq!(status.replicas, Replicas { ordered: 3, ..Replicas::default() });
}

#[test]
fn a_newer_order_writes_what_it_changes_and_is_no_drift() {
    let order = mk_order();
    let observed = mk_healthy(&order);
    let upgraded = order.next(|next| next.content_mut().main.image = mk_image("shop/web", 'b'));
    let (actions, status) = decide(&upgraded, &observed);
    assert_eq!(actions, ["apply Deployment/shop with 3", "look again"]);
    let status = status.unwrap();
    assert_eq!((status.fence, status.applied), (upgraded.delivery().fence, Applied::Pending));
    assert_eq!(status.drift, []);

    let reconfigured =
        order.next(|next| drop(next.content_mut().main.env.insert("MODE".to_owned(), "dry".to_owned())));
    let (actions, _) = decide(&reconfigured, &observed);
    assert_eq!(actions, ["create ConfigMap", "apply Deployment/shop with 3", "look again"]);

    let (actions, status) = decide(&order.next(|_| ()), &observed);
    assert_eq!(actions, Vec::<String>::new());
    assert_eq!(status.map(|status| status.applied), Some(Applied::Current));
}

#[test]
fn nothing_counts_before_the_deployment_was_seen_by_its_own_controller() {
    let order = mk_order();
    let mut observed = mk_written(&order);
    change(&mut observed, Kind::Deployment, |deployment| deployment["metadata"]["generation"] = json!(2));
    let (actions, status) = decide(&order, &observed);
    assert_eq!(actions, ["look again"]);
    assert_eq!(status.unwrap().applied, Applied::Pending);
}

#[test]
fn what_somebody_took_over_is_put_right_and_told() {
    let order = mk_order();
    let mut observed = mk_healthy(&order);
    change(&mut observed, Kind::Deployment, |deployment| {
        deployment["spec"]["replicas"] = json!(9);
        let managers = deployment["metadata"]["managedFields"].as_array_mut().unwrap();
        managers[0]["fieldsV1"]["f:spec"].as_object_mut().unwrap().remove("f:replicas");
        managers.push(json!({
            "manager": "kubectl", "operation": "Update", "subresource": "scale", "time": "2026-03-01T00:00:00Z",
            "fieldsV1": {"f:spec": {"f:replicas": {}}},
        }));
    });
    let (actions, status) = decide(&order, &observed);
    assert_eq!(actions, ["apply Deployment/shop with 3", "look again"]);
    let told = Drift {
        object: "Deployment/shop".to_owned(),
        field: ".spec.replicas".to_owned(),
        manager: Some("kubectl".to_owned()),
        since: "2026-03-01T00:00:00Z".parse().unwrap(),
    };
    assert_eq!(status.unwrap().drift, std::slice::from_ref(&told));

    // Put right a moment ago, it is left for a while, and who is at it is named.
    let mut fought = observed.clone();
    fought.fought = [(told.object.clone(), [told.field.clone()].into())].into();
    let (actions, status) = decide(&order, &fought);
    assert_eq!(actions, ["look again"]);
    let status = status.unwrap();
    assert_eq!(status.applied, Applied::Pending);
    let [finding] = status.findings.as_slice() else { panic!("{:?}", status.findings) };
    assert_eq!(finding.reason, "DriftFight");
    assert!(finding.message.starts_with("kubectl changes .spec.replicas of Deployment/shop"), "{finding:?}");

    // Until it is said, it is not forgotten; and it is not said twice.
    let mut repaired = mk_healthy(&order);
    repaired.unsaid = vec![told.clone()];
    let (actions, status) = decide(&order, &repaired);
    assert_eq!(actions, Vec::<String>::new());
    assert_eq!(status.as_ref().unwrap().drift, [told]);
    repaired.status = status;
    assert_eq!(decide(&order, &repaired), (Vec::new(), None));
}

#[test]
fn what_vanished_is_made_again_and_told() {
    let order = mk_order();
    let mut observed = mk_healthy(&order);
    observed.objects.retain(|live| live.kind != Kind::Service);
    // Out of sight is not gone: its mark may have been taken off.
    assert_eq!(decide(&order, &observed), (vec!["find Service/shop".to_owned()], None));
    observed.searched = true;
    let (actions, status) = decide(&order, &observed);
    assert_eq!(actions, ["apply Service/shop unseen", "look again"]);
    let drift = status.as_ref().unwrap().drift.clone();
    assert_eq!(
        (drift[0].object.as_str(), drift[0].field.as_str(), drift[0].since),
        ("Service/shop", "", NOW)
    );
    // Where it cannot be made, that is not told again and again.
    let mut later = Observed { status, was_done: true, ..observed };
    later.status.as_mut().unwrap().drift[0].since = "2020-01-01T00:00:00Z".parse().unwrap();
    assert_eq!(decide(&order, &later).1, None);
}

#[test]
fn what_vanished_after_the_first_loss_was_told_is_told_as_well() {
    let order = mk_order();
    let mut observed = mk_healthy(&order);
    observed.searched = true;
    observed.objects.retain(|live| live.kind != Kind::Service);
    observed.status = decide(&order, &observed).1;
    assert_eq!(observed.status.as_ref().unwrap().applied, Applied::Pending);
    // The newest status does not say any more that all was written; that it once did is remembered.
    observed.was_done = true;
    observed.objects.retain(|live| live.kind != Kind::ConfigMap && live.kind != Kind::PodDisruptionBudget);
    let told = decide(&order, &observed).1.unwrap().drift;
    let kinds: Vec<&str> = told.iter().filter_map(|drift| drift.object.split('/').next()).collect();
    assert_eq!(kinds, ["Service", "ConfigMap", "PodDisruptionBudget"]);
}

#[test]
fn an_object_whose_mark_was_taken_off_is_marked_again_and_that_is_told() {
    let order = mk_order();
    let mut observed = mk_healthy(&order);
    observed.searched = true;
    let uid = order.uid;
    change(&mut observed, Kind::Service, |service| {
        service["metadata"]["labels"]["plimsoll.io/app-uid"] = json!(null);
    });
    for kind in [Kind::Service, Kind::ConfigMap] {
        let found = observed.objects.iter_mut().find(|live| live.kind == kind).unwrap();
        *found = found.clone().of_life(uid);
    }
    let (actions, status) = decide(&order, &observed);
    assert_eq!(actions, ["create ConfigMap", "apply Service/shop", "look again"]);
    let drift = status.unwrap().drift;
    assert!(
        drift[0].object.starts_with("ConfigMap/shop-env-") && drift[1].object == "Service/shop",
        "{drift:?}"
    );
    assert!(
        drift.iter().all(|drift| drift.field == ".metadata.labels[\"plimsoll.io/app-uid\"]"),
        "{drift:?}"
    );
}

#[test]
fn what_somebody_added_is_claimed_to_be_taken_away_and_told() {
    let order = mk_order();
    let mut observed = mk_healthy(&order);
    let add = |deployment: &mut Value| {
        deployment["spec"]["template"]["spec"]["hostNetwork"] = json!(true);
        let managers = deployment["metadata"]["managedFields"].as_array_mut().unwrap();
        managers.push(json!({
            "manager": "kubectl", "operation": "Update", "apiVersion": "apps/v1", "time": "2026-03-01T00:00:00Z",
            "fieldsV1": {"f:spec": {"f:template": {"f:spec": {"f:hostNetwork": {}}}}},
        }));
    };
    change(&mut observed, Kind::Deployment, add);
    let (actions, status) = decide(&order, &observed);
    assert_eq!(actions, ["claim Deployment/shop", "apply Deployment/shop with 3", "look again"]);
    let told = Drift {
        object: "Deployment/shop".to_owned(),
        field: ".spec.template.spec.hostNetwork".to_owned(),
        manager: Some("kubectl".to_owned()),
        since: "2026-03-01T00:00:00Z".parse().unwrap(),
    };
    assert_eq!(status.unwrap().drift, std::slice::from_ref(&told));

    // Who adds it again and again is named, and waited for.
    let mut fought = observed.clone();
    fought.fought = [(told.object.clone(), [told.field.clone()].into())].into();
    let (actions, status) = decide(&order, &fought);
    assert_eq!(actions, ["look again"]);
    assert_eq!(status.unwrap().findings[0].reason, "DriftFight");

    // Another Order finds it as well, and takes it away with the rest.
    let next = order.next(|next| next.content_mut().main.image = mk_image("shop/web", 'b'));
    let (actions, status) = decide(&next, &observed);
    assert_eq!(actions, ["claim Deployment/shop", "apply Deployment/shop with 3", "look again"]);
    assert_eq!(status.unwrap().drift, [told]);
}

#[test]
fn config_is_not_thrown_away_before_the_deployment_was_seen_by_its_own_controller() {
    let order = mk_order();
    let mut observed = mk_healthy(&order);
    let old =
        order.next(|next| drop(next.content_mut().main.env.insert("MODE".to_owned(), "old".to_owned())));
    let map = super::mk::mk_desired(&old).rendering.unwrap().config_maps[0].clone();
    observed.objects.push(live(mk_there(&map)));
    // What pods there are to be is not known yet: the ReplicaSets are those of the template before.
    change(&mut observed, Kind::Deployment, |deployment| deployment["metadata"]["generation"] = json!(2));
    assert_eq!(decide(&order, &observed).0, ["look again"]);
    change(&mut observed, Kind::Deployment, |deployment| deployment["metadata"]["generation"] = json!(1));
    assert_eq!(decide(&order, &observed).0, [format!("delete ConfigMap/{}", map.name)]);
}

#[test]
fn only_the_last_twenty_drifts_are_told() {
    let order = mk_order();
    let mut observed = mk_healthy(&order);
    let drift =
        |n: usize| Drift { object: format!("Service/{n}"), field: String::new(), manager: None, since: NOW };
    observed.status.as_mut().unwrap().drift = (0..20).map(drift).collect();
    observed.searched = true;
    observed.objects.retain(|live| live.kind != Kind::Service);
    let told = decide(&order, &observed).1.unwrap().drift;
    assert_eq!(
        (told.len(), told[0].object.as_str(), told[19].object.as_str()),
        (20, "Service/1", "Service/shop")
    );
}

#[test]
fn an_object_that_is_going_is_waited_for() {
    let order = mk_order();
    let mut observed = mk_healthy(&order);
    change(&mut observed, Kind::Deployment, |deployment| {
        deployment["metadata"]["deletionTimestamp"] = json!("2026-03-01T00:00:00Z");
    });
    let (actions, status) = decide(&order, &observed);
    assert_eq!(actions, ["look again"]);
    assert_eq!(status.unwrap().applied, Applied::Pending);
}

#[test]
fn a_field_that_the_server_makes_something_else_of_is_not_tried_for_ever() {
    let order = mk_order();
    let mut observed = mk_healthy(&order);
    change(&mut observed, Kind::Service, |service| service["spec"]["type"] = json!("NodePort"));
    assert_eq!(decide(&order, &observed).0[0], "apply Service/shop");
    let fields = std::iter::once(".spec.type".to_owned()).collect();
    observed.futile.insert("Service/shop".to_owned(), fields);
    assert_eq!(decide(&order, &observed), (Vec::new(), None));
}

#[test]
fn config_is_kept_for_as_long_as_something_can_be_revived_with_it() {
    let order = mk_order();
    let mut observed = mk_healthy(&order);
    let old =
        order.next(|next| drop(next.content_mut().main.env.insert("MODE".to_owned(), "old".to_owned())));
    let rendering = super::mk::mk_desired(&old).rendering.unwrap();
    let map = rendering.config_maps[0].clone();
    observed.objects.push(live(mk_there(&map)));
    observed.replica_sets = vec![mk_replica_set(&order, &[&map.name])];
    assert_eq!(decide(&order, &observed), (Vec::new(), None));
    observed.replica_sets.clear();
    assert_eq!(decide(&order, &observed).0, [format!("delete ConfigMap/{}", map.name)]);
    // While something is still to be written, nothing is known to be of no use.
    let upgraded = order.next(|next| next.content_mut().main.image = mk_image("shop/web", 'b'));
    assert_eq!(decide(&upgraded, &observed).0, ["apply Deployment/shop with 3", "look again"]);
}

/// An autoscaled Deployment with this number of pods, told by that manager.
fn autoscaled(order: &crate::contract::mk::MkDelivery, replicas: u32, by: Option<&str>) -> Observed {
    let mut observed = mk_written(order);
    change(&mut observed, Kind::Deployment, |deployment| {
        deployment["spec"]["replicas"] = json!(replicas);
        let managers = deployment["metadata"]["managedFields"].as_array_mut().unwrap();
        if let Some(by) = by {
            managers[0]["fieldsV1"]["f:spec"].as_object_mut().unwrap().remove("f:replicas");
            managers.push(json!({
                "manager": by, "operation": "Update", "subresource": "scale", "time": "2026-03-01T00:00:00Z",
                "fieldsV1": {"f:spec": {"f:replicas": {}}},
            }));
        }
    });
    observed
}

#[test]
fn the_number_of_pods_is_given_up_only_when_the_autoscaler_has_it() {
    let order = auto(&mk_order());
    let upgraded = order.next(|next| next.content_mut().main.image = mk_image("shop/web", 'b'));
    for (replicas, by, expected) in [
        (7, None, "apply Deployment/shop with 7"),
        (7, Some("kube-controller-manager"), "apply Deployment/shop"),
        (50, Some("kubectl"), "apply Deployment/shop with 10"),
        (0, None, "apply Deployment/shop with 2"),
    ] {
        let observed = autoscaled(&order, replicas, by);
        assert_eq!(decide(&upgraded, &observed).0[0], expected, "{replicas} by {by:?}");
    }
}

#[test]
fn an_autoscaler_goes_before_the_number_that_it_would_undo() {
    let order = auto(&mk_order());
    let observed = mk_healthy(&order);
    let offline = order.next(|next| next.power = Power::Offline);
    assert_eq!(
        decide(&offline, &observed).0,
        ["delete HorizontalPodAutoscaler/shop", "apply Deployment/shop with 0", "look again"]
    );
    let online = mk_healthy(&offline);
    assert_eq!(
        decide(&offline.next(|next| next.power = Power::Online), &online).0,
        ["apply Deployment/shop with 2", "apply HorizontalPodAutoscaler/shop unseen", "look again"]
    );
}

#[test]
fn an_app_that_lost_its_ports_loses_its_service() {
    let order = mk_order();
    let observed = mk_healthy(&order);
    let silent = order.next(|next| next.content_mut().ports.clear());
    let (actions, _) = decide(&silent, &observed);
    assert_eq!(actions, ["apply Deployment/shop with 3", "delete Service/shop", "look again"]);
}

#[test]
fn what_others_noted_on_an_object_is_no_concern() {
    let order = mk_order();
    let mut observed = mk_healthy(&order);
    change(&mut observed, Kind::Deployment, |deployment| {
        deployment["metadata"]["annotations"] = json!({"deployment.kubernetes.io/revision": "4"});
        let template: &mut Value = &mut deployment["spec"]["template"]["spec"];
        template["dnsPolicy"] = json!("ClusterFirst");
    });
    assert_eq!(decide(&order, &observed), (Vec::new(), None));
}
