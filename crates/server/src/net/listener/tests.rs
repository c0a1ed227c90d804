use std::net::Ipv4Addr;

use axum::Router;
use axum::extract::Request as Incoming;
use axum::routing::get;
use http_body_util::{BodyExt as _, Empty};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore};
use tokio::sync::{mpsc, oneshot};
use tokio_rustls::TlsConnector;

use super::*;

const LOCAL: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

type Plain = Client<HttpConnector, Empty<axum::body::Bytes>>;

async fn version(request: Incoming) -> String {
    format!("{:?}", request.version())
}

async fn get_text(client: &Plain, url: &str) -> String {
    let response = client.get(url.parse().unwrap()).await.unwrap();
    String::from_utf8(response.into_body().collect().await.unwrap().to_bytes().to_vec()).unwrap()
}

#[tokio::test]
async fn one_cleartext_port_speaks_http_1_and_http_2() {
    let listener = Listener::bind(LOCAL, None).await.unwrap();
    let url = listener.url();
    let stopping = CancellationToken::new();
    let server = tokio::spawn(listener.serve(Router::new().route("/", get(version)), stopping.clone()));
    let one: Plain = Client::builder(TokioExecutor::new()).build_http();
    let two: Plain = Client::builder(TokioExecutor::new()).http2_only(true).build_http();
    assert_eq!(get_text(&one, &url).await, "HTTP/1.1");
    assert_eq!(get_text(&two, &url).await, "HTTP/2.0");
    stopping.cancel();
    server.await.unwrap();
}

#[tokio::test]
async fn tls_offers_http_2_before_http_1() {
    let folder = tempfile::tempdir().unwrap();
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let tls = Tls { certificate: folder.path().join("tls.crt"), key: folder.path().join("tls.key") };
    std::fs::write(&tls.certificate, made.cert.pem()).unwrap();
    std::fs::write(&tls.key, made.signing_key.serialize_pem()).unwrap();
    let listener = Listener::bind(LOCAL, Some(&tls)).await.unwrap();
    let address = listener.address();
    assert_eq!(listener.url(), format!("https://{address}"));
    let stopping = CancellationToken::new();
    let server = tokio::spawn(listener.serve(Router::new().route("/", get(version)), stopping.clone()));
    let mut roots = RootCertStore::empty();
    roots.add(made.cert.der().clone()).unwrap();
    for (protocols, chosen) in [(&["h2", "http/1.1"][..], &b"h2"[..]), (&["http/1.1"], b"http/1.1")] {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut client = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots.clone())
            .with_no_client_auth();
        client.alpn_protocols = protocols.iter().map(|name| name.as_bytes().to_vec()).collect();
        let stream = TcpStream::connect(address).await.unwrap();
        let name = ServerName::try_from("localhost").unwrap();
        let stream = TlsConnector::from(Arc::new(client)).connect(name, stream).await.unwrap();
        assert_eq!(stream.get_ref().1.alpn_protocol(), Some(chosen));
    }
    stopping.cancel();
    server.await.unwrap();
}

#[tokio::test]
async fn a_request_that_runs_is_answered_although_the_server_stops() {
    let listener = Listener::bind(LOCAL, None).await.unwrap();
    let (url, address) = (listener.url(), listener.address());
    let (began, mut calls) = mpsc::channel::<oneshot::Sender<()>>(1);
    let slow = move || async move {
        let (finish, finished) = oneshot::channel();
        began.send(finish).await.unwrap();
        finished.await.unwrap();
        "done"
    };
    let stopping = CancellationToken::new();
    let server = tokio::spawn(listener.serve(Router::new().route("/", get(slow)), stopping.clone()));
    let client: Plain = Client::builder(TokioExecutor::new()).build_http();
    let answer = tokio::spawn(async move { get_text(&client, &url).await });
    let finish = calls.recv().await.unwrap();
    stopping.cancel();
    // The port is closed first, and then the request may end.
    tokio::time::timeout(Duration::from_secs(5), async {
        while TcpStream::connect(address).await.is_ok() {
            tokio::task::yield_now().await;
        }
    })
    .await
    .unwrap();
    assert!(!server.is_finished());
    finish.send(()).unwrap();
    assert_eq!(answer.await.unwrap(), "done");
    server.await.unwrap();
}

#[tokio::test]
async fn a_port_in_use_and_bad_certificates_are_told_with_the_remedy() {
    let first = Listener::bind(LOCAL, None).await.unwrap();
    let address = first.address();
    let refused = Listener::bind(address, None).await.err().unwrap();
    assert_eq!(
        refused.to_string(),
        format!(
            "cannot listen on {address}: the port is in use; stop the program that has it, or choose another \
             with --listen or `listen`"
        )
    );
    assert_eq!(refused.exit(), 1);

    let folder = tempfile::tempdir().unwrap();
    let tls = Tls { certificate: folder.path().join("tls.crt"), key: folder.path().join("tls.key") };
    let mut told = Vec::new();
    let mut tell = async || {
        let error = Listener::bind(LOCAL, Some(&tls)).await.err().unwrap().to_string();
        told.push(error.replace(&format!("{}/", folder.path().display()), ""));
    };
    tell().await;
    std::fs::write(&tls.certificate, "no certificate").unwrap();
    tell().await;
    let one = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let other = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    std::fs::write(&tls.certificate, one.cert.pem()).unwrap();
    tell().await;
    std::fs::write(&tls.key, "no key").unwrap();
    tell().await;
    std::fs::write(&tls.key, other.signing_key.serialize_pem()).unwrap();
    tell().await;
    insta::assert_snapshot!(told.join("\n"));
}
