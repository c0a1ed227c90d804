//! Binding: the write that gives a pod its node.

use super::{Api, Target};
use crate::object;
use crate::status::ApiError;
use crate::store::{Key, Object};
use crate::tree::{Value, json};

/// Labels of a node that its pods get.
const TOPOLOGY: [&str; 2] = ["topology.kubernetes.io/region", "topology.kubernetes.io/zone"];

impl Api {
    /// Places a pod, as the binding subresource does: without an owner of the field and without a new
    /// generation.
    pub(crate) fn bind(&self, target: &Target, node: &str) -> Result<Object, ApiError> {
        let now = self.timestamp();
        let mut tx = self.store.begin();
        let key = target.key();
        let live = tx.get(&key).ok_or_else(|| ApiError::not_found(target.subject()))?;
        if !object::text(&live, "/spec/nodeName").is_empty() {
            let why = format!("pod {} is already assigned to node", target.name);
            return Err(ApiError::conflict(target.subject(), &why));
        }
        let mut pod = Value::clone(&live);
        pod["spec"]["nodeName"] = node.into();
        if let Some(node) = tx.get(&Key::new("nodes", "", node)) {
            for name in TOPOLOGY {
                if let Some(value) = object::label(&node, name) {
                    object::fields(object::metadata(&mut pod).entry("labels").or_insert(Value::Null))
                        .insert(name, value.into());
                }
            }
        }
        let mut conditions: Vec<Value> = object::list(&live, "/status/conditions")
            .iter()
            .filter(|condition| object::text(condition, "/type") != "PodScheduled")
            .cloned()
            .collect();
        conditions.push(json!({
            "type": "PodScheduled",
            "status": "True",
            "lastProbeTime": null,
            "lastTransitionTime": now,
        }));
        pod["status"]["conditions"] = conditions.into();
        tx.put(&key, pod)
    }
}
