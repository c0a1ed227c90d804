//! A data center that remembers what was put into it, and answers as one with a controller would.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use futures::StreamExt as _;
use plimsoll_core::breaker::{Guard, STOPPED, Stop};
use plimsoll_core::cluster::{
    AppLife, Applied, Asks, Cluster, Definition, Delivery, Error, Event, Fatal, Fence, Finding, Identity,
    Local, PodImages, Policy, Power, PriorityClass, Replicas, Resource, Status, Version, Want, Watch,
};
use plimsoll_core::name::{AppRef, AppUid, DcName, InstallationId, NamespaceName};
use tokio::sync::mpsc;

use super::{INSTALLATION, digest};

/// How a data center treats what is put into it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Manner {
    /// Everything becomes as ordered at once.
    Prompt,
    /// It takes everything, and nothing becomes ready.
    Stuck,
    /// It takes everything, and says of this version of [`document`] that it cannot be.
    Chokes(u8),
}

/// A data center.
pub(crate) struct FakeDc {
    name: DcName,
    state: Mutex<State>,
}

struct State {
    manner: Manner,
    up: bool,
    /// It keeps what it is to delete.
    holds_on: bool,
    /// It answers, and takes nothing.
    refuses: bool,
    /// It answers, and fails at whatever is to be written of this App.
    fails_at: Option<AppRef>,
    /// It has too much to do, and asks to wait so long.
    busy: Option<Duration>,
    /// The uid of its `kube-system` namespace.
    uid: String,
    /// The stop that its controller keeps.
    stop: Option<Stop>,
    version: u64,
    resources: BTreeMap<AppRef, (Delivery, Resource)>,
    puts: Vec<(AppRef, Fence)>,
    removed: Vec<AppRef>,
    refused: u64,
    namespaces: BTreeSet<NamespaceName>,
    classes: BTreeMap<String, i32>,
    asked_for_classes: u32,
    /// What runs there; none: it never says.
    pods: Option<Vec<PodImages>>,
    watchers: Vec<mpsc::UnboundedSender<Result<Event, Error>>>,
}

impl FakeDc {
    pub(super) fn new(name: &str) -> Arc<Self> {
        let state = State {
            manner: Manner::Prompt,
            up: true,
            holds_on: false,
            refuses: false,
            fails_at: None,
            busy: None,
            uid: format!("uid-of-{name}"),
            stop: None,
            version: 0,
            resources: BTreeMap::new(),
            puts: Vec::new(),
            removed: Vec::new(),
            refused: 0,
            namespaces: BTreeSet::new(),
            classes: BTreeMap::new(),
            asked_for_classes: 0,
            pods: Some(Vec::new()),
            watchers: Vec::new(),
        };
        Arc::new(Self { name: name.parse().unwrap(), state: Mutex::new(state) })
    }

    /// Has a pod of an App run there, as a container runtime would say it.
    pub(crate) fn run(&self, app: &AppRef, image_id: &str) {
        let mut state = self.state.lock().unwrap();
        let uid = state.resources[app].0.uid;
        let app = AppLife { namespace: app.namespace.clone(), uid };
        state.pods.as_mut().unwrap().push(PodImages { app, images: vec![image_id.to_owned()] });
    }

    /// Has it never say what runs there.
    pub(crate) fn keep_silent(&self) {
        self.state.lock().unwrap().pods = None;
    }

    /// What was put into it, in order.
    pub(crate) fn puts(&self) -> Vec<(AppRef, Fence)> {
        self.state.lock().unwrap().puts.clone()
    }

    /// What was taken out of it, in order.
    pub(crate) fn removed(&self) -> Vec<AppRef> {
        self.state.lock().unwrap().removed.clone()
    }

    /// The Release numbers that were put into it, in order.
    pub(crate) fn what_it_has(&self, app: &AppRef) -> Option<Want> {
        self.state.lock().unwrap().resources.get(app).map(|(delivery, _)| delivery.want.clone())
    }

    pub(crate) fn name(&self) -> &DcName {
        &self.name
    }

    /// Its `PriorityClass`es with their values.
    pub(crate) fn classes(&self) -> BTreeMap<String, i32> {
        self.state.lock().unwrap().classes.clone()
    }

    /// Somebody makes a `PriorityClass` there, or deletes it.
    pub(crate) fn class(&self, name: &str, value: Option<i32>) {
        let classes = &mut self.state.lock().unwrap().classes;
        classes.remove(name);
        classes.extend(value.map(|value| (name.to_owned(), value)));
    }

    /// How often it was asked for classes.
    pub(crate) fn asked_for_classes(&self) -> u32 {
        self.state.lock().unwrap().asked_for_classes
    }

    pub(crate) fn is_up(&self) -> bool {
        self.state.lock().unwrap().up
    }

    /// The life of the App that was put into it.
    pub(crate) fn life(&self, app: &AppRef) -> Option<AppUid> {
        self.state.lock().unwrap().resources.get(app).map(|(delivery, _)| delivery.uid)
    }

    /// Whether everything that was put into it for the App is ready.
    pub(crate) fn is_well(&self, app: &AppRef) -> bool {
        let state = self.state.lock().unwrap();
        let status = state.resources.get(app).and_then(|(_, resource)| resource.status.as_ref());
        status.is_some_and(|status| status.replicas.ready == status.replicas.ordered)
    }

    /// How many requests of any kind it refused because it was down.
    pub(crate) fn refused(&self) -> u64 {
        self.state.lock().unwrap().refused
    }

    pub(crate) fn manner(&self, manner: Manner) {
        let mut state = self.state.lock().unwrap();
        state.manner = manner;
        let all: Vec<AppRef> = state.resources.keys().cloned().collect();
        for app in all {
            state.settle(&app);
        }
    }

    pub(crate) fn stop(&self) {
        let mut state = self.state.lock().unwrap();
        state.up = false;
        for watcher in state.watchers.drain(..) {
            let _ = watcher.send(Err(down()));
        }
    }

    pub(crate) fn start(&self) {
        self.state.lock().unwrap().up = true;
    }

    pub(crate) fn fails_at(&self, app: Option<AppRef>) {
        self.state.lock().unwrap().fails_at = app;
    }

    pub(crate) fn busy(&self, busy: Option<Duration>) {
        self.state.lock().unwrap().busy = busy;
    }

    pub(crate) fn refuses(&self, refuses: bool) {
        self.state.lock().unwrap().refuses = refuses;
    }

    pub(crate) fn holds_on(&self, holds_on: bool) {
        let mut state = self.state.lock().unwrap();
        state.holds_on = holds_on;
        let all: Vec<AppRef> = state.resources.keys().cloned().collect();
        for app in all {
            state.settle(&app);
        }
    }

    /// Somebody edits what the App resource carries.
    pub(crate) fn edit(&self, app: &AppRef) {
        let mut state = self.state.lock().unwrap();
        let version = state.next_version();
        let (_, resource) = state.resources.get_mut(app).unwrap();
        resource.version.resource_version = version;
        resource.digest = plimsoll_core::digest::Digest::of_bytes(b"edited");
        resource.asks = Asks::Nothing;
        let event = Event::Changed(resource.clone());
        state.tell(&event);
    }

    /// Somebody has this data center go its own way.
    pub(crate) fn go_local(&self, app: &AppRef, local: Local) {
        let mut state = self.state.lock().unwrap();
        let version = state.next_version();
        let (_, resource) = state.resources.get_mut(app).unwrap();
        resource.version.resource_version = version;
        resource.local = Some(local);
        let event = Event::Changed(resource.clone());
        state.tell(&event);
    }

    /// Somebody deletes all App resources, one after the other.
    pub(crate) fn lose_all(&self) {
        let mut state = self.state.lock().unwrap();
        for app in std::mem::take(&mut state.resources).into_keys() {
            state.tell(&Event::Gone(app));
        }
    }

    /// How many App resources it has.
    pub(crate) fn size(&self) -> usize {
        self.state.lock().unwrap().resources.len()
    }

    /// Remembers everything, as a backup does.
    pub(crate) fn backup(&self) -> Backup {
        Backup(self.state.lock().unwrap().resources.clone())
    }

    /// Puts a backup back: the connection is lost, and what comes back is the earlier state.
    pub(crate) fn put_back(&self, backup: Backup) {
        self.stop();
        let mut state = self.state.lock().unwrap();
        state.resources = backup.0;
        state.up = true;
    }

    /// Another cluster answers under its address.
    pub(crate) fn becomes(&self, uid: &str) {
        self.stop();
        let mut state = self.state.lock().unwrap();
        uid.clone_into(&mut state.uid);
        state.resources.clear();
        state.namespaces.clear();
        state.up = true;
    }

    /// Its controller stops, and says so of an App.
    pub(crate) fn controller_stops(&self, app: &AppRef, stop: Stop) {
        let mut state = self.state.lock().unwrap();
        state.stop = Some(stop);
        let version = state.next_version();
        let (_, resource) = state.resources.get_mut(app).unwrap();
        resource.version.resource_version = version;
        let status = resource.status.as_mut().unwrap();
        status.applied = Applied::Pending;
        status.findings =
            vec![Finding { reason: STOPPED.to_owned(), message: "stopped".to_owned(), fatal: Fatal::No }];
        let event = Event::Changed(resource.clone());
        state.tell(&event);
    }

    /// Whether its controller has stopped.
    pub(crate) fn has_stopped(&self) -> bool {
        self.state.lock().unwrap().stop.is_some()
    }

    /// An App resource that somebody else put there.
    pub(crate) fn holds(&self, delivery: &Delivery) {
        let mut state = self.state.lock().unwrap();
        let resource = resource(delivery, &state.next_version(), None);
        state.resources.insert(delivery.app.clone(), (delivery.clone(), resource));
        state.settle(&delivery.app);
    }

    /// What was delivered of an App.
    pub(crate) fn delivery(&self, app: &AppRef) -> Delivery {
        self.state.lock().unwrap().resources[app].0.clone()
    }

    /// Somebody deletes the App resource.
    pub(crate) fn lose(&self, app: &AppRef) {
        let mut state = self.state.lock().unwrap();
        state.resources.remove(app);
        state.tell(&Event::Gone(app.clone()));
    }
}

/// What a data center had.
pub(crate) struct Backup(BTreeMap<AppRef, (Delivery, Resource)>);

fn resource(delivery: &Delivery, version: &str, there: Option<&Resource>) -> Resource {
    Resource {
        app: delivery.app.clone(),
        version: Version {
            uid: there.map_or_else(|| format!("uid-{version}"), |there| there.version.uid.clone()),
            resource_version: version.to_owned(),
        },
        installation: delivery.installation.clone(),
        uid: delivery.uid,
        fence: delivery.fence,
        digest: delivery.digest,
        release: match &delivery.want {
            Want::Run { release, .. } => Some(*release),
            Want::Deleted => None,
        },
        asks: match &delivery.want {
            Want::Run { content_digest, .. } => Asks::Content(*content_digest),
            Want::Deleted => Asks::Deletion,
        },
        local: None,
        status: None,
    }
}

fn down() -> Error {
    Error::Unreachable("connection refused".into())
}

impl State {
    /// What the data center's controller would say of the App.
    fn settle(&mut self, app: &AppRef) {
        let (manner, holds_on, version) = (self.manner, self.holds_on, self.next_version());
        let Some((delivery, resource)) = self.resources.get_mut(app) else { return };
        let count = match &delivery.want {
            Want::Run { power: Power::Online, replication, .. } => replication.at_least(),
            Want::Run { .. } | Want::Deleted => 0,
        };
        let chokes = match (&delivery.want, manner) {
            (Want::Run { content, .. }, Manner::Chokes(version)) => {
                content.main.image.to_string().contains(&digest(version))
            }
            _ => false,
        };
        let bad = chokes || manner == Manner::Stuck;
        let ready = if bad { 0 } else { count };
        let finding = Finding {
            reason: "ImagePull".to_owned(),
            message: "the image cannot be pulled".to_owned(),
            fatal: if chokes { Fatal::Yes } else { Fatal::No },
        };
        resource.version.resource_version = version;
        resource.status = Some(Status {
            fence: delivery.fence,
            replicas: Replicas {
                ordered: count,
                updated: count,
                ready,
                available: ready,
                old: 0,
                terminating: 0,
            },
            applied: match delivery.want {
                Want::Deleted if holds_on => Applied::Pending,
                Want::Deleted => Applied::Gone,
                Want::Run { .. } => Applied::Current,
            },
            findings: if bad { vec![finding] } else { Vec::new() },
            drift: Vec::new(),
        });
        let event = if resource.installation.as_str() == INSTALLATION {
            Event::Changed(resource.clone())
        } else {
            Event::Foreign { app: app.clone(), installation: resource.installation.clone() }
        };
        self.tell(&event);
    }

    fn next_version(&mut self) -> String {
        self.version += 1;
        self.version.to_string()
    }

    fn tell(&mut self, event: &Event) {
        self.watchers.retain(|watcher| watcher.send(Ok(event.clone())).is_ok());
    }
}

#[async_trait]
impl Cluster for FakeDc {
    async fn identity(&self) -> Result<Identity, Error> {
        let mut state = self.state.lock().unwrap();
        if !state.up {
            state.refused += 1;
            return Err(down());
        }
        Ok(Identity { uid: state.uid.clone(), version: "v1.37.0".to_owned() })
    }

    async fn prepare(&self) -> Result<Definition, Error> {
        Ok(Definition::Found)
    }

    async fn ensure_classes(&self, classes: &[PriorityClass]) -> Result<BTreeMap<String, String>, Error> {
        let mut state = self.state.lock().unwrap();
        state.asked_for_classes += 1;
        let mut blocked = BTreeMap::new();
        for class in classes {
            let there = *state.classes.entry(class.name.clone()).or_insert(class.value);
            if there != class.value {
                blocked.insert(class.name.clone(), format!("{} has the value {there}", class.name));
            }
        }
        Ok(blocked)
    }

    async fn ensure_namespace(
        &self,
        name: &NamespaceName,
        _: &BTreeMap<String, String>,
        _: &Policy,
    ) -> Result<Vec<String>, Error> {
        self.state.lock().unwrap().namespaces.insert(name.clone());
        Ok(Vec::new())
    }

    async fn get(&self, app: &AppRef) -> Result<Option<Resource>, Error> {
        Ok(self.state.lock().unwrap().resources.get(app).map(|(_, resource)| resource.clone()))
    }

    async fn put(&self, delivery: &Delivery, seen: Option<&Version>) -> Result<Resource, Error> {
        let mut state = self.state.lock().unwrap();
        if !state.up {
            state.refused += 1;
            return Err(down());
        }
        if state.fails_at.as_ref() == Some(&delivery.app) {
            state.refused += 1;
            return Err(Error::Failing("etcdserver: request timed out (500)".to_owned()));
        }
        if state.busy.is_some() {
            state.refused += 1;
            return Err(Error::Busy(state.busy));
        }
        if state.refuses {
            state.refused += 1;
            return Err(Error::Refused("not today".to_owned()));
        }
        if !state.namespaces.contains(&delivery.app.namespace) {
            return Err(Error::Refused(format!("namespaces {:?} not found", delivery.app.namespace)));
        }
        let there = state.resources.get(&delivery.app).map(|(_, resource)| resource.clone());
        if there.as_ref().map(|resource| &resource.version) != seen {
            return Err(Error::Conflict);
        }
        if let Some(there) = &there {
            assert!(
                delivery.fence >= there.fence,
                "the fence fell from {} to {}",
                there.fence,
                delivery.fence
            );
        }
        let version = state.next_version();
        let resource = resource(delivery, &version, there.as_ref());
        state.puts.push((delivery.app.clone(), delivery.fence));
        state.resources.insert(delivery.app.clone(), (delivery.clone(), resource.clone()));
        state.settle(&delivery.app);
        Ok(resource)
    }

    async fn pods(&self, apps: &[AppLife]) -> Result<Vec<PodImages>, Error> {
        let pods = {
            let state = self.state.lock().unwrap();
            if !state.up {
                return Err(down());
            }
            state.pods.clone()
        };
        let Some(pods) = pods else { return std::future::pending().await };
        Ok(pods.into_iter().filter(|pod| apps.contains(&pod.app)).collect())
    }

    async fn remove(&self, app: &AppRef, seen: &Version) -> Result<(), Error> {
        let mut state = self.state.lock().unwrap();
        if !state.up {
            state.refused += 1;
            return Err(down());
        }
        match state.resources.get(app) {
            None => Ok(()),
            Some((_, there)) if there.version != *seen => Err(Error::Conflict),
            Some((delivery, _)) => {
                assert_eq!(delivery.want, Want::Deleted, "{app} was to be there");
                state.resources.remove(app);
                state.removed.push(app.clone());
                state.tell(&Event::Gone(app.clone()));
                Ok(())
            }
        }
    }

    async fn stop(&self, _: &InstallationId) -> Result<Option<Stop>, Error> {
        Ok(self.state.lock().unwrap().stop.clone())
    }

    async fn lift(&self, _: &InstallationId, kept: &str) -> Result<(), Error> {
        let mut state = self.state.lock().unwrap();
        let is_that = |stop: &Stop| stop.by == Guard::Controller { kept: kept.to_owned() };
        state.stop = state.stop.take().filter(|stop| !is_that(stop));
        Ok(())
    }

    fn watch(&self, installation: &InstallationId) -> Watch {
        let mut state = self.state.lock().unwrap();
        let (sender, receiver) = mpsc::unbounded_channel();
        if state.up {
            let (ours, others): (Vec<_>, Vec<_>) = state
                .resources
                .values()
                .map(|(_, resource)| resource.clone())
                .partition(|resource| resource.installation == *installation);
            sender.send(Ok(Event::All(ours))).unwrap();
            for Resource { app, installation, .. } in others {
                sender.send(Ok(Event::Foreign { app, installation })).unwrap();
            }
            state.watchers.push(sender);
        } else {
            sender.send(Err(down())).unwrap();
        }
        tokio_stream::wrappers::UnboundedReceiverStream::new(receiver).boxed()
    }
}
