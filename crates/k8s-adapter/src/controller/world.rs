//! What the controller knows of its data center: the last that was seen of everything, by App.
//!
//! What a write answered is kept as well, so that the next look at an App is not behind its own writes; the
//! watch then brings the same version, or a newer one.
//!
//! Versions tell which of two is newer as long as the store is not put back to an earlier state; a list tells that it
//! was. What was known before a list began gives way to it. What was answered while it was read may be newer than the
//! list or from before the store was put back, and nothing in it says which: the list ends with a [`Doubt`] about
//! each, for the data center to be asked.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use plimsoll_core::name::AppRef;
use tokio::sync::watch;

use super::gone::{FOR_GOOD, Gone};
use super::held::Held;
use super::pace::Memory;
use crate::packed::Likeness;
use crate::reconcile::{Live, Observed, ReplicaSet};
use crate::render::Kind;
use crate::version::newer;

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
    /// The answer to a read that was asked for because of a [`Doubt`].
    InRead,
}

impl Said {
    /// Whether something is to be taken for what it is now: in the first of these versions, where the second is known since
    /// the list of that number, and the current one has this number.
    fn is_news(self, known: u64, current: u64, [version, there]: [&str; 2]) -> bool {
        let knows_better = match self {
            Self::InList => known < current,
            Self::Since => false,
            Self::InRead => true,
        };
        knows_better || newer(version, there)
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
    /// While it is read: of what there was an answer that it did not confirm.
    answered: Option<HashSet<(AppRef, String)>>,
    /// What all of this sort have in common.
    likeness: Likeness,
}

#[derive(Default)]
struct Entry {
    resource: Option<Held>,
    objects: HashMap<(Sort, String), Stamped<Thing>>,
    memory: Memory,
}

/// Something that a list and an answer tell differently.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Doubt {
    pub(super) app: AppRef,
    pub(super) name: String,
    /// The version that is taken for what is there; `None` where nothing is.
    version: Option<String>,
}

/// What a complete list came to.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Listed {
    /// The Apps of which something is gone.
    pub(super) touched: Vec<AppRef>,
    pub(super) doubts: Vec<Doubt>,
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
        list.answered = Some(HashSet::new());
    }

    /// A complete list has ended: what was not in it is gone.
    pub(super) fn end(&self, sort: Sort) -> Listed {
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
        let answered = list.answered.take().unwrap_or_default();
        let doubt = |(app, name): (AppRef, String)| {
            let version = apps.get(&app).and_then(|entry| entry.version(sort, &name));
            Doubt { version: version.map(str::to_owned), app, name }
        };
        let doubts = answered.into_iter().map(doubt).collect();
        state.sweep();
        Listed { touched, doubts }
    }

    /// What a read says of an App resource that was in doubt. True if it says something new.
    pub(super) fn settle_app(&self, doubt: &Doubt, found: Option<Held>) -> bool {
        let mut state = self.state();
        if !state.is_in(doubt, Sort::App) {
            return false;
        }
        if let Some(held) = found {
            return state.put_app(&doubt.app, held, Said::InRead);
        }
        let entry = state.apps.get_mut(&doubt.app);
        let was_there = entry.is_some_and(|entry| entry.resource.take().is_some());
        state.sweep_one(&doubt.app);
        was_there
    }

    /// What a read says of an object that was in doubt. True if it says something new.
    pub(super) fn settle(&self, kind: Kind, doubt: &Doubt, found: Option<Live>) -> bool {
        let mut state = self.state();
        let sort = Sort::Object(kind);
        if !state.is_in(doubt, sort) {
            return false;
        }
        if let Some(live) = found {
            return state.put(&doubt.app, live, Said::InRead);
        }
        let entry = state.apps.get_mut(&doubt.app);
        let was_there =
            entry.is_some_and(|entry| entry.objects.remove(&(sort, doubt.name.clone())).is_some());
        state.sweep_one(&doubt.app);
        was_there
    }

    /// An App resource, as a watch or an answer says it is. True if it says something new.
    pub(super) fn put_app(&self, app: &AppRef, held: Held, said: Said) -> bool {
        self.state().put_app(app, held, said)
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
    pub(super) fn put(&self, app: &AppRef, live: Live, said: Said) -> bool {
        self.state().put(app, live, said)
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
        state.lists.entry(sort).or_default().note(app, name, Said::Since);
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
        let sort = Sort::Object(kind);
        state.lists.entry(sort).or_default().note(app, name, Said::Since);
        if let Some(entry) = state.apps.get_mut(app) {
            entry.objects.remove(&(sort, name.to_owned()));
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
    fn put_app(&mut self, app: &AppRef, mut held: Held, said: Said) -> bool {
        let Self { apps, lists, gone, .. } = self;
        let list = lists.entry(Sort::App).or_default();
        list.revive(gone, &held.uid, said);
        if gone.has(&held.uid, &held.resource_version) {
            return false;
        }
        held.list = list.number;
        let there = &mut apps.entry(app.clone()).or_default().resource;
        if let Some(there) = there
            && !said.is_news(there.list, list.number, [&held.resource_version, &there.resource_version])
        {
            return false;
        }
        list.note(app, app.name.as_str(), said);
        held.body.keep(there.as_ref().map(|there| &there.body), &mut list.likeness);
        let is_new = there.as_ref().is_none_or(|there| !there.says_the_same(&held));
        *there = Some(held);
        is_new
    }

    fn put(&mut self, app: &AppRef, mut live: Live, said: Said) -> bool {
        let Self { apps, lists, gone, .. } = self;
        let sort = Sort::Object(live.kind);
        let list = lists.entry(sort).or_default();
        list.revive(gone, &live.uid, said);
        if gone.has(&live.uid, &live.resource_version) {
            return false;
        }
        let objects = &mut apps.entry(app.clone()).or_default().objects;
        let key = (sort, live.name.clone());
        let there = objects.get(&key).and_then(|Stamped { list, thing }| match thing {
            Thing::Object(there) => Some((*list, there)),
            Thing::ReplicaSet(_) => None,
        });
        if let Some((known, there)) = there
            && !said.is_news(known, list.number, [&live.resource_version, &there.resource_version])
        {
            return false;
        }
        list.note(app, &live.name, said);
        live.keep(there.map(|(_, there)| there), &mut list.likeness);
        let is_new = there.is_none_or(|(_, there)| !there.says_the_same(&live));
        objects.insert(key, Stamped { list: list.number, thing: Thing::Object(live) });
        is_new
    }

    /// Whether nothing newer is known than what the doubt is about.
    fn is_in(&self, doubt: &Doubt, sort: Sort) -> bool {
        let known = self.apps.get(&doubt.app).and_then(|entry| entry.version(sort, &doubt.name));
        known == doubt.version.as_deref()
    }

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

impl List {
    /// What comes back from where things had gone.
    fn revive(&self, gone: &mut Gone, uid: &str, said: Said) {
        match said {
            Said::InList => gone.is_listed(uid, self.begun),
            Said::InRead => gone.remove(uid),
            Said::Since => {}
        }
    }

    /// Notes of whom there was an answer while the list is read, and what of that the list confirms.
    fn note(&mut self, app: &AppRef, name: &str, said: Said) {
        let Some(answered) = &mut self.answered else { return };
        let key = (app.clone(), name.to_owned());
        match said {
            Said::Since => answered.insert(key),
            Said::InList | Said::InRead => answered.remove(&key),
        };
    }
}

impl Entry {
    /// The version of what is there.
    fn version(&self, sort: Sort, name: &str) -> Option<&str> {
        if sort == Sort::App {
            return self.resource.as_ref().map(|held| held.resource_version.as_str());
        }
        match &self.objects.get(&(sort, name.to_owned()))?.thing {
            Thing::Object(live) => Some(&live.resource_version),
            Thing::ReplicaSet(_) => None,
        }
    }

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
        assert_eq!(world.end(SERVICE).touched, [app()]);
        assert_eq!(known(&world), None);
        world.begin(SERVICE);
        world.put(&app(), service("b", 6), Said::Since);
        assert_eq!(world.end(SERVICE).touched, []);
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
    fn what_was_answered_while_a_list_was_read_is_not_undone_by_it_and_is_in_doubt() {
        let world = World::default();
        world.begin(SERVICE);
        world.put(&app(), service("a", 50), Said::Since);
        assert!(!world.put(&app(), service("a", 40), Said::InList));
        assert_eq!(known(&world), Some(is("a", "50")));
        world.remove(&app(), SERVICE, "shop", "a", FOR_GOOD);
        assert!(!world.put(&app(), service("a", 40), Said::InList));
        assert_eq!(known(&world), None);
        assert_eq!(world.end(SERVICE).doubts, [doubt(None)]);
    }

    #[test]
    fn what_a_list_confirms_is_in_no_doubt() {
        let world = World::default();
        for version in [50, 51] {
            world.begin(SERVICE);
            world.put(&app(), service("a", 50), Said::Since);
            world.put(&app(), service("a", version), Said::InList);
            assert_eq!(world.end(SERVICE).doubts, []);
            world.put(&app(), service("a", 52), Said::Since);
        }
    }

    #[test]
    fn what_an_answer_says_of_a_store_that_was_put_back_since_gives_way_to_a_read() {
        for (found, expected) in [(Some(9), Some(is("a", "9"))), (None, None)] {
            let world = World::default();
            world.begin(SERVICE);
            world.put(&app(), service("a", 50), Said::InList);
            world.end(SERVICE);
            world.begin(SERVICE);
            world.put(&app(), service("a", 60), Said::Since);
            world.put(&app(), service("a", 8), Said::InList);
            let doubts = world.end(SERVICE).doubts;
            assert_eq!(doubts, [doubt(Some("60"))]);
            let found = found.map(|version| live(Kind::Service, &other(version)));
            assert!(world.settle(Kind::Service, &doubts[0], found));
            assert_eq!(known(&world), expected);
        }
    }

    #[test]
    fn what_a_read_says_does_not_undo_what_came_since() {
        let world = World::default();
        world.begin(SERVICE);
        world.put(&app(), service("a", 60), Said::Since);
        let doubts = world.end(SERVICE).doubts;
        world.put(&app(), service("a", 61), Said::Since);
        assert!(!world.settle(Kind::Service, &doubts[0], Some(service("a", 60))));
        assert_eq!(known(&world), Some(is("a", "61")));
    }

    /// It said nothing new, and so it says nothing of when that was known.
    #[test]
    fn an_answer_that_is_behind_does_not_keep_what_is_of_the_future() {
        let world = World::default();
        world.begin(SERVICE);
        world.put(&app(), service("a", 50), Said::InList);
        world.end(SERVICE);
        world.begin(SERVICE);
        assert!(!world.put(&app(), service("a", 22), Said::Since));
        assert!(world.put(&app(), live(Kind::Service, &other(22)), Said::InList));
        assert_eq!(known(&world), Some(is("a", "22")));
        world.begin(SERVICE);
        assert!(!world.put(&app(), service("a", 21), Said::Since));
        assert_eq!(world.end(SERVICE).touched, [app()], "the list does not have it");
    }

    #[test]
    fn of_what_is_back_a_watch_tells_again() {
        let world = World::default();
        world.put(&app(), service("a", 50), Said::Since);
        world.remove(&app(), SERVICE, "shop", "a", FOR_GOOD);
        world.begin(SERVICE);
        world.put(&app(), service("a", 7), Said::InList);
        world.end(SERVICE);
        world.put(&app(), service("a", 8), Said::Since);
        assert_eq!(known(&world), Some(is("a", "8")));
    }

    fn doubt(version: Option<&str>) -> Doubt {
        Doubt { app: app(), name: "shop".to_owned(), version: version.map(str::to_owned) }
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
