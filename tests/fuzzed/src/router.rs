//! Requests to a simulated cluster, written like this, one behind the other with `###` between them:
//!
//! ```text
//! POST /api/v1/namespaces/default/configmaps?dryRun=All
//! content-type: application/json
//!
//! {"metadata": {"name": "a"}}
//! ```

use std::cell::Cell;
use std::sync::Once;
use std::time::Duration;

use http::header::{ACCEPT, CONTENT_TYPE};
use http::{Method, Request, Response, StatusCode};
use http_body_util::BodyExt as _;
use kube::Client;
use kube::client::Body;
use plimsoll_sim_cluster::SimCluster;
use serde_json::{Value, json};
use tokio::runtime::Runtime;

/// More requests than this in one input find nothing that fewer do not.
const MAX_REQUESTS: usize = 8;

/// How long the controllers have for what was written, by a clock that jumps.
const SETTLING: Duration = Duration::from_secs(90);

/// How long a watch is read.
const WATCHING: Duration = Duration::from_secs(2);

/// Every request is answered, a refusal by a `Status` of its code; no controller fails on what was stored; and every
/// object can be read, one by one as in its list, and after a restart.
pub fn router(bytes: &[u8]) {
    let requests: Vec<_> = bytes_split(bytes).take(MAX_REQUESTS).filter_map(Asked::parse).collect();
    if requests.is_empty() {
        return;
    }
    let before = panics();
    let runtime = runtime();
    runtime.block_on(async {
        let folder = tempfile::tempdir().unwrap();
        let start = || SimCluster::builder().seed(7).nodes(1).data_dir(folder.path()).start();
        let cluster = start().await.expect("a cluster starts");
        let (client, revision) = (cluster.client(), cluster.revision());
        for request in requests {
            request.send(&client).await;
        }
        if cluster.revision() == revision {
            return;
        }
        tokio::time::sleep(SETTLING).await;
        every_object_is_readable(&client).await;
        cluster.shutdown().await.expect("a cluster ends");
        let cluster = start().await.expect("a cluster starts again from what it kept");
        every_object_is_readable(&cluster.client()).await;
    });
    assert_eq!(panics(), before, "a controller panicked");
}

/// Time that stands still while anybody works, and jumps to the next thing to do where nobody does.
fn runtime() -> Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap()
}

/// How often anything panicked in this thread, in which the whole cluster runs: what panics in a task of its own is told
/// to nobody else.
fn panics() -> usize {
    thread_local! {
        static COUNT: Cell<usize> = const { Cell::new(0) };
    }
    static COUNTING: Once = Once::new();
    COUNTING.call_once(|| {
        let told = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            COUNT.set(COUNT.get() + 1);
            told(info);
        }));
    });
    COUNT.get()
}

fn bytes_split(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = Some(bytes);
    std::iter::from_fn(move || {
        let text = rest?;
        let end = text.windows(5).position(|window| window == b"\n###\n");
        let (one, behind) = end.map_or((text, None), |end| (&text[..end], Some(&text[end + 5..])));
        rest = behind;
        Some(one)
    })
}

/// One request.
#[derive(Debug)]
struct Asked<'a> {
    method: Method,
    target: http::Uri,
    content_type: Option<&'a [u8]>,
    accept: Option<&'a [u8]>,
    body: &'a [u8],
}

impl<'a> Asked<'a> {
    /// None where these bytes could not come in as a request of HTTP.
    fn parse(bytes: &'a [u8]) -> Option<Self> {
        let mut rest = bytes;
        let mut line = || {
            let end = rest.iter().position(|byte| *byte == b'\n').unwrap_or(rest.len());
            let (line, behind) = rest.split_at(end);
            rest = behind.get(1..).unwrap_or_default();
            line
        };
        let first = line();
        let space = first.iter().position(|byte| *byte == b' ')?;
        let method = Method::from_bytes(&first[..space]).ok()?;
        let target: http::Uri = first[space + 1..].try_into().ok()?;
        let (mut content_type, mut accept) = (None, None);
        loop {
            let header = line();
            if let Some(value) = header.strip_prefix(b"content-type: ") {
                content_type = Some(value);
            } else if let Some(value) = header.strip_prefix(b"accept: ") {
                accept = Some(value);
            } else {
                break;
            }
        }
        target.path().starts_with('/').then_some(Self { method, target, content_type, accept, body: rest })
    }

    async fn send(&self, client: &Client) {
        let mut request = Request::builder().method(&self.method).uri(&self.target);
        for (name, value) in [(CONTENT_TYPE, self.content_type), (ACCEPT, self.accept)] {
            if let Some(value) = value {
                request = request.header(name, value);
            }
        }
        let Ok(request) = request.body(Body::from(self.body.to_vec())) else { return };
        let response = client.send(request).await.expect("every request is answered");
        self.check(response).await;
    }

    async fn check<B>(&self, response: Response<B>)
    where
        B: http_body::Body,
        B::Error: std::fmt::Debug,
    {
        let code = response.status();
        assert!((200..600).contains(&code.as_u16()), "{self:?} is answered {code}");
        let content_type = response.headers().get(CONTENT_TYPE).map(|value| value.as_bytes().to_vec());
        let whole = tokio::time::timeout(WATCHING, response.into_body().collect()).await;
        // A watch goes on.
        let Ok(body) = whole else { return };
        let body = body.expect("an answer has a body").to_bytes();
        if code.is_success() {
            if content_type.as_deref() == Some(b"application/json") {
                for value in serde_json::Deserializer::from_slice(&body).into_iter::<Value>() {
                    value.unwrap_or_else(|error| panic!("{self:?} is answered by what is no JSON: {error}"));
                }
            }
            return;
        }
        if content_type.as_deref() == Some(b"text/plain; charset=utf-8") {
            let told = code == StatusCode::NOT_FOUND && *body == *b"404 page not found\n";
            assert!(told || code == StatusCode::NOT_IMPLEMENTED, "{self:?} is answered {code}: {body:?}");
            return;
        }
        let status: Value = serde_json::from_slice(&body).expect("a refusal is JSON");
        assert_eq!(
            (&status["kind"], &status["status"], &status["code"]),
            (&json!("Status"), &json!("Failure"), &json!(code.as_u16())),
            "{self:?} is answered {code}: {status}"
        );
        assert!(status["message"].as_str().is_some_and(|message| !message.is_empty()), "{self:?}: {status}");
    }
}

/// Reads what is stored of every kind that is served, each object also by itself.
async fn every_object_is_readable(client: &Client) {
    let mut versions = vec!["/api/v1".to_owned()];
    let groups = get(client, "/apis").await;
    for group in list(&groups["groups"]) {
        for version in list(&group["versions"]) {
            versions.push(format!("/apis/{}", version["groupVersion"].as_str().unwrap()));
        }
    }
    for version in versions {
        let found = get(client, &version).await;
        for resource in list(&found["resources"]) {
            let plural = resource["name"].as_str().unwrap();
            if !list(&resource["verbs"]).contains(&json!("list")) {
                continue;
            }
            let all = get(client, &format!("{version}/{plural}")).await;
            for item in list(&all["items"]) {
                let name = item["metadata"]["name"].as_str().expect("an object has a name");
                let place = match item["metadata"]["namespace"].as_str() {
                    Some(namespace) => format!("{version}/namespaces/{namespace}/{plural}/{name}"),
                    None => format!("{version}/{plural}/{name}"),
                };
                let mut one = get(client, &place).await;
                // A list says these once for all.
                for field in ["kind", "apiVersion"] {
                    if item.get(field).is_none() {
                        one.as_object_mut().unwrap().remove(field);
                    }
                }
                assert_eq!(&one, item, "{place}");
            }
        }
    }
}

async fn get(client: &Client, path: &str) -> Value {
    let request = Request::get(path).body(Body::empty()).unwrap_or_else(|error| panic!("{path:?}: {error}"));
    let response = client.send(request).await.expect("every request is answered");
    let code = response.status();
    let body = response.into_body().collect().await.expect("an answer has a body").to_bytes();
    let value = serde_json::from_slice(&body).unwrap_or_else(|error| panic!("GET {path}: {error}: {body:?}"));
    assert_eq!(code, StatusCode::OK, "GET {path}: {value}");
    value
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}
