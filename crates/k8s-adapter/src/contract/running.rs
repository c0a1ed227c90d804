//! A controller that runs for the time of a check.

use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use plimsoll_core::clock::Clock;
use plimsoll_core::cluster::{Applied, Cluster as _, Replicas, Resource, Status};
use plimsoll_core::content::{Check, PortRef, Probe, Shutdown};
use serde_json::Value;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::Target;
use super::mk::{DC, MkDelivery, mk_probe};
use crate::controller::{self, Options};

/// A controller, and the Apps of its own installation.
pub struct Running<'a> {
    /// Where it runs.
    pub target: &'a Target,
    stop: CancellationToken,
    task: JoinHandle<()>,
}

struct SystemClock(Instant);

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    fn elapsed(&self) -> Duration {
        self.0.elapsed()
    }
}

impl<'a> Running<'a> {
    /// Starts one.
    pub fn start(target: &'a Target) -> Self {
        Self::start_as(target, "check")
    }

    /// Starts one of several candidates.
    pub fn start_as(target: &'a Target, identity: &str) -> Self {
        let stop = CancellationToken::new();
        let clock = Arc::new(SystemClock(Instant::now()));
        let installation = target.namespace.parse().unwrap();
        let options = Options::new(installation, DC.parse().unwrap(), identity.to_owned(), clock);
        let (cluster, stopped) = (target.cluster.clone(), stop.clone());
        let task = tokio::spawn(async move { controller::run(&cluster, options, stopped).await });
        Self { target, stop, task }
    }

    /// Stops it in order.
    pub async fn stop(self) {
        self.stop.cancel();
        self.task.await.unwrap();
    }

    /// An App of this check's installation.
    pub fn app(&self) -> MkDelivery {
        mk_app(self.target)
    }

    /// Orders something; whatever lies there is replaced.
    pub async fn order(&self, order: &MkDelivery) -> Resource {
        put(self.target, order).await
    }

    /// Orders something, and waits until it is so.
    pub async fn settle(&self, order: &MkDelivery) -> Status {
        self.order(order).await;
        self.settled(order).await
    }

    /// Waits until an Order is carried out, and says what is said then.
    pub async fn settled(&self, order: &MkDelivery) -> Status {
        let what = format!("release {} with fence {} carried out", order.release, order.revision);
        self.status(order, &what, is_settled).await
    }

    /// Waits until the status that belongs to an Order is like this.
    pub async fn status(&self, order: &MkDelivery, what: &str, like: impl Fn(&Status) -> bool) -> Status {
        let fence = order.delivery().fence;
        let seen = std::cell::RefCell::new(None);
        let ask = async || {
            let status =
                self.target.cluster.get(&order.app).await.unwrap().and_then(|resource| resource.status);
            seen.replace(status.clone());
            status.filter(|status| status.fence == fence && like(status))
        };
        self.target.until_or(what, ask, || format!("{:#?}", seen.borrow())).await
    }

    /// The Deployment.
    pub async fn deployment(&self) -> Value {
        self.target.get("apis/apps/v1", "deployments/shop").await
    }
}

/// An App of a check's own installation.
pub(super) fn mk_app(target: &Target) -> MkDelivery {
    let mut order = MkDelivery::new(&target.namespace);
    order.installation.clone_from(&target.namespace);
    order.uid = uuid::Uuid::now_v7().into();
    // Without it, each pod would have to prove itself for some seconds.
    let probe = mk_probe(Check::Tcp { port: PortRef::Number(8080) });
    let probe = Probe { period: Duration::from_secs(1), ..probe };
    order.content_mut().main.probes.readiness = Some(probe);
    // Nor does a check wait for load balancers.
    order.content_mut().shutdown = Shutdown { drain: Duration::ZERO, grace: Duration::from_secs(1) };
    order
}

/// Orders something; whatever lies there is replaced.
pub(super) async fn put(target: &Target, order: &MkDelivery) -> Resource {
    let delivery = order.delivery();
    let ask = async || {
        let seen = target.cluster.get(&order.app).await.unwrap();
        // The controller may write its status in between.
        target.cluster.put(&delivery, seen.map(|seen| seen.version).as_ref()).await.ok()
    };
    target.until("an Order written", ask).await
}

/// Whether all is as ordered, and at rest.
pub(super) fn is_settled(status: &Status) -> bool {
    let Replicas { ordered, updated, ready, available, old, terminating } = status.replicas;
    let all = [updated, ready, available].into_iter().all(|count| count == ordered);
    status.applied == Applied::Gone
        || status.applied == Applied::Current && all && old == 0 && terminating == 0
}
