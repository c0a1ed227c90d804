use std::net::SocketAddr;

use axum::body::Bytes;
use http::{Request, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use plimsoll_api_grpc::client::InstallationServiceClient;
use plimsoll_api_grpc::proto::{GetInstallationRequest, ListDataCentersRequest};
use plimsoll_core::caller::{Caller, Role};
use plimsoll_core::digest::Digest;
use plimsoll_sim_cluster::SimCluster;
use serde_json::{Value, json};
use tempfile::TempDir;
use tonic::metadata::MetadataValue;
use tonic::transport::Channel;

use super::*;

const TOKEN: &str = "olgas-token-0123456789";

async fn start(folder: &TempDir) -> (Stack, SocketAddr) {
    let dir = DataDir::open(folder.path()).unwrap();
    let listener = Listener::bind("127.0.0.1:0".parse().unwrap(), None).await.unwrap();
    let address = listener.address();
    let olga = Caller { name: "olga".to_owned(), role: Role::Operator };
    let tokens = Tokens::new([(Digest::of_bytes(TOKEN.as_bytes()), olga)]);
    let ledger = OpenLedger::open(&dir, LedgerSettings::default()).await.unwrap();
    (Stack::start(Setup { dir, ledger, listener, tokens, proxy: None, images: None }).await.unwrap(), address)
}

/// Calls the REST face.
struct Web {
    client: Client<HttpConnector, Full<Bytes>>,
    address: SocketAddr,
}

impl Web {
    fn new(address: SocketAddr) -> Self {
        Self { client: Client::builder(TokioExecutor::new()).build_http(), address }
    }

    async fn call(&self, method: &str, path: &str, token: Option<&str>, body: &Value) -> (StatusCode, Value) {
        let mut request = Request::builder()
            .method(method)
            .uri(format!("http://{}{path}", self.address))
            .header("content-type", "application/json");
        if let Some(token) = token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let response = self.client.request(request.body(Full::from(body)).unwrap()).await.unwrap();
        let status = response.status();
        let bytes = response.into_body().collect().await.unwrap().to_bytes();
        (status, serde_json::from_slice(&bytes).unwrap_or(Value::Null))
    }

    async fn get(&self, path: &str) -> (StatusCode, Value) {
        self.call("GET", path, Some(TOKEN), &Value::Null).await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rest_and_grpc_answer_on_one_port_and_show_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let (stack, address) = start(&folder).await;
    let web = Web::new(address);
    assert_eq!(web.call("GET", "/readyz", None, &Value::Null).await.0, StatusCode::OK);
    assert_eq!(web.call("GET", "/v1/datacenters", None, &Value::Null).await.0, StatusCode::UNAUTHORIZED);

    let channel = Channel::from_shared(format!("http://{address}")).unwrap().connect().await.unwrap();
    let mut nobody = InstallationServiceClient::new(channel.clone());
    let refused = nobody.get_installation(GetInstallationRequest {}).await;
    assert_eq!(refused.unwrap_err().code(), tonic::Code::Unauthenticated);
    let bearer: MetadataValue<_> = format!("Bearer {TOKEN}").parse().unwrap();
    let mut grpc =
        InstallationServiceClient::with_interceptor(channel, move |mut call: tonic::Request<()>| {
            call.metadata_mut().insert("authorization", bearer.clone());
            Ok(call)
        });
    let early = grpc.get_installation(GetInstallationRequest {}).await.unwrap_err();
    assert_eq!(early.code(), tonic::Code::FailedPrecondition, "{early:?}");

    let (status, answer) = web
        .call(
            "POST",
            "/v1/installation?requestId=r-1",
            Some(TOKEN),
            &json!({"id": "test", "name": "a test", "environment": "Production"}),
        )
        .await;
    assert!(status.is_success(), "{status} {answer}");
    let cluster = SimCluster::builder().name("one").nodes(1).start().await.unwrap();
    let (status, answer) = web
        .call(
            "POST",
            "/v1/datacenters?requestId=r-2",
            Some(TOKEN),
            &json!({"name": "dc-1", "kubeconfig": cluster.kubeconfig()}),
        )
        .await;
    assert!(status.is_success(), "{status} {answer}");

    let named = grpc.get_installation(GetInstallationRequest {}).await.unwrap().into_inner();
    assert_eq!(named.installation.unwrap().id, "test");
    let over_grpc = grpc.list_data_centers(ListDataCentersRequest::default()).await.unwrap().into_inner();
    let (_, over_rest) = web.get("/v1/datacenters").await;
    assert_eq!(over_grpc.data_centers.len(), 1);
    assert_eq!(over_rest["items"][0]["name"], json!(over_grpc.data_centers[0].name));
    stack.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_stops_lets_its_folder_go() {
    let folder = tempfile::tempdir().unwrap();
    let (stack, address) = start(&folder).await;
    assert_eq!(Web::new(address).call("GET", "/readyz", None, &Value::Null).await.0, StatusCode::OK);
    stack.stop().await;
    let (stack, _) = start(&folder).await;
    stack.stop().await;
}
