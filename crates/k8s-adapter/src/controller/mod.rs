//! The controller of a data center: it makes of each App resource what the App is, and says what is there.
//!
//! It needs its own data center's API server and nothing else. One of several is elected by a Lease; that is
//! for efficiency only, since every write carries its own precondition.

mod brake;
mod budget;
mod companions;
mod execute;
mod feed;
mod fight;
mod gone;
mod held;
mod lease;
mod pace;
mod queue;
mod turn;
mod world;

use std::sync::Arc;
use std::time::Duration;

use futures::future::{self, Either};
use plimsoll_core::clock::Clock;
use plimsoll_core::name::{DcName, InstallationId};
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::KubeCluster;
use brake::Brake;
use companions::Companions;
use lease::Lease;
use queue::Queue;
use turn::Controller;
use world::World;

/// What a controller needs to know.
#[derive(Clone)]
pub struct Options {
    /// The installation whose Apps it looks after.
    pub installation: InstallationId,
    /// The data center that it is in.
    pub dc: DcName,
    /// Who it is among the candidates. The same after a restart only where nobody else can have it, as for
    /// the one process that holds a data directory: it then goes on at once.
    pub identity: String,
    /// Tells the time that is written down.
    pub clock: Arc<dyn Clock>,
    /// How many Apps are worked on at once.
    pub concurrency: usize,
    /// Told when the credentials turn out not to suffice to see what is there.
    pub blind: Arc<Notify>,
}

impl Options {
    /// The usual ones.
    pub fn new(installation: InstallationId, dc: DcName, identity: String, clock: Arc<dyn Clock>) -> Self {
        Self { installation, dc, identity, clock, concurrency: 8, blind: Arc::default() }
    }
}

/// Runs the controller of one data center until `stop`. It never gives up: while its API server does not
/// answer, it tries again.
pub async fn run(cluster: &KubeCluster, options: Options, stop: CancellationToken) {
    let lease = Lease::new(cluster.rest().clone(), &options);
    while !stop.is_cancelled() {
        let Some(mut term) = lease.acquire(&stop).await else { break };
        tracing::info!(dc = %options.dc, "leading the data center's Apps");
        let lead = Box::pin(lead(cluster, &options));
        let kept = Box::pin(term.keep(&stop));
        if let Either::Left((never, _)) = future::select(lead, kept).await {
            match never {}
        }
        term.release().await;
    }
}

/// Works until it is dropped.
async fn lead(cluster: &KubeCluster, options: &Options) -> std::convert::Infallible {
    let world = Arc::new(World::default());
    let queue = Arc::new(Queue::default());
    let brake = Arc::new(Brake::new(cluster.rest().clone(), options, world.clone(), queue.clone()));
    let rest = cluster.rest().clone();
    let companions = Arc::new(Companions::new(rest.clone(), options, world.clone(), queue.clone()));
    let mut tasks = JoinSet::new();
    feed::spawn(&mut tasks, cluster, options, &world, &queue);
    companions.spawn(&mut tasks, cluster);
    let controller =
        Arc::new(Controller::new(rest, options, world.clone(), queue.clone(), brake.clone(), companions));
    brake.load().await;
    tasks.spawn(async move { brake.run().await });
    for _ in 0..options.concurrency.max(1) {
        let (controller, world, queue) = (controller.clone(), world.clone(), queue.clone());
        tasks.spawn(async move {
            world.complete().await;
            loop {
                let app = queue.next().await;
                controller.turn(&app).await;
                queue.done(&app);
            }
        });
    }
    // A task ends by a defect alone; the next election starts all of them anew.
    while let Some(ended) = tasks.join_next().await {
        if let Err(error) = ended {
            tracing::error!(dc = %options.dc, %error, "a part of the controller ended");
        }
    }
    tokio::time::sleep(Duration::MAX).await;
    future::pending().await
}
