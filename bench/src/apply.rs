//! What a publish to three data centers costs us: processor time of the program, and requests.
//!
//! `plimsoll serve` is a process of its own; the simulated clusters and the callers are this one. So what is
//! measured is the whole of our own: REST, admission, ledger, worker and three controllers.

use anyhow::{Context, Result};
use plimsoll_benchmarks::{Cost, Crowd, Tally, millis, percentile, quiet, row};
use plimsoll_tests::{Claim, Ground, World};

use std::time::Instant;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// How many publishes are under way at once.
const AT_A_TIME: usize = 4;

fn main() -> Result<()> {
    let apps = std::env::args().nth(1).map_or(Ok(40), |text| text.parse()).context("how many Apps")?;
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(run(apps))
}

async fn run(apps: usize) -> Result<()> {
    let world = World::of_size(Ground::Simulated, Claim::Own, apps.div_ceil(20)).await?;
    let crowd = Crowd::new(vec![world.namespace().to_owned()], apps);
    let pid = world.server()?.pid().context("the server has ended")?;
    let cores = std::thread::available_parallelism()?;
    println!(
        "{apps} Apps, {} data centers, {cores} processors, {AT_A_TIME} publishes at a time",
        world.dcs().len()
    );
    let rounds =
        [("go live", 1, 1), ("new image", 2, 1), ("new image and config", 3, 2), ("new image", 4, 2)];
    for (what, version, config) in rounds {
        let (marks, before, begun) = (world.marks()?, Cost::of(pid)?, Instant::now());
        let times = crowd.publish_and_wait(&world, version, config, AT_A_TIME).await?;
        quiet(&world).await?;
        let cost = Cost::of(pid)? - before;
        let tally = Tally::since(&world, &marks)?;
        println!();
        row(
            what,
            &format!("succeeded after {:.2?} (p50), all in {:.1?}", percentile(&times, 50), begun.elapsed()),
        );
        let of_each = |time| millis(time, apps);
        let (total, user, system) = (of_each(cost.total()), of_each(cost.user), of_each(cost.system));
        row("  own CPU per publish", &format!("{total:.2} ms ({user:.2} user, {system:.2} system)"));
        row(
            "  requests per publish and data center",
            &format!("{:.2}", tally.each(tally.total(), apps * world.dcs().len())),
        );
        for (sort, count) in tally.rows() {
            row(&format!("    {sort}"), &format!("{:.2}", tally.each(count, apps * world.dcs().len())));
        }
    }
    world.end().await
}
