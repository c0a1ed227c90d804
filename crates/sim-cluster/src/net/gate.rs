//! Whether anything gets through: a data center that works, is frozen, or is dead.

use tokio::sync::watch;

use super::ConnectionLost;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Open,
    /// Connections stay, nothing is answered.
    Frozen,
    /// Connections are refused.
    Closed,
}

/// The one place that every request, answer and watch event passes.
#[derive(Debug)]
pub(crate) struct Gate {
    state: watch::Sender<State>,
}

impl Default for Gate {
    fn default() -> Self {
        Self { state: watch::Sender::new(State::Open) }
    }
}

impl Gate {
    pub(crate) fn open(&self) {
        self.state.send_replace(State::Open);
    }

    pub(crate) fn freeze(&self) {
        self.state.send_replace(State::Frozen);
    }

    pub(crate) fn close(&self) {
        self.state.send_replace(State::Closed);
    }

    /// Waits while frozen; fails when closed.
    pub(crate) async fn pass(&self) -> Result<(), ConnectionLost> {
        let mut state = self.state.subscribe();
        match state.wait_for(|state| *state != State::Frozen).await.map(|state| *state) {
            Ok(State::Open) => Ok(()),
            _ => Err(ConnectionLost),
        }
    }

    /// Completes when the gate is closed.
    pub(crate) async fn closed(&self) {
        let mut state = self.state.subscribe();
        // The sender lives as long as `self`, so the wait only ends with the state.
        let _ = state.wait_for(|state| *state == State::Closed).await;
    }
}
