//! `cargo xtask bench up|down|status`.

use crate::{Part, components};
use anyhow::{Context, Result};
use plimsoll_bench::{Bench, Component, Condition, DataCenter, Options};
use std::io::{self, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

pub(crate) fn up(data_centers: u16, folder: Option<PathBuf>) -> Result<()> {
    components::build(components::Output::Shown)?;
    let started = Instant::now();
    let options = Options::default()
        .data_centers(usize::from(data_centers))
        .folder(folder.unwrap_or_else(Bench::default_folder))
        .detached();
    let bench = runtime()?.block_on(Bench::start(options))?;
    eprintln!("up after {:.1} s:", started.elapsed().as_secs_f64());
    for data_center in bench.data_centers() {
        let kubeconfig = data_center.kubeconfig();
        print(&format!("{}\t{}\t{}", data_center.name(), data_center.server(), kubeconfig.display()))?;
    }
    eprintln!("kubectl of their version: {}", bench.binaries().kubectl().display());
    eprintln!("end them with: cargo xtask bench down --dir {}", bench.folder().display());
    bench.leave_running();
    Ok(())
}

pub(crate) fn down(folder: Option<PathBuf>) -> Result<()> {
    let folder = folder.unwrap_or_else(Bench::default_folder);
    let bench = Bench::attach(&folder)?;
    runtime()?.block_on(bench.down())?;
    eprintln!("ended; the logs stay in {}", folder.display());
    Ok(())
}

/// Does something to one component.
pub(crate) fn on_part(
    part: Part,
    action: impl AsyncFnOnce(&DataCenter, Component) -> Result<()>,
) -> Result<()> {
    let Part { dc, component, dir } = part;
    let bench = Bench::attach(&dir.unwrap_or_else(Bench::default_folder))?;
    let data_center = bench.data_centers().iter().find(|data_center| data_center.name() == dc);
    let data_center = data_center.with_context(|| format!("no data center is called {dc}"))?;
    runtime()?.block_on(action(data_center, component))
}

/// Fails where a component is not ready.
pub(crate) fn status(folder: Option<PathBuf>) -> Result<ExitCode> {
    let bench = Bench::attach(&folder.unwrap_or_else(Bench::default_folder))?;
    let runtime = runtime()?;
    let mut all_ready = true;
    print(&format!("{:<6} {:<24} {:>8} {:>6}  STATE", "DC", "COMPONENT", "PID", "PORT"))?;
    for data_center in bench.data_centers() {
        for part in runtime.block_on(data_center.status()) {
            let state = match (part.condition, part.ready) {
                (Condition::Running, true) => "ready",
                (Condition::Running, false) => "running, not ready",
                (Condition::Frozen, _) => "frozen",
                (Condition::Gone, _) => "gone",
            };
            let pid = part.pid.map_or_else(|| "-".to_owned(), |pid| pid.to_string());
            let (name, component, port) = (data_center.name(), part.component, part.port);
            print(&format!("{name:<6} {component:<24} {pid:>8} {port:>6}  {state}"))?;
            all_ready &= part.ready;
        }
    }
    Ok(if all_ready { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Writes a line to standard output. A reader that went away, as `head` does, is no failure.
fn print(line: &str) -> Result<()> {
    match writeln!(io::stdout(), "{line}") {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error).context("writing the answer"),
        _ => Ok(()),
    }
}

/// The runtime on which the bench is driven.
pub(crate) fn runtime() -> Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .context("starting the runtime")
}
