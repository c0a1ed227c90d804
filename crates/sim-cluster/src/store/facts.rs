//! What controllers look at most, taken out of an object when it is stored: nobody has to read it for that.

use std::hash::{DefaultHasher, Hash, Hasher};

use jiff::Timestamp;

use crate::clock;
use crate::object::{self, flag, integer, list, text};
use crate::tree::Value;

/// Of an object, what is looked at far more often than it changes.
#[derive(Debug)]
pub(crate) struct Facts {
    /// Its version.
    pub(crate) revision: u64,
    pub(crate) name: Box<str>,
    pub(crate) uid: Box<str>,
    /// Whether it is on its way out.
    pub(crate) is_terminating: bool,
    /// Of a pod: whether it succeeded or failed.
    pub(crate) is_finished: bool,
    /// Of a pod or a node: whether it says that it is ready.
    pub(crate) is_ready: bool,
    /// Since when it is ready or not, if it says so.
    pub(crate) ready_since: Option<Timestamp>,
    /// Of a pod: since when it is to be disrupted, if somebody else than its kubelet said so.
    pub(crate) disrupted_since: Option<Timestamp>,
    /// Of a pod: where it is.
    pub(crate) node: Box<str>,
    pub(crate) address: Box<str>,
    /// Of a pod: the name that it goes by below that of a Service, and the name of this Service.
    pub(crate) hostname: Box<str>,
    pub(crate) subdomain: Box<str>,
    /// Of a pod: the ports of the containers that run as long as it does.
    pub(crate) ports: Box<[Port]>,
    /// How many are ordered.
    pub(crate) replicas: Option<i64>,
    pub(crate) owners: Box<[Owner]>,
    /// Differs where the labels differ.
    pub(crate) labels: u64,
}

/// An entry of `ownerReferences`.
#[derive(Debug)]
pub(crate) struct Owner {
    pub(crate) api_version: Box<str>,
    pub(crate) kind: Box<str>,
    pub(crate) name: Box<str>,
    pub(crate) uid: Box<str>,
    pub(crate) is_controller: bool,
}

/// A port of a container.
#[derive(Debug)]
pub(crate) struct Port {
    pub(crate) name: Box<str>,
    pub(crate) protocol: Box<str>,
    pub(crate) number: Option<i64>,
}

impl Facts {
    pub(super) fn of(object: &Value) -> Self {
        let boxed = |pointer: &str| text(object, pointer).into();
        let ready = object::condition(object, "Ready");
        let disrupted = object::condition(object, "DisruptionTarget").filter(|disrupted| {
            text(disrupted, "/status") == "True" && text(disrupted, "/reason") != "TerminationByKubelet"
        });
        let owner = |owner: &Value| Owner {
            api_version: text(owner, "/apiVersion").into(),
            kind: text(owner, "/kind").into(),
            name: text(owner, "/name").into(),
            uid: text(owner, "/uid").into(),
            is_controller: flag(owner, "/controller"),
        };
        let mut labels = DefaultHasher::new();
        for (label, value) in object::map(object, "/metadata/labels").into_iter().flatten() {
            (label, value.as_str()).hash(&mut labels);
        }
        Self {
            revision: object::resource_version(object).parse().unwrap_or_default(),
            name: object::name(object).into(),
            uid: object::uid(object).into(),
            is_terminating: object::is_terminating(object),
            is_finished: matches!(text(object, "/status/phase"), "Succeeded" | "Failed"),
            is_ready: ready.is_some_and(|ready| text(ready, "/status") == "True"),
            ready_since: ready.and_then(|ready| clock::parse(text(ready, "/lastTransitionTime"))),
            disrupted_since: disrupted
                .and_then(|disrupted| clock::parse(text(disrupted, "/lastTransitionTime"))),
            node: boxed("/spec/nodeName"),
            address: boxed("/status/podIP"),
            hostname: boxed("/spec/hostname"),
            subdomain: boxed("/spec/subdomain"),
            ports: object::lasting_containers(object)
                .flat_map(|container| list(container, "/ports"))
                .map(|port| Port {
                    name: text(port, "/name").into(),
                    protocol: text(port, "/protocol").into(),
                    number: integer(port, "/containerPort"),
                })
                .collect(),
            replicas: integer(object, "/spec/replicas"),
            owners: list(object, "/metadata/ownerReferences").iter().map(owner).collect(),
            labels: labels.finish(),
        }
    }

    /// The owner that controls it.
    pub(crate) fn controller(&self) -> Option<&Owner> {
        self.owners.iter().find(|owner| owner.is_controller)
    }

    /// Of a pod: whether it counts for whoever ordered it.
    pub(crate) fn is_active(&self) -> bool {
        !self.is_terminating && !self.is_finished
    }

    /// What of a pod those that stand over it go by, beside its specification, which stays.
    pub(crate) fn hash_state(&self, hasher: &mut impl Hasher) {
        let Self {
            revision: _,
            name: _,
            uid,
            is_terminating,
            is_finished,
            is_ready,
            ready_since,
            node,
            address,
            ..
        } = self;
        (uid, is_terminating, is_finished, is_ready, ready_since, node, address, self.labels).hash(hasher);
    }
}
