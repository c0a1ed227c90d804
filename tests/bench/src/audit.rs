use anyhow::{Context, Result};
use serde::Deserialize;
use std::collections::HashMap;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

/// Every request, without its content. `RequestReceived` is written before a request is worked on, so whoever
/// has an answer in hand can be sure that its request is in the log.
pub(crate) const POLICY: &str = "apiVersion: audit.k8s.io/v1
kind: Policy
rules:
- level: Metadata
";

/// How much is read at once in search of the end of a line.
const CHUNK: u64 = 16 << 10;

/// The audit log of one API server: every request that reached it, whoever sent it.
#[derive(Clone, Debug)]
pub struct AuditLog {
    path: PathBuf,
}

/// A place in an [`AuditLog`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Mark(u64);

/// One request that reached an API server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// Lower case, as in RBAC: `get`, `list`, `watch`, `create`, `update`, `patch`, `delete`, …
    pub verb: String,
    /// Who sent it. The bench's own components are called after their programs; `admin` is the user of the
    /// kubeconfigs that the bench gives out, `plimsoll-bench` the bench itself.
    pub user: String,
    /// What the client calls itself.
    pub user_agent: String,
    /// Path and query.
    pub uri: String,
    /// The group of what it is about; empty for the core group and for requests about no object.
    pub group: String,
    /// The plural of what it is about, such as `deployments`; empty for requests about no object.
    pub resource: String,
    /// Such as `status` or `scale`; empty if none.
    pub subresource: String,
    /// Empty for what lies in no namespace.
    pub namespace: String,
    /// Empty for a collection.
    pub name: String,
    /// The HTTP status it was answered with; `None` while it is not answered, as a watch that goes on.
    pub code: Option<u16>,
}

impl Request {
    /// Whether it was meant to change something.
    pub fn is_write(&self) -> bool {
        !matches!(self.verb.as_str(), "get" | "list" | "watch" | "head" | "options")
    }
}

impl AuditLog {
    pub(crate) fn at(path: PathBuf) -> Self {
        Self { path }
    }

    /// Where it lies: one `audit.k8s.io/v1` Event in JSON per line.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The end of the last whole line of the log as it is now; one that is being written comes after it.
    pub fn mark(&self) -> Result<Mark> {
        std::fs::File::open(&self.path)
            .and_then(|mut file| end_of_lines(&mut file))
            .map(Mark)
            .with_context(|| format!("reading the end of {}", self.path.display()))
    }

    /// The requests that reached the server after `mark` was made, in the order of their arrival.
    pub fn since(&self, mark: Mark) -> Result<Vec<Request>> {
        let mut text = String::new();
        std::fs::File::open(&self.path)
            .and_then(|mut file| {
                file.seek(SeekFrom::Start(mark.0))?;
                file.read_to_string(&mut text)
            })
            .with_context(|| format!("reading {}", self.path.display()))?;
        parse(&text).with_context(|| format!("in {}", self.path.display()))
    }

    /// Every request since the server first started.
    pub fn requests(&self) -> Result<Vec<Request>> {
        self.since(Mark(0))
    }
}

/// Where the last line ends that is written out; zero where none is.
fn end_of_lines(file: &mut (impl Read + Seek)) -> io::Result<u64> {
    let mut end = file.seek(SeekFrom::End(0))?;
    let mut chunk = Vec::new();
    while end > 0 {
        let start = end.saturating_sub(CHUNK);
        file.seek(SeekFrom::Start(start))?;
        chunk.clear();
        file.by_ref().take(end - start).read_to_end(&mut chunk)?;
        if let Some(last) = chunk.iter().rposition(|byte| *byte == b'\n') {
            return Ok(start + last as u64 + 1);
        }
        end = start;
    }
    Ok(0)
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Event {
    #[serde(rename = "auditID")]
    audit_id: String,
    stage: String,
    #[serde(rename = "requestURI")]
    request_uri: String,
    verb: String,
    user: User,
    #[serde(default)]
    user_agent: String,
    #[serde(default)]
    object_ref: ObjectRef,
    response_status: Option<ResponseStatus>,
}

#[derive(Deserialize)]
struct User {
    #[serde(default)]
    username: String,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct ObjectRef {
    api_group: String,
    resource: String,
    subresource: String,
    namespace: String,
    name: String,
}

#[derive(Deserialize)]
struct ResponseStatus {
    code: Option<u16>,
}

/// Joins the stages of each request. A request whose arrival is not in `text` came before it, and is left out.
fn parse(text: &str) -> Result<Vec<Request>> {
    let mut requests: Vec<Request> = Vec::new();
    let mut by_id: HashMap<String, usize> = HashMap::new();
    // A last line without its end is still being written.
    for line in text.split_inclusive('\n').filter(|line| line.ends_with('\n')) {
        let event: Event = serde_json::from_str(line).context("reading an audit event")?;
        let id = event.audit_id.clone();
        if event.stage == "RequestReceived" {
            by_id.insert(id, requests.len());
            requests.push(to_request(event));
        } else if let Some(known) = by_id.get(&id).and_then(|index| requests.get_mut(*index)) {
            // Later stages know more: the name of what was created, and the answer.
            let answered = event.stage == "ResponseComplete" || event.stage == "Panic";
            let code = known.code;
            *known = to_request(event);
            if !answered {
                known.code = code;
            }
        }
    }
    Ok(requests)
}

fn to_request(event: Event) -> Request {
    let Event { audit_id: _, stage: _, request_uri, verb, user, user_agent, object_ref, response_status } =
        event;
    let ObjectRef { api_group, resource, subresource, namespace, name } = object_ref;
    Request {
        verb,
        user: user.username,
        user_agent,
        uri: request_uri,
        group: api_group,
        resource,
        subresource,
        namespace,
        name,
        code: response_status.and_then(|status| status.code),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn event(id: &str, stage: &str, more: &Value) -> String {
        let mut event = json!({
            "kind": "Event", "apiVersion": "audit.k8s.io/v1", "level": "Metadata", "auditID": id, "stage": stage,
            "requestURI": "/api/v1/namespaces/demo/configmaps", "verb": "create",
            "user": {"username": "admin", "groups": ["system:masters"]}, "userAgent": "kubectl/v1.37.0",
            "objectRef": {"resource": "configmaps", "namespace": "demo", "apiVersion": "v1"},
        });
        for (key, value) in more.as_object().unwrap() {
            event[key] = value.clone();
        }
        format!("{event}\n")
    }

    #[test]
    fn a_mark_lies_at_the_end_of_a_whole_line() {
        let end = |text: &str| end_of_lines(&mut std::io::Cursor::new(text)).unwrap();
        let long = "x".repeat(40_000);
        assert_eq!(end(""), 0);
        assert_eq!(end("half"), 0);
        assert_eq!(end("one\n"), 4);
        assert_eq!(end("one\nhalf"), 4);
        assert_eq!(end(&format!("one\n{long}")), 4);
        assert_eq!(end(&format!("{long}\n{long}")), 40_001);
    }

    #[test]
    fn the_stages_of_a_request_are_one_and_a_half_written_line_is_none() {
        let text = [
            event("before", "ResponseComplete", &json!({"responseStatus": {"code": 200}})),
            event("made", "RequestReceived", &json!({})),
            event("open", "RequestReceived", &json!({"verb": "watch"})),
            event("open", "ResponseStarted", &json!({"verb": "watch", "responseStatus": {"code": 200}})),
            event(
                "made",
                "ResponseComplete",
                &json!({
                    "objectRef": {"resource": "configmaps", "namespace": "demo", "name": "settings"},
                    "responseStatus": {"code": 201},
                }),
            ),
            "{\"kind\":\"Event\",\"auditI".to_owned(),
        ]
        .concat();

        let requests = parse(&text).unwrap();

        let common = Request {
            verb: "create".into(),
            user: "admin".into(),
            user_agent: "kubectl/v1.37.0".into(),
            uri: "/api/v1/namespaces/demo/configmaps".into(),
            group: String::new(),
            resource: "configmaps".into(),
            subresource: String::new(),
            namespace: "demo".into(),
            name: "settings".into(),
            code: Some(201),
        };
        let watch = Request { verb: "watch".into(), name: String::new(), code: None, ..common.clone() };
        assert_eq!(requests, [common, watch]);
    }
}
