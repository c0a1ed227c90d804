//! Accepting a publish: from the document to the Operation that is answered, on a redb ledger with fsync.
//!
//! The baseline is the same ledger committing a transaction of the same keys and sizes, so the ratio is what
//! validation, admission, planning and reading cost on top. Run it with
//! `cargo run --release -p plimsoll-benchmarks --bin accept`.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use async_trait::async_trait;
use futures::stream::{self, BoxStream, StreamExt as _};
use plimsoll_core::caller::{Caller, Role};
use plimsoll_core::clock::{Clock, Ids};
use plimsoll_core::cluster::{AppLife, PodImages};
use plimsoll_core::image::Advance;
use plimsoll_core::ledger::{Ledger, Transaction, Write as LedgerWrite};
use plimsoll_core::live::{Live, Prepared, Sight};
use plimsoll_core::name::{AppRef, DcName, NamespaceName, OperationId};
use plimsoll_core::record::Environment;
use plimsoll_core::usecase::{Mode, NewDataCenter, NewInstallation, Plimsoll, TakeScale, Write};
use plimsoll_core::view::Reach;
use plimsoll_ledger::RedbLedger;
use serde_json::{Value, json};

/// How many publishes each round accepts.
const PUBLISHES: usize = 4_000;
/// How many callers publish at once.
const CALLERS: [usize; 3] = [1, 16, 128];

/// Sees no data center: what happens after the accept is not measured here.
struct Blind;

#[async_trait]
impl Live for Blind {
    fn sight(&self, _: &AppRef, _: &DcName) -> Option<Sight> {
        None
    }

    fn reach(&self, _: &DcName) -> Option<Reach> {
        None
    }

    fn namespace(&self, _: &DcName, _: &NamespaceName) -> Option<Vec<String>> {
        None
    }

    fn apps(&self, _: &DcName) -> Vec<AppRef> {
        Vec::new()
    }

    fn prepared(&self, _: &AppRef, _: &DcName) -> Option<Prepared> {
        None
    }

    fn carried(&self, _: OperationId, _: usize) -> Option<Advance> {
        None
    }

    fn carriage(&self, _: OperationId) -> BoxStream<'static, ()> {
        stream::pending().boxed()
    }

    async fn pods(&self, dc: &DcName, _: &[AppLife]) -> Result<Vec<PodImages>, String> {
        Err(format!("nobody sees {dc}"))
    }

    fn changes(&self, _: &AppRef) -> BoxStream<'static, ()> {
        stream::pending().boxed()
    }
}

struct System(Instant);

impl Clock for System {
    fn now(&self) -> jiff::Timestamp {
        jiff::Timestamp::now()
    }

    fn elapsed(&self) -> Duration {
        self.0.elapsed()
    }
}

impl Ids for System {
    fn uuid(&self) -> uuid::Uuid {
        uuid::Uuid::now_v7()
    }
}

fn document(app: usize, release: usize) -> Value {
    let probe = json!({"http": {"path": "/", "port": "http"}});
    let env: serde_json::Map<String, Value> =
        (0..20).map(|i| (format!("SETTING_{i}"), json!(format!("value {i} of release {release}")))).collect();
    json!({
        "apiVersion": "plimsoll.io/v1alpha1",
        "kind": "App",
        "metadata": {"name": format!("app-{app}"), "namespace": "demo"},
        "spec": {
            "grade": "general-5",
            "image": format!("registry.example.com/app@sha256:{release:064x}"),
            "size": {"cpu": "500m", "memory": "256Mi"},
            "ports": [{"name": "http", "port": 8080}],
            "probes": {"readiness": probe, "liveness": probe},
            "env": env,
        }
    })
}

/// Runs `one` for every number, `callers` at a time; answers how long all took and each by itself.
async fn round<F>(callers: usize, one: impl Fn(usize) -> F) -> Result<(Duration, Vec<Duration>)>
where
    F: Future<Output = Result<()>>,
{
    let begun = Instant::now();
    let times: Vec<Result<Duration>> = stream::iter(0..PUBLISHES)
        .map(|n| {
            let task = one(n);
            async move {
                let begun = Instant::now();
                task.await?;
                Ok(begun.elapsed())
            }
        })
        .buffer_unordered(callers)
        .collect()
        .await;
    let all = begun.elapsed();
    let mut times = times.into_iter().collect::<Result<Vec<_>>>()?;
    times.sort();
    Ok((all, times))
}

#[expect(clippy::cast_precision_loss, reason = "a rate for people")]
fn report(what: &str, callers: usize, (all, times): &(Duration, Vec<Duration>)) -> f64 {
    let rate = PUBLISHES as f64 / all.as_secs_f64();
    let (p50, p99) = (times[times.len() / 2], times[times.len() * 99 / 100]);
    println!("{what:<12} {callers:>8} {rate:>12.0} {p50:>12.2?} {p99:>12.2?}");
    rate
}

#[tokio::main]
async fn main() -> Result<()> {
    let dir = tempfile::tempdir()?;
    println!("{:<12} {:>8} {:>12} {:>12} {:>12}", "", "callers", "per second", "p50", "p99");
    for callers in CALLERS {
        let raw = Arc::new(RedbLedger::open(dir.path().join(format!("raw-{callers}"))).await?);
        let baseline = round(callers, |n| {
            let raw = raw.clone();
            async move {
                // The writes of an upgrade in three data centers: 9 keys, of which the content is the largest.
                let mut writes: Vec<_> =
                    (0..8).map(|key| LedgerWrite::Put(format!("key/{n}/{key}"), vec![b'x'; 400])).collect();
                writes.push(LedgerWrite::Put(format!("key/{n}/content"), vec![b'x'; 2_200]));
                let _ = raw.transact(Transaction { compares: Vec::new(), writes }).await?;
                Ok(())
            }
        })
        .await?;
        let floor = report("transaction", callers, &baseline);

        let ledger = Arc::new(RedbLedger::open(dir.path().join(format!("accept-{callers}"))).await?);
        let system = Arc::new(System(Instant::now()));
        let plimsoll = Plimsoll::new(ledger, Arc::new(Blind), system.clone(), system);
        let ann = Caller { name: "ann".to_owned(), role: Role::Operator };
        let write = |id: String| -> Result<Write> {
            Ok(Write { request_id: id.parse()?, if_match: None, mode: Mode::Do, reason: None })
        };
        let new = NewInstallation {
            id: "bench".parse()?,
            name: "Bench".to_owned(),
            environment: Environment::Production,
            policy: None,
        };
        plimsoll.init(&ann, new, write("init".to_owned())?).await?;
        for dc in ["dc-1", "dc-2", "dc-3"] {
            let new = NewDataCenter { name: dc.parse()?, cluster_uid: dc.to_owned() };
            plimsoll.add_dc(&ann, new, write(format!("add-{dc}"))?).await?;
        }
        plimsoll.create_namespace(&ann, "demo".parse()?, write("namespace".to_owned())?).await?;
        let accepted = round(callers, |n| {
            let (plimsoll, ann, write) = (plimsoll.clone(), ann.clone(), write(format!("publish-{n}")));
            async move {
                // A thousand Apps, each published four times.
                let document = document(n % 1000, n);
                plimsoll.apply(&ann, &document, TakeScale::No, write?).await.context("apply")?;
                Ok(())
            }
        })
        .await?;
        let rate = report("accept", callers, &accepted);
        println!("{:<12} {callers:>8} {:>11.2}x", "ratio", rate / floor);
    }
    Ok(())
}
