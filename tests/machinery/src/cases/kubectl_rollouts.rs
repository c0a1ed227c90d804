//! kubectl: scaling, rolling out, going back.

use crate::Server;

/// A deployment with as many ready pods.
async fn roll_out(server: &Server, replicas: usize) {
    let create = format!("create deployment web --image=registry.example/web:1 --replicas={replicas}");
    server.kubectl(&create).unseen().await;
    server.kubectl("rollout status deployment/web").unseen().await;
}

/// A deployment is scaled.
pub async fn a_deployment_is_scaled(server: &Server) {
    roll_out(server, 1).await;
    server.kubectl("scale deployment web --replicas=3").await;
    server.kubectl("rollout status deployment/web").unseen().await;
    server.kubectl("get deployment web").await;
    server.kubectl("scale deployment web --replicas=2 --current-replicas=5").await;
    server.kubectl("scale deployment web --replicas=2 --current-replicas=3").await;
    server.kubectl("scale deployment web --replicas=-1").await;
    server.kubectl("scale deployment none --replicas=1").await;
    server.kubectl("scale deployment web --replicas=0").await;
    server.kubectl("wait pods -l app=web --for=delete").unseen().await;
    server.kubectl("get pods -l app=web").await;
}

/// A rollout is followed to its end.
pub async fn a_rollout_is_followed(server: &Server) {
    roll_out(server, 2).await;
    server.kubectl("rollout status deployment/web").await;
    server.kubectl("set image deployment/web web=registry.example/web:2").await;
    server.kubectl("set image deployment/web web=registry.example/web:2").await;
    server.kubectl("set image deployment/web none=registry.example/web:2").await;
    server.kubectl("rollout status deployment/web").unseen().await;
    server.kubectl("get deployment web -o jsonpath={.spec.template.spec.containers[*].image}").await;
    server.kubectl("rollout status deployment/none").await;
    server.kubectl("rollout status deployment/web --revision=1").await;
}

/// A rollout is undone, and its history told.
pub async fn a_rollout_is_undone(server: &Server) {
    roll_out(server, 1).await;
    server.kubectl("annotate deployment/web kubernetes.io/change-cause=first").await;
    server.kubectl("set image deployment/web web=registry.example/web:2").await;
    server.kubectl("annotate deployment/web kubernetes.io/change-cause=second --overwrite").await;
    server.kubectl("rollout status deployment/web").unseen().await;
    server.kubectl("rollout history deployment/web").await;
    server.kubectl("rollout history deployment/web --revision=1").await;
    server.kubectl("rollout undo deployment/web --dry-run=server").await;
    server.kubectl("rollout undo deployment/web").await;
    server.kubectl("rollout status deployment/web").unseen().await;
    server.kubectl("get deployment web -o jsonpath={.spec.template.spec.containers[*].image}").await;
    server.kubectl("rollout history deployment/web").await;
    server.kubectl("rollout undo deployment/web --to-revision=2").await;
    server.kubectl("rollout undo deployment/web --to-revision=9").await;
    server.kubectl("rollout status deployment/web").unseen().await;
    server.kubectl("rollout undo deployment/web --to-revision=4").await;
}

/// A deployment is restarted.
pub async fn a_deployment_is_restarted(server: &Server) {
    roll_out(server, 1).await;
    server.kubectl("rollout restart deployment -l app=web").await;
    server.kubectl("rollout status deployment/web").unseen().await;
    server.kubectl("get deployment web -o jsonpath={.spec.template.metadata.annotations}").await;
    server.kubectl("get replicaset -l app=web -o jsonpath={.items[*].metadata.annotations.deployment\\.kubernetes\\.io/desired-replicas}").await;
    server.kubectl("rollout restart deployment -l app=none").await;
    server.kubectl("rollout restart deployment/none").await;
}

/// A rollout is paused and resumed.
pub async fn a_rollout_is_paused(server: &Server) {
    roll_out(server, 1).await;
    server.kubectl("rollout pause deployment/web").await;
    server.kubectl("rollout pause deployment/web").await;
    server.kubectl("set image deployment/web web=registry.example/web:2").await;
    server.kubectl("rollout undo deployment/web").await;
    server.kubectl("rollout restart deployment/web").await;
    server
        .kubectl("get deployment web -o jsonpath={.status.conditions[?(@.type=='Progressing')].reason}")
        .await;
    server.kubectl("rollout resume deployment/web").await;
    server.kubectl("rollout resume deployment/web").await;
    server.kubectl("rollout status deployment/web").unseen().await;
    server.kubectl("get deployment web -o wide").await;
}

/// Conditions are waited for.
pub async fn conditions_are_waited_for(server: &Server) {
    server.kubectl("create deployment web --image=registry.example/web:1").unseen().await;
    server.kubectl("wait deployment/web --for=condition=Available").await;
    server.kubectl("wait deployment/web --for=condition=Available=false --timeout=1s").await;
    server.kubectl("wait deployment/web --for=jsonpath={.status.readyReplicas}=1").await;
    server.kubectl("wait pods -l app=web --for=condition=Ready").await;
    server.kubectl("wait pods -l app=none --for=condition=Ready --timeout=1s").await;
    server.kubectl("wait deployment/none --for=condition=Available").await;
    server.kubectl("delete deployment web --wait=false").await;
    server.kubectl("wait deployment/web --for=delete").await;
    server.kubectl("wait pods -l app=web --for=delete").unseen().await;
    server.kubectl("wait deployment/web --for=delete").await;
}
