//! What stands beside the Apps of each Namespace, seen by two watches of its own and kept right by the way: ranges and
//! quotas are never what an App waits for.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::StreamExt;
use kube::Api;
use kube::core::ApiResource;
use kube::runtime::WatchStreamExt;
use kube::runtime::watcher::{self, Event};
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
use crate::render::Object;
use crate::rest::Rest;
use crate::{KubeCluster, companions::LABEL};

/// How long one watch lasts before the server ends it and the next goes on where it was.
const LASTS: u32 = 240;
/// Between two tries for one Namespace: whoever takes them away again and again is not raced with.
const REST: Duration = Duration::from_secs(10);

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
    tried: HashMap<String, Tried>,
}

/// What was done about a Namespace.
struct Tried {
    at: Instant,
    /// What was there then, by whose terms: the same again comes to the same.
    of: (Beside, Vec<Terms>),
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
        let Some(beside) = self.beside(namespace) else { return Vec::new() };
        if self.is_due(app, &beside, terms)
            && let Err(error) = self.ensure(namespace, &beside, terms).await
        {
            // Apps go on without; the next look tries again.
            tracing::warn!(namespace, error = %Chain(&error), "ranges and quotas could not be brought to what they should be");
            self.state().tried.entry(namespace.to_owned()).and_modify(|tried| tried.of = Default::default());
            self.queue.add_after(app, REST);
        }
        against(&beside, deployment)
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
    fn is_due(&self, app: &AppRef, beside: &Beside, terms: &[Terms]) -> bool {
        let namespace = app.namespace.as_str();
        if beside.missing(namespace, terms).is_empty() {
            return false;
        }
        let mut state = self.state();
        let now = Instant::now();
        let of = (beside.clone(), terms.to_vec());
        if let Some(tried) = state.tried.get(namespace) {
            if tried.of == of {
                return false;
            }
            if let Some(rest) = (tried.at + REST).checked_duration_since(now).filter(|rest| !rest.is_zero()) {
                self.queue.add_after(app, rest);
                return false;
            }
        }
        state.tried.insert(namespace.to_owned(), Tried { at: now, of });
        true
    }

    /// What is known to be there; none until everything was listed once.
    fn beside(&self, namespace: &str) -> Option<Beside> {
        let state = self.state();
        if state.listed.len() < Kind::ALL.len() {
            return None;
        }
        let of = |kind: Kind| {
            let there = state.there.get(&(namespace.to_owned(), kind));
            let mut objects: Vec<Value> = there.into_iter().flat_map(HashMap::values).cloned().collect();
            // What is decided must not hang on the order of a hash map.
            objects
                .sort_by(|one, two| one["metadata"]["name"].as_str().cmp(&two["metadata"]["name"].as_str()));
            objects
        };
        Some(Beside { ranges: of(Kind::Range), quotas: of(Kind::Quota) })
    }

    async fn watch(&self, cluster: &KubeCluster, kind: Kind) {
        let api: Api<Document> = Api::all_with(cluster.client().clone(), &kind.resource());
        let config = watcher::Config::default().timeout(LASTS);
        let mut changes = watcher::watcher(api, config).default_backoff().boxed();
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
        let key = (namespace.clone(), kind);
        let before = self.state().there.entry(key).or_default().insert(name.clone(), object.clone());
        if before.as_ref() != Some(&object) {
            self.stir(&namespace);
        }
        Some((namespace, name))
    }

    fn remove(&self, kind: Kind, namespace: &str, name: &str) {
        let mut state = self.state();
        let key = (namespace.to_owned(), kind);
        if let Some(there) = state.there.get_mut(&key) {
            there.remove(name);
            if there.is_empty() {
                state.there.remove(&key);
            }
        }
        drop(state);
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
