use crate::data_center::kubectl;
use crate::running::{Running, address_behind};
use crate::{Program, Said};
use anyhow::{Context, Result};
use std::path::{Path, PathBuf};
use tokio::process::Command;

/// A running `plimsoll dev` that stays: its data directory is `data` in its home.
pub struct Dev {
    running: Running,
    home: PathBuf,
    url: String,
}

impl Dev {
    /// Starts one at home in `home`, and waits until its example is healthy.
    pub async fn start(home: &Path) -> Result<Self> {
        Self::start_by(Self::command(home)?, home).await
    }

    /// The same in a folder of its own choice below `temporary`, as it is without `--data`.
    pub async fn start_without_folder(home: &Path, temporary: &Path) -> Result<Self> {
        Self::start_by(Self::command_without_folder(home, temporary)?, home).await
    }

    /// The same with registries of this program.
    pub async fn start_with_registries(home: &Path, program: &Path) -> Result<Self> {
        let mut command = Self::command(home)?;
        command.arg(format!("--registries={}", program.display()));
        Self::start_by(command, home).await
    }

    async fn start_by(mut command: Command, home: &Path) -> Result<Self> {
        let mut running = Running::start(&mut command, &home.join("dev.log")).context("plimsoll dev")?;
        let url = running.until("where it listens", |said| address_behind("listens on", said)).await;
        let url = url.context("plimsoll dev")?;
        let guide = |said: &str| said.contains("Ctrl-C ends it").then_some(());
        running.until("how to go on", guide).await.context("plimsoll dev")?;
        Ok(Self { running, home: home.to_path_buf(), url })
    }

    /// A call of `plimsoll dev` at home in `home`, on a port of its own.
    pub fn command(home: &Path) -> Result<Command> {
        let mut command = Program::command(home)?;
        command.args(["dev", "--listen", "127.0.0.1:0", "--data", "data"]);
        Ok(command)
    }

    /// A call of `plimsoll dev` that keeps nothing: its folder is below `temporary` while it runs.
    pub fn command_without_folder(home: &Path, temporary: &Path) -> Result<Command> {
        let mut command = Program::command(home)?;
        command.args(["dev", "--listen", "127.0.0.1:0"]).env("TMPDIR", temporary);
        Ok(command)
    }

    /// Where it listens: `http://127.0.0.1:PORT`.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// What it has said since it started.
    pub fn said(&self) -> Result<String> {
        self.running.said()
    }

    /// Runs a client verb as the same user, who names no server.
    pub async fn run(&self, arguments: &[&str]) -> Result<Said> {
        Program::run(&self.home, arguments).await
    }

    /// Runs kubectl on one of its data centers and gives what it prints.
    pub async fn kubectl(&self, dc: &str, arguments: &[&str]) -> Result<String> {
        kubectl(&self.home.join(format!("data/kubeconfig/{dc}.yaml")), arguments).await
    }

    /// Ends it by SIGKILL, wherever it stands.
    pub async fn kill(self) -> Result<()> {
        self.running.kill().await.context("plimsoll dev")
    }

    /// Ends it as Ctrl-C does, by SIGTERM; it must end well.
    pub async fn stop(self) -> Result<()> {
        self.running.stop().await.context("plimsoll dev")
    }
}
