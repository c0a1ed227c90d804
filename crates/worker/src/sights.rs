//! What this process sees of the data centers, for the worker's own decisions and for whoever shows it.

mod loads;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};
use std::time::Duration;

use async_trait::async_trait;
use futures::StreamExt as _;
use futures::stream::BoxStream;
use plimsoll_core::cluster::{AppLife, Asks, Clusters, Fence, PodImages, PriorityClass, Resource, Version};
use plimsoll_core::digest::Digest;
use plimsoll_core::image::Advance;
use plimsoll_core::live::{Live, Prepared, Sight};
use plimsoll_core::name::{AppRef, AppUid, DcName, NamespaceName, OperationId};
use plimsoll_core::view::{Outage, Reach};
use tokio::sync::futures::Notified;
use tokio::sync::{Notify, broadcast};
use tokio_stream::wrappers::BroadcastStream;

use self::loads::Loads;

/// How many changes a follower may lag behind before it is only told that there were some.
const CHANGES: usize = 1024;

/// How long a data center may take to say what runs there: somebody waits for the answer.
const PODS_WITHIN: Duration = Duration::from_secs(5);

/// The App resources of all data centers, as last seen, and whether each data center answers.
pub struct Sights {
    seen: Mutex<HashMap<DcName, Seen>>,
    /// Told whenever a data center was compared with the ledger for the first time, or found not to answer.
    compared: Notify,
    /// The ways to the data centers, for what is read of them on demand.
    ways: OnceLock<Weak<dyn Clusters>>,
    changes: broadcast::Sender<Arc<AppRef>>,
    progress: Loads,
}

/// A resource as it is compared with what was ordered.
pub(crate) struct Carried {
    pub(crate) app: AppRef,
    pub(crate) uid: AppUid,
    pub(crate) fence: Fence,
    pub(crate) asks: Asks,
}

#[derive(Default)]
struct Seen {
    reach: Option<Reach>,
    resources: HashMap<AppRef, Resource>,
    /// The fences of those that were seen to go, until they are there again.
    gone: HashMap<AppRef, Fence>,
    /// Those that were made or found, and what there stands against Apps.
    namespaces: HashMap<NamespaceName, Vec<String>>,
    compared: bool,
    /// Contents that the ledger never held, as of the last comparison.
    unheld: HashSet<(AppRef, Digest)>,
    /// The `PriorityClass`es that are there as they should be, with their values.
    classes: HashMap<String, i32>,
    /// Why others cannot be had.
    blocked: HashMap<String, String>,
    troubles: HashMap<AppRef, String>,
    prepared: HashMap<AppRef, Prepared>,
}

impl Seen {
    fn take(&mut self, resource: Resource) {
        self.gone.remove(&resource.app);
        self.resources.insert(resource.app.clone(), resource);
    }

    fn lose(&mut self, app: &AppRef) {
        // What says that an App is gone is no loss.
        if let Some(resource) = self.resources.remove(app).filter(|resource| resource.asks != Asks::Deletion)
        {
            self.gone.insert(app.clone(), resource.fence);
        }
    }
}

/// Whether one state of a resource is of an earlier Order than another: a fence never falls in one life of it.
fn is_earlier(one: &Resource, other: &Resource) -> bool {
    one.version.uid == other.version.uid && one.fence < other.fence
}

impl Sights {
    /// Nothing seen yet.
    pub fn new() -> Arc<Self> {
        Arc::new(Self {
            seen: Mutex::default(),
            compared: Notify::new(),
            ways: OnceLock::new(),
            changes: broadcast::channel(CHANGES).0,
            progress: Loads::new(),
        })
    }

    fn seen(&self) -> MutexGuard<'_, HashMap<DcName, Seen>> {
        // Every write below leaves the map whole, so what a panicking holder left behind is sound.
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks by these ways what is read of data centers on demand.
    pub(crate) fn ask_by(&self, ways: &Arc<dyn Clusters>) {
        // They hold, in the end, who holds this. Those of the first worker stay.
        let _ = self.ways.set(Arc::downgrade(ways));
    }

    /// The version of the resource of an App, as last seen.
    pub(crate) fn version(&self, dc: &DcName, app: &AppRef) -> Option<Version> {
        self.seen().get(dc)?.resources.get(app).map(|resource| resource.version.clone())
    }

    /// The resource of an App, as last seen.
    pub(crate) fn resource(&self, dc: &DcName, app: &AppRef) -> Option<Resource> {
        self.seen().get(dc)?.resources.get(app).cloned()
    }

    /// All resources, with what they carry.
    pub(crate) fn resources(&self, dc: &DcName) -> Vec<Carried> {
        let seen = self.seen();
        let there = seen.get(dc).into_iter().flat_map(|seen| seen.resources.values());
        let carried = |resource: &Resource| Carried {
            app: resource.app.clone(),
            uid: resource.uid,
            fence: resource.fence,
            asks: resource.asks,
        };
        there.map(carried).collect()
    }

    /// Notes which contents are there that the ledger never held.
    pub(crate) fn note_unheld(&self, dc: &DcName, unheld: HashSet<(AppRef, Digest)>) {
        self.seen().entry(dc.clone()).or_default().unheld = unheld;
    }

    /// Whether the resource of an App carries such a content.
    pub(crate) fn is_unheld(&self, dc: &DcName, app: &AppRef) -> bool {
        let seen = self.seen();
        let Some(seen) = seen.get(dc).filter(|seen| !seen.unheld.is_empty()) else { return false };
        match seen.resources.get(app).map(|resource| resource.asks) {
            Some(Asks::Content(content)) => seen.unheld.contains(&(app.clone(), content)),
            _ => false,
        }
    }

    /// The fence that the resource of an App carried when it went; `None` where none was seen to go.
    pub(crate) fn gone(&self, dc: &DcName, app: &AppRef) -> Option<Fence> {
        self.seen().get(dc)?.gone.get(app).copied()
    }

    /// Takes over a complete list; answers the Apps that it changed.
    pub(crate) fn replace(&self, dc: &DcName, resources: Vec<Resource>) -> Vec<AppRef> {
        let fresh: HashMap<AppRef, Resource> =
            resources.into_iter().map(|resource| (resource.app.clone(), resource)).collect();
        let mut seen = self.seen();
        let Seen { resources: there, gone, .. } = seen.entry(dc.clone()).or_default();
        gone.retain(|app, _| !fresh.contains_key(app));
        // What says that an App is gone is no loss.
        let went = there
            .iter()
            .filter(|(app, resource)| !fresh.contains_key(*app) && resource.asks != Asks::Deletion);
        gone.extend(went.map(|(app, resource)| (app.clone(), resource.fence)));
        let mut changed: Vec<AppRef> = there.keys().filter(|app| !fresh.contains_key(app)).cloned().collect();
        changed.extend(
            fresh.iter().filter(|(app, new)| there.get(*app) != Some(*new)).map(|(app, _)| app.clone()),
        );
        *there = fresh;
        drop(seen);
        for app in &changed {
            self.tell(app);
        }
        changed
    }

    /// Takes over one resource as a watch brings it, unless something newer was seen of it. False if it was seen as it
    /// is: a watch brings what an answer said before.
    pub(crate) fn set(&self, dc: &DcName, resource: Resource) -> bool {
        let app = resource.app.clone();
        let mut seen = self.seen();
        let there = seen.entry(dc.clone()).or_default();
        let before = there.resources.get(&app);
        if before == Some(&resource) {
            return false;
        }
        if !before.is_some_and(|before| is_earlier(&resource, before)) {
            there.take(resource);
        }
        drop(seen);
        self.tell(&app);
        true
    }

    /// Takes over what a request was answered that was sent when `before` was seen of a resource: what is there of it
    /// now. The watch may have been faster, and have brought what came after the answer: whatever was seen since counts
    /// more, unless it is of an earlier Order. If it was older after all, the watch brings the answer, too.
    pub(crate) fn answered(
        &self,
        dc: &DcName,
        app: &AppRef,
        before: Option<&Version>,
        answer: Option<Resource>,
    ) {
        let mut seen = self.seen();
        let there = seen.entry(dc.clone()).or_default();
        let now = there.resources.get(app);
        let is_as_before = now.map(|now| &now.version) == before;
        match answer {
            Some(answer) if is_as_before || now.is_some_and(|now| is_earlier(now, &answer)) => {
                there.take(answer);
            }
            None if is_as_before => there.lose(app),
            Some(_) | None => return,
        }
        drop(seen);
        self.tell(app);
    }

    /// Why the newest Order of an App was not taken, if it was not.
    pub(crate) fn trouble(&self, dc: &DcName, app: &AppRef) -> Option<String> {
        self.seen().get(dc)?.troubles.get(app).cloned()
    }

    /// Notes why the newest Order of an App was not taken, or that it was.
    pub(crate) fn note_trouble(&self, dc: &DcName, app: &AppRef, why: Option<String>) {
        let mut seen = self.seen();
        let troubles = &mut seen.entry(dc.clone()).or_default().troubles;
        match why {
            Some(why) => troubles.insert(app.clone(), why),
            None => troubles.remove(app),
        };
    }

    /// Notes how it stands with the images of the Release that is brought there; nothing where nobody has to look.
    pub(crate) fn note_prepared(&self, dc: &DcName, app: &AppRef, prepared: Option<Prepared>) {
        {
            let mut seen = self.seen();
            let there = &mut seen.entry(dc.clone()).or_default().prepared;
            match prepared {
                Some(prepared) => there.insert(app.clone(), prepared),
                None => there.remove(app),
            };
        }
        self.tell(app);
    }

    /// Forgets one resource that is gone, or cannot be read.
    pub(crate) fn remove(&self, dc: &DcName, app: &AppRef) {
        self.seen().entry(dc.clone()).or_default().lose(app);
        self.tell(app);
    }

    /// Notes that the data center answers; true if that is news.
    pub(crate) fn note_answer(&self, dc: &DcName) -> bool {
        let mut seen = self.seen();
        seen.entry(dc.clone()).or_default().reach.replace(Reach::Connected) != Some(Reach::Connected)
    }

    /// Notes that the data center does not answer, and why; true if that is news. An outage that goes on for
    /// another reason is the same one.
    pub(crate) fn note_silence(&self, dc: &DcName, outage: Outage) -> bool {
        let mut seen = self.seen();
        let there = &mut seen.entry(dc.clone()).or_default().reach;
        let Outage { why, mut since } = outage;
        let news = match there {
            Some(Reach::Unreachable(before)) => {
                since = before.since;
                before.why != why
            }
            Some(Reach::Connected) | None => true,
        };
        *there = Some(Reach::Unreachable(Outage { why, since }));
        news
    }

    /// Why a data center does not answer; `None` if it does.
    pub(crate) fn lost(&self, dc: &DcName) -> Option<String> {
        match self.seen().get(dc).and_then(|seen| seen.reach.clone()) {
            Some(Reach::Connected) => None,
            Some(Reach::Unreachable(outage)) => Some(outage.why),
            None => Some(format!("{dc} was not reached yet")),
        }
    }

    /// Notes that a data center was compared with the ledger, or does not answer.
    pub(crate) fn note_compared(&self, dc: &DcName) {
        self.seen().entry(dc.clone()).or_default().compared = true;
        self.compared.notify_waiters();
    }

    /// Whether it was.
    pub(crate) fn is_compared(&self, dc: &DcName) -> bool {
        self.seen().get(dc).is_some_and(|seen| seen.compared)
    }

    /// Ends when that is noted of one more, from now on.
    pub(crate) fn compared(&self) -> Notified<'_> {
        // It counts from its making, not from when it is first awaited: see `Notify::notify_waiters`.
        self.compared.notified()
    }

    /// Whether this process has made the namespace there, or found it.
    pub(crate) fn has_namespace(&self, dc: &DcName, namespace: &NamespaceName) -> bool {
        self.seen().get(dc).is_some_and(|seen| seen.namespaces.contains_key(namespace))
    }

    /// Notes that the namespace is there, and what there stands against Apps.
    pub(crate) fn note_namespace(&self, dc: &DcName, namespace: &NamespaceName, notes: Vec<String>) {
        self.seen().entry(dc.clone()).or_default().namespaces.insert(namespace.clone(), notes);
    }

    /// The namespace may be gone there: it is made again.
    pub(crate) fn forget_namespace(&self, dc: &DcName, namespace: &NamespaceName) {
        if let Some(seen) = self.seen().get_mut(dc) {
            seen.namespaces.remove(namespace);
        }
    }

    /// Whether this process has made that class there, or found it.
    pub(crate) fn has_class(&self, dc: &DcName, class: &PriorityClass) -> bool {
        self.seen().get(dc).is_some_and(|seen| seen.classes.get(&class.name) == Some(&class.value))
    }

    /// Notes which of these classes are there and why others are not; answers what is news of those.
    pub(crate) fn note_classes(
        &self,
        dc: &DcName,
        classes: &[PriorityClass],
        blocked: BTreeMap<String, String>,
    ) -> Vec<String> {
        let mut seen = self.seen();
        let seen = seen.entry(dc.clone()).or_default();
        for class in classes {
            seen.blocked.retain(|name, _| *name != class.name || blocked.contains_key(name));
            if !blocked.contains_key(&class.name) {
                seen.classes.insert(class.name.clone(), class.value);
            }
        }
        let mut news = Vec::new();
        for (name, why) in blocked {
            if seen.blocked.insert(name, why.clone()).as_ref() != Some(&why) {
                news.push(why);
            }
        }
        news
    }

    /// Why a class cannot be had, if it cannot.
    pub(crate) fn blocked_class(&self, dc: &DcName, name: &str) -> Option<String> {
        self.seen().get(dc)?.blocked.get(name).cloned()
    }

    /// What was made there may be gone: it is looked at again.
    pub(crate) fn forget_classes(&self, dc: &DcName) {
        if let Some(seen) = self.seen().get_mut(dc) {
            seen.classes.clear();
        }
    }

    /// Whether the data center was ever tried: until then nothing is decided from its silence.
    pub(crate) fn is_tried(&self, dc: &DcName) -> bool {
        self.seen().get(dc).is_some_and(|seen| seen.reach.is_some())
    }

    /// Somebody works on an Operation on registries from now on.
    pub(crate) fn begin_carried(&self, id: OperationId) {
        self.progress.begin(id);
    }

    /// Notes how far an Operation on registries has come at a target, at this moment of the monotonic clock.
    pub(crate) fn note_carried(&self, id: OperationId, target: usize, advance: Advance, now: Duration) {
        self.progress.note(id, target, advance, now);
    }

    /// How far it had come when that was noted last.
    pub(crate) fn carried_last(&self, id: OperationId, target: usize) -> Option<Advance> {
        self.progress.of(id, target)
    }

    /// Nobody works on it any more.
    pub(crate) fn forget_carried(&self, id: OperationId) {
        self.progress.forget(id);
    }

    fn tell(&self, app: &AppRef) {
        // Nobody listening is fine.
        let _ = self.changes.send(Arc::new(app.clone()));
    }
}

#[async_trait]
impl Live for Sights {
    fn sight(&self, app: &AppRef, dc: &DcName) -> Option<Sight> {
        let seen = self.seen();
        let resource = seen.get(dc)?.resources.get(app)?;
        Some(Sight::from(resource))
    }

    fn reach(&self, dc: &DcName) -> Option<Reach> {
        self.seen().get(dc)?.reach.clone()
    }

    fn namespace(&self, dc: &DcName, namespace: &NamespaceName) -> Option<Vec<String>> {
        self.seen().get(dc)?.namespaces.get(namespace).cloned()
    }

    fn apps(&self, dc: &DcName) -> Vec<AppRef> {
        let seen = self.seen();
        let there = seen.get(dc).into_iter().flat_map(|seen| &seen.resources);
        // What only says that an App is gone stays for no longer than until its worker comes by.
        there.filter(|(_, resource)| !resource.is_spent()).map(|(app, _)| app.clone()).collect()
    }

    fn prepared(&self, app: &AppRef, dc: &DcName) -> Option<Prepared> {
        self.seen().get(dc)?.prepared.get(app).cloned()
    }

    fn carried(&self, operation: OperationId, target: usize) -> Option<Advance> {
        self.progress.of(operation, target)
    }

    fn carriage(&self, operation: OperationId) -> BoxStream<'static, ()> {
        self.progress.changes(operation)
    }

    async fn pods(&self, dc: &DcName, apps: &[AppLife]) -> Result<Vec<PodImages>, String> {
        // One that is known not to answer is not waited for.
        if let Some(Reach::Unreachable(Outage { why, .. })) = self.reach(dc) {
            return Err(why);
        }
        if apps.is_empty() {
            return Ok(Vec::new());
        }
        let ways = self.ways.get().and_then(Weak::upgrade);
        let Some(cluster) = ways.and_then(|ways| ways.cluster(dc)) else {
            return Err(format!("this server has no way to {dc}"));
        };
        match tokio::time::timeout(PODS_WITHIN, cluster.pods(apps)).await {
            Ok(Ok(pods)) => Ok(pods),
            Ok(Err(error)) => Err(error.to_string()),
            Err(_) => Err(format!("the data center did not say within {} s", PODS_WITHIN.as_secs())),
        }
    }

    fn changes(&self, app: &AppRef) -> BoxStream<'static, ()> {
        let app = app.clone();
        BroadcastStream::new(self.changes.subscribe())
            .filter_map(move |changed| {
                // Whoever lagged has missed some: it may have been theirs.
                let mine = changed.map_or(true, |changed| *changed == app);
                std::future::ready(mine.then_some(()))
            })
            .boxed()
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt as _;
    use plimsoll_core::ledger::Revision;

    use super::*;

    fn mk_resource(version: &str) -> Resource {
        Resource {
            app: AppRef { namespace: "demo".parse().unwrap(), name: "shop".parse().unwrap() },
            version: Version { uid: "a".to_owned(), resource_version: version.to_owned() },
            installation: "test".parse().unwrap(),
            uid: AppUid::from(uuid::Uuid::nil()),
            fence: Fence { epoch: 1, revision: Revision(7) },
            digest: Digest::of_bytes(b"order"),
            release: None,
            asks: Asks::Deletion,
            local: None,
            status: None,
        }
    }

    #[test]
    fn what_is_seen_again_as_it_was_is_no_news() {
        let (sights, dc) = (Sights::new(), "dc-1".parse().unwrap());
        let mut changes = sights.changes(&mk_resource("1").app);
        assert!(sights.set(&dc, mk_resource("1")));
        assert_eq!(changes.next().now_or_never(), Some(Some(())));
        assert!(!sights.set(&dc, mk_resource("1")));
        assert_eq!(changes.next().now_or_never(), None);
        assert!(sights.set(&dc, mk_resource("2")));
        assert_eq!(changes.next().now_or_never(), Some(Some(())));
    }

    fn at(version: &str, revision: u64) -> Resource {
        Resource { fence: Fence { epoch: 1, revision: Revision(revision) }, ..mk_resource(version) }
    }

    #[test]
    fn an_answer_that_comes_late_does_not_hide_what_the_watch_brought_since() {
        let (sights, dc) = (Sights::new(), "dc-1".parse().unwrap());
        let app = mk_resource("1").app;
        let seen = || sights.version(&dc, &app);
        sights.set(&dc, at("1", 7));
        let before = seen();
        // The Order was written as version 2, and the controller had its say in version 3 before the answer was here.
        sights.set(&dc, at("2", 8));
        sights.set(&dc, at("3", 8));
        sights.answered(&dc, &app, before.as_ref(), Some(at("2", 8)));
        assert_eq!(seen(), Some(at("3", 8).version));
        // What the watch brings of an earlier Order says nothing against an answer.
        let before = seen();
        sights.set(&dc, at("4", 8));
        sights.answered(&dc, &app, before.as_ref(), Some(at("5", 9)));
        assert_eq!(seen(), Some(at("5", 9).version));
        sights.answered(&dc, &app, seen().as_ref(), Some(at("6", 9)));
        assert_eq!(seen(), Some(at("6", 9).version));
    }

    #[test]
    fn an_answer_that_comes_late_says_nothing_of_what_came_or_went_since() {
        let (sights, dc) = (Sights::new(), "dc-1".parse().unwrap());
        let app = mk_resource("1").app;
        let seen = || sights.version(&dc, &app);
        sights.answered(&dc, &app, None, Some(mk_resource("1")));
        let before = seen();
        assert_eq!(before, Some(mk_resource("1").version));
        sights.remove(&dc, &app);
        sights.answered(&dc, &app, before.as_ref(), Some(mk_resource("2")));
        assert_eq!(seen(), None);
        sights.set(&dc, mk_resource("3"));
        sights.answered(&dc, &app, None, None);
        assert_eq!(seen(), Some(mk_resource("3").version));
        sights.answered(&dc, &app, seen().as_ref(), None);
        assert_eq!(seen(), None);
    }
}
