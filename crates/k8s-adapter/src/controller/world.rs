//! What the controller knows of its data center: the last that was seen of everything, by App.
//!
//! What a write answered is kept as well, so that the next look at an App is not behind its own writes; the
//! watch then brings the same version, or a newer one.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use plimsoll_core::name::AppRef;
use tokio::sync::watch;

use super::held::Held;
use super::pace::Memory;
use crate::packed::Likeness;
use crate::reconcile::{Live, Observed, ReplicaSet};
use crate::render::Kind;

/// The sorts of things that are watched.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Sort {
    App,
    ReplicaSet,
    Object(Kind),
}

impl Sort {
    pub(super) fn all() -> impl Iterator<Item = Self> {
        [Self::App, Self::ReplicaSet].into_iter().chain(Kind::ALL.map(Self::Object))
    }
}

/// From where something is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Said {
    /// A complete list, which is read from the store. Of what was known when it began it knows better, whatever the
    /// versions say: they go back with a cluster that is put back to an earlier state.
    InList,
    /// A watch or the answer to a write, of which either may be behind the other.
    Since,
}

impl Said {
    /// Whether something is to be taken for what it is now: in the first of these versions, where the second is known since
    /// the list of that number, and the current one has this number.
    fn is_news(self, known: u64, current: u64, [version, there]: [&str; 2]) -> bool {
        self == Self::InList && known < current || newer(version, there)
    }
}

/// See the module.
pub(super) struct World {
    state: Mutex<State>,
    /// How many sorts were never seen completely.
    missing: watch::Sender<usize>,
}

#[derive(Default)]
struct State {
    apps: HashMap<AppRef, Entry>,
    lists: HashMap<Sort, List>,
    gone: Gone,
    /// How many lists have begun, of any sort.
    begun: u64,
}

/// One complete list after the other.
#[derive(Default)]
struct List {
    number: u64,
    /// How many lists had begun with it.
    begun: u64,
    is_complete: bool,
    /// What all of this sort have in common.
    likeness: Likeness,
}

/// The uids of what went last, and in which version. A watch may be behind an answer, and an answer behind a
/// watch: neither may bring back what is gone. A newer version may: an object whose label was taken off goes
/// from the watch's sight and comes back.
#[derive(Default)]
struct Gone {
    versions: HashMap<String, Tombstone>,
    order: VecDeque<String>,
}

struct Tombstone {
    version: String,
    /// How many lists had begun when it went.
    begun: u64,
}

/// How many uids are remembered; more than pass in the seconds that an answer may take.
const GONE: usize = 4096;

impl Gone {
    fn insert(&mut self, uid: &str, version: &str, begun: u64) {
        let tombstone = Tombstone { version: version.to_owned(), begun };
        if self.versions.insert(uid.to_owned(), tombstone).is_none() {
            self.order.push_back(uid.to_owned());
        }
        if self.order.len() > GONE
            && let Some(oldest) = self.order.pop_front()
        {
            self.versions.remove(&oldest);
        }
    }

    /// Whether it is gone, although it was said to be there; a list shows what went before it began only if it is back.
    fn has(&self, uid: &str, version: &str, said: Said, list: &List) -> bool {
        let is_before = |gone: &Tombstone| said == Said::InList && gone.begun < list.begun;
        self.versions.get(uid).is_some_and(|gone| !is_before(gone) && newer(&gone.version, version))
    }
}

/// The version of what is gone for good: newer than any.
pub(super) const FOR_GOOD: &str = "340282366920938463463374607431768211455";

#[derive(Default)]
struct Entry {
    resource: Option<Held>,
    objects: HashMap<(Sort, String), Stamped<Thing>>,
    memory: Memory,
}

struct Stamped<T> {
    /// The number of the list that was current when it was put here.
    list: u64,
    thing: T,
}

enum Thing {
    Object(Live),
    ReplicaSet(ReplicaSet),
}

impl Default for World {
    fn default() -> Self {
        Self { state: Mutex::default(), missing: watch::Sender::new(Sort::all().count()) }
    }
}

impl World {
    /// Waits until everything was seen completely once. Before that, nothing may be decided.
    pub(super) async fn complete(&self) {
        // The sender lives as long as `self`.
        let _ = self.missing.subscribe().wait_for(|missing| *missing == 0).await;
    }

    /// A complete list begins.
    pub(super) fn begin(&self, sort: Sort) {
        let mut state = self.state();
        let State { lists, begun, .. } = &mut *state;
        *begun += 1;
        let list = lists.entry(sort).or_default();
        list.number += 1;
        list.begun = *begun;
    }

    /// A complete list has ended: what was not in it is gone. These Apps are touched by that.
    pub(super) fn end(&self, sort: Sort) -> Vec<AppRef> {
        let mut state = self.state();
        let State { apps, lists, .. } = &mut *state;
        let list = lists.entry(sort).or_default();
        let mut touched = Vec::new();
        for (app, entry) in apps.iter_mut() {
            // Whatever was put here since the list began is there.
            let stays = |stamp: u64| stamp == list.number;
            let before = entry.size();
            if sort == Sort::App {
                entry.resource = entry.resource.take().filter(|held| stays(held.list));
            } else {
                entry.objects.retain(|(of, _), stamped| *of != sort || stays(stamped.list));
            }
            if entry.size() != before {
                touched.push(app.clone());
            }
        }
        if !std::mem::replace(&mut list.is_complete, true) {
            self.missing.send_modify(|missing| *missing -= 1);
        }
        state.sweep();
        touched
    }

    /// An App resource, as a watch or an answer says it is. True if it says something new.
    pub(super) fn put_app(&self, app: &AppRef, mut held: Held, said: Said) -> bool {
        let mut state = self.state();
        let State { apps, lists, gone, .. } = &mut *state;
        let list = lists.entry(Sort::App).or_default();
        if gone.has(&held.uid, &held.resource_version, said, list) {
            return false;
        }
        let List { number, likeness, .. } = list;
        held.list = *number;
        let there = &mut apps.entry(app.clone()).or_default().resource;
        match there {
            Some(there)
                if !said.is_news(
                    there.list,
                    held.list,
                    [&held.resource_version, &there.resource_version],
                ) =>
            {
                there.list = held.list;
                false
            }
            Some(there) => {
                held.body.keep(Some(&there.body), likeness);
                let is_new = !there.says_the_same(&held);
                *there = held;
                is_new
            }
            None => {
                held.body.keep(None, likeness);
                *there = Some(held);
                true
            }
        }
    }

    pub(super) fn remove_app(&self, app: &AppRef, uid: &str) {
        let mut state = self.state();
        let begun = state.begun;
        state.gone.insert(uid, FOR_GOOD, begun);
        if let Some(entry) = state.apps.get_mut(app) {
            entry.resource = entry.resource.take().filter(|held| held.uid != uid);
        }
        state.sweep_one(app);
    }

    /// An object, as a watch or an answer says it is. True if it says something new that matters.
    pub(super) fn put(&self, app: &AppRef, mut live: Live, said: Said) -> bool {
        let mut state = self.state();
        let State { apps, lists, gone, .. } = &mut *state;
        let sort = Sort::Object(live.kind);
        let list = lists.entry(sort).or_default();
        if gone.has(&live.uid, &live.resource_version, said, list) {
            return false;
        }
        let List { number, likeness, .. } = list;
        let list = *number;
        let objects = &mut apps.entry(app.clone()).or_default().objects;
        let key = (sort, live.name.clone());
        match objects.get_mut(&key) {
            Some(Stamped { list: stamp, thing: Thing::Object(there) })
                if !said.is_news(*stamp, list, [&live.resource_version, &there.resource_version]) =>
            {
                *stamp = list;
                false
            }
            Some(Stamped { list: stamp, thing: Thing::Object(there) }) => {
                live.keep(Some(there), likeness);
                let is_new = !there.says_the_same(&live);
                (*stamp, *there) = (list, live);
                is_new
            }
            _ => {
                live.keep(None, likeness);
                objects.insert(key, Stamped { list, thing: Thing::Object(live) });
                true
            }
        }
    }

    /// A ReplicaSet, as a watch says it is. True if it says something new that matters.
    pub(super) fn put_replica_set(&self, app: &AppRef, name: &str, set: ReplicaSet) -> bool {
        let mut state = self.state();
        let list = state.list(Sort::ReplicaSet);
        let objects = &mut state.apps.entry(app.clone()).or_default().objects;
        let key = (Sort::ReplicaSet, name.to_owned());
        let there = objects.get(&key).map(|stamped| &stamped.thing);
        let is_new = !matches!(there, Some(Thing::ReplicaSet(there)) if *there == set);
        objects.insert(key, Stamped { list, thing: Thing::ReplicaSet(set) });
        is_new
    }

    /// The object of that uid is gone, or out of sight, in this version of it.
    pub(super) fn remove(&self, app: &AppRef, sort: Sort, name: &str, uid: &str, version: &str) {
        let mut state = self.state();
        let begun = state.begun;
        state.gone.insert(uid, version, begun);
        if let Some(entry) = state.apps.get_mut(app) {
            let key = (sort, name.to_owned());
            if entry.objects.get(&key).is_some_and(|stamped| stamped.thing.uid() == uid) {
                entry.objects.remove(&key);
            }
        }
        state.sweep_one(app);
    }

    /// The App that the object of that uid was put under.
    pub(super) fn owner(&self, sort: Sort, uid: &str) -> Option<AppRef> {
        let state = self.state();
        let has = |entry: &Entry| {
            entry.objects.iter().any(|((of, _), stamped)| *of == sort && stamped.thing.uid() == uid)
        };
        state.apps.iter().find(|(_, entry)| has(entry)).map(|(app, _)| app.clone())
    }

    /// The object is not there, says a read.
    pub(super) fn absent(&self, app: &AppRef, kind: Kind, name: &str) {
        let mut state = self.state();
        if let Some(entry) = state.apps.get_mut(app) {
            entry.objects.remove(&(Sort::Object(kind), name.to_owned()));
        }
        state.sweep_one(app);
    }

    /// What is known of an App, if it has a resource.
    pub(super) fn look(&self, app: &AppRef) -> Option<(Held, Observed)> {
        let state = self.state();
        let entry = state.apps.get(app)?;
        let held = entry.resource.clone()?;
        let mut observed = Observed { status: held.status.clone(), ..Observed::default() };
        for stamped in entry.objects.values() {
            match &stamped.thing {
                Thing::Object(live) => observed.objects.push(live.clone()),
                Thing::ReplicaSet(set) => observed.replica_sets.push(set.clone()),
            }
        }
        // What is decided must not hang on the order of a hash map.
        observed.objects.sort_by(|one, two| (one.kind, &one.name).cmp(&(two.kind, &two.name)));
        Some((held, observed))
    }

    /// How many Apps have a resource.
    pub(super) fn count(&self) -> usize {
        self.state().apps.values().filter(|entry| entry.resource.is_some()).count()
    }

    /// Everything that is known by name.
    pub(super) fn apps(&self) -> Vec<AppRef> {
        self.state().apps.keys().cloned().collect()
    }

    /// What is remembered of the work on an App.
    pub(super) fn remember<T>(&self, app: &AppRef, f: impl FnOnce(&mut Memory) -> T) -> Option<T> {
        let mut state = self.state();
        state.apps.get_mut(app).map(|entry| f(&mut entry.memory))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// The number of the list that is current.
    fn list(&mut self, sort: Sort) -> u64 {
        self.lists.entry(sort).or_default().number
    }

    fn sweep_one(&mut self, app: &AppRef) {
        if self.apps.get(app).is_some_and(|entry| entry.size() == 0) {
            self.apps.remove(app);
        }
    }

    fn sweep(&mut self) {
        self.apps.retain(|_, entry| entry.size() > 0);
    }
}

impl Entry {
    fn size(&self) -> usize {
        self.objects.len() + usize::from(self.resource.is_some())
    }
}

impl Thing {
    fn uid(&self) -> &str {
        match self {
            Self::Object(live) => &live.uid,
            Self::ReplicaSet(set) => &set.uid,
        }
    }
}

/// Whether one resourceVersion is at least as new as another: they are numbers that grow (KEP-5504).
fn newer(one: &str, two: &str) -> bool {
    match (one.parse::<u128>(), two.parse::<u128>()) {
        (Ok(one), Ok(two)) => one >= two,
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn app() -> AppRef {
        AppRef { namespace: "demo".parse().unwrap(), name: "shop".parse().unwrap() }
    }

    fn service(uid: &str, version: u32) -> Live {
        live(Kind::Service, &mk_service(uid, version))
    }

    fn mk_service(uid: &str, version: u32) -> Value {
        json!({"metadata": {"name": "shop", "uid": uid, "resourceVersion": version.to_string()}})
    }

    fn live(kind: Kind, there: &Value) -> Live {
        Live::parse(kind, &there.to_string()).unwrap()
    }

    /// The uid and the version of the Service that is known.
    fn known(world: &World) -> Option<(String, String)> {
        let state = world.state();
        let stamped = state.apps.get(&app())?.objects.get(&(SERVICE, "shop".to_owned()))?;
        match &stamped.thing {
            Thing::Object(live) => Some((live.uid.clone(), live.resource_version.clone())),
            Thing::ReplicaSet(_) => None,
        }
    }

    fn is(uid: &str, version: &str) -> (String, String) {
        (uid.to_owned(), version.to_owned())
    }

    const SERVICE: Sort = Sort::Object(Kind::Service);

    #[test]
    fn an_answer_is_not_undone_by_a_watch_that_is_behind() {
        let world = World::default();
        world.put(&app(), service("a", 12), Said::Since);
        world.put(&app(), service("a", 9), Said::Since);
        assert_eq!(known(&world), Some(is("a", "12")));
    }

    #[test]
    fn only_what_is_new_and_matters_is_said_to_be_new() {
        let world = World::default();
        let mut there = mk_service("a", 5);
        let mut put = |version: &str, pointer: &str, value: &str| {
            there["metadata"]["resourceVersion"] = json!(version);
            there[pointer] = json!({"value": value});
            world.put(&app(), live(Kind::Service, &there), Said::Since)
        };
        assert!(put("5", "spec", "a"));
        assert!(!put("6", "status", "a"));
        assert!(put("7", "spec", "b"));
        assert!(!put("6", "spec", "c"), "it is older");
        assert_eq!(known(&world), Some(is("a", "7")));

        let mut deployment = json!({
            "metadata": {"name": "shop", "uid": "d", "resourceVersion": "1"}, "status": {"readyReplicas": 1},
        });
        assert!(world.put(&app(), live(Kind::Deployment, &deployment), Said::Since));
        deployment["metadata"]["resourceVersion"] = json!("2");
        assert!(!world.put(&app(), live(Kind::Deployment, &deployment), Said::Since));
        deployment["metadata"]["resourceVersion"] = json!("3");
        deployment["status"]["readyReplicas"] = json!(2);
        assert!(world.put(&app(), live(Kind::Deployment, &deployment), Said::Since));
    }

    #[test]
    fn what_is_deleted_is_not_brought_back_by_what_comes_late() {
        let world = World::default();
        world.put(&app(), service("a", 5), Said::Since);
        world.remove(&app(), SERVICE, "shop", "a", FOR_GOOD);
        world.put(&app(), service("a", 6), Said::Since);
        assert_eq!(known(&world), None);
        world.put(&app(), service("b", 8), Said::Since);
        world.remove(&app(), SERVICE, "shop", "a", "7");
        assert_eq!(known(&world), Some(is("b", "8")));
    }

    #[test]
    fn what_was_out_of_sight_comes_back_in_a_newer_version() {
        let world = World::default();
        world.put(&app(), service("a", 5), Said::Since);
        world.remove(&app(), SERVICE, "shop", "a", "6");
        world.put(&app(), service("a", 5), Said::Since);
        assert_eq!(known(&world), None);
        world.put(&app(), service("a", 7), Said::Since);
        assert_eq!(known(&world), Some(is("a", "7")));
    }

    #[test]
    fn what_is_not_in_a_complete_list_is_gone_unless_it_came_meanwhile() {
        let world = World::default();
        world.put(&app(), service("a", 5), Said::Since);
        world.begin(SERVICE);
        assert_eq!(world.end(SERVICE), [app()]);
        assert_eq!(known(&world), None);
        world.begin(SERVICE);
        world.put(&app(), service("b", 6), Said::Since);
        assert_eq!(world.end(SERVICE), []);
        assert_eq!(known(&world), Some(is("b", "6")));
    }

    #[test]
    fn a_list_of_a_cluster_that_was_put_back_is_believed_whatever_its_versions() {
        let world = World::default();
        world.begin(SERVICE);
        world.put(&app(), service("a", 50), Said::InList);
        world.end(SERVICE);
        world.begin(SERVICE);
        assert!(world.put(&app(), live(Kind::Service, &other(9)), Said::InList));
        world.end(SERVICE);
        assert_eq!(known(&world), Some(is("a", "9")));
        assert!(!world.put(&app(), service("a", 8), Said::Since), "a watch is behind as before");
        world.remove(&app(), SERVICE, "shop", "a", FOR_GOOD);
        world.begin(SERVICE);
        world.put(&app(), service("a", 7), Said::InList);
        assert_eq!(known(&world), Some(is("a", "7")), "it is back");
    }

    #[test]
    fn what_came_while_a_list_was_read_is_not_undone_by_it() {
        let world = World::default();
        world.begin(SERVICE);
        world.put(&app(), service("a", 50), Said::Since);
        assert!(!world.put(&app(), service("a", 40), Said::InList));
        assert_eq!(known(&world), Some(is("a", "50")));
        world.remove(&app(), SERVICE, "shop", "a", FOR_GOOD);
        assert!(!world.put(&app(), service("a", 40), Said::InList));
        assert_eq!(known(&world), None);
    }

    /// The Service `a` with something else in it.
    fn other(version: u32) -> Value {
        let mut there = mk_service("a", version);
        there["spec"] = json!({"value": "other"});
        there
    }

    #[tokio::test]
    async fn nothing_is_decided_before_everything_was_seen() {
        let world = World::default();
        for sort in Sort::all() {
            assert!(futures::FutureExt::now_or_never(world.complete()).is_none());
            world.begin(sort);
            world.end(sort);
        }
        world.complete().await;
    }
}
