//! Nodes that lack something: what their kubelets say of it, and who keeps new pods away.

use jiff::{SignedDuration, Timestamp};

use super::node::{CALLER, Lifecycle};
use super::recorder::{Kind, Source};
use super::registration::HEALTHY;
use crate::api::Part;
use crate::nodes::Pressure;
use crate::object::{self, condition, elements, list, text};
use crate::status::ApiError;
use crate::store::Object;
use crate::tree::{Value, json};

/// How long a kubelet waits before it says that nothing is lacking any more.
const TRANSITION: SignedDuration = SignedDuration::from_mins(5);

struct Words {
    pressure: Pressure,
    condition: &'static str,
    taint: &'static str,
    resource: &'static str,
    /// Reason and message while it lacks something; those of the other case are in [`HEALTHY`].
    reason: &'static str,
    message: &'static str,
}

const WORDS: [Words; 2] = [
    Words {
        pressure: Pressure::Disk,
        condition: "DiskPressure",
        taint: "node.kubernetes.io/disk-pressure",
        resource: "ephemeral-storage",
        reason: "KubeletHasDiskPressure",
        message: "kubelet has disk pressure",
    },
    Words {
        pressure: Pressure::Memory,
        condition: "MemoryPressure",
        taint: "node.kubernetes.io/memory-pressure",
        resource: "memory",
        reason: "KubeletHasInsufficientMemory",
        message: "kubelet has insufficient memory available",
    },
];

impl Lifecycle {
    /// Lets the kubelets say what they lack, and taints follow; the answer is when one may say that it is well.
    pub(super) fn press(&mut self, now: Timestamp) -> Result<Option<Timestamp>, ApiError> {
        let mut next = None;
        for node in self.api.store.list("nodes", None) {
            let name = object::name(&node);
            if self.nodes.is_lost(name) {
                continue;
            }
            for words in &WORDS {
                let lacks = self.nodes.pressure(name) == Some(words.pressure);
                let says =
                    condition(&node, words.condition).is_some_and(|held| text(held, "/status") == "True");
                let key = (name.to_owned(), words.condition);
                if lacks {
                    self.relieved.remove(&key);
                } else if says {
                    let since = *self.relieved.entry(key.clone()).or_insert(now);
                    let at = since.saturating_add(TRANSITION).unwrap_or(Timestamp::MAX);
                    if at > now {
                        next = [next, Some(at)].into_iter().flatten().min();
                        continue;
                    }
                    self.relieved.remove(&key);
                }
                if lacks != says {
                    self.say(&node, words, lacks)?;
                }
            }
        }
        for node in self.api.store.list("nodes", None) {
            self.taint_pressed(&node)?;
        }
        Ok(next)
    }

    fn say(&self, node: &Object, words: &Words, lacks: bool) -> Result<(), ApiError> {
        let name = object::name(node);
        let kubelet = Source { component: "kubelet", host: name };
        if lacks {
            let message = format!("Attempting to reclaim {}", words.resource);
            self.recorder.record(kubelet, node, Kind::Warning, "EvictionThresholdMet", &message);
        }
        let now = self.api.timestamp();
        let healthy = HEALTHY.iter().find(|[kind, ..]| *kind == words.condition);
        let (reason, message) = match healthy {
            Some([_, _, reason, message]) if !lacks => (*reason, *message),
            _ => (words.reason, words.message),
        };
        self.change(node, "kubelet", Part::Status, |node| {
            let conditions = elements(&mut node["status"], "conditions");
            for condition in conditions.filter(|held| text(held, "/type") == words.condition) {
                condition["status"] = if lacks { "True" } else { "False" }.into();
                condition["reason"] = reason.into();
                condition["message"] = message.into();
                condition["lastHeartbeatTime"] = now.clone().into();
                condition["lastTransitionTime"] = now.clone().into();
            }
        })?;
        let reason = reason.replace("Kubelet", "Node");
        let message = format!("Node {name} status is now: {reason}");
        self.recorder.record(kubelet, node, Kind::Normal, &reason, &message);
        Ok(())
    }

    /// New pods are kept away from a node that says that it lacks something.
    fn taint_pressed(&self, node: &Object) -> Result<(), ApiError> {
        let held = list(node, "/spec/taints");
        let mut taints: Vec<Value> = held.to_vec();
        for words in &WORDS {
            let says = condition(node, words.condition).is_some_and(|held| text(held, "/status") == "True");
            let tainted = held.iter().any(|taint| text(taint, "/key") == words.taint);
            if says && !tainted {
                let now = self.api.timestamp();
                taints.push(json!({"key": words.taint, "effect": "NoSchedule", "timeAdded": now}));
            } else if !says {
                taints.retain(|taint| text(taint, "/key") != words.taint);
            }
        }
        if taints == held {
            return Ok(());
        }
        self.change(node, CALLER, Part::Main, |node| {
            let taints = (!taints.is_empty()).then(|| taints.clone().into());
            object::set_or_remove(object::child(node, "spec"), "taints", taints);
        })
    }
}
