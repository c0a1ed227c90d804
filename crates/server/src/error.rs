//! Why a server did not start, or ended other than asked: one clear line each, with the remedy.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

use plimsoll_ledger::OpenError;

use crate::config::ConfigError;

/// Why a server did not start, or ended other than asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The configuration has faults.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The data directory is not one that can be used.
    #[error("data directory {path}: {message}; {remedy}", path = path.display())]
    DataDir {
        /// The folder, or what lies in it.
        path: PathBuf,
        /// What is wrong.
        message: String,
        /// What to do.
        remedy: &'static str,
    },
    /// Another process has the data directory.
    #[error(
        "data directory {path} is in use by process {pid}; stop that one, or use another directory",
        path = path.display()
    )]
    InUse {
        /// The folder.
        path: PathBuf,
        /// The process that has it.
        pid: String,
    },
    /// The ledger file cannot be opened.
    #[error(transparent)]
    Ledger(#[from] OpenError),
    /// The address cannot be listened on.
    #[error("cannot listen on {address}: {message}; {remedy}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What is wrong.
        message: String,
        /// What to do.
        remedy: &'static str,
    },
    /// The certificate or the key of the listener cannot be used.
    #[error("{path}: {message}; {remedy}", path = path.display())]
    Tls {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        message: String,
        /// What to do.
        remedy: &'static str,
    },
    /// A simulated data center did not start.
    #[error("the simulated data center {dc} did not start: {message}")]
    Simulation {
        /// Its name.
        dc: String,
        /// Why, and what to do.
        message: String,
    },
    /// A registry of `dev` did not start, or did not take the example.
    #[error("the registry {name}: {message}")]
    Registry {
        /// Whose it is.
        name: String,
        /// Why, and what to do.
        message: String,
    },
    /// A use case refused what `dev` asked for.
    #[error("{0}")]
    Refused(#[from] plimsoll_core::error::Error),
    /// The example did not become healthy.
    #[error("{0}")]
    NotHealthy(String),
    /// The user ended it before it was done.
    #[error("interrupted")]
    Interrupted,
    /// A defect, or a machine that fails.
    #[error("{0}")]
    Failed(String, #[source] Box<dyn std::error::Error + Send + Sync>),
}

impl Error {
    /// The exit status of the command line.
    pub fn exit(&self) -> u8 {
        match self {
            Self::Config(_) => 2,
            Self::Refused(error) => error.kind.exit(),
            Self::Interrupted => 130,
            Self::DataDir { .. }
            | Self::InUse { .. }
            | Self::Ledger(_)
            | Self::Listen { .. }
            | Self::Tls { .. }
            | Self::Simulation { .. }
            | Self::Registry { .. }
            | Self::NotHealthy(_)
            | Self::Failed(..) => 1,
        }
    }

    /// What belongs to it, a line each: every fault of a configuration that has several, every violation of
    /// a rule.
    pub fn details(&self) -> Vec<String> {
        match self {
            Self::Config(error) => error.details(),
            Self::Refused(error) => {
                error.violations.iter().map(|v| format!("{}: {}; {}", v.path, v.message, v.remedy)).collect()
            }
            _ => Vec::new(),
        }
    }

    pub(crate) fn listen(address: SocketAddr, error: &io::Error) -> Self {
        let (message, remedy) = match error.kind() {
            io::ErrorKind::AddrInUse => (
                "the port is in use".to_owned(),
                "stop the program that has it, or choose another with --listen or `listen`",
            ),
            io::ErrorKind::AddrNotAvailable => {
                ("this machine has no such address".to_owned(), "choose one of its own")
            }
            io::ErrorKind::PermissionDenied => (
                "this user may not".to_owned(),
                "choose a port from 1024 upwards, or give the program the right",
            ),
            _ => (error.to_string(), "choose another address with --listen or `listen`"),
        };
        Self::Listen { address, message, remedy }
    }
}
