//! What the system asks this process to do.

use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::error::Error;

/// The requests to end: SIGINT, which Ctrl-C sends, and SIGTERM.
pub(crate) struct Signals {
    interrupt: Signal,
    terminate: Signal,
}

impl Signals {
    /// Takes both over; from here on neither ends the process by itself.
    pub(crate) fn listen() -> Result<Self, Error> {
        let take = |kind| {
            signal(kind).map_err(|error| Error::Failed("signals cannot be handled".to_owned(), error.into()))
        };
        Ok(Self { interrupt: take(SignalKind::interrupt())?, terminate: take(SignalKind::terminate())? })
    }

    /// The next request to end.
    pub(crate) async fn end(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}
