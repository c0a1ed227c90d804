use crate::Program;
use crate::running::{Running, address_behind};
use anyhow::{Context, Result};
use std::path::{Path, PathBuf};

/// The operator's token in the configuration of every [`Server`].
pub(crate) const OPERATOR: &str = "operator-token-of-the-system-tests";

/// What `plimsoll serve` is started with.
#[derive(Clone, Debug)]
pub struct ServerOptions {
    /// Its data directory.
    pub data: PathBuf,
    /// `127.0.0.1:0` leaves the port to the system.
    pub listen: String,
    /// The lines of `[ledger]`; empty: as nobody says.
    pub ledger: String,
    /// The lines of `[[registries]]` and `[dataCenters.NAME]`; empty: there are none.
    pub registries: String,
}

/// A running `plimsoll serve`.
pub struct Server {
    running: Running,
    url: String,
}

impl ServerOptions {
    /// With the data directory `data` under `folder`, and a port of its own.
    pub fn new(folder: &Path) -> Self {
        Self {
            data: folder.join("data"),
            listen: "127.0.0.1:0".to_owned(),
            ledger: String::new(),
            registries: String::new(),
        }
    }

    /// Writes the configuration file to `folder`, and says where.
    pub fn write(&self, folder: &Path) -> Result<PathBuf> {
        let Self { data, listen, ledger, registries } = self;
        let path = folder.join("plimsoll.toml");
        let text = format!(
            "data = {:?}\nlisten = {listen:?}\n\n[ledger]\n{ledger}\n[log]\nfilter = \"info\"\n\n\
             [[tokens]]\nname = \"olga\"\nrole = \"operator\"\ntoken = {OPERATOR:?}\n\n{registries}",
            data.to_string_lossy()
        );
        std::fs::write(&path, text).with_context(|| format!("writing {}", path.display()))?;
        Ok(path)
    }
}

impl Server {
    /// Starts one with its files in `folder`, and waits until it serves.
    pub async fn start(folder: &Path) -> Result<Self> {
        Self::start_with(folder, &ServerOptions::new(folder)).await
    }

    /// As [`Server::start`], with these options.
    pub async fn start_with(folder: &Path, options: &ServerOptions) -> Result<Self> {
        let config = options.write(folder)?;
        let mut command = Program::command(folder)?;
        command.args(["serve", "--config"]).arg(config);
        let mut running =
            Running::start(&mut command, &folder.join("serve.log")).context("plimsoll serve")?;
        let url = running.until("where it serves", |said| address_behind("serving", said)).await;
        Ok(Self { url: url.context("plimsoll serve")?, running })
    }

    /// Where it listens: `http://127.0.0.1:PORT`.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The number of its process; none when it has ended.
    pub fn pid(&self) -> Option<u32> {
        self.running.pid()
    }

    /// What it has logged since it started.
    pub fn log(&self) -> Result<String> {
        self.running.said()
    }

    /// Ends it by SIGKILL, wherever it stands.
    pub async fn kill(self) -> Result<()> {
        self.running.kill().await.context("plimsoll serve")
    }

    /// Ends it by SIGTERM; it must end well.
    pub async fn stop(self) -> Result<()> {
        self.running.stop().await.context("plimsoll serve")
    }
}
