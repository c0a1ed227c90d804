use crate::server::OPERATOR;
use crate::{DataCenter, Document, Mark, Server, ServerOptions, User, eventually};
use anyhow::{Context, Result};
use futures::future::try_join_all;
use plimsoll_bench::{Bench, Options};
use serde_json::Value;
use std::path::Path;
use std::sync::Arc;
use tempfile::TempDir;
use tokio::sync::{Semaphore, SemaphorePermit};

/// What the data centers are made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ground {
    /// Simulated clusters in this process, over TLS on loopback.
    Simulated,
    /// Real control planes: kube-apiserver, etcd, controller-manager, scheduler, KWOK.
    Real,
}

/// What a test does with its API servers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Claim {
    /// Others may use them too, each in a namespace of its own.
    Shared,
    /// It stops or freezes them, or counts what reaches them.
    Own,
}

/// An installation of three data centers with one Namespace, run by the built program.
pub struct World {
    server: Option<Server>,
    user: User,
    namespace: String,
    dcs: Vec<DataCenter>,
    folder: TempDir,
    _turn: Option<SemaphorePermit<'static>>,
}

/// As many nodes as a test needs that has a few Apps.
const NODES: usize = 3;

/// Three control planes take a gigabyte and a half and, while they start, every core.
static OWN_CONTROL_PLANES: Semaphore = Semaphore::const_new(1);

impl World {
    /// Starts everything; the Namespace is in all data centers when this returns.
    pub async fn new(ground: Ground, claim: Claim) -> Result<Self> {
        Self::of_size(ground, claim, NODES).await
    }

    /// The same with so many nodes in each data center, where they are the test's own.
    pub async fn of_size(ground: Ground, claim: Claim, nodes: usize) -> Result<Self> {
        // Elsewhere the program's `main` does this.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let folder =
            tempfile::Builder::new().prefix("plimsoll-test-").tempdir().context("making a folder")?;
        let (dcs, turn) = match (ground, claim) {
            (Ground::Simulated, _) => {
                let names = ["dc-1", "dc-2", "dc-3"];
                let dcs = names.map(|name| DataCenter::simulated(name, nodes, folder.path()));
                (try_join_all(dcs).await?, None)
            }
            (Ground::Real, Claim::Shared) => (of_bench(Bench::shared()?).await?, None),
            (Ground::Real, Claim::Own) => {
                let turn = OWN_CONTROL_PLANES.acquire().await.context("waiting for a turn")?;
                (of_bench(Bench::start(Options::default().nodes(nodes)).await?).await?, Some(turn))
            }
        };
        let server = Server::start(folder.path()).await?;
        let user = User::new(server.url().to_owned(), OPERATOR, folder.path())?;
        // On shared ground the name keeps installations apart.
        let id = uuid::Uuid::now_v7().simple().to_string();
        let namespace = format!("demo-{}", &id[24..]);
        let world = Self { server: Some(server), user, namespace, dcs, folder, _turn: turn };
        let sharing: &[&str] = match (ground, claim) {
            (Ground::Real, Claim::Shared) => &["--shared"],
            (Ground::Simulated, _) | (Ground::Real, Claim::Own) => &[],
        };
        world.set_up(&format!("test-{}", &id[24..]), sharing).await?;
        Ok(world)
    }

    async fn set_up(&self, installation: &str, sharing: &[&str]) -> Result<()> {
        self.user.ok(&["init", "--id", installation, "--name", "System tests"]).await?;
        for dc in &self.dcs {
            let kubeconfig = dc.kubeconfig().to_string_lossy();
            self.user.ok(&[&["dc", "add", dc.name(), "--kubeconfig", &kubeconfig], sharing].concat()).await?;
        }
        self.user.ok(&["namespace", "create", &self.namespace]).await?;
        let path = format!("api/v1/namespaces/{}", self.namespace);
        for dc in &self.dcs {
            eventually("the namespace is in every data center", async || {
                Ok(dc.get(&path).await?.map(|_| ()).ok_or_else(|| format!("none in {}", dc.name())))
            })
            .await?;
        }
        Ok(())
    }

    /// An operator of this installation.
    pub fn user(&self) -> &User {
        &self.user
    }

    /// The Namespace.
    pub fn namespace(&self) -> &str {
        &self.namespace
    }

    /// The data centers, in the order of their names.
    pub fn dcs(&self) -> &[DataCenter] {
        &self.dcs
    }

    /// Now, in each data center, to count requests from.
    pub fn marks(&self) -> Result<Vec<Mark>> {
        self.dcs.iter().map(DataCenter::mark).collect()
    }

    /// Where the files of this world lie.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The document of the App `shop` in this Namespace.
    pub fn shop(&self) -> Document {
        Document::new(&self.namespace, "shop")
    }

    /// Runs a verb on the App `shop`, waits until its Operation has succeeded everywhere, and gives it.
    pub async fn on_shop(&self, verb: &str, more: &[&str]) -> Result<Value> {
        let verb = [&[verb, "shop", "-n", &self.namespace], more, &["--wait"]].concat();
        self.user.json(&verb).await
    }

    /// The App `shop`, as REST shows it.
    pub async fn look_at_shop(&self) -> Result<Value> {
        self.user.get(&format!("/v1/namespaces/{}/apps/shop", self.namespace)).await
    }

    /// The path of a collection of this Namespace in each data center, such as `apis/apps/v1` and `deployments`.
    pub fn path(&self, api: &str, rest: &str) -> String {
        format!("{api}/namespaces/{}/{rest}", self.namespace)
    }

    /// The server.
    pub fn server(&self) -> Result<&Server> {
        self.server.as_ref().context("the server is not running")
    }

    /// Ends the server by SIGKILL, wherever it stands.
    pub async fn kill_server(&mut self) -> Result<()> {
        self.server.take().context("the server is not running")?.kill().await
    }

    /// Starts it again on what the killed one left.
    pub async fn start_server(&mut self) -> Result<()> {
        self.start_server_with("").await
    }

    /// As [`World::start_server`], with these lines in `[ledger]` of its configuration.
    pub async fn start_server_with(&mut self, ledger: &str) -> Result<()> {
        self.start_server_by(|options| ServerOptions { ledger: ledger.to_owned(), ..options }).await
    }

    /// As [`World::start_server`], with other options.
    pub async fn start_server_by(
        &mut self,
        change: impl FnOnce(ServerOptions) -> ServerOptions,
    ) -> Result<()> {
        let folder = self.folder.path();
        let server = Server::start_with(folder, &change(ServerOptions::new(folder))).await?;
        self.user = User::new(server.url().to_owned(), OPERATOR, self.folder.path())?;
        self.server = Some(server);
        Ok(())
    }

    /// Ends the server in good order. A test that passes ends with this.
    pub async fn end(mut self) -> Result<()> {
        match self.server.take() {
            Some(server) => server.stop().await,
            None => Ok(()),
        }
    }
}

impl Drop for World {
    fn drop(&mut self) {
        // A world that was not ended belongs to a test that failed.
        if let Some(server) = &self.server {
            let log = server.log().unwrap_or_else(|error| error.to_string());
            let lines: Vec<_> = log.lines().collect();
            eprintln!("the end of the server's log:\n{}", lines[lines.len().saturating_sub(60)..].join("\n"));
        }
    }
}

async fn of_bench(bench: Bench) -> Result<Vec<DataCenter>> {
    let bench = Arc::new(bench);
    try_join_all((1..=bench.data_centers().len()).map(|number| DataCenter::real(bench.clone(), number))).await
}
