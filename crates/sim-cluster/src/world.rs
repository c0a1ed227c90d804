//! What every cluster has from the start: namespaces, nodes, the two priority classes of the system.

use serde_json::{Value, json};

use crate::api::{Api, Caller, Part, Target, WriteOptions};
use crate::builder::NodeSize;
use crate::control::node::HEALTHY;
use crate::http::VERSION;
use crate::status::ApiError;
use crate::store::Key;

const CALLER: &str = "kube-apiserver";

/// Makes what is missing; objects that are there already are left as they are.
pub(crate) fn furnish(api: &Api, name: &str, nodes: usize, size: &NodeSize) -> Result<(), ApiError> {
    for namespace in ["kube-system", "default", "kube-public", "kube-node-lease"] {
        ensure(api, "namespaces", "", json!({"metadata": {"name": namespace}}))?;
    }
    for (class, value, purpose) in [
        (
            "system-node-critical",
            2_000_001_000_i64,
            "Used for system critical pods that must not be moved from their current node.",
        ),
        (
            "system-cluster-critical",
            2_000_000_000,
            "Used for system critical pods that must run in the cluster, but can be moved to another node if necessary.",
        ),
    ] {
        let class = json!({"metadata": {"name": class}, "value": value, "description": purpose});
        ensure(api, "priorityclasses.scheduling.k8s.io", "", class)?;
    }
    ensure(
        api,
        "services",
        "default",
        json!({
            "metadata": {
                "name": "kubernetes",
                "labels": {"component": "apiserver", "provider": "kubernetes"},
            },
            "spec": {
                "clusterIP": "10.96.0.1",
                "ports": [{"name": "https", "port": 443, "targetPort": 6443}],
            },
        }),
    )?;
    for number in 1..=nodes {
        ensure_node(api, &format!("{name}-n{number}"), number, size)?;
    }
    Ok(())
}

fn ensure(api: &Api, table: &str, namespace: &str, object: Value) -> Result<bool, ApiError> {
    let name = crate::object::name(&object).to_owned();
    if api.store.get(&Key::new(table, namespace, name)).is_some() {
        return Ok(false);
    }
    let Some(resource) = api.registry.by_key(table) else { return Ok(false) };
    let target = Target::new(&resource, namespace, "");
    api.create(&Caller::component(CALLER), &target, object, &WriteOptions::of(CALLER))?;
    Ok(true)
}

fn ensure_node(api: &Api, name: &str, number: usize, size: &NodeSize) -> Result<(), ApiError> {
    let labels = json!({
        "beta.kubernetes.io/arch": "amd64",
        "beta.kubernetes.io/os": "linux",
        "kubernetes.io/arch": "amd64",
        "kubernetes.io/hostname": name,
        "kubernetes.io/os": "linux",
    });
    let annotations = json!({"node.alpha.kubernetes.io/ttl": "0"});
    let node = json!({"metadata": {"name": name, "labels": labels, "annotations": annotations}});
    if !ensure(api, "nodes", "", node)? {
        return Ok(());
    }
    let Some(resource) = api.registry.by_key("nodes") else { return Ok(()) };
    let status = status(api, name, number, size);
    let target = Target::new(&resource, "", name);
    api.modify(&Caller::component("kubelet"), &target, Part::Status, |node| node["status"] = status)?;
    Ok(())
}

fn status(api: &Api, name: &str, number: usize, size: &NodeSize) -> Value {
    let NodeSize { cpu, memory, pods } = size;
    let now = api.timestamp();
    let condition = |kind: &str, status: &str, reason: &str, message: &str| {
        json!({
            "type": kind,
            "status": status,
            "reason": reason,
            "message": message,
            "lastHeartbeatTime": now,
            "lastTransitionTime": now,
        })
    };
    let amounts = json!({
        "cpu": cpu,
        "memory": memory,
        "pods": pods.to_string(),
        "ephemeral-storage": "100Gi",
        "hugepages-1Gi": "0",
        "hugepages-2Mi": "0",
    });
    json!({
        "addresses": [
            {"type": "InternalIP", "address": format!("10.0.{}.{}", number / 250, number % 250 + 1)},
            {"type": "Hostname", "address": name},
        ],
        "allocatable": amounts,
        "capacity": amounts,
        "conditions": HEALTHY.map(|[kind, status, reason, message]| condition(kind, status, reason, message)),
        "daemonEndpoints": {"kubeletEndpoint": {"Port": 10250}},
        "nodeInfo": {
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
        },
    })
}
