//! The controller under servers that lag behind and events that come in another order, on the simulated cluster: it
//! ends where it would have, does nothing twice, and is quiet then.

#![expect(clippy::expect_used, reason = "what helps a test fails as the test does")]

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use plimsoll_k8s_adapter::contract::{Running, Target};
use plimsoll_sim_cluster::{Fault, Mark, Order, RequestInfo, SimCluster, Verb, WatchFault};
use serde_json::{Value, json};

/// At how many earlier versions a controller is started.
const STARTS: u64 = 8;

async fn simulated() -> SimCluster {
    SimCluster::builder().start().await.expect("the simulated cluster starts")
}

/// What must outlive whatever happens to the controller.
async fn workloads(target: &Target) -> Value {
    let mut shown = Vec::new();
    for (api, path) in [
        ("apis/dc.plimsoll.io/v1alpha1", "apps/shop"),
        ("apis/apps/v1", "deployments/shop"),
        ("api/v1", "services/shop"),
        ("apis/policy/v1", "poddisruptionbudgets/shop"),
    ] {
        let found = target.find(api, path).await;
        shown.push(found.map(|object| json!([path, object["metadata"]["uid"]])));
    }
    json!(shown)
}

/// What was deleted or made since, beside events and elections.
fn made_or_deleted(cluster: &SimCluster, mark: Mark) -> Vec<String> {
    let counts = |request: &RequestInfo| {
        let remade = matches!(request.verb, Verb::Create | Verb::Delete | Verb::DeleteCollection);
        remade && !request.is_for("leases") && !request.is_for("events")
    };
    let writes = cluster.journal().writes_since(mark).into_iter();
    writes.filter(|entry| entry.changed && counts(&entry.request)).map(|entry| entry.to_string()).collect()
}

#[tokio::test]
async fn a_controller_that_begins_with_any_earlier_version_ends_where_it_was() {
    let cluster = simulated().await;
    let target = Target::new(&cluster.kubeconfig()).await;
    let first = cluster.revision();
    let running = Running::start(&target);
    let mut order = running.app();
    running.settle(&order).await;
    order = order.next(|next| next.restarts = 1);
    running.settle(&order).await;
    running.stop().await;
    let (last, there) = (cluster.revision(), workloads(&target).await);

    for start in 0..STARTS {
        let revision = first + (last - first) * start / STARTS;
        let mark = cluster.journal().mark();
        let hook = cluster.hooks().on_request(move |request| match request.verb {
            Verb::List | Verb::Watch => Fault::Stale { revision },
            _ => Fault::Pass,
        });
        let running = Running::start(&target);
        order = order.next(|next| next.restarts = 1);
        running.settle(&order).await;
        assert_eq!(workloads(&target).await, there, "begun at {revision} of {last}");
        assert_eq!(made_or_deleted(&cluster, mark), [""; 0], "begun at {revision} of {last}");
        cluster.hooks().remove(hook);
        running.stop().await;
    }
}

#[tokio::test]
async fn events_in_another_order_lead_to_the_same_end_and_to_rest() {
    for every in [2, 3, 5] {
        let cluster = simulated().await;
        let target = Target::new(&cluster.kubeconfig()).await;
        let count = AtomicU64::new(0);
        cluster.hooks().on_watch_event(move |_| {
            if count.fetch_add(1, Ordering::Relaxed).is_multiple_of(every) {
                WatchFault::Reorder { order: Order::OfObjects, within: Duration::from_millis(300) }
            } else {
                WatchFault::Pass
            }
        });
        let running = Running::start(&target);
        let mut order = running.app();
        running.settle(&order).await;
        let there = workloads(&target).await;
        for restarts in 1..=2 {
            order = order.next(|next| next.restarts = restarts);
            running.settle(&order).await;
        }
        assert_eq!(workloads(&target).await, there);
        // What was held back is told by now, and moves nobody.
        tokio::time::sleep(Duration::from_secs(1)).await;
        let mark = cluster.journal().mark();
        tokio::time::sleep(Duration::from_secs(2)).await;
        let writes = cluster.journal().writes_since(mark);
        let writes: Vec<_> = writes.iter().filter(|entry| !entry.request.is_for("leases")).collect();
        assert!(writes.is_empty(), "every {every}th event: {writes:?}");
        running.stop().await;
    }
}
