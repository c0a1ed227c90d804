//! `Endpoints` and `EndpointSlices`: where the pods behind a Service are.

mod slices;
mod subsets;

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;

use super::Outcome;
use super::rest::{self, Rest};
use crate::api::Api;
use crate::clock;
use crate::object::{self, list, map, text};
use crate::select::LabelSelector;
use crate::store::{Facts, Key, Object};
use crate::tree::{Value, json};

const CALLER: &str = "kube-controller-manager";
/// The moment of the change that an object is the consequence of.
const TRIGGER: &str = "endpoints.kubernetes.io/last-change-trigger-time";
const HEADLESS: &str = "service.kubernetes.io/headless";

pub(super) struct Endpoints {
    api: Arc<Api>,
    known: BTreeMap<Key, Triggers>,
    rest: Rest,
}

/// The moments that were seen last of a Service and of each pod.
#[derive(Debug, Default)]
struct Triggers {
    service: Option<Timestamp>,
    pods: BTreeMap<String, Timestamp>,
}

/// A Service and the pods that it selects.
struct Scene<'a> {
    service: &'a Object,
    pods: &'a [Object],
    trigger: Option<Timestamp>,
}

impl Endpoints {
    pub(super) fn new(api: Arc<Api>) -> Self {
        Self { api, known: BTreeMap::new(), rest: Rest::default() }
    }

    pub(super) fn sync(&mut self, key: &Key) -> Outcome {
        let Some(service) = self.api.store.get(key) else {
            self.known.remove(key);
            self.rest.forget(key);
            // The slices have an owner, and go with it.
            return subsets::remove(&self.api, key);
        };
        let Some(selector) = selector(&service) else { return Ok(None) };
        let pods = self.api.store.select("pods", &key.namespace, &selector);
        if let Some(outcome) = self.rest.of(key, self.scene(key, &service, &pods), self.api.now()) {
            return outcome;
        }
        let trigger = self.trigger(key, &service, &pods);
        let scene = Scene { service: &service, pods: &pods, trigger };
        subsets::sync(&self.api, key, &scene)?;
        slices::sync(&self.api, key, &scene)?;
        self.rest.note(key, self.scene(key, &service, &pods), self.api.now(), None);
        Ok(None)
    }

    /// The Service, what is told of it so far, and its pods.
    fn scene(&self, key: &Key, service: &Object, pods: &[Object]) -> u64 {
        let mut told = slices::held(&self.api, service);
        told.extend(self.api.store.get(&Key::new("endpoints", key.namespace.as_str(), key.name.as_str())));
        rest::scene(told.iter().chain([service]), pods)
    }

    /// The earliest of the changes since the last look; of a new Service, that it was made.
    fn trigger(&mut self, key: &Key, service: &Value, pods: &[Object]) -> Option<Timestamp> {
        let made = clock::parse(text(service, "/metadata/creationTimestamp"));
        let is_new = !self.known.contains_key(key);
        let known = self.known.entry(key.clone()).or_default();
        let mut changed: Vec<Timestamp> = made.filter(|at| known.service < Some(*at)).into_iter().collect();
        let mut seen = BTreeMap::new();
        for pod in pods {
            let Some(at) = pod.facts().ready_since else { continue };
            let name = &*pod.facts().name;
            changed.extend((known.pods.get(name) < Some(&at)).then_some(at));
            seen.insert(name.to_owned(), at);
        }
        *known = Triggers { service: made, pods: seen };
        if is_new { made } else { changed.into_iter().min() }
    }
}

/// What a Service selects; none when somebody else says where it leads.
pub(super) fn selector(service: &Value) -> Option<LabelSelector> {
    if text(service, "/spec/type") == "ExternalName" {
        return None;
    }
    let labels = map(service, "/spec/selector").filter(|labels| !labels.is_empty())?;
    LabelSelector::from_object(&json!({"matchLabels": labels}))
}

/// Whether a pod can be led to at all: it has an address and has not come to its end.
fn has_address(pod: &Facts) -> bool {
    !pod.is_finished && !pod.address.is_empty()
}

/// The ports of a Service on a pod. One that is named and not there is left out.
fn ports(service: &Value, pod: &Facts) -> Vec<Value> {
    let on_pod = |port: &Value| {
        let target = &port["targetPort"];
        let Some(name) = target.as_str() else { return target.as_i64() };
        let named = pod.ports.iter().filter(|held| &*held.name == name && port["protocol"] == *held.protocol);
        named.into_iter().find_map(|held| held.number)
    };
    let ports = list(service, "/spec/ports").iter();
    ports
        .filter_map(|port| {
            let mut on =
                json!({"name": text(port, "/name"), "port": on_pod(port)?, "protocol": port["protocol"]});
            if let Some(protocol) = port.get("appProtocol") {
                on["appProtocol"] = protocol.clone();
            }
            Some(on)
        })
        .collect()
}

fn target_ref(service: &Value, pod: &Facts) -> Value {
    json!({
        "kind": "Pod",
        "namespace": object::namespace(service),
        "name": pod.name,
        "uid": pod.uid,
    })
}

/// Whether the pod goes by a name of its own below that of the Service.
fn has_hostname(pod: &Facts, service: &Value) -> bool {
    !pod.hostname.is_empty() && *pod.subdomain == *object::name(service)
}

fn is_headless(service: &Value) -> bool {
    text(service, "/spec/clusterIP") == "None"
}

/// The labels of the Service, and those that say what this is.
fn labels<const N: usize>(service: &Value, own: [(&str, &str); N]) -> Value {
    let mut labels = map(service, "/metadata/labels").cloned().unwrap_or_default();
    object::set_or_remove(&mut labels, HEADLESS, is_headless(service).then(|| "".into()));
    labels.extend(own.map(|(key, value)| (key.to_owned(), value.into())));
    labels.into()
}

/// Sets the annotation that says what it all is the consequence of.
fn annotate(object: &mut Value, trigger: Option<Timestamp>) {
    let metadata = object::metadata(object);
    let mut annotations = metadata.get("annotations").and_then(Value::as_object).cloned().unwrap_or_default();
    object::set_or_remove(&mut annotations, TRIGGER, trigger.map(|at| clock::seconds(at).into()));
    let annotations = (!annotations.is_empty()).then_some(Value::Object(annotations));
    object::set_or_remove(metadata, "annotations", annotations);
}
