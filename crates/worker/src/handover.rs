//! The orderly end of a worker's term: the time that it has measured goes into the ledger, for its successor.

use std::sync::PoisonError;
use std::time::Duration;

use futures::StreamExt as _;
use plimsoll_core::error::Chain;
use plimsoll_core::ledger::Committed;
use plimsoll_core::name::AppRef;
use plimsoll_core::steer::hand_over;
use tokio::sync::broadcast::error::RecvError;

use crate::desk::Desk;

/// How long handing over may take. What is not stored by then is measured anew: a soak or a deadline gets
/// longer, never shorter.
const LONGEST: Duration = Duration::from_secs(3);
/// How many transactions are under way at once.
const TOGETHER: usize = 64;

impl Desk {
    /// Stores the time that this worker has measured, and forgets it.
    pub(crate) async fn hand_over(&self) {
        if tokio::time::timeout(LONGEST, self.store_all()).await.is_err() {
            tracing::warn!(dc = %self.dc, "not all measured time was stored; soaks and deadlines take longer");
        }
        self.watches.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    async fn store_all(&self) {
        let mut changes = self.mirror.changes();
        let mut left = self.mirror.apps();
        loop {
            let stored = futures::stream::iter(left)
                .map(|app| async move {
                    let done = self.store(&app).await;
                    (app, done)
                })
                .buffer_unordered(TOGETHER);
            left = stored.filter_map(async |(app, done)| (!done).then_some(app)).collect().await;
            // Somebody was faster with one of these; what they wrote comes with the mirror.
            if left.is_empty() || matches!(changes.recv().await, Err(RecvError::Closed)) {
                return;
            }
        }
    }

    /// Stores what was measured for one App; false where that is to be tried on newer ground.
    async fn store(&self, app: &AppRef) -> bool {
        let Some(scene) = self.look(app) else { return true };
        let transactions = {
            let watches = self.watches.lock().unwrap_or_else(PoisonError::into_inner);
            hand_over(&scene, &*watches)
        };
        let transactions = match transactions {
            Ok(transactions) => transactions,
            Err(error) => {
                tracing::error!(%app, dc = %self.dc, %error, "a record has no JSON form");
                return true;
            }
        };
        let mut done = true;
        for transaction in transactions {
            match self.ledger.transact(transaction).await {
                Ok(Committed::At(_)) => {}
                Ok(Committed::Lost) => done = false,
                Err(error) => {
                    tracing::warn!(%app, dc = %self.dc, error = %Chain(&error), "measured time was not stored");
                }
            }
        }
        done
    }
}
