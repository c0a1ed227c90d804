//! The store of a data center is put back to an earlier state under a controller that runs: it finds out, whatever it
//! is told of it.

#![expect(clippy::expect_used, reason = "what helps a test fails as the test does")]

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures::StreamExt as _;
use plimsoll_core::cluster::{Cluster as _, Event};
use plimsoll_k8s_adapter::contract::{MkDelivery, Running, Target};
use plimsoll_sim_cluster::{ApiError, Backup, Fault, HookId, SimCluster, Verb, WatchFault};
use serde_json::json;

async fn simulated() -> SimCluster {
    SimCluster::builder().start().await.expect("the simulated cluster starts")
}

/// What is stored now, and an Order after two more of which nothing is in it.
async fn back_up_and_go_on(cluster: &SimCluster, running: &Running<'_>) -> (Backup, MkDelivery) {
    let mut order = running.app();
    running.settle(&order).await;
    let backup = cluster.back_up();
    for restarts in 1..=2 {
        order = order.next(|next| next.restarts = restarts);
        running.settle(&order).await;
    }
    (backup, order.next(|next| next.restarts = 3))
}

/// Every list is followed by no watch, and while one is read others of the controller's requests are answered.
#[tokio::test]
async fn it_is_found_out_where_watches_alone_are_refused() {
    let cluster = simulated().await;
    let target = Target::new(&cluster.kubeconfig()).await;
    let running = Running::start(&target);
    let (backup, order) = back_up_and_go_on(&cluster, &running).await;

    cluster.hooks().on_request(|request| match request.verb {
        Verb::List => Fault::Delay(Duration::from_millis(500)),
        _ => Fault::Pass,
    });
    let refusing = cluster.hooks().on_request(|request| match request.verb {
        Verb::Watch => Fault::Fail(ApiError::timeout()),
        _ => Fault::Pass,
    });
    cluster.hooks().cut_watches();
    cluster.put_back(&backup).expect("it is put back");
    running.order(&order).await;
    let mark = cluster.journal().mark();
    let lists = async || {
        let entries = cluster.journal().since(mark);
        let of = |plural| {
            entries
                .iter()
                .filter(|entry| entry.request.verb == Verb::List && entry.request.is_for(plural))
                .count()
        };
        (of("deployments") >= 3 && of("apps.dc.plimsoll.io") >= 3).then_some(())
    };
    target.until("lists read", lists).await;
    cluster.hooks().remove(refusing);

    running.settled(&order).await;
    running.stop().await;
}

/// The watches of App resources and Deployments end, as with a server that is restarted in order, and whoever asks
/// again waits until the answer is let go.
struct Ending(Vec<HookId>);

impl Ending {
    async fn of(cluster: &SimCluster, target: &Target, watches: u64) -> Self {
        let waiting = cluster.hooks().on_request(|request| match request.verb {
            Verb::Watch | Verb::List => Fault::Delay(Duration::from_secs(2)),
            _ => Fault::Pass,
        });
        let ended = Arc::new(AtomicU64::new(0));
        let count = ended.clone();
        let ending = cluster.hooks().on_watch_event(move |event| {
            if event.request.is_for("apps.dc.plimsoll.io") || event.request.is_for("deployments") {
                count.fetch_add(1, Ordering::Relaxed);
            }
            WatchFault::End
        });
        let change = json!({"metadata": {"annotations": {"somebody": "was here"}}});
        target.merge_as("somebody", "apis/dc.plimsoll.io/v1alpha1", "apps/shop", &change).await;
        target.merge_as("somebody", "apis/apps/v1", "deployments/shop", &change).await;
        let all = async || (ended.load(Ordering::Relaxed) >= watches).then_some(());
        target.until("watches ended", all).await;
        Self(vec![waiting, ending])
    }

    fn over(self, cluster: &SimCluster) {
        for hook in self.0 {
            cluster.hooks().remove(hook);
        }
    }
}

/// A watch from a version of the future begins, and tells nothing.
#[tokio::test]
async fn it_is_found_out_where_watches_end_without_an_error() {
    let cluster = simulated().await;
    let target = Target::new(&cluster.kubeconfig()).await;
    let running = Running::start(&target);
    let (backup, order) = back_up_and_go_on(&cluster, &running).await;

    let ending = Ending::of(&cluster, &target, 2).await;
    cluster.put_back(&backup).expect("it is put back");
    ending.over(&cluster);

    running.settle(&order).await;
    running.stop().await;
}

/// A watch from a version that was given anew begins, and misses what lies before.
#[tokio::test]
async fn it_is_found_out_where_versions_were_given_anew() {
    let cluster = simulated().await;
    let target = Target::new(&cluster.kubeconfig()).await;
    let running = Running::start(&target);
    let (backup, order) = back_up_and_go_on(&cluster, &running).await;

    let ending = Ending::of(&cluster, &target, 2).await;
    let last = cluster.revision();
    cluster.put_back(&backup).expect("it is put back");
    running.order(&order).await;
    target.create("api/v1", "configmaps", &json!({"metadata": {"name": "filler"}})).await;
    for n in 0.. {
        if cluster.revision() > last {
            break;
        }
        let change = json!({"data": {"n": n.to_string()}});
        target.merge_as("somebody", "api/v1", "configmaps/filler", &change).await;
    }
    ending.over(&cluster);

    running.settled(&order).await;
    running.stop().await;
}

/// The worker's: whoever watches the App resources hears what is there after it.
#[tokio::test]
async fn who_watches_app_resources_is_told_all_of_them_anew() {
    let cluster = simulated().await;
    let target = Target::new(&cluster.kubeconfig()).await;
    let running = Running::start(&target);
    let (backup, order) = back_up_and_go_on(&cluster, &running).await;
    running.stop().await;
    let installation = target.namespace.parse().expect("a name");
    let mark = cluster.journal().mark();
    let mut watch = target.cluster.watch(&installation);
    let told = tokio::spawn(async move {
        let mut fences = Vec::new();
        while fences.len() < 2 {
            let event = watch.next().await.expect("the watch goes on").expect("without an error");
            if let Event::All(all) = event {
                fences.extend(all.into_iter().map(|resource| resource.fence.revision.0));
            }
        }
        fences
    });
    let begun = async || {
        let entries = cluster.journal().since(mark);
        entries.iter().any(|entry| entry.request.verb == Verb::Watch).then_some(())
    };
    target.until("the watch begun", begun).await;

    // The third was never ordered.
    let ending = Ending::of(&cluster, &target, 1).await;
    cluster.put_back(&backup).expect("it is put back");
    ending.over(&cluster);

    let now = order.delivery().fence.revision.0;
    // A bookmark, which comes once a minute, would tell it too.
    let told = tokio::time::timeout(Duration::from_secs(30), told).await.expect("both lists in time");
    assert_eq!(told.expect("both lists"), [now - 1, now - 3]);
}
