//! What the pods of a server are measured to use.

use std::time::Duration;

use async_trait::async_trait;
use serde_json::Value;

/// What containers use, by the pods that they are of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Use {
    /// The label that the pods have: its key and its value.
    pub label: Option<(String, String)>,
    /// The one pod.
    pub pod: Option<String>,
    /// The one container of each.
    pub container: Option<String>,
    /// In thousandths of a CPU.
    pub cpu_millis: u32,
    /// In bytes.
    pub memory_bytes: u64,
}

impl Use {
    /// Every container of pods with a label `app`.
    pub fn of_app(app: &str, cpu_millis: u32) -> Self {
        let label = Some(("app".to_owned(), app.to_owned()));
        Self { label, pod: None, container: None, cpu_millis, memory_bytes: 16 << 20 }
    }

    /// Every container of one pod.
    pub fn of_pod(pod: &str, cpu_millis: u32) -> Self {
        Self { pod: Some(pod.to_owned()), label: None, ..Self::of_app("", cpu_millis) }
    }

    /// With this much memory.
    #[must_use]
    pub fn memory(self, mebibytes: u64) -> Self {
        Self { memory_bytes: mebibytes << 20, ..self }
    }

    /// Of the one container of this name.
    #[must_use]
    pub fn container(self, name: &str) -> Self {
        Self { container: Some(name.to_owned()), ..self }
    }

    /// Whether it is about a container of a pod.
    pub fn is_about(&self, pod: &Value, container: &str) -> bool {
        let metadata = &pod["metadata"];
        self.label.as_ref().is_none_or(|(key, value)| metadata["labels"][key] == value.as_str())
            && self.pod.as_ref().is_none_or(|name| metadata["name"] == name.as_str())
            && self.container.as_ref().is_none_or(|name| name == container)
    }
}

/// Measures the pods of a server, on which time may pass faster.
#[async_trait(?Send)]
pub trait Meter {
    /// How long a case waits for what must come about.
    fn patience(&self) -> Duration;

    /// From now on the pods of a namespace use this; of several that are about one container the last holds. Of
    /// containers that none is about nothing is known.
    fn set(&self, namespace: &str, uses: Vec<Use>);

    /// Lets time pass until what is measured of a pod that is ready now was measured while it was.
    async fn measure(&self);
}
