//! The kubelets of all nodes: pods that are pulled, started, probed, crash, stop and go.
//!
//! What a pod does is a function of its spec, the script of its images, and the time since each step. The
//! steps taken are kept in a [`Run`]; after a restart of the process it is read back from the status.

mod back_off;
mod container;
mod eviction;
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

use super::recorder::{Kind, Recorder, Source};
use super::shared::Shared;
use super::{Outcome, until};
use crate::api::{Api, Caller, DeleteOptions, Part, Target};
use crate::clock;
use crate::nodes::{Nodes, Pressure};
use crate::object::{self, list, text};
use crate::script::Scripts;
use crate::status::ApiError;
use crate::store::{Key, Object};
use crate::tree::Value;
use eviction::Evicted;
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
    /// Of the containers in `runs`.
    specs: Shared<str>,
    /// Images that a node has, by node and image.
    images: HashSet<(String, String)>,
    next_address: u32,
    /// When the next pod of a node under pressure may be evicted.
    next_eviction: HashMap<String, Timestamp>,
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
        Self {
            api,
            recorder,
            scripts,
            nodes,
            runs: HashMap::new(),
            specs: Shared::default(),
            images,
            next_address,
            next_eviction: HashMap::new(),
        }
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
        // A pod that was put back to before its end is one that runs.
        let ends = object::is_terminating(&pod);
        let holds = |run: &Run| {
            run.uid == object::uid(&pod) && (ends || run.stops_at.is_none() || run.evicted.is_some())
        };
        let mut run = match self.runs.remove(key).filter(holds) {
            Some(run) => run,
            None if list(&pod, "/status/containerStatuses").is_empty() => self.start(&pod, now),
            None => observed::run(&pod, &self.scripts, now, &mut self.specs),
        };
        if object::is_terminating(&pod) {
            let wait = self.stop(key, &pod, &node, &mut run, now)?;
            if let Some(wait) = wait {
                run.put_away(Some(later(now, wait)), now);
                self.runs.insert(key.clone(), run);
            }
            return Ok(wait);
        }
        let goes_next = self.evicts(&pod, &node, now);
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
        let mut next = run.advance(&mut context);
        if run.stops_at.is_none()
            && let Some((pressure, at)) = goes_next
        {
            if at <= now {
                run.evict(&context, Evicted::for_node(&pod, pressure));
                self.next_eviction.insert(node.clone(), later(now, eviction::BETWEEN));
                next = run.stops_at;
            } else {
                next = [next, Some(at)].into_iter().flatten().min();
            }
        }
        let told = self.write(&pod, &run, now)?;
        run.settled = told.map(|told| (told.facts().revision, next));
        run.put_away(next, now);
        self.runs.insert(key.clone(), run);
        Ok(next.map(|at| until(now, at)))
    }

    /// What a node lacks, and when this pod goes for its sake, or is looked at again because of it.
    fn evicts(&self, pod: &Value, node: &str, now: Timestamp) -> Option<(Pressure, Timestamp)> {
        let pressure = self.nodes.pressure(node)?;
        let own = eviction::rank(pod)?;
        let mut others = self.api.store.list("pods", None);
        others.retain(|other| text(other, "/spec/nodeName") == node);
        let first = others.iter().filter_map(|other| eviction::rank(other)).min();
        let at = self.next_eviction.get(node).copied().filter(|at| *at > now);
        // Whoever goes next, it is looked at again then.
        let again = if first == Some(own) { now } else { later(now, eviction::BETWEEN) };
        Some((pressure, at.unwrap_or(again)))
    }

    fn start(&mut self, pod: &Value, now: Timestamp) -> Run {
        let number = self.next_address % ADDRESSES;
        self.next_address = number + 1;
        let address = format!("10.244.{}.{}", number / 254, number % 254 + 1);
        Run::new(pod, address, now, &mut self.specs)
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
            // That it will end is seen first; what runs is told then.
            let address = run.address.clone();
            let context = Node {
                api: &self.api,
                recorder: &self.recorder,
                scripts: &self.scripts,
                images: &mut self.images,
                pod,
                name: node,
                address: &address,
                now,
            };
            run.stops_at = Some(run.stop(&context, due.max(now)));
            self.write(pod, run, now)?;
        }
        let stops_at = run.stops_at.unwrap_or(now).min(due.max(now));
        if stops_at > now {
            return Ok(Some(until(now, stops_at)));
        }
        run.finish(now);
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

fn number_of(address: &str) -> Option<u32> {
    let (high, low) = address.strip_prefix("10.244.")?.split_once('.')?;
    let (high, low): (u32, u32) = (high.parse().ok()?, low.parse().ok()?);
    Some(high * 254 + low.saturating_sub(1))
}

fn later(at: Timestamp, wait: Duration) -> Timestamp {
    let wait = SignedDuration::try_from(wait).unwrap_or(SignedDuration::MAX);
    at.saturating_add(wait).unwrap_or(Timestamp::MAX)
}
