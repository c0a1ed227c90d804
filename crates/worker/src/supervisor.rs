//! One worker per data center that the ledger lists and this process has a way to.

use std::collections::HashSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use plimsoll_core::archive::Archive;
use plimsoll_core::clock::Clock;
use plimsoll_core::cluster::Clusters;
use plimsoll_core::error::Chain;
use plimsoll_core::image::Images;
use plimsoll_core::ledger::Ledger;
use plimsoll_core::usecase::Plimsoll;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::connection;
use crate::desk::Desk;
use crate::guard::Guard;
use crate::housekeeping::{Housekeeper, Pace};
use crate::mirror::{Change, Mirror};
use crate::porter::Porter;
use crate::preflight::Preflights;
use crate::sights::Sights;
use crate::stopwatch::Watches;

/// How long a seat is held without a sign of life.
const SEAT: Duration = Duration::from_secs(10);
/// How long to wait before standing for election again after the ledger did not answer.
const AGAIN: Duration = Duration::from_secs(1);
/// How often to look whether a way to a data center was added that the ledger lists already.
const LOOK: Duration = Duration::from_secs(2);

/// What the workers run on.
pub struct Setup {
    /// What was ordered.
    pub ledger: Arc<dyn Ledger>,
    /// The ways to the data centers.
    pub clusters: Arc<dyn Clusters>,
    /// For automatic rollbacks.
    pub plimsoll: Plimsoll,
    /// Where what is seen is kept.
    pub sights: Arc<Sights>,
    /// The registries of the installation, if it has any.
    pub images: Option<Images>,
    /// Where the ledger's old entries go.
    pub archive: Arc<dyn Archive>,
    /// How often they do.
    pub tidy_every: Duration,
    /// How long a deletion is remembered after every data center has confirmed it.
    pub remember_deletions: Duration,
    /// Wall time for records, monotonic time for deadlines.
    pub clock: Arc<dyn Clock>,
    /// The name that this process stands for election under.
    pub candidate: String,
}

/// Runs the workers until `cancelled`; each data center that is added meanwhile gets its own.
pub async fn run(setup: Setup, cancelled: CancellationToken) {
    let Setup {
        ledger,
        clusters,
        plimsoll,
        sights,
        images,
        archive,
        tidy_every,
        remember_deletions,
        clock,
        candidate,
    } = setup;
    sights.ask_by(&clusters);
    let mirror = Mirror::new(ledger.clone(), remember_deletions);
    let mut changes = mirror.changes();
    let mut tasks = JoinSet::new();
    // It outlives the workers: what they hand over is decided from it.
    let mut following = JoinSet::new();
    {
        let mirror = mirror.clone();
        following.spawn(async move { mirror.run().await });
    }
    {
        let pace = Pace { every: tidy_every, remember_deletions };
        let housekeeper =
            Housekeeper::new(ledger.clone(), archive.clone(), clock.clone(), sights.clone(), pace);
        tasks.spawn(housekeeper.run(candidate.clone(), cancelled.clone()));
    }
    if let Some(images) = &images {
        let porter = Porter::new(ledger.clone(), images.carrier.clone(), clock.clone(), sights.clone());
        tasks.spawn(porter.run(candidate.clone(), cancelled.clone()));
    }
    let mut served = HashSet::new();
    let mut look = tokio::time::interval(LOOK);
    while !cancelled.is_cancelled() {
        for dc in mirror.dcs().into_keys() {
            if served.contains(&dc) {
                continue;
            }
            let Some(cluster) = clusters.cluster(&dc) else { continue };
            served.insert(dc.clone());
            let preflights = images
                .clone()
                .map(|images| Preflights::new(dc.clone(), images, sights.clone(), clock.clone()));
            let desk = Desk {
                dc,
                ledger: ledger.clone(),
                cluster,
                mirror: mirror.clone(),
                sights: sights.clone(),
                plimsoll: plimsoll.clone(),
                archive: archive.clone(),
                preflights,
                clock: clock.clone(),
                watches: Mutex::new(Watches::new(clock.clone())),
                guard: Guard::default(),
                refusals: Mutex::default(),
                asked_to_wait: Mutex::default(),
            };
            tasks.spawn(stand(Arc::new(desk), candidate.clone(), cancelled.clone()));
        }
        loop {
            tokio::select! {
                () = cancelled.cancelled() => break,
                _ = look.tick() => break,
                change = changes.recv() => if !matches!(change, Ok(Change::App(_))) {
                    break;
                },
            }
        }
    }
    while tasks.join_next().await.is_some() {}
}

/// Serves a data center whenever elected to.
async fn stand(desk: Arc<Desk>, candidate: String, cancelled: CancellationToken) {
    let election = format!("worker/{}", desk.dc);
    while !cancelled.is_cancelled() {
        let seat = tokio::select! {
            () = cancelled.cancelled() => return,
            seat = desk.ledger.campaign(&election, &candidate, SEAT) => seat,
        };
        match seat {
            Ok(seat) => {
                let term = cancelled.child_token();
                tokio::select! {
                    () = seat.lost() => term.cancel(),
                    () = connection::serve(desk.clone(), term.clone()) => {}
                }
                if let Some(preflights) = &desk.preflights {
                    preflights.clear();
                }
                // Also without the seat: what was measured was measured, and a successor that was faster wins.
                desk.hand_over().await;
            }
            Err(error) => {
                tracing::warn!(dc = %desk.dc, error = %Chain(&error), "the election did not take place");
                tokio::time::sleep(AGAIN).await;
            }
        }
    }
}
