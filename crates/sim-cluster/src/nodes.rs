//! Nodes that are lost: what a test does to the machines of a cluster.

use std::collections::BTreeSet;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::Notify;

/// The nodes of a cluster, to be lost and brought back.
///
/// A lost node is a machine that nobody hears of: its kubelet reports nothing and stops nothing, and what ran
/// there may run on. After 50 seconds the node is `NotReady` and tainted, and its pods are evicted when they
/// tolerate that no longer; they stay there `Terminating` until the node is back.
#[derive(Debug, Clone, Default)]
pub struct Nodes {
    lost: Arc<Mutex<BTreeSet<String>>>,
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

    pub(crate) fn is_lost(&self, name: &str) -> bool {
        self.lost.lock().contains(name)
    }

    pub(crate) async fn changed(&self) {
        self.changed.notified().await;
    }
}
