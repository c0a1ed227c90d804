//! Watches as streams of lines, with what hooks do to them.

use std::convert::Infallible;
use std::io;
use std::sync::Arc;

use axum::body::Body;
use bytes::{BufMut, Bytes, BytesMut};
use futures::stream;
use http::StatusCode;
use serde_json::{Value, json};
use tokio::sync::watch;

use super::Server;
use super::present::{self, Header};
use super::query::Query;
use super::respond::{Form, Reply, with_type};
use crate::api::{WatchEvent, WatchStart, Watcher};
use crate::hooks::{RequestInfo, WatchFault, WatchInfo};
use crate::store::{Change, ChangeKind, Object};

/// The answer to a watch.
pub(super) fn watch(
    server: &Arc<Server>,
    watcher: Watcher,
    form: Form,
    query: &Query,
    info: &RequestInfo,
) -> Reply {
    let include = Query::parse(Some(&format!("includeObject={}", query.get("includeObject"))));
    let lines = Lines {
        server: server.clone(),
        watcher,
        form,
        include,
        info: info.clone(),
        cuts: server.hooks.cuts(),
        header: Header::Shown,
    };
    let body = stream::unfold(Some(lines), |lines| async {
        let mut lines = lines?;
        match lines.next().await {
            Line::Send(bytes) => Some((Ok(bytes), Some(lines))),
            Line::Broken => Some((Err(io::Error::from(io::ErrorKind::ConnectionReset)), None)),
            Line::Over => None,
        }
    });
    with_type(StatusCode::OK, "application/json", Body::from_stream(body))
}

enum Line {
    Send(Bytes),
    Broken,
    Over,
}

struct Lines {
    server: Arc<Server>,
    watcher: Watcher,
    form: Form,
    include: Query,
    info: RequestInfo,
    cuts: watch::Receiver<u64>,
    header: Header,
}

impl Lines {
    async fn next(&mut self) -> Line {
        loop {
            let event = tokio::select! {
                biased;
                _ = self.cuts.changed() => return Line::Broken,
                () = self.server.gate.closed() => return Line::Broken,
                event = self.watcher.next() => event,
            };
            let Some(event) = event else { return Line::Over };
            let (kind, object, change) = self.shown(event);
            let fault = {
                let info = WatchInfo { request: &self.info, kind, object: &object };
                self.server.hooks.watch_fault(&info)
            };
            match fault {
                WatchFault::Pass => {}
                WatchFault::Hide => continue,
                WatchFault::Delay(time) => self.server.api.clock.sleep(time).await,
                WatchFault::End => return Line::Over,
                WatchFault::Cut => return Line::Broken,
                WatchFault::Freeze => match frozen().await {},
            }
            if self.server.gate.pass().await.is_err() {
                return Line::Broken;
            }
            return Line::Send(self.encode(kind, &object, change.as_deref()));
        }
    }

    fn shown(&self, event: WatchEvent) -> (&'static str, Object, Option<Arc<Change>>) {
        match event {
            WatchEvent::Object { kind, object, change } => {
                let kind = match kind {
                    ChangeKind::Added => "ADDED",
                    ChangeKind::Modified => "MODIFIED",
                    ChangeKind::Deleted => "DELETED",
                };
                (kind, object, change)
            }
            WatchEvent::Bookmark { revision, ends } => {
                let target = self.watcher.target();
                let mut bookmark = json!({
                    "kind": target.resource.kind,
                    "apiVersion": target.api_version(),
                    "metadata": {"resourceVersion": revision.to_string()},
                });
                if ends == WatchStart::Initial {
                    bookmark["metadata"]["annotations"] = json!({"k8s.io/initial-events-end": "true"});
                }
                ("BOOKMARK", Arc::new(bookmark), None)
            }
            WatchEvent::Error(error) => ("ERROR", Arc::new(error.to_value()), None),
        }
    }

    fn encode(&mut self, kind: &str, object: &Object, change: Option<&Change>) -> Bytes {
        let bytes = match (self.form, change) {
            (Form::Full, Some(change)) => change.encoded().clone(),
            _ => Bytes::from(self.in_form(kind, object).to_string()),
        };
        let mut line = BytesMut::with_capacity(bytes.len() + 40);
        line.put_slice(br#"{"type":""#);
        line.put_slice(kind.as_bytes());
        line.put_slice(br#"","object":"#);
        line.put(bytes);
        line.put_slice(b"}\n");
        line.freeze()
    }

    fn in_form(&mut self, kind: &str, object: &Object) -> Value {
        match self.form {
            _ if kind == "ERROR" => Value::clone(object),
            Form::Full => Value::clone(object),
            Form::Metadata => present::partial(object),
            Form::Table => {
                let objects = std::slice::from_ref(object);
                let rows = if kind == "BOOKMARK" { &[] } else { objects };
                let header = std::mem::replace(&mut self.header, Header::Omitted);
                let version = present::version_of(object);
                let api = &self.server.api;
                present::table(api, self.watcher.target(), &self.include, rows, &version, header)
            }
        }
    }
}

async fn frozen() -> Infallible {
    std::future::pending().await
}
