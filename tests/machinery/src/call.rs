//! One request and its answer.

use std::future::{Future, IntoFuture};
use std::pin::Pin;

use http::{HeaderMap, HeaderValue, Method, Request};
use http_body_util::BodyExt;
use serde_json::{Map, Value};

use crate::Server;
use crate::server::PATIENCE;

/// What the cases call themselves; writes that name no field manager are booked on it.
const AGENT: &str = "machinery/1.0";

/// The format of a patch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PatchFormat {
    /// RFC 6902.
    Json,
    /// RFC 7386.
    Merge,
    /// Kubernetes' own.
    Strategic,
    /// Server-side apply.
    Apply,
}

impl PatchFormat {
    const ALL: [Self; 4] = [Self::Json, Self::Merge, Self::Strategic, Self::Apply];

    /// How a transcript calls a patch of this format.
    fn verb(self) -> &'static str {
        match self {
            Self::Json => "PATCH json",
            Self::Merge => "PATCH merge",
            Self::Strategic => "PATCH strategic",
            Self::Apply => "PATCH apply",
        }
    }

    pub(crate) fn content_type(self) -> &'static str {
        match self {
            Self::Json => "application/json-patch+json",
            Self::Merge => "application/merge-patch+json",
            Self::Strategic => "application/strategic-merge-patch+json",
            Self::Apply => "application/apply-patch+yaml",
        }
    }
}

/// A request that is sent when it is awaited. Its answer goes into the transcript.
#[must_use = "a request is sent when it is awaited"]
pub struct Call<'a> {
    server: &'a Server,
    method: Method,
    path: String,
    headers: HeaderMap,
    body: Vec<u8>,
    shown: Shown,
}

/// How much of an answer goes into the transcript.
enum Shown {
    All,
    /// What lies at these JSON pointers.
    Only(Vec<String>),
    /// The code, reason and details of an error, not what it says.
    Reason,
    /// Nothing: this is set-up, and must succeed.
    Nothing,
    /// Nothing, whatever it is.
    Perhaps,
}

/// What was answered.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The HTTP code.
    pub code: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The body; a string where it is no JSON.
    pub body: Value,
}

impl Answer {
    /// The text at a JSON pointer.
    ///
    /// # Panics
    /// If there is none.
    pub fn text(&self, pointer: &str) -> &str {
        let text = self.body.pointer(pointer).and_then(Value::as_str);
        text.unwrap_or_else(|| panic!("no text at {pointer} of {}", self.body))
    }

    /// The resource version of an object or a list.
    pub fn version(&self) -> &str {
        self.text("/metadata/resourceVersion")
    }

    /// The uid of an object.
    pub fn uid(&self) -> &str {
        self.text("/metadata/uid")
    }
}

impl<'a> Call<'a> {
    pub(crate) fn new(server: &'a Server, method: Method, path: &str) -> Self {
        let mut headers = HeaderMap::new();
        headers.insert("user-agent", HeaderValue::from_static(AGENT));
        headers.insert("accept", HeaderValue::from_static("application/json"));
        Self { server, method, path: path.to_owned(), headers, body: Vec::new(), shown: Shown::All }
    }

    /// Sends a header, or without a value leaves it out.
    pub fn header(mut self, name: &'static str, value: &str) -> Self {
        if value.is_empty() {
            self.headers.remove(name);
        } else {
            self.headers.insert(name, HeaderValue::from_str(value).expect("a header"));
        }
        self
    }

    /// Asks for another form of the answer.
    pub fn accept(self, accept: &str) -> Self {
        self.header("accept", accept)
    }

    /// Adds to the query.
    pub fn query(mut self, query: &str) -> Self {
        self.path.push(if self.path.contains('?') { '&' } else { '?' });
        self.path.push_str(query);
        self
    }

    /// Sends a JSON body.
    pub fn json(self, body: &Value) -> Self {
        self.header("content-type", "application/json").bytes(body.to_string())
    }

    /// Sends any body.
    pub fn bytes(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }

    /// Shows only what lies at these JSON pointers of the answer.
    pub fn only(mut self, pointers: &[&str]) -> Self {
        self.shown = Shown::Only(pointers.iter().map(|&pointer| pointer.to_owned()).collect());
        self
    }

    /// Shows the code, reason and details of an error, and not what it says: for messages that a parser made
    /// or that name what differs from run to run.
    pub fn reason(mut self) -> Self {
        self.shown = Shown::Reason;
        self
    }

    /// Shows nothing; the request must succeed.
    pub fn unseen(mut self) -> Self {
        self.shown = Shown::Nothing;
        self
    }

    /// Shows nothing; the request may fail.
    pub fn maybe(mut self) -> Self {
        self.shown = Shown::Perhaps;
        self
    }

    async fn send(self) -> Answer {
        let Self { server, method, path, headers, body, shown } = self;
        let content_type = headers.get("content-type").and_then(|value| value.to_str().ok());
        let verb = match PatchFormat::ALL.into_iter().find(|it| Some(it.content_type()) == content_type) {
            Some(format) if method == Method::PATCH => format.verb(),
            _ => method.as_str(),
        };
        let verb = &verb.to_owned();
        let mut request = Request::new(body.into());
        *request.method_mut() = method.clone();
        *request.uri_mut() = server.path(&path).parse().expect("a path");
        *request.headers_mut() = headers;
        let exchange = async {
            let response = server.client.send(request).await.expect("an answer");
            let (parts, body) = response.into_parts();
            let bytes = body.collect().await.expect("a whole answer").to_bytes();
            let body = serde_json::from_slice(&bytes)
                .unwrap_or_else(|_| String::from_utf8_lossy(&bytes).into_owned().into());
            Answer { code: parts.status.as_u16(), headers: parts.headers, body }
        };
        let answer = tokio::time::timeout(PATIENCE, exchange).await.expect("an answer in time");
        let body = match shown {
            Shown::All => answer.body.clone(),
            Shown::Only(pointers) => pointers
                .into_iter()
                .map(|pointer| {
                    let value = answer.body.pointer(&pointer).cloned();
                    (pointer, value.unwrap_or_else(|| "(absent)".into()))
                })
                .collect::<Map<_, _>>()
                .into(),
            Shown::Reason => reason(&answer.body),
            Shown::Perhaps => return answer,
            Shown::Nothing => {
                assert!(answer.code < 300, "{method} {path}: {} {}", answer.code, answer.body);
                return answer;
            }
        };
        server.transcript.borrow_mut().answer(verb, &path, &answer, body);
        answer
    }
}

fn reason(status: &Value) -> Value {
    let fields = status.as_object().into_iter().flatten();
    let kept = fields.filter(|(name, _)| ["code", "reason", "details", "status"].contains(&name.as_str()));
    let mut kept: Map<_, _> = kept.map(|(name, value)| (name.clone(), value.clone())).collect();
    let causes = kept.get_mut("details").and_then(|details| details["causes"].as_array_mut());
    for cause in causes.into_iter().flatten().filter_map(Value::as_object_mut) {
        cause.remove("message");
    }
    kept.into()
}

impl<'a> IntoFuture for Call<'a> {
    type Output = Answer;
    type IntoFuture = Pin<Box<dyn Future<Output = Answer> + 'a>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.send())
    }
}
