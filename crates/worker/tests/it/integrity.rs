//! The whole key space of a ledger: what everything in it refers to is there, and nothing is there for nobody.

use std::collections::{BTreeMap, BTreeSet};

use plimsoll_core::content::Content;
use plimsoll_core::digest::Digest;
use plimsoll_core::ledger::{Entry, Ledger, Range};
use plimsoll_core::name::{AppRef, AppUid, DcName, NamespaceName, OperationId, ReleaseNumber};
use plimsoll_core::record::key::OperationKey;
use plimsoll_core::record::{
    App, ArchivedSummary, Operation, Order, Ordered, Proven, Release, Request, decode, key,
};

/// What lies in a ledger, by what it is.
pub(crate) struct Inventory {
    pub(crate) keys: BTreeMap<String, Entry>,
    pub(crate) apps: Vec<App>,
    orders: Vec<(AppRef, DcName, Order)>,
    pub(crate) operations: BTreeMap<OperationId, Operation>,
    pub(crate) releases: BTreeMap<AppUid, BTreeMap<ReleaseNumber, Release>>,
}

impl Inventory {
    pub(crate) async fn of(ledger: &dyn Ledger) -> Self {
        let mut keys = BTreeMap::new();
        let mut range = Range::prefix("");
        loop {
            let page = ledger.range(&range).await.unwrap();
            range.after = page.entries.last().map(|entry| entry.key.clone());
            keys.extend(page.entries.into_iter().map(|entry| (entry.key.clone(), entry)));
            if !page.more {
                break;
            }
        }
        let mut inventory = Self {
            keys: BTreeMap::new(),
            apps: Vec::new(),
            orders: Vec::new(),
            operations: BTreeMap::new(),
            releases: BTreeMap::new(),
        };
        for (name, entry) in &keys {
            if key::parse_app(name).is_some() {
                inventory.apps.push(decode(entry).unwrap().value);
            } else if let Some((app, dc)) = key::parse_order(name) {
                inventory.orders.push((app, dc, decode(entry).unwrap().value));
            } else if let Some(OperationKey::Operation(id)) = key::parse_operation(name) {
                inventory.operations.insert(id, decode(entry).unwrap().value);
            } else if let Some(uid) = key::parse_release(name) {
                let release: Release = decode(entry).unwrap().value;
                inventory.releases.entry(uid).or_default().insert(release.number, release);
            }
        }
        inventory.keys = keys;
        inventory
    }

    /// How many keys begin so.
    pub(crate) fn count(&self, prefix: &str) -> usize {
        self.keys.keys().filter(|name| name.starts_with(prefix)).count()
    }

    fn has(&self, key: &str, because: &str) {
        assert!(self.keys.contains_key(key), "{because} needs {key}, which is not there");
    }

    /// Panics where something refers to what is not there, or where something is there that nothing leads to.
    pub(crate) fn check(&self) {
        self.check_apps();
        self.check_orders();
        self.check_proven();
        self.check_operations();
        self.check_releases();
        for (name, entry) in self.keys.iter().filter(|(name, _)| name.starts_with(key::REQUESTS)) {
            let request: Request = decode(entry).unwrap().value;
            if let Some(id) = request.operation {
                self.has(&key::operation(id), name);
            }
        }
        for name in self.keys.keys() {
            let known = [
                key::INSTALLATION,
                key::GRADES,
                key::DCS,
                key::NAMESPACES,
                key::APPS,
                key::ORDERS,
                key::OPERATIONS,
                key::IMAGE_OPERATIONS,
                key::RELEASES,
                key::HISTORY,
                key::PROVEN,
                key::REQUESTS,
                "verdicts/",
                "contents/",
                "archived/",
            ];
            assert!(known.iter().any(|prefix| name.starts_with(prefix)), "{name} belongs nowhere");
        }
    }

    fn check_apps(&self) {
        for app in &self.apps {
            let name = app.app.to_string();
            self.has(&key::namespace(&NamespaceName::clone(&app.app.namespace)), &name);
            self.has(&key::release(app.uid, app.head), &name);
            self.has(&key::content(app.uid, &app.head_content), &name);
            for id in app.operations.values() {
                self.has(&key::operation(*id), &name);
            }
        }
    }

    fn check_orders(&self) {
        for (app, dc, order) in &self.orders {
            let name = key::order(app, dc);
            self.has(&key::operation(order.operation), &name);
            let good = order.last_good.as_ref().map(|good| (good.release, good.content));
            let ordered = match &order.ordered {
                Ordered::Run { release, content, .. } => Some((*release, *content)),
                Ordered::Deleted => None,
            };
            for (release, content) in good.into_iter().chain(ordered) {
                self.has(&key::release(order.uid, release), &name);
                self.has(&key::content(order.uid, &content), &name);
            }
        }
    }

    fn check_proven(&self) {
        let alive: BTreeSet<AppUid> = self.apps.iter().map(|app| app.uid).collect();
        for (name, entry) in self.keys.iter().filter(|(name, _)| name.starts_with(key::PROVEN)) {
            let proven: Proven = decode(entry).unwrap().value;
            assert!(alive.contains(&proven.uid), "{name} is of nobody");
            for good in proven.releases {
                self.has(&key::release(proven.uid, good.release), name);
                self.has(&key::content(proven.uid, &good.content), name);
            }
        }
    }

    fn check_operations(&self) {
        for (id, operation) in &self.operations {
            let name = key::operation(*id);
            self.has(&key::history_entry(&operation.app, *id), &name);
            for dc in &operation.dcs {
                self.has(&key::outcome(*id, dc), &name);
            }
            let ended = self.keys.contains_key(&key::end(*id));
            if !ended && let Some(fallback) = operation.fallback {
                self.has(&key::release(operation.uid, fallback), &name);
            }
        }
        for name in self.keys.keys() {
            let of = match key::parse_operation(name) {
                Some(OperationKey::Control(id) | OperationKey::Outcome(id, _) | OperationKey::End(id)) => {
                    Some(id)
                }
                Some(OperationKey::Operation(_)) => None,
                None => key::parse_history(name).map(|(_, id)| id),
            };
            if let Some(id) = of {
                self.has(&key::operation(id), name);
            }
        }
    }

    /// The chain of each life is whole, or goes on in the archive.
    fn check_releases(&self) {
        let alive: BTreeSet<AppUid> = self.apps.iter().map(|app| app.uid).collect();
        let mut contents = BTreeSet::new();
        for (uid, releases) in &self.releases {
            let summary = self.keys.get(&key::archived(*uid));
            let summary: Option<ArchivedSummary> = summary.map(|entry| decode(entry).unwrap().value);
            for (number, release) in releases {
                let name = key::release(*uid, *number);
                self.has(&key::content(*uid, &release.content), &name);
                contents.insert(key::content(*uid, &release.content));
                let before = number.get().checked_sub(1).and_then(|n| ReleaseNumber::try_from(n).ok());
                let Some(before) = before else {
                    assert_eq!(release.previous, None, "{name} is the first");
                    continue;
                };
                if let Some(before) = releases.get(&before) {
                    assert_eq!(release.previous, Some(Digest::of(before).unwrap()), "{name}");
                    continue;
                }
                let newest = summary.as_ref().and_then(|summary| summary.newest.as_ref());
                let newest = newest.unwrap_or_else(|| panic!("{name} follows on nothing"));
                assert!(before <= newest.number, "{name} follows on nothing");
                if before == newest.number {
                    assert_eq!(release.previous, Some(newest.digest), "{name}");
                }
            }
        }
        for name in self.keys.keys() {
            let parts: Vec<&str> = name.split('/').collect();
            match parts.as_slice() {
                ["contents", ..] => {
                    assert!(contents.contains(name), "nothing refers to {name}");
                    let content: Content = decode(&self.keys[name]).unwrap().value;
                    assert!(
                        name.ends_with(&Digest::of(&content).unwrap().short(64)),
                        "{name} is something else"
                    );
                }
                ["verdicts", uid, number] => {
                    self.has(&format!("{}{uid}/{number}", key::RELEASES), name);
                }
                ["archived", uid, ..] => {
                    let uid: AppUid = uid.parse().unwrap();
                    assert!(alive.contains(&uid) || self.releases.contains_key(&uid), "{name} is of nobody");
                }
                _ => {}
            }
        }
    }
}
