//! What stands beside the Apps of each Namespace, seen by two watches of its own and kept right by the way: ranges and
//! quotas are never what an App waits for.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::StreamExt;
use kube::Api;
use kube::core::ApiResource;
use kube::runtime::watcher::Event;
use plimsoll_core::cluster::{Error, Fatal, Finding};
use plimsoll_core::error::Chain;
use plimsoll_core::name::AppRef;
use plimsoll_qos::Terms;
use serde_json::{Value, json};
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::Options;
use super::queue::Queue;
use super::world::World;
use crate::companions::{self, Beside};
use crate::connection::{Subject, to_error, to_watch_error};
use crate::document::{Document, Parts};
use crate::follow::follow;
use crate::render::Object;
use crate::rest::Rest;
use crate::{KubeCluster, companions::LABEL};

/// Between two tries for one Namespace: whoever takes them away again and again is not raced with.
const REST: Duration = Duration::from_secs(10);
/// How many terms are remembered of a Namespace: far more than an installation has grades.
const TERMS: usize = 64;

/// The reason of what a Namespace has against an App.
const REASON: &str = "NamespaceRefuses";

/// See the module.
pub(super) struct Companions {
    rest: Rest,
    world: Arc<World>,
    queue: Arc<Queue>,
    blind: Arc<Notify>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// By namespace and kind: the objects by name, with what of them matters.
    there: HashMap<(String, Kind), HashMap<String, Value>>,
    listed: HashSet<Kind>,
    /// What of `there` stands beside the Apps of each Namespace, put together once per change.
    known: HashMap<String, Arc<Known>>,
    tried: HashMap<String, Tried>,
}

/// What stands beside the Apps of a Namespace, until something of it changes.
struct Known {
    beside: Beside,
    /// The terms by which nothing of ours was found missing: every look asks again, and almost all ask the same.
    enough: Mutex<HashSet<Vec<Terms>>>,
}

/// What was done about a Namespace.
struct Tried {
    at: Instant,
    /// What was there then, and by whose terms.
    beside: Beside,
    terms: Vec<Terms>,
    /// Whether the same again comes to the same.
    is_in_vain: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Kind {
    Range,
    Quota,
}

impl Kind {
    const ALL: [Self; 2] = [Self::Range, Self::Quota];

    fn resource(self) -> ApiResource {
        let (kind, plural) = match self {
            Self::Range => ("LimitRange", "limitranges"),
            Self::Quota => ("ResourceQuota", "resourcequotas"),
        };
        ApiResource {
            group: String::new(),
            version: "v1".to_owned(),
            api_version: "v1".to_owned(),
            kind: kind.to_owned(),
            plural: plural.to_owned(),
        }
    }
}

impl Companions {
    pub(super) fn new(rest: Rest, options: &Options, world: Arc<World>, queue: Arc<Queue>) -> Self {
        Self { rest, world, queue, blind: options.blind.clone(), state: Mutex::default() }
    }

    /// Starts the watches. They go on through every error.
    pub(super) fn spawn(self: &Arc<Self>, tasks: &mut JoinSet<()>, cluster: &KubeCluster) {
        for kind in Kind::ALL {
            let (companions, cluster) = (self.clone(), cluster.clone());
            tasks.spawn(async move { companions.watch(&cluster, kind).await });
        }
    }

    /// Sees to what stands beside an App that is sold by these terms, and says what of it is against its pods.
    pub(super) async fn attend(&self, app: &AppRef, terms: &[Terms], deployment: &Object) -> Vec<Finding> {
        let namespace = app.namespace.as_str();
        let Some(known) = self.state().known(namespace) else { return Vec::new() };
        if self.is_due(app, &known, terms)
            && let Err(error) = self.ensure(namespace, &known.beside, terms).await
        {
            // Apps go on without; the next look tries again.
            tracing::warn!(namespace, error = %Chain(&error), "ranges and quotas could not be brought to what they should be");
            self.state().tried.entry(namespace.to_owned()).and_modify(|tried| tried.is_in_vain = false);
            self.queue.add_after(app, REST);
        }
        against(&known.beside, deployment)
    }

    async fn ensure(&self, namespace: &str, beside: &Beside, terms: &[Terms]) -> Result<(), Error> {
        let found: Option<Value> =
            self.rest.find(&format!("/api/v1/namespaces/{namespace}")).await.map_err(other)?;
        // Without it nothing is made in it.
        let Some(found) = found else { return Ok(()) };
        for note in companions::ensure(&self.rest, &found, beside, terms).await.map_err(other)? {
            tracing::info!(namespace, note, label = LABEL, "a range or a quota is left out");
        }
        Ok(())
    }

    /// Whether something is to be done about a Namespace; what came to nothing before comes to nothing again.
    fn is_due(&self, app: &AppRef, known: &Known, terms: &[Terms]) -> bool {
        let namespace = app.namespace.as_str();
        let is_in_vain =
            |tried: &Tried| tried.is_in_vain && tried.terms == terms && tried.beside == known.beside;
        if self.state().tried.get(namespace).is_some_and(is_in_vain) || known.is_enough(namespace, terms) {
            return false;
        }
        let mut state = self.state();
        let now = Instant::now();
        let rest = state.tried.get(namespace).and_then(|tried| (tried.at + REST).checked_duration_since(now));
        if let Some(rest) = rest.filter(|rest| !rest.is_zero()) {
            self.queue.add_after(app, rest);
            return false;
        }
        let (beside, terms) = (known.beside.clone(), terms.to_vec());
        state.tried.insert(namespace.to_owned(), Tried { at: now, beside, terms, is_in_vain: true });
        true
    }

    async fn watch(&self, cluster: &KubeCluster, kind: Kind) {
        let api: Api<Document> = Api::all_with(cluster.client().clone(), &kind.resource());
        let mut changes = follow(api, None).boxed();
        let mut listed: HashSet<(String, String)> = HashSet::new();
        while let Some(change) = changes.next().await {
            match change {
                Ok(Event::Init) => listed.clear(),
                Ok(Event::InitApply(document)) => {
                    if let Some((namespace, name)) = self.put(kind, &document) {
                        listed.insert((namespace, name));
                    }
                }
                Ok(Event::InitDone) => self.listed(kind, &listed),
                Ok(Event::Apply(document)) => {
                    self.put(kind, &document);
                }
                Ok(Event::Delete(document)) => {
                    if let Some((namespace, name)) = names(&document) {
                        self.remove(kind, &namespace, &name);
                    }
                }
                Err(error) => {
                    if let Some(Error::Forbidden(_)) = to_watch_error(error, Subject::Other) {
                        self.blind.notify_one();
                    }
                }
            }
        }
    }

    fn put(&self, kind: Kind, document: &Document) -> Option<(String, String)> {
        let (namespace, name) = names(document)?;
        // Counts of what is used change with every pod, and matter to nobody here.
        let Parts { metadata, spec, status: _ } = document.parts();
        let metadata: Value = serde_json::from_str(metadata.get()).ok()?;
        let spec: Value = spec.map_or(Ok(Value::Null), |spec| serde_json::from_str(spec.get())).ok()?;
        let object = json!({
            "kind": kind.resource().kind,
            "metadata": {"name": name, "namespace": namespace, "labels": metadata["labels"]},
            "apiVersion": "v1",
            "spec": spec,
        });
        if self.state().put(&namespace, kind, &name, object) {
            self.stir(&namespace);
        }
        Some((namespace, name))
    }

    fn remove(&self, kind: Kind, namespace: &str, name: &str) {
        self.state().remove(namespace, kind, name);
        self.stir(namespace);
    }

    /// A list is complete: what is not in it is gone.
    fn listed(&self, kind: Kind, listed: &HashSet<(String, String)>) {
        let mut gone = Vec::new();
        let mut state = self.state();
        for ((namespace, of), there) in &state.there {
            let missing = there
                .keys()
                .filter(|name| *of == kind && !listed.contains(&(namespace.clone(), (*name).clone())));
            gone.extend(missing.map(|name| (namespace.clone(), name.clone())));
        }
        let is_first = state.listed.insert(kind) && state.listed.len() == Kind::ALL.len();
        drop(state);
        for (namespace, name) in gone {
            self.remove(kind, &namespace, &name);
        }
        if is_first {
            // Whoever was looked at before knew nothing of this.
            for app in self.world.apps() {
                self.queue.add(&app);
            }
        }
    }

    /// Has the Apps of a Namespace looked at.
    fn stir(&self, namespace: &str) {
        let apps = self.world.apps().into_iter();
        for app in apps.filter(|app| app.namespace.as_str() == namespace) {
            self.queue.add(&app);
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// What is known to be there; none until everything was listed once.
    fn known(&mut self, namespace: &str) -> Option<Arc<Known>> {
        if self.listed.len() < Kind::ALL.len() {
            return None;
        }
        if let Some(known) = self.known.get(namespace) {
            return Some(known.clone());
        }
        let of = |kind: Kind| {
            let there = self.there.get(&(namespace.to_owned(), kind));
            let mut objects: Vec<Value> = there.into_iter().flat_map(HashMap::values).cloned().collect();
            // What is decided must not hang on the order of a hash map.
            objects
                .sort_by(|one, two| one["metadata"]["name"].as_str().cmp(&two["metadata"]["name"].as_str()));
            objects
        };
        let beside = Beside { ranges: of(Kind::Range), quotas: of(Kind::Quota) };
        let known = Arc::new(Known { beside, enough: Mutex::default() });
        self.known.insert(namespace.to_owned(), known.clone());
        Some(known)
    }

    /// True if it says something new.
    fn put(&mut self, namespace: &str, kind: Kind, name: &str, object: Value) -> bool {
        let there = self.there.entry((namespace.to_owned(), kind)).or_default();
        if there.get(name) == Some(&object) {
            return false;
        }
        there.insert(name.to_owned(), object);
        self.known.remove(namespace);
        true
    }

    fn remove(&mut self, namespace: &str, kind: Kind, name: &str) {
        let key = (namespace.to_owned(), kind);
        if let Some(there) = self.there.get_mut(&key) {
            there.remove(name);
            if there.is_empty() {
                self.there.remove(&key);
            }
        }
        self.known.remove(namespace);
    }
}

impl Known {
    /// Whether nothing of ours is missing, where Apps are sold by these terms.
    fn is_enough(&self, namespace: &str, terms: &[Terms]) -> bool {
        // What a panicking holder left behind is whole.
        let enough = || self.enough.lock().unwrap_or_else(PoisonError::into_inner);
        if enough().contains(terms) {
            return true;
        }
        let is_enough = self.beside.missing(namespace, terms).is_empty();
        if is_enough {
            let mut enough = enough();
            if enough.len() >= TERMS {
                enough.clear();
            }
            enough.insert(terms.to_vec());
        }
        is_enough
    }
}

/// What others' ranges and quotas have against the pods of a Deployment.
fn against(beside: &Beside, deployment: &Object) -> Vec<Finding> {
    let found = beside.against(|| {
        let mut body = deployment.body.clone();
        // So that it is the same Namespace as theirs.
        body["metadata"]["namespace"] = json!(deployment.namespace);
        body
    });
    let told = found.into_iter().map(|finding| Finding {
        reason: REASON.to_owned(),
        message: format!("its pods are refused: {}; {}", finding.message, finding.remedy),
        fatal: Fatal::No,
    });
    told.take(1).collect()
}

fn names(document: &Document) -> Option<(String, String)> {
    let meta = kube::Resource::meta(document);
    Some((meta.namespace.clone()?, meta.name.clone()?))
}

fn other(error: kube::Error) -> Error {
    to_error(error, Subject::Other)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn quota(hard: &str) -> Value {
        json!({"kind": "ResourceQuota", "metadata": {"name": "team"}, "spec": {"hard": {"pods": hard}}})
    }

    #[test]
    fn what_stands_beside_is_put_together_once_and_anew_when_it_changes() {
        let mut state = State::default();
        assert!(state.put("demo", Kind::Quota, "team", quota("1")));
        assert!(state.known("demo").is_none(), "not everything was listed");
        state.listed.extend(Kind::ALL);
        let known = state.known("demo").unwrap();
        assert_eq!(known.beside.quotas, [quota("1")]);
        assert!(!state.put("demo", Kind::Quota, "team", quota("1")));
        assert!(Arc::ptr_eq(&known, &state.known("demo").unwrap()));
        assert!(state.put("demo", Kind::Quota, "team", quota("2")));
        assert_eq!(state.known("demo").unwrap().beside.quotas, [quota("2")]);
        state.remove("demo", Kind::Quota, "team");
        assert_eq!(state.known("demo").unwrap().beside, Beside::default());
    }
}
