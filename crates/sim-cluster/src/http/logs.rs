//! `pods/log`: lines that a plausible program would have written, a function of the pod and the time.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use futures::stream;
use http::StatusCode;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::Server;
use super::query::Query;
use super::respond::{Reply, with_type};
use crate::api::Target;
use crate::clock;
use crate::object::{self, list, text};
use crate::status::ApiError;

/// A line this often while the program runs.
const EVERY: i64 = 5;
/// The most lines kept, as a node keeps one rotated file.
const KEPT: i64 = 2000;

pub(super) fn respond(server: &Arc<Server>, target: &Target, query: &Query) -> Result<Reply, ApiError> {
    let pod = server.api.get(target)?;
    let container = container(&pod, target, query.get("container"))?;
    let started = started_at(&pod, target, &container)?;
    let now = server.api.now();
    let shown = Shown { prefix: query.flag("timestamps") };
    let since = match (query.number("sinceSeconds")?, query.get("sinceTime")) {
        (Some(seconds), _) => now.saturating_sub(SignedDuration::from_secs(seconds)).ok(),
        (None, time) => clock::parse(time),
    };
    let source = Source { pod, container, started };
    let mut lines = source.lines(now, since);
    if let Some(tail) = query.number("tailLines")? {
        let tail = usize::try_from(tail).unwrap_or(usize::MAX);
        lines.drain(..lines.len().saturating_sub(tail));
    }
    let first: String = lines.iter().map(|(at, line)| shown.line(*at, line)).collect();
    if !query.flag("follow") {
        return Ok(with_type(StatusCode::OK, "text/plain", first));
    }
    let follow = Follow { server: server.clone(), target: target.clone(), source, shown, sent: now };
    let body = stream::unfold((Some(first), Some(follow)), |(first, follow)| async {
        if let Some(first) = first.filter(|first| !first.is_empty()) {
            return Some((Ok::<_, std::io::Error>(Bytes::from(first)), (None, follow)));
        }
        let mut follow = follow?;
        let bytes = follow.next().await?;
        Some((Ok(bytes), (None, Some(follow))))
    });
    Ok(with_type(StatusCode::OK, "text/plain", Body::from_stream(body)))
}

/// The container asked for, or the only one.
fn container(pod: &Value, target: &Target, asked: &str) -> Result<String, ApiError> {
    let named =
        |pointer: &str| list(pod, pointer).iter().map(|c| text(c, "/name").to_owned()).collect::<Vec<_>>();
    let (main, init) = (named("/spec/containers"), named("/spec/initContainers"));
    if asked.is_empty() {
        if let [only] = main.as_slice() {
            return Ok(only.clone());
        }
        return Err(ApiError::bad_request(format!(
            "a container name must be specified for pod {}, choose one of: [{}]",
            target.name,
            main.join(" ")
        )));
    }
    if main.iter().chain(&init).any(|name| name == asked) {
        return Ok(asked.to_owned());
    }
    Err(ApiError::bad_request(format!("container {asked} is not valid for pod {}", target.name)))
}

fn started_at(pod: &Value, target: &Target, container: &str) -> Result<Timestamp, ApiError> {
    let statuses =
        list(pod, "/status/containerStatuses").iter().chain(list(pod, "/status/initContainerStatuses"));
    let status = statuses.into_iter().find(|status| text(status, "/name") == container);
    let started =
        ["/state/running/startedAt", "/state/terminated/startedAt", "/lastState/terminated/startedAt"]
            .iter()
            .find_map(|pointer| clock::parse(text(status?, pointer)));
    started.ok_or_else(|| {
        let reason = status.map_or("ContainerCreating", |status| text(status, "/state/waiting/reason"));
        ApiError::bad_request(format!(
            "container \"{container}\" in pod \"{}\" is waiting to start: {reason}",
            target.name
        ))
    })
}

struct Source {
    pod: Arc<Value>,
    container: String,
    started: Timestamp,
}

impl Source {
    /// The lines between `since` and `until`, oldest first.
    fn lines(&self, until: Timestamp, since: Option<Timestamp>) -> Vec<(Timestamp, String)> {
        let ran = until.as_second() - self.started.as_second();
        let last = ran / EVERY;
        let first = (last - KEPT).max(0);
        (first..=last)
            .filter(|_| ran >= 0)
            .filter_map(|number| {
                let at = self.started.saturating_add(SignedDuration::from_secs(number * EVERY)).ok()?;
                since.is_none_or(|since| at > since).then(|| (at, self.line(number, at)))
            })
            .collect()
    }

    fn line(&self, number: i64, at: Timestamp) -> String {
        let name = object::name(&self.pod);
        let time = clock::seconds(at);
        if number == 0 {
            return format!("{time} INFO  {} started in pod {name}", self.container);
        }
        // Numbers that look used, and are the same whenever they are asked for.
        let seed = number.wrapping_mul(2_654_435_761).unsigned_abs();
        let path = ["/", "/healthz", "/api/items", "/api/orders", "/static/app.js"]
            [usize::try_from(seed % 5).unwrap_or(0)];
        format!("{time} INFO  GET {path} 200 {}ms", 1 + seed % 40)
    }
}

#[derive(Clone, Copy)]
struct Shown {
    prefix: bool,
}

impl Shown {
    fn line(self, at: Timestamp, line: &str) -> String {
        if self.prefix { format!("{} {line}\n", clock::micros(at)) } else { format!("{line}\n") }
    }
}

struct Follow {
    server: Arc<Server>,
    target: Target,
    source: Source,
    shown: Shown,
    sent: Timestamp,
}

impl Follow {
    /// The next lines; none when the pod is gone or the server closed.
    async fn next(&mut self) -> Option<Bytes> {
        loop {
            let api = &self.server.api;
            tokio::select! {
                () = self.server.gate.closed() => return None,
                () = api.clock.sleep(Duration::from_secs(1)) => {}
            }
            let pod = api.get(&self.target).ok()?;
            if object::uid(&pod) != object::uid(&self.source.pod) {
                return None;
            }
            let now = api.now();
            let lines = self.source.lines(now, Some(self.sent));
            self.sent = now;
            if !lines.is_empty() {
                let text: String = lines.iter().map(|(at, line)| self.shown.line(*at, line)).collect();
                return Some(Bytes::from(text));
            }
        }
    }
}
