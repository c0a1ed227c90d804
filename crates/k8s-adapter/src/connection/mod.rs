//! The way to a data center's API server: one client, whose every call ends.
//!
//! kube's own stack retries for minutes, retries creations, and waits for ever on a server that stands still;
//! so the stack is built here, with one deadline per call and one small budget of retries.

mod deadline;
mod error;
mod patience;
mod validity;

use std::future::ready;
use std::time::Duration;

use http::Uri;
use http::header::{HeaderValue, USER_AGENT};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::connect::proxy::Tunnel;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use kube::client::{Body, ClientBuilder, ConfigExt};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};
use tower::{BoxError, ServiceBuilder};

pub(crate) use error::{Subject, to_error, to_watch_error};
use validity::Validity;

/// How a data center is talked to.
#[derive(Clone, Debug)]
pub struct Options {
    /// How long one call may take, from the request to the end of the answer; a watch, until it begins.
    pub deadline: Duration,
    /// How long a watch may be silent before the data center is asked whether it is still there.
    pub silence: Duration,
    /// The HTTP proxy to go through. The environment is not asked.
    pub proxy: Option<Uri>,
}

impl Default for Options {
    fn default() -> Self {
        Self { deadline: Duration::from_secs(5), silence: Duration::from_secs(10), proxy: None }
    }
}

/// Why there is no way to a data center: nothing was sent yet.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// The text is no kubeconfig.
    #[error("the kubeconfig cannot be read: {0}")]
    Kubeconfig(String, #[source] BoxError),
    /// What it says of certificates or credentials cannot be used.
    #[error("the kubeconfig's certificates or credentials cannot be used: {0}")]
    Credentials(String, #[source] BoxError),
    /// Only proxies that speak plain HTTP are known.
    #[error("the proxy {0} is not an http:// address")]
    Proxy(Uri),
}

/// A client by the current context of a kubeconfig.
pub(crate) async fn connect(kubeconfig: &str, options: &Options) -> Result<Client, ConnectError> {
    let unreadable =
        |error: kube::config::KubeconfigError| ConnectError::Kubeconfig(error.to_string(), Box::new(error));
    let kubeconfig = Kubeconfig::from_yaml(kubeconfig).map_err(unreadable)?;
    let has_its_own = proxy_of(&kubeconfig).is_some();
    let mut config = Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default())
        .await
        .map_err(unreadable)?;
    // kube falls back to the proxy of the environment, and matches NO_PROXY against the wrong address.
    if options.proxy.is_some() || !has_its_own {
        config.proxy_url.clone_from(&options.proxy);
    }
    config
        .headers
        .push((USER_AGENT, HeaderValue::from_static(concat!("plimsoll/", env!("CARGO_PKG_VERSION")))));
    client(&config, options)
}

/// The proxy that the cluster of the current context names.
fn proxy_of(kubeconfig: &Kubeconfig) -> Option<&str> {
    let current = kubeconfig.current_context.as_deref()?;
    let context = kubeconfig.contexts.iter().find(|context| context.name == current)?;
    let cluster = &context.context.as_ref()?.cluster;
    let named = kubeconfig.clusters.iter().find(|named| named.name == *cluster)?;
    named.cluster.as_ref()?.proxy_url.as_deref().filter(|url| !url.is_empty())
}

fn client(config: &Config, options: &Options) -> Result<Client, ConnectError> {
    let mut tcp = HttpConnector::new();
    tcp.enforce_http(false);
    // A request is one small write; waiting for more to send with it costs 40 ms.
    tcp.set_nodelay(true);
    tcp.set_connect_timeout(Some(options.deadline));
    match config.proxy_url.clone() {
        None => {
            let tls = config.rustls_https_connector_with_connector(tcp).map_err(unusable)?;
            stack(config, tls, options)
        }
        Some(proxy) if proxy.scheme_str() == Some("http") => {
            let tunnel = Tunnel::new(proxy, tcp);
            let tls = config.rustls_https_connector_with_connector(tunnel).map_err(unusable)?;
            stack(config, tls, options)
        }
        Some(proxy) => Err(ConnectError::Proxy(proxy)),
    }
}

fn stack<C>(config: &Config, connector: C, options: &Options) -> Result<Client, ConnectError>
where
    C: hyper_util::client::legacy::connect::Connect + Clone + Send + Sync + 'static,
{
    let http = hyper_util::client::legacy::Client::builder(TokioExecutor::new())
        .pool_timer(TokioTimer::new())
        .pool_idle_timeout(Duration::from_mins(1))
        .build::<_, Body>(connector);
    let validity = Validity::of(&config.auth_info);
    let service = ServiceBuilder::new()
        .layer(config.base_uri_layer())
        .layer(deadline::Layer::new(options.deadline))
        .layer(patience::Layer)
        .option_layer(config.auth_layer().map_err(unusable)?)
        .layer(config.extra_headers_layer().map_err(unusable)?)
        .and_then(move |response| ready(validity.judge(response).map_err(BoxError::from)))
        .map_err(BoxError::from)
        .service(http);
    Ok(ClientBuilder::new(service, config.default_namespace.clone()).build())
}

fn unusable(error: kube::Error) -> ConnectError {
    ConnectError::Credentials(error.to_string(), Box::new(error))
}
