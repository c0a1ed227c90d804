//! Keeping the ledger hot: what [`plimsoll_core::retention`] lets go is moved into the archive, or removed.
//!
//! One server does it, by election, which only spares the others the work: every removal is a transaction that
//! compares what it was decided from, and what is to be kept is in the archive before it leaves the ledger. So a
//! crash at any moment may leave an entry in both, and never in neither. At rest nothing is written.

mod app;
mod image_operations;
mod life;
mod requests;
mod shelf;

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use plimsoll_core::archive::{self, Archive};
use plimsoll_core::clock::Clock;
use plimsoll_core::error::Chain;
use plimsoll_core::ledger::{self, Entry, Ledger, Range, Revision};
use plimsoll_core::name::{AppRef, AppUid, DcName, OperationId};
use plimsoll_core::order::has_cleared;
use plimsoll_core::record::{self, App, DataCenter, DcState, Order, Outcome, Proven, Stored, key};
use tokio_util::sync::CancellationToken;

use crate::sights::Sights;

/// How often the ledger is tidied if nobody says.
pub const TIDY_EVERY: Duration = Duration::from_hours(1);
/// How long the seat is held without a sign of life.
const SEAT: Duration = Duration::from_secs(10);
/// How long to wait at most before going on after the ledger or the archive failed.
const AGAIN: Duration = Duration::from_mins(1);
/// So many entries go in one transaction at most, with as many comparisons; the port allows 128.
const BATCH: usize = 100;

/// What keeps the ledger hot.
pub(crate) struct Housekeeper {
    ledger: Arc<dyn Ledger>,
    archive: Arc<dyn Archive>,
    clock: Arc<dyn Clock>,
    sights: Arc<Sights>,
    pace: Pace,
    /// The Apps that had nothing to give when they looked so: they are not looked at again until they differ.
    settled: HashMap<AppRef, Look>,
}

/// How often it is tidied, and what is kept how long.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pace {
    /// From one pass to the next.
    pub(crate) every: Duration,
    /// How long a deletion is remembered after every data center has confirmed it.
    pub(crate) remember_deletions: Duration,
}

/// By what it is seen that somebody changed an App.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Look {
    app: Revision,
    newest_order: Revision,
    orders: usize,
}

/// How much went in one pass.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Gone {
    requests: usize,
    operations: usize,
    image_operations: usize,
    releases: usize,
    tombstones: usize,
}

/// Why a pass ended early.
#[derive(Debug, thiserror::Error)]
enum Error {
    #[error("the ledger did not do what it was asked")]
    Ledger(#[from] ledger::Error),
    #[error("the archive did not do what it was asked")]
    Archive(#[from] archive::Error),
    #[error("a record cannot be read")]
    Record(#[from] record::Error),
    #[error("a record has no JSON form")]
    Form(#[from] serde_json::Error),
}

/// What all Apps look like, and which of their lives there are.
#[derive(Default)]
struct Census {
    looks: BTreeMap<AppRef, Look>,
    alive: HashSet<AppUid>,
    dcs: BTreeSet<DcName>,
}

impl Housekeeper {
    /// One that tidies at this pace.
    pub(crate) fn new(
        ledger: Arc<dyn Ledger>,
        archive: Arc<dyn Archive>,
        clock: Arc<dyn Clock>,
        sights: Arc<Sights>,
        pace: Pace,
    ) -> Self {
        Self { ledger, archive, clock, sights, pace, settled: HashMap::new() }
    }

    /// Tidies whenever elected to, until cancelled: at once, and then every so often.
    pub(crate) async fn run(mut self, candidate: String, cancelled: CancellationToken) {
        while !cancelled.is_cancelled() {
            let seat = tokio::select! {
                () = cancelled.cancelled() => return,
                seat = self.ledger.campaign("housekeeping", &candidate, SEAT) => seat,
            };
            let seat = match seat {
                Ok(seat) => seat,
                Err(error) => {
                    tracing::warn!(error = %Chain(&error), "the election of the housekeeper did not take place");
                    tokio::select! {
                        () = cancelled.cancelled() => return,
                        () = tokio::time::sleep(AGAIN) => continue,
                    }
                }
            };
            tokio::select! {
                () = cancelled.cancelled() => return,
                () = seat.lost() => {}
                () = self.serve() => {}
            }
        }
    }

    async fn serve(&mut self) {
        // One that does not answer may do so after days.
        let _ = tokio::time::timeout(AGAIN, self.until_compared()).await;
        loop {
            let mut gone = Gone::default();
            let wait = match self.pass(&mut gone).await {
                Ok(()) => self.pace.every,
                Err(error) => {
                    tracing::warn!(error = %Chain(&error), "the ledger was not tidied to the end, going on later");
                    self.pace.every.min(AGAIN)
                }
            };
            if gone != Gone::default() {
                let Gone { requests, operations, image_operations, releases, tombstones } = gone;
                tracing::info!(
                    requests,
                    operations,
                    image_operations,
                    releases,
                    tombstones,
                    "tidied the ledger"
                );
            }
            tokio::time::sleep(wait).await;
        }
    }

    /// Waits until every data center was compared with the ledger, or found not to answer: a ledger that was put back
    /// to an earlier state is to be found out before anything is taken out of it.
    async fn until_compared(&self) {
        loop {
            let compared = self.sights.compared();
            match self.data_centers().await {
                Ok(dcs) if dcs.keys().all(|dc| self.sights.is_compared(dc)) => return,
                Ok(_) => compared.await,
                Err(_) => tokio::time::sleep(AGAIN).await,
            }
        }
    }

    async fn data_centers(&self) -> Result<BTreeMap<DcName, DataCenter>, Error> {
        let entries = self.all(key::DCS).await?;
        let mut dcs = BTreeMap::new();
        for entry in &entries {
            let dc: DataCenter = record::decode(entry)?.value;
            dcs.insert(dc.name.clone(), dc);
        }
        Ok(dcs)
    }

    /// Looks at everything once; at nothing while the ledger is behind its data centers, as what is not needed by what
    /// it says may be needed by what it is to be mended with.
    async fn pass(&mut self, gone: &mut Gone) -> Result<(), Error> {
        let dcs = self.data_centers().await?;
        if let Some((dc, ahead)) = dcs.iter().find_map(|(dc, there)| Some((dc, there.ahead.as_ref()?))) {
            tracing::warn!(why = ahead.sentence(dc), "the ledger is not tidied");
            return Ok(());
        }
        let size = self.ledger.size().await?;
        if size.is_scarce() {
            tracing::warn!(
                used = size.used,
                quota = size.quota,
                "the ledger is nearly full and takes no new release"
            );
        }
        let requested = self.forget_requests(gone).await?;
        self.forget_image_operations(&requested, gone).await?;
        // In this order: a life that has a Release now and is nobody's afterwards is over.
        let lives = self.lives().await?;
        let names = self.names_with_a_past().await?;
        let mut census = self.census().await?;
        census.dcs = dcs.into_values().filter(|dc| dc.state != DcState::Lost).map(|dc| dc.name).collect();
        for name in names.iter().chain(census.looks.keys()).collect::<BTreeSet<_>>() {
            let look = census.looks.get(name).copied().unwrap_or_default();
            if self.settled.get(name) == Some(&look) {
                continue;
            }
            match self.tidy_app(name, &requested, &census.dcs, gone).await {
                Ok(true) => {
                    self.settled.insert(name.clone(), look);
                }
                Ok(false) => {
                    self.settled.remove(name);
                }
                // What one App's records say keeps nobody else's in the ledger.
                Err(error @ (Error::Record(_) | Error::Form(_))) => {
                    tracing::warn!(app = %name, error = %Chain(&error), "the past of an app stays in the ledger");
                }
                Err(error @ (Error::Ledger(_) | Error::Archive(_))) => return Err(error),
            }
        }
        self.settled.retain(|name, _| names.contains(name) || census.looks.contains_key(name));
        for uid in lives.difference(&census.alive.iter().copied().collect()) {
            self.clear_life(*uid, gone).await?;
        }
        Ok(())
    }

    /// The lives that have Releases, with one read each.
    async fn lives(&self) -> Result<BTreeSet<AppUid>, Error> {
        self.groups(key::RELEASES, |found| {
            let uid = key::parse_release(found)?;
            Some((uid, key::releases(uid)))
        })
        .await
    }

    /// The Apps that have Operations, whether they are there yet or not, with one read each.
    async fn names_with_a_past(&self) -> Result<BTreeSet<AppRef>, Error> {
        self.groups(key::HISTORY, |found| {
            let (app, _) = key::parse_history(found)?;
            let group = key::history(&app);
            Some((app, group))
        })
        .await
    }

    /// The groups of keys under a prefix: reads the first key of each and skips the rest.
    async fn groups<G: Ord>(
        &self,
        prefix: &str,
        group: impl Fn(&str) -> Option<(G, String)>,
    ) -> Result<BTreeSet<G>, Error> {
        let mut groups = BTreeSet::new();
        let mut range = Range { limit: 1, ..Range::prefix(prefix) };
        while let Some(first) = self.ledger.range(&range).await?.entries.pop() {
            range.after = Some(match group(&first.key) {
                Some((name, keys)) => {
                    groups.insert(name);
                    // Behind everything in the group: keys hold no such character.
                    format!("{keys}\u{10ffff}")
                }
                None => first.key,
            });
        }
        Ok(groups)
    }

    async fn census(&self) -> Result<Census, Error> {
        let mut census = Census::default();
        for entry in self.all(key::APPS).await? {
            let app: Stored<App> = record::decode(&entry)?;
            census.alive.insert(app.value.uid);
            census.looks.entry(app.value.app).or_default().app = app.revision;
        }
        for entry in self.all(key::ORDERS).await? {
            let Some((app, dc)) = key::parse_order(&entry.key) else { continue };
            let order: Stored<Order> = record::decode(&entry)?;
            census.alive.insert(order.value.uid);
            if !order.value.deleted.is_empty() && !self.has_cleared(&app, &dc, &order.value).await? {
                census.alive.extend(&order.value.deleted);
            }
            let look = census.looks.entry(app).or_default();
            look.newest_order = look.newest_order.max(order.revision);
            look.orders += 1;
        }
        Ok(census)
    }

    /// Whether a data center has shown that the lives which an Order lists are gone; the next Order lists them no more.
    async fn has_cleared(&self, app: &AppRef, dc: &DcName, order: &Order) -> Result<bool, Error> {
        let outcome = self.ledger.get(&key::outcome(order.operation, dc)).await?;
        let outcome: Option<Stored<Outcome>> = outcome.as_ref().map(record::decode).transpose()?;
        let proven = self.ledger.get(&key::proven(app, dc)).await?;
        let proven: Option<Stored<Proven>> = proven.as_ref().map(record::decode).transpose()?;
        let settled = outcome.map(|outcome| outcome.value.state);
        Ok(has_cleared(order, settled, proven.as_ref().map(|proven| &proven.value)))
    }

    /// Every entry under a prefix, page by page.
    async fn all(&self, prefix: &str) -> Result<Vec<Entry>, Error> {
        let mut range = Range::prefix(prefix);
        let mut entries = Vec::new();
        loop {
            let page = self.ledger.range(&range).await?;
            entries.extend(page.entries);
            if !page.more {
                return Ok(entries);
            }
            range.after = entries.last().map(|entry: &Entry| entry.key.clone());
        }
    }

    /// An Operation with all its parts, as they lie in the ledger.
    async fn operation_entries(&self, id: OperationId) -> Result<Vec<Entry>, Error> {
        self.all(&key::operation(id)).await
    }
}
