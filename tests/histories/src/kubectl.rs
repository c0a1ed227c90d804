//! A run of kubectl, and what comes of it.

use std::path::Path;

use anyhow::{Context, Result};
use plimsoll_bench::Binaries;
use serde_json::{Value, json};
use tokio::process::Command;

use crate::scenario::Run;

/// Runs kubectl in a namespace, and tells what it printed and how it ended.
pub async fn run(kubeconfig: &Path, namespace: &str, run: &Run) -> Result<Value> {
    let Run { run, input } = run;
    let home = tempfile::tempdir().context("making a folder for kubectl")?;
    let mut kubectl = Command::new(Binaries::tool("kubectl")?);
    kubectl
        .args(["--namespace", namespace])
        .args(run)
        .env("KUBECONFIG", kubeconfig)
        .env("KUBECACHEDIR", home.path())
        .env("HOME", home.path());
    let output = plimsoll_bench::fed(&mut kubectl, input).await?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let mut said = json!({"run": run, "code": output.status.code()});
    for (name, printed) in [("stdout", &output.stdout), ("stderr", &output.stderr)] {
        if !printed.is_empty() {
            said[name] = text(printed).into();
        }
    }
    Ok(said)
}
