//! A node that is new: what its kubelet says of it, and the lease by which it is known to live.

use crate::api::{Api, Caller, Part, Target, WriteOptions};
use crate::http::VERSION;
use crate::object::{self, condition};
use crate::status::ApiError;
use crate::store::Key;
use crate::tree::{Value, json};

const CALLER: &str = "kubelet";
/// Where the leases of nodes are.
pub(super) const LEASES: &str = "kube-node-lease";
/// How long a lease holds, in seconds.
const LEASE: i64 = 40;

/// What a kubelet says of its node: condition, status, reason and message.
pub(super) const HEALTHY: [[&str; 4]; 4] = [
    ["MemoryPressure", "False", "KubeletHasSufficientMemory", "kubelet has sufficient memory available"],
    ["DiskPressure", "False", "KubeletHasNoDiskPressure", "kubelet has no disk pressure"],
    ["PIDPressure", "False", "KubeletHasSufficientPID", "kubelet has sufficient PID available"],
    ["Ready", "True", "KubeletReady", "kubelet is posting ready status"],
];

/// Says of a node what nobody has said yet. Every node has a kubelet, also one that a client made.
pub(super) fn register(api: &Api, node: &Value) -> Result<(), ApiError> {
    if condition(node, "Ready").is_none() {
        let target = target(api, "nodes", "", object::name(node));
        let number = api.store.list("nodes", None).len();
        let said = status(api, object::name(node), number);
        if let Some(target) = target {
            api.modify(&Caller::component(CALLER), &target, Part::Status, |node| {
                let held = object::child(node, "status");
                for (field, value) in said {
                    held.entry(field.to_owned()).or_insert(value);
                }
            })?;
        }
    }
    lease(api, node)
}

/// Takes the lease of a node; [`renewal`](super::renewal) says when it is renewed.
pub(crate) fn lease(api: &Api, node: &Value) -> Result<(), ApiError> {
    let name = object::name(node);
    let is_there =
        |table: &str, namespace: &str, name: &str| api.store.get(&Key::new(table, namespace, name)).is_some();
    if is_there("leases.coordination.k8s.io", LEASES, name) || !is_there("namespaces", "", LEASES) {
        return Ok(());
    }
    let Some(target) = target(api, "leases.coordination.k8s.io", LEASES, "") else { return Ok(()) };
    let owner = json!({"apiVersion": "v1", "kind": "Node", "name": name, "uid": object::uid(node)});
    let lease = json!({
        "metadata": {"name": name, "ownerReferences": [owner]},
        "spec": {
            "holderIdentity": name,
            "leaseDurationSeconds": LEASE,
            "renewTime": crate::clock::micros(api.now()),
        },
    });
    api.create(&Caller::component(CALLER), &target, lease, &WriteOptions::of(CALLER)).map(drop)
}

fn target(api: &Api, table: &str, namespace: &str, name: &str) -> Option<Target> {
    Some(Target::new(&api.registry.by_key(table)?, namespace, name))
}

/// The fields of the status that do not depend on the size of a node.
pub(crate) fn status(api: &Api, name: &str, number: usize) -> [(&'static str, Value); 4] {
    let now = api.timestamp();
    let condition = |[kind, status, reason, message]: [&str; 4]| {
        json!({
            "type": kind,
            "status": status,
            "reason": reason,
            "message": message,
            "lastHeartbeatTime": now,
            "lastTransitionTime": now,
        })
    };
    let addresses = json!([
        {"type": "InternalIP", "address": format!("10.0.{}.{}", number / 250, number % 250 + 1)},
        {"type": "Hostname", "address": name},
    ]);
    let info = json!({
        "architecture": "amd64",
        "bootID": api.new_uid(),
        "containerRuntimeVersion": "containerd://1.6.20",
        "kernelVersion": "6.12.0",
        "kubeProxyVersion": "",
        "kubeletVersion": VERSION,
        "machineID": api.new_uid().replace('-', ""),
        "operatingSystem": "linux",
        "osImage": "Simulated Linux",
        "systemUUID": api.new_uid(),
    });
    [
        ("addresses", addresses),
        ("conditions", HEALTHY.map(condition).to_vec().into()),
        ("daemonEndpoints", json!({"kubeletEndpoint": {"Port": 10250}})),
        ("nodeInfo", info),
    ]
}
