//! kubectl: what a cluster is, what one may do in it, and its nodes.

use crate::Server;

/// What a server is and serves.
pub async fn a_server_says_what_it_is(server: &Server) {
    server.kubectl("version -o json").lines("\"(gitVersion|major|minor)\"").await;
    server.kubectl("version").await;
    server.kubectl("cluster-info").await;
    server.kubectl("api-versions").lines("^(v1|apps|policy|discovery|autoscaling/v2$)").await;
    server.kubectl("api-resources --api-group=policy").await;
    server.kubectl("api-resources --api-group=discovery.k8s.io -o wide").await;
    server.kubectl("api-resources --api-group=apiextensions.k8s.io -o name").await;
    server
        .kubectl("api-resources")
        .lines("^(configmaps|deployments|namespaces|nodes|pods|services|secrets) ")
        .await;
    server.kubectl("get --raw /readyz").await;
    server.kubectl("get --raw /nowhere").await;
}

/// What one may do is told.
pub async fn rights_are_told(server: &Server) {
    server.kubectl("auth can-i get pods").await;
    server.kubectl("auth can-i create deployments.apps --subresource=scale").await;
    server.kubectl("auth can-i delete gadgets").await;
    server.kubectl("auth can-i get /healthz").await;
    server.kubectl("auth whoami -o jsonpath={.status.userInfo.username}").await;
}

/// Without metrics nobody knows what is used.
pub async fn without_metrics_nothing_is_told_of_use(server: &Server) {
    server.kubectl("top pods").await;
    server.kubectl("top nodes").await;
}

/// A node, which a case has for itself, with a Deployment whose pod goes nowhere else.
async fn node(server: &Server) -> String {
    let name = format!("{}-node", server.namespace);
    let node = serde_json::json!({
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": name, "labels": {"case": server.namespace, "type": "kwok"}},
        "spec": {"taints": [{"key": "case", "value": server.namespace, "effect": "NoSchedule"}]},
        "status": {
            "allocatable": {"cpu": "4", "memory": "8Gi", "pods": "10"},
            "capacity": {"cpu": "4", "memory": "8Gi", "pods": "10"},
        },
    });
    server.kubectl("create -f -").input(node.to_string()).unseen().await;
    server.kubectl(&format!("wait node/{name} --for=condition=Ready")).unseen().await;
    server.kubectl(&format!("wait node/{name} --for=jsonpath={{.spec.taints[*].key}}=case")).unseen().await;
    let deployment = serde_json::json!({
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "web"},
        "spec": {
            "replicas": 1,
            "selector": {"matchLabels": {"app": "web"}},
            "template": {
                "metadata": {"labels": {"app": "web"}},
                "spec": {
                    "nodeSelector": {"case": server.namespace},
                    "tolerations": [{"key": "case", "operator": "Exists"}],
                    "terminationGracePeriodSeconds": 1,
                    "containers": [{
                        "name": "main",
                        "image": "registry.example/web:1",
                        "resources": {"requests": {"cpu": "100m", "memory": "64Mi"}},
                    }],
                },
            },
        },
    });
    server.kubectl("apply -f -").input(deployment.to_string()).unseen().await;
    server.kubectl("rollout status deployment/web").unseen().await;
    name
}

/// A node is closed, emptied and opened again.
pub async fn a_node_is_drained(server: &Server) {
    let node = node(server).await;
    server.kubectl(&format!("cordon {node}")).await;
    server.kubectl(&format!("cordon {node}")).await;
    server.kubectl(&format!("get node {node} -o jsonpath={{.spec}}")).await;
    server.kubectl("create poddisruptionbudget web --selector=app=web --min-available=1").unseen().await;
    server.kubectl("wait pdb/web --for=jsonpath={.status.currentHealthy}=1").unseen().await;
    server.kubectl(&format!("drain {node} --timeout=1s")).await;
    server.kubectl("delete pdb web").unseen().await;
    server.kubectl(&format!("drain {node} --dry-run=server")).await;
    server.kubectl(&format!("drain {node}")).await;
    server.kubectl("wait deployment/web --for=condition=Available=false").await;
    server.kubectl(&format!("uncordon {node}")).await;
    server.kubectl("wait deployment/web --for=condition=Available").await;
    server.kubectl(&format!("taint node {node} spare=yes:NoSchedule")).await;
    server.kubectl(&format!("taint node {node} spare-")).await;
    server.kubectl("delete deployment web").unseen().await;
    server.kubectl("wait pods -l app=web --for=delete").unseen().await;
    server.kubectl(&format!("delete node {node}")).await;
}

/// A node is described.
pub async fn a_node_is_described(server: &Server) {
    let node = node(server).await;
    let shown = "^(Name|Roles|Taints|Unschedulable|Lease|Capacity|Allocatable|Non-terminated|Allocated)|^  (cpu|memory|pods|Ready|web)|case=";
    server
        .until("its lease", async || {
            server
                .get(&format!("/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/{node}"))
                .maybe()
                .await
                .code
                == 200
        })
        .await;
    server.kubectl(&format!("describe node {node}")).lines(shown).await;
    server
        .kubectl(&format!("get node {node} -o custom-columns=NAME:.metadata.name,TAINT:.spec.taints[*].key"))
        .await;
    server.kubectl("delete deployment web").unseen().await;
    server.kubectl("wait pods -l app=web --for=delete").unseen().await;
    server.kubectl(&format!("delete node {node}")).unseen().await;
}
