//! Commands that are run in containers, over the port.

use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Status;
use kube::api::{AttachParams, AttachedProcess};
use kube::{Api, Client};
use plimsoll_sim_cluster::{Containers, Executed, SimCluster, Verb};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::support::{created, mk_cluster, until};
use crate::wire::config;

/// A cluster with a pod that runs, and a client by its kubeconfig.
async fn mk_pod() -> (SimCluster, Api<Pod>) {
    let cluster = mk_cluster().await;
    let pods: Api<Pod> = Api::default_namespaced(Client::try_from(config(&cluster).await).unwrap());
    let env = json!([{"name": "COLOR", "value": "green"}]);
    let containers = json!([{"name": "main", "image": "app:1", "env": env}]);
    created(&pods, json!({"metadata": {"name": "x"}, "spec": {"containers": containers}})).await;
    until(&pods, "x", |pod| {
        let statuses = pod.and_then(|pod| pod.status.as_ref()?.container_statuses.as_ref());
        statuses.is_some_and(|list| list.iter().any(|it| it.started == Some(true)))
    })
    .await;
    (cluster, pods)
}

/// What a command printed on standard output and standard error, and how it ended.
async fn done(mut process: AttachedProcess) -> (String, String, Status) {
    let (mut stdout, mut stderr) = (String::new(), String::new());
    let status = process.take_status().unwrap();
    if let Some(mut stream) = process.stdout() {
        stream.read_to_string(&mut stdout).await.unwrap();
    }
    if let Some(mut stream) = process.stderr() {
        stream.read_to_string(&mut stderr).await.unwrap();
    }
    let status = status.await.unwrap();
    process.join().await.unwrap();
    (stdout, stderr, status)
}

async fn run(pods: &Api<Pod>, command: &[&str]) -> (String, String, Status) {
    done(pods.exec("x", command.to_vec(), &AttachParams::default()).await.unwrap()).await
}

/// The exit code that a status names.
fn code(status: &Status) -> Option<&str> {
    let causes = status.details.as_ref()?.causes.as_ref()?;
    causes.iter().find(|cause| cause.reason.as_deref() == Some("ExitCode"))?.message.as_deref()
}

#[tokio::test]
async fn every_container_knows_a_few_commands() {
    let (cluster, pods) = mk_pod().await;
    let (stdout, stderr, status) = run(&pods, &["echo", "two", "words"]).await;
    assert_eq!((stdout.as_str(), stderr.as_str()), ("two words\n", ""));
    assert_eq!(status.status.as_deref(), Some("Success"));
    let (stdout, ..) = run(&pods, &["/usr/bin/env"]).await;
    assert!(stdout.contains("\nHOSTNAME=x\n") && stdout.contains("\nCOLOR=green\n"), "{stdout}");
    let (.., status) = run(&pods, &["false"]).await;
    assert_eq!((status.reason.as_deref(), code(&status)), (Some("NonZeroExitCode"), Some("1")));
    cluster.shutdown().await.unwrap();
}

#[tokio::test]
async fn what_is_written_to_cat_comes_back_at_once_and_it_ends_with_its_input() {
    let (cluster, pods) = mk_pod().await;
    let with_input = AttachParams::default().stdin(true);
    let mut process = pods.exec("x", ["cat"], &with_input).await.unwrap();
    let (mut stdin, mut stdout) = (process.stdin().unwrap(), process.stdout().unwrap());
    let status = process.take_status().unwrap();
    for word in ["one", "two"] {
        stdin.write_all(word.as_bytes()).await.unwrap();
        let mut back = [0; 3];
        stdout.read_exact(&mut back).await.unwrap();
        assert_eq!(back, word.as_bytes());
    }
    stdin.shutdown().await.unwrap();
    drop(stdin);
    assert_eq!(status.await.unwrap().status.as_deref(), Some("Success"));
    cluster.shutdown().await.unwrap();
}

#[tokio::test]
async fn a_scripted_command_does_what_its_script_says() {
    let (cluster, pods) = mk_pod().await;
    cluster.scripts().on_command(Containers::of_image("^app:").unwrap(), |command| {
        let words: Vec<&str> = command.arguments.iter().map(String::as_str).collect();
        match *words {
            ["psql", "-c", "select 1"] => Some(Executed::printing("1\n")),
            ["sort"] => {
                let text = String::from_utf8_lossy(&command.input);
                let mut lines: Vec<&str> = text.lines().collect();
                lines.sort_unstable();
                Some(Executed::printing(lines.join(" ")))
            }
            ["migrate"] => Some(Executed::failing(3, format!("{} is locked", command.pod))),
            _ => None,
        }
    });
    let (stdout, ..) = run(&pods, &["psql", "-c", "select 1"]).await;
    assert_eq!(stdout, "1\n");
    let (_, stderr, status) = run(&pods, &["migrate"]).await;
    assert_eq!((stderr.as_str(), code(&status)), ("x is locked", Some("3")));
    let (stdout, ..) = run(&pods, &["echo", "hello"]).await;
    assert_eq!(stdout, "hello\n");
    let mut process = pods.exec("x", ["sort"], &AttachParams::default().stdin(true)).await.unwrap();
    let mut stdin = process.stdin().unwrap();
    stdin.write_all(b"b\na\n").await.unwrap();
    stdin.shutdown().await.unwrap();
    drop(stdin);
    assert_eq!(done(process).await.0, "a b");
    cluster.shutdown().await.unwrap();
}

#[tokio::test]
async fn a_command_that_the_container_has_not_fails_as_with_a_runtime() {
    let (cluster, pods) = mk_pod().await;
    let (.., status) = run(&pods, &["sh", "-c", "exit 3"]).await;
    assert_eq!((status.reason.as_deref(), status.code), (Some("InternalError"), Some(500)));
    let why = status.message.unwrap();
    assert!(why.ends_with("exec: \"sh\": executable file not found in $PATH: unknown"), "{why}");
    cluster.shutdown().await.unwrap();
}

#[tokio::test]
async fn what_is_not_there_runs_nothing() {
    let (cluster, pods) = mk_pod().await;
    let refused = async |pod: &str, params: AttachParams| {
        let refusal = pods.exec(pod, ["true"], &params).await.map(drop).unwrap_err();
        format!("{refusal:?}")
    };
    assert!(refused("none", AttachParams::default()).await.contains("404"));
    let other = AttachParams::default().container("other");
    assert!(refused("x", other).await.contains("400"));
    cluster.permissions().deny("admin", Verb::Create, "", "pods/exec");
    assert!(refused("x", AttachParams::default()).await.contains("403"));
    cluster.shutdown().await.unwrap();
}

#[tokio::test]
async fn a_stopped_cluster_ends_what_runs_in_it() {
    let (cluster, pods) = mk_pod().await;
    let mut process = pods.exec("x", ["cat"], &AttachParams::default().stdin(true)).await.unwrap();
    let _stdin = process.stdin();
    let status = process.take_status().unwrap();
    cluster.shutdown().await.unwrap();
    assert_eq!(status.await, None);
}

#[tokio::test]
async fn a_client_in_process_is_told_to_take_a_socket() {
    let (cluster, _) = mk_pod().await;
    let pods: Api<Pod> = Api::default_namespaced(cluster.client());
    let refusal = pods.exec("x", ["true"], &AttachParams::default()).await.map(drop).unwrap_err();
    assert!(format!("{refusal:?}").contains("501"), "{refusal:?}");
    cluster.shutdown().await.unwrap();
}
