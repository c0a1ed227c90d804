//! The objects that cases work on.

use serde_json::{Value, json};

/// A secret of that name and nothing else; no controller makes or touches any.
pub(crate) fn secret(name: &str) -> Value {
    json!({"metadata": {"name": name}})
}

/// A secret with labels.
pub(crate) fn labelled(name: &str, labels: &Value) -> Value {
    json!({"metadata": {"name": name, "labels": labels}})
}

/// A config map with data.
pub(crate) fn config_map(name: &str, data: &Value) -> Value {
    json!({"metadata": {"name": name}, "data": data})
}

/// The same as a whole object, as an apply needs it.
pub(crate) fn whole_config_map(name: &str, data: &Value) -> Value {
    json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": data})
}

/// A Deployment without pods.
pub(crate) fn deployment(name: &str) -> Value {
    json!({
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name},
        "spec": {
            "replicas": 0,
            "selector": {"matchLabels": {"app": name}},
            "template": {
                "metadata": {"labels": {"app": name}},
                "spec": {"containers": [{"name": "main", "image": "registry.example/app:1"}]},
            },
        },
    })
}

/// A pod that no scheduler places.
pub(crate) fn gated_pod(name: &str) -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name},
        "spec": {
            "schedulingGates": [{"name": "example.io/wait"}],
            "containers": [{"name": "main", "image": "registry.example/app:1"}],
        },
    })
}

/// A pod of one container.
pub(crate) fn pod(name: &str) -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name},
        "spec": {"containers": [{"name": "main", "image": "registry.example/app:1"}]},
    })
}
