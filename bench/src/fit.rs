//! How many more fit: 100,000 nodes asked about 20 sizes.
//!
//! The baseline is the plain way to do the same from the public types: for every node and size, subtract what
//! its pods request from what it has, divide in every dimension, take the least. Its answers are compared with
//! the engine's, so both do the same work. Run it with
//! `cargo run --release -p plimsoll-benchmarks --bin fit`.

use std::fmt;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use plimsoll_qos::{
    Amounts, Cluster, Container, Grade, Inventory, LabelSelector, Ledgers, Lost, Node, Pod, Quantity,
    Resources, RunningPod, TopologySpread, Wanted,
};
use rustix::time::{ClockId, clock_gettime};

/// How many nodes there are, in this many data centers.
const NODES: u32 = 100_000;
const DATA_CENTERS: u32 = 4;
/// How many pods run on each node.
const PODS: u32 = 5;
/// How often the questions are asked; the median counts.
const ROUNDS: usize = 5;

fn requests(millis: u32, mebibytes: u32) -> Resources {
    Resources::from([("cpu", Quantity::from_millis(millis)), ("memory", Quantity::from_mebibytes(mebibytes))])
}

fn mk_pod(number: u32, node: &str) -> RunningPod {
    let mut main = Container::named("main");
    main.resources.requests = requests(100 + number * 37 % 1_900, 128 + number * 53 % 4_000);
    let mut pod = RunningPod::named("demo", format!("pod-{number}"));
    pod.spec = Pod {
        containers: vec![main],
        node_name: Some(node.to_owned()),
        priority: Some(i32::from(number.is_multiple_of(7))),
        ..Pod::default()
    };
    pod
}

fn fleet() -> Vec<Cluster> {
    let mut clusters: Vec<_> =
        (1..=DATA_CENTERS).map(|dc| Cluster { name: format!("dc-{dc}"), ..Cluster::default() }).collect();
    for (number, cluster) in (0..NODES).zip((0..clusters.len()).cycle()) {
        let mut node = Node::named(format!("node-{number}"));
        node.labels.insert("kubernetes.io/hostname".to_owned(), node.name.clone());
        node.labels.insert("zone".to_owned(), format!("zone-{}", number / DATA_CENTERS % 3));
        let cores = [16, 32, 64, 96][(number / DATA_CENTERS) as usize % 4];
        node.allocatable = requests(cores * 1_000, cores * 4 * 1_024 - number % 1_000);
        node.allocatable.insert("ephemeral-storage", Quantity::from_mebibytes(200_000));
        node.allocatable.insert("pods", Quantity::from_units(110));
        let pods = (0..PODS).map(|pod| mk_pod(number * PODS + pod, &node.name));
        clusters[cluster].pods.extend(pods);
        clusters[cluster].nodes.push(node);
    }
    clusters
}

fn sizes() -> Result<Vec<Wanted>> {
    let grades = [Grade::System, Grade::General2, Grade::General5, Grade::General10];
    let limits = [(250, 512), (500, 1_024), (1_000, 2_048), (2_000, 4_096), (8_000, 32_768)];
    let all = grades.into_iter().flat_map(|grade| limits.map(|limit| (grade, limit)));
    let sized = all.map(|(grade, (millis, mebibytes))| {
        let limit =
            Amounts { cpu: Quantity::from_millis(millis), memory: Quantity::from_mebibytes(mebibytes) };
        Ok(Wanted::of_size(&limit, grade, &grade.terms())?)
    });
    sized.collect()
}

/// A small pod that is spread hard over those labels.
fn spread_over(keys: &[&str]) -> Result<Wanted> {
    let limit = Amounts { cpu: Quantity::from_millis(500), memory: Quantity::from_mebibytes(1_024) };
    let mut wanted = Wanted::of_size(&limit, Grade::General5, &Grade::General5.terms())?;
    wanted.pod.topology_spread_constraints = keys
        .iter()
        .map(|key| TopologySpread {
            max_skew: 5,
            topology_key: (*key).to_owned(),
            when_unsatisfiable: "DoNotSchedule".to_owned(),
            label_selector: Some(LabelSelector::default()),
            ..TopologySpread::default()
        })
        .collect();
    Ok(wanted)
}

/// The same from the public types, without anything counted beforehand but what the pods of a node request.
fn naive(clusters: &[Cluster], used: &[Vec<Resources>], wanted: &Wanted) -> Result<u128> {
    let mut demand = wanted.pod.requests();
    demand.insert("pods", Quantity::from_units(1));
    let mut total = 0;
    for (cluster, used) in clusters.iter().zip(used) {
        for (node, used) in cluster.nodes.iter().zip(used) {
            let mut least = i128::MAX;
            for (name, amount) in &demand {
                let free = node.allocatable.amount(name) - used.amount(name);
                let (free, amount) =
                    (free.nanos_i128().context("free")?, amount.nanos_i128().context("asked")?);
                least = least.min(free.max(0) / amount);
            }
            total += u128::try_from(least)?;
        }
    }
    Ok(total)
}

/// What something took: of the processor, which others on the machine leave as it is, and by the clock.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Took {
    processor: Duration,
    wall: Duration,
}

impl fmt::Display for Took {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { processor, wall } = self;
        write!(f, "{processor:>12.2?} {wall:>12.2?}")
    }
}

/// When something began, in this program of one thread.
struct Begun {
    processor: Duration,
    wall: Instant,
}

impl Begun {
    fn now() -> Result<Self> {
        Ok(Self { processor: processor()?, wall: Instant::now() })
    }

    fn took(&self) -> Result<Took> {
        Ok(Took { processor: processor()?.saturating_sub(self.processor), wall: self.wall.elapsed() })
    }
}

/// The processor time of this program until now.
fn processor() -> Result<Duration> {
    let now = clock_gettime(ClockId::ProcessCPUTime);
    Ok(Duration::new(u64::try_from(now.tv_sec)?, u32::try_from(now.tv_nsec)?))
}

/// How long all questions take, and their answers.
fn time(mut ask: impl FnMut() -> Result<Vec<u128>>) -> Result<(Took, Vec<u128>)> {
    let mut times = Vec::with_capacity(ROUNDS);
    let mut answers = Vec::new();
    for _ in 0..ROUNDS {
        let begun = Begun::now()?;
        answers = ask()?;
        times.push(begun.took()?);
    }
    times.sort_unstable();
    Ok((times[ROUNDS / 2], answers))
}

fn main() -> Result<()> {
    let (clusters, sizes) = (fleet(), sizes()?);
    let used: Vec<Vec<Resources>> = clusters
        .iter()
        .map(|cluster| {
            let mut pods = cluster.pods.iter();
            let of_node = |_: &Node| {
                let mut sum = Resources::new();
                for pod in pods.by_ref().take(PODS as usize) {
                    sum += &pod.spec.requests();
                    sum += &Resources::from([("pods", Quantity::from_units(1))]);
                }
                sum
            };
            cluster.nodes.iter().map(of_node).collect()
        })
        .collect();
    println!("{NODES} nodes, {} pods, {} sizes, median of {ROUNDS}", NODES * PODS, sizes.len());
    println!("{:<28} {:>12} {:>12}", "", "processor", "wall");

    let (plain, expected) =
        time(|| sizes.iter().map(|wanted| naive(&clusters, &used, wanted)).collect::<Result<_>>())?;
    println!("{:<28} {plain}", "plain scan");

    let bare = clusters.iter().map(|cluster| Cluster { pods: Vec::new(), ..cluster.clone() }).collect();
    let begun = Begun::now()?;
    let _ = Inventory::new(bare, Ledgers::Requests)?;
    println!("{:<28} {}", "count the nodes once", begun.took()?);
    let begun = Begun::now()?;
    let inventory = Inventory::new(clusters, Ledgers::Requests)?;
    println!("{:<28} {}", "count nodes and pods once", begun.took()?);
    let (engine, answers) = time(|| sizes.iter().map(|wanted| Ok(inventory.fit(wanted)?.total())).collect())?;
    ensure!(answers == expected, "the engine says {answers:?}, the plain scan {expected:?}");
    println!("{:<28} {engine}", "all sizes");
    println!("{:<28} {:>11.1}x", "ratio", plain.processor.as_secs_f64() / engine.processor.as_secs_f64());

    let spread = spread_over(&["kubernetes.io/hostname", "zone"])?;
    let begun = Begun::now()?;
    let fit = inventory.fit(&spread)?;
    let (found, bound) = (fit.total(), fit.bound());
    println!("{:<28} {}   {found} of at most {bound}", "two hard spreads, one size", begun.took()?);

    let lost = Lost { data_centers: vec!["dc-1".to_owned()], ..Lost::default() };
    let begun = Begun::now()?;
    let answer = inventory.lose(&lost)?;
    println!("{:<28} {}   {}", "lose a data center", begun.took()?, answer.because);
    Ok(())
}
