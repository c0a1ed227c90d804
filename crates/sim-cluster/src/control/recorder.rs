//! Events: what controllers tell people. Repetitions are counted rather than written again.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use jiff::SignedDuration;
use parking_lot::Mutex;
use serde_json::{Value, json};

use super::Outcome;
use crate::api::{Api, Caller, DeleteOptions, Part, Target, WriteOptions};
use crate::clock;
use crate::object::{self, text};
use crate::store::Key;

/// How often old events are looked for.
const SWEEP: Duration = Duration::from_mins(10);

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
    /// The events that are there, to count repetitions; as many entries as events.
    known: Arc<Mutex<HashMap<Repeated, Key>>>,
    count: Arc<AtomicU64>,
}

/// What makes two events the same, hashed: there are many, and their texts are long.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Repeated(u64);

impl Repeated {
    fn of(event: &Value) -> Self {
        let mut hasher = DefaultHasher::new();
        for part in ["/involvedObject/uid", "/involvedObject/fieldPath", "/reason", "/message"] {
            text(event, part).hash(&mut hasher);
        }
        Self(hasher.finish())
    }
}

impl Recorder {
    pub(super) fn new(api: Arc<Api>) -> Self {
        let events = api.store.list("events", None);
        let known = events.iter().map(|event| (Repeated::of(event), key_of(event))).collect();
        Self { api, known: Arc::new(Mutex::new(known)), count: Arc::default() }
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
        let Some(events) = self.api.registry.by_key("events") else { return };
        let namespace = match object::namespace(about) {
            "" => "default",
            namespace => namespace,
        };
        let caller = Caller::component(source.component);
        let event = self.event(source, about, part, kind, reason, message, namespace);
        let repeated = Repeated::of(&event);
        let earlier = self.known.lock().get(&repeated).cloned();
        if let Some(earlier) = earlier.filter(|earlier| self.api.store.get(earlier).is_some()) {
            let target = Target::new(&events, &earlier.namespace, &earlier.name);
            let now = self.api.timestamp();
            // A lost count is no loss; the event itself is there.
            let _ = self.api.modify(&caller, &target, Part::Main, |event| {
                event["count"] = (object::integer(event, "/count").unwrap_or(1) + 1).into();
                event["lastTimestamp"] = now.into();
            });
            return;
        }
        let target = Target::new(&events, namespace, "");
        match self.api.create(&caller, &target, event, &WriteOptions::of(source.component)) {
            Ok(made) => drop(self.known.lock().insert(repeated, key_of(&made.object))),
            // A namespace that is going away takes no events; that is how it is on the real one.
            Err(error) => tracing::trace!(%error, reason, "event dropped"),
        }
    }

    #[expect(clippy::too_many_arguments, reason = "the fields of an event")]
    fn event(
        &self,
        source: Source<'_>,
        about: &Value,
        part: &str,
        kind: Kind,
        reason: &str,
        message: &str,
        namespace: &str,
    ) -> Value {
        let now = self.api.now();
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
        // The low digits count, so that events of one moment keep their order and their own names.
        let count = self.count.fetch_add(1, Ordering::Relaxed);
        let suffix = (u64::try_from(now.as_nanosecond()).unwrap_or_default() & !0xfff) | (count & 0xfff);
        let mut event = json!({
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": {"name": format!("{}.{suffix:x}", object::name(about)), "namespace": namespace},
            "involvedObject": involved,
            "reason": reason,
            "message": message,
            "type": match kind { Kind::Normal => "Normal", Kind::Warning => "Warning" },
            "reportingComponent": source.component,
        });
        if source.component == "default-scheduler" {
            // The scheduler speaks the newer events API.
            event["eventTime"] = clock::micros(now).into();
            event["action"] = if reason == "Scheduled" { "Binding" } else { "Scheduling" }.into();
            event["reportingInstance"] = "default-scheduler-sim".into();
        } else {
            let time = clock::seconds(now);
            event["count"] = json!(1);
            event["firstTimestamp"] = time.clone().into();
            event["lastTimestamp"] = time.into();
            event["source"] = json!({"component": source.component});
            if !source.host.is_empty() {
                event["source"]["host"] = source.host.into();
                event["reportingInstance"] = source.host.into();
            }
        }
        event
    }

    /// Removes events that are too old.
    pub(super) fn expire(&self, life: SignedDuration) -> Outcome {
        let Some(events) = self.api.registry.by_key("events") else { return Ok(None) };
        let now = self.api.now();
        let all = self.api.store.list("events", None);
        for event in all {
            let last = ["/lastTimestamp", "/eventTime", "/metadata/creationTimestamp"]
                .iter()
                .find_map(|pointer| clock::parse(text(&event, pointer)));
            if last.is_some_and(|last| now.duration_since(last) > life) {
                let target = Target::new(&events, object::namespace(&event), object::name(&event));
                self.api.delete(&target, &DeleteOptions::default())?;
            }
        }
        self.known.lock().retain(|_, key| self.api.store.get(key).is_some());
        Ok(Some(SWEEP))
    }
}

fn key_of(event: &Value) -> Key {
    Key::new("events", object::namespace(event), object::name(event))
}
