//! A second node, which only says that it is well: where no node is, pods of a lost one are not evicted.

use std::time::Duration;

use anyhow::Result;
use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::api::core::v1::Node;
use kube::api::{Patch, PatchParams, PostParams};
use kube::{Api, Client};
use serde_json::json;

/// How often a kubelet says that it is there.
const BETWEEN_BEATS: Duration = Duration::from_secs(10);
const NAME: &str = "kl-n2";

/// Makes the node; nothing is scheduled there.
pub(super) async fn make(client: &Client) -> Result<()> {
    let nodes: Api<Node> = Api::all(client.clone());
    let now = now();
    let condition = json!({
        "type": "Ready",
        "status": "True",
        "reason": "KubeletReady",
        "message": "kubelet is posting ready status",
        "lastHeartbeatTime": now,
        "lastTransitionTime": now,
    });
    let node = json!({
        "metadata": {"name": NAME},
        "spec": {"unschedulable": true},
        "status": {"conditions": [condition], "capacity": {"pods": "0"}, "allocatable": {"pods": "0"}},
    });
    nodes.create(&PostParams::default(), &serde_json::from_value(node)?).await?;
    Ok(())
}

/// Says that it is there, again and again.
pub(super) async fn beat(client: Client) {
    let leases: Api<Lease> = Api::namespaced(client, "kube-node-lease");
    loop {
        let lease = json!({
            "apiVersion": "coordination.k8s.io/v1",
            "kind": "Lease",
            "metadata": {"name": NAME},
            "spec": {"holderIdentity": NAME, "leaseDurationSeconds": 40, "renewTime": now()},
        });
        let parameters = PatchParams::apply("spare").force();
        // One that is missed is made up for by the next.
        if let Err(error) = leases.patch(NAME, &parameters, &Patch::Apply(lease)).await {
            eprintln!("the second node was not heard of: {error}");
        }
        tokio::time::sleep(BETWEEN_BEATS).await;
    }
}

fn now() -> String {
    jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%S.%6fZ").to_string()
}
