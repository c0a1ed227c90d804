//! The controllers, the scheduler and the kubelets of a cluster, in one task.
//!
//! Everything is level-triggered: a change only says which objects to look at again, and what is done
//! follows from what is there. One task and an ordered queue make a run repeatable.

mod autoscaler;
mod definition;
mod deployment;
mod disruption;
mod endpoints;
mod garbage;
mod kubelet;
mod namespace;
pub(crate) mod node;
mod pressure;
mod queue;
mod quota;
mod recorder;
pub(crate) mod registration;
pub(crate) mod renewal;
mod replica_set;
mod rest;
mod scheduler;
mod selecting;
mod shared;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio_util::sync::CancellationToken;

use crate::api::{Api, Target};
use crate::load::Loads;
use crate::nodes::Nodes;
use crate::object::{self, condition, is_ready};
use crate::script::Scripts;
use crate::status::ApiError;
use crate::store::{Key, Object};
use crate::tree::Value;
use autoscaler::Autoscaler;
use endpoints::Endpoints;
use kubelet::Kubelet;
use node::Lifecycle;
use queue::Queue;
use recorder::Recorder;
use rest::Rest;
use scheduler::Scheduler;
use selecting::Selecting;

/// So many pieces of work are done of one namespace before the next one's.
const TURN: usize = 4096;

/// If there is nothing to do for so long, what was read of objects takes more room than reading it again takes time.
const REST: Duration = Duration::from_secs(30);

/// One thing to look at again.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Work {
    Definition(String),
    Namespace(String),
    Deployment(Key),
    ReplicaSet(Key),
    /// All nodes: whether they are heard of.
    Nodes,
    /// Pods that wait for a node.
    Schedule,
    /// A pod on its node.
    Pod(Key),
    /// A pod that is to be disrupted, as somebody said.
    Disrupted(Key),
    /// An object that others may own, or that may have lost its owner.
    Garbage(Key),
    Quota(Key),
    Budget(Key),
    Autoscaler(Key),
    /// A Service, and where it leads.
    Endpoints(Key),
    ExpireEvents,
}

impl Work {
    /// The namespace that it is about.
    fn namespace(&self) -> Option<&str> {
        match self {
            Self::Deployment(key)
            | Self::ReplicaSet(key)
            | Self::Pod(key)
            | Self::Disrupted(key)
            | Self::Garbage(key)
            | Self::Quota(key)
            | Self::Budget(key)
            | Self::Autoscaler(key)
            | Self::Endpoints(key) => (!key.namespace.is_empty()).then_some(&*key.namespace),
            Self::Definition(_) | Self::Namespace(_) | Self::Nodes | Self::Schedule | Self::ExpireEvents => {
                None
            }
        }
    }
}

/// Runs until it is cancelled.
pub(crate) struct Manager {
    api: Arc<Api>,
    recorder: Recorder,
    autoscaler: Autoscaler,
    endpoints: Endpoints,
    kubelet: Kubelet,
    lifecycle: Lifecycle,
    nodes: Nodes,
    scheduler: Scheduler,
    services: Selecting,
    budgets: Selecting,
    /// Sets whose pods are in order.
    sets_at_rest: Rest,
    budgets_at_rest: Rest,
    put_backs: u64,
    queue: Queue,
    timers: BTreeSet<(Timestamp, Work)>,
    /// The earliest timer of each piece of work, so that no second one is set.
    due: BTreeMap<Work, Timestamp>,
}

impl Manager {
    pub(crate) fn new(api: Arc<Api>, scripts: Scripts, loads: Loads, nodes: Nodes) -> Self {
        let recorder = Recorder::new(api.clone());
        Self {
            autoscaler: Autoscaler::new(api.clone(), recorder.clone(), loads),
            endpoints: Endpoints::new(api.clone()),
            kubelet: Kubelet::new(api.clone(), recorder.clone(), scripts, nodes.clone()),
            lifecycle: Lifecycle::new(api.clone(), recorder.clone(), nodes.clone()),
            nodes,
            scheduler: Scheduler::new(api.clone(), recorder.clone()),
            services: Selecting::new(api.clone(), "services"),
            budgets: Selecting::new(api.clone(), "poddisruptionbudgets.policy"),
            sets_at_rest: Rest::default(),
            budgets_at_rest: Rest::default(),
            put_backs: 0,
            recorder,
            api,
            queue: Queue::from_iter([Work::ExpireEvents]),
            timers: BTreeSet::new(),
            due: BTreeMap::new(),
        }
    }

    /// Brings everything to where it stays without time passing: accounts made, definitions served.
    pub(crate) async fn settle(&mut self) {
        while self.look() || !self.queue.is_empty() {
            self.take_turn().await;
        }
    }

    pub(crate) async fn run(mut self, stop: CancellationToken) {
        loop {
            self.look();
            while !self.queue.is_empty() && !stop.is_cancelled() {
                self.take_turn().await;
            }
            let wait = self.timers.first().map(|(at, _)| until(self.api.now(), *at));
            if wait.is_none_or(|wait| wait >= REST) {
                self.api.store.rest();
            }
            let timer = async {
                match wait {
                    Some(wait) => self.api.clock.sleep(wait).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = stop.cancelled() => return,
                () = self.api.store.unseen() => {}
                () = self.nodes.changed() => self.notice_nodes(),
                () = timer => self.wake(),
            }
        }
    }

    /// Where revisions went back, what was noted of one may be said of another: nothing is at rest.
    fn rouse_if_put_back(&mut self) {
        let put_backs = self.api.store.put_backs();
        if std::mem::replace(&mut self.put_backs, put_backs) != put_backs {
            self.sets_at_rest = Rest::default();
            self.budgets_at_rest = Rest::default();
            self.kubelet.rouse();
        }
    }

    /// Turns what changed since into work; says whether anything did.
    fn look(&mut self) -> bool {
        let unseen = self.api.store.take_unseen();
        self.rouse_if_put_back();
        for (key, gone) in &unseen {
            self.notice(key, gone.as_ref());
        }
        !unseen.is_empty()
    }

    /// Does the work of one namespace until it comes to rest, or others have waited long enough; with a pause now and
    /// then for requests from outside.
    async fn take_turn(&mut self) {
        self.queue.next_turn();
        let mut done = 0_usize;
        while done < TURN && !self.queue.is_turn_over() {
            while let Some(work) = self.queue.pop() {
                if let Some(wait) = self.perform(&work) {
                    self.later(work, wait);
                }
                done += 1;
                if done.is_multiple_of(16) {
                    tokio::task::yield_now().await;
                }
            }
            self.look();
        }
    }

    fn later(&mut self, work: Work, wait: Duration) {
        let wait = SignedDuration::try_from(wait).unwrap_or(SignedDuration::MAX);
        let at = self.api.now().saturating_add(wait).unwrap_or(Timestamp::MAX);
        match self.due.get(&work) {
            Some(held) if *held <= at => return,
            Some(held) => {
                self.timers.remove(&(*held, work.clone()));
            }
            None => {}
        }
        self.due.insert(work.clone(), at);
        self.timers.insert((at, work));
    }

    fn wake(&mut self) {
        let now = self.api.now();
        while self.timers.first().is_some_and(|(at, _)| *at <= now) {
            let Some((_, work)) = self.timers.pop_first() else { break };
            self.due.remove(&work);
            self.queue.insert(work);
        }
    }

    /// Turns a change into what must be looked at because of it.
    fn notice(&mut self, key: &Key, gone: Option<&Object>) {
        let object = match gone {
            Some(last) => Some(last.clone()),
            None => self.api.store.get(key),
        };
        let Some(object) = object else { return };
        match &*key.resource {
            "events" => return,
            "pods" => self.notice_pod(key, &object, gone.is_some()),
            "replicasets.apps" => {
                self.queue.insert(Work::ReplicaSet(key.clone()));
                self.queue_controller(key, &object);
            }
            "deployments.apps" => {
                self.queue.insert(Work::Deployment(key.clone()));
            }
            "nodes" => {
                self.scheduler.learn_node(&key.name, gone.is_none().then_some(&object));
                self.queue.insert(Work::Schedule);
                self.queue.insert(Work::Nodes);
            }
            "namespaces" => {
                self.queue.insert(Work::Namespace(key.name.clone()));
            }
            "resourcequotas" => {
                self.queue.insert(Work::Quota(key.clone()));
            }
            "poddisruptionbudgets.policy" => {
                self.budgets.learn(key, disruption::selector(&object).filter(|_| gone.is_none()));
                self.queue.insert(Work::Budget(key.clone()));
            }
            "services" => {
                self.services.learn(key, endpoints::selector(&object).filter(|_| gone.is_none()));
                self.queue.insert(Work::Endpoints(key.clone()));
            }
            "horizontalpodautoscalers.autoscaling" => {
                self.queue.insert(Work::Autoscaler(key.clone()));
            }
            "customresourcedefinitions.apiextensions.k8s.io" => {
                self.queue.insert(Work::Definition(key.name.clone()));
            }
            _ => {}
        }
        self.notice_owners(key, &object, gone.is_some());
        self.notice_containers(key, &object, gone.is_some());
    }

    /// A node was lost or is back: its pods stand still, or go on.
    fn notice_nodes(&mut self) {
        self.kubelet.rouse();
        self.queue.insert(Work::Nodes);
        self.queue.extend(self.api.store.keys("pods", None).into_iter().map(Work::Pod));
    }

    fn notice_pod(&mut self, key: &Key, pod: &Object, gone: bool) {
        self.queue.insert(Work::Pod(key.clone()));
        self.queue_controller(key, pod);
        self.scheduler.learn_pod(key, pod, gone);
        self.queue.extend(self.services.of_pod(key, pod, gone).into_iter().map(Work::Endpoints));
        self.queue.extend(self.budgets.of_pod(key, pod, gone).into_iter().map(Work::Budget));
        let mut budgets = self.budgets.names_of(key);
        if let (Some(one), Some(_)) = (budgets.next(), budgets.next()) {
            disruption::tell_of_many(&self.recorder, pod, one);
        }
        let facts = pod.facts();
        if !gone && facts.disrupted_since.is_some() {
            self.queue.insert(Work::Disrupted(key.clone()));
        }
        if gone || facts.is_finished || facts.node.is_empty() {
            self.queue.insert(Work::Schedule);
        }
    }

    fn queue_controller(&mut self, key: &Key, object: &Object) {
        let Some(owner) = object.facts().controller() else { return };
        let (namespace, name) = (key.namespace.as_str(), &*owner.name);
        match &*owner.kind {
            "ReplicaSet" => {
                self.queue.insert(Work::ReplicaSet(Key::new("replicasets.apps", namespace, name)))
            }
            "Deployment" => {
                self.queue.insert(Work::Deployment(Key::new("deployments.apps", namespace, name)))
            }
            _ => false,
        };
    }

    fn notice_owners(&mut self, key: &Key, object: &Object, gone: bool) {
        let facts = object.facts();
        let held = facts.is_terminating && object::finalizers(object).next().is_some();
        if !facts.owners.is_empty() || held {
            self.queue.insert(Work::Garbage(key.clone()));
        }
        if gone {
            for dependent in self.api.store.dependents(&facts.uid) {
                self.queue.insert(Work::Garbage(dependent));
            }
            // An owner that waits for its dependents looks again.
            for owner in object::list(object, "/metadata/ownerReferences") {
                if let Some(owner) = garbage::owner_key(&self.api, &key.namespace, owner) {
                    self.queue.insert(Work::Garbage(owner));
                }
            }
        }
    }

    /// What an object lies in: its namespace, quotas over it, and the CRD of a custom resource.
    fn notice_containers(&mut self, key: &Key, object: &Object, gone: bool) {
        if !key.namespace.is_empty() && (gone || object.facts().is_finished) {
            let namespace = self.api.store.get(&Key::new("namespaces", "", key.namespace.as_str()));
            if namespace.is_some_and(|namespace| namespace.facts().is_terminating) {
                self.queue.insert(Work::Namespace(key.namespace.clone()));
            }
            let quotas = self.api.store.keys("resourcequotas", Some(&key.namespace));
            self.queue.extend(quotas.into_iter().map(Work::Quota));
        }
        if gone
            && let Some(resource) = self.api.registry.by_key(&key.resource)
            && resource.is_custom()
        {
            self.queue.insert(Work::Definition(key.resource.to_string()));
        }
    }

    /// Does one piece of work; the answer is when to look again without a change.
    fn perform(&mut self, work: &Work) -> Option<Duration> {
        let outcome = match work {
            Work::Definition(name) => definition::sync(&self.api, name),
            Work::Namespace(name) => namespace::sync(&self.api, name),
            Work::Deployment(key) => deployment::sync(&self.api, &self.recorder, key),
            Work::ReplicaSet(key) => {
                replica_set::sync(&self.api, &self.recorder, &mut self.sets_at_rest, key)
            }
            Work::Nodes => self.lifecycle.sync(),
            Work::Schedule => self.scheduler.sync(),
            Work::Pod(key) => self.kubelet.sync(key),
            Work::Disrupted(key) => disruption::withdraw(&self.api, key),
            Work::Garbage(key) => garbage::sync(&self.api, key),
            Work::Quota(key) => quota::sync(&self.api, key),
            Work::Budget(key) => disruption::sync(&self.api, &self.recorder, &mut self.budgets_at_rest, key),
            Work::Autoscaler(key) => self.autoscaler.sync(key),
            Work::Endpoints(key) => self.endpoints.sync(key),
            Work::ExpireEvents => self.recorder.expire(),
        };
        match outcome {
            Ok(wait) => wait,
            // What is gone needs nothing any more.
            Err(error) if error.reason == "NotFound" => None,
            Err(error) => {
                tracing::debug!(?work, %error, "controller work failed, will be tried again");
                Some(Duration::from_secs(1))
            }
        }
    }
}

/// Serves the custom resources that a store held when it was opened.
pub(crate) fn serve_definitions(api: &Api) {
    let definitions = api.store.list("customresourcedefinitions.apiextensions.k8s.io", None);
    for definition in definitions {
        definition::serve(api, &definition);
    }
}

type Outcome = Result<Option<Duration>, ApiError>;

fn until(now: Timestamp, at: Timestamp) -> Duration {
    Duration::try_from(at.duration_since(now)).unwrap_or_default()
}

/// The target that names a stored object in the preferred version of its resource.
fn target(api: &Api, key: &Key) -> Option<Target> {
    let resource = api.registry.by_key(&key.resource)?;
    Some(Target::new(&resource, &key.namespace, &key.name))
}

/// The objects of one table that an object controls.
fn controlled(api: &Api, resource: &str, owner: &Object) -> Vec<Object> {
    let tx = api.store.begin();
    let uid = &owner.facts().uid;
    let is_ours = |object: &Object| object.facts().controller().is_some_and(|held| held.uid == *uid);
    tx.dependents(uid)
        .into_iter()
        .filter(|key| &*key.resource == resource)
        .filter_map(|key| tx.get(&key))
        .filter(is_ours)
        .collect()
}

/// An `ownerReferences` entry that makes `owner` the controller.
fn controller_reference(owner: &Value) -> Value {
    crate::tree::json!({
        "apiVersion": owner["apiVersion"],
        "kind": owner["kind"],
        "name": object::name(owner),
        "uid": object::uid(owner),
        "controller": true,
        "blockOwnerDeletion": true,
    })
}

/// Whether a pod has been ready for `seconds`; if not yet, how long it still needs.
fn availability(pod: &Object, seconds: i64, now: Timestamp) -> Result<(), Option<Duration>> {
    let facts = pod.facts();
    if !facts.is_ready {
        return Err(None);
    }
    if seconds == 0 {
        return Ok(());
    }
    let since = facts.ready_since.ok_or(None)?;
    let at = since.saturating_add(SignedDuration::from_secs(seconds)).map_err(|_| None)?;
    if at <= now { Ok(()) } else { Err(Some(until(now, at))) }
}

/// An absolute number or a percentage of `total`.
fn int_or_percent(value: &Value, total: i64, round: Rounding) -> i64 {
    match value {
        Value::Number(number) => number.as_i64().unwrap_or_default(),
        Value::String(text) => {
            let percent: i64 = text.trim_end_matches('%').parse().unwrap_or_default();
            match round {
                Rounding::Up => (percent * total + 99) / 100,
                Rounding::Down => percent * total / 100,
            }
        }
        _ => 0,
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Rounding {
    Up,
    Down,
}
