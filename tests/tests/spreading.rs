//! Where a real scheduler puts the pods of an App, with and without zones.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result};
use plimsoll_bench::{Bench, Options};
use plimsoll_core::scale::Replication;
use plimsoll_k8s_adapter::contract::mk::{MkDelivery, mk_image};
use plimsoll_k8s_adapter::contract::{Running, Target};

const ZONE: &str = "topology.kubernetes.io/zone";

/// Six servers of a data center of its own, in these zones; `-` takes the label off.
async fn servers(zones: [&str; 6]) -> Result<(Bench, Target)> {
    let bench = Bench::start(Options::default().data_centers(1).nodes(6)).await?;
    for (number, zone) in (1..).zip(zones) {
        let node = format!("dc-1-node-{number}");
        let label = if zone == "-" { format!("{ZONE}-") } else { format!("{ZONE}={zone}") };
        bench.dc(1).kubectl(&["label", "--overwrite", "node", &node, &label]).await?;
    }
    let kubeconfig = std::fs::read_to_string(bench.dc(1).kubeconfig())?;
    let target = Target::new(&kubeconfig).await;
    Ok((bench, target))
}

/// The servers of the pods of an App.
async fn places(target: &Target, order: &MkDelivery) -> Result<Vec<String>> {
    let pods = target.get("api/v1", &format!("pods?labelSelector=plimsoll.io/app-uid%3D{}", order.uid)).await;
    let pods = pods["items"].as_array().context("no list of pods")?;
    let staying = pods.iter().filter(|pod| pod["metadata"]["deletionTimestamp"].is_null());
    staying
        .map(|pod| pod["spec"]["nodeName"].as_str().map(str::to_owned).context("a pod without a place"))
        .collect()
}

fn apps(running: &Running<'_>, replicas: u32) -> Result<Vec<MkDelivery>> {
    let app = |name: &str| {
        let mut order = running.app();
        order.app.name = name.parse()?;
        order.replication = Replication::Fixed(replicas);
        Ok(order)
    };
    ["one", "two", "three"].into_iter().map(app).collect()
}

#[tokio::test]
async fn pods_are_spread_over_servers_without_zones_at_first_and_after_a_rollout() -> Result<()> {
    let (_bench, target) = servers(["-"; 6]).await?;
    let running = Running::start(&target);
    for order in apps(&running, 5)? {
        running.settle(&order).await;
        let first = places(&target, &order).await?;
        let next = order.next(|next| next.content_mut().main.image = mk_image("shop/web", 'b'));
        running.settle(&next).await;
        let second = places(&target, &order).await?;
        for places in [first, second] {
            assert_eq!(places.iter().collect::<BTreeSet<_>>().len(), 5, "{places:?}");
        }
    }
    running.stop().await;
    Ok(())
}

#[tokio::test]
async fn pods_are_spread_over_zones_and_over_the_servers_in_them() -> Result<()> {
    let zones = ["a", "a", "a", "a", "b", "b"];
    let (_bench, target) = servers(zones).await?;
    let zone_of: BTreeMap<String, &str> =
        (1..).zip(zones).map(|(number, zone)| (format!("dc-1-node-{number}"), zone)).collect();
    let running = Running::start(&target);
    for order in apps(&running, 4)? {
        running.settle(&order).await;
        let places = places(&target, &order).await?;
        let in_b = places.iter().filter(|place| zone_of[*place] == "b").count();
        assert_eq!((places.iter().collect::<BTreeSet<_>>().len(), in_b), (4, 2), "{places:?}");
    }
    running.stop().await;
    Ok(())
}
