//! The `EndpointSlices` of a Service: its pods, at most a hundred in one object.

use std::collections::{BTreeMap, BTreeSet};

use super::super::{controlled, controller_reference};
use super::{CALLER, Scene, annotate, has_address, has_hostname, labels, ports, target_ref};
use crate::api::{Api, Caller, DeleteOptions, Part, Target, WriteOptions};
use crate::object::{self, flag, list, text};
use crate::status::ApiError;
use crate::store::{Facts, Key, Object};
use crate::tree::{Value, json};

/// How many addresses a slice holds.
const ROOM: usize = 100;
const SERVICE: &str = "kubernetes.io/service-name";
const MANAGED_BY: &str = "endpointslice.kubernetes.io/managed-by";
const CONTROLLER: &str = "endpointslice-controller.k8s.io";

/// What is to lie in one slice; without a name it is to be made.
struct Slice {
    name: Option<String>,
    ports: Vec<Value>,
    endpoints: Vec<Value>,
}

pub(super) fn sync(api: &Api, key: &Key, scene: &Scene<'_>) -> Result<(), ApiError> {
    if object::is_terminating(scene.service) {
        return Ok(());
    }
    let Some(resource) = api.registry.by_key("endpointslices.discovery.k8s.io") else { return Ok(()) };
    let collection = Target::new(&resource, &key.namespace, "");
    let caller = Caller::component(CALLER);
    let held = held(api, scene.service);
    let (slices, spare) = arrange(&held, wanted(api, scene));
    let labels = labels(scene.service, [(SERVICE, key.name.as_str()), (MANAGED_BY, CONTROLLER)]);
    for slice in slices {
        let Some(name) = slice.name else {
            let mut made = json!({
                "metadata": {
                    "generateName": format!("{}-", key.name),
                    "labels": labels,
                    "ownerReferences": [controller_reference(scene.service)],
                },
                "addressType": "IPv4",
                "endpoints": or_null(slice.endpoints),
                "ports": or_null(slice.ports),
            });
            annotate(&mut made, scene.trigger);
            match api.create(&caller, &collection, made, &WriteOptions::of(CALLER)) {
                // A namespace that is going away takes none.
                Err(error) if error.reason != "Forbidden" => return Err(error),
                _ => continue,
            }
        };
        let found = held.iter().find(|held| object::name(held) == name);
        let same = found.is_some_and(|held| {
            list(held, "/endpoints") == slice.endpoints
                && list(held, "/ports") == slice.ports
                && held["metadata"]["labels"] == labels
        });
        if !same {
            api.modify(&caller, &collection.named(&name), Part::Main, |held| {
                held["metadata"]["labels"] = labels.clone();
                held["endpoints"] = or_null(slice.endpoints);
                held["ports"] = or_null(slice.ports);
                annotate(held, scene.trigger);
            })?;
        }
    }
    for name in spare {
        api.delete(&collection.named(&name), &DeleteOptions::default())?;
    }
    Ok(())
}

/// The slices of a Service.
pub(super) fn held(api: &Api, service: &Object) -> Vec<Object> {
    controlled(api, "endpointslices.discovery.k8s.io", service)
}

/// The endpoints by the ports that they have.
fn wanted(api: &Api, scene: &Scene<'_>) -> BTreeMap<String, (Vec<Value>, Vec<Value>)> {
    let mut groups: BTreeMap<String, (Vec<Value>, Vec<Value>)> = BTreeMap::new();
    for pod in scene.pods.iter().map(Object::facts).filter(|pod| has_address(pod)) {
        let ports = ports(scene.service, pod);
        let (_, endpoints) = groups.entry(format!("{ports:?}")).or_insert_with(|| (ports, Vec::new()));
        endpoints.push(endpoint(api, pod, scene.service));
    }
    groups
}

fn endpoint(api: &Api, pod: &Facts, service: &Value) -> Value {
    let (serving, terminating) = (pod.is_ready, pod.is_terminating);
    let ready = flag(service, "/spec/publishNotReadyAddresses") || (serving && !terminating);
    let mut endpoint = json!({
        "addresses": [pod.address],
        "conditions": {"ready": ready, "serving": serving, "terminating": terminating},
        "targetRef": target_ref(service, pod),
    });
    let node = &*pod.node;
    if !node.is_empty() {
        endpoint["nodeName"] = node.into();
        let node = api.store.get(&Key::new("nodes", "", node));
        if let Some(zone) =
            node.as_deref().and_then(|node| object::label(node, "topology.kubernetes.io/zone"))
        {
            endpoint["zone"] = zone.into();
        }
    }
    if has_hostname(pod, service) {
        endpoint["hostname"] = (*pod.hostname).into();
    }
    endpoint
}

/// Leaves each endpoint in the slice that it is in, fills up what has room, and makes new slices for the rest. The
/// names are of slices that nothing is left in.
fn arrange(
    held: &[Object],
    mut groups: BTreeMap<String, (Vec<Value>, Vec<Value>)>,
) -> (Vec<Slice>, Vec<String>) {
    if groups.is_empty() {
        groups.insert(String::new(), (Vec::new(), Vec::new()));
    }
    let mut unused: BTreeSet<String> = held.iter().map(|held| object::name(held).to_owned()).collect();
    let mut slices = Vec::new();
    for (ports, endpoints) in groups.into_values() {
        let mut of_group: Vec<Slice> = Vec::new();
        let mut left: BTreeMap<String, Value> = endpoints
            .into_iter()
            .map(|endpoint| (text(&endpoint, "/targetRef/uid").to_owned(), endpoint))
            .collect();
        for held in held.iter().filter(|held| list(held, "/ports") == ports) {
            let stay: Vec<Value> = list(held, "/endpoints")
                .iter()
                .filter_map(|endpoint| left.remove(text(endpoint, "/targetRef/uid")))
                .collect();
            if !stay.is_empty() {
                let name = object::name(held).to_owned();
                unused.remove(&name);
                of_group.push(Slice { name: Some(name), ports: ports.clone(), endpoints: stay });
            }
        }
        let mut rest = left.into_values().peekable();
        for slice in &mut of_group {
            let room = ROOM.saturating_sub(slice.endpoints.len());
            slice.endpoints.extend(rest.by_ref().take(room));
        }
        while rest.peek().is_some() || of_group.is_empty() {
            let endpoints = rest.by_ref().take(ROOM).collect();
            // What would be deleted otherwise is filled anew.
            let name = unused.pop_first();
            of_group.push(Slice { name, ports: ports.clone(), endpoints });
        }
        slices.extend(of_group);
    }
    (slices, unused.into_iter().collect())
}

/// An empty list as a server stores it.
fn or_null(items: Vec<Value>) -> Value {
    if items.is_empty() { Value::Null } else { items.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn endpoints(numbers: std::ops::Range<usize>) -> Vec<Value> {
        numbers.map(|number| json!({"targetRef": {"uid": format!("{number:04}")}})).collect()
    }

    fn wanted(numbers: std::ops::Range<usize>) -> BTreeMap<String, (Vec<Value>, Vec<Value>)> {
        BTreeMap::from([(String::new(), (vec![json!({"port": 80})], endpoints(numbers)))])
    }

    fn held(name: &str, endpoints: &[Value]) -> Object {
        json!({"metadata": {"name": name}, "endpoints": endpoints, "ports": [{"port": 80}]}).into()
    }

    fn sizes(slices: &[Slice]) -> Vec<(Option<&str>, usize)> {
        slices.iter().map(|slice| (slice.name.as_deref(), slice.endpoints.len())).collect()
    }

    #[test]
    fn a_slice_holds_a_hundred_and_the_rest_goes_into_others() {
        let (slices, spare) = arrange(&[], wanted(0..250));
        assert_eq!(sizes(&slices), [(None, 100), (None, 100), (None, 50)]);
        assert_eq!(spare, Vec::<String>::new());
    }

    #[test]
    fn endpoints_stay_where_they_are_and_room_is_filled_first() {
        let before = [held("a", &endpoints(0..60)), held("b", &endpoints(60..70))];
        let (slices, spare) = arrange(&before, wanted(20..160));
        assert_eq!(sizes(&slices), [(Some("a"), 100), (Some("b"), 40)]);
        assert_eq!(slices[0].endpoints[0], endpoints(20..21)[0]);
        assert_eq!(spare, Vec::<String>::new());
    }

    #[test]
    fn slices_that_nothing_is_left_in_go_but_one() {
        let before = [held("a", &endpoints(0..5)), held("b", &endpoints(5..9))];
        let (slices, spare) = arrange(&before, BTreeMap::new());
        assert_eq!(sizes(&slices), [(Some("a"), 0)]);
        assert_eq!(spare, ["b"]);
        let (slices, spare) = arrange(&before, wanted(0..5));
        assert_eq!((sizes(&slices), spare), (vec![(Some("a"), 5)], vec!["b".to_owned()]));
    }
}
