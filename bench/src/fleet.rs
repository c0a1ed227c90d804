//! Many Apps at rest in three data centers: memory, what an event costs that changes nothing, how soon a restarted
//! server decides again.
//!
//! They are ordered zero replicas: the program watches no pods, so it holds of each App what it would hold with them.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use futures::stream::{self, StreamExt, TryStreamExt};
use plimsoll_benchmarks::{Cost, Crowd, Memory, Tally, millis, quiet, row};
use plimsoll_tests::{Claim, Ground, World, eventually};
use serde_json::json;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// How many events that change nothing are made.
const EVENTS: usize = 3_000;
/// How many Namespaces the Apps are in: a hundred each, or more.
const NAMESPACES: usize = 50;

fn main() -> Result<()> {
    let apps = std::env::args().nth(1).map_or(Ok(10_000), |text| text.parse()).context("how many Apps")?;
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(run(apps))
}

async fn run(apps: usize) -> Result<()> {
    let mut world = World::of_size(Ground::Simulated, Claim::Own, 3).await?;
    let mut namespaces = vec![world.namespace().to_owned()];
    for number in 1..NAMESPACES.min(apps.div_ceil(100)) {
        let name = format!("{}-{number}", world.namespace());
        world.user().ok(&["namespace", "create", &name]).await?;
        namespaces.push(name);
    }
    let crowd = Crowd::new(namespaces, apps).with_replicas(0);
    println!(
        "{apps} Apps, {} data centers, {} processors",
        world.dcs().len(),
        std::thread::available_parallelism()?
    );
    memory("a server with no App", &world)?;

    let begun = Instant::now();
    let operations = crowd.publish(&world, 1, 1).await?;
    row("all accepted", &format!("after {:.1?}", begun.elapsed()));
    crowd.succeeded(&world, &operations).await?;
    quiet(&world).await?;
    row("all live", &format!("after {:.1?}", begun.elapsed()));
    memory("after their go live", &world)?;

    events(&world, &crowd).await?;
    memory("after the events", &world)?;

    world.kill_server().await?;
    let begun = Instant::now();
    world.start_server().await?;
    row("restarted: serves", &format!("after {:.2?}", begun.elapsed()));
    let marks = world.marks()?;
    crowd.publish_one(&world, 0, 2, 1).await?;
    eventually("the first decision reaches every data center", async || {
        let mut missing = Vec::new();
        for (dc, mark) in world.dcs().iter().zip(&marks) {
            if dc.writes(*mark)?.is_empty() {
                missing.push(dc.name());
            }
        }
        Ok(if missing.is_empty() { Ok(()) } else { Err(format!("nothing in {missing:?}")) })
    })
    .await?;
    row("restarted: an order reached every data center", &format!("after {:.2?}", begun.elapsed()));
    quiet(&world).await?;
    memory("after the restart", &world)?;
    let mut tally = Tally::since(&world, &marks)?;
    tally.only_writes();
    row("restarted: writes, of which one publish is due", &format!("{:?}", tally.rows()));
    world.end().await
}

fn memory(when: &str, world: &World) -> Result<()> {
    let pid = world.server()?.pid().context("the server has ended")?;
    let Memory { resident, peak } = Memory::of(pid)?;
    row(&format!("memory {when}"), &format!("{} MiB, at most {} MiB", resident >> 20, peak >> 20));
    Ok(())
}

/// Changes of Deployments' status that mean nothing to us, as controllers write them.
async fn events(world: &World, crowd: &Crowd) -> Result<()> {
    let pid = world.server()?.pid().context("the server has ended")?;
    let marks = world.marks()?;
    let idle = Cost::of(pid)?;
    tokio::time::sleep(Duration::from_secs(5)).await;
    let (before, begun) = (Cost::of(pid)?, Instant::now());
    let resting = (before - idle).total() / 5;
    let dc = world.dcs().first().context("no data center")?;
    stream::iter(0..EVENTS)
        .map(|event| async move {
            let app = event % crowd.size();
            let path = format!("apis/apps/v1/namespaces/{}/deployments/app-{app}/status", crowd.namespace(app));
            let condition = json!({"type": "Progressing", "status": "True", "reason": "NewReplicaSetAvailable",
                "message": format!("seen {event} times")});
            let change = json!({"status": {"conditions": [condition]}});
            dc.merge("somebody", &path, &change).await
        })
        .buffer_unordered(16)
        .try_collect::<Vec<_>>()
        .await?;
    quiet(world).await?;
    let took = begun.elapsed();
    let cost = (Cost::of(pid)? - before).total().saturating_sub(resting.mul_f64(took.as_secs_f64()));
    row("at rest", &format!("{:.2} ms of CPU a second", millis(resting, 1)));
    row("an event that changes nothing", &format!("{:.3} ms of CPU", millis(cost, EVENTS)));
    let mut tally = Tally::since(world, &marks)?;
    tally.only_writes();
    ensure!(tally.total() == 0, "something was written: {:?}", tally.rows());
    Ok(())
}
