//! Over the port, with TLS and the kubeconfig; time is not paused here, since sockets are real.

use k8s_openapi::api::apps::v1::Deployment;
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Api, Client, Config};
use plimsoll_sim_cluster::{SimCluster, Verb};

use crate::support::{apply, mk_cluster, mk_deployment, refusal, rolled_out};

pub(crate) async fn config(cluster: &SimCluster) -> Config {
    let kubeconfig = Kubeconfig::from_yaml(&cluster.kubeconfig()).unwrap();
    let mut config = Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await.unwrap();
    config.default_retry = false;
    config
}

#[tokio::test]
async fn a_deployment_comes_up_through_the_kubeconfig() {
    let cluster = mk_cluster().await;
    let client = Client::try_from(config(&cluster).await).unwrap();
    assert_eq!(client.apiserver_version().await.unwrap().git_version, "v1.37.0");
    let api: Api<Deployment> = Api::default_namespaced(client.clone());
    apply(&api, &mk_deployment("web", 2, "app:1")).await.unwrap();
    rolled_out(&client, "web").await;
    cluster.shutdown().await.unwrap();
}

#[tokio::test]
async fn an_unknown_token_is_unauthorized() {
    let cluster = mk_cluster().await;
    let mut config = config(&cluster).await;
    config.auth_info.token = Some("wrong".to_owned().into());
    let api: Api<Deployment> = Api::default_namespaced(Client::try_from(config).unwrap());
    let status = refusal(api.get("x").await);
    assert_eq!((status.code, status.reason.as_str()), (401, "Unauthorized"));
}

#[tokio::test]
async fn a_stopped_port_refuses_and_comes_back_as_the_same() {
    let cluster = mk_cluster().await;
    let config = config(&cluster).await;
    let api: Api<Deployment> = Api::default_namespaced(Client::try_from(config).unwrap());
    assert!(api.get_opt("x").await.unwrap().is_none());
    let url = cluster.url();
    cluster.stop().await;
    assert!(api.get_opt("x").await.is_err());
    cluster.start().await.unwrap();
    assert_eq!(cluster.url(), url);
    assert!(api.get_opt("x").await.unwrap().is_none());
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn the_port_of_a_stopped_cluster_is_given_to_nobody_who_asks_for_a_free_one() {
    let cluster = mk_cluster().await;
    let address: std::net::SocketAddr = cluster.url().trim_start_matches("https://").parse().unwrap();
    cluster.stop().await;
    let stranger = tokio::net::TcpSocket::new_v4().unwrap();
    stranger.set_reuseaddr(false).unwrap();
    let taken = stranger.bind(address);
    assert_eq!(taken.unwrap_err().kind(), std::io::ErrorKind::AddrInUse);
    let refused = tokio::net::TcpStream::connect(address).await.unwrap_err();
    assert_eq!(refused.kind(), std::io::ErrorKind::ConnectionRefused);
    cluster.start().await.unwrap();
    tokio::net::TcpStream::connect(address).await.unwrap();
}

#[tokio::test]
async fn a_right_that_was_taken_away_is_refused_and_told_when_asked_about() {
    let cluster = mk_cluster().await;
    cluster.permissions().deny("admin", Verb::Get, "apps", "deployments");
    let api: Api<Deployment> = Api::default_namespaced(cluster.client());
    let status = refusal(api.get("x").await);
    assert_eq!((status.code, status.reason.as_str()), (403, "Forbidden"));
    assert_eq!(
        status.message,
        "deployments.apps \"x\" is forbidden: User \"admin\" cannot get resource \"deployments\" in API group \
         \"apps\" in the namespace \"default\""
    );
    let may = async |verb: &str, group: &str, resource: &str| {
        let review = serde_json::json!({
            "apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectAccessReview",
            "spec": {"resourceAttributes": {"verb": verb, "group": group, "resource": resource}},
        });
        let request = http::Request::post("/apis/authorization.k8s.io/v1/selfsubjectaccessreviews")
            .header("content-type", "application/json")
            .body(review.to_string().into_bytes())
            .unwrap();
        let answer = cluster.client().request::<serde_json::Value>(request).await.unwrap();
        answer["status"]["allowed"].as_bool().unwrap()
    };
    assert!(!may("get", "apps", "deployments").await);
    assert!(!may("*", "*", "*").await, "all of it is not left");
    assert!(may("list", "apps", "deployments").await);
    cluster.permissions().clear();
    assert!(may("*", "*", "*").await);
}
