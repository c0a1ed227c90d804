//! What counts, and what does not.

use plimsoll_core::breaker::Deed;

use super::deed;
use crate::contract::mk::MkDelivery;
use crate::reconcile::{Action, Desired, Had, Live, Observed};
use crate::render::{Kind, Object, render};

fn mk_desired(order: &MkDelivery) -> Desired {
    let delivery = order.delivery();
    Desired {
        fence: delivery.fence,
        uid: delivery.uid,
        deleted: delivery.deleted.clone(),
        rendering: render(&delivery).unwrap(),
    }
}

fn made(object: &Object) -> Action {
    Action::Apply { object: object.clone(), uid: None, had: Had::Nothing, repairs: Vec::new() }
}

fn repaired(object: &Object) -> Action {
    Action::Apply {
        object: object.clone(),
        uid: Some("a".to_owned()),
        had: Had::Nothing,
        repairs: vec![".spec".to_owned()],
    }
}

fn deleted(live: &Live) -> Action {
    Action::Delete { kind: live.kind, name: live.name.clone(), uid: live.uid.clone() }
}

fn there(object: &Object, uid: &str) -> Live {
    let mut body = object.body.clone();
    body["metadata"]["uid"] = uid.into();
    body["metadata"]["resourceVersion"] = "1".into();
    Live::parse(object.kind, &body.to_string()).unwrap()
}

#[test]
fn workloads_made_again_or_deleted_count_and_nothing_else_does() {
    let order = MkDelivery::new("demo");
    let desired = mk_desired(&order);
    let rendering = desired.rendering.clone().unwrap();
    let service = rendering.service.clone().unwrap();
    let (deployment, budget) = (&rendering.deployment, &rendering.disruption_budget);
    let mut other_life = order.clone();
    other_life.uid = uuid::Uuid::from_u128(7).into();
    let earlier = mk_desired(&other_life).rendering.unwrap().deployment;
    let observed = Observed {
        objects: vec![there(&service, "service"), there(&earlier, "earlier"), there(budget, "budget")],
        ..Observed::default()
    };
    let delete = |n: usize| deleted(&observed.objects[n]);
    let counted = |action: &Action| deed(&order.app, &desired, &observed, action);
    for (action, expected) in [
        (made(deployment), Some(Deed::made_again("Deployment", &order.app))),
        (made(&service), Some(Deed::made_again("Service", &order.app))),
        (made(budget), None),
        (repaired(deployment), None),
        (delete(0), Some(Deed::deleted("Service", &order.app))),
        (delete(1), None),
        (delete(2), None),
        (Action::ReadPods, None),
    ] {
        assert_eq!(counted(&action), expected, "{action:?}");
    }
    // What an Order to delete asks for is its own business.
    let deletion = Desired { rendering: None, ..desired.clone() };
    assert_eq!(deed(&order.app, &deletion, &observed, &delete(0)), None);
    assert_eq!(observed.objects[0].kind, Kind::Service);
}
