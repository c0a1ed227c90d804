//! The server: a port on loopback, and which request means what.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{HeaderMap, Method, Request as HttpRequest};
use http_body_util::BodyExt as _;
use parking_lot::{Mutex, RwLock};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::answer::{Scripted, error, respond};
use crate::habits::{Deletes, EntityTags, Habits, Referrers};
use crate::journal::Request;
use crate::lists::page;
use crate::store::{Store, digest, digest_like};
use crate::uploads;

type Script = Arc<dyn Fn(&Request) -> Scripted + Send + Sync>;

/// A registry that runs until it is dropped.
pub struct ScriptedRegistry {
    shared: Arc<Shared>,
    server: JoinHandle<()>,
}

struct Shared {
    address: SocketAddr,
    store: Mutex<Store>,
    habits: RwLock<Habits>,
    script: RwLock<Option<Script>>,
    journal: Mutex<Vec<Request>>,
}

impl Drop for ScriptedRegistry {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl ScriptedRegistry {
    /// Starts one on a free port of this machine.
    pub async fn start(habits: Habits) -> std::io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let shared = Arc::new(Shared {
            address: listener.local_addr()?,
            store: Mutex::default(),
            habits: RwLock::new(habits),
            script: RwLock::default(),
            journal: Mutex::default(),
        });
        let app = Router::new().fallback(serve).with_state(shared.clone());
        let server = tokio::spawn(async move {
            // Ends with the task; a listener that fails ends its test by silence.
            let _ = axum::serve(listener, app).await;
        });
        Ok(Self { shared, server })
    }

    /// `127.0.0.1:PORT`.
    pub fn host(&self) -> String {
        self.shared.address.to_string()
    }

    /// Changes how it behaves from now on.
    pub fn become_of(&self, habits: Habits) {
        *self.shared.habits.write() = habits;
    }

    /// Asks `script` about every request from now on.
    pub fn script(&self, script: impl Fn(&Request) -> Scripted + Send + Sync + 'static) {
        *self.shared.script.write() = Some(Arc::new(script));
    }

    /// Answers everything by itself again.
    pub fn unscript(&self) {
        *self.shared.script.write() = None;
    }

    /// The requests since it started, or since the journal was last taken.
    pub fn take_journal(&self) -> Vec<Request> {
        std::mem::take(&mut *self.shared.journal.lock())
    }

    /// Puts a blob in without a request; the answer is its digest.
    pub fn add_blob(&self, repository: &str, bytes: impl Into<Bytes>) -> String {
        let bytes = bytes.into();
        let digest = digest(&bytes);
        let mut store = self.shared.store.lock();
        store.repositories.entry(repository.to_owned()).or_default().blobs.insert(digest.clone(), bytes);
        digest
    }

    /// Puts a manifest in without a request, whatever it names, with a tag if one is given; the answer is its digest.
    pub fn add_manifest(
        &self,
        repository: &str,
        tag: Option<&str>,
        kind: &str,
        bytes: impl Into<Bytes>,
    ) -> String {
        let bytes = bytes.into();
        let digest = digest(&bytes);
        let mut store = self.shared.store.lock();
        let repository = store.repositories.entry(repository.to_owned()).or_default();
        repository.manifests.insert(digest.clone(), (kind.to_owned(), bytes));
        if let Some(tag) = tag {
            repository.tags.insert(tag.to_owned(), digest.clone());
        }
        digest
    }

    /// Makes a repository with nothing in it.
    pub fn add_repository(&self, repository: &str) {
        self.shared.store.lock().repositories.entry(repository.to_owned()).or_default();
    }

    /// A blob's bytes, if it is there.
    pub fn blob(&self, repository: &str, digest: &str) -> Option<Bytes> {
        self.shared.store.lock().repositories.get(repository)?.blobs.get(digest).cloned()
    }

    /// A manifest's bytes, if it is there.
    pub fn manifest(&self, repository: &str, digest: &str) -> Option<Bytes> {
        let store = self.shared.store.lock();
        store.repositories.get(repository)?.manifests.get(digest).map(|(_, bytes)| bytes.clone())
    }

    /// Takes a manifest away and leaves the tags that point to it, as a fault of the disk does.
    pub fn lose_manifest(&self, repository: &str, digest: &str) {
        if let Some(repository) = self.shared.store.lock().repositories.get_mut(repository) {
            repository.manifests.remove(digest);
        }
    }

    /// What a tag points to.
    pub fn tag(&self, repository: &str, tag: &str) -> Option<String> {
        self.shared.store.lock().repositories.get(repository)?.tags.get(tag).cloned()
    }

    /// How many uploads are open.
    pub fn open_uploads(&self) -> usize {
        self.shared.store.lock().sessions.len()
    }
}

async fn serve(State(shared): State<Arc<Shared>>, request: HttpRequest<Body>) -> Response {
    let (head, body) = request.into_parts();
    let path = head.uri.path_and_query().map_or("/", |path| path.as_str()).to_owned();
    // A body that breaks off never gets here whole; what a registry does with the part is nothing.
    let body = match body.collect().await {
        Ok(body) => body.to_bytes(),
        Err(_) => return error(400, "BLOB_UPLOAD_INVALID", "blob upload invalid"),
    };
    let mut entry = Request { method: head.method, path, headers: head.headers, body: body.len(), status: 0 };
    let script = shared.script.read().clone();
    let scripted = script.map_or(Scripted::Pass, |script| script(&entry));
    let response = match scripted {
        Scripted::Pass => shared.answer(&entry, &body),
        Scripted::Instead(response) => response,
        Scripted::After(response) => {
            shared.answer(&entry, &body);
            response
        }
    };
    entry.status = response.status().as_u16();
    shared.journal.lock().push(entry);
    response
}

impl Shared {
    fn answer(&self, request: &Request, body: &Bytes) -> Response {
        let habits = self.habits.read().clone();
        let (path, query) = request.path.split_once('?').unwrap_or((&request.path, ""));
        if path == "/token" {
            return self.token(&habits, request, query);
        }
        if let Some(refused) = self.refuse(&habits, request, path) {
            return refused;
        }
        let method = &request.method;
        let base = format!("http://{}", self.address);
        let mut store = self.store.lock();
        match path.strip_prefix("/v2/") {
            Some("") => return respond(200, &[("docker-distribution-api-version", "registry/2.0")], "{}"),
            Some("_catalog") => {
                let names = store.repositories.keys().cloned().collect();
                return page(&habits, &base, path, query, names, "repositories", json!({}));
            }
            None => return error(404, "NAME_UNKNOWN", "no such path"),
            Some(_) => {}
        }
        let rest = &path["/v2/".len()..];
        if let Some(name) = rest.strip_suffix("/tags/list") {
            let Some(repository) = store.repositories.get(name) else {
                return error(404, "NAME_UNKNOWN", "repository name not known to registry");
            };
            let tags = repository.tags.keys().cloned().collect();
            return page(&habits, &base, path, query, tags, "tags", json!({"name": name}));
        }
        if let Some((name, id)) = rest.split_once("/blobs/uploads/") {
            return match id {
                "" if method == Method::POST => uploads::open(&mut store, &habits, name, query),
                id => uploads::go_on(&mut store, method, name, id, query, &request.headers, body),
            };
        }
        if let Some((name, digest)) = rest.split_once("/blobs/") {
            return blob(&mut store, &habits, method, name, digest, &request.headers);
        }
        if let Some((name, reference)) = rest.split_once("/manifests/") {
            return manifest(&mut store, &habits, method, name, reference, &request.headers, body);
        }
        if let Some((name, digest)) = rest.split_once("/referrers/")
            && habits.referrers == Referrers::Kept
        {
            let manifests =
                store.repositories.get(name).map(|found| found.referrers(digest)).unwrap_or_default();
            let index = "application/vnd.oci.image.index.v1+json";
            let body = json!({"schemaVersion": 2, "mediaType": index, "manifests": manifests});
            return respond(200, &[("content-type", index)], body.to_string());
        }
        respond(404, &[("content-type", "text/plain")], "404 page not found\n")
    }

    /// A token that is its rights and its end.
    fn token(&self, habits: &Habits, request: &Request, query: &str) -> Response {
        let Some(gate) = &habits.tokens else { return error(404, "NAME_UNKNOWN", "no such path") };
        if let Some((user, password)) = &gate.user
            && request.header("authorization")
                != Some(&format!("Basic {}", STANDARD.encode(format!("{user}:{password}"))))
        {
            return error(401, "UNAUTHORIZED", "who are you?");
        }
        let scopes: Vec<String> = query
            .split('&')
            .filter_map(|pair| pair.strip_prefix("scope="))
            .map(|scope| scope.replace("%3A", ":").replace("%2F", "/").replace("%2C", ","))
            .collect();
        let issued = {
            let mut store = self.store.lock();
            store.next_session += 1;
            store.next_session
        };
        let token = format!("{issued}|{}", scopes.join("|"));
        let body = json!({"token": token.replace(' ', ""), "expires_in": gate.life});
        respond(200, &[("content-type", "application/json")], body.to_string())
    }

    /// The 401 of who has no token with the right.
    fn refuse(&self, habits: &Habits, request: &Request, path: &str) -> Option<Response> {
        let gate = habits.tokens.as_ref()?;
        let name = path.strip_prefix("/v2/")?;
        let end = ["/manifests/", "/blobs/", "/tags/", "/referrers/"]
            .iter()
            .filter_map(|part| name.find(part))
            .min();
        let wanted = match (name, end) {
            ("_catalog", _) => Some("registry:catalog:*".to_owned()),
            (_, None) => None,
            (_, Some(end)) => {
                let right = match request.method.as_str() {
                    "GET" | "HEAD" => "pull",
                    "DELETE" if !path.contains("/uploads/") => "delete",
                    _ => "push",
                };
                Some(format!("repository:{}:{right}", &name[..end]))
            }
        };
        let held = request.header("authorization").and_then(|header| header.strip_prefix("Bearer "));
        let allows = |token: &str| match &wanted {
            None => true,
            Some(wanted) => token.split('|').skip(1).any(|scope| covers(scope, wanted)),
        };
        if held.is_some_and(allows) {
            return None;
        }
        let own = format!("http://{}/token", self.address);
        let realm = if gate.realm.is_empty() { &own } else { &gate.realm };
        let scope = wanted.map(|wanted| format!(",scope=\"{wanted}\"")).unwrap_or_default();
        let challenge = format!("Bearer realm=\"{realm}\",service=\"scripted\"{scope}");
        let mut response = error(401, "UNAUTHORIZED", "authentication required");
        if let Ok(value) = challenge.parse() {
            response.headers_mut().insert("www-authenticate", value);
        }
        Some(response)
    }
}

/// Whether `repository:a/b:pull,push` gives `repository:a/b:push`.
fn covers(scope: &str, wanted: &str) -> bool {
    let split = |text: &str| text.rsplit_once(':').map(|(name, rights)| (name.to_owned(), rights.to_owned()));
    match (split(scope), split(wanted)) {
        (Some((name, rights)), Some((wanted, right))) => {
            name == wanted && rights.split(',').any(|held| held == right)
        }
        _ => false,
    }
}

fn blob(
    store: &mut Store,
    habits: &Habits,
    method: &Method,
    name: &str,
    digest: &str,
    headers: &HeaderMap,
) -> Response {
    let unknown = || error(404, "BLOB_UNKNOWN", "blob unknown to registry");
    let Some(repository) = store.repositories.get_mut(name) else { return unknown() };
    if method == Method::DELETE {
        return match habits.deletes {
            Deletes::Off => error(405, "UNSUPPORTED", "the operation is unsupported"),
            _ if repository.blobs.remove(digest).is_some() => respond(202, &[], ""),
            _ => unknown(),
        };
    }
    let Some(bytes) = repository.blobs.get(digest).cloned() else { return unknown() };
    if let Some(base) = habits.blobs_at.as_ref().filter(|_| method == Method::GET) {
        return respond(307, &[("location", &format!("{base}/v2/{name}/blobs/{digest}"))], "");
    }
    let length = bytes.len().to_string();
    let range =
        headers.get("range").and_then(|range| range.to_str().ok()?.strip_prefix("bytes=")?.strip_suffix('-'));
    let begin = range.and_then(|begin| begin.parse::<usize>().ok()).filter(|_| !habits.ignores_ranges);
    match begin {
        Some(begin) if begin < bytes.len() => {
            let range = format!("bytes {begin}-{}/{length}", bytes.len() - 1);
            respond(206, &[("content-range", &range)], bytes.slice(begin..))
        }
        Some(_) => respond(416, &[], ""),
        None if method == Method::HEAD => {
            respond(200, &[("content-length", &length), ("docker-content-digest", digest)], "")
        }
        None => respond(200, &[("docker-content-digest", digest)], bytes),
    }
}

fn manifest(
    store: &mut Store,
    habits: &Habits,
    method: &Method,
    name: &str,
    reference: &str,
    headers: &HeaderMap,
    body: &Bytes,
) -> Response {
    let unknown = || error(404, "MANIFEST_UNKNOWN", "manifest unknown");
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    match method.as_str() {
        "PUT" => {
            let repository = store.repositories.entry(name.to_owned()).or_default();
            let Ok(value) = serde_json::from_slice::<Value>(body) else {
                return error(400, "MANIFEST_INVALID", "manifest invalid");
            };
            let missing = repository.missing(&value);
            if !missing.is_empty() {
                return error(400, "MANIFEST_BLOB_UNKNOWN", &missing.join(" "));
            }
            let digest = digest_like(body, reference);
            if reference.contains(':') && reference != digest {
                return error(400, "DIGEST_INVALID", "provided digest did not match uploaded content");
            }
            repository.manifests.insert(digest.clone(), (text("content-type").to_owned(), body.clone()));
            if !reference.contains(':') {
                repository.tags.insert(reference.to_owned(), digest.clone());
            }
            match value["subject"]["digest"].as_str().filter(|_| habits.referrers == Referrers::Kept) {
                Some(subject) => {
                    respond(201, &[("docker-content-digest", &digest), ("oci-subject", subject)], "")
                }
                None => respond(201, &[("docker-content-digest", &digest)], ""),
            }
        }
        "DELETE" if habits.deletes == Deletes::Off => {
            error(405, "UNSUPPORTED", "the operation is unsupported")
        }
        "DELETE" => {
            let Some(repository) = store.repositories.get_mut(name) else { return unknown() };
            match habits.deletes {
                Deletes::ByDigest if !reference.contains(':') => {
                    error(400, "DIGEST_INVALID", "invalid digest")
                }
                _ if repository.tags.remove(reference).is_some() => respond(202, &[], ""),
                _ if repository.manifests.remove(reference).is_some() => {
                    repository.tags.retain(|_, digest| digest != reference);
                    respond(202, &[], "")
                }
                _ => unknown(),
            }
        }
        _ => {
            let found = store.repositories.get(name);
            // As Distribution does it: before it looks whether the manifest is there.
            let held = found.and_then(|repository| repository.tags.get(reference));
            let known = text("if-none-match").trim_matches('"');
            if habits.entity_tags == EntityTags::Honoured && held.is_some_and(|digest| digest == known) {
                return respond(304, &[], "");
            }
            let Some((digest, (kind, bytes))) = found.and_then(|repository| {
                let digest = repository.resolve(reference)?;
                let manifest = repository.manifests.get(&digest)?.clone();
                Some((digest, manifest))
            }) else {
                return unknown();
            };
            let accepted = headers.get_all("accept").iter().any(|value| {
                value.to_str().is_ok_and(|value| value.contains(kind.as_str()) || value.contains("*/*"))
            });
            if !accepted {
                return unknown();
            }
            let length = bytes.len().to_string();
            let body = if method == Method::HEAD { Bytes::new() } else { bytes };
            respond(
                200,
                &[("content-type", &kind), ("content-length", &length), ("docker-content-digest", &digest)],
                body,
            )
        }
    }
}
