use jiff::Timestamp;
use plimsoll_core::cluster::{Applied, LastGood};
use plimsoll_core::name::AppUid;
use plimsoll_core::scale::Autoscale;
use serde_json::json;

use super::*;
use crate::contract::mk::{MkDelivery, mk_full_content, mk_pulls};

fn object(delivery: &Delivery) -> Value {
    json!({
        "metadata": {"name": delivery.app.name, "namespace": delivery.app.namespace, "uid": "u", "resourceVersion": "7"},
        "spec": to_spec(delivery).unwrap(),
    })
}

fn carried(object: &Value) -> Carried {
    super::carried(&AppText::parse(&object.to_string()).unwrap())
}

fn to_resource(object: &Value) -> Result<Resource, Damage> {
    super::to_resource(&AppText::parse(&object.to_string()).unwrap())
}

type Edit = fn(&mut Value);

fn full() -> MkDelivery {
    let mut delivery = MkDelivery::new("demo");
    delivery.content = Some(mk_full_content());
    delivery
}

#[test]
fn a_delivery_comes_back_as_it_went_in() {
    let mut with_good = full().delivery();
    if let Want::Run { last_good, content, content_digest, release, .. } = &mut with_good.want {
        let good = LastGood { release: *release, content_digest: *content_digest, content: content.clone() };
        *last_good = Some(good);
    }
    let changes: [fn(&mut MkDelivery); 7] = [
        |_| {},
        |next| next.power = Power::Offline,
        |next| next.restarts = 3,
        |next| next.replication = Replication::Auto(Autoscale { min: 1, max: 5, cpu_percent: 70 }),
        |next| next.content = None,
        |next| next.deleted = vec![AppUid::from(uuid::Uuid::from_u128(5))],
        |next| next.pulls = Some(mk_pulls()),
    ];
    let others = changes.into_iter().map(|change| full().next(change).delivery());
    for delivery in std::iter::once(with_good).chain(others) {
        assert_eq!(carried(&object(&delivery)), Carried::Order(Box::new(delivery.clone())));
        let resource = to_resource(&object(&delivery)).unwrap();
        assert_eq!((resource.digest, resource.fence), (delivery.digest, delivery.fence));
    }
}

#[test]
fn a_status_comes_back_as_it_went_in() {
    let delivery = full().delivery();
    let status = cluster::Status {
        fence: delivery.fence,
        replicas: cluster::Replicas {
            ordered: 6,
            updated: 5,
            ready: 4,
            available: 3,
            old: 2,
            terminating: 1,
        },
        applied: Applied::Current,
        findings: vec![cluster::Finding {
            reason: "QuotaExceeded".to_owned(),
            message: "full".to_owned(),
            fatal: Fatal::Yes,
        }],
        drift: vec![cluster::Drift {
            object: "Deployment/shop".to_owned(),
            field: ".spec.replicas".to_owned(),
            manager: Some("kubectl".to_owned()),
            since: Timestamp::UNIX_EPOCH,
        }],
    };
    let wire = to_wire_status(&status).unwrap();
    assert_eq!(wire["ready"], "4/6");
    assert_eq!(to_status(&to_raw_value(&wire).unwrap()), Some(status));
}

#[test]
fn what_was_edited_by_hand_is_not_acted_on_and_does_not_pass_for_the_order() {
    let delivery = full().delivery();
    let edits: [(&str, Edit, Damage); 4] = [
        (
            "an image",
            |spec| spec["content"]["main"]["image"] = spec["content"]["init"][0]["image"].clone(),
            Damage::Content,
        ),
        (
            "a field that the definition dropped",
            |spec| drop(spec["content"].as_object_mut().unwrap().remove("ports")),
            Damage::Content,
        ),
        ("the replicas", |spec| spec["replication"]["replicas"] = json!(1), Damage::Order),
        ("the state", |spec| spec["state"] = json!("Offline"), Damage::Order),
    ];
    for (what, edit, damage) in edits {
        let mut object = object(&delivery);
        edit(&mut object["spec"]);
        assert_eq!(carried(&object), Carried::Damaged(damage), "{what}");
        assert_ne!(to_resource(&object).unwrap().digest, delivery.digest, "{what}");
    }
}

#[test]
fn a_content_is_known_however_it_is_written_down() {
    let delivery = full().delivery();
    let text = serde_json::to_string_pretty(&object(&delivery)).unwrap();
    let object = AppText::parse(&text).unwrap();
    assert_eq!(super::carried(&object), Carried::Order(Box::new(delivery.clone())));
    assert_eq!(super::to_resource(&object).unwrap().digest, delivery.digest);
}

#[test]
fn a_text_that_claims_its_own_digest_does_not_pass_for_the_order() {
    let delivery = full().delivery();
    let text = object(&delivery).to_string();
    let Want::Run { content, content_digest, .. } = &delivery.want else { panic!("it is to run") };
    // The same content in another form, so that its text has another digest; and that digest claimed for it.
    let (canonical, other) =
        (serde_json::to_value(content).unwrap().to_string(), serde_json::to_string_pretty(content).unwrap());
    let claimed = Digest::of_bytes(other.as_bytes());
    let forged = text.replace(&canonical, &other).replace(&content_digest.to_string(), &claimed.to_string());
    let forged = AppText::parse(&forged).unwrap();
    assert_eq!(super::carried(&forged), Carried::Damaged(Damage::Order));
    assert_ne!(super::to_resource(&forged).unwrap().digest, delivery.digest);
}

#[test]
fn a_local_rollback_is_not_acted_on_and_says_who_asked_for_it() {
    let mut object = object(&full().delivery());
    object["spec"]["local"] = json!({"by": "ann", "reason": "cut off"});
    assert_eq!(carried(&object), Carried::Damaged(Damage::Local));
    let told = to_resource(&object).unwrap();
    assert_eq!(told.local.map(|local| local.by), Some(Some("ann".to_owned())));
}

#[test]
fn a_resource_of_somebody_else_says_what_is_wrong() {
    let mut stranger = object(&full().delivery());
    stranger["spec"] = json!({"hello": "world"});
    let Carried::Damaged(Damage::Unreadable(why)) = carried(&stranger) else { panic!("it was taken") };
    assert_eq!(why, "missing field `installation`");
}
