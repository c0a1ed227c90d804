//! A real node: kubelet, containerd and runc on this machine, on loopback and a private range.

mod containerd;
mod images;
mod kubelet;
mod machine;
mod spare;

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use kube::Client;
use kube::config::{KubeConfigOptions, Kubeconfig};
use plimsoll_bench::{Bench, Extent, Options, Process};
use serde_json::Value;
use tempfile::TempDir;
use tokio::sync::Mutex;
use tokio_util::task::AbortOnDropHandle;

use crate::kubectl;
use crate::play::Ground;
use crate::scenario::{NodeAction, Pressure, Run, Scenario};
use containerd::Containerd;
use images::Registries;
use machine::Machine;

/// The programs of a node that are built from Go modules: the kubelet, and what runs in its pods.
pub const KUBELET_PROGRAMS: [&str; 2] = ["kubelet", "actor"];

/// How long a program that ends may take.
const TO_STOP: Duration = Duration::from_secs(30);

/// A real node with a control plane of its own. [`RealNode::stop`] puts the machine back as it was.
pub struct RealNode {
    folder: TempDir,
    programs: PathBuf,
    bench: Bench,
    client: Client,
    registries: Registries,
    containerd: Containerd,
    kubelet: Mutex<Process>,
    machine: Machine,
    beating: AbortOnDropHandle<()>,
}

impl RealNode {
    /// Starts everything, and waits until the node is ready; `programs` holds [`KUBELET_PROGRAMS`].
    pub async fn start(programs: &Path) -> Result<Self> {
        machine::require()?;
        let folder =
            tempfile::Builder::new().prefix("plimsoll-node-").tempdir().context("making a folder")?;
        let options = Options::default().data_centers(1).nodes(0).extent(Extent::Nodeless);
        let bench = Bench::start(options).await?;
        let kubeconfig = bench.dc(1).kubeconfig();
        let config = Kubeconfig::read_from(&kubeconfig)?;
        let config = kube::Config::from_custom_kubeconfig(config, &KubeConfigOptions::default()).await?;
        let client = Client::try_from(config)?;

        let at = folder.path();
        let machine = Machine::prepare(at)?;
        let registries = Registries::start(at, &programs.join("actor")).await?;
        let containerd = Containerd::start(at, &registries).await?;
        kubelet::configure(at, bench.dc(1), kubelet::MEMORY)?;
        let kubelet = kubelet::start(at, programs).await?;
        spare::make(&client).await?;
        let beating = AbortOnDropHandle::new(tokio::spawn(spare::beat(client.clone())));
        let node = Self {
            beating,
            programs: programs.to_path_buf(),
            bench,
            client,
            registries,
            containerd,
            kubelet: Mutex::new(kubelet),
            machine,
            folder,
        };
        if let Err(error) = node.is_ready().await {
            let log = std::fs::read_to_string(node.folder.path().join("kubelet.log")).unwrap_or_default();
            let end: Vec<&str> = log.lines().rev().take(20).collect();
            node.stop(true).await?;
            return Err(error.context(end.join("\n")));
        }
        Ok(node)
    }

    /// Ends everything and puts the machine back; `keep` the logs, whose folder is printed.
    pub async fn stop(self, keep: bool) -> Result<()> {
        let Self { folder, bench, client: _, registries, containerd, kubelet, machine, programs: _, beating } =
            self;
        drop(beating);
        let mut kubelet = kubelet.into_inner();
        let stopped = async {
            kubelet.stop(TO_STOP).await?;
            containerd.stop().await?;
            registries.stop().await?;
            bench.down().await
        }
        .await;
        machine.restore()?;
        if keep {
            eprintln!("the logs of the node are kept in {}", folder.keep().display());
        }
        stopped
    }

    async fn is_ready(&self) -> Result<()> {
        let path = format!("/api/v1/nodes/{}", crate::NODE);
        for _ in 0..600 {
            self.kubelet.lock().await.must_be_there()?;
            if let Some(node) = self.bench.dc(1).get_json(&path).await? {
                let conditions = node["status"]["conditions"].as_array().into_iter().flatten();
                let mut ready = conditions.filter(|held| held["type"] == "Ready" && held["status"] == "True");
                if ready.next().is_some() && node["spec"].get("taints").is_none() {
                    return Ok(());
                }
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        bail!("the node did not get ready in a minute")
    }

    /// Starts the kubelet again with another bound of the memory that must be free.
    async fn restart_kubelet(&self, memory: &str) -> Result<()> {
        let mut kubelet = self.kubelet.lock().await;
        kubelet.stop(TO_STOP).await?;
        kubelet::configure(self.folder.path(), self.bench.dc(1), memory)?;
        *kubelet = kubelet::start(self.folder.path(), &self.programs).await?;
        drop(kubelet);
        // Its first look at the machine comes after ten seconds, and may take back what it said.
        tokio::time::sleep(Duration::from_secs(15)).await;
        self.is_ready().await
    }
}

impl Ground for RealNode {
    fn client(&self) -> Client {
        self.client.clone()
    }

    async fn prepare(&self, scenario: &Scenario) -> Result<()> {
        let memory = if scenario.presses(Pressure::Memory) {
            machine::memory_bound()?
        } else if kubelet::is_pressed(self.folder.path())? {
            self.machine.empty()?;
            kubelet::MEMORY.to_owned()
        } else {
            return Ok(());
        };
        self.restart_kubelet(&memory).await
    }

    async fn kubectl(&self, namespace: &str, run: &Run) -> Result<Value> {
        kubectl::run(&self.bench.dc(1).kubeconfig(), namespace, run).await
    }

    async fn act(&self, action: NodeAction) -> Result<()> {
        match action {
            NodeAction::Lose => self.kubelet.lock().await.freeze().await,
            NodeAction::BringBack => self.kubelet.lock().await.thaw().await,
            NodeAction::Press(Pressure::Disk) => self.machine.fill(),
            NodeAction::Press(Pressure::Memory) => self.machine.take_memory(),
            NodeAction::Relieve => self.machine.empty(),
        }
    }
}
