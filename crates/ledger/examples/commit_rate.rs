//! Prints how many transactions a second a ledger file takes, beside what the disk can do at best.
//!
//! `cargo run --release -p plimsoll-ledger --example commit_rate -- [FOLDER]`; the file lies in FOLDER for as
//! long as it runs, or where temporary files do.

use std::error::Error;
use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use plimsoll_core::ledger::{Committed, Ledger as _, Transaction, Write};
use plimsoll_ledger::RedbLedger;

/// How long each number is measured.
const TIME: Duration = Duration::from_secs(3);
/// What a publish writes: a few keys of a few hundred bytes.
const KEYS: usize = 5;
const VALUE: usize = 400;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error + Send + Sync>> {
    let folder = match std::env::args_os().nth(1) {
        Some(folder) => tempfile::tempdir_in(PathBuf::from(folder))?,
        None => tempfile::tempdir()?,
    };
    println!("fsync of 4 KiB written anew   {:>8.0} /s", syncs_per_second(folder.path())?);
    for tasks in [1, 16, 256] {
        let ledger = Arc::new(RedbLedger::open(folder.path().join(format!("{tasks}.redb"))).await?);
        let (rate, mut waits) = rate(&ledger, tasks).await?;
        waits.sort_unstable();
        let percentile = |part: usize| waits.get(waits.len() * part / 100).copied().unwrap_or_default();
        let metrics = ledger.metrics();
        println!(
            "{tasks:>3} writers                   {rate:>8.0} /s   {:>5} transactions per 100 fsyncs   p50 {:?}  p99 {:?}",
            metrics.transactions * 100 / metrics.syncs.max(1),
            percentile(50),
            percentile(99),
        );
        ledger.close().await;
    }
    Ok(())
}

async fn rate(
    ledger: &Arc<RedbLedger>,
    tasks: usize,
) -> Result<(f64, Vec<Duration>), Box<dyn Error + Send + Sync>> {
    let stop = Arc::new(AtomicBool::new(false));
    let begun = Instant::now();
    let running: Vec<_> = (0..tasks)
        .map(|writer| {
            let (ledger, stop) = (Arc::clone(ledger), Arc::clone(&stop));
            tokio::spawn(async move {
                let mut waits = Vec::new();
                while !stop.load(Ordering::Relaxed) {
                    let app = waits.len() % 1000;
                    let key = |n| format!("orders/demo/app-{writer}-{app}/dc-{n}");
                    let writes = (0..KEYS).map(|n| Write::Put(key(n), vec![b'x'; VALUE])).collect();
                    let sent = Instant::now();
                    match ledger.transact(Transaction { compares: Vec::new(), writes }).await? {
                        Committed::At(_) => waits.push(sent.elapsed()),
                        Committed::Lost => return Err("a transaction that compares nothing was lost".into()),
                    }
                }
                Ok::<_, Box<dyn Error + Send + Sync>>(waits)
            })
        })
        .collect();
    tokio::time::sleep(TIME).await;
    stop.store(true, Ordering::Relaxed);
    let mut waits = Vec::new();
    for task in running {
        waits.extend(task.await??);
    }
    let count = u32::try_from(waits.len())?;
    Ok((f64::from(count) / begun.elapsed().as_secs_f64(), waits))
}

/// How often a second the disk makes a small write durable, one after another.
fn syncs_per_second(folder: &Path) -> std::io::Result<f64> {
    let mut file = File::create(folder.join("baseline"))?;
    let begun = Instant::now();
    let mut count = 0_u32;
    while begun.elapsed() < TIME {
        file.write_all(&[b'x'; 4096])?;
        file.sync_data()?;
        count += 1;
    }
    Ok(f64::from(count) / begun.elapsed().as_secs_f64())
}
