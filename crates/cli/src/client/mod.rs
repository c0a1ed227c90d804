//! The server over REST.

mod error;
mod events;

use std::time::Duration;

use plimsoll_api_rest::dto::Problem;
use reqwest::{Method, RequestBuilder, Response, StatusCode, Url};
use secrecy::{ExposeSecret as _, SecretString};
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::arguments::Global;
use crate::context::Context;
use crate::document::{Source, unread};
use crate::failure::{FAILED, Failure, Hope};
use crate::output::note;

pub(crate) use events::{Event, Events};

/// How long a connection may take to come about.
const CONNECT: Duration = Duration::from_secs(5);
/// How long an answer may take; a little more than the server gives itself.
const ANSWER: Duration = Duration::from_secs(35);
/// How long a stream may be silent: three of the server's heartbeats.
const SILENCE: Duration = Duration::from_secs(45);
/// The longest answer that is read, in bytes.
const MAX_ANSWER: usize = 32 * 1024 * 1024;

/// The server over REST.
pub(crate) struct Client {
    http: reqwest::Client,
    /// As the user wrote it, for messages.
    server: String,
    base: Url,
    token: Option<SecretString>,
}

/// A request while it is put together.
pub(crate) struct Call<'a> {
    client: &'a Client,
    method: Method,
    url: Url,
    if_match: Option<String>,
    body: Option<Value>,
    source: Option<&'a Source>,
}

impl Client {
    /// The server of `context`.
    pub(crate) fn new(context: &Context, global: &Global) -> Result<Self, Failure> {
        let base = Url::parse(&context.server)
            .ok()
            .filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
            .ok_or_else(|| {
                Failure::usage(format!(
                    "the server {:?} is no URL; give one such as https://plimsoll.example.com",
                    context.server
                ))
            })?;
        let local = is_local(&base);
        if base.scheme() == "http" && !local && context.token.is_some() {
            note(&format!("{} is not encrypted: whoever is on the way can read the token", context.server));
        }
        // A redirect would carry the token to wherever it points.
        let mut builder = reqwest::Client::builder()
            .connect_timeout(CONNECT)
            .redirect(reqwest::redirect::Policy::none())
            .user_agent(concat!("plimsoll/", env!("CARGO_PKG_VERSION")));
        if local {
            builder = builder.no_proxy();
        }
        if let Some(path) = &global.ca {
            let unusable = |why: &str| {
                Failure::usage(format!("the certificates in {} cannot be used: {why}", path.display()))
            };
            let pem = std::fs::read(path).map_err(|error| unusable(&unread(&error)))?;
            let certificates = reqwest::Certificate::from_pem_bundle(&pem)
                .map_err(|_| unusable("they are no PEM certificates"))?;
            builder = builder.tls_certs_merge(certificates);
        }
        let http = builder.build().map_err(|error| {
            Failure::new(FAILED, format!("no HTTP client can be made: {}", error::root(&error)))
        })?;
        Ok(Self { http, server: context.server.clone(), base, token: context.token.clone() })
    }

    /// A request to the resource whose path these are the segments of.
    pub(crate) fn call(&self, method: Method, path: &[&str]) -> Call<'_> {
        let mut url = self.base.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().push("v1").extend(path);
        }
        Call { client: self, method, url, if_match: None, body: None, source: None }
    }

    /// Follows an Operation.
    pub(crate) async fn watch(&self, id: &str) -> Result<Events, Failure> {
        let Call { url, .. } = self.call(Method::GET, &["operations", id, "watch"]);
        let request = self.http.get(url).header("accept", "text/event-stream");
        // The head of the answer has the deadline of any other; what comes then may go on for ever.
        let response = match tokio::time::timeout(ANSWER, self.authorized(request).send()).await {
            Ok(response) => response.map_err(|error| error::unanswered(&error, &self.server))?,
            Err(_) => return Err(error::late(&self.server)),
        };
        let response = refused(response, None).await?;
        Ok(Events::of(response, SILENCE))
    }

    fn authorized(&self, request: RequestBuilder) -> RequestBuilder {
        match &self.token {
            Some(token) => request.bearer_auth(token.expose_secret()),
            None => request,
        }
    }
}

impl<'a> Call<'a> {
    /// With one more field in the query.
    pub(crate) fn query(mut self, key: &str, value: &str) -> Self {
        self.url.query_pairs_mut().append_pair(key, value);
        self
    }

    /// Only if the App still has this etag.
    pub(crate) fn if_match(mut self, etag: Option<String>) -> Self {
        self.if_match = etag;
        self
    }

    /// With this body.
    pub(crate) fn body(mut self, body: Value) -> Self {
        self.body = Some(body);
        self
    }

    /// About this document: its faults are told by line and column.
    pub(crate) fn about(mut self, source: &'a Source) -> Self {
        self.source = Some(source);
        self
    }

    /// The answer.
    pub(crate) async fn send(self) -> Result<Value, Failure> {
        let Self { client, method, url, if_match, body, source } = self;
        let mut request = client.authorized(client.http.request(method, url)).timeout(ANSWER);
        if let Some(etag) = if_match {
            request = request.header("if-match", etag);
        }
        if let Some(body) = body {
            request = request.json(&body);
        }
        let response = request.send().await.map_err(|error| error::unanswered(&error, &client.server))?;
        let mut response = refused(response, source).await?;
        let bytes = bytes(&mut response).await.map_err(|error| error::unanswered(&error, &client.server))?;
        serde_json::from_slice(&bytes).map_err(|_| unreadable())
    }

    /// The answer, or `None` where what was asked for is not there.
    pub(crate) async fn find(self) -> Result<Option<Value>, Failure> {
        match self.send().await {
            Ok(value) => Ok(Some(value)),
            Err(failure) if failure.exit() == plimsoll_core::error::Kind::NotFound.exit() => Ok(None),
            Err(failure) => Err(failure),
        }
    }
}

/// An answer as one of the types that the server answers with.
pub(crate) fn read<T: DeserializeOwned>(value: &Value) -> Result<T, Failure> {
    T::deserialize(value).map_err(|_| unreadable())
}

fn unreadable() -> Failure {
    Failure::new(
        FAILED,
        "the server's answer cannot be read; it may be of another version, or no Plimsoll at all",
    )
}

/// The response, if it is no error.
async fn refused(mut response: Response, source: Option<&Source>) -> Result<Response, Failure> {
    let status = response.status();
    if status.is_success() {
        return Ok(response);
    }
    let body = bytes(&mut response).await.unwrap_or_default();
    Err(match serde_json::from_slice::<Problem>(&body) {
        Ok(problem) => Failure::problem(problem, source),
        Err(_) => foreign(status),
    })
}

/// An error that no Plimsoll made, such as a proxy's.
fn foreign(status: StatusCode) -> Failure {
    let mut hope = Hope::None;
    let hint = match status {
        status if status.is_redirection() => "it points elsewhere; name that address with --server",
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN | StatusCode::PROXY_AUTHENTICATION_REQUIRED => {
            "something on the way lets nobody through"
        }
        StatusCode::BAD_GATEWAY | StatusCode::SERVICE_UNAVAILABLE | StatusCode::GATEWAY_TIMEOUT => {
            hope = Hope::Reached;
            "something on the way does not reach the server"
        }
        _ => "it may be no Plimsoll",
    };
    Failure::new(FAILED, format!("the server answered {status}; {hint}")).passing(hope)
}

async fn bytes(response: &mut Response) -> Result<Vec<u8>, reqwest::Error> {
    let mut bytes = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        bytes.extend_from_slice(&chunk);
        if bytes.len() > MAX_ANSWER {
            // What is cut off cannot be read, and says so.
            break;
        }
    }
    Ok(bytes)
}

fn is_local(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default().trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}
