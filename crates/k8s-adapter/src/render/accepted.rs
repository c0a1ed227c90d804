//! Whatever the validator takes, the renderer can make: nothing accepted fails later in a data center, and what is made
//! of it is what its grade promises.

use plimsoll_core::cluster::Power;
use plimsoll_core::document::{self, AppDocument};
use plimsoll_core::scale::{Autoscale, Replication};
use plimsoll_qos::lint::{self, Finding, Object, Rule};
use plimsoll_qos::{Pod, Policy, QosClass, Ratio, Resources, Terms, qos_class};
use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::{Rendering, render};
use crate::companions::Beside;
use crate::contract::mk::{DC, MkDelivery};

const IMAGE: &str = "registry.example.com/demo/shop:1.4@sha256:\
                     0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

/// Values for each field, at the edges of what is taken and a little beyond.
fn values(field: &str) -> Vec<Value> {
    let check = |check: Value| json!({"startup": check, "readiness": check, "liveness": check});
    let container = |name: &str| {
        json!({
            "name": name,
            "image": IMAGE,
            "size": {"cpu": "1m", "memory": "4Mi"},
            "env": {"A.b-c_D": ""},
            "envFromSecrets": {"S": {"secret": "s", "key": "k"}},
        })
    };
    let long = "a".repeat(63);
    let dc = |overlay: Value| json!({DC: overlay});
    let list = match field {
        "grade" => json!(["system", "important", "general-2", "general-5", "general-10", "golden"]),
        "size" => json!([
            {"cpu": "1m", "memory": "4Mi"},
            {"cpu": "333m", "memory": "4194305"},
            {"cpu": 96, "memory": "1Ti", "ephemeralStorage": "64Gi"},
            {"cpu": "0.001", "memory": "64Mi", "ephemeralStorage": "1"},
            {"cpu": 0, "memory": 0},
            {"cpu": "9e15", "memory": "8Ei"},
        ]),
        "scale" => json!([
            {"replicas": 0},
            {"replicas": 1000},
            {"autoscale": {"min": 1, "max": 1, "cpuPercent": 1}},
            {"autoscale": {"min": 1, "max": 1000, "cpuPercent": 90}},
            {"placement": ["dc-9"]},
            {"exceptions": dc(json!({"autoscale": {"min": 3, "max": 9}}))},
        ]),
        "ports" => json!([
            [{"name": "http", "port": 8080}],
            [{"name": "http", "port": 65535, "servicePort": 1}, {"name": "a-1", "port": 65535, "protocol": "UDP"}],
            [{"name": "a", "port": 1}, {"name": "b", "port": 1}],
        ]),
        "probes" => json!([
            check(json!({"http": {"path": "/?a=b", "port": 1}, "period": "1h", "timeout": "5m"})),
            check(
                json!({"exec": {"command": ["/bin/x", ""]}, "initialDelay": "1h", "failureThreshold": 1000})
            ),
            check(json!({"grpc": {"port": 65535, "service": "ä b"}})),
            check(json!({"tcp": {"port": "http"}})),
        ]),
        "env" => json!([{}, {"A": "\u{7f}\n\t", "_": "$(B) ${C} $$"}, {"S": "clash"}]),
        "envFromSecrets" => {
            json!([{"S": {"secret": "a.b", "key": "..k"}}, {"S": {"secret": "a.b", "key": "-"}}])
        }
        "files" => json!([
            [{"path": "/etc/a", "content": "", "mode": "0000"}, {"path": "/etc/b", "content": "ü".repeat(2000)}],
            [{"path": "/a b/ü", "content": "x", "mode": "777"}],
            [{"path": format!("/{long}/{long}/{long}/{long}"), "content": "x"}],
        ]),
        "secretFiles" => json!([[{"path": "/k", "secret": "s", "key": "k", "mode": "0400"}]]),
        "scratch" => json!([
            [{"path": "/tmp", "size": "1"}, {"path": "/var/x", "size": "1Gi"}],
            [{"path": "/etc/a/b", "size": "1Ki"}],
        ]),
        "user" => json!([0, 1, 2_147_483_647]),
        "init" => json!([[container("a"), container(&long)], [container("app")]]),
        "sidecars" => json!([[container("a")], [container("0")], [container("b"), container("b")]]),
        "shutdown" => json!([{"drain": "0s", "grace": "1s"}, {"drain": "10m", "grace": "1h"}]),
        "apiToken" => json!(["Mounted", "None"]),
        "dataCenters" => json!([
            dc(json!({"env": {"A": "there"}, "files": [{"path": "/etc/a", "content": "there"}]})),
            dc(json!({"files": [{"path": "/etc/a/b", "content": ""}]})),
            {"dc-9": {"env": {"B": "x"}}},
        ]),
        "command" => json!([["/bin/x"], [""], ["$(A)", "--"]]),
        "args" => json!([[], ["", "\u{1b}[0m"]]),
        other => panic!("no values for {other}"),
    };
    list.as_array().cloned().unwrap_or_default()
}

fn any_spec() -> impl Strategy<Value = Value> {
    let always = ["grade", "size"];
    let sometimes = [
        "scale",
        "ports",
        "probes",
        "env",
        "envFromSecrets",
        "files",
        "secretFiles",
        "scratch",
        "user",
        "init",
        "sidecars",
        "shutdown",
        "apiToken",
        "dataCenters",
        "command",
        "args",
    ];
    let some =
        |field: &'static str| prop::sample::select(values(field)).prop_map(move |value| (field, value));
    let sometimes: Vec<_> =
        sometimes.into_iter().map(|field| prop::option::weighted(0.3, some(field))).collect();
    (always.map(some), sometimes).prop_map(|(always, sometimes)| {
        let fields = always.into_iter().chain(sometimes.into_iter().flatten());
        let mut spec: Map<String, Value> = fields.map(|(field, value)| (field.to_owned(), value)).collect();
        spec.insert("image".to_owned(), json!(IMAGE));
        Value::Object(spec)
    })
}

fn read(spec: &Value) -> Option<AppDocument> {
    let document = json!({
        "apiVersion": document::API_VERSION,
        "kind": document::KIND,
        "metadata": {"name": "a".repeat(40), "namespace": "demo"},
        "spec": spec,
    });
    document::validate(&document).ok()
}

fn renders(document: AppDocument, power: Power) {
    let terms = document.content.terms;
    let mut delivery = MkDelivery::new("demo");
    delivery.replication = document.scale.of(&DC.parse().unwrap());
    delivery.app = document.app;
    delivery.content = Some(document.content);
    delivery.power = power;
    let is_low = matches!(delivery.replication, Replication::Auto(Autoscale { cpu_percent: ..50, .. }));
    let rendering = render(&delivery.delivery()).unwrap().unwrap();
    assert_eq!(rendering.deployment.body["kind"], "Deployment");
    let mut found = findings(&rendering);
    // Who asks for pods that are hardly used gets them.
    found.retain(|finding| !(is_low && finding.rule == Rule::TargetNotScaled));
    assert_eq!(found, []);
    assert_eq!(class(&rendering), promised(&terms));
    let stored = template(&rendering).defaulted();
    assert_eq!(filled_in(&stored, &own_range()), stored, "the range has nothing to add");
}

/// What the `LimitRange` says that stands in every Namespace.
fn own_range() -> Value {
    let missing = Beside::default().missing("demo", &[]);
    let range = missing.iter().find(|object| object["kind"] == "LimitRange").unwrap();
    range["spec"]["limits"][0].clone()
}

/// The pod as `LimitRanger` leaves it, which comes after the API server's own defaults: what a container does not say is
/// that of the range (`plugin/pkg/admission/limitranger`, `mergePodResourceRequirements`, Kubernetes v1.37).
fn filled_in(pod: &Pod, range: &Value) -> Pod {
    let read = |field: &str| serde_json::from_value::<Resources>(range[field].clone()).unwrap();
    let (limits, requests) = (read("default"), read("defaultRequest"));
    let mut pod = pod.clone();
    for container in pod.containers.iter_mut().chain(&mut pod.init_containers) {
        let own = &mut container.resources;
        for (given, own) in [(&limits, &mut own.limits), (&requests, &mut own.requests)] {
            let missing: Vec<_> = given.into_iter().filter(|(name, _)| !own.contains(name)).collect();
            for (name, amount) in missing {
                own.insert(name.clone(), amount.clone());
            }
        }
    }
    pod
}

#[test]
fn a_range_adds_what_somebody_elses_container_does_not_say() {
    let injected: Pod = serde_json::from_value(json!({"containers": [{"name": "proxy"}]})).unwrap();
    let filled = filled_in(&injected.defaulted(), &own_range());
    assert_ne!(filled, injected);
    assert_eq!(qos_class(&filled).class, QosClass::Guaranteed);
}

/// What speaks against anything of it, beside what stands in every Namespace.
fn findings(rendering: &Rendering) -> Vec<Finding> {
    let own = std::iter::once(&rendering.deployment).chain(&rendering.autoscaler);
    let objects = own.map(|object| object.body.clone()).chain(Beside::default().missing("demo", &[]));
    let objects: Vec<Object> = objects.map(|object| serde_json::from_value(object).unwrap()).collect();
    lint::lint(&objects, &Policy::default())
}

fn template(rendering: &Rendering) -> Pod {
    let pod = &rendering.deployment.body["spec"]["template"]["spec"];
    serde_json::from_value(pod.clone()).unwrap()
}

fn class(rendering: &Rendering) -> QosClass {
    qos_class(&template(rendering).defaulted()).class
}

fn promised(terms: &Terms) -> QosClass {
    let is_sold_once = [terms.cpu, terms.memory].into_iter().all(|ratio| ratio == Ratio::ONE);
    if is_sold_once { QosClass::Guaranteed } else { QosClass::Burstable }
}

proptest! {
    #[test]
    fn every_accepted_document_renders(spec in any_spec()) {
        if let Some(document) = read(&spec) {
            renders(document.clone(), Power::Online);
            renders(document, Power::Offline);
        }
    }
}

#[test]
fn each_value_is_taken_by_itself_or_told_to_be_a_fault() {
    let mut taken = 0;
    for field in ["grade", "size", "scale", "env", "files", "scratch", "sidecars", "shutdown", "dataCenters"]
    {
        for value in values(field) {
            let mut spec = json!({"grade": "general-2", "image": IMAGE, "size": {"cpu": 1, "memory": "1Gi"}});
            spec[field] = value;
            if let Some(document) = read(&spec) {
                renders(document, Power::Online);
                taken += 1;
            }
        }
    }
    assert!(taken > 20, "the values above are mostly good ones: {taken}");
}
