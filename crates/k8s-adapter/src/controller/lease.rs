//! The election of a data center's controller, by a Lease in its own cluster.
//!
//! As Kubernetes' own components do it: the times in a Lease are another machine's and are not compared with
//! ours. A holder is gone when its Lease has not changed for a whole term of our own watching.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use plimsoll_core::clock::Clock;
use plimsoll_core::cluster::Error;
use plimsoll_core::error::Chain;
use serde_json::{Value, json};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::Options;
use crate::cluster::SYSTEM_NAMESPACE;
use crate::connection::{Subject, to_error};
use crate::rest::Rest;

/// A holder that says nothing for so long is gone.
const TERM: Duration = Duration::from_secs(15);
/// A holder that could not say anything for so long stops, well before others think it gone.
const GIVES_UP: Duration = Duration::from_secs(10);
const RENEWS: Duration = Duration::from_secs(5);
const ASKS: Duration = Duration::from_secs(2);

/// A candidate.
pub(super) struct Lease {
    rest: Rest,
    name: String,
    identity: String,
    clock: Arc<dyn Clock>,
}

/// A candidate that was elected.
pub(super) struct Term<'a> {
    lease: &'a Lease,
    object: Value,
}

/// The holder of a Lease as last seen, and since when we see the same.
struct Seen {
    spec: Value,
    since: Instant,
}

impl Lease {
    pub(super) fn new(rest: Rest, options: &Options) -> Self {
        Self {
            rest,
            name: format!("plimsoll-controller-{}", options.installation),
            identity: options.identity.clone(),
            clock: options.clock.clone(),
        }
    }

    /// Waits until elected; `None` once `stop` is cancelled.
    pub(super) async fn acquire(&self, stop: &CancellationToken) -> Option<Term<'_>> {
        let mut seen = None;
        let mut said = false;
        while !stop.is_cancelled() {
            match self.attempt(&mut seen).await {
                Ok(Some(object)) => return Some(Term { lease: self, object }),
                Ok(None) => {}
                Err(error) => {
                    if !std::mem::replace(&mut said, true) {
                        tracing::warn!(lease = self.name, error = %Chain(&error), "the election has to wait");
                    }
                }
            }
            let _ = tokio::time::timeout(ASKS, stop.cancelled()).await;
        }
        None
    }

    /// Takes the Lease if nobody holds it, or nobody any more.
    async fn attempt(&self, seen: &mut Option<Seen>) -> Result<Option<Value>, Error> {
        let Some(mut object) = self.rest.find::<Value>(&self.path()).await.map_err(other)? else {
            return self.create().await.map(Some);
        };
        let spec = &object["spec"];
        let holder = spec["holderIdentity"].as_str().unwrap_or_default();
        let is_free = holder.is_empty() || holder == self.identity;
        let is_same = seen.as_ref().is_some_and(|seen| seen.spec == *spec);
        if !is_same {
            *seen = Some(Seen { spec: spec.clone(), since: Instant::now() });
        }
        let is_gone = seen.as_ref().is_some_and(|seen| seen.since.elapsed() >= TERM);
        if !is_free && !is_gone {
            return Ok(None);
        }
        let transitions = spec["leaseTransitions"].as_u64().unwrap_or(0);
        let acquired = self.now();
        object["spec"] = json!({
            "holderIdentity": self.identity,
            "leaseDurationSeconds": TERM.as_secs(),
            "acquireTime": acquired,
            "renewTime": acquired,
            "leaseTransitions": if holder == self.identity { transitions } else { transitions + 1 },
        });
        match self.rest.replace(&self.path(), &object).await {
            Ok(object) => Ok(Some(object)),
            // Another was faster.
            Err(kube::Error::Api(status)) if status.is_conflict() => Ok(None),
            Err(error) => Err(other(error)),
        }
    }

    async fn create(&self) -> Result<Value, Error> {
        let now = self.now();
        let object = json!({
            "apiVersion": "coordination.k8s.io/v1",
            "kind": "Lease",
            "metadata": {
                "name": self.name,
                "namespace": SYSTEM_NAMESPACE,
                "labels": {"app.kubernetes.io/managed-by": "plimsoll"},
            },
            "spec": {
                "holderIdentity": self.identity,
                "leaseDurationSeconds": TERM.as_secs(),
                "acquireTime": now,
                "renewTime": now,
                "leaseTransitions": 0,
            },
        });
        let answer = match self.rest.create(&collection(), &object).await {
            Err(kube::Error::Api(status)) if status.code == 404 => {
                let namespace = json!({
                    "apiVersion": "v1",
                    "kind": "Namespace",
                    "metadata": {"name": SYSTEM_NAMESPACE, "labels": {"app.kubernetes.io/managed-by": "plimsoll"}},
                });
                let _: Value = self.rest.create("/api/v1/namespaces", &namespace).await.map_err(other)?;
                self.rest.create(&collection(), &object).await
            }
            answer => answer,
        };
        answer.map_err(other)
    }

    fn path(&self) -> String {
        format!("{}/{}", collection(), self.name)
    }

    fn now(&self) -> String {
        micro_time(self.clock.now())
    }
}

impl Term<'_> {
    /// Keeps the Lease; ends when it is lost, or `stop` is cancelled.
    pub(super) async fn keep(&mut self, stop: &CancellationToken) {
        let mut renewed = Instant::now();
        loop {
            let pause = if renewed.elapsed() < RENEWS { RENEWS } else { ASKS };
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(pause) => {}
            }
            let attempted = Instant::now();
            let left = GIVES_UP.saturating_sub(renewed.elapsed());
            match tokio::time::timeout(left, self.renew()).await {
                Ok(Ok(())) => renewed = attempted,
                Ok(Err(Error::Conflict)) => {
                    tracing::warn!(lease = self.lease.name, "another has taken the Lease");
                    return;
                }
                Ok(Err(_)) if renewed.elapsed() < GIVES_UP => {}
                Ok(Err(error)) => {
                    tracing::warn!(lease = self.lease.name, error = %Chain(&error), "the Lease cannot be kept");
                    return;
                }
                Err(_) => {
                    tracing::warn!(lease = self.lease.name, "the Lease cannot be kept: no answer in time");
                    return;
                }
            }
        }
    }

    /// Lets others take over at once.
    pub(super) async fn release(mut self) {
        self.object["spec"]["holderIdentity"] = json!("");
        self.object["spec"]["leaseDurationSeconds"] = json!(1);
        self.object["spec"]["renewTime"] = json!(self.lease.now());
        // Whoever cannot be told waits for the end of the term.
        let _ = self.lease.rest.replace::<_, Value>(&self.lease.path(), &self.object).await;
    }

    async fn renew(&mut self) -> Result<(), Error> {
        self.object["spec"]["renewTime"] = json!(self.lease.now());
        match self.lease.rest.replace(&self.lease.path(), &self.object).await {
            Ok(object) => self.object = object,
            Err(kube::Error::Api(status)) if status.is_conflict() => {
                // Our own write may have come through without its answer.
                let there: Value = self.lease.rest.get(&self.lease.path()).await.map_err(other)?;
                if there["spec"]["holderIdentity"] != self.lease.identity.as_str() {
                    return Err(Error::Conflict);
                }
                self.object = there;
            }
            Err(error) => return Err(other(error)),
        }
        Ok(())
    }
}

fn collection() -> String {
    format!("/apis/coordination.k8s.io/v1/namespaces/{SYSTEM_NAMESPACE}/leases")
}

/// The form of `MicroTime`: always six digits.
fn micro_time(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%S%.6fZ").to_string()
}

fn other(error: kube::Error) -> Error {
    to_error(error, Subject::Other)
}
