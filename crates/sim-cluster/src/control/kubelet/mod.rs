//! The kubelets of all nodes: pods that are pulled, started, probed, crash, stop and go.
//!
//! What a pod does is a function of its spec, the script of its images, and the time since each step. The
//! steps taken are kept in a [`Run`]; after a restart of the process it is read back from the status.

mod back_off;
mod container;
mod image;
mod observed;
mod probe;
mod reference;
mod run;
mod running;
mod status;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::recorder::{Kind, Recorder, Source};
use super::{Outcome, until};
use crate::api::{Api, Caller, DeleteOptions, Part, Target};
use crate::clock;
use crate::nodes::Nodes;
use crate::object::{self, list, text};
use crate::script::Scripts;
use crate::status::ApiError;
use crate::store::{Key, Object};
use container::LEAVE;
use run::Run;

/// Pods live in `10.244.0.0/16`.
const ADDRESSES: u32 = 65_000;

/// What a pod's steps need beside the pod.
struct Node<'a> {
    api: &'a Api,
    recorder: &'a Recorder,
    scripts: &'a Scripts,
    images: &'a mut HashSet<(String, String)>,
    pod: &'a Object,
    /// The node's name.
    name: &'a str,
    /// The pod's address.
    address: &'a str,
    now: Timestamp,
}

impl Node<'_> {
    fn pod_event(&self, kind: Kind, reason: &str, message: &str) {
        let source = Source { component: "kubelet", host: self.name };
        self.recorder.record(source, self.pod, kind, reason, message);
    }

    fn event(&self, container: &str, init: bool, kind: Kind, reason: &str, message: &str) {
        let part = if init { "initContainers" } else { "containers" };
        let part = format!("spec.{part}{{{container}}}");
        let source = Source { component: "kubelet", host: self.name };
        self.recorder.record_part(source, self.pod, &part, kind, reason, message);
    }
}

pub(super) struct Kubelet {
    api: Arc<Api>,
    recorder: Recorder,
    scripts: Scripts,
    nodes: Nodes,
    runs: HashMap<Key, Run>,
    /// Images that a node has, by node and image.
    images: HashSet<(String, String)>,
    next_address: u32,
}

impl Kubelet {
    pub(super) fn new(api: Arc<Api>, recorder: Recorder, scripts: Scripts, nodes: Nodes) -> Self {
        let pods = api.store.list("pods", None);
        let last = pods.iter().filter_map(|pod| number_of(text(pod, "/status/podIP"))).max();
        // Nodes keep the images of the pods that ran before a restart.
        let images = pods
            .iter()
            .flat_map(|pod| {
                let node = text(pod, "/spec/nodeName").to_owned();
                let ran = list(pod, "/status/containerStatuses")
                    .iter()
                    .chain(list(pod, "/status/initContainerStatuses"));
                ran.filter(|status| !text(status, "/imageID").is_empty())
                    .map(move |status| (node.clone(), text(status, "/image").to_owned()))
            })
            .collect();
        let next_address = last.unwrap_or_default() + 1;
        Self { api, recorder, scripts, nodes, runs: HashMap::new(), images, next_address }
    }

    /// Looks at every pod again, whatever was noted of its version.
    pub(super) fn rouse(&mut self) {
        self.runs.values_mut().for_each(Run::rouse);
    }

    pub(super) fn sync(&mut self, key: &Key) -> Outcome {
        let Some(pod) = self.api.store.get(key) else {
            self.runs.remove(key);
            return Ok(None);
        };
        let node = pod.facts().node.to_string();
        if node.is_empty() || self.nodes.is_lost(&node) {
            return Ok(None);
        }
        let now = self.api.now();
        if let Some(outcome) = self.runs.get(key).and_then(|run| run.at_rest(&pod, now)) {
            return outcome;
        }
        let mut run = match self.runs.remove(key).filter(|run| run.uid == object::uid(&pod)) {
            Some(run) => run,
            None if list(&pod, "/status/containerStatuses").is_empty() => self.start(&pod, now),
            None => observed::run(&pod, &self.scripts, now),
        };
        if object::is_terminating(&pod) {
            let wait = self.stop(key, &pod, &node, &mut run, now)?;
            if wait.is_some() {
                self.runs.insert(key.clone(), run);
            }
            return Ok(wait);
        }
        let mut context = Node {
            api: &self.api,
            recorder: &self.recorder,
            scripts: &self.scripts,
            images: &mut self.images,
            pod: &pod,
            name: &node,
            address: &run.address.clone(),
            now,
        };
        let next = run.advance(&mut context);
        let told = self.write(&pod, &run, now)?;
        run.settled = told.map(|told| (told.facts().revision, next));
        self.runs.insert(key.clone(), run);
        Ok(next.map(|at| until(now, at)))
    }

    fn start(&mut self, pod: &Value, now: Timestamp) -> Run {
        let number = self.next_address % ADDRESSES;
        self.next_address = number + 1;
        let address = format!("10.244.{}.{}", number / 254, number % 254 + 1);
        Run::new(pod, address, now)
    }

    /// Tells the status; the answer is the pod with it.
    fn write(&self, pod: &Object, run: &Run, now: Timestamp) -> Result<Option<Object>, ApiError> {
        let Some(target) = self.target(pod) else { return Ok(None) };
        let node = self.api.store.get(&Key::new("nodes", "", text(pod, "/spec/nodeName")));
        let told = self.api.modify(&Caller::component("kubelet"), &target, Part::Status, |pod| {
            pod["status"] = status::of(pod, run, node.as_deref(), now);
        })?;
        Ok(Some(told))
    }

    /// Stops a pod; the answer is how long it still takes, or nothing once it is gone.
    fn stop(&mut self, key: &Key, pod: &Object, node: &str, run: &mut Run, now: Timestamp) -> Outcome {
        let due = clock::parse(text(pod, "/metadata/deletionTimestamp")).unwrap_or(now);
        if run.stops_at.is_none() {
            let running: Vec<String> = run.running().map(str::to_owned).collect();
            let context = Node {
                api: &self.api,
                recorder: &self.recorder,
                scripts: &self.scripts,
                images: &mut self.images,
                pod,
                name: node,
                address: &run.address.clone(),
                now,
            };
            for container in &running {
                let message = format!("Stopping container {container}");
                context.event(container, false, Kind::Normal, "Killing", &message);
            }
            let needs = if running.is_empty() { Duration::ZERO } else { pre_stop(pod) + LEAVE };
            let needs = SignedDuration::try_from(needs).unwrap_or(SignedDuration::ZERO);
            run.stops_at = Some(now.saturating_add(needs).unwrap_or(now));
        }
        let stops_at = run.stops_at.unwrap_or(now).min(due.max(now));
        if stops_at > now {
            return Ok(Some(until(now, stops_at)));
        }
        run.end(now);
        self.write(pod, run, now)?;
        let Some(target) = self.target(pod) else { return Ok(None) };
        let options = DeleteOptions {
            grace_seconds: Some(0),
            uid: Some(object::uid(pod).to_owned()),
            ..DeleteOptions::default()
        };
        self.api.delete(&target, &options)?;
        self.runs.remove(key);
        Ok(None)
    }

    fn target(&self, pod: &Value) -> Option<Target> {
        let pods = self.api.registry.by_key("pods")?;
        Some(Target::new(&pods, object::namespace(pod), object::name(pod)))
    }
}

/// How long the longest preStop hook takes, for the two ways in which one says that it waits.
fn pre_stop(pod: &Value) -> Duration {
    let seconds = list(pod, "/spec/containers").iter().filter_map(|container| {
        let hook = container.pointer("/lifecycle/preStop")?;
        if let Some(seconds) = object::integer(hook, "/sleep/seconds") {
            return u64::try_from(seconds).ok();
        }
        let command: Vec<&str> = list(hook, "/exec/command").iter().filter_map(Value::as_str).collect();
        let words: Vec<&str> = command.iter().flat_map(|part| part.split_whitespace()).collect();
        let position = words.iter().position(|word| word.rsplit('/').next() == Some("sleep"))?;
        words.get(position + 1)?.trim_end_matches([';', '&']).parse().ok()
    });
    Duration::from_secs(seconds.max().unwrap_or_default())
}

fn number_of(address: &str) -> Option<u32> {
    let (high, low) = address.strip_prefix("10.244.")?.split_once('.')?;
    let (high, low): (u32, u32) = (high.parse().ok()?, low.parse().ok()?);
    Some(high * 254 + low.saturating_sub(1))
}

fn later(at: Timestamp, wait: Duration) -> Timestamp {
    let wait = SignedDuration::try_from(wait).unwrap_or(SignedDuration::MAX);
    at.saturating_add(wait).unwrap_or(Timestamp::MAX)
}
