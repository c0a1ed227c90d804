//! Watches as streams of lines, with what hooks do to them.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::io;
use std::sync::Arc;

use axum::body::Body;
use bytes::Bytes;
use futures::future::BoxFuture;
use futures::stream;
use http::StatusCode;
use tokio::sync::watch;

use super::Server;
use super::present::{self, Header};
use super::query::Query;
use super::respond::{Form, Reply, with_type};
use crate::api::{WatchEvent, WatchStart, Watcher};
use crate::hooks::{Order, RequestInfo, WatchFault, WatchInfo};
use crate::object;
use crate::store::{ChangeKind, Object};
use crate::tree::{Value, json};

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
        ready: VecDeque::new(),
        held: VecDeque::new(),
        over: false,
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
    /// Events to be sent now.
    ready: VecDeque<Told>,
    /// Events that wait until another has passed.
    held: VecDeque<Held>,
    over: bool,
}

/// One event, before it is put into a form.
struct Told {
    kind: &'static str,
    object: Object,
}

struct Held {
    told: Told,
    order: Order,
    due: BoxFuture<'static, ()>,
}

impl Told {
    fn is_about_an_object(&self) -> bool {
        !["BOOKMARK", "ERROR"].contains(&self.kind)
    }

    fn is_about(&self, other: &Self) -> bool {
        let place =
            |told: &Self| (object::namespace(&told.object).to_owned(), object::name(&told.object).to_owned());
        place(self) == place(other)
    }
}

impl Lines {
    async fn next(&mut self) -> Line {
        loop {
            if let Some(told) = self.ready.pop_front() {
                if self.server.gate.pass().await.is_err() {
                    return Line::Broken;
                }
                return Line::Send(self.encode(told.kind, &told.object));
            }
            if self.over {
                return Line::Over;
            }
            let due = async {
                match self.held.front_mut() {
                    Some(held) => (&mut held.due).await,
                    None => std::future::pending().await,
                }
            };
            let event = tokio::select! {
                biased;
                _ = self.cuts.changed() => return Line::Broken,
                () = self.server.gate.closed() => return Line::Broken,
                () = due => {
                    self.release_all();
                    continue;
                }
                event = self.watcher.next() => event,
            };
            let Some(event) = event else {
                self.release_all();
                self.over = true;
                continue;
            };
            let told = self.shown(event);
            let hooks = &self.server.hooks;
            // An object is read only if a hook may want to look into it.
            let fault = if hooks.has_watch_hooks() {
                hooks.watch_fault(&WatchInfo { request: &self.info, kind: told.kind, object: &told.object })
            } else {
                WatchFault::Pass
            };
            match fault {
                WatchFault::Hide => {}
                WatchFault::Delay(time) => {
                    self.server.api.clock.sleep(time).await;
                    self.tell(told);
                }
                WatchFault::Reorder { order, within } if told.is_about_an_object() => {
                    let due = self.server.api.clock.sleep(within);
                    self.held.push_back(Held { told, order, due });
                }
                // A bookmark and an error speak of all events before them, and keep their place.
                WatchFault::Pass | WatchFault::Reorder { .. } => self.tell(told),
                WatchFault::Fail(error) => {
                    self.tell(Told { kind: "ERROR", object: error.to_value().into() });
                    self.over = true;
                }
                WatchFault::End => return Line::Over,
                WatchFault::Cut => return Line::Broken,
                WatchFault::Freeze => match frozen().await {},
            }
        }
    }

    /// Tells an event, and behind it those that were held back for it.
    fn tell(&mut self, told: Told) {
        if self.held.is_empty() {
            self.ready.push_back(told);
            return;
        }
        let all = !told.is_about_an_object();
        let (before, after): (VecDeque<Held>, _) = self
            .held
            .drain(..)
            .partition(|held| all || held.order == Order::OfObjects && held.told.is_about(&told));
        self.ready.extend(before.into_iter().map(|held| held.told));
        self.ready.push_back(told);
        self.ready.extend(after.into_iter().map(|held| held.told));
    }

    fn release_all(&mut self) {
        self.ready.extend(self.held.drain(..).map(|held| held.told));
    }

    fn shown(&self, event: WatchEvent) -> Told {
        match event {
            WatchEvent::Object { kind, object } => {
                let kind = match kind {
                    ChangeKind::Added => "ADDED",
                    ChangeKind::Modified => "MODIFIED",
                    ChangeKind::Deleted => "DELETED",
                };
                Told { kind, object }
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
                Told { kind: "BOOKMARK", object: bookmark.into() }
            }
            WatchEvent::Error(error) => Told { kind: "ERROR", object: error.to_value().into() },
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
