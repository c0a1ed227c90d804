//! Explains pods: their QoS class and why, what they count for, what a node cannot be told about them.
//!
//! ```text
//! kubectl get pods -A -o json | cargo run -p plimsoll-qos --example explain -- -
//! cargo run -p plimsoll-qos --example explain            # with a pod of its own
//! ```

use std::error::Error;
use std::io::{Read, stdin};

use plimsoll_qos::{Pod, Resources, qos_class};
use serde::Deserialize;

/// `kubectl get pods -o json`, or one pod of it.
#[derive(Deserialize)]
struct Document {
    #[serde(default)]
    items: Vec<Item>,
    #[serde(flatten)]
    single: Item,
}

#[derive(Default, Deserialize)]
struct Item {
    #[serde(default)]
    metadata: Metadata,
    spec: Option<Pod>,
}

#[derive(Default, Deserialize)]
struct Metadata {
    #[serde(default)]
    name: String,
}

fn main() -> Result<(), Box<dyn Error>> {
    let text = match std::env::args().nth(1).as_deref() {
        None => include_str!("pod.json").to_owned(),
        Some("-") => {
            let mut text = String::new();
            stdin().read_to_string(&mut text)?;
            text
        }
        Some(path) => std::fs::read_to_string(path)?,
    };
    let Document { items, single } = serde_json::from_str(&text)?;
    for Item { metadata, spec } in items.iter().chain([&single]) {
        if let Some(pod) = spec {
            explain(&metadata.name, pod);
        }
    }
    Ok(())
}

fn explain(name: &str, pod: &Pod) {
    let judged = qos_class(pod);
    println!("{name}: {} because {}", judged.class, judged.because);
    println!("  requests {}", listed(&pod.requests()));
    println!("  limits   {}", listed(&pod.limits()));
    for fault in pod.faults() {
        println!("  refused by the API server: {fault}");
    }
}

fn listed(amounts: &Resources) -> String {
    let amounts: Vec<String> = amounts.iter().map(|(name, amount)| format!("{name} {amount}")).collect();
    if amounts.is_empty() { "nothing".to_owned() } else { amounts.join(", ") }
}
