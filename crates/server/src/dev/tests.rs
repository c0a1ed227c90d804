use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;

use plimsoll_core::usecase::PageRequest;
use serde_json::Value;

use super::*;

const PATIENCE: Duration = Duration::from_mins(1);
const LOCAL: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

async fn start(path: &Path) -> World {
    let folder = Folder::open(Some(path.to_owned())).unwrap();
    let listener = Listener::bind(LOCAL, None).await.unwrap();
    let dir = folder.take().unwrap();
    let ledger = OpenLedger::open(&dir, LedgerSettings::default()).await.unwrap();
    World::start(Ground { dir, ledger, listener, registries: None }, &folder).await.unwrap()
}

/// Publishes the example if it was not; the sentence that it is healthy with.
async fn settle(world: &World) -> String {
    let example = Example::new(world, Instant::now()).unwrap();
    let mut lines = Lines::hidden();
    let follow = async {
        let published = example.publish(world).await?;
        example.until_settled(published, &mut lines).await
    };
    let Ok(settled) = tokio::time::timeout(PATIENCE, follow).await else {
        panic!("{}", example.why_not(PATIENCE).await)
    };
    settled.unwrap()
}

/// What kubectl would show in every data center.
async fn objects(world: &World) -> Vec<Value> {
    let mut objects = Vec::new();
    for (_, kubeconfig) in world.simulation().kubeconfigs() {
        objects.push(Value::String(kubeconfig));
    }
    for path in [
        "/apis/dc.plimsoll.io/v1alpha1/apps",
        "/apis/apps/v1/deployments",
        "/apis/apps/v1/replicasets",
        "/api/v1/pods",
        "/api/v1/secrets",
    ] {
        for list in world.simulation().lists(path).await {
            assert!(!list["items"].as_array().unwrap().is_empty(), "{path}");
            objects.push(list["items"].clone());
        }
    }
    objects
}

async fn releases(world: &World) -> usize {
    let app = "demo/shop".split_once('/').unwrap();
    let app = plimsoll_core::name::AppRef { namespace: app.0.parse().unwrap(), name: app.1.parse().unwrap() };
    let history = world.plimsoll().history(world.caller(), &app, PageRequest::default()).await.unwrap();
    history.items.len()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_example_becomes_healthy_and_a_restart_leaves_everything_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let world = start(folder.path()).await;
    let sentence = settle(&world).await;
    assert!(
        sentence.starts_with("demo/shop release 1 is live in dc-1, dc-2, dc-3: 9 pods ready"),
        "{sentence}"
    );
    let before = objects(&world).await;
    world.stop().await.unwrap();

    let world = start(folder.path()).await;
    let sentence = settle(&world).await;
    assert!(
        sentence.starts_with("demo/shop release 1 is live in dc-1, dc-2, dc-3: 9 pods ready"),
        "{sentence}"
    );
    assert_eq!(objects(&world).await, before);
    assert_eq!(releases(&world).await, 1);
    world.stop().await.unwrap();
}
