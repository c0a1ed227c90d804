use crate::DataCenter;
use anyhow::{Context, Result, bail};
use std::process::{Output, Stdio};
use tokio::io::AsyncWriteExt;
use tokio::process::Command;

impl DataCenter {
    /// A kubectl that speaks to this data center as `admin`, with the arguments still to be given.
    pub fn kubectl_command(&self) -> Command {
        let mut command = Command::new(self.binaries().kubectl());
        command
            .env("KUBECONFIG", self.kubeconfig())
            // Discovery is remembered by server address, and another run's server may have had this one.
            .env("KUBECACHEDIR", self.kubectl_cache())
            .kill_on_drop(true);
        command
    }

    /// Runs kubectl and gives what it printed; if it fails, the error is what it complained of.
    pub async fn kubectl(&self, arguments: &[&str]) -> Result<String> {
        self.kubectl_with("", arguments).await
    }

    /// The same with `input` on its standard input, for `-f -`.
    pub async fn kubectl_with(&self, input: &str, arguments: &[&str]) -> Result<String> {
        let output = fed(self.kubectl_command().args(arguments), input).await?;
        if !output.status.success() {
            bail!("{}", String::from_utf8_lossy(&output.stderr).trim_end());
        }
        String::from_utf8(output.stdout).context("reading what kubectl printed")
    }
}

/// Runs a kubectl to its end with `input` on its standard input.
pub async fn fed(kubectl: &mut Command, input: &str) -> Result<Output> {
    let mut child = kubectl
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
    output.context("waiting for kubectl")
}
