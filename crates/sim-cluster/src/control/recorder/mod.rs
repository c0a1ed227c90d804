//! Events: what controllers tell people. Repetitions are counted rather than written again, and after an hour they
//! are forgotten.

mod correlator;
mod lru;
mod series;

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use parking_lot::Mutex;

use super::{Outcome, until};
use crate::api::{Api, Caller, DeleteOptions, Part, Target, WriteOptions};
use crate::clock;
use crate::object::{self, list, text};
use crate::tree::{Value, json};
use correlator::{Correlator, Entry, Told, hash};
use series::Series;

/// How long an event lives after it was written last: `--event-ttl`.
const LIFE: SignedDuration = SignedDuration::from_hours(1);
/// An API server lets go together what was written in one minute.
const SHARED: Duration = Duration::from_mins(1);
/// It speaks the newer events API.
const SCHEDULER: &str = "default-scheduler";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Normal,
    Warning,
}

/// Who reports.
#[derive(Debug, Clone, Copy)]
pub(super) struct Source<'a> {
    pub(super) component: &'a str,
    /// The node, for kubelets.
    pub(super) host: &'a str,
}

#[derive(Debug, Clone)]
pub(super) struct Recorder {
    api: Arc<Api>,
    /// What each source has told; as many as there are controllers and nodes.
    sources: Arc<Mutex<HashMap<(String, String), Correlator>>>,
    /// The same of the one who speaks the newer API.
    series: Arc<Mutex<Series>>,
    count: Arc<AtomicU64>,
}

impl Recorder {
    /// One that knows of no event: where a process starts anew, so do its counts.
    pub(super) fn new(api: Arc<Api>) -> Self {
        Self { api, sources: Arc::default(), series: Arc::default(), count: Arc::default() }
    }

    /// Records an event about an object.
    pub(super) fn record(&self, source: Source<'_>, about: &Value, kind: Kind, reason: &str, message: &str) {
        self.record_part(source, about, "", kind, reason, message);
    }

    /// Records an event about a part of an object, such as a container.
    pub(super) fn record_part(
        &self,
        source: Source<'_>,
        about: &Value,
        part: &str,
        kind: Kind,
        reason: &str,
        message: &str,
    ) {
        let now = self.api.now();
        if source.component == SCHEDULER {
            self.record_series(source, about, kind, reason, message);
            return;
        }
        let told = Told {
            // Nodes are told of by name.
            uid: if object::uid(about).is_empty() { object::name(about) } else { object::uid(about) },
            part,
            warning: kind == Kind::Warning,
            reason,
            message,
        };
        let key = (source.component.to_owned(), source.host.to_owned());
        let entry = self.sources.lock().entry(key).or_default().correlate(told, self.number(now), now);
        if let Some(entry) = entry {
            self.write(source, about, part, kind, reason, &entry);
        }
    }

    /// The same by the newer API, in which repetitions are a series.
    fn record_series(&self, source: Source<'_>, about: &Value, kind: Kind, reason: &str, message: &str) {
        let now = self.api.now();
        // The object is spoken of in one version.
        let version = (object::uid(about), object::resource_version(about));
        let key = hash(&(version, kind == Kind::Warning, reason));
        let entry = self.series.lock().tell(key, self.number(now), now);
        match entry {
            series::Entry::Later => {}
            series::Entry::New(number) => {
                let entry = Entry { number, message: message.to_owned(), count: 1, first: now };
                self.write(source, about, "", kind, reason, &entry);
            }
            series::Entry::Again(number, count) => {
                let Some(events) = self.api.registry.by_key("events") else { return };
                let target = Target::new(&events, object::namespace(about), &name(about, number));
                let series = json!({"count": count, "lastObservedTime": clock::micros(now)});
                let caller = Caller::component(source.component);
                let told = self.api.modify(&caller, &target, Part::Main, |event| {
                    event["series"] = series;
                });
                if let Err(error) = told {
                    tracing::trace!(%error, reason, "event dropped");
                }
            }
        }
    }

    /// Writes an event, or that it came again. What cannot be written is lost, and the next repetition tries anew.
    fn write(&self, source: Source<'_>, about: &Value, part: &str, kind: Kind, reason: &str, entry: &Entry) {
        let Some(events) = self.api.registry.by_key("events") else { return };
        let namespace = match object::namespace(about) {
            "" => "default",
            namespace => namespace,
        };
        let caller = Caller::component(source.component);
        if entry.count > 1 {
            let target = Target::new(&events, namespace, &name(about, entry.number));
            let now = self.api.timestamp();
            let changed = self.api.modify(&caller, &target, Part::Main, |event| {
                event["count"] = entry.count.into();
                event["lastTimestamp"] = now.into();
                event["message"] = entry.message.clone().into();
            });
            match changed {
                // It was forgotten meanwhile, or never written: it is written now, with its count.
                Err(error) if error.reason == "NotFound" => {}
                _ => return,
            }
        }
        let target = Target::new(&events, namespace, "");
        let event = self.event(source, about, part, kind, reason, namespace, entry);
        // A namespace that is going away takes no events; that is how it is on the real one.
        if let Err(error) = self.api.create(&caller, &target, event, &WriteOptions::of(source.component)) {
            tracing::trace!(%error, reason, "event dropped");
        }
    }

    /// The low digits count, so that events of one moment keep their order and their own names.
    fn number(&self, now: Timestamp) -> u64 {
        let count = self.count.fetch_add(1, Ordering::Relaxed);
        (u64::try_from(now.as_nanosecond()).unwrap_or_default() & !0xfff) | (count & 0xfff)
    }

    #[expect(clippy::too_many_arguments, reason = "the fields of an event")]
    fn event(
        &self,
        source: Source<'_>,
        about: &Value,
        part: &str,
        kind: Kind,
        reason: &str,
        namespace: &str,
        entry: &Entry,
    ) -> Value {
        let now = self.api.now();
        let Entry { number, message, count, first } = entry;
        let mut involved = json!({
            "apiVersion": about["apiVersion"],
            "kind": about["kind"],
            "name": object::name(about),
            "namespace": object::namespace(about),
            "resourceVersion": object::resource_version(about),
            "uid": object::uid(about),
        });
        if !part.is_empty() {
            involved["fieldPath"] = part.into();
        }
        if object::namespace(about).is_empty() {
            object::fields(&mut involved).remove("namespace");
        }
        let mut event = json!({
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": {"name": name(about, *number), "namespace": namespace},
            "involvedObject": involved,
            "reason": reason,
            "message": message,
            "type": match kind { Kind::Normal => "Normal", Kind::Warning => "Warning" },
            "reportingComponent": source.component,
        });
        if source.component == SCHEDULER {
            event["eventTime"] = clock::micros(now).into();
            event["action"] = if reason == "Scheduled" { "Binding" } else { "Scheduling" }.into();
            event["reportingInstance"] = "default-scheduler-sim".into();
        } else {
            event["count"] = (*count).into();
            event["firstTimestamp"] = clock::seconds(*first).into();
            event["lastTimestamp"] = clock::seconds(now).into();
            event["source"] = json!({"component": source.component});
            if !source.host.is_empty() {
                event["source"]["host"] = source.host.into();
                event["reportingInstance"] = source.host.into();
            }
        }
        event
    }

    /// Forgets events to which nothing was written for too long; the answer is when to look again.
    pub(super) fn expire(&self) -> Outcome {
        let Some(events) = self.api.registry.by_key("events") else { return Ok(None) };
        let now = self.api.now();
        let mut next = now.saturating_add(LIFE).unwrap_or(Timestamp::MAX);
        for event in self.api.store.list("events", None) {
            let end = written_at(&event).saturating_add(LIFE).unwrap_or(Timestamp::MAX);
            if end > now {
                next = next.min(end);
                continue;
            }
            let target = Target::new(&events, object::namespace(&event), object::name(&event));
            self.api.delete(&target, &DeleteOptions::default())?;
        }
        Ok(Some(until(now, next).max(SHARED)))
    }
}

/// What an event of this number about an object is called.
fn name(about: &Value, number: u64) -> String {
    format!("{}.{number:x}", object::name(about))
}

/// When an event was written last: its fields may say anything.
fn written_at(event: &Value) -> Timestamp {
    let managers = list(event, "/metadata/managedFields").iter().map(|entry| text(entry, "/time"));
    let times = managers.chain([text(event, "/metadata/creationTimestamp")]).filter_map(clock::parse);
    times.max().unwrap_or(Timestamp::MIN)
}
