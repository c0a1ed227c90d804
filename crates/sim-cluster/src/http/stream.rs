//! Watches as streams of lines, with what hooks do to them.

use std::convert::Infallible;
use std::io;
use std::sync::Arc;

use axum::body::Body;
use bytes::Bytes;
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
use crate::store::{ChangeKind, Object};

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
            let (kind, object) = self.shown(event);
            let hooks = &self.server.hooks;
            // An object is read only if a hook may want to look into it.
            let fault = if hooks.has_watch_hooks() {
                hooks.watch_fault(&WatchInfo { request: &self.info, kind, object: &object })
            } else {
                WatchFault::Pass
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
            return Line::Send(self.encode(kind, &object));
        }
    }

    fn shown(&self, event: WatchEvent) -> (&'static str, Object) {
        match event {
            WatchEvent::Object { kind, object } => {
                let kind = match kind {
                    ChangeKind::Added => "ADDED",
                    ChangeKind::Modified => "MODIFIED",
                    ChangeKind::Deleted => "DELETED",
                };
                (kind, object)
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
                ("BOOKMARK", bookmark.into())
            }
            WatchEvent::Error(error) => ("ERROR", error.to_value().into()),
        }
    }

    fn encode(&mut self, kind: &str, object: &Object) -> Bytes {
        let mut line = Vec::with_capacity(4096);
        line.extend_from_slice(br#"{"type":""#);
        line.extend_from_slice(kind.as_bytes());
        line.extend_from_slice(br#"","object":"#);
        match self.form {
            Form::Metadata if kind != "ERROR" => present::write_partial(object, &mut line),
            Form::Table if kind != "ERROR" => {
                line.extend_from_slice(self.table(kind, object).to_string().as_bytes());
            }
            _ => object.write(&mut line),
        }
        line.extend_from_slice(b"}\n");
        Bytes::from(line)
    }

    fn table(&mut self, kind: &str, object: &Object) -> Value {
        let objects = std::slice::from_ref(object);
        let rows = if kind == "BOOKMARK" { &[] } else { objects };
        let header = std::mem::replace(&mut self.header, Header::Omitted);
        let version = present::version_of(object);
        present::table(&self.server.api, self.watcher.target(), &self.include, rows, &version, header)
    }
}

async fn frozen() -> Infallible {
    std::future::pending().await
}
