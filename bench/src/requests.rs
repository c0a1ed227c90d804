//! Requests per second of the simulated API server and of a real one with its etcd, one after the other in one run, by
//! the same client over TLS on loopback. Nothing but the API servers works: the objects have no controllers.

use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use futures::stream::{self, StreamExt, TryStreamExt};
use futures::{AsyncBufReadExt, TryFutureExt};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};
use plimsoll_bench::{Bench, Extent, Options};
use plimsoll_benchmarks::{millis, percentile};
use plimsoll_sim_cluster::SimCluster;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt, BufReader};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// How many requests are under way at a time.
const CALLERS: usize = 16;
/// How many objects a listed namespace holds.
const LISTED: usize = 500;
const WATCHERS: usize = 50;
const NAMESPACE: &str = "measured";
/// The argument that makes this program the server.
const SERVE: &str = "serve";

const OPERATIONS: [Operation; 6] = [
    Operation { name: "create", count: 4_000, send: create },
    Operation { name: "get", count: 10_000, send: get },
    Operation { name: "list of 500", count: 300, send: list },
    Operation { name: "server-side apply", count: 4_000, send: apply },
    Operation { name: "status patch", count: 4_000, send: patch_status },
    Operation { name: "update told to 50 watches", count: 400, send: update_watched },
];

struct Operation {
    name: &'static str,
    count: usize,
    /// Makes the request of this number.
    send: fn(usize) -> Result<http::Request<Vec<u8>>>,
}

#[tokio::main]
async fn main() -> Result<()> {
    match std::env::args().nth(1).as_deref() {
        Some(SERVE) => serve().await,
        Some(other) => bail!("no argument is taken, least of all {other}"),
        None => compare().await,
    }
}

/// Prints the kubeconfig of a simulated cluster, which ends with what is read.
async fn serve() -> Result<()> {
    let cluster = SimCluster::builder().start().await?;
    println!("{}", Value::from(cluster.kubeconfig()));
    tokio::io::stdin().read_to_end(&mut Vec::new()).await?;
    Ok(cluster.shutdown().await?)
}

async fn compare() -> Result<()> {
    let mut child = tokio::process::Command::new(std::env::current_exe()?)
        .arg(SERVE)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()?;
    let mut line = String::new();
    BufReader::new(child.stdout.as_mut().context("no output")?).read_line(&mut line).await?;
    let simulated = client(&serde_json::from_str::<String>(&line)?).await?;

    let options = Options::default().data_centers(1).extent(Extent::ApiServer);
    let bench = Bench::start(options).await?;
    let real = client(&std::fs::read_to_string(bench.dc(1).kubeconfig())?).await?;

    println!("{} processors, {CALLERS} callers", std::thread::available_parallelism()?);
    println!("{:<28}{:>28}{:>28}{:>10}", "", "real: /s, p50, p99", "simulated: /s, p50, p99", "ratio");
    for client in [&real, &simulated] {
        prepare(client).await?;
    }
    for operation in &OPERATIONS {
        let baseline = operation.measure(&real).await?;
        let ours = operation.measure(&simulated).await?;
        let ratio = ours.per_second / baseline.per_second;
        println!("{:<28}{:>28}{:>28}{ratio:>8.1} ×", operation.name, baseline.show(), ours.show());
    }
    drop(child.stdin.take());
    child.wait().await?;
    bench.down().await
}

async fn client(kubeconfig: &str) -> Result<Client> {
    let kubeconfig = Kubeconfig::from_yaml(kubeconfig)?;
    let config = Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await?;
    Ok(Client::try_from(config)?)
}

struct Measured {
    per_second: f64,
    p50: Duration,
    p99: Duration,
}

impl Measured {
    fn show(&self) -> String {
        format!("{:.0}, {:.1} ms, {:.1} ms", self.per_second, millis(self.p50, 1), millis(self.p99, 1))
    }
}

impl Operation {
    async fn measure(&self, client: &Client) -> Result<Measured> {
        let watches = if self.name.contains("watches") { WATCHERS } else { 0 };
        let mut watches: Vec<_> =
            stream::iter(0..watches).then(|_| Watch::open(client)).try_collect().await?;
        let begun = Instant::now();
        let sent = stream::iter(0..self.count)
            .map(|number| async move {
                let begun = Instant::now();
                client.request_text((self.send)(number)?).await?;
                anyhow::Ok(begun.elapsed())
            })
            .buffer_unordered(CALLERS)
            .try_collect::<Vec<Duration>>();
        let told = futures::future::try_join_all(watches.iter_mut().map(|watch| watch.read(self.count)));
        let (mut times, _) = futures::future::try_join(sent, told.map_err(anyhow::Error::from)).await?;
        let took = begun.elapsed();
        times.sort_unstable();
        #[expect(clippy::cast_precision_loss, reason = "a number for people")]
        let per_second = self.count as f64 / took.as_secs_f64();
        Ok(Measured { per_second, p50: percentile(&times, 50), p99: percentile(&times, 99) })
    }
}

/// A running watch, of which nothing but the ends of lines is looked at.
struct Watch {
    lines: std::pin::Pin<Box<dyn futures::AsyncBufRead + Send>>,
}

impl Watch {
    /// Follows what is to be updated; open when it has told what is there.
    async fn open(client: &Client) -> Result<Self> {
        let path = format!("/api/v1/namespaces/{NAMESPACE}/configmaps?watch=true&labelSelector=watched");
        let lines = client.request_stream(http::Request::get(path).body(Vec::new())?).await?;
        let mut watch = Self { lines: Box::pin(lines) };
        watch.read(CALLERS).await?;
        Ok(watch)
    }

    async fn read(&mut self, lines: usize) -> Result<()> {
        let mut left = lines;
        while left > 0 {
            let held = self.lines.fill_buf().await?;
            ensure!(!held.is_empty(), "a watch ended early");
            let (ends, length) = (held.split(|byte| *byte == b'\n').count() - 1, held.len());
            left = left.checked_sub(ends).context("more was told than happened")?;
            self.lines.as_mut().consume(length);
        }
        Ok(())
    }
}

/// Makes what the operations are about.
async fn prepare(client: &Client) -> Result<()> {
    for name in [NAMESPACE, "listed"] {
        send(client, post("/api/v1/namespaces", &json!({"metadata": {"name": name}}))?).await?;
    }
    for number in 0..LISTED {
        send(client, post("/api/v1/namespaces/listed/configmaps", &config_map(&format!("c-{number}"), 0))?)
            .await?;
    }
    for number in 0..CALLERS {
        let mut watched = config_map(&format!("watched-{number}"), 0);
        watched["metadata"]["labels"]["watched"] = "yes".into();
        send(client, post(&format!("/api/v1/namespaces/{NAMESPACE}/configmaps"), &watched)?).await?;
        let service = json!({
            "metadata": {"name": format!("s-{number}")},
            "spec": {"type": "LoadBalancer", "ports": [{"port": 80}]},
        });
        send(client, post(&format!("/api/v1/namespaces/{NAMESPACE}/services"), &service)?).await?;
    }
    Ok(())
}

async fn send(client: &Client, request: http::Request<Vec<u8>>) -> Result<()> {
    let what = format!("{} {}", request.method(), request.uri());
    client.request_text(request).await.with_context(|| what).map(drop)
}

fn post(path: &str, object: &Value) -> Result<http::Request<Vec<u8>>> {
    body("POST", path, "application/json", object)
}

fn body(method: &str, path: &str, format: &str, object: &Value) -> Result<http::Request<Vec<u8>>> {
    let request = http::Request::builder().method(method).uri(path).header("content-type", format);
    Ok(request.body(serde_json::to_vec(object)?)?)
}

/// About a kilobyte.
fn config_map(name: &str, generation: usize) -> Value {
    let lines: Vec<String> =
        (0..20).map(|line| format!("line.{line} = the value of generation {generation}")).collect();
    json!({
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": name, "labels": {"app": name, "team": "shop"}},
        "data": {"generation": generation.to_string(), "application.properties": lines.join("\n")},
    })
}

fn create(number: usize) -> Result<http::Request<Vec<u8>>> {
    post(&format!("/api/v1/namespaces/{NAMESPACE}/configmaps"), &config_map(&format!("made-{number}"), 0))
}

fn get(number: usize) -> Result<http::Request<Vec<u8>>> {
    let path = format!("/api/v1/namespaces/listed/configmaps/c-{}", number % LISTED);
    Ok(http::Request::get(path).body(Vec::new())?)
}

fn list(_: usize) -> Result<http::Request<Vec<u8>>> {
    Ok(http::Request::get("/api/v1/namespaces/listed/configmaps?limit=500").body(Vec::new())?)
}

/// Each object is applied again and again, with something else in it each time.
fn apply(number: usize) -> Result<http::Request<Vec<u8>>> {
    let name = format!("applied-{}", number % (8 * CALLERS));
    let path = format!("/api/v1/namespaces/{NAMESPACE}/configmaps/{name}?fieldManager=measured&force=true");
    body("PATCH", &path, "application/apply-patch+yaml", &config_map(&name, number))
}

fn patch_status(number: usize) -> Result<http::Request<Vec<u8>>> {
    let path = format!("/api/v1/namespaces/{NAMESPACE}/services/s-{}/status", number % CALLERS);
    let address = format!("10.1.{}.{}", number / 250 % 250, number % 250);
    let change = json!({"status": {"loadBalancer": {"ingress": [{"ip": address}]}}});
    body("PATCH", &path, "application/merge-patch+json", &change)
}

fn update_watched(number: usize) -> Result<http::Request<Vec<u8>>> {
    let path = format!("/api/v1/namespaces/{NAMESPACE}/configmaps/watched-{}", number % CALLERS);
    let change = json!({"data": {"generation": (number + 1).to_string()}});
    body("PATCH", &path, "application/merge-patch+json", &change)
}
