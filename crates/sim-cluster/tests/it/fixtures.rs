//! What a real kubelet and real controllers wrote, beside what the simulated ones write: the folder
//! `tests/fixtures` holds recordings of a real node. Compared are the status of every object and its events in
//! the order of their first occurrence; not names, uids, times, addresses and counts.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::LazyLock;
use std::time::Duration;

use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::{Event, Namespace, Pod};
use kube::api::ListParams;
use kube::{Api, Client};
use plimsoll_sim_cluster::{Answers, Behavior, Containers, NodeSize, Pull, SimCluster};
use regex::Regex;
use serde_json::{Value, json};

use crate::support::{LONG, apply, created, reaches, rolled_out, until};

fn recorded(file: &str) -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(file);
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

/// One node, as the recordings had.
async fn mk_node() -> SimCluster {
    let size = NodeSize { cpu: "4".into(), memory: "24581260Ki".into(), pods: 110 };
    SimCluster::builder().name("kl").nodes(1).node_size(size).seed(7).start().await.unwrap()
}

const WORDS: [(&str, &str); 9] = [
    // A uid in a message.
    (r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "UID"),
    (r"(containerd://|sha256:)[0-9a-f]{64}", "${1}HEX"),
    (r"kube-api-access-[a-z0-9]{5}", "kube-api-access"),
    (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", "TIME"),
    (r"10\.\d+\.\d+\.\d+", "ADDRESS"),
    (r"in \d+ms \(\d+ms including", "in MSms (MSms including"),
    (r"web-[a-z0-9]{8,10}-[a-z0-9]{5}", "web-SET-POD"),
    (r"web-[a-z0-9]{8,10}", "web-SET"),
    (r"Image size: \d+ bytes", "Image size: N bytes"),
];

static PATTERNS: LazyLock<Vec<(Regex, &str)>> =
    LazyLock::new(|| WORDS.iter().map(|(pattern, word)| (Regex::new(pattern).unwrap(), *word)).collect());

/// A value without what differs from run to run.
fn plain(value: &Value) -> Value {
    let mut value = value.clone();
    // What version 1 of cgroups says of a pod without a limit, and what newer runtimes tell of the user.
    if value.pointer("/resources/limits/memory") == Some(&json!("9007199254740988Ki")) {
        let resources = value["resources"].as_object_mut().unwrap();
        resources.remove("limits");
    }
    for container in value.get_mut("containerStatuses").and_then(Value::as_array_mut).into_iter().flatten() {
        container.as_object_mut().unwrap().remove("user");
    }
    let text = PATTERNS
        .iter()
        .fold(value.to_string(), |text, (pattern, word)| pattern.replace_all(&text, *word).into_owned());
    serde_json::from_str(&text).unwrap()
}

/// The events about each kind of object, in the order of their first occurrence and each once.
fn told(events: &[Value]) -> BTreeMap<String, Vec<Value>> {
    let mut by_kind: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    for event in events {
        let about = &event["involvedObject"];
        let kind = about["kind"].as_str().unwrap();
        if kind == "Node" {
            continue;
        }
        let seen = plain(&json!({
            "type": event["type"],
            "reason": event["reason"],
            "message": event["message"],
            "fieldPath": about["fieldPath"],
            "source": event["source"],
            "reportingComponent": event["reportingComponent"],
        }));
        let list = by_kind.entry(kind.to_owned()).or_default();
        if !list.contains(&seen) {
            list.push(seen);
        }
    }
    by_kind
}

/// When an event first occurred; whole seconds tell nothing of the order within them, which is that of the list.
fn first(event: &Value) -> String {
    let time =
        if event["firstTimestamp"].is_string() { &event["firstTimestamp"] } else { &event["eventTime"] };
    time.as_str().unwrap_or_default()[..19].to_owned()
}

/// As it is on the wire: a typed object has lost the nulls.
async fn raw(client: &Client, path: &str) -> Value {
    client.request(http::Request::get(path).body(Vec::new()).unwrap()).await.unwrap()
}

async fn events(client: &Client, namespace: &str, about: &str) -> Vec<Value> {
    let api: Api<Event> = Api::namespaced(client.clone(), namespace);
    let fields = ListParams::default().fields(&format!("involvedObject.name={about}"));
    let list = api.list(&fields).await.unwrap().items;
    list.iter().map(|event| serde_json::to_value(event).unwrap()).collect()
}

/// The pod that somebody wrote, from what the server made of it.
fn written(pod: &Value) -> Value {
    let containers: Vec<Value> = pod["spec"]["containers"]
        .as_array()
        .unwrap()
        .iter()
        .map(|container| {
            let mut container = container.clone();
            container.as_object_mut().unwrap().remove("volumeMounts");
            container
        })
        .collect();
    json!({"metadata": {"name": pod["metadata"]["name"]}, "spec": {"containers": containers}})
}

/// Runs a recorded pod until it is as it was when it was recorded.
async fn comes_to_be(name: &str, behavior: Behavior) {
    let pod = recorded(&format!("{name}.pod.json"));
    let mut expected = recorded(&format!("{name}.events.json"))["items"].as_array().unwrap().clone();
    expected.sort_by_key(first);
    let expected = (plain(&pod["status"]), told(&expected));

    let cluster = mk_node().await;
    let client = cluster.client();
    let namespaces: Api<Namespace> = Api::all(client.clone());
    created(&namespaces, json!({"metadata": {"name": "fail"}})).await;
    let api: Api<Pod> = Api::namespaced(client.clone(), "fail");
    // The node had the image from before.
    let image = json!([{"name": "app", "image": "registry.test/plimsoll/app:v1"}]);
    created(&api, json!({"metadata": {"name": "earlier"}, "spec": {"containers": image}})).await;
    until(&api, "earlier", reaches("/status/phase", "Running")).await;

    cluster.scripts().set(Containers::all(), behavior);
    created(&api, written(&pod)).await;
    let object = pod["metadata"]["name"].as_str().unwrap();
    let mut seen = Vec::new();
    let wait = async {
        loop {
            let found = &raw(&client, &format!("/api/v1/namespaces/fail/pods/{object}")).await;
            let found = (plain(&found["status"]), told(&events(&client, "fail", object).await));
            if found == expected {
                return;
            }
            if seen.last() != Some(&found) {
                seen.push(found);
            }
            tokio::time::sleep(SECOND / 10).await;
        }
    };
    if tokio::time::timeout(LONG, wait).await.is_err() {
        let texts = |states: &[(Value, BTreeMap<String, Vec<Value>>)]| {
            states
                .iter()
                .map(|(status, told)| format!("{status:#}\n{told:#?}"))
                .collect::<Vec<_>>()
                .join("\n\n")
        };
        panic!(
            "{name}: recorded was\n{}\n\nand never seen, but\n{}",
            texts(std::slice::from_ref(&expected)),
            texts(&seen)
        );
    }
}

const SECOND: Duration = Duration::from_secs(1);

#[tokio::test(start_paused = true)]
async fn pods_of_every_class_come_to_be_what_they_were_on_a_real_node() {
    for name in ["qos-besteffort", "qos-burstable", "qos-guaranteed"] {
        comes_to_be(name, Behavior::default()).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_pod_that_crashes_again_and_again_comes_to_be_what_it_was_on_a_real_node() {
    comes_to_be("crash-loop-backoff", Behavior::crashing(SECOND, 3)).await;
}

#[tokio::test(start_paused = true)]
async fn a_pod_without_an_image_comes_to_be_what_it_was_on_a_real_node() {
    comes_to_be("err-image-pull", Behavior::missing()).await;
}

#[tokio::test(start_paused = true)]
async fn a_pod_that_is_ready_no_more_comes_to_be_what_it_was_on_a_real_node() {
    comes_to_be("unready", Behavior::unready_after(4 * SECOND)).await;
}

#[tokio::test(start_paused = true)]
async fn a_pod_that_fits_nowhere_comes_to_be_what_it_was_on_a_real_node() {
    comes_to_be("unschedulable", Behavior::default()).await;
}

#[tokio::test(start_paused = true)]
async fn a_rollout_that_cannot_go_on_comes_to_be_what_it_was_on_a_real_node() {
    let deployment = recorded("bad-rollout.deploy.json");
    let cluster = mk_node().await;
    let client = cluster.client();
    let late = Behavior { ready: Answers::after(SECOND), ..Behavior::default() };
    cluster.scripts().set(Containers::of_image(":v1$").unwrap(), late);
    let gone = "rpc error: code = NotFound desc = failed to pull and unpack image \
                \"registry.test/plimsoll/app:v9\": failed to resolve image: registry.test/plimsoll/app:v9: not found";
    let missing = Behavior { pull: Pull::Fails(gone.to_owned()), ..Behavior::default() };
    cluster.scripts().set(Containers::of_image(":v9$").unwrap(), missing);

    let api: Api<Deployment> = Api::default_namespaced(client.clone());
    let mut wanted = json!({
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "web", "labels": deployment["metadata"]["labels"]},
        "spec": deployment["spec"],
    });
    let image = "/spec/template/spec/containers/0/image";
    *wanted.pointer_mut(image).unwrap() = json!("registry.test/plimsoll/app:v1");
    apply(&api, &wanted).await.unwrap();
    rolled_out(&client, "web").await;
    tokio::time::sleep(10 * SECOND).await;
    *wanted.pointer_mut(image).unwrap() = json!("registry.test/plimsoll/app:v9");
    apply(&api, &wanted).await.unwrap();

    // The bad pod shows its first error for ten seconds; the deadline is twelve.
    let statuses = async || {
        let mut found = BTreeMap::new();
        for (what, path) in [
            ("deployment", "/apis/apps/v1/namespaces/default/deployments"),
            ("sets", "/apis/apps/v1/namespaces/default/replicasets"),
            ("pods", "/api/v1/namespaces/default/pods"),
        ] {
            let list = raw(&client, path).await;
            let items = list["items"].as_array().unwrap().iter();
            found.insert(what.to_owned(), sorted(items.map(|item| plain(&item["status"]))));
        }
        found
    };
    let objects = recorded("bad-rollout.objects.json");
    let of_kind = |kind: &str| {
        let items = objects["items"].as_array().unwrap().iter();
        sorted(items.filter(|item| item["kind"] == kind).map(|item| plain(&item["status"])))
    };
    let expected = BTreeMap::from([
        ("deployment".to_owned(), of_kind("Deployment")),
        ("sets".to_owned(), of_kind("ReplicaSet")),
        ("pods".to_owned(), of_kind("Pod")),
    ]);
    let mut seen = BTreeMap::new();
    let wait = async {
        loop {
            seen = statuses().await;
            if seen == expected {
                return;
            }
            tokio::time::sleep(SECOND / 10).await;
        }
    };
    let reached = tokio::time::timeout(LONG, wait).await.is_ok();
    assert!(reached, "recorded was\n{expected:#?}\n\nand not seen; at last there was\n{seen:#?}");
}

fn sorted(values: impl Iterator<Item = Value>) -> Vec<Value> {
    let mut values: Vec<Value> = values.collect();
    values.sort_by_key(ToString::to_string);
    values
}
