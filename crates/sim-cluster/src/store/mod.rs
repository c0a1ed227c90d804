//! The objects of the cluster, one revision counter over all of them, and the recent history that watches
//! are served from.
//!
//! Everything that reads or writes goes through a [`Tx`], which holds the one lock: what a request checks is
//! still true when it writes.

mod backup;
mod facts;
mod history;
mod index;
mod log;
mod object;
mod packed;
mod table;
mod text;

use std::collections::{BTreeSet, HashMap};
use std::path::Path;
use std::sync::Arc;

use indexmap::IndexMap;
use parking_lot::{Mutex, MutexGuard};
use tokio::sync::{Notify, watch};

pub use backup::Backup;
pub(crate) use facts::{Facts, Owner};
pub(crate) use history::{Change, ChangeKind, Compacted};
pub use log::LogError;
pub(crate) use object::Object;

use crate::object as fields;
use crate::select::{LabelSelector, Selection};
use crate::status::ApiError;
use crate::tree::Value;
use log::{Kept, Log};
use object::{Recent, Stored};
pub(crate) use table::path;
use table::{Table, parts};

/// Where an object is stored; the namespace of cluster-wide ones is empty.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Key {
    pub(crate) resource: Arc<str>,
    pub(crate) namespace: String,
    pub(crate) name: String,
}

impl Key {
    pub(crate) fn new(
        resource: impl Into<Arc<str>>,
        namespace: impl Into<String>,
        name: impl Into<String>,
    ) -> Self {
        Self { resource: resource.into(), namespace: namespace.into(), name: name.into() }
    }
}

/// The store of one cluster.
#[derive(Debug)]
pub(crate) struct Store {
    inner: Mutex<Inner>,
    /// Woken when something changed that controllers have not yet seen.
    changed: Notify,
    /// How often a backup had been put back when it was opened.
    put_back: u32,
}

#[derive(Debug)]
struct Inner {
    revision: u64,
    /// No history reaches back beyond this revision.
    forgotten: u64,
    /// No watch begins before this revision, although there is history: the server was restarted.
    unwatched: u64,
    /// How often another state was put in the place of what was there.
    put_backs: u64,
    /// No list shows the state at an earlier revision than this one: it was compacted.
    compacted: u64,
    tables: HashMap<Arc<str>, Table>,
    /// Owner uid → the objects that name it in `ownerReferences`.
    dependents: HashMap<String, BTreeSet<Key>>,
    /// What controllers have not seen: the key, and the last state if the object is gone. Bounded by the
    /// number of objects, since controllers decide from what is there.
    unseen: IndexMap<Key, Option<Object>>,
    recent: Arc<Recent>,
    log: Option<Log>,
}

impl Store {
    /// An empty store that forgets everything when it is dropped.
    pub(crate) fn in_memory() -> Self {
        Self::with(Kept { revision: 1, put_back: 0, objects: Vec::new() }, None)
    }

    /// The store kept in `folder`, which is made when it is absent; no other process may have it open.
    pub(crate) fn open(folder: &Path) -> Result<Self, LogError> {
        let (log, kept) = Log::open(folder)?;
        Ok(Self::with(kept, Some(log)))
    }

    fn with(kept: Kept, log: Option<Log>) -> Self {
        let Kept { revision, put_back, objects } = kept;
        let mut inner = Inner {
            revision,
            forgotten: revision,
            unwatched: revision,
            compacted: revision,
            put_backs: 0,
            tables: HashMap::new(),
            dependents: HashMap::new(),
            unseen: IndexMap::new(),
            recent: Arc::default(),
            log,
        };
        for (key, value) in objects {
            let (stored, object) = Stored::of(value, &inner.table(&key.resource).shelf);
            inner.index(&key, None, Some(&object));
            inner.unseen.insert(key.clone(), None);
            inner.table(&key.resource).insert(&path(&key.namespace, &key.name), &stored, &object);
        }
        Self { inner: Mutex::new(inner), changed: Notify::new(), put_back }
    }

    /// Locks the store; nothing else reads or writes until the transaction is dropped. Bind it to a name: in
    /// the head of a `match` or `for` it would hold the lock through the body.
    pub(crate) fn begin(&self) -> Tx<'_> {
        Tx { inner: self.inner.lock(), changed: &self.changed }
    }

    /// The revision of the last write anywhere in the cluster.
    pub(crate) fn revision(&self) -> u64 {
        self.begin().revision()
    }

    /// A number that no earlier opening of the same folder had, unless nothing was written since.
    pub(crate) fn opening(&self) -> u64 {
        (self.revision() - 1).wrapping_add(u64::from(self.put_back) << 32)
    }

    pub(crate) fn get(&self, key: &Key) -> Option<Object> {
        self.begin().get(key)
    }

    /// The objects of a table in one namespace, or in all of them, in the order of lists.
    pub(crate) fn list(&self, resource: &str, namespace: Option<&str>) -> Vec<Object> {
        self.begin().list(resource, namespace)
    }

    /// Those of a namespace that a selector selects, in the order of lists.
    pub(crate) fn select(&self, resource: &str, namespace: &str, selector: &LabelSelector) -> Vec<Object> {
        let selection = Selection { labels: selector.clone(), ..Selection::default() };
        self.begin().select(resource, Some(namespace), &selection)
    }

    /// Their names, without looking into them where an index can tell.
    pub(crate) fn select_names(
        &self,
        resource: &str,
        namespace: &str,
        selector: &LabelSelector,
    ) -> Vec<String> {
        let selection = Selection { labels: selector.clone(), ..Selection::default() };
        let tx = self.begin();
        let Some(table) = tx.inner.tables.get(resource) else { return Vec::new() };
        let selected = table.select(Some(namespace), &selection);
        selected.into_iter().map(|(path, _)| parts(path).1.to_owned()).collect()
    }

    /// Those of which an indexed field, given as a JSON pointer, has this value.
    pub(crate) fn having(&self, resource: &str, field: &str, value: &str) -> Vec<Object> {
        self.begin().having(resource, field, value)
    }

    /// Where the objects of a table are, in one namespace or in all of them, in the order of lists.
    pub(crate) fn keys(&self, resource: &str, namespace: Option<&str>) -> Vec<Key> {
        let tx = self.begin();
        let Some((resource, table)) = tx.inner.tables.get_key_value(resource) else { return Vec::new() };
        let key = |path| {
            let (namespace, name) = parts(path);
            Key::new(resource.clone(), namespace, name)
        };
        table.paths(namespace).map(key).collect()
    }

    /// How many objects a table holds.
    pub(crate) fn count(&self, resource: &str) -> usize {
        self.begin().count(resource)
    }

    /// The objects that name `uid` as an owner.
    pub(crate) fn dependents(&self, uid: &str) -> Vec<Key> {
        self.begin().dependents(uid)
    }

    /// The tables that hold anything in a namespace.
    pub(crate) fn tables_of(&self, namespace: &str) -> Vec<Arc<str>> {
        self.begin().tables_of(namespace)
    }

    /// Waits until there is something that controllers have not seen.
    pub(crate) async fn unseen(&self) {
        while self.inner.lock().unseen.is_empty() {
            self.changed.notified().await;
        }
    }

    /// A receiver that is woken by every change in a table.
    pub(crate) fn subscribe(&self, resource: &Arc<str>) -> watch::Receiver<u64> {
        let mut inner = self.inner.lock();
        inner.table(resource).latest.subscribe()
    }

    /// The changes of a table after `revision`, oldest first.
    pub(crate) fn changes_since(
        &self,
        resource: &Arc<str>,
        revision: u64,
    ) -> Result<Vec<Arc<Change>>, Compacted> {
        let mut inner = self.inner.lock();
        if revision < inner.unwatched {
            return Err(Compacted { oldest: inner.unwatched });
        }
        inner.table(resource).history.since(revision)
    }

    /// Forgets what watches resume from, as an API server does that was restarted. What lists show of the past is
    /// read from elsewhere, and stays.
    pub(crate) fn forget_history(&self) {
        let mut inner = self.inner.lock();
        inner.unwatched = inner.revision;
    }

    /// Forgets what lists show of the past. Watches are served from elsewhere, and go on.
    pub(crate) fn compact(&self) {
        let mut inner = self.inner.lock();
        inner.compacted = inner.revision;
    }

    /// How often the revisions went back since it was opened: what was noted of one may now be another's.
    pub(crate) fn put_backs(&self) -> u64 {
        self.inner.lock().put_backs
    }

    /// The earliest revision that lists show.
    pub(crate) fn compacted(&self) -> u64 {
        self.inner.lock().compacted
    }

    /// Writes what the operating system may still hold back to the disk, and lets go of the folder; nothing
    /// is kept of what is written afterwards.
    pub(crate) fn close(&self) -> Result<(), LogError> {
        let log = self.inner.lock().log.take();
        log.map_or(Ok(()), |mut log| log.sync())
    }

    /// Holds nothing any longer that was read, since it will not be looked at soon.
    pub(crate) fn rest(&self) {
        let recent = self.inner.lock().recent.clone();
        recent.clear();
    }

    /// What controllers have not seen, without waiting.
    pub(crate) fn take_unseen(&self) -> Vec<(Key, Option<Object>)> {
        self.inner.lock().unseen.drain(..).collect()
    }
}

impl Inner {
    fn table(&mut self, resource: &Arc<str>) -> &mut Table {
        let Self { forgotten, recent, .. } = self;
        let table = self.tables.entry(resource.clone());
        table.or_insert_with(|| Table::new(resource, *forgotten, recent))
    }

    /// Moves the entries of `key` in the index of dependents from one state to the next.
    fn index(&mut self, key: &Key, before: Option<&Value>, after: Option<&Value>) {
        let owners = |object| fields::at(object, "/metadata/ownerReferences");
        if before.and_then(owners) == after.and_then(owners) {
            return;
        }
        for uid in before.into_iter().flat_map(fields::owner_uids) {
            if let Some(keys) = self.dependents.get_mut(uid) {
                keys.remove(key);
                if keys.is_empty() {
                    self.dependents.remove(uid);
                }
            }
        }
        for uid in after.into_iter().flat_map(fields::owner_uids) {
            self.dependents.entry(uid.to_owned()).or_default().insert(key.clone());
        }
    }

    fn record(&mut self, key: &Key, change: Change) {
        let revision = change.revision;
        let table = self.table(&key.resource);
        table.history.push(Arc::new(change));
        table.latest.send_replace(revision);
    }

    fn compact_log_if_due(&mut self) -> Result<(), LogError> {
        let live: usize = self.tables.values().map(|t| t.objects.len()).sum();
        let Some(log) = &mut self.log else { return Ok(()) };
        if !log.is_compaction_due(live) {
            return Ok(());
        }
        let objects = self.tables.iter().flat_map(|(resource, table)| {
            table.objects.iter().map(|(path, stored)| {
                let (namespace, name) = parts(path);
                (Key::new(resource.clone(), namespace, name), stored.json())
            })
        });
        log.compact(self.revision, objects)
    }
}

/// Exclusive access to the store; each write takes effect at once.
pub(crate) struct Tx<'a> {
    inner: MutexGuard<'a, Inner>,
    changed: &'a Notify,
}

impl Tx<'_> {
    /// The revision of the last write anywhere in the cluster.
    pub(crate) fn revision(&self) -> u64 {
        self.inner.revision
    }

    pub(crate) fn get(&self, key: &Key) -> Option<Object> {
        self.inner.tables.get(&key.resource)?.get(&key.namespace, &key.name)
    }

    /// The objects of a table in one namespace, or in all of them, in the order of lists.
    pub(crate) fn list(&self, resource: &str, namespace: Option<&str>) -> Vec<Object> {
        match self.inner.tables.get(resource) {
            Some(table) => table.list(namespace),
            None => Vec::new(),
        }
    }

    /// Those that a selection selects, in one namespace or in all of them, in the order of lists.
    pub(crate) fn select(
        &self,
        resource: &str,
        namespace: Option<&str>,
        selection: &Selection,
    ) -> Vec<Object> {
        match self.inner.tables.get(resource) {
            Some(table) => {
                let selected = table.select(namespace, selection).into_iter();
                selected.map(|(_, stored)| Object::of(stored)).collect()
            }
            None => Vec::new(),
        }
    }

    /// Those of which an indexed field, given as a JSON pointer, has this value.
    pub(crate) fn having(&self, resource: &str, field: &str, value: &str) -> Vec<Object> {
        let table = self.inner.tables.get(resource);
        table.map(|table| table.having(field, value)).unwrap_or_default()
    }

    /// All of them as they were at an earlier revision.
    pub(crate) fn list_at(
        &self,
        resource: &str,
        namespace: Option<&str>,
        revision: u64,
    ) -> Result<Vec<Object>, Compacted> {
        if revision < self.inner.compacted {
            return Err(Compacted { oldest: self.inner.compacted });
        }
        match self.inner.tables.get(resource) {
            Some(table) => table.list_at(namespace, revision),
            None => Ok(Vec::new()),
        }
    }

    /// How many objects a table holds.
    pub(crate) fn count(&self, resource: &str) -> usize {
        self.inner.tables.get(resource).map_or(0, |table| table.objects.len())
    }

    /// Whether a table holds anything in a namespace.
    pub(crate) fn holds(&self, resource: &str, namespace: &str) -> bool {
        self.inner.tables.get(resource).is_some_and(|table| table.holds(namespace))
    }

    /// The tables that hold anything in a namespace.
    pub(crate) fn tables_of(&self, namespace: &str) -> Vec<Arc<str>> {
        let mut tables: Vec<_> = self
            .inner
            .tables
            .iter()
            .filter(|(_, table)| table.holds(namespace))
            .map(|(key, _)| key.clone())
            .collect();
        tables.sort();
        tables
    }

    /// The objects that name `uid` as an owner.
    pub(crate) fn dependents(&self, uid: &str) -> Vec<Key> {
        self.inner.dependents.get(uid).into_iter().flatten().cloned().collect()
    }

    /// Stores an object, giving it the next revision as its `resourceVersion`.
    pub(crate) fn put(&mut self, key: &Key, value: Value) -> Result<Object, ApiError> {
        let revision = self.inner.revision + 1;
        let (stored, object) = self.stored(key, value, revision);
        if let Some(log) = &mut self.inner.log {
            log.append(revision, key, Some(&stored.json())).map_err(|error| unwritten(&error))?;
        }
        let place = path(&key.namespace, &key.name);
        let (place, previous) = self.inner.table(&key.resource).insert(&place, &stored, &object);
        self.inner.revision = revision;
        let before = previous.as_ref().map(Object::of);
        self.inner.index(key, before.as_deref(), Some(&object));
        let kind = if previous.is_some() { ChangeKind::Modified } else { ChangeKind::Added };
        if let Some(previous) = &previous {
            previous.put_away();
        }
        self.inner.record(key, Change::new(revision, kind, place, stored, previous));
        self.inner.unseen.insert(key.clone(), None);
        self.finish()?;
        Ok(object)
    }

    /// Removes an object; what is returned carries the revision of its removal.
    pub(crate) fn remove(&mut self, key: &Key) -> Result<Option<Object>, ApiError> {
        let Some(last) = self.get(key) else { return Ok(None) };
        let revision = self.inner.revision + 1;
        if let Some(log) = &mut self.inner.log {
            log.append(revision, key, None).map_err(|error| unwritten(&error))?;
        }
        let place = path(&key.namespace, &key.name);
        let Some((place, previous)) = self.inner.table(&key.resource).remove(&place) else {
            return Ok(None);
        };
        self.inner.revision = revision;
        self.inner.index(key, Some(&last), None);
        previous.put_away();
        let (stored, last) = self.stored(key, Value::clone(&last), revision);
        self.inner.record(key, Change::new(revision, ChangeKind::Deleted, place, stored, Some(previous)));
        // Many may go at once before anybody looks: their trees would be held until then.
        self.inner.unseen.insert(key.clone(), Some(last.unread()));
        self.finish()?;
        Ok(Some(last))
    }

    fn stored(&mut self, key: &Key, mut value: Value, revision: u64) -> (Arc<Stored>, Object) {
        fields::metadata(&mut value).insert("resourceVersion", revision.to_string().into());
        Stored::of(value, &self.inner.table(&key.resource).shelf)
    }

    fn finish(&mut self) -> Result<(), ApiError> {
        self.changed.notify_one();
        self.inner.compact_log_if_due().map_err(|error| unwritten(&error))
    }
}

fn unwritten(error: &LogError) -> ApiError {
    ApiError::internal(format!("storing the object: {error}"))
}

#[cfg(test)]
mod tests {
    use crate::tree::json;

    use super::{ChangeKind, Key, Store};
    use crate::select::LabelSelector;

    #[test]
    fn one_counter_orders_the_writes_of_all_tables() {
        let store = Store::in_memory();
        let mut tx = store.begin();
        let first = tx.put(&Key::new("a", "", "x"), json!({})).unwrap();
        let second = tx.put(&Key::new("b", "", "x"), json!({})).unwrap();
        assert_eq!(first["metadata"]["resourceVersion"], "2");
        assert_eq!(second["metadata"]["resourceVersion"], "3");
    }

    #[test]
    fn history_replays_what_happened_after_a_revision() {
        let store = Store::in_memory();
        let key = Key::new("a", "n", "x");
        {
            let mut tx = store.begin();
            tx.put(&key, json!({})).unwrap();
            tx.put(&key, json!({"data": 1})).unwrap();
            tx.remove(&key).unwrap();
        }
        let kinds: Vec<_> =
            store.changes_since(&key.resource, 2).unwrap().iter().map(|c| (c.revision, c.kind)).collect();
        assert_eq!(kinds, [(3, ChangeKind::Modified), (4, ChangeKind::Deleted)]);
    }

    #[test]
    fn forgotten_history_is_reported_and_the_present_is_still_watched() {
        let store = Store::in_memory();
        let key = Key::new("a", "n", "x");
        store.begin().put(&key, json!({})).unwrap();
        store.begin().put(&key, json!({"data": 1})).unwrap();
        store.forget_history();
        assert!(store.changes_since(&key.resource, 2).is_err());
        assert!(store.changes_since(&key.resource, 3).unwrap().is_empty());
    }

    #[test]
    fn what_a_selector_selects_follows_the_labels() {
        let store = Store::in_memory();
        let labelled = |app: &str, tier: &str| json!({"metadata": {"labels": {"app": app, "tier": tier}}});
        let select = |selector: &str| {
            let selector = LabelSelector::parse(selector).unwrap();
            store.select("pods", "n", &selector).len()
        };
        for (namespace, name, app) in
            [("n", "x", "shop"), ("n", "y", "shop"), ("m", "x", "shop"), ("n", "z", "bank")]
        {
            store.begin().put(&Key::new("pods", namespace, name), labelled(app, "web")).unwrap();
        }
        assert_eq!((select("app=shop"), select("tier=web"), select("tier=web,app=bank")), (2, 3, 1));
        assert_eq!((select("app in (shop, bank)"), select(""), select("app=none")), (3, 3, 0));
        store.begin().put(&Key::new("pods", "n", "x"), labelled("bank", "web")).unwrap();
        assert_eq!((select("app=shop"), select("app=bank"), select("app=bank,tier!=web")), (1, 2, 0));
        store.begin().remove(&Key::new("pods", "n", "y")).unwrap();
        assert_eq!((select("app=shop"), select("tier=web")), (0, 2));
    }

    #[test]
    fn dependents_follow_the_owner_references() {
        let store = Store::in_memory();
        let key = Key::new("pods", "n", "x");
        let owned = json!({"metadata": {"ownerReferences": [{"uid": "u1"}]}});
        store.begin().put(&key, owned).unwrap();
        assert_eq!(store.begin().dependents("u1"), std::slice::from_ref(&key));
        store.begin().put(&key, json!({})).unwrap();
        assert!(store.begin().dependents("u1").is_empty());
    }
}
