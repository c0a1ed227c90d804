//! A run of kubectl, and what comes of it.

use std::path::Path;
use std::process::Stdio;

use anyhow::{Context, Result};
use plimsoll_bench::Binaries;
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;
use tokio::process::Command;

use crate::scenario::Run;

/// Runs kubectl in a namespace, and tells what it printed and how it ended.
pub async fn run(kubeconfig: &Path, namespace: &str, run: &Run) -> Result<Value> {
    let Run { run, input } = run;
    let home = tempfile::tempdir().context("making a folder for kubectl")?;
    let mut child = Command::new(Binaries::tool("kubectl")?)
        .args(["--namespace", namespace])
        .args(run)
        .env("KUBECONFIG", kubeconfig)
        .env("KUBECACHEDIR", home.path())
        .env("HOME", home.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .context("starting kubectl")?;
    let stdin = child.stdin.take();
    let feed = async {
        // One that ends without reading it all says why itself.
        if let Some(mut stdin) = stdin {
            let _ = stdin.write_all(input.as_bytes()).await;
        }
    };
    let ((), output) = tokio::join!(feed, child.wait_with_output());
    let output = output.context("waiting for kubectl")?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let mut said = json!({"run": run, "code": output.status.code()});
    for (name, printed) in [("stdout", &output.stdout), ("stderr", &output.stderr)] {
        if !printed.is_empty() {
            said[name] = text(printed).into();
        }
    }
    Ok(said)
}
