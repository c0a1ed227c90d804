//! A publish on three real control planes: how soon it is there, what the API servers and we spend on it, beside the
//! fewest requests that could do it.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use jiff::Timestamp;
use plimsoll_benchmarks::{Components, Cost, Crowd, Floor, Tally, millis, percentile, quiet, row};
use plimsoll_tests::{Claim, Ground, World, image};
use serde_json::Value;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// How many publishes are under way at once where what they cost is measured.
const AT_A_TIME: usize = 4;

fn main() -> Result<()> {
    let apps = std::env::args().nth(1).map_or(Ok(40), |text| text.parse()).context("how many Apps")?;
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(run(apps))
}

async fn run(apps: usize) -> Result<()> {
    let mut world = World::of_size(Ground::Real, Claim::Own, apps.div_ceil(20).max(3)).await?;
    let components = Components::of(&world)?;
    let crowd = Crowd::new(vec![world.namespace().to_owned()], apps);
    println!(
        "{apps} Apps on {} real control planes, {} processors",
        world.dcs().len(),
        std::thread::available_parallelism()?
    );

    let live = crowd.publish(&world, 1, 1).await?;
    crowd.succeeded(&world, &live).await?;
    settled(&world).await?;

    let idle = Idle::measure(&components).await?;
    println!();
    row("at rest", "processor time per second, taken off below");
    shares(&idle.0, 1);
    one_by_one(&world, &components, &crowd).await?;
    all_at_once(&world, &components, &crowd).await?;
    let ours = what_it_costs(&world, &components, &crowd, &idle).await?;
    one_frozen(&world, &components, &crowd).await?;

    world.kill_server().await?;
    let floor = Floor::prepare(world.dcs(), &crowd).await?;
    settled(&world).await?;
    let (before, own, begun) = (components.costs()?, Cost::own()?, Instant::now());
    let digest = |version| image(version).rsplit(':').next().unwrap_or_default().to_owned();
    floor.send(&digest(LAST), &digest(LAST + 1), AT_A_TIME).await?;
    let sent = Cost::own()? - own;
    settled(&world).await?;
    let floor = idle.beside(spent(&before, &components.costs()?), begun.elapsed());
    println!();
    row(
        "the fewest requests, sent raw",
        &format!("{:.2} ms of the sender's own CPU per publish", millis(sent.total(), apps)),
    );
    shares(&floor, apps);
    let of = |costs: &BTreeMap<String, Duration>| {
        costs.get("kube-apiserver").copied().unwrap_or_default().as_secs_f64()
    };
    row("API servers, against that", &format!("{:.2} x", of(&ours) / of(&floor)));
    world.end().await
}

/// For how long it is watched what they use at rest.
const IDLE: Duration = Duration::from_secs(20);
/// The version of the image that is live when everything of ours is measured.
const LAST: u8 = 9;

/// Publishes while nothing else goes on: from accepted to applied.
async fn one_by_one(world: &World, components: &Components, crowd: &Crowd) -> Result<()> {
    let times = applied(world, components.audit_logs(), crowd, 2).await?;
    println!();
    for (dcs, times) in [("in the first two", &times.two), ("in all three", &times.three)] {
        row(&format!("one by one: accepted to applied {dcs}"), &in_words(times));
    }
    Ok(())
}

/// The same while one API server stands still.
async fn one_frozen(world: &World, components: &Components, crowd: &Crowd) -> Result<()> {
    let last = world.dcs().last().context("no data center")?;
    last.freeze().await?;
    let times = applied(world, components.audit_logs(), crowd, LAST).await;
    last.thaw().await?;
    settled(world).await?;
    println!();
    row("with the third frozen: applied in the first two", &in_words(&times?.two));
    Ok(())
}

/// All Apps at once, until it is quiet.
async fn all_at_once(world: &World, components: &Components, crowd: &Crowd) -> Result<()> {
    let pid = world.server()?.pid().context("the server has ended")?;
    let (before, own, begun) = (components.costs()?, Cost::of(pid)?, Instant::now());
    let operations = crowd.publish(world, 4, 1).await?;
    crowd.succeeded(world, &operations).await?;
    let took = begun.elapsed();
    settled(world).await?;
    let mut costs = spent(&before, &components.costs()?);
    costs.insert("plimsoll".to_owned(), (Cost::of(pid)? - own).total());
    println!();
    row(&format!("{} at once", crowd.size()), &format!("all succeeded after {took:.1?}"));
    shares(&costs, crowd.size());
    Ok(())
}

/// A few at a time: requests, and whose processor time.
async fn what_it_costs(
    world: &World,
    components: &Components,
    crowd: &Crowd,
    idle: &Idle,
) -> Result<BTreeMap<String, Duration>> {
    let pid = world.server()?.pid().context("the server has ended")?;
    let (marks, before, own, begun) = (world.marks()?, components.costs()?, Cost::of(pid)?, Instant::now());
    crowd.publish_and_wait(world, 5, 1, AT_A_TIME).await?;
    settled(world).await?;
    let mut costs = idle.beside(spent(&before, &components.costs()?), begun.elapsed());
    costs.insert("plimsoll".to_owned(), (Cost::of(pid)? - own).total());
    println!();
    row(&format!("{AT_A_TIME} at a time"), "processor time per publish");
    shares(&costs, crowd.size());
    let tally = Tally::since(world, &marks)?;
    for (sort, count) in tally.rows() {
        row(&format!("    {sort}"), &format!("{:.2}", tally.each(count, crowd.size() * world.dcs().len())));
    }
    Ok(costs)
}

/// What the control planes use a second when nothing is published: they renew leases and look around.
struct Idle(BTreeMap<String, Duration>);

impl Idle {
    async fn measure(components: &Components) -> Result<Self> {
        let before = components.costs()?;
        tokio::time::sleep(IDLE).await;
        let mut costs = spent(&before, &components.costs()?);
        for cost in costs.values_mut() {
            *cost = cost.div_f64(IDLE.as_secs_f64());
        }
        Ok(Self(costs))
    }

    /// `costs` without what would have been used anyway in that time.
    fn beside(&self, mut costs: BTreeMap<String, Duration>, time: Duration) -> BTreeMap<String, Duration> {
        for (program, cost) in &mut costs {
            let idle = self.0.get(program).copied().unwrap_or_default();
            *cost = cost.saturating_sub(idle.mul_f64(time.as_secs_f64()));
        }
        costs
    }
}

/// How long publishes took to be applied.
struct Applied {
    two: Vec<Duration>,
    three: Vec<Duration>,
}

/// Publishes each App by itself, and reads in the audit logs when its Deployments were written. All of it is one
/// machine's time.
async fn applied(world: &World, logs: &[std::path::PathBuf], crowd: &Crowd, version: u8) -> Result<Applied> {
    let mut all = Applied { two: Vec::new(), three: Vec::new() };
    for app in 0..crowd.size() {
        let sizes: Vec<u64> =
            logs.iter().map(|log| Ok(std::fs::metadata(log)?.len())).collect::<Result<_>>()?;
        let operation = crowd.publish_one(world, app, version, 1).await?;
        let accepted = Timestamp::now();
        crowd.ended(world, &operation).await?;
        let mut times = Vec::new();
        for (log, from) in logs.iter().zip(sizes) {
            if let Some(at) = written(log, from, &format!("app-{app}"))? {
                times.push(Duration::try_from(at.duration_since(accepted)).unwrap_or_default());
            }
        }
        let latest = |count: usize| times.iter().take(count).max().copied().filter(|_| times.len() >= count);
        all.two.extend(latest(2));
        all.three.extend(latest(3));
    }
    all.two.sort();
    all.three.sort();
    Ok(all)
}

/// When Plimsoll had written the Deployment, by an audit log from a place on.
fn written(log: &Path, from: u64, name: &str) -> Result<Option<Timestamp>> {
    use std::io::{Read as _, Seek as _};
    let mut file = std::fs::File::open(log)?;
    file.seek(std::io::SeekFrom::Start(from))?;
    let mut text = String::new();
    file.read_to_string(&mut text)?;
    for line in text.lines() {
        // The last line may be half written.
        let Ok(event) = serde_json::from_str::<Value>(line) else { continue };
        let is_it = event["stage"] == "ResponseComplete"
            && event["verb"] == "patch"
            && event["objectRef"]["resource"] == "deployments"
            && event["objectRef"]["name"] == name
            && event["userAgent"].as_str().is_some_and(|agent| agent.starts_with("plimsoll/"));
        if is_it {
            return Ok(event["stageTimestamp"].as_str().and_then(|at| at.parse().ok()));
        }
    }
    Ok(None)
}

/// Waits until nothing is written and every Deployment has its pods.
async fn settled(world: &World) -> Result<()> {
    quiet(world).await?;
    let path = format!("apis/apps/v1/namespaces/{}/deployments", world.namespace());
    for dc in world.dcs() {
        plimsoll_tests::eventually("every Deployment is complete", async || {
            let is_complete = |deployment: &Value| {
                let (status, replicas) = (&deployment["status"], &deployment["spec"]["replicas"]);
                status["observedGeneration"] == deployment["metadata"]["generation"]
                    && ["replicas", "updatedReplicas", "availableReplicas"]
                        .iter()
                        .all(|count| status[count] == *replicas)
                    && status["terminatingReplicas"].as_u64().unwrap_or(0) == 0
            };
            let left = dc.list(&path).await?.iter().filter(|deployment| !is_complete(deployment)).count();
            Ok(if left == 0 { Ok(()) } else { Err(format!("{left} are not")) })
        })
        .await?;
    }
    Ok(())
}

fn spent(
    before: &BTreeMap<String, Duration>,
    after: &BTreeMap<String, Duration>,
) -> BTreeMap<String, Duration> {
    after
        .iter()
        .map(|(program, cost)| {
            (program.clone(), cost.saturating_sub(before.get(program).copied().unwrap_or_default()))
        })
        .collect()
}

/// What each program used per publish, and its share of all.
fn shares(costs: &BTreeMap<String, Duration>, publishes: usize) {
    let all: Duration = costs.values().sum();
    for (program, cost) in costs {
        let share = 100.0 * cost.as_secs_f64() / all.as_secs_f64();
        row(&format!("    {program}"), &format!("{:.1} ms ({share:.0} %)", millis(*cost, publishes)));
    }
}

fn in_words(times: &[Duration]) -> String {
    let (p50, p99) = (percentile(times, 50), percentile(times, 99));
    format!("p50 {p50:.1?}, p99 {p99:.1?}, of {}", times.len())
}
