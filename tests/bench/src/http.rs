use anyhow::{Context, Result, bail};
use http_body::Frame;
use http_body_util::StreamBody;
use reqwest::{Body, Method, StatusCode};
use rustls::RootCertStore;
use rustls::pki_types::{CertificateDer, pem::PemObject};
use serde_json::Value;
use std::convert::Infallible;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// A client of one API server, which trusts that server's own authority and nobody else.
#[derive(Clone)]
pub(crate) struct ApiClient {
    client: reqwest::Client,
    server: String,
    token: String,
}

impl ApiClient {
    pub(crate) fn new(server: String, authority: &Path, token: String) -> Result<Self> {
        let mut roots = RootCertStore::empty();
        let certificate = CertificateDer::from_pem_file(authority)
            .with_context(|| format!("reading {}", authority.display()))?;
        roots.add(certificate).context("trusting the API server's authority")?;
        let client = client(roots)?;
        Ok(Self { client, server, token })
    }

    /// The same client for another server of that authority.
    pub(crate) fn at(&self, server: String) -> Self {
        Self { server, ..self.clone() }
    }

    /// Whether the server answers GET `path` with 200. One that cannot be reached does not.
    pub(crate) async fn answers(&self, path: &str) -> bool {
        let request = self.client.get(format!("{}{path}", self.server)).bearer_auth(&self.token);
        matches!(request.send().await, Ok(response) if response.status() == StatusCode::OK)
    }

    /// Whether the etcd at `port` is the member called `name`: a stranger on that port would be another.
    pub(crate) async fn is_etcd(&self, port: u16, name: &str) -> bool {
        let request = self
            .client
            .post(format!("http://127.0.0.1:{port}/v3/cluster/member/list"))
            .body(r#"{"linearizable":true}"#);
        let Ok(response) = request.send().await else {
            return false;
        };
        let Ok(answer) = response.json::<Value>().await else {
            return false;
        };
        answer["members"]
            .as_array()
            .is_some_and(|members| members.iter().any(|member| member["name"].as_str() == Some(name)))
    }

    /// What the etcd at `server` answers, asked without knowing whose it is.
    pub(crate) async fn ask_etcd(server: &str, method: &str, body: &str) -> Result<Value> {
        let path = format!("{server}/v3/{method}");
        let request = client(RootCertStore::empty())?.post(&path).body(body.to_owned());
        let answer = request.send().await.and_then(reqwest::Response::error_for_status);
        answer.with_context(|| path.clone())?.json().await.with_context(|| format!("reading {path}"))
    }

    /// The JSON at `path`; `None` where the server says 404.
    pub(crate) async fn get(&self, path: &str) -> Result<Option<Value>> {
        let (status, text) = self.send(Method::GET, path, None).await?;
        match status {
            StatusCode::NOT_FOUND => Ok(None),
            StatusCode::OK => {
                Ok(Some(serde_json::from_str(&text).with_context(|| format!("reading GET {path}"))?))
            }
            _ => bail!("GET {path}: {status}: {text}"),
        }
    }

    /// Creates an object by POST.
    pub(crate) async fn create(&self, path: &str, object: &Value) -> Result<()> {
        let (status, text) = self.send(Method::POST, path, Some(object)).await?;
        if status != StatusCode::CREATED {
            bail!("POST {path}: {status}: {text}");
        }
        Ok(())
    }

    /// Begins to create an object as another user, and never ends: what it takes of the server stays taken until the
    /// future is dropped, or the server gives up after a minute.
    pub(crate) async fn create_without_end(&self, path: &str, user: &str) {
        let endless = StreamBody::new(futures::stream::pending::<Result<Frame<&[u8]>, Infallible>>());
        let request = self
            .client
            .post(format!("{}{path}", self.server))
            .bearer_auth(&self.token)
            .header("impersonate-user", user)
            .header("content-type", "application/json")
            .timeout(Duration::from_mins(2))
            .body(Body::wrap(endless));
        drop(request.send().await);
    }

    async fn send(&self, method: Method, path: &str, body: Option<&Value>) -> Result<(StatusCode, String)> {
        let mut request =
            self.client.request(method.clone(), format!("{}{path}", self.server)).bearer_auth(&self.token);
        if let Some(body) = body {
            request = request.json(body);
        }
        let response = request.send().await.with_context(|| format!("{method} {path}"))?;
        let status = response.status();
        let text = response.text().await.with_context(|| format!("reading the answer to {method} {path}"))?;
        Ok((status, text))
    }
}

fn client(roots: RootCertStore) -> Result<reqwest::Client> {
    // The provider is named here, so that a test need not have installed one for its whole process.
    let tls = rustls::ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .context("choosing TLS versions")?
        .with_root_certificates(roots)
        .with_no_client_auth();
    reqwest::Client::builder()
        .tls_backend_preconfigured(tls)
        // Loopback is never behind a proxy, whatever the environment says.
        .no_proxy()
        .timeout(Duration::from_secs(10))
        .user_agent("plimsoll-bench")
        .build()
        .context("making an HTTP client")
}
