//! A copy of what the ledger orders, kept current by one watch, so that no decision costs a read.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::StreamExt as _;
use jiff::Timestamp;
use plimsoll_core::cluster::{Policy, PriorityClass};
use plimsoll_core::error::Chain;
use plimsoll_core::image::Preflight;
use plimsoll_core::ledger::{self, Entry, Event, Ledger, Range, Revision};
use plimsoll_core::name::{AppRef, DcName, NamespaceName, OperationId};
use plimsoll_core::record::key::{self, OperationKey};
use plimsoll_core::record::{
    self, App, DataCenter, DcState, GradePolicy, Installation, Namespace, OperationParts, Order, Proven,
    Stored,
};
use plimsoll_core::retention::forget_at;
use plimsoll_core::steer::{Scene, is_acknowledged, settled};
use tokio::sync::broadcast;

use crate::audit::Ordered;

/// How many changes a worker may lag behind before it is told to look at everything.
const CHANGES: usize = 4096;
/// How long to wait before reading the ledger anew after its watch broke.
const REREAD: Duration = Duration::from_millis(500);

/// What changed in the mirror.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    /// What concerns this App.
    App(AppRef),
    /// Data centers, Namespaces or the installation: look at everything.
    Everything,
}

/// The mirror.
pub(crate) struct Mirror {
    ledger: Arc<dyn Ledger>,
    /// How long a deletion is remembered.
    remember: Duration,
    held: Mutex<Held>,
    changes: broadcast::Sender<Change>,
}

#[derive(Default)]
struct Held {
    installation: Option<Stored<Installation>>,
    grades: Option<Stored<GradePolicy>>,
    dcs: BTreeMap<DcName, Stored<DataCenter>>,
    namespaces: BTreeSet<NamespaceName>,
    apps: HashMap<AppRef, Stored<App>>,
    orders: HashMap<AppRef, BTreeMap<DcName, Stored<Order>>>,
    proven: HashMap<AppRef, BTreeMap<DcName, Stored<Proven>>>,
    operations: BTreeMap<OperationId, OperationParts>,
    /// Which of them are of which App, oldest first.
    by_app: HashMap<AppRef, BTreeSet<OperationId>>,
}

impl Mirror {
    pub(crate) fn new(ledger: Arc<dyn Ledger>, remember: Duration) -> Arc<Self> {
        Arc::new(Self { ledger, remember, held: Mutex::default(), changes: broadcast::channel(CHANGES).0 })
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Says what changed from now on.
    pub(crate) fn changes(&self) -> broadcast::Receiver<Change> {
        self.changes.subscribe()
    }

    /// The data centers of the installation.
    pub(crate) fn dcs(&self) -> BTreeMap<DcName, Stored<DataCenter>> {
        self.held().dcs.clone()
    }

    /// One of them.
    pub(crate) fn dc(&self, name: &DcName) -> Option<Stored<DataCenter>> {
        self.held().dcs.get(name).cloned()
    }

    /// The installation, once it has a name.
    pub(crate) fn installation(&self) -> Option<Stored<Installation>> {
        self.held().installation.clone()
    }

    /// The `PriorityClass`es that the grades of the installation need.
    pub(crate) fn classes(&self) -> Vec<PriorityClass> {
        self.held().grades.as_ref().map_or_else(GradePolicy::own_classes, |grades| grades.value.classes())
    }

    /// The grades of the installation.
    pub(crate) fn policy(&self) -> Policy {
        self.held().grades.as_ref().map(|grades| grades.value.policy.clone()).unwrap_or_default()
    }

    /// The Namespaces.
    pub(crate) fn namespaces(&self) -> BTreeSet<NamespaceName> {
        self.held().namespaces.clone()
    }

    /// Every App that is or was ordered anywhere, or is to be.
    pub(crate) fn apps(&self) -> Vec<AppRef> {
        let held = self.held();
        let all: HashSet<&AppRef> = held.apps.keys().chain(held.orders.keys()).collect();
        all.into_iter().cloned().collect()
    }

    /// The Operations that are held.
    pub(crate) fn operations(&self) -> HashSet<OperationId> {
        self.held().operations.keys().copied().collect()
    }

    /// The Orders for a data center.
    pub(crate) fn orders(&self, dc: &DcName) -> Vec<Ordered> {
        let held = self.held();
        held.orders.keys().filter_map(|app| held.ordered(dc, app)).collect()
    }

    /// The Order of an App for a data center.
    pub(crate) fn order(&self, dc: &DcName, app: &AppRef) -> Option<Ordered> {
        self.held().ordered(dc, app)
    }

    /// How many Apps a data center is to have.
    pub(crate) fn count_apps(&self, dc: &DcName) -> usize {
        let runs = |orders: &BTreeMap<DcName, Stored<Order>>| {
            orders.get(dc).is_some_and(|order| order.value.release().is_some())
        };
        self.held().orders.values().filter(|orders| runs(orders)).count()
    }

    /// Everything that the ledger says of one App and one data center; the rest of the scene is filled in by
    /// whoever sees the data center.
    pub(crate) fn scene(&self, app: &AppRef, dc: &DcName, now: jiff::Timestamp) -> Option<Scene> {
        let held = self.held();
        let order = held.orders.get(app).and_then(|orders| orders.get(dc)).cloned();
        Some(Scene {
            installation: held.installation.clone()?,
            dc: held.dcs.get(dc)?.clone(),
            behind: held.dcs.iter().find_map(|(dc, there)| Some(there.value.ahead.as_ref()?.sentence(dc))),
            unreachable: None,
            app: held.apps.get(app).cloned(),
            settled: order.as_ref().and_then(|order| settled(&held.operations, &order.value, dc)),
            forget_at: order.as_ref().and_then(|order| held.forget_at(&order.value, self.remember)),
            order,
            proven: held.proven.get(app).and_then(|proven| proven.get(dc)).cloned(),
            operations: held
                .by_app
                .get(app)
                .into_iter()
                .flatten()
                .filter_map(|id| held.operations.get(id))
                .cloned()
                .collect(),
            resource: None,
            is_unheld: false,
            pulls: None,
            preflight: Preflight::Ready,
            trouble: None,
            now,
        })
    }

    /// Keeps the mirror current, for ever.
    pub(crate) async fn run(&self) {
        loop {
            if let Err(error) = self.follow().await {
                tracing::warn!(error = %Chain(&error), "the ledger's watch ended, reading it anew");
            }
            tokio::time::sleep(REREAD).await;
        }
    }

    async fn follow(&self) -> Result<(), ledger::Error> {
        let from = self.load().await?;
        let mut watch = self.ledger.watch("", from).await?;
        // Whatever was missed before is in what was just loaded.
        let _ = self.changes.send(Change::Everything);
        while let Some(events) = watch.next().await {
            let changed = self.held().take_events(events?);
            for change in changed {
                let _ = self.changes.send(change);
            }
        }
        Ok(())
    }

    /// Reads everything; answers the revision from which to watch. Pages read later may be newer than that,
    /// which is why an event never takes an entry back.
    async fn load(&self) -> Result<Revision, ledger::Error> {
        let mut fresh = Held::default();
        let mut from = None;
        for prefix in [
            key::INSTALLATION,
            key::GRADES,
            key::DCS,
            key::NAMESPACES,
            key::APPS,
            key::ORDERS,
            key::PROVEN,
            key::OPERATIONS,
        ] {
            let mut range = Range::prefix(prefix);
            loop {
                let page = self.ledger.range(&range).await?;
                from.get_or_insert(page.revision);
                range.after = page.entries.last().map(|entry| entry.key.clone());
                for entry in &page.entries {
                    fresh.put(entry);
                }
                if !page.more {
                    break;
                }
            }
        }
        let apps: Vec<AppRef> = fresh.by_app.keys().cloned().collect();
        for app in apps {
            fresh.prune(&app);
        }
        *self.held() = fresh;
        Ok(from.unwrap_or_default())
    }
}

fn decode<T: serde::de::DeserializeOwned>(entry: &Entry) -> Option<Stored<T>> {
    record::decode(entry)
        .inspect_err(
            |error| tracing::error!(key = entry.key, error = %Chain(error), "a record cannot be read"),
        )
        .ok()
}

/// Puts `new` where something older was, or nothing.
fn newer<K: Ord, T>(map: &mut BTreeMap<K, Stored<T>>, key: K, new: Stored<T>) {
    if map.get(&key).is_none_or(|old| old.revision < new.revision) {
        map.insert(key, new);
    }
}

impl Held {
    fn ordered(&self, dc: &DcName, app: &AppRef) -> Option<Ordered> {
        let order = self.orders.get(app)?.get(dc)?;
        let proven = self.proven.get(app).and_then(|proven| proven.get(dc));
        let settled = settled(&self.operations, &order.value, dc);
        let acknowledged = is_acknowledged(Some(order), settled, proven);
        Some(Ordered {
            app: app.clone(),
            fence: order.value.fence(order.revision),
            uid: order.value.uid,
            content: match order.value.ordered {
                record::Ordered::Run { content, .. } => Some(content),
                record::Ordered::Deleted => None,
            },
            acknowledged,
        })
    }

    /// When a deletion that is ordered has been remembered for long enough.
    fn forget_at(&self, order: &Order, remember: Duration) -> Option<Timestamp> {
        if order.ordered != record::Ordered::Deleted {
            return None;
        }
        let is_awaited = |dc: &DcName| self.dcs.get(dc).is_some_and(|dc| dc.value.state != DcState::Lost);
        forget_at(self.operations.get(&order.operation)?, is_awaited, remember)
    }

    /// Takes the events of one transaction; answers what they changed.
    fn take_events(&mut self, events: Vec<Event>) -> Vec<Change> {
        let mut apps = BTreeSet::new();
        let mut everything = false;
        for event in events {
            let touched = match event {
                Event::Put(entry) => self.put(&entry),
                Event::Deleted { key, revision } => self.delete(&key, revision),
            };
            match touched {
                Some(Change::App(app)) => {
                    apps.insert(app);
                }
                Some(Change::Everything) => everything = true,
                None => {}
            }
        }
        for app in &apps {
            self.prune(app);
        }
        if everything {
            return vec![Change::Everything];
        }
        apps.into_iter().map(Change::App).collect()
    }

    fn put(&mut self, entry: &Entry) -> Option<Change> {
        let key = entry.key.as_str();
        if key == key::INSTALLATION {
            self.installation = Some(decode(entry)?);
            return Some(Change::Everything);
        }
        if key == key::GRADES {
            let grades: Stored<GradePolicy> = decode(entry)?;
            if self.grades.as_ref().is_none_or(|old| old.revision < grades.revision) {
                self.grades = Some(grades);
            }
            return Some(Change::Everything);
        }
        if key.starts_with(key::DCS) {
            let dc: Stored<DataCenter> = decode(entry)?;
            newer(&mut self.dcs, dc.value.name.clone(), dc);
            return Some(Change::Everything);
        }
        if key.starts_with(key::NAMESPACES) {
            let namespace: Stored<Namespace> = decode(entry)?;
            self.namespaces.insert(namespace.value.name);
            return Some(Change::Everything);
        }
        if let Some(app) = key::parse_app(key) {
            let stored = decode(entry)?;
            let older = self.apps.get(&app).is_none_or(|old| old.revision < entry.revision);
            if older {
                self.apps.insert(app.clone(), stored);
            }
            return Some(Change::App(app));
        }
        if let Some((app, dc)) = key::parse_order(key) {
            newer(self.orders.entry(app.clone()).or_default(), dc, decode(entry)?);
            return Some(Change::App(app));
        }
        if let Some((app, dc)) = key::parse_proven(key) {
            newer(self.proven.entry(app).or_default(), dc, decode(entry)?);
            // It comes with the outcome that shows it, which is what there is to look at.
            return None;
        }
        self.put_operation(entry)
    }

    fn put_operation(&mut self, entry: &Entry) -> Option<Change> {
        // The keys sort so that an Operation comes before its parts.
        match key::parse_operation(&entry.key)? {
            OperationKey::Operation(id) => {
                let operation: Stored<record::Operation> = decode(entry)?;
                let app = operation.value.app.clone();
                self.by_app.entry(app.clone()).or_default().insert(id);
                self.operations.entry(id).or_insert_with(|| OperationParts::new(operation.value));
                Some(Change::App(app))
            }
            OperationKey::Control(id) => {
                let parts = self.operations.get_mut(&id)?;
                let control = decode(entry)?;
                if parts.control.as_ref().is_none_or(|old| old.revision < control.revision) {
                    parts.control = Some(control);
                }
                Some(Change::App(parts.operation.app.clone()))
            }
            OperationKey::Outcome(id, dc) => {
                let parts = self.operations.get_mut(&id)?;
                newer(&mut parts.outcomes, dc, decode(entry)?);
                Some(Change::App(parts.operation.app.clone()))
            }
            OperationKey::End(id) => {
                let parts = self.operations.get_mut(&id)?;
                parts.end = Some(decode(entry)?);
                Some(Change::App(parts.operation.app.clone()))
            }
        }
    }

    fn delete(&mut self, key: &str, revision: Revision) -> Option<Change> {
        if let Some(app) = key::parse_app(key) {
            if self.apps.get(&app).is_some_and(|old| old.revision < revision) {
                self.apps.remove(&app);
            }
            return Some(Change::App(app));
        }
        if let Some((app, dc)) = key::parse_order(key) {
            let orders = self.orders.get_mut(&app)?;
            if orders.get(&dc).is_some_and(|old| old.revision < revision) {
                orders.remove(&dc);
            }
            if orders.is_empty() {
                self.orders.remove(&app);
            }
            return Some(Change::App(app));
        }
        if let Some((app, dc)) = key::parse_proven(key) {
            let proven = self.proven.get_mut(&app)?;
            if proven.get(&dc).is_some_and(|old| old.revision < revision) {
                proven.remove(&dc);
            }
            if proven.is_empty() {
                self.proven.remove(&app);
            }
        }
        if let Some(OperationKey::Operation(id)) = key::parse_operation(key) {
            // It ended long ago, so nothing follows from its going.
            let parts = self.operations.remove(&id)?;
            let app = &parts.operation.app;
            let ids = self.by_app.get_mut(app)?;
            ids.remove(&id);
            if ids.is_empty() {
                self.by_app.remove(app);
            }
        }
        None
    }

    /// Forgets the Operations of an App that nothing can follow from any more: ended, not the newest of
    /// their track, and not the one that wrote an Order.
    fn prune(&mut self, app: &AppRef) {
        let Some(ids) = self.by_app.get_mut(app) else { return };
        let current: Vec<OperationId> = self
            .apps
            .get(app)
            .map(|app| app.value.operations.values().copied().collect())
            .unwrap_or_default();
        let wrote: Vec<OperationId> =
            self.orders.get(app).into_iter().flat_map(BTreeMap::values).map(|o| o.value.operation).collect();
        let operations = &mut self.operations;
        ids.retain(|id| {
            let ended = operations.get(id).is_none_or(|parts| parts.end.is_some());
            let keep = !ended || current.contains(id) || wrote.contains(id);
            if !keep {
                operations.remove(id);
            }
            keep
        });
        if ids.is_empty() {
            self.by_app.remove(app);
        }
    }
}
