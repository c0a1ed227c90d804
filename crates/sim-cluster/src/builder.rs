//! What a cluster is made of, before it starts.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use crate::api::Api;
use crate::clock::{Clock, TokioClock};
use crate::cluster::{Parts, SimCluster};
use crate::control::{Manager, serve_definitions};
use crate::http::{Server, Tokens, TrustedUser};
use crate::load::Loads;
use crate::net::{Identity, Listener, TlsError};
use crate::nodes::Nodes;
use crate::script::Scripts;
use crate::status::ApiError;
use crate::store::{LogError, Store};
use crate::world;

/// Why a cluster did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The data directory cannot be used.
    #[error("opening the data directory")]
    Data(#[from] LogError),
    /// There is no certificate.
    #[error("preparing TLS")]
    Tls(#[from] TlsError),
    /// The port cannot be bound.
    #[error("listening on port {port}")]
    Listen {
        /// The port asked for; 0 for any.
        port: u16,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The objects that every cluster has could not be made.
    #[error("making the first objects")]
    World(#[from] ApiError),
}

/// How large each node is, in the API's quantities.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeSize {
    /// Such as `16`.
    pub cpu: String,
    /// Such as `64Gi`.
    pub memory: String,
    /// How many pods it takes.
    pub pods: u32,
}

impl Default for NodeSize {
    fn default() -> Self {
        Self { cpu: "16".to_owned(), memory: "64Gi".to_owned(), pods: 110 }
    }
}

/// Describes a cluster; [`Builder::start`] makes it.
#[derive(Debug)]
#[must_use]
pub struct Builder {
    name: String,
    nodes: usize,
    size: NodeSize,
    data_dir: Option<PathBuf>,
    users: Vec<(String, TrustedUser)>,
    port: u16,
    seed: u64,
    clock: Option<Arc<dyn Clock>>,
    scripts: Scripts,
    loads: Loads,
}

impl Default for Builder {
    fn default() -> Self {
        Self {
            name: "sim".to_owned(),
            nodes: 3,
            size: NodeSize::default(),
            data_dir: None,
            users: Vec::new(),
            port: 0,
            seed: 0,
            clock: None,
            scripts: Scripts::default(),
            loads: Loads::default(),
        }
    }
}

impl Builder {
    /// The name in its kubeconfig and of its nodes.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    /// How many nodes it has; three unless said otherwise.
    pub fn nodes(mut self, nodes: usize) -> Self {
        self.nodes = nodes;
        self
    }

    /// How large each node is; 16 CPUs, 64 Gi and 110 pods unless said otherwise.
    pub fn node_size(mut self, size: NodeSize) -> Self {
        self.size = size;
        self
    }

    /// Keeps everything in this folder, and goes on from what is in it.
    pub fn data_dir(mut self, folder: impl Into<PathBuf>) -> Self {
        self.data_dir = Some(folder.into());
        self
    }

    /// Lets a user in by a bearer token; the first one is in the kubeconfig. Without any there is an
    /// administrator with a random token.
    pub fn token<G: Into<String>>(
        mut self,
        token: impl Into<String>,
        user: impl Into<String>,
        groups: impl IntoIterator<Item = G>,
    ) -> Self {
        let groups = groups.into_iter().map(Into::into).collect();
        self.users.push((token.into(), TrustedUser { name: user.into(), groups }));
        self
    }

    /// The loopback port; a free one unless said otherwise.
    pub fn port(mut self, port: u16) -> Self {
        self.port = port;
        self
    }

    /// Where uids, name suffixes and the like come from: equal seeds, equal names.
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// The time source; tokio's, set to the wall time, unless said otherwise.
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.clock = Some(Arc::new(clock));
        self
    }

    /// How images behave from the start on.
    pub fn scripts(mut self, scripts: Scripts) -> Self {
        self.scripts = scripts;
        self
    }

    /// The load on its containers from the start on.
    pub fn loads(mut self, loads: Loads) -> Self {
        self.loads = loads;
        self
    }

    /// Starts the cluster; it serves when this returns.
    pub async fn start(self) -> Result<SimCluster, StartError> {
        let Self { name, nodes, size, data_dir, users, port, seed, clock, scripts, loads } = self;
        let store = match &data_dir {
            Some(folder) => Store::open(folder)?,
            None => Store::in_memory(),
        };
        // What was drawn from the seed before a restart must not be drawn again.
        let seed = seed.wrapping_add(store.opening());
        let identity = Identity::new(data_dir.as_deref())?;
        let clock = clock.unwrap_or_else(|| Arc::new(TokioClock::default()));
        let api = Arc::new(Api::new(store, clock, seed, identity.authority_pem.clone()));
        world::furnish(&api, &name, nodes, &size)?;
        serve_definitions(&api);

        let lost = Nodes::default();
        let mut manager = Manager::new(api.clone(), scripts.clone(), loads.clone(), lost.clone());
        manager.settle().await;

        let users = if users.is_empty() {
            let admin = TrustedUser { name: "admin".to_owned(), groups: vec!["system:masters".to_owned()] };
            vec![(format!("{:032x}", fastrand::u128(..)), admin)]
        } else {
            users
        };
        let (token, user) = users[0].clone();
        let mut tokens = Tokens::default();
        for (token, user) in users {
            tokens.insert(token, user);
        }
        let server = Arc::new(Server::new(api, tokens, scripts, lost.clone()));
        let listener = Listener::bind(server.clone(), identity.server, port)
            .await
            .map_err(|source| StartError::Listen { port, source })?;
        let stop = CancellationToken::new();
        let manager = tokio::spawn(manager.run(stop.clone()));
        Ok(SimCluster::new(Parts {
            name,
            nodes: lost,
            loads,
            server,
            listener,
            authority_pem: identity.authority_pem,
            token,
            user,
            stop,
            manager,
        }))
    }
}
