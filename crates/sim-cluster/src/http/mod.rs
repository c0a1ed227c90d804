//! The API over HTTP: who asks, what for, in which form the answer goes back.

mod auth;
mod body;
mod discovery;
mod exec;
mod json;
mod logs;
mod openapi;
mod present;
mod protobuf;
mod query;
mod respond;
mod reviews;
mod route;
mod stream;
mod table;
mod verbs;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::body::Body;
use http::{Request, StatusCode};
use jiff::SignedDuration;

pub(crate) use auth::{Tokens, TrustedUser};
pub(crate) use discovery::VERSION;

use crate::api::Api;
use crate::hooks::{Fault, Hooks, RequestInfo, Verb};
use crate::journal::{Journal, JournalEntry};
use crate::net::{ConnectionLost, Gate};
use crate::nodes::Nodes;
use crate::permissions::Permissions;
use crate::resource::Registry;
use crate::script::Scripts;
use crate::status::ApiError;
use crate::tree::json;
use respond::Reply;
use route::{GroupVersion, Route};

/// Paths that a real server has beside its API.
const OTHER_PATHS: [&str; 7] =
    ["/.well-known", "/debug", "/flagz", "/logs", "/metrics", "/openid", "/statusz"];

/// Whether it is about a group of Kubernetes, or a version of one, of which nothing is modelled.
fn is_missing_group(route: &Route<'_>) -> bool {
    let (group, version) = match route {
        Route::Group(group) => (*group, None),
        Route::GroupVersion(GroupVersion { group, version }) => (*group, Some(*version)),
        Route::OpenApiDocument(document) => match document.split('/').collect::<Vec<_>>()[..] {
            ["apis", group, version] => (group, Some(version)),
            _ => return false,
        },
        _ => return false,
    };
    Registry::is_missing_group(group, version)
}

fn no_such_version(registry: &Registry, group: &str) -> Result<Reply, ApiError> {
    if registry.has_group(group) { Err(ApiError::no_such_resource()) } else { Ok(respond::page_not_found()) }
}

/// The earlier revision that a read is answered as of, by a hook.
type AsOf = Option<u64>;

/// How long a request may take unless it says so, and at most.
const DEADLINE: Duration = Duration::from_mins(1);

/// How long this one may take.
fn deadline(parts: &http::request::Parts) -> Duration {
    let asked = query::Query::parse(parts.uri.query()).get("timeout").parse::<SignedDuration>();
    let asked = asked.ok().and_then(|asked| Duration::try_from(asked).ok());
    asked.filter(|asked| !asked.is_zero()).map_or(DEADLINE, |asked| asked.min(DEADLINE))
}

/// The server of one cluster.
#[derive(Debug)]
pub(crate) struct Server {
    pub(crate) api: Arc<Api>,
    pub(crate) tokens: Tokens,
    pub(crate) hooks: Hooks,
    pub(crate) journal: Journal,
    pub(crate) gate: Gate,
    pub(crate) permissions: Permissions,
    pub(crate) scripts: Scripts,
    pub(crate) nodes: Nodes,
    sequence: AtomicU64,
}

impl Server {
    pub(crate) fn new(api: Arc<Api>, tokens: Tokens, scripts: Scripts, nodes: Nodes) -> Self {
        Self {
            api,
            tokens,
            hooks: Hooks::default(),
            journal: Journal::default(),
            gate: Gate::default(),
            permissions: Permissions::default(),
            scripts,
            nodes,
            sequence: AtomicU64::new(0),
        }
    }

    /// Answers one request, or loses the connection.
    pub(crate) async fn serve(self: Arc<Self>, request: Request<Body>) -> Result<Reply, ConnectionLost> {
        self.gate.pass().await?;
        let reply = self.respond(request).await?;
        self.gate.pass().await?;
        Ok(reply)
    }

    async fn respond(self: &Arc<Self>, request: Request<Body>) -> Result<Reply, ConnectionLost> {
        let (parts, body) = request.into_parts();
        let path = parts.uri.path().to_owned();
        // Health is open to everyone, as it is by default on the real server.
        if matches!(Route::parse(&path), Route::Health) {
            return Ok(respond::with_type(StatusCode::OK, "text/plain; charset=utf-8", "ok"));
        }
        let Some(caller) = auth::caller(&self.tokens, &parts) else {
            return Ok(respond::error(&ApiError::unauthorized()));
        };
        match Route::parse(&path) {
            Route::Resource(place) => verbs::respond(self, &caller, &parts, body, place).await,
            route => self.respond_about_itself(&caller, &parts, &path, route).await,
        }
    }

    /// Discovery, documents and the like: read only.
    async fn respond_about_itself(
        self: &Arc<Self>,
        caller: &crate::api::Caller,
        parts: &http::request::Parts,
        path: &str,
        route: Route<'_>,
    ) -> Result<Reply, ConnectionLost> {
        let info = RequestInfo {
            sequence: self.next(),
            user: caller.user.clone(),
            agent: caller.agent.clone(),
            verb: Verb::Get,
            group: String::new(),
            version: String::new(),
            resource: path.to_owned(),
            subresource: String::new(),
            namespace: String::new(),
            name: String::new(),
            patch: None,
            field_manager: String::new(),
            dry_run: false,
        };
        self.run(&info, deadline(parts), |_| async {
            if parts.method != http::Method::GET && route != Route::Unknown {
                return Err(ApiError::method_not_allowed());
            }
            let aggregated = respond::wants_aggregated_discovery(&parts.headers);
            let registry = &self.api.registry;
            Ok(match route {
                Route::Group(_) | Route::GroupVersion(_) | Route::OpenApiDocument(_)
                    if is_missing_group(&route) =>
                {
                    return Err(ApiError::not_modelled(&format!("GET {path}")));
                }
                Route::CoreVersions if aggregated => discovery::aggregated(registry, discovery::Tree::Core),
                Route::Groups if aggregated => discovery::aggregated(registry, discovery::Tree::Groups),
                Route::CoreVersions => respond::json(StatusCode::OK, &discovery::core_versions()),
                Route::Groups => respond::json(StatusCode::OK, &discovery::groups(registry)),
                Route::Group(group) => discovery::group(registry, group)
                    .map_or_else(respond::page_not_found, |found| respond::json(StatusCode::OK, &found)),
                Route::GroupVersion(api) => discovery::resources(registry, api.group, api.version)
                    .map(|found| respond::json(StatusCode::OK, &found))
                    // A group answers for its versions, nobody for a group that is not there.
                    .map_or_else(|| no_such_version(registry, api.group), Ok)?,
                Route::Version => respond::json(StatusCode::OK, &discovery::version()),
                Route::OpenApiIndex => respond::json(StatusCode::OK, &openapi::index(&self.api)),
                Route::OpenApiDocument(document) => openapi::document(&self.api, document)
                    .map_or_else(respond::page_not_found, |found| respond::json(StatusCode::OK, &found)),
                // kubectl asks for it when it meets a kind that is not served, reads protobuf alone, and shows of
                // anything else only plain text.
                Route::OpenApiV2 => {
                    let error = ApiError::not_modelled(
                        "GET /openapi/v2, which kubectl asks for when a file holds a kind that is not served here; \
                         `kubectl api-resources` lists those that are",
                    );
                    respond::with_type(error.code, "text/plain; charset=utf-8", error.message)
                }
                Route::Unknown if path == "/" => respond::json(
                    StatusCode::OK,
                    &json!({"paths": ["/api", "/apis", "/openapi/v3", "/version"]}),
                ),
                Route::Unknown if !OTHER_PATHS.iter().any(|other| path.starts_with(other)) => {
                    respond::page_not_found()
                }
                Route::Unknown => {
                    return Err(ApiError::not_modelled(&format!("{} {path}", parts.method)));
                }
                Route::Resource(_) | Route::Health => respond::page_not_found(),
            })
        })
        .await
    }

    /// Runs the work of a request under the hooks, and writes it into the journal.
    async fn run<W: Future<Output = Result<Reply, ApiError>>>(
        &self,
        info: &RequestInfo,
        deadline: Duration,
        work: impl FnOnce(AsOf) -> W,
    ) -> Result<Reply, ConnectionLost> {
        let fault = self.hooks.fault(info);
        let mut as_of = None;
        match &fault {
            Fault::Delay(time) if *time > deadline && info.verb != Verb::Watch => {
                self.api.clock.sleep(deadline).await;
                let error = ApiError::timeout();
                self.record(info, Some(error.code.as_u16()), false);
                return Ok(respond::error(&error));
            }
            Fault::Delay(time) => self.api.clock.sleep(*time).await,
            Fault::Stale { revision } => as_of = Some((*revision).min(self.api.store.revision())),
            Fault::Fail(error) => {
                self.record(info, Some(error.code.as_u16()), false);
                return Ok(respond::error(error));
            }
            Fault::Drop => {
                self.record(info, None, false);
                return Err(ConnectionLost);
            }
            Fault::Hang => {
                self.record(info, None, false);
                return std::future::pending().await;
            }
            Fault::Pass | Fault::FailAfter(_) | Fault::LoseReply | Fault::HangAfter => {}
        }
        let before = self.api.store.revision();
        let outcome = work(as_of).await;
        let changed = info.is_write() && outcome.is_ok() && self.api.store.revision() != before;
        let reply = outcome.unwrap_or_else(|error| respond::error(&error));
        match fault {
            Fault::FailAfter(error) => {
                self.record(info, Some(error.code.as_u16()), changed);
                Ok(respond::error(&error))
            }
            Fault::LoseReply => {
                self.record(info, None, changed);
                Err(ConnectionLost)
            }
            Fault::HangAfter => {
                self.record(info, None, changed);
                std::future::pending().await
            }
            _ => {
                self.record(info, Some(reply.status().as_u16()), changed);
                Ok(reply)
            }
        }
    }

    fn record(&self, info: &RequestInfo, code: Option<u16>, changed: bool) {
        self.journal.record(JournalEntry { request: info.clone(), at: self.api.now(), code, changed });
    }

    fn next(&self) -> u64 {
        self.sequence.fetch_add(1, Ordering::Relaxed) + 1
    }
}
