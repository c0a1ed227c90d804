//! What containers use: the load that a test or a demonstration puts on them.

use std::fmt;
use std::sync::Arc;

use parking_lot::RwLock;

use crate::script::Containers;
use crate::tree::Value;

/// What a container uses, as the metrics API tells it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Usage {
    /// In thousandths of a CPU. More than its limit no container gets.
    pub cpu_millis: u32,
    /// In bytes. Nothing happens to a container that uses more than its limit: that is scripted.
    pub memory_bytes: u64,
}

impl Default for Usage {
    /// Next to nothing: a program that waits.
    fn default() -> Self {
        Self { cpu_millis: 1, memory_bytes: 16 << 20 }
    }
}

/// How a load falls on containers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Load {
    /// Each of them uses this much.
    Each(Usage),
    /// Nothing is known of what they use, as of containers that no metrics server has seen yet.
    Unknown,
    /// The ready ones of all that are scaled together share this evenly, as traffic is shared; the others wait.
    Shared(Usage),
}

/// The load on a cluster's containers; of several that are meant for one, the one set last holds. Where none is
/// meant for a container, it uses next to nothing; where none is set at all, nothing is measured, as on a cluster
/// without a metrics server.
#[derive(Clone, Default)]
pub struct Loads {
    entries: Arc<RwLock<Vec<(Containers, Load)>>>,
}

impl Loads {
    /// These containers use this much from now on.
    pub fn set(&self, containers: Containers, load: Load) {
        self.entries.write().push((containers, load));
    }

    /// Measures no longer.
    pub fn clear(&self) {
        self.entries.write().clear();
    }

    /// Whether anything is measured.
    pub(crate) fn are_measured(&self) -> bool {
        !self.entries.read().is_empty()
    }

    pub(crate) fn on(&self, pod: &Value, container: &Value) -> Load {
        let entries = self.entries.read();
        let held = entries.iter().rev().find(|(containers, _)| containers.hold(pod, container));
        held.map_or(Load::Each(Usage::default()), |(_, load)| *load)
    }
}

impl fmt::Debug for Loads {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Loads").field("entries", &self.entries.read().len()).finish()
    }
}
