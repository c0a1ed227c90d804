//! A data center as one thinks it up.

use jiff::Timestamp;
use plimsoll_core::cluster::Status;
use serde_json::{Map, Value, json};

use crate::contract::mk::MkDelivery;
use crate::reconcile::{Action, Desired, Had, Live, Matches, Observed, ReplicaSet, reconcile};
use crate::render::{Kind, Object, Rendering, Replicas, render};

pub(super) const NOW: Timestamp = Timestamp::UNIX_EPOCH;

pub(super) fn mk_order() -> MkDelivery {
    let mut order = MkDelivery::new("demo");
    order.content_mut().main.env.insert("MODE".to_owned(), "live".to_owned());
    order
}

pub(super) fn mk_desired(order: &MkDelivery) -> Desired {
    let delivery = order.delivery();
    Desired {
        fence: delivery.fence,
        uid: delivery.uid,
        deleted: delivery.deleted.clone(),
        rendering: render(&delivery).unwrap(),
    }
}

/// Everything of an Order, written, seen and healthy; with the status that says so.
pub(super) fn mk_healthy(order: &MkDelivery) -> Observed {
    let mut observed = mk_written(order);
    observed.status = Some(mk_status(order, &observed));
    observed
}

/// Everything of an Order, written, seen and healthy, and nothing said yet.
pub(super) fn mk_written(order: &MkDelivery) -> Observed {
    let desired = mk_desired(order);
    let rendering = desired.rendering.as_ref().unwrap();
    let Rendering { config_maps, deployment, replicas, service, disruption_budget, autoscaler } = rendering;
    let told = match replicas {
        Replicas::Fixed(replicas) => *replicas,
        Replicas::Between { min, max: _ } => *min,
    };
    let mut deployment = deployment.clone();
    deployment.body["spec"]["replicas"] = json!(told);
    let mut observed = Observed::default();
    let rest = config_maps.iter().chain(service).chain([disruption_budget]).chain(autoscaler);
    observed.objects.extend(rest.map(|object| live(mk_there(object))));
    observed.objects.push(live(mk_deployment(&deployment, told)));
    observed
}

/// The status that the Deployment of `observed` stands for.
pub(super) fn mk_status(order: &MkDelivery, observed: &Observed) -> Status {
    let mut observed = observed.clone();
    observed.pods = Some(Vec::new());
    let actions = reconcile(&mk_desired(order), &observed, NOW, &mut Matches::default());
    actions
        .into_iter()
        .find_map(|action| if let Action::WriteStatus(status) = action { Some(status) } else { None })
        .unwrap()
}

/// A Deployment with so many pods, all of them as ordered.
pub(super) fn mk_deployment(object: &Object, pods: u32) -> (Kind, Value) {
    let (kind, mut there) = mk_there(object);
    there["metadata"]["generation"] = json!(1);
    there["status"] = json!({
        "observedGeneration": 1, "replicas": pods, "updatedReplicas": pods, "readyReplicas": pods,
        "availableReplicas": pods, "terminatingReplicas": 0,
    });
    (kind, there)
}

/// What the API server makes of an object that we applied.
pub(super) fn mk_there(object: &Object) -> (Kind, Value) {
    let mut there = object.body.clone();
    let owned = json!({
        "f:metadata": {"f:labels": fields(&there["metadata"]["labels"])},
        "f:spec": fields(&there["spec"]),
    });
    there["metadata"]["uid"] = json!(format!("uid-{}", object.title()));
    there["metadata"]["resourceVersion"] = json!("7");
    there["metadata"]["managedFields"] = json!([
        {"manager": "plimsoll", "operation": "Apply", "time": "2026-01-01T00:00:00Z", "fieldsV1": owned},
    ]);
    (object.kind, there)
}

/// `FieldsV1`, with every list owned as a whole.
fn fields(value: &Value) -> Value {
    match value {
        Value::Object(map) => {
            Value::Object(map.iter().map(|(name, value)| (format!("f:{name}"), fields(value))).collect())
        }
        _ => Value::Object(Map::new()),
    }
}

pub(super) fn live((kind, there): (Kind, Value)) -> Live {
    Live::parse(kind, &there.to_string()).unwrap()
}

/// Changes an object of `observed`, as somebody or something would.
pub(super) fn change(observed: &mut Observed, kind: Kind, change: impl FnOnce(&mut Value)) {
    let at = observed.objects.iter().position(|live| live.kind == kind).unwrap();
    let mut there = observed.objects[at].value();
    if let Some(rollout) = &observed.objects[at].rollout {
        there["status"] = json!({
            "observedGeneration": rollout.observed_generation, "replicas": rollout.replicas,
            "updatedReplicas": rollout.updated, "readyReplicas": rollout.ready,
            "availableReplicas": rollout.available, "terminatingReplicas": rollout.terminating,
        });
    }
    change(&mut there);
    observed.objects[at] = live((kind, there));
}

/// A ReplicaSet that needs these `ConfigMap`s.
pub(super) fn mk_replica_set(order: &MkDelivery, config_maps: &[&str]) -> ReplicaSet {
    let from: Vec<Value> = config_maps.iter().map(|name| json!({"configMapRef": {"name": name}})).collect();
    let set = json!({
        "metadata": {"uid": "set", "labels": {"plimsoll.io/app-uid": order.uid.to_string()}},
        "spec": {"template": {"spec": {"containers": [{"envFrom": from}]}}},
    });
    ReplicaSet::of(serde_json::from_str(&set.to_string()).unwrap()).unwrap()
}

/// Actions in short, with the status apart.
pub(super) fn decide(order: &MkDelivery, observed: &Observed) -> (Vec<String>, Option<Status>) {
    let mut said = None;
    let mut short = Vec::new();
    for action in reconcile(&mk_desired(order), observed, NOW, &mut Matches::default()) {
        match action {
            Action::Create(object) => short.push(format!("create {}", object.kind)),
            Action::Apply { object, uid, had, repairs: _ } => {
                if had == Had::Additions {
                    short.push(format!("claim {}", object.title()));
                }
                let seen = if uid.is_some() { "" } else { " unseen" };
                let replicas = match object.body["spec"]["replicas"].as_u64() {
                    Some(replicas) => format!(" with {replicas}"),
                    None => String::new(),
                };
                short.push(format!("apply {}{replicas}{seen}", object.title()));
            }
            Action::Delete { kind, name, uid: _ } => short.push(format!("delete {kind}/{name}")),
            Action::FindUnmarked(objects) => {
                short.extend(objects.iter().map(|object| format!("find {}", object.title())));
            }
            Action::ReadPods => short.push("read pods".to_owned()),
            Action::ConfirmGone(lives) => short.push(format!("confirm that {} are gone", lives.len())),
            Action::WriteStatus(status) => said = Some(status),
            Action::LookAgain(_) => short.push("look again".to_owned()),
        }
    }
    (short, said)
}
