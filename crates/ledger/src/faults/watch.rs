//! Watches that go wrong.

use futures::StreamExt as _;
use futures::stream::unfold;
use plimsoll_core::ledger::{Entry, Error, Event, Revision, Watch};
use tokio::sync::watch::Receiver;
use tokio::time::sleep;

use super::WatchFault;

struct Faulty {
    events: Watch,
    cut: Receiver<u64>,
    faults: Vec<WatchFault>,
    /// How many transactions were handed on.
    handed: usize,
    /// The revision of the last of them, or the one that the watch began at.
    after: Revision,
}

/// Hands the events on, as `faults` let it, until `cut` changes.
pub(super) fn faulty(events: Watch, cut: Receiver<u64>, faults: Vec<WatchFault>, after: Revision) -> Watch {
    let begun = Faulty { events, cut, faults, handed: 0, after };
    unfold(Some(begun), |watch| async {
        let mut watch = watch?;
        match watch.next().await? {
            Ok(events) => Some((Ok(events), Some(watch))),
            Err(error) => Some((Err(error), None)),
        }
    })
    .boxed()
}

impl Faulty {
    async fn next(&mut self) -> Option<Result<Vec<Event>, Error>> {
        for fault in &self.faults {
            match fault {
                WatchFault::CutAfter(count) if self.handed >= *count => return Some(Err(cut())),
                WatchFault::FallBehindAfter(count) if self.handed >= *count => {
                    return Some(Err(Error::Compacted { from: self.after }));
                }
                _ => {}
            }
        }
        let Self { events, cut: cutting, faults, handed, after } = self;
        let next = async {
            let next = events.next().await;
            for fault in faults.iter() {
                match fault {
                    WatchFault::Lag(time) => sleep(*time).await,
                    WatchFault::Hold(gate) => gate.pass().await,
                    WatchFault::Compacted | WatchFault::CutAfter(_) | WatchFault::FallBehindAfter(_) => {}
                }
            }
            next
        };
        let next = tokio::select! {
            biased;
            // Also when the wrapper is gone.
            _ = cutting.changed() => Some(Err(cut())),
            next = next => next,
        };
        if let Some(Ok(events)) = &next {
            *handed += 1;
            if let Some(Event::Put(Entry { revision, .. }) | Event::Deleted { revision, .. }) = events.last()
            {
                *after = *revision;
            }
        }
        next
    }
}

fn cut() -> Error {
    Error::Unavailable("the watch was cut by a fault".into())
}
