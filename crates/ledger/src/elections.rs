//! Elections among the candidates of one process: first come, first seated.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, Weak};
use std::time::Duration;

use async_trait::async_trait;
use plimsoll_core::ledger::{Error, Seat};
use tokio::sync::{Mutex as AsyncMutex, OwnedMutexGuard};
use tracing::debug;

use crate::bounds;
use crate::sync::lock;

/// The elections that anyone takes part in; one that nobody does is forgotten.
#[derive(Debug, Default)]
pub(crate) struct Elections {
    chairs: Mutex<HashMap<String, Weak<AsyncMutex<()>>>>,
}

impl Elections {
    /// Waits behind those who came before.
    pub(crate) async fn campaign(
        &self,
        name: &str,
        candidate: &str,
        ttl: Duration,
    ) -> Result<Box<dyn Seat>, Error> {
        bounds::key(name)?;
        if ttl.is_zero() {
            return Err(Error::Invalid(format!("the seat of {name} would be held for no time")));
        }
        let held = self.chair(name).lock_owned().await;
        debug!(election = name, candidate, "elected");
        Ok(Box::new(HeldSeat { _held: held }))
    }

    fn chair(&self, name: &str) -> Arc<AsyncMutex<()>> {
        let mut chairs = lock(&self.chairs);
        if let Some(chair) = chairs.get(name).and_then(Weak::upgrade) {
            return chair;
        }
        chairs.retain(|_, chair| chair.strong_count() > 0);
        let chair = Arc::default();
        chairs.insert(name.to_owned(), Arc::downgrade(&chair));
        chair
    }
}

/// A seat that only its holder can end: whoever could take it away ends with the same process.
struct HeldSeat {
    _held: OwnedMutexGuard<()>,
}

#[async_trait]
impl Seat for HeldSeat {
    async fn lost(&self) {
        std::future::pending::<()>().await;
    }
}
