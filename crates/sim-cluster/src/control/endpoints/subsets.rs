//! The `Endpoints` of a Service: all its pods in one object.

use std::collections::BTreeMap;
use std::net::IpAddr;

use super::super::Outcome;
use super::{CALLER, Scene, annotate, has_address, has_hostname, is_headless, labels, ports, target_ref};
use crate::api::{Api, Caller, DeleteOptions, Part, Target, WriteOptions};
use crate::object::{self, flag, text};
use crate::status::ApiError;
use crate::store::{Key, Object};
use crate::tree::{Value, json};

const MANAGED_BY: &str = "endpoints.kubernetes.io/managed-by";
const CONTROLLER: &str = "endpoint-controller";

fn target(api: &Api, service: &Key) -> Option<Target> {
    let resource = api.registry.by_key("endpoints")?;
    Some(Target::new(&resource, &service.namespace, &service.name))
}

/// The Service is gone.
pub(super) fn remove(api: &Api, service: &Key) -> Outcome {
    let Some(target) = target(api, service) else { return Ok(None) };
    if api.store.get(&target.key()).is_some() {
        api.delete(&target, &DeleteOptions::default())?;
    }
    Ok(None)
}

pub(super) fn sync(api: &Api, key: &Key, scene: &Scene<'_>) -> Result<(), ApiError> {
    let Some(target) = target(api, key) else { return Ok(()) };
    let subsets = subsets(scene);
    let labels = labels(scene.service, [(MANAGED_BY, CONTROLLER)]);
    let caller = Caller::component(CALLER);
    let Some(held) = api.store.get(&target.key()) else {
        let mut made = json!({"metadata": {"name": key.name, "labels": labels}});
        set(&mut made, subsets);
        annotate(&mut made, scene.trigger);
        let made = api.create(&caller, &target.named(""), made, &WriteOptions::of(CALLER));
        // A namespace that is going away takes none.
        return made.map(drop).or_else(|error| if error.reason == "Forbidden" { Ok(()) } else { Err(error) });
    };
    let same = object::list(&held, "/subsets") == subsets && held["metadata"]["labels"] == labels;
    if !same {
        api.modify(&caller, &target, Part::Main, |endpoints| {
            endpoints["metadata"]["labels"] = labels;
            set(endpoints, subsets);
            annotate(endpoints, scene.trigger);
        })?;
    }
    Ok(())
}

fn set(endpoints: &mut Value, subsets: Vec<Value>) {
    let subsets = (!subsets.is_empty()).then(|| Value::from(subsets));
    object::set_or_remove(object::fields(endpoints), "subsets", subsets);
}

/// Pods that have the same ports.
#[derive(Default)]
struct Subset {
    ports: Vec<Value>,
    ready: Vec<Value>,
    unready: Vec<Value>,
}

/// Those of the same ports together, in the order of their addresses.
fn subsets(scene: &Scene<'_>) -> Vec<Value> {
    let unready_too = flag(scene.service, "/spec/publishNotReadyAddresses");
    let mut groups: BTreeMap<String, Subset> = BTreeMap::new();
    for pod in scene.pods.iter().map(Object::facts).filter(|pod| has_address(pod)) {
        let ports = ports(scene.service, pod);
        let leads_nowhere = ports.is_empty() && !is_headless(scene.service);
        if leads_nowhere || (pod.is_terminating && !unready_too) {
            continue;
        }
        let mut address = json!({
            "ip": pod.address,
            "nodeName": pod.node,
            "targetRef": target_ref(scene.service, pod),
        });
        if has_hostname(pod, scene.service) {
            address["hostname"] = (*pod.hostname).into();
        }
        let ports: Vec<Value> = ports.into_iter().map(without_empty_name).collect();
        let subset =
            groups.entry(format!("{ports:?}")).or_insert_with(|| Subset { ports, ..Subset::default() });
        let addresses = if unready_too || pod.is_ready { &mut subset.ready } else { &mut subset.unready };
        addresses.push(address);
    }
    groups.into_values().map(Subset::into_value).collect()
}

impl Subset {
    fn into_value(self) -> Value {
        let mut subset = json!({});
        for (field, mut addresses) in [("addresses", self.ready), ("notReadyAddresses", self.unready)] {
            if !addresses.is_empty() {
                addresses.sort_by_key(order);
                subset[field] = addresses.into();
            }
        }
        if !self.ports.is_empty() {
            subset["ports"] = self.ports.into();
        }
        subset
    }
}

fn order(address: &Value) -> (Option<IpAddr>, String) {
    (text(address, "/ip").parse().ok(), text(address, "/targetRef/uid").to_owned())
}

fn without_empty_name(mut port: Value) -> Value {
    if text(&port, "/name").is_empty() {
        object::fields(&mut port).remove("name");
    }
    port
}
