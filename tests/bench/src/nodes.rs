use crate::deadline;
use crate::http::ApiClient;
use anyhow::Result;
use serde_json::{Value, json};

/// Makes `count` fake nodes and waits until KWOK reports them ready.
pub(crate) async fn make(api: &ApiClient, data_center: &str, count: usize) -> Result<()> {
    for number in 1..=count {
        api.create("/api/v1/nodes", &node(data_center, number)).await?;
    }
    deadline::until(&format!("{count} nodes of {data_center} to be ready"), deadline::TO_START, async || {
        let nodes = api.get("/api/v1/nodes").await?.unwrap_or_default();
        let ready =
            nodes["items"].as_array().map_or(0, |nodes| nodes.iter().filter(|node| is_ready(node)).count());
        Ok((ready == count).then_some(()))
    })
    .await
}

fn is_ready(node: &Value) -> bool {
    let tainted = node["spec"]["taints"].as_array().is_some_and(|taints| !taints.is_empty());
    let ready = node["status"]["conditions"].as_array().is_some_and(|conditions| {
        conditions.iter().any(|condition| condition["type"] == "Ready" && condition["status"] == "True")
    });
    ready && !tainted
}

fn node(data_center: &str, number: usize) -> Value {
    let name = format!("{data_center}-node-{number}");
    let resources = json!({"cpu": "16", "memory": "64Gi", "ephemeral-storage": "200Gi", "pods": "110"});
    json!({
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {
            "name": name,
            "annotations": {"node.alpha.kubernetes.io/ttl": "0"},
            "labels": {
                "kubernetes.io/hostname": name,
                "kubernetes.io/os": "linux",
                "kubernetes.io/arch": "amd64",
                "topology.kubernetes.io/region": data_center,
                "topology.kubernetes.io/zone": format!("{data_center}-{number}"),
                "type": "kwok",
            },
        },
        "status": {"allocatable": resources, "capacity": resources},
    })
}
