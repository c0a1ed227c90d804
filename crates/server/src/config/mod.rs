//! `plimsoll.toml`: only what a process needs to start. Everything else lives in the ledger.

mod check;
mod file;
mod registries;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::num::NonZeroU64;
use std::path::{Path, PathBuf};
use std::time::Duration;

use http::Uri;
use plimsoll_core::caller::Role;
use plimsoll_core::digest::Digest;
use plimsoll_core::error::Violation;
use plimsoll_core::image::{Host, Prefix};
use plimsoll_core::name::DcName;
use plimsoll_registry::Scheme;

/// The configuration of one process, checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// Where REST, SSE and gRPC are served, all on one port.
    pub listen: SocketAddr,
    /// The folder of the ledger and of the credentials of the data centers.
    pub data: PathBuf,
    /// How the ledger is kept.
    pub ledger: LedgerSettings,
    /// The listener's certificate; without one it speaks cleartext.
    pub tls: Option<Tls>,
    /// The HTTP proxy to the data centers, if there is one. The environment is not asked.
    pub proxy: Option<Uri>,
    /// Who may call.
    pub tokens: Vec<Token>,
    /// What is logged, and how.
    pub log: Log,
    /// The registries of the installation; none: images are taken as they are written.
    pub registries: RegistrySettings,
}

/// The registries of the installation, and what each data center has of its own.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RegistrySettings {
    /// The registries.
    pub list: Vec<RegistryAccess>,
    /// What stands before the repositories that a data center pulls from; its registry is one of the list.
    pub near: BTreeMap<DcName, Prefix>,
}

/// How to reach a registry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RegistryAccess {
    /// Where it is.
    pub host: Host,
    /// Whether what is sent can be read on the way.
    pub scheme: Scheme,
    /// A file with certificate authorities that it is believed by as well, PEM.
    pub authority: Option<PathBuf>,
    /// Who asks; nobody in particular without.
    pub login: Option<Login>,
    /// Hosts beside its own that may give tokens for it: they get the password.
    pub token_hosts: Vec<Host>,
    /// The HTTP proxy to it.
    pub proxy: Option<Uri>,
}

/// Who asks a registry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Login {
    /// The name of a user or of a robot account.
    pub user: String,
    /// The file with the password, or the secret.
    pub password: PathBuf,
}

/// How the ledger is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LedgerSettings {
    /// How many bytes it is meant to hold; from 80 % on it takes no new Release.
    pub quota: NonZeroU64,
    /// How often what is old is moved into the archive.
    pub tidy: Duration,
    /// How long a deletion is remembered after every data center has confirmed it.
    pub deletions: Duration,
}

impl Default for LedgerSettings {
    fn default() -> Self {
        Self {
            quota: plimsoll_ledger::DEFAULT_QUOTA,
            tidy: plimsoll_worker::TIDY_EVERY,
            deletions: plimsoll_core::retention::TOMBSTONE_AGE,
        }
    }
}

/// The certificate of the listener, as files in PEM form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tls {
    /// The certificate, then those that issued it.
    pub certificate: PathBuf,
    /// Its private key.
    pub key: PathBuf,
}

/// A caller, by a token of which only the digest is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    /// Who it is; goes into Releases and Operations.
    pub name: String,
    /// What they may.
    pub role: Role,
    /// The SHA-256 of the token.
    pub digest: Digest,
}

/// What is logged, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Log {
    /// The form of a line.
    pub format: LogFormat,
    /// Which events, as directives of tracing's `EnvFilter`.
    pub filter: String,
}

/// The form of a log line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

/// Why there is no configuration.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("{path}: cannot be read ({reason}); name the file with --config, and let this user read it", path = path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        reason: String,
    },
    /// The file has faults.
    #[error("{}", faults(path, violations))]
    Faults {
        /// The file.
        path: PathBuf,
        /// Every fault that could be found; at least one.
        violations: Vec<Violation>,
    },
}

impl ConfigError {
    /// Every fault in a line of its own, where there are several.
    pub fn details(&self) -> Vec<String> {
        match self {
            Self::Faults { violations, .. } if violations.len() > 1 => violations.iter().map(line).collect(),
            Self::Faults { .. } | Self::Unreadable { .. } => Vec::new(),
        }
    }
}

fn faults(path: &Path, violations: &[Violation]) -> String {
    match violations {
        [violation] => format!("{}: {}", path.display(), line(violation)),
        violations => format!("{} has {} faults", path.display(), violations.len()),
    }
}

fn line(violation: &Violation) -> String {
    let Violation { path, message, remedy, rule: _ } = violation;
    if path.is_empty() { format!("{message}; {remedy}") } else { format!("{path}: {message}; {remedy}") }
}

/// Reads and checks the file. Paths in it are relative to the folder that it lies in.
pub fn load(path: &Path) -> Result<Config, ConfigError> {
    let text = std::fs::read_to_string(path)
        .map_err(|error| ConfigError::Unreadable { path: path.to_owned(), reason: error.to_string() })?;
    let folder = path.parent().unwrap_or(Path::new(""));
    file::parse(&text)
        .map_err(|violation| vec![violation])
        .and_then(|file| check::check(file, folder))
        .map_err(|violations| ConfigError::Faults { path: path.to_owned(), violations })
}

#[cfg(test)]
mod tests;
