//! One simulated cluster with nothing above it: what it needs for so many Deployments of three pods, and how soon it
//! has rolled others over. Its time is tokio's, paused: it jumps to the next moment at which something is due.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use futures::stream::{self, StreamExt, TryStreamExt};
use futures::{AsyncBufReadExt, AsyncReadExt};
use kube::Client;
use plimsoll_benchmarks::{Cost, Memory, row};
use plimsoll_sim_cluster::SimCluster;
use serde::Deserialize;
use serde::de::{DeserializeOwned, IgnoredAny};
use serde_json::{Value, json};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const REPLICAS: usize = 3;
/// How many Deployments are in one namespace.
const PER_NAMESPACE: usize = 100;
/// Pods per node, of the 110 that it takes.
const PER_NODE: usize = 100;
/// How often, in simulated time, it is looked whether all are there.
const LOOK: Duration = Duration::from_secs(15);
/// After so much simulated time it is not waited any longer.
const PATIENCE: Duration = Duration::from_hours(1);

/// What stands beside each Deployment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Beside {
    Nothing,
    /// A Service, and a disruption budget.
    ServiceAndBudget,
}

fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let mut number = |otherwise| arguments.next().map_or(Ok(otherwise), |text| text.parse::<usize>());
    let held = number(10_000).context("how many Deployments to hold")?;
    let rolled = number(1_000).context("how many Deployments to roll over")?;
    if held > 0 {
        paused()?.block_on(hold(held))?;
    }
    if rolled > 0 {
        paused()?.block_on(roll(rolled))?;
    }
    Ok(())
}

fn paused() -> Result<tokio::runtime::Runtime> {
    Ok(tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build()?)
}

async fn hold(deployments: usize) -> Result<()> {
    println!("{deployments} Deployments of {REPLICAS} pods, held");
    let crowd = Crowd::start(deployments, Beside::Nothing).await?;
    memory("a cluster with its nodes")?;
    let measured = Measured::begin()?;
    crowd.make().await?;
    measured.show("all asked for")?;
    crowd.ready(1).await?;
    measured.show("all ready")?;
    memory("all ready, with events and watch history")?;
    for (what, path) in [("pods", "/api/v1/pods"), ("events", "/api/v1/events")] {
        row(&format!("{what} there"), &crowd.count(path).await?.to_string());
    }
    let rest = Measured::begin()?;
    tokio::time::sleep(Duration::from_mins(10)).await;
    rest.show("ten minutes at rest")?;
    memory("after ten minutes at rest")?;
    tokio::time::sleep(Duration::from_hours(1)).await;
    row("events there an hour later", &crowd.count("/api/v1/events").await?.to_string());
    memory("an hour later")?;
    crowd.end().await
}

async fn roll(deployments: usize) -> Result<()> {
    println!(
        "{deployments} Deployments of {REPLICAS} pods, rolled over; each with a Service and a disruption budget"
    );
    let crowd = Crowd::start(deployments, Beside::ServiceAndBudget).await?;
    let measured = Measured::begin()?;
    crowd.make().await?;
    crowd.ready(1).await?;
    measured.show("all ready")?;
    memory("all ready")?;
    let revision = crowd.cluster.revision();
    let measured = Measured::begin()?;
    crowd.change_image("shop:2").await?;
    measured.show("all asked for another image")?;
    crowd.ready(2).await?;
    measured.show("all rolled over")?;
    row("writes of that", &(crowd.cluster.revision() - revision).to_string());
    memory("after it")?;
    crowd.end().await
}

/// When something began, by both clocks, and what this process had used by then.
struct Measured {
    begun: Instant,
    simulated: tokio::time::Instant,
    cost: Cost,
}

impl Measured {
    fn begin() -> Result<Self> {
        Ok(Self { begun: Instant::now(), simulated: tokio::time::Instant::now(), cost: Cost::own()? })
    }

    fn show(&self, what: &str) -> Result<()> {
        let cost = (Cost::own()? - self.cost).total();
        let simulated = self.simulated.elapsed().as_secs();
        let wall = self.begun.elapsed();
        row(what, &format!("{wall:.2?} by the clock, {cost:.2?} of CPU, {simulated} s simulated"));
        Ok(())
    }
}

fn memory(when: &str) -> Result<()> {
    let Memory { resident, peak } = Memory::of(std::process::id())?;
    row(&format!("memory: {when}"), &format!("{} MiB, at most {} MiB", resident >> 20, peak >> 20));
    Ok(())
}

/// A cluster, and the Deployments in it.
struct Crowd {
    cluster: SimCluster,
    client: Client,
    size: usize,
    beside: Beside,
    /// Watches of pods and of Deployments, as an operator would have.
    watches: Vec<tokio::task::JoinHandle<Result<()>>>,
}

impl Crowd {
    async fn start(size: usize, beside: Beside) -> Result<Self> {
        let nodes = (size * REPLICAS).div_ceil(PER_NODE).max(3);
        let cluster = SimCluster::builder().name("dc-1").nodes(nodes).seed(7).start().await?;
        let client = cluster.client();
        for number in 0..size.div_ceil(PER_NAMESPACE) {
            let namespace = json!({"metadata": {"name": format!("team-{number}")}});
            post(&client, "/api/v1/namespaces", &namespace).await?;
        }
        let paths = ["/api/v1/pods", "/apis/apps/v1/deployments"];
        let watches = paths.map(|path| tokio::spawn(watch(client.clone(), path))).into();
        Ok(Self { cluster, client, size, beside, watches })
    }

    async fn make(&self) -> Result<()> {
        stream::iter(0..self.size)
            .map(|number| async move {
                let namespace = number / PER_NAMESPACE;
                let name = format!("app-{number}");
                let path = |api: &str, plural: &str| format!("{api}/namespaces/team-{namespace}/{plural}");
                post(&self.client, &path("/apis/apps/v1", "deployments"), &deployment(&name)).await?;
                if self.beside == Beside::ServiceAndBudget {
                    post(&self.client, &path("/api/v1", "services"), &service(&name)).await?;
                    let budgets = path("/apis/policy/v1", "poddisruptionbudgets");
                    post(&self.client, &budgets, &budget(&name)).await?;
                }
                anyhow::Ok(())
            })
            .buffer_unordered(16)
            .try_collect()
            .await
    }

    async fn change_image(&self, image: &str) -> Result<()> {
        let change =
            json!({"spec": {"template": {"spec": {"containers": [{"name": "app", "image": image}]}}}});
        let change = serde_json::to_vec(&change)?;
        stream::iter(0..self.size)
            .map(|number| {
                let namespace = number / PER_NAMESPACE;
                let path = format!("/apis/apps/v1/namespaces/team-{namespace}/deployments/app-{number}");
                send(&self.client, "PATCH", path, "application/strategic-merge-patch+json", change.clone())
            })
            .buffer_unordered(16)
            .try_collect()
            .await
    }

    /// Waits until every Deployment has all its pods ready, and those of this generation alone.
    async fn ready(&self, generation: u64) -> Result<()> {
        let begun = tokio::time::Instant::now();
        loop {
            let mut there = 0;
            self.each("/apis/apps/v1/deployments", |deployment: Deployment| {
                there += usize::from(deployment.status.is_complete(generation));
            })
            .await?;
            if there == self.size {
                break;
            }
            ensure!(begun.elapsed() < PATIENCE, "{there} of {} are ready", self.size);
            tokio::time::sleep(LOOK).await;
        }
        let mut ready = 0;
        self.each("/api/v1/pods", |pod: Pod| {
            let is = |condition: &Condition| condition.kind == "Ready" && condition.status == "True";
            ready += usize::from(pod.status.conditions.iter().any(is));
        })
        .await?;
        ensure!(ready >= self.size * REPLICAS, "{ready} pods are ready");
        Ok(())
    }

    async fn count(&self, path: &str) -> Result<usize> {
        let mut count = 0;
        self.each(path, |_: IgnoredAny| count += 1).await?;
        Ok(count)
    }

    /// Calls `see` with each object of a collection, read in pages.
    async fn each<T: DeserializeOwned>(&self, path: &str, mut see: impl FnMut(T)) -> Result<()> {
        let mut token = String::new();
        loop {
            let request = http::Request::get(format!("{path}?limit=500&continue={token}")).body(Vec::new())?;
            let page: Page<T> = self.client.request(request).await?;
            page.items.into_iter().for_each(&mut see);
            token = page.metadata.next;
            if token.is_empty() {
                return Ok(());
            }
        }
    }

    async fn end(self) -> Result<()> {
        for watch in &self.watches {
            ensure!(!watch.is_finished(), "a watch ended early");
            watch.abort();
        }
        Ok(self.cluster.shutdown().await?)
    }
}

/// One page of a list. Of its objects no more is read than is asked, for what the asker spends is not the cluster's.
#[derive(Deserialize)]
struct Page<T> {
    metadata: PageMetadata,
    items: Vec<T>,
}

#[derive(Deserialize)]
struct PageMetadata {
    /// Asks for the page behind this one; empty on the last.
    #[serde(default, rename = "continue")]
    next: String,
}

#[derive(Deserialize)]
struct Deployment {
    #[serde(default)]
    status: DeploymentStatus,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct DeploymentStatus {
    observed_generation: u64,
    replicas: usize,
    updated_replicas: usize,
    ready_replicas: usize,
    available_replicas: usize,
}

impl DeploymentStatus {
    /// Whether all pods are there and ready, and of this generation.
    fn is_complete(&self, generation: u64) -> bool {
        let Self { observed_generation, replicas, updated_replicas, ready_replicas, available_replicas } =
            *self;
        observed_generation == generation
            && [replicas, updated_replicas, ready_replicas, available_replicas] == [REPLICAS; 4]
    }
}

#[derive(Deserialize)]
struct Pod {
    status: PodStatus,
}

#[derive(Deserialize)]
struct PodStatus {
    #[serde(default)]
    conditions: Vec<Condition>,
}

#[derive(Deserialize)]
struct Condition {
    #[serde(rename = "type")]
    kind: String,
    status: String,
}

/// Reads a watch and begins again where it ended.
async fn watch(client: Client, path: &'static str) -> Result<()> {
    loop {
        let request = http::Request::get(format!("{path}?watch=true")).body(Vec::new())?;
        let mut lines = std::pin::pin!(client.request_stream(request).await?);
        let mut buffer = Vec::with_capacity(64 << 10);
        while lines.fill_buf().await.is_ok_and(|held| !held.is_empty()) {
            buffer.resize(64 << 10, 0);
            let _ = lines.read(&mut buffer).await?;
        }
    }
}

async fn post(client: &Client, path: &str, object: &Value) -> Result<()> {
    send(client, "POST", path.to_owned(), "application/json", serde_json::to_vec(object)?).await
}

async fn send(client: &Client, method: &str, path: String, format: &str, body: Vec<u8>) -> Result<()> {
    let request =
        http::Request::builder().method(method).uri(&path).header("content-type", format).body(body)?;
    client.request_text(request).await.with_context(|| format!("{method} {path}"))?;
    Ok(())
}

fn deployment(name: &str) -> Value {
    json!({
        "metadata": {"name": name, "labels": {"app.kubernetes.io/name": name}},
        "spec": {
            "replicas": REPLICAS,
            "selector": {"matchLabels": {"app.kubernetes.io/name": name}},
            "template": {
                "metadata": {"labels": {"app.kubernetes.io/name": name, "tier": "web"}},
                "spec": {"containers": [{
                    "name": "app",
                    "image": "shop:1",
                    "ports": [{"name": "http", "containerPort": 8080}],
                    "env": [{"name": "LEVEL", "value": "info"}],
                    "readinessProbe": {"httpGet": {"path": "/ready", "port": "http"}},
                    "livenessProbe": {"httpGet": {"path": "/alive", "port": "http"}},
                    "resources": {
                        "requests": {"cpu": "100m", "memory": "128Mi"},
                        "limits": {"memory": "128Mi"},
                    },
                }]},
            },
        },
    })
}

fn service(name: &str) -> Value {
    json!({
        "metadata": {"name": name},
        "spec": {
            "selector": {"app.kubernetes.io/name": name},
            "ports": [{"name": "http", "port": 80, "targetPort": "http"}],
        },
    })
}

fn budget(name: &str) -> Value {
    json!({
        "metadata": {"name": name},
        "spec": {
            "maxUnavailable": 1,
            "selector": {"matchLabels": {"app.kubernetes.io/name": name}},
        },
    })
}
