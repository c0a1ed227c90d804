//! What a document may say, and what is answered where it says something else.

mod bounds;
mod containers;
mod docs;
mod every;
mod examples;
mod fields;
mod golden;
mod grades;
mod json;
mod properties;
mod together;

use serde_json::{Value, json};

use super::{AppDocument, validate};
use crate::error::Violation;

const IMAGE: &str = "registry.example.com/demo/shop:1.4@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

/// A document with nothing but what is required.
fn mk_doc() -> Value {
    json!({
        "apiVersion": "plimsoll.io/v1alpha1",
        "kind": "App",
        "metadata": {"name": "shop", "namespace": "demo"},
        "spec": {
            "grade": "general-2",
            "image": IMAGE,
            "size": {"cpu": "500m", "memory": "256Mi"},
        },
    })
}

/// A document whose `spec` has these fields too, or instead.
fn mk_doc_with(spec: &Value) -> Value {
    let mut doc = mk_doc();
    for (field, value) in spec.as_object().unwrap_or_else(|| panic!("{spec} is no object")) {
        doc["spec"][field] = value.clone();
    }
    doc
}

/// A document with every field that there is.
fn mk_full_doc() -> Value {
    let key = json!({"secret": "shop-database", "key": "password"});
    let check = |kind: &str, check: Value| {
        json!({
            kind: check,
            "initialDelay": "1s",
            "period": "2s",
            "timeout": "3s",
            "failureThreshold": 4,
            "successThreshold": 1,
        })
    };
    let container = |name: &str| {
        json!({
            "name": name,
            "image": IMAGE,
            "command": ["/bin/x"],
            "args": ["-v"],
            "size": {"cpu": "100m", "memory": "64Mi", "ephemeralStorage": "1Gi"},
            "env": {"A": "b"},
            "envFromSecrets": {"B": key},
        })
    };
    let mut sidecar = container("proxy");
    sidecar["probes"] = json!({
        "startup": check("tcp", json!({"port": 15_020})),
        "readiness": check("http", json!({"path": "/ready", "port": 15_020})),
        "liveness": check("exec", json!({"command": ["/bin/alive"]})),
    });
    json!({
        "apiVersion": "plimsoll.io/v1alpha1",
        "kind": "App",
        "metadata": {
            "name": "shop",
            "namespace": "demo",
            "owner": "team-shop",
            "description": "The shop.",
            "labels": {"app.kubernetes.io/part-of": "retail"},
        },
        "spec": {
            "type": "service",
            "grade": "general-5",
            "image": IMAGE,
            "command": ["/bin/shop"],
            "args": ["--verbose"],
            "size": {"cpu": "2", "memory": "2Gi", "ephemeralStorage": "4Gi"},
            "scale": {
                "replicas": 4,
                "placement": ["dc-1", "dc-2"],
                "exceptions": {
                    "dc-1": {"autoscale": {"min": 3, "max": 9, "cpuPercent": 60}},
                    "dc-2": {"replicas": 5},
                },
            },
            "ports": [{"name": "http", "port": 8080, "protocol": "TCP", "servicePort": 80}],
            "probes": {
                "startup": check("http", json!({"path": "/started", "port": "http"})),
                "readiness": check("grpc", json!({"port": 9000, "service": "shop.v1.Shop"})),
                "liveness": check("tcp", json!({"port": "http"})),
            },
            "env": {"LOG": "info"},
            "envFromSecrets": {"PASSWORD": key},
            "files": [{"path": "/etc/shop.toml", "content": "a = 1\n", "mode": "0640"}],
            "secretFiles": [{"path": "/etc/tls.key", "secret": "shop-tls", "key": "tls.key", "mode": "0440"}],
            "scratch": [{"path": "/var/cache/shop", "size": "1Gi"}],
            "user": 1000,
            "init": [container("migrate")],
            "sidecars": [sidecar],
            "shutdown": {"drain": "10s", "grace": "20s"},
            "apiToken": "Mounted",
            "dataCenters": {
                "dc-1": {"env": {"LOG": "debug"}, "files": [{"path": "/etc/b", "content": "", "mode": "0600"}]},
            },
            "publish": {
                "order": [["dc-1"], ["dc-2"]],
                "succeed": 1,
                "soak": "30s",
                "deadline": "5m",
                "onFailure": "Rollback",
            },
        },
    })
}

fn read(doc: &Value) -> AppDocument {
    validate(doc).unwrap_or_else(|faults| panic!("{doc:#}\nhas faults {faults:#?}"))
}

/// The faults as `path: message; remedy`.
fn faults(doc: &Value) -> Vec<String> {
    let faults = validate(doc).err().unwrap_or_default();
    faults.iter().map(said).collect()
}

/// `path: message; remedy`.
fn said(Violation { path, message, remedy, rule: _ }: &Violation) -> String {
    format!("{path}: {message}; {remedy}")
}

/// `spec` fields that make this one fault.
fn refused(spec: &Value, fault: &str) {
    assert_eq!(faults(&mk_doc_with(spec)), [fault], "{spec}");
}
