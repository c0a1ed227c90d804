//! The watches that the controller sees its data center through.

use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use kube::core::ApiResource;
use kube::runtime::watcher::Event;
use kube::{Api, Resource};
use plimsoll_core::cluster::Error;
use plimsoll_core::error::Chain;
use plimsoll_core::name::AppRef;
use serde_json::value::RawValue;
use tokio::task::JoinSet;

use super::Options;
use super::held::Held;
use super::queue::Queue;
use super::world::{Doubt, Listed, Said, Sort, World};
use crate::KubeCluster;
use crate::cluster::app_path;
use crate::connection::{Subject, to_error, to_watch_error};
use crate::document::Document;
use crate::follow::follow;
use crate::label;
use crate::reconcile::{Live, ReplicaSet};
use crate::render::Kind;
use crate::resource::{AppText, api_resource};
use crate::rest::Rest;

/// Before the next list, where it could not be found out what the one before left in doubt.
const AFTER_DOUBT: Duration = Duration::from_secs(1);

/// Starts one watch per sort of thing. They go on through every error.
pub(super) fn spawn(
    tasks: &mut JoinSet<()>,
    cluster: &KubeCluster,
    options: &Options,
    world: &Arc<World>,
    queue: &Arc<Queue>,
) {
    for sort in Sort::all() {
        let feed = Feed { sort, options: options.clone(), world: world.clone(), queue: queue.clone() };
        tasks.spawn(feed.run(cluster.clone()));
    }
}

struct Feed {
    sort: Sort,
    options: Options,
    world: Arc<World>,
    queue: Arc<Queue>,
}

impl Feed {
    async fn run(self, cluster: KubeCluster) {
        let ours = || format!("{}={}", label::INSTALLATION, self.options.installation);
        let labels = (self.sort != Sort::App).then(ours);
        let api: Api<Document> = Api::all_with(cluster.client().clone(), &resource(self.sort));
        let begin = || follow(api.clone(), labels.clone()).boxed();
        let mut changes = begin();
        let mut is_told = false;
        while let Some(change) = changes.next().await {
            match change {
                Ok(Event::InitDone) => {
                    is_told = false;
                    let Listed { touched, doubts } = self.world.end(self.sort);
                    for app in touched {
                        self.queue.add(&app);
                    }
                    // The next list knows better than everything that is in doubt now.
                    if let Err(error) = self.settle(cluster.rest(), &doubts).await {
                        self.note(&error, &mut is_told);
                        tokio::time::sleep(AFTER_DOUBT).await;
                        changes = begin();
                    }
                }
                Ok(change) => {
                    is_told = false;
                    self.take(change);
                }
                Err(error) => {
                    if let Some(error) = to_watch_error(error, Subject::App) {
                        self.note(&error, &mut is_told);
                    }
                }
            }
        }
    }

    /// Whatever ends one watch ends them all, and may go on ending them for long: that it does is told of the Apps
    /// alone, and once. Why the data center does not answer is the worker's to say.
    fn note(&self, error: &Error, is_told: &mut bool) {
        if let Error::Forbidden(_) = error {
            self.options.blind.notify_one();
        }
        let is_new = !std::mem::replace(is_told, true);
        let is_common = matches!(error, Error::Unreachable(_)) && self.sort != Sort::App;
        if is_new && !is_common {
            tracing::warn!(dc = %self.options.dc, what = ?self.sort, error = %Chain(error), "a watch was cut");
        } else {
            tracing::debug!(dc = %self.options.dc, what = ?self.sort, error = %Chain(error), "a watch was cut");
        }
    }

    fn take(&self, change: Event<Document>) {
        match change {
            Event::Init => self.world.begin(self.sort),
            Event::InitApply(document) => self.put(&document, Said::InList),
            Event::Apply(document) => self.put(&document, Said::Since),
            Event::Delete(document) => self.remove(&document),
            // See `run`.
            Event::InitDone => {}
        }
    }

    /// Asks for what a list and the answers that came with it tell differently.
    async fn settle(&self, rest: &Rest, doubts: &[Doubt]) -> Result<(), Error> {
        for doubt in doubts {
            let Doubt { app, name, .. } = doubt;
            let is_news = match self.sort {
                Sort::App => {
                    let found: Option<Box<RawValue>> = find(rest, &app_path(app)).await?;
                    let held = found.as_deref().and_then(|text| Held::parse(text.get()));
                    self.world.settle_app(doubt, held)
                }
                Sort::Object(kind) => {
                    let path = format!("{}/{name}", kind.collection(app.namespace.as_str()));
                    let found: Option<Box<RawValue>> = find(rest, &path).await?;
                    let live = found.as_deref().and_then(|text| Live::parse(kind, text.get()));
                    self.world.settle(kind, doubt, live)
                }
                // Nobody writes them but Kubernetes.
                Sort::ReplicaSet => false,
            };
            if is_news {
                self.queue.add(app);
            }
        }
        Ok(())
    }

    fn put(&self, document: &Document, said: Said) {
        let app = match self.sort {
            Sort::App => self.put_app(document, said),
            Sort::ReplicaSet => self.owner(document).filter(|app| {
                let name = document.meta().name.as_deref().unwrap_or_default();
                let set = ReplicaSet::of(document.parts());
                set.is_some_and(|set| self.world.put_replica_set(app, name, set))
            }),
            Sort::Object(kind) => self.owner(document).filter(|app| {
                let live = Live::of(kind, document.parts());
                live.is_some_and(|live| self.world.put(app, live, said))
            }),
        };
        // What says nothing new needs no look: what was decided from it is done, or waits for its time.
        if let Some(app) = app {
            self.queue.add(&app);
        }
    }

    fn put_app(&self, document: &Document, said: Said) -> Option<AppRef> {
        let app = named(document, document.meta().name.as_deref()?)?;
        let object = AppText::of(document.parts()).ok()?;
        let head = object.head();
        // Apps of other installations are theirs.
        if head.installation.as_ref().is_some_and(|installation| *installation != self.options.installation) {
            return None;
        }
        self.world.put_app(&app, Held::read(object, &head)?, said).then_some(app)
    }

    /// The App that an object is of. By its name, where that is the App's: a label may be taken off.
    fn owner(&self, document: &Document) -> Option<AppRef> {
        let name = match self.sort {
            Sort::ReplicaSet | Sort::Object(Kind::ConfigMap) => &document.app,
            Sort::App | Sort::Object(_) => &document.meta().name,
        };
        let named = name.as_deref().and_then(|name| named(document, name));
        named.or_else(|| self.world.owner(self.sort, document.meta().uid.as_deref()?))
    }

    fn remove(&self, document: &Document) {
        let meta = document.meta();
        let name = meta.name.as_deref().unwrap_or_default();
        let uid = meta.uid.as_deref().unwrap_or_default();
        let version = meta.resource_version.as_deref().unwrap_or_default();
        let app = match self.sort {
            Sort::App => {
                let app = named(document, name);
                if let Some(app) = &app {
                    self.world.remove_app(app, uid);
                }
                app
            }
            sort => {
                let app = self.owner(document);
                if let Some(app) = &app {
                    self.world.remove(app, sort, name, uid, version);
                }
                app
            }
        };
        if let Some(app) = app {
            self.queue.add(&app);
        }
    }
}

async fn find(rest: &Rest, path: &str) -> Result<Option<Box<RawValue>>, Error> {
    rest.find(path).await.map_err(|error| to_error(error, Subject::Other))
}

fn named(document: &Document, name: &str) -> Option<AppRef> {
    let namespace = document.meta().namespace.as_deref()?;
    Some(AppRef { namespace: namespace.parse().ok()?, name: name.parse().ok()? })
}

fn resource(sort: Sort) -> ApiResource {
    let of_kind = |group: &str, version: &str, kind: &str, plural: &str| ApiResource {
        group: group.to_owned(),
        version: version.to_owned(),
        api_version: if group.is_empty() { version.to_owned() } else { format!("{group}/{version}") },
        kind: kind.to_owned(),
        plural: plural.to_owned(),
    };
    match sort {
        Sort::App => api_resource(),
        Sort::ReplicaSet => of_kind("apps", "v1", "ReplicaSet", "replicasets"),
        Sort::Object(kind) => {
            let (group, version) = kind.api_version().split_once('/').unwrap_or(("", kind.api_version()));
            of_kind(group, version, Kind::name(kind), kind.plural())
        }
    }
}
