//! What every cluster has from the start: namespaces, nodes, the two priority classes of the system.

use crate::api::{Api, Caller, Part, Target, WriteOptions};
use crate::builder::NodeSize;
use crate::control::registration;
use crate::object;
use crate::status::ApiError;
use crate::store::Key;
use crate::tree::{Value, json};

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
    let (said, size) = (registration::status(api, name, number), amounts(size));
    let target = Target::new(&resource, "", name);
    let node = api.modify(&Caller::component("kubelet"), &target, Part::Status, |node| {
        let status = object::child(node, "status");
        status.extend(said.map(|(field, value)| (field.to_owned(), value)));
        status.insert("allocatable", size.clone());
        status.insert("capacity", size);
    })?;
    registration::lease(api, &node)
}

/// How much a node has of everything.
fn amounts(size: &NodeSize) -> Value {
    let NodeSize { cpu, memory, pods } = size;
    json!({
        "cpu": cpu,
        "memory": memory,
        "pods": pods.to_string(),
        "ephemeral-storage": "100Gi",
        "hugepages-1Gi": "0",
        "hugepages-2Mi": "0",
    })
}
