//! Work on registries: one server does it, by election, a bounded number of Operations at a time.
//!
//! What is to be done is read from the ledger, whatever event came, so a successor goes on with whatever is open: what
//! arrived at a target is not sent again, and what was read of a source lies where it lay. Who loses the seat ends at
//! once, and so does an Operation that somebody aborts; its writes carry what they were decided from.

mod carriage;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt as _;
use plimsoll_core::clock::Clock;
use plimsoll_core::error::Chain;
use plimsoll_core::image::Carrier;
use plimsoll_core::ledger::{self, Event, Ledger, Range};
use plimsoll_core::name::OperationId;
use plimsoll_core::record::key::{self, ImageOperationKey};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use self::carriage::Carriage;
use crate::sights::Sights;

/// How long the seat is held without a sign of life.
const SEAT: Duration = Duration::from_secs(10);
/// How long to wait before going on after the ledger failed.
const AGAIN: Duration = Duration::from_secs(1);
/// How many Operations are worked on at a time. The others wait for their turn.
const AT_ONCE: usize = 4;

/// What does the work on registries.
pub(crate) struct Porter {
    ledger: Arc<dyn Ledger>,
    carrier: Arc<dyn Carrier>,
    clock: Arc<dyn Clock>,
    sights: Arc<Sights>,
    turns: Arc<Semaphore>,
}

impl Porter {
    pub(crate) fn new(
        ledger: Arc<dyn Ledger>,
        carrier: Arc<dyn Carrier>,
        clock: Arc<dyn Clock>,
        sights: Arc<Sights>,
    ) -> Self {
        Self { ledger, carrier, clock, sights, turns: Arc::new(Semaphore::new(AT_ONCE)) }
    }

    /// Works whenever elected to, until cancelled.
    pub(crate) async fn run(self, candidate: String, cancelled: CancellationToken) {
        while !cancelled.is_cancelled() {
            let seat = tokio::select! {
                () = cancelled.cancelled() => return,
                seat = self.ledger.campaign("images", &candidate, SEAT) => seat,
            };
            match seat {
                Ok(seat) => tokio::select! {
                    () = cancelled.cancelled() => return,
                    () = seat.lost() => {}
                    () = self.serve() => {}
                },
                Err(error) => {
                    tracing::warn!(error = %Chain(&error), "the election for work on registries did not take place");
                    tokio::select! {
                        () = cancelled.cancelled() => return,
                        () = tokio::time::sleep(AGAIN) => {}
                    }
                }
            }
        }
    }

    async fn serve(&self) {
        // What is under way goes on while a watch is made anew, and ends with the seat.
        let mut under_way = HashMap::new();
        loop {
            if let Err(error) = self.follow(&mut under_way).await {
                tracing::warn!(error = %Chain(&error), "the work on registries is not followed, beginning anew");
            }
            tokio::time::sleep(AGAIN).await;
        }
    }

    async fn follow(
        &self,
        under_way: &mut HashMap<OperationId, AbortOnDropHandle<()>>,
    ) -> Result<(), ledger::Error> {
        let now = Range { limit: 1, ..Range::prefix(key::IMAGE_OPERATIONS) };
        let from = self.ledger.range(&now).await?.revision;
        let mut events = self.ledger.watch(key::IMAGE_OPERATIONS, from).await?;
        loop {
            let open = self.open().await?;
            under_way.retain(|id, _| open.contains(id));
            for id in open {
                under_way.entry(id).or_insert_with(|| {
                    let carriage = Carriage {
                        id,
                        ledger: self.ledger.clone(),
                        carrier: self.carrier.clone(),
                        clock: self.clock.clone(),
                        sights: self.sights.clone(),
                    };
                    let turns = self.turns.clone();
                    AbortOnDropHandle::new(tokio::spawn(async move {
                        // Nobody closes it.
                        let Ok(_turn) = turns.acquire_owned().await else { return };
                        carriage.run().await;
                    }))
                });
            }
            loop {
                match events.next().await {
                    Some(events) => {
                        if events?.iter().any(begins_or_ends) {
                            break;
                        }
                    }
                    None => return Ok(()),
                }
            }
        }
    }

    /// The Operations that have not ended.
    async fn open(&self) -> Result<HashSet<OperationId>, ledger::Error> {
        let mut open = HashSet::new();
        let mut range = Range::prefix(key::IMAGE_OPERATIONS);
        loop {
            let page = self.ledger.range(&range).await?;
            for entry in &page.entries {
                match key::parse_image_operation(&entry.key) {
                    Some(ImageOperationKey::Operation(id)) => {
                        open.insert(id);
                    }
                    Some(ImageOperationKey::End(id)) => {
                        open.remove(&id);
                    }
                    Some(ImageOperationKey::Outcome(..)) | None => {}
                }
            }
            if !page.more {
                return Ok(open);
            }
            range.after = page.entries.last().map(|entry| entry.key.clone());
        }
    }
}

/// Whether an Operation came, ended or went: outcomes are written by nobody else.
fn begins_or_ends(event: &Event) -> bool {
    let key = match event {
        Event::Put(entry) => &entry.key,
        Event::Deleted { key, .. } => key,
    };
    !matches!(key::parse_image_operation(key), Some(ImageOperationKey::Outcome(..)))
}
