//! `pods/log`: lines that a plausible program would have written, a function of the pod and the time, or those of
//! its script.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use futures::stream;
use http::StatusCode;
use jiff::{SignedDuration, Timestamp};

use super::Server;
use super::query::Query;
use super::respond::{Reply, with_type};
use crate::api::Target;
use crate::clock;
use crate::object::{self, integer, list, text};
use crate::status::ApiError;
use crate::store::Object;
use crate::tree::Value;

/// A line this often while the program runs.
const EVERY: i64 = 5;
/// The most lines kept, as a node keeps one rotated file.
const KEPT: i64 = 2000;

pub(super) fn respond(server: &Arc<Server>, target: &Target, query: &Query) -> Result<Reply, ApiError> {
    let pod = server.api.get(target)?;
    let container = container(&pod, target, query.get("container"))?;
    if text(&pod, "/spec/nodeName").is_empty() {
        // Nobody has said anything yet, and nobody is asked.
        return Ok(with_type(StatusCode::OK, "text/plain", Body::empty()));
    }
    let says = scripted(server, &pod, &container);
    let run = Run::of(&pod, target, &container, query.flag("previous"))?;
    let now = server.api.now();
    let shown = Shown { prefix: query.flag("timestamps") };
    let since = match (query.number("sinceSeconds")?, query.get("sinceTime")) {
        (Some(seconds), _) => now.saturating_sub(SignedDuration::from_secs(seconds)).ok(),
        (None, time) => clock::parse(time),
    };
    let source = Source { pod, container, run, says };
    let mut lines = source.lines(now, since);
    if let Some(tail) = query.number("tailLines")? {
        let tail = usize::try_from(tail).unwrap_or(usize::MAX);
        lines.drain(..lines.len().saturating_sub(tail));
    }
    let mut first: String = lines.iter().map(|(at, line)| shown.line(*at, line)).collect();
    if let Some(limit) = query.number("limitBytes")? {
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        first.truncate(first.floor_char_boundary(limit));
    }
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

/// What the script of a container has it say.
fn scripted(server: &Server, pod: &Value, container: &str) -> Option<Vec<String>> {
    server.scripts.of(pod, object::container_of(pod, container)?).says
}

/// The container asked for, or the only one.
pub(super) fn container(pod: &Value, target: &Target, asked: &str) -> Result<String, ApiError> {
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
            init.iter().chain(&main).cloned().collect::<Vec<_>>().join(" ")
        )));
    }
    if main.iter().chain(&init).any(|name| name == asked) {
        return Ok(asked.to_owned());
    }
    Err(ApiError::bad_request(format!("container {asked} is not valid for pod {}", target.name)))
}

/// One life of a container, between two restarts.
#[derive(Clone, Copy)]
struct Run {
    started: Timestamp,
    /// When it ended, and with which code; none while it goes on.
    ended: Option<(Timestamp, i64)>,
}

impl Run {
    /// The one that goes on, else the one that ended last; or the one before the last restart.
    fn of(pod: &Value, target: &Target, container: &str, previous: bool) -> Result<Self, ApiError> {
        let statuses =
            list(pod, "/status/containerStatuses").iter().chain(list(pod, "/status/initContainerStatuses"));
        let status = statuses.into_iter().find(|status| text(status, "/name") == container);
        let places: &[&str] = if previous {
            &["/lastState/terminated"]
        } else {
            &["/state/running", "/state/terminated", "/lastState/terminated"]
        };
        let run = places.iter().find_map(|pointer| Self::in_state(status?.pointer(pointer)?));
        run.ok_or_else(|| {
            let name = &target.name;
            ApiError::bad_request(if previous {
                format!("previous terminated container \"{container}\" in pod \"{name}\" not found")
            } else {
                let reason =
                    status.map_or("ContainerCreating", |status| text(status, "/state/waiting/reason"));
                let reason = match reason {
                    "ErrImagePull" => "image can't be pulled",
                    "ImagePullBackOff" => "trying and failing to pull image",
                    other => other,
                };
                format!("container \"{container}\" in pod \"{name}\" is waiting to start: {reason}")
            })
        })
    }

    fn in_state(state: &Value) -> Option<Self> {
        let started = clock::parse(text(state, "/startedAt"))?;
        let ended = clock::parse(text(state, "/finishedAt"));
        Some(Self { started, ended: ended.map(|at| (at, integer(state, "/exitCode").unwrap_or_default())) })
    }
}

struct Source {
    pod: Object,
    container: String,
    run: Run,
    says: Option<Vec<String>>,
}

impl Source {
    /// The lines between `since` and `until`, oldest first.
    fn lines(&self, until: Timestamp, since: Option<Timestamp>) -> Vec<(Timestamp, String)> {
        let Run { started, ended } = self.run;
        if let Some(says) = &self.says {
            let said = (0..).zip(says).filter_map(|(number, line)| {
                let at = started.saturating_add(SignedDuration::from_micros(number)).ok()?;
                Some((at, line.clone()))
            });
            return said.filter(|(at, _)| *at <= until && since.is_none_or(|since| *at > since)).collect();
        }
        let until = ended.map_or(until, |(end, _)| end.min(until));
        let ran = until.as_second() - started.as_second();
        let last = ran / EVERY;
        let first = (last - KEPT).max(0);
        let regular = (first..=last).filter(|_| ran >= 0).filter_map(|number| {
            let at = started.saturating_add(SignedDuration::from_secs(number * EVERY)).ok()?;
            Some((at, self.line(number, at)))
        });
        let last_words =
            ended.filter(|(end, _)| *end <= until).and_then(|(end, code)| self.last_words(end, code));
        regular.chain(last_words).filter(|(at, _)| since.is_none_or(|since| *at > since)).collect()
    }

    /// What a program says as its last; one that is killed by a signal says nothing.
    fn last_words(&self, end: Timestamp, code: i64) -> Option<(Timestamp, String)> {
        let (time, container) = (clock::seconds(end), &self.container);
        match code {
            0 => Some((end, format!("{time} INFO  {container} is done"))),
            1..128 => Some((end, format!("{time} ERROR {container} ends with code {code}"))),
            _ => None,
        }
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
    /// The next lines; none when the container has ended, the pod is gone or the server closed.
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
            if self.source.run.ended.is_none() {
                match Run::of(&pod, &self.target, &self.source.container, false) {
                    Ok(run) if run.started == self.source.run.started => self.source.run = run,
                    // It was started anew since, and its end was not seen.
                    _ => return None,
                }
            } else {
                return None;
            }
            let lines = self.source.lines(now, Some(self.sent));
            self.sent = now;
            if !lines.is_empty() {
                let text: String = lines.iter().map(|(at, line)| self.shown.line(*at, line)).collect();
                return Some(Bytes::from(text));
            }
        }
    }
}
