//! Nodes that nobody hears of: not ready, tainted, and in the end without their pods.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::recorder::{Kind, Recorder, Source};
use super::registration::{self, HEALTHY};
use super::renewal;
use super::{Outcome, until};
use crate::api::{Api, Caller, DeleteOptions, Part, Target};
use crate::clock;
use crate::nodes::Nodes;
use crate::object::{self, condition, elements, integer, is_ready, list, text};
use crate::status::ApiError;
use crate::store::Object;
use crate::tree::{Value, json};

pub(super) const CALLER: &str = "kube-controller-manager";
const NODES: Source<'_> = Source { component: "node-controller", host: "" };
const EVICTION: Source<'_> = Source { component: "taint-eviction-controller", host: "" };
/// How long a node may be silent.
const GRACE: SignedDuration = SignedDuration::from_secs(50);
const UNREACHABLE: &str = "node.kubernetes.io/unreachable";
const UNSCHEDULABLE: &str = "node.kubernetes.io/unschedulable";

pub(super) struct Lifecycle {
    pub(super) api: Arc<Api>,
    pub(super) recorder: Recorder,
    pub(super) nodes: Nodes,
    /// Since when nothing was heard of the nodes that are lost.
    silent: BTreeMap<String, Timestamp>,
    /// Since when nodes have enough again of what their condition says they lack.
    pub(super) relieved: BTreeMap<(String, &'static str), Timestamp>,
}

impl Lifecycle {
    pub(super) fn new(api: Arc<Api>, recorder: Recorder, nodes: Nodes) -> Self {
        Self { api, recorder, nodes, silent: BTreeMap::new(), relieved: BTreeMap::new() }
    }

    pub(super) fn sync(&mut self) -> Outcome {
        let now = self.api.now();
        let mut next: Vec<Timestamp> = Vec::new();
        let nodes = self.api.store.list("nodes", None);
        self.silent.retain(|name, _| self.nodes.is_lost(name));
        for node in &nodes {
            let name = object::name(node);
            let known = is_known(node);
            self.close(node)?;
            if !self.nodes.is_lost(name) {
                registration::register(&self.api, node)?;
                if !known {
                    self.welcome(node)?;
                }
                continue;
            }
            if !self.silent.contains_key(name) {
                renewal::of_node(&self.api, name, now)?;
            }
            let since = *self.silent.entry(name.to_owned()).or_insert(now);
            let at = since.saturating_add(GRACE).unwrap_or(Timestamp::MAX);
            if at > now {
                next.push(at);
            } else if known {
                self.give_up(node)?;
            }
        }
        next.extend(self.press(now)?);
        self.taint()?;
        next.extend(self.evict(now)?);
        Ok(next.into_iter().min().map(|at| until(now, at)))
    }

    /// Marks a silent node and its pods, and keeps new pods away.
    fn give_up(&self, node: &Object) -> Result<(), ApiError> {
        let name = object::name(node);
        let now = self.api.timestamp();
        self.change(node, CALLER, Part::Status, |node| {
            for condition in elements(&mut node["status"], "conditions") {
                condition["status"] = "Unknown".into();
                condition["reason"] = "NodeStatusUnknown".into();
                condition["message"] = "Kubelet stopped posting node status.".into();
                condition["lastTransitionTime"] = now.clone().into();
            }
        })?;
        let message = format!("Node {name} status is now: NodeNotReady");
        self.recorder.record(NODES, node, Kind::Normal, "NodeNotReady", &message);
        for pod in self.pods_on(name) {
            self.mark_unready(&pod, &now)?;
        }
        Ok(())
    }

    /// Keeps new pods away from nodes that are not heard of, and gives notice to the pods there. Where no node is
    /// left, the fault is taken for one of the network, and no pod gets notice.
    fn taint(&self) -> Result<(), ApiError> {
        let nodes = self.api.store.list("nodes", None);
        let effects: &[&str] = if nodes.iter().any(|node| is_known(node)) {
            &["NoSchedule", "NoExecute"]
        } else {
            &["NoSchedule"]
        };
        for node in nodes.iter().filter(|node| !is_known(node)) {
            for effect in ["NoSchedule", "NoExecute"] {
                self.set_unreachable(node, effect, effects.contains(&effect))?;
            }
        }
        Ok(())
    }

    /// Taints a node that is closed to new pods, and no other.
    fn close(&self, node: &Object) -> Result<(), ApiError> {
        let closed = object::flag(node, "/spec/unschedulable");
        let tainted = list(node, "/spec/taints").iter().any(|taint| text(taint, "/key") == UNSCHEDULABLE);
        if closed == tainted {
            return Ok(());
        }
        let now = self.api.timestamp();
        self.change(node, CALLER, Part::Main, |node| {
            let mut taints = list(node, "/spec/taints").to_vec();
            taints.retain(|taint| text(taint, "/key") != UNSCHEDULABLE);
            if closed {
                taints.push(json!({"key": UNSCHEDULABLE, "effect": "NoSchedule", "timeAdded": now}));
            }
            let taints = (!taints.is_empty()).then(|| taints.into());
            object::set_or_remove(object::child(node, "spec"), "taints", taints);
        })
    }

    /// Sets or takes away one of the taints of a node that is not heard of; each is a write of its own.
    fn set_unreachable(&self, node: &Object, effect: &str, wanted: bool) -> Result<(), ApiError> {
        let now = self.api.timestamp();
        let is_it = |taint: &Value| text(taint, "/key") == UNREACHABLE && text(taint, "/effect") == effect;
        self.change(node, CALLER, Part::Main, |node| {
            let mut taints = list(node, "/spec/taints").to_vec();
            if !wanted {
                taints.retain(|taint| !is_it(taint));
            } else if !taints.iter().any(is_it) {
                taints.push(json!({"key": UNREACHABLE, "effect": effect, "timeAdded": now}));
            }
            let taints = (!taints.is_empty()).then(|| taints.into());
            object::set_or_remove(object::child(node, "spec"), "taints", taints);
        })
    }

    fn mark_unready(&self, pod: &Object, now: &str) -> Result<(), ApiError> {
        if is_ready(pod) {
            self.change(pod, CALLER, Part::Status, |pod| {
                let conditions = elements(&mut pod["status"], "conditions");
                for condition in conditions.filter(|condition| text(condition, "/type") == "Ready") {
                    condition["status"] = "False".into();
                    condition["lastTransitionTime"] = now.into();
                }
            })?;
        }
        if condition(pod, "Ready").is_some() {
            self.recorder.record(NODES, pod, Kind::Warning, "NodeNotReady", "Node is not ready");
        }
        Ok(())
    }

    /// A node that is heard of again says that it is well, and takes pods again.
    fn welcome(&self, node: &Object) -> Result<(), ApiError> {
        let name = object::name(node);
        let now = self.api.timestamp();
        self.change(node, CALLER, Part::Status, |node| {
            for condition in elements(&mut node["status"], "conditions") {
                let Some([_, status, reason, message]) =
                    HEALTHY.iter().find(|[kind, ..]| text(condition, "/type") == *kind)
                else {
                    continue;
                };
                condition["status"] = (*status).into();
                condition["reason"] = (*reason).into();
                condition["message"] = (*message).into();
                condition["lastHeartbeatTime"] = now.clone().into();
                condition["lastTransitionTime"] = now.clone().into();
            }
        })?;
        let source = Source { component: "kubelet", host: name };
        for [_, _, reason, _] in HEALTHY {
            let reason = reason.replace("Kubelet", "Node");
            let message = format!("Node {name} status is now: {reason}");
            self.recorder.record(source, node, Kind::Normal, &reason, &message);
        }
        for effect in ["NoSchedule", "NoExecute"] {
            self.set_unreachable(node, effect, false)?;
        }
        Ok(())
    }

    /// Deletes the pods that tolerate the taints of their node no longer; the answer is when others will not.
    fn evict(&self, now: Timestamp) -> Result<Vec<Timestamp>, ApiError> {
        let mut later = Vec::new();
        for node in self.api.store.list("nodes", None) {
            let taints: Vec<&Value> = list(&node, "/spec/taints")
                .iter()
                .filter(|taint| text(taint, "/effect") == "NoExecute")
                .collect();
            if taints.is_empty() {
                continue;
            }
            for pod in self.pods_on(object::name(&node)) {
                let ends = taints.iter().filter_map(|taint| tolerated_until(&pod, taint, now)).min();
                match ends {
                    Some(at) if at <= now => self.delete(&pod)?,
                    at => later.extend(at),
                }
            }
        }
        Ok(later)
    }

    fn delete(&self, pod: &Object) -> Result<(), ApiError> {
        let Some(pods) = self.api.registry.by_key("pods") else { return Ok(()) };
        let (namespace, name) = (object::namespace(pod), object::name(pod));
        let message = format!("Marking for deletion Pod {namespace}/{name}");
        self.recorder.record(EVICTION, pod, Kind::Normal, "TaintManagerEviction", &message);
        let now = self.api.timestamp();
        self.change(pod, CALLER, Part::Status, |pod| {
            let mut conditions = list(pod, "/status/conditions").to_vec();
            conditions.retain(|held| text(held, "/type") != "DisruptionTarget");
            conditions.push(json!({
                "type": "DisruptionTarget",
                "status": "True",
                "reason": "DeletionByTaintManager",
                "message": "Taint manager: deleting due to NoExecute taint",
                "lastProbeTime": null,
                "lastTransitionTime": now,
                "observedGeneration": object::generation(pod),
            }));
            pod["status"]["conditions"] = conditions.into();
        })?;
        let options = DeleteOptions { uid: Some(object::uid(pod).to_owned()), ..DeleteOptions::default() };
        self.api.delete(&Target::new(&pods, namespace, name), &options)?;
        Ok(())
    }

    fn pods_on(&self, node: &str) -> Vec<Object> {
        let mut pods = self.api.store.having("pods", "/spec/nodeName", node);
        pods.retain(|pod| !object::is_terminating(pod));
        pods
    }

    pub(super) fn change(
        &self,
        object: &Object,
        caller: &str,
        part: Part,
        edit: impl FnOnce(&mut Value),
    ) -> Result<(), ApiError> {
        let table = if object["kind"] == "Node" { "nodes" } else { "pods" };
        let Some(resource) = self.api.registry.by_key(table) else { return Ok(()) };
        let target = Target::new(&resource, object::namespace(object), object::name(object));
        self.api.modify(&Caller::component(caller), &target, part, edit)?;
        Ok(())
    }
}

/// Whether the node has been heard of.
fn is_known(node: &Value) -> bool {
    condition(node, "Ready").is_none_or(|ready| text(ready, "/status") != "Unknown")
}

/// Until when a pod tolerates a taint; `None` for ever, and now if it does not at all.
fn tolerated_until(pod: &Value, taint: &Value, now: Timestamp) -> Option<Timestamp> {
    let [key, value, effect] = ["/key", "/value", "/effect"].map(|pointer| text(taint, pointer));
    let mut bounds = Vec::new();
    for toleration in list(pod, "/spec/tolerations") {
        if super::scheduler::fits(toleration, key, value, effect) {
            // One without a bound tolerates for ever, but does not lengthen another.
            bounds.extend(integer(toleration, "/tolerationSeconds"));
            if bounds.is_empty() {
                bounds.push(i64::MAX);
            }
        }
    }
    let Some(seconds) = bounds.into_iter().min() else { return Some(now) };
    if seconds == i64::MAX {
        return None;
    }
    let since = clock::parse(text(taint, "/timeAdded")).unwrap_or(now);
    since.saturating_add(SignedDuration::from_secs(seconds.max(0))).ok()
}
