//! How far the Operations on registries have come that this process works on.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::StreamExt as _;
use futures::stream::BoxStream;
use plimsoll_core::image::Advance;
use plimsoll_core::name::OperationId;
use tokio::sync::broadcast;
use tokio_stream::wrappers::BroadcastStream;

/// How many changes a follower may lag behind before it is only told that there were some.
const CHANGES: usize = 256;
/// How often what comes piece by piece is told.
const TELL: Duration = Duration::from_millis(200);

/// Those that are worked on, which are a bounded number, and how far they have come.
pub(super) struct Loads {
    held: Mutex<HashMap<OperationId, BTreeMap<usize, Load>>>,
    changes: broadcast::Sender<OperationId>,
}

struct Load {
    advance: Advance,
    told: Duration,
}

impl Loads {
    pub(super) fn new() -> Self {
        Self { held: Mutex::default(), changes: broadcast::channel(CHANGES).0 }
    }

    fn held(&self) -> MutexGuard<'_, HashMap<OperationId, BTreeMap<usize, Load>>> {
        // Every write below leaves the map whole.
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Somebody works on it: from now on what is noted of it is kept.
    pub(super) fn begin(&self, id: OperationId) {
        self.held().entry(id).or_default();
    }

    pub(super) fn note(&self, id: OperationId, target: usize, advance: Advance, now: Duration) {
        {
            let mut held = self.held();
            // What comes late of one that was forgotten is nothing to anybody.
            let Some(loads) = held.get_mut(&id) else { return };
            if let Some(load) = loads.get_mut(&target) {
                let pauses = load.advance.shut.is_some() != advance.shut.is_some();
                load.advance = advance;
                if !pauses && now.saturating_sub(load.told) < TELL {
                    return;
                }
                load.told = now;
            } else {
                loads.insert(target, Load { advance, told: now });
            }
        }
        // Nobody listening is fine.
        let _ = self.changes.send(id);
    }

    pub(super) fn of(&self, id: OperationId, target: usize) -> Option<Advance> {
        self.held().get(&id)?.get(&target).map(|load| load.advance)
    }

    pub(super) fn forget(&self, id: OperationId) {
        self.held().remove(&id);
    }

    pub(super) fn changes(&self, id: OperationId) -> BoxStream<'static, ()> {
        BroadcastStream::new(self.changes.subscribe())
            .filter_map(move |changed| {
                // Whoever lagged has missed some: it may have been theirs.
                let mine = changed.map_or(true, |changed| changed == id);
                std::future::ready(mine.then_some(()))
            })
            .boxed()
    }
}
