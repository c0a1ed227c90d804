//! An autoscaled App under load, on a simulated cluster whose time runs faster.

use std::time::{Duration, Instant};

use futures::FutureExt;
use futures::future::BoxFuture;
use jiff::Timestamp;
use plimsoll_core::cluster::Replicas;
use plimsoll_core::scale::{Autoscale, Replication};
use plimsoll_k8s_adapter::contract::mk::mk_image;
use plimsoll_k8s_adapter::contract::{Running, Target};
use plimsoll_sim_cluster::{Clock, Containers, Load, SimCluster, Usage};

/// How much faster.
const TIMES: u32 = 40;

#[derive(Debug)]
struct Faster {
    origin: Timestamp,
    began: Instant,
}

impl Clock for Faster {
    fn now(&self) -> Timestamp {
        let elapsed = self.began.elapsed() * TIMES;
        self.origin.saturating_add(elapsed).unwrap_or(Timestamp::MAX)
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        tokio::time::sleep(duration / TIMES).boxed()
    }
}

fn cpu(cpu_millis: u32) -> Load {
    Load::Shared(Usage { cpu_millis, ..Usage::default() })
}

fn all(pods: u32) -> Replicas {
    Replicas { ordered: pods, updated: pods, ready: pods, available: pods, old: 0, terminating: 0 }
}

#[tokio::test]
async fn an_app_grows_and_shrinks_with_its_load_and_no_publish_fights_its_autoscaler() {
    let clock = Faster { origin: Timestamp::now(), began: Instant::now() };
    let cluster = SimCluster::builder().clock(clock).start().await.expect("the simulated cluster starts");
    cluster.loads().set(Containers::all(), cpu(1500));
    let target = Target::new(&cluster.kubeconfig()).await;
    let running = Running::start(&target);
    // Half of a limit of 500m: 250m each.
    let order = running.app().next(|next| {
        next.replication = Replication::Auto(Autoscale { min: 2, max: 10, cpu_percent: 50 });
    });
    running.order(&order).await;
    running.status(&order, "six pods for the load", |status| status.replicas == all(6)).await;

    let upgraded = order.next(|next| next.content_mut().main.image = mk_image("shop/web", 'b'));
    let status = running.settle(&upgraded).await;
    assert_eq!(status.replicas, all(6));
    assert_eq!(status.drift, Vec::new());

    cluster.loads().set(Containers::all(), cpu(200));
    running.status(&upgraded, "the least", |status| status.replicas == all(2)).await;
    running.stop().await;
}
