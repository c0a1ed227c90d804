//! A place to wait at until a test lets go on.

use tokio::sync::watch::Sender;

/// Calls and events wait here until the gate is opened. Clones are the same gate.
#[derive(Clone, Debug)]
pub struct Gate {
    open: Sender<bool>,
    arrived: Sender<usize>,
}

impl Gate {
    /// A gate that is shut.
    pub fn shut() -> Self {
        Self { open: Sender::new(false), arrived: Sender::new(0) }
    }

    /// Lets all go on who wait, and those who come later.
    pub fn open(&self) {
        self.open.send_replace(true);
    }

    /// Lets those wait who come from now on.
    pub fn close(&self) {
        self.open.send_replace(false);
    }

    /// Returns when so many have come, whether they went through or wait.
    pub async fn arrived(&self, count: usize) {
        // The sender lives as long as this gate, so there is no error.
        self.arrived.subscribe().wait_for(|arrived| *arrived >= count).await.ok();
    }

    /// Waits until the gate is open.
    pub(super) async fn pass(&self) {
        self.arrived.send_modify(|arrived| *arrived += 1);
        self.open.subscribe().wait_for(|open| *open).await.ok();
    }
}
