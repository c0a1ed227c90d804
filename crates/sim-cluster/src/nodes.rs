//! What a test does to the machines of a cluster: nodes that are lost, and nodes that lack something.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::Notify;

/// What a node can lack.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Pressure {
    /// Room on its disk: `DiskPressure`.
    Disk,
    /// Memory: `MemoryPressure`.
    Memory,
}

/// The nodes of a cluster, to be lost and brought back, and to be put under pressure.
///
/// A lost node is a machine that nobody hears of: its kubelet reports nothing and stops nothing, and what ran
/// there may run on. After 50 seconds the node is `NotReady` and tainted, and its pods are evicted when they
/// tolerate that no longer; they stay there `Terminating` until the node is back.
///
/// A node that lacks something says so, takes no new pods, and evicts one pod after another every ten seconds:
/// they end `Failed` with the reason `Evicted`. Five minutes after it is relieved it says that it is well.
#[derive(Debug, Clone, Default)]
pub struct Nodes {
    lost: Arc<Mutex<BTreeSet<String>>>,
    pressed: Arc<Mutex<BTreeMap<String, Pressure>>>,
    changed: Arc<Notify>,
}

impl Nodes {
    /// Nothing is heard of this node from now on.
    pub fn lose(&self, name: impl Into<String>) {
        self.lost.lock().insert(name.into());
        self.changed.notify_one();
    }

    /// The node is back, and goes on where it was.
    pub fn bring_back(&self, name: &str) {
        self.lost.lock().remove(name);
        self.changed.notify_one();
    }

    /// The node lacks something from now on.
    pub fn press(&self, name: impl Into<String>, pressure: Pressure) {
        self.pressed.lock().insert(name.into(), pressure);
        self.changed.notify_one();
    }

    /// The node has enough of everything again.
    pub fn relieve(&self, name: &str) {
        self.pressed.lock().remove(name);
        self.changed.notify_one();
    }

    pub(crate) fn is_lost(&self, name: &str) -> bool {
        self.lost.lock().contains(name)
    }

    pub(crate) fn pressure(&self, name: &str) -> Option<Pressure> {
        self.pressed.lock().get(name).copied()
    }

    pub(crate) async fn changed(&self) {
        self.changed.notified().await;
    }
}
