//! Which crate may see which: the arrows of the design, read from what cargo resolves.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on ends")]

use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

/// What each package depends on to be built and run: development dependencies aside.
struct Graph(BTreeMap<String, BTreeSet<String>>);

impl Graph {
    fn read() -> Self {
        let output = Command::new(env!("CARGO"))
            .args(["metadata", "--format-version", "1", "--locked", "--offline"])
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let names: BTreeMap<_, _> = list(&metadata["packages"])
            .iter()
            .map(|package| (text(&package["id"]), text(&package["name"])))
            .collect();
        let mut graph: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for node in list(&metadata["resolve"]["nodes"]) {
            // Two versions of one name are one node: what either needs, both are taken to need.
            let needs = graph.entry(names[node["id"].as_str().unwrap()].clone()).or_default();
            for dependency in list(&node["deps"]) {
                if list(&dependency["dep_kinds"]).iter().any(|kind| kind["kind"].is_null()) {
                    needs.insert(names[dependency["pkg"].as_str().unwrap()].clone());
                }
            }
        }
        Self(graph)
    }

    fn direct(&self, package: &str) -> &BTreeSet<String> {
        self.0.get(package).unwrap_or_else(|| panic!("no package {package}"))
    }

    fn all(&self, package: &str) -> BTreeSet<String> {
        let mut found = BTreeSet::new();
        let mut open = vec![package.to_owned()];
        while let Some(package) = open.pop() {
            for dependency in self.direct(&package) {
                if found.insert(dependency.clone()) {
                    open.push(dependency.clone());
                }
            }
        }
        found
    }

    fn crates(&self) -> Vec<&str> {
        let own = self.0.keys().filter(|name| name.starts_with("plimsoll-"));
        own.map(String::as_str).filter(|name| !OUTSIDE.contains(name)).collect()
    }

    /// Those of the product's crates that name `package` in their manifest.
    fn users_of(&self, package: &str) -> Vec<&str> {
        let mut crates = self.crates();
        crates.retain(|name| self.direct(name).contains(package));
        crates
    }
}

fn list(value: &Value) -> &[Value] {
    value.as_array().unwrap()
}

/// Tests and what measures may see everything; none of it is part of the product.
const OUTSIDE: [&str; 7] = [
    "plimsoll-tests",
    "plimsoll-bench",
    "plimsoll-benchmarks",
    "plimsoll-fixture",
    "plimsoll-fuzzed",
    "plimsoll-histories",
    "plimsoll-machinery",
];

/// The crates that speak to something outside the process, or are spoken to.
const ADAPTERS: [&str; 6] = [
    "plimsoll-api-grpc",
    "plimsoll-api-rest",
    "plimsoll-k8s-adapter",
    "plimsoll-ledger",
    "plimsoll-registry",
    "plimsoll-sim-cluster",
];

#[test]
fn the_pure_crates_have_no_runtime_no_network_and_no_kubernetes_however_indirectly() {
    let graph = Graph::read();
    for pure in ["plimsoll-core", "plimsoll-qos"] {
        let dependencies = graph.all(pure);
        assert!(dependencies.contains("serde"), "{pure}: an empty graph would prove nothing");
        for banned in [
            "tokio",
            "kube",
            "kube-client",
            "k8s-openapi",
            "tonic",
            "axum",
            "prost",
            "etcd-client",
            "reqwest",
            "hyper",
            "redb",
            "rustls",
        ] {
            assert!(!dependencies.contains(banned), "{pure} depends on {banned}");
        }
    }
}

#[test]
fn only_the_adapter_and_the_simulation_see_kubernetes_types() {
    let graph = Graph::read();
    for package in ["kube", "k8s-openapi"] {
        assert_eq!(graph.users_of(package), ["plimsoll-k8s-adapter", "plimsoll-sim-cluster"], "{package}");
    }
}

#[test]
fn only_the_server_sees_every_adapter() {
    let graph = Graph::read();
    for adapter in ADAPTERS {
        let users = match adapter {
            // The command line speaks REST, in the words of the one who serves it.
            "plimsoll-api-rest" => vec!["plimsoll-cli", "plimsoll-server"],
            _ => vec!["plimsoll-server"],
        };
        assert_eq!(graph.users_of(adapter), users, "{adapter}");
    }
}

#[test]
fn the_worker_reaches_no_adapter_and_no_frontend() {
    let dependencies = Graph::read().all("plimsoll-worker");

    let own: Vec<_> = dependencies.iter().filter(|name| name.starts_with("plimsoll-")).collect();

    assert_eq!(own, ["plimsoll-core", "plimsoll-qos"]);
}

#[test]
fn the_simulation_knows_nothing_of_core() {
    let dependencies = Graph::read().all("plimsoll-sim-cluster");

    assert!(dependencies.contains("k8s-openapi"));
    let own: Vec<_> = dependencies.iter().filter(|name| name.starts_with("plimsoll-")).collect();
    // Quantities, QoS classes and what pods count for are Kubernetes' own, and compared with its code.
    assert_eq!(own, ["plimsoll-qos"]);
}
