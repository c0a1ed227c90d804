//! `HorizontalPodAutoscalers`: as many pods as their use asks for.

mod bounds;
mod elsewhere;
mod metric;
mod proposal;

use std::collections::BTreeMap;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use plimsoll_qos::Quantity;

use super::Outcome;
use super::recorder::{Kind, Recorder, Source};
use crate::api::{Api, Caller, Part, Target, WriteOptions};
use crate::load::Loads;
use crate::object::{self, integer, list, text};
use crate::resource::split_api_version;
use crate::select::LabelSelector;
use crate::store::{Key, Object};
use crate::tree::{Value, json};
use bounds::{Memory, Wish};
use elsewhere::unanswered;
use metric::{Metric, Scene};
use proposal::Tolerance;

const CALLER: &str = "kube-controller-manager";
const SOURCE: Source<'_> = Source { component: "horizontal-pod-autoscaler", host: "" };
/// How often each is looked at.
const PERIOD: Duration = Duration::from_secs(15);
/// How far the use may be off unless an autoscaler says otherwise.
const TOLERANCE: f64 = 0.1;

pub(super) struct Autoscaler {
    api: Arc<Api>,
    recorder: Recorder,
    loads: Loads,
    memories: BTreeMap<Key, Memory>,
    /// Which pods each counts, as far as it got so far.
    selectors: BTreeMap<Key, LabelSelector>,
}

/// The status of an autoscaler while it is worked out.
struct Report {
    conditions: Vec<Value>,
    now: String,
}

/// What all metrics together ask for.
struct Computed {
    replicas: i64,
    metric: String,
    statuses: Vec<Value>,
}

/// Why nothing was computed: told in an event, with what is known of the metrics.
struct Unknown {
    message: String,
    statuses: Value,
}

impl Autoscaler {
    pub(super) fn new(api: Arc<Api>, recorder: Recorder, loads: Loads) -> Self {
        Self { api, recorder, loads, memories: BTreeMap::new(), selectors: BTreeMap::new() }
    }

    pub(super) fn sync(&mut self, key: &Key) -> Outcome {
        let Some(autoscaler) = self.api.store.get(key) else {
            self.memories.remove(key);
            self.selectors.remove(key);
            return Ok(None);
        };
        let mut report = Report {
            conditions: list(&autoscaler, "/status/conditions").to_vec(),
            now: self.api.timestamp(),
        };
        let status = match self.scale_of(&autoscaler) {
            Ok((target, scale)) => {
                report.set("AbleToScale", true, "SucceededGetScale", GOT_SCALE);
                Some(self.decide(key, &autoscaler, &target, &scale, &mut report))
            }
            Err(message) => {
                self.warn(&autoscaler, "FailedGetScale", &message);
                let told =
                    format!("the HPA controller was unable to get the target's current scale: {message}");
                report.set("AbleToScale", false, "FailedGetScale", &told);
                None
            }
        };
        self.write(&autoscaler, status, report)?;
        Ok(Some(PERIOD))
    }

    /// What is scaled, and how much of it there is.
    fn scale_of(&self, autoscaler: &Value) -> Result<(Target, Value), String> {
        let reference = &autoscaler["spec"]["scaleTargetRef"];
        let (group, version) = split_api_version(text(reference, "/apiVersion"));
        let kind = text(reference, "/kind");
        let Some(resource) = self.api.registry.by_kind(group, kind) else {
            let group = if group.is_empty() { String::new() } else { format!(" in group {group:?}") };
            return Err(format!("no matches for kind {kind:?}{group}"));
        };
        let mut target = Target::new(&resource, object::namespace(autoscaler), text(reference, "/name"));
        if resource.version(version).is_some() {
            version.clone_into(&mut target.version);
        }
        if !resource.version(&target.version).is_some_and(|served| served.scale) {
            return Err("the server could not find the requested resource".to_owned());
        }
        let scale = self.api.get_scale(&target).map_err(|error| error.message)?;
        Ok((target, Value::clone(&scale.object)))
    }

    fn decide(
        &mut self,
        key: &Key,
        autoscaler: &Object,
        target: &Target,
        scale: &Value,
        report: &mut Report,
    ) -> Value {
        let spec = &autoscaler["spec"];
        let behavior = spec.get("behavior").filter(|behavior| behavior.is_object());
        let current = integer(scale, "/spec/replicas").unwrap_or_default();
        let (min, max) =
            (integer(spec, "/minReplicas").unwrap_or(1), integer(spec, "/maxReplicas").unwrap_or(1));
        let now = self.api.now();
        self.memories.entry(key.clone()).or_default().begin(current, now);
        let held = integer(autoscaler, "/status/desiredReplicas").unwrap_or_default();
        let mut statuses = Value::Null;
        let (desired, reason) = if current == 0 {
            report.set("ScalingActive", false, "ScalingDisabled", DISABLED);
            (0, String::new())
        } else if current > max {
            (max, "Current number of replicas above Spec.MaxReplicas".to_owned())
        } else if current < min {
            (min, "Current number of replicas below Spec.MinReplicas".to_owned())
        } else {
            match self.compute(key, autoscaler, scale, report) {
                Err(unknown) => {
                    self.warn(autoscaler, "FailedComputeMetricsReplicas", &unknown.message);
                    return status(autoscaler, current, held, &unknown.statuses, None);
                }
                Ok(computed) => {
                    let reason = match computed.replicas {
                        replicas if replicas > current => format!("{} above target", computed.metric),
                        _ => "All metrics below target".to_owned(),
                    };
                    statuses = computed.statuses.into();
                    let wish = Wish { current, proposed: computed.replicas, min, max, behavior };
                    let bounded = self.memories.entry(key.clone()).or_default().bound(wish, now);
                    report.set("AbleToScale", true, bounded.able.0, bounded.able.1);
                    report.set("ScalingLimited", bounded.limited, bounded.why.0, bounded.why.1);
                    (bounded.replicas, reason)
                }
            }
        };
        if desired == current {
            return status(autoscaler, current, current, &statuses, None);
        }
        let mut asked = scale.clone();
        asked["spec"]["replicas"] = desired.into();
        let written = self.api.replace(
            &Caller::component(CALLER),
            target,
            Part::Scale,
            asked,
            &WriteOptions::of(CALLER),
        );
        if let Err(error) = written {
            let message = format!("New size: {desired}; reason: {reason}; error: {}", error.message);
            self.warn(autoscaler, "FailedRescale", &message);
            let told = format!("the HPA controller was unable to update the target scale: {}", error.message);
            report.set("AbleToScale", false, "FailedUpdateScale", &told);
            return status(autoscaler, current, held, &statuses, None);
        }
        let told = format!("the HPA controller was able to update the target scale to {desired}");
        report.set("AbleToScale", true, "SucceededRescale", &told);
        // It can only scale to none by metrics that nothing here answers.
        report.set("ScaledToZero", false, "NotScaledToZero", NOT_TO_ZERO);
        let message = format!("New size: {desired}; reason: {reason}");
        self.recorder.record(SOURCE, autoscaler, Kind::Normal, "SuccessfulRescale", &message);
        self.memories.entry(key.clone()).or_default().scaled(behavior, current, desired, now);
        status(autoscaler, current, desired, &statuses, Some(&report.now))
    }

    /// The highest number that a metric asks for. One metric that says nothing keeps the others from scaling
    /// down.
    fn compute(
        &mut self,
        key: &Key,
        autoscaler: &Object,
        scale: &Value,
        report: &mut Report,
    ) -> Result<Computed, Unknown> {
        let selector = text(scale, "/status/selector");
        if selector.is_empty() {
            self.warn(autoscaler, "SelectorRequired", "selector is required");
            report.set("ScalingActive", false, "InvalidSelector", NO_SELECTOR);
            return Err(Unknown { message: "selector is required".to_owned(), statuses: Value::Null });
        }
        let selected = LabelSelector::parse(selector).unwrap_or_default();
        let pods = self.api.store.select("pods", object::namespace(autoscaler), &selected);
        self.selectors.insert(key.clone(), selected);
        let counted_by = self.counting(key, &pods);
        if counted_by.len() > 1 {
            let told = format!(
                "pods by selector {selector} are controlled by more than one HPA (e.g. [{}])",
                counted_by[..2].join(" ")
            );
            self.warn(autoscaler, "AmbiguousSelector", &told);
            report.set("ScalingActive", false, "AmbiguousSelector", &told);
            return Err(Unknown { message: told, statuses: Value::Null });
        }
        let scene = Scene { pods: &pods, loads: &self.loads, now: self.api.now() };
        let current = integer(scale, "/spec/replicas").unwrap_or_default();
        let entries = list(autoscaler, "/spec/metrics");
        let mut computed = Computed { replicas: 0, metric: String::new(), statuses: Vec::new() };
        let mut failures = Vec::new();
        for entry in entries {
            let outcome = match Metric::read(entry) {
                Some(metric) => metric
                    .propose(&scene, current, tolerance(autoscaler))
                    .map(|(proposal, status)| (metric.name(), proposal.replicas, status)),
                None => Err(unanswered(entry, object::namespace(autoscaler))),
            };
            match outcome {
                Ok((name, replicas, status)) => {
                    computed.statuses.push(status);
                    if computed.metric.is_empty() || replicas > computed.replicas {
                        computed.replicas = replicas;
                        computed.metric = name;
                    }
                }
                Err(failure) => {
                    self.warn(autoscaler, failure.reason, &failure.message);
                    computed.statuses.push(json!({"type": ""}));
                    failures.push(failure);
                }
            }
        }
        let Some(first) = failures.first() else {
            report.set("ScalingActive", true, "ValidMetricFound", &found(&computed.metric));
            return Ok(computed);
        };
        if failures.len() < entries.len() && computed.replicas >= current {
            report.set("ScalingActive", true, "ValidMetricFound", &found(&computed.metric));
            return Ok(computed);
        }
        let told = format!("the HPA was unable to compute the replica count: {}", first.message);
        report.set("ScalingActive", false, first.reason, &told);
        let message = format!(
            "invalid metrics ({} invalid out of {}), first error is: {}",
            failures.len(),
            entries.len(),
            first.error
        );
        Err(Unknown { message, statuses: computed.statuses.into() })
    }

    /// Which autoscalers of a namespace count one of these pods.
    fn counting(&self, key: &Key, pods: &[Object]) -> Vec<String> {
        // The pods of a replica set have the same labels.
        let mut labels: Vec<Option<&Value>> =
            pods.iter().map(|pod| pod.pointer("/metadata/labels")).collect();
        labels.dedup();
        let counts = |selector: &LabelSelector| {
            labels.iter().any(|labels| selector.matches(labels.and_then(Value::as_object)))
        };
        let first = Key { name: String::new(), ..key.clone() };
        let theirs = self.selectors.range(first..).take_while(|(other, _)| other.namespace == key.namespace);
        let theirs = theirs.filter(|(_, selector)| counts(selector));
        theirs.map(|(other, _)| format!("{}/{}", other.namespace, other.name)).collect()
    }

    fn warn(&self, autoscaler: &Value, reason: &str, message: &str) {
        self.recorder.record(SOURCE, autoscaler, Kind::Warning, reason, message);
    }

    fn write(
        &self,
        autoscaler: &Value,
        status: Option<Value>,
        report: Report,
    ) -> Result<(), crate::ApiError> {
        let Some(resource) = self.api.registry.by_key("horizontalpodautoscalers.autoscaling") else {
            return Ok(());
        };
        let target = Target::new(&resource, object::namespace(autoscaler), object::name(autoscaler));
        self.api.modify(&Caller::component(CALLER), &target, Part::Status, |autoscaler| {
            if let Some(status) = status {
                autoscaler["status"] = status;
            }
            autoscaler["status"]["conditions"] = report.conditions.into();
        })?;
        Ok(())
    }
}

const GOT_SCALE: &str = "the HPA controller was able to get the target's current scale";
const DISABLED: &str = "scaling is disabled since the replica count of the target is zero";
const NO_SELECTOR: &str = "the HPA target's scale is missing a selector";
const NOT_TO_ZERO: &str = "the HPA controller did not scale the workload to zero";

fn found(metric: &str) -> String {
    format!("the HPA was able to successfully calculate a replica count from {metric}")
}

fn tolerance(autoscaler: &Value) -> Tolerance {
    let of = |direction: &str| {
        let given = autoscaler.pointer(&format!("/spec/behavior/{direction}/tolerance"))?.as_str()?;
        let millionths = Quantity::from_str(given).ok()?.nanos_i128()? / 1000;
        Some(f64::from(i32::try_from(millionths).ok()?) / 1e6)
    };
    Tolerance { down: of("scaleDown").unwrap_or(TOLERANCE), up: of("scaleUp").unwrap_or(TOLERANCE) }
}

/// A status without its conditions. The moment of the last change stays unless there is a new one.
fn status(autoscaler: &Value, current: i64, desired: i64, metrics: &Value, scaled: Option<&str>) -> Value {
    let mut status = json!({
        "observedGeneration": object::generation(autoscaler),
        "desiredReplicas": desired,
        "currentMetrics": metrics,
    });
    if current > 0 {
        status["currentReplicas"] = current.into();
    }
    let last = scaled.map(Value::from).or_else(|| autoscaler.pointer("/status/lastScaleTime").cloned());
    if let Some(last) = last {
        status["lastScaleTime"] = last;
    }
    status
}

impl Report {
    fn set(&mut self, kind: &str, state: bool, reason: &str, message: &str) {
        let state = if state { "True" } else { "False" };
        let held = self.conditions.iter_mut().find(|condition| text(condition, "/type") == kind);
        if let Some(condition) = held {
            if text(condition, "/status") != state {
                condition["lastTransitionTime"] = self.now.clone().into();
            }
            condition["status"] = state.into();
            condition["reason"] = reason.into();
            condition["message"] = message.into();
            return;
        }
        self.conditions.push(json!({
            "type": kind,
            "status": state,
            "lastTransitionTime": self.now,
            "reason": reason,
            "message": message,
        }));
    }
}
