//! A running cluster.

use std::io;
use std::sync::Arc;

use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::builder::Builder;
use crate::hooks::Hooks;
use crate::http::{Server, TrustedUser};
use crate::journal::Journal;
use crate::load::Loads;
use crate::net::{InProcess, Listener, kubeconfig};
use crate::nodes::Nodes;
use crate::permissions::Permissions;
use crate::script::Scripts;
use crate::store::{Backup, LogError};

/// A backup could not be put back: the data directory cannot be written.
#[derive(Debug, thiserror::Error)]
#[error("putting a backup back")]
pub struct PutBackError(#[from] LogError);

/// A simulated Kubernetes cluster. Dropping it stops it.
#[derive(Debug)]
pub struct SimCluster {
    parts: Parts,
}

/// What a cluster consists of once started.
#[derive(Debug)]
pub(crate) struct Parts {
    pub(crate) name: String,
    pub(crate) nodes: Nodes,
    pub(crate) loads: Loads,
    pub(crate) server: Arc<Server>,
    pub(crate) listener: Listener,
    pub(crate) authority_pem: String,
    pub(crate) token: String,
    pub(crate) user: TrustedUser,
    pub(crate) stop: CancellationToken,
    pub(crate) manager: JoinHandle<()>,
}

impl SimCluster {
    /// Describes a cluster to be started.
    pub fn builder() -> Builder {
        Builder::default()
    }

    pub(crate) fn new(parts: Parts) -> Self {
        Self { parts }
    }

    /// The name it was given.
    pub fn name(&self) -> &str {
        &self.parts.name
    }

    /// The address of its API, `https://127.0.0.1:PORT`.
    pub fn url(&self) -> String {
        format!("https://{}", self.parts.listener.address())
    }

    /// A kubeconfig (YAML) for its first user.
    pub fn kubeconfig(&self) -> String {
        let Parts { name, authority_pem, token, .. } = &self.parts;
        kubeconfig(name, &self.url(), authority_pem, token)
    }

    /// A client of its first user without a socket; exec and the like need one.
    pub fn client(&self) -> kube::Client {
        self.client_of(self.parts.user.clone())
    }

    /// A client of any user without a socket.
    pub fn client_as<G: Into<String>>(
        &self,
        user: impl Into<String>,
        groups: impl IntoIterator<Item = G>,
    ) -> kube::Client {
        let groups = groups.into_iter().map(Into::into).collect();
        self.client_of(TrustedUser { name: user.into(), groups })
    }

    fn client_of(&self, user: TrustedUser) -> kube::Client {
        kube::Client::new(InProcess::new(self.parts.server.clone(), user), "default")
    }

    /// What was asked of it.
    pub fn journal(&self) -> &Journal {
        &self.parts.server.journal
    }

    /// What tests do to its requests and watches.
    pub fn hooks(&self) -> &Hooks {
        &self.parts.server.hooks
    }

    /// What its users may not do.
    pub fn permissions(&self) -> &Permissions {
        &self.parts.server.permissions
    }

    /// How its images behave.
    pub fn scripts(&self) -> &Scripts {
        &self.parts.server.scripts
    }

    /// What its containers use: autoscalers go by it.
    pub fn loads(&self) -> &Loads {
        &self.parts.loads
    }

    /// Its nodes, to be lost and brought back.
    pub fn nodes(&self) -> &Nodes {
        &self.parts.nodes
    }

    /// The revision of the last write, by anybody.
    pub fn revision(&self) -> u64 {
        self.parts.server.api.store.revision()
    }

    /// Forgets the history that watches resume from, as a restarted API server does: a watch from an older
    /// revision is told 410 Gone. Lists of an older revision, and pages that go on, are still answered.
    pub fn forget_watch_history(&self) {
        self.parts.server.api.store.forget_history();
    }

    /// Forgets what lists show of the past, as after a compaction of etcd: a list of exactly an older revision, and a
    /// page of one, are answered 410 Gone, the latter with a token that goes on in the present. Watches resume.
    pub fn compact(&self) {
        self.parts.server.api.compact();
    }

    /// All objects and the revision as they are, to be put back later.
    ///
    /// ```
    /// # use plimsoll_sim_cluster::{PutBackError, SimCluster};
    /// # fn example(cluster: &SimCluster) -> Result<(), PutBackError> {
    /// let backup = cluster.back_up();
    /// // … the cluster lives on, clients learn of later revisions …
    /// cluster.put_back(&backup)?;
    /// assert_eq!(cluster.revision(), backup.revision());
    /// # Ok(())
    /// # }
    /// ```
    pub fn back_up(&self) -> Backup {
        self.parts.server.api.store.back_up()
    }

    /// Puts a backup in the place of what is there, as etcd is restored and the API server restarted on the same port:
    /// objects, uids and the revision counter go back, watches break, and no history is left. Clients that know later
    /// revisions are told that these are too large, or, by a watch, nothing until the counter has passed them. Pods and
    /// controllers go on with what is there then.
    pub fn put_back(&self, backup: &Backup) -> Result<(), PutBackError> {
        self.parts.server.hooks.cut_watches();
        Ok(self.parts.server.api.put_back(backup)?)
    }

    /// Nothing is answered any more, neither on the port nor to clients in process, but connections stay.
    /// Pods and controllers go on.
    pub fn freeze(&self) {
        self.parts.server.gate.freeze();
    }

    /// Ends [`SimCluster::freeze`]; what waited is answered.
    pub fn thaw(&self) {
        self.parts.server.gate.open();
    }

    /// Closes the port and all connections: the API is gone, pods and controllers go on.
    pub async fn stop(&self) {
        self.parts.server.gate.close();
        self.parts.listener.stop().await;
    }

    /// Opens the port again after [`SimCluster::stop`]; what watches resume from is forgotten, as with a
    /// real restart.
    pub async fn start(&self) -> io::Result<()> {
        self.parts.server.api.store.forget_history();
        self.parts.server.gate.open();
        self.parts.listener.start().await
    }

    /// Ends the cluster in order: no connection, controller or unwritten object is left behind.
    pub async fn shutdown(mut self) -> io::Result<()> {
        self.stop().await;
        self.parts.stop.cancel();
        if let Err(error) = (&mut self.parts.manager).await {
            tracing::error!(%error, "the controllers of a simulated cluster ended badly");
        }
        self.parts.server.api.store.close().map_err(io::Error::other)
    }
}

impl Drop for SimCluster {
    fn drop(&mut self) {
        self.parts.server.gate.close();
        self.parts.listener.abandon();
        self.parts.stop.cancel();
    }
}
