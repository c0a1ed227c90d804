//! kubectl: what pods say, and what is run in them.

use crate::Server;

async fn roll_out(server: &Server, replicas: usize) {
    let create = format!("create deployment web --image=registry.example/web:1 --replicas={replicas}");
    server.kubectl(&create).unseen().await;
    server.kubectl("rollout status deployment/web").unseen().await;
}

/// What pods say is shown.
pub async fn what_pods_say_is_shown(server: &Server) {
    roll_out(server, 1).await;
    server.kubectl("logs deployment/web").await;
    server.kubectl("logs deployment/web --tail=1").await;
    server.kubectl("logs deployment/web --tail=1 --timestamps").await;
    server.kubectl("logs deployment/web --limit-bytes=5").await;
    server.kubectl("logs -l app=web").await;
    server.kubectl("logs -l app=web --prefix --tail=1").await;
    server.kubectl("logs deployment/web --all-containers").await;
    server.kubectl("logs deployment/web -c web").await;
    server.kubectl("logs -f deployment/web").until(2).await;
    server.kubectl("logs -f -l app=web --tail=1").until(1).await;
    server.kubectl("logs -l app=none").await;
    server.kubectl("logs none").await;
    server.kubectl("logs deployment/none").await;
    server.kubectl("logs deployment/web -c none").await;
}

/// Commands are run in pods.
pub async fn commands_are_run_in_pods(server: &Server) {
    roll_out(server, 1).await;
    server.kubectl("exec deployment/web -- echo hello").await;
    server.kubectl("exec deployment/web -- true").await;
    server.kubectl("exec deployment/web -c web -- echo one two").await;
    server.kubectl("exec deployment/web -i -- echo hello").input("unread").await;
    server.kubectl("exec deployment/web -c none -- true").await;
    server.kubectl("exec none -- true").await;
    server.kubectl("exec deployment/none -- true").await;
    server.kubectl("exec deployment/web --").await;
    server.kubectl("exec deployment/web true").await;
}

/// A pod that is not there yet runs nothing and says nothing.
pub async fn a_pod_without_a_node_runs_nothing(server: &Server) {
    let pod = r#"{"apiVersion":"v1","kind":"Pod","metadata":{"name":"gated"},"spec":{
        "schedulingGates":[{"name":"example.io/wait"}],
        "containers":[{"name":"main","image":"registry.example/web:1"}]}}"#;
    server.kubectl("apply -f -").input(pod).unseen().await;
    server.kubectl("get pod gated").await;
    server.kubectl("logs gated").await;
    server.kubectl("exec gated -- true").await;
}
