//! What a document may say, and what is answered where it says something else.

#![expect(clippy::panic, reason = "helpers of tests fail the test")]

mod bounds;
mod docs;
mod examples;
mod fields;
mod golden;
mod json;
mod properties;
mod together;

use serde_json::{Value, json};

use super::{AppDocument, validate};
use crate::error::Violation;

const IMAGE: &str =
    "registry.example.com/demo/shop:1.4@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

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

fn read(doc: &Value) -> AppDocument {
    validate(doc).unwrap_or_else(|faults| panic!("{doc:#}\nhas faults {faults:#?}"))
}

/// The faults as `path: message; remedy`.
fn faults(doc: &Value) -> Vec<String> {
    let faults = validate(doc).err().unwrap_or_default();
    faults.iter().map(|Violation { path, message, remedy }| format!("{path}: {message}; {remedy}")).collect()
}
