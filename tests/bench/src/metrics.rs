use crate::DataCenter;
use crate::certificates::Certificates;
use crate::deadline;
use crate::http::ApiClient;
use anyhow::{Context, Result};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use rustls::ServerConfig;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject};
use serde_json::{Value, json};
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};
use tokio_rustls::TlsAcceptor;

/// Where the API server looks for it.
const NAMESPACE: &str = "kube-system";
const SERVICE: &str = "metrics";
const API: &str = "/apis/metrics.k8s.io/v1beta1";

/// What a container is measured to use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Measured {
    /// In thousandths of a CPU.
    pub cpu_millis: u32,
    /// In bytes.
    pub memory_bytes: u64,
}

/// The API `metrics.k8s.io` of a data center, answered by a test instead of a metrics server: pods that run use what
/// the test says, at this moment. Autoscalers and `kubectl top` ask it through the API server.
///
/// The API server reaches it by a Service of the type `ExternalName`, for `localhost` is an address that no
/// `EndpointSlice` may hold. It lives as long as the value does.
pub struct MetricsServer {
    serving: JoinHandle<()>,
}

/// Says what a container of a pod uses; of a pod with a container of which nothing is said, nothing is known.
type Measure = dyn Fn(&Value, &str) -> Option<Measured> + Send + Sync;

impl MetricsServer {
    /// Over how much time it says that it measured: the use of a pod that is ready for less says nothing about it.
    pub const WINDOW: Duration = Duration::from_secs(1);

    /// Serves the API in a data center and waits until its API server passes requests on to it. `measure` is given
    /// the pod and the name of a container.
    pub async fn start(
        data_center: &DataCenter,
        measure: impl Fn(&Value, &str) -> Option<Measured> + Send + Sync + 'static,
    ) -> Result<Self> {
        let certificates = Certificates::in_folder(&data_center.certificates());
        let listener =
            TcpListener::bind(("127.0.0.1", 0)).await.context("binding a port for the metrics API")?;
        let port = listener.local_addr().context("finding the port of the metrics API")?.port();
        let answers = Arc::new(Answers { api: data_center.api().clone(), measure: Box::new(measure) });
        let serving = tokio::spawn(serve(listener, acceptor(&certificates)?, answers));
        let server = Self { serving };
        register(data_center.api(), &certificates, port).await?;
        Ok(server)
    }
}

impl Drop for MetricsServer {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

/// Tells the API server where it is.
async fn register(api: &ApiClient, certificates: &Certificates, port: u16) -> Result<()> {
    let service = json!({
        "apiVersion": "v1", "kind": "Service", "metadata": {"name": SERVICE},
        "spec": {"type": "ExternalName", "externalName": "localhost"},
    });
    api.create(&format!("/api/v1/namespaces/{NAMESPACE}/services"), &service).await?;
    let authority = certificates.authority();
    let authority = std::fs::read(&authority).with_context(|| format!("reading {}", authority.display()))?;
    let name = "v1beta1.metrics.k8s.io";
    let path = "/apis/apiregistration.k8s.io/v1/apiservices";
    let registered = json!({
        "apiVersion": "apiregistration.k8s.io/v1", "kind": "APIService", "metadata": {"name": name},
        "spec": {
            "group": "metrics.k8s.io", "version": "v1beta1",
            "groupPriorityMinimum": 100, "versionPriority": 100,
            "service": {"namespace": NAMESPACE, "name": SERVICE, "port": port},
            "caBundle": STANDARD.encode(authority),
        },
    });
    api.create(path, &registered).await?;
    let path = format!("{path}/{name}");
    deadline::until("the metrics API to be available", deadline::TO_START, async || {
        let found = api.get(&path).await?.unwrap_or_default();
        let conditions = found["status"]["conditions"].as_array();
        let available = conditions
            .into_iter()
            .flatten()
            .any(|condition| condition["type"] == "Available" && condition["status"] == "True");
        Ok(available.then_some(()))
    })
    .await
}

/// With the certificate of the API server, which is also good for this one's name.
fn acceptor(certificates: &Certificates) -> Result<TlsAcceptor> {
    let chain = CertificateDer::pem_file_iter(certificates.server())
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .context("reading a certificate")?;
    let key = PrivateKeyDer::from_pem_file(certificates.server_key()).context("reading its key")?;
    let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .context("choosing TLS versions")?
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .context("serving with a certificate")?;
    Ok(TlsAcceptor::from(Arc::new(config)))
}

async fn serve(listener: TcpListener, tls: TlsAcceptor, answers: Arc<Answers>) {
    // Its connections end with it.
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        while connections.try_join_next().is_some() {}
        connections.spawn(converse(stream, tls.clone(), answers.clone()));
    }
}

async fn converse(stream: TcpStream, tls: TlsAcceptor, answers: Arc<Answers>) {
    let Ok(stream) = tls.accept(stream).await else { return };
    let service = service_fn(move |request| {
        let answers = answers.clone();
        async move { Ok::<_, Infallible>(answers.answer(&request).await) }
    });
    // A connection that breaks concerns the API server, which asks again.
    let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
}

struct Answers {
    api: ApiClient,
    measure: Box<Measure>,
}

impl Answers {
    async fn answer(&self, request: &Request<Incoming>) -> Response<Full<Bytes>> {
        let answer = match (request.method(), request.uri().path()) {
            (&Method::GET, API) => Ok(Some(resources())),
            (&Method::GET, path) => self.pods(path, request.uri().query().unwrap_or_default()).await,
            _ => Ok(None),
        };
        let (code, body) = match answer {
            Ok(Some(body)) => (StatusCode::OK, body.to_string()),
            Ok(None) => (StatusCode::NOT_FOUND, "404 page not found".to_owned()),
            Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, format!("{error:#}")),
        };
        let mut response = Response::new(Full::from(body));
        *response.status_mut() = code;
        let kind = if code == StatusCode::OK { "application/json" } else { "text/plain" };
        response.headers_mut().insert("content-type", hyper::header::HeaderValue::from_static(kind));
        response
    }

    /// What the pods of a namespace use; `None` for any other path. The query selects pods as it does for the API
    /// server, which is asked for them.
    async fn pods(&self, path: &str, query: &str) -> Result<Option<Value>> {
        let Some(collection) = path.strip_prefix(API).filter(|rest| rest.ends_with("/pods")) else {
            return Ok(None);
        };
        let pods = self.api.get(&format!("/api/v1{collection}?{query}")).await?.unwrap_or_default();
        let items = pods["items"].as_array().into_iter().flatten();
        let items: Vec<Value> = items.filter_map(|pod| self.metrics(pod)).collect();
        Ok(Some(json!({
            "kind": "PodMetricsList", "apiVersion": "metrics.k8s.io/v1beta1", "metadata": {}, "items": items,
        })))
    }

    fn metrics(&self, pod: &Value) -> Option<Value> {
        if pod["status"]["phase"] != "Running" {
            return None;
        }
        let containers = pod["spec"]["containers"].as_array()?.iter().map(|container| {
            let name = container["name"].as_str()?;
            let Measured { cpu_millis, memory_bytes } = (self.measure)(pod, name)?;
            let usage = json!({"cpu": format!("{cpu_millis}m"), "memory": memory_bytes.to_string()});
            Some(json!({"name": name, "usage": usage}))
        });
        let containers = containers.collect::<Option<Vec<_>>>()?;
        let metadata = &pod["metadata"];
        Some(json!({
            "metadata": {
                "name": metadata["name"], "namespace": metadata["namespace"], "labels": metadata["labels"],
            },
            "timestamp": jiff::Timestamp::now().to_string(),
            "window": format!("{}s", MetricsServer::WINDOW.as_secs()),
            "containers": containers,
        }))
    }
}

fn resources() -> Value {
    json!({
        "kind": "APIResourceList", "apiVersion": "v1", "groupVersion": "metrics.k8s.io/v1beta1",
        "resources": [
            {"name": "pods", "singularName": "", "namespaced": true, "kind": "PodMetrics", "verbs": ["get", "list"]},
        ],
    })
}
