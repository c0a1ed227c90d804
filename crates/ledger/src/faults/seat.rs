//! Seats that can be taken away.

use std::sync::{Arc, Mutex, Weak};

use async_trait::async_trait;
use plimsoll_core::ledger::Seat;
use tokio::sync::watch;

use crate::sync::lock;

/// The seats that are held.
#[derive(Default)]
pub(super) struct Seats {
    held: Mutex<Vec<Weak<Held>>>,
}

struct Held {
    /// The seat inside, until it is taken away.
    seat: Mutex<Option<Arc<dyn Seat>>>,
    taken: watch::Sender<bool>,
}

struct FaultySeat(Arc<Held>);

impl Seats {
    /// Passes a seat on, in a way that it can be taken away.
    pub(super) fn take(&self, seat: Box<dyn Seat>) -> Box<dyn Seat> {
        let held = Arc::new(Held { seat: Mutex::new(Some(seat.into())), taken: watch::Sender::new(false) });
        let mut all = lock(&self.held);
        all.retain(|other| other.strong_count() > 0);
        all.push(Arc::downgrade(&held));
        Box::new(FaultySeat(held))
    }

    pub(super) fn unseat(&self) {
        for held in lock(&self.held).drain(..).filter_map(|held| held.upgrade()) {
            held.taken.send_replace(true);
            // Whoever waits in `lost` lets go of it, so the next in line gets it.
            lock(&held.seat).take();
        }
    }
}

#[async_trait]
impl Seat for FaultySeat {
    async fn lost(&self) {
        let mut taken = self.0.taken.subscribe();
        let seat = lock(&self.0.seat).clone();
        let Some(seat) = seat else {
            return;
        };
        tokio::select! {
            // The sender lives as long as this seat, so there is no error.
            _ = taken.wait_for(|taken| *taken) => {}
            () = seat.lost() => {}
        }
    }
}
