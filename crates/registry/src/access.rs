//! How to reach a registry, and within which bounds.

use std::collections::BTreeSet;
use std::time::Duration;

use plimsoll_core::image::Host;
use reqwest::Url;
use secrecy::SecretString;

use crate::copy::Moves;

/// One registry: where it is, who asks, what it may make us do.
#[derive(Clone, Debug)]
pub struct Access {
    pub(crate) host: Host,
    pub(crate) scheme: Scheme,
    pub(crate) credential: Option<Credential>,
    pub(crate) authorities: Vec<Vec<u8>>,
    pub(crate) token_hosts: BTreeSet<Host>,
    pub(crate) blob_hosts: BTreeSet<Host>,
    pub(crate) proxy: Proxy,
    pub(crate) limits: Limits,
    pub(crate) tags: Moves,
}

/// Whether what is sent can be read on the way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    /// TLS, with the roots of this machine and those given.
    Https,
    /// Plain text. For loopback, or where somebody decided that the network is theirs.
    Http,
}

/// Who asks.
#[derive(Clone, Debug)]
pub enum Credential {
    /// A user with a password, or a robot account with its secret.
    Password {
        /// The name.
        user: String,
        /// The password or secret.
        password: SecretString,
    },
    /// A refresh token of the token server, by OAuth 2.
    Refresh(SecretString),
    /// A bearer token that the registry takes as it is.
    Bearer(SecretString),
}

/// Through which proxy requests go.
#[derive(Clone, Debug, Default)]
pub enum Proxy {
    /// Straight to the registry.
    #[default]
    Direct,
    /// Through this one, hosts that are named excepted.
    Through {
        /// `http://proxy.example.com:3128`, with user and password where it wants them.
        url: Url,
        /// Hosts, domains and networks that are reached straight: `localhost,.example.com,10.0.0.0/8`.
        except: String,
    },
}

/// What one call may take. Whatever is beyond is an error that says so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Until a connection stands.
    pub connect: Duration,
    /// Until an answer begins, and between two pieces of a body, in either direction.
    pub idle: Duration,
    /// How often one call is tried.
    pub attempts: u32,
    /// How long is waited before the second attempt; each further wait is twice as long.
    pub backoff: Duration,
    /// The longest wait that a registry may ask for; one that asks for more gets no further attempt.
    pub longest_wait: Duration,
    /// Bytes of a blob in one request, for proxies that take no larger ones; without it, all of them. A chunk is held in
    /// memory while it is sent.
    pub chunk: Option<u32>,
    /// Bytes of a manifest: what the specification lets registries refuse, 4 MiB.
    pub manifest: usize,
    /// Bytes of any other answer that is read as a whole.
    pub answer: usize,
    /// Pages of one list.
    pub pages: usize,
    /// Entries of one list.
    pub entries: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            idle: Duration::from_mins(1),
            attempts: 4,
            backoff: Duration::from_millis(200),
            longest_wait: Duration::from_mins(1),
            chunk: None,
            manifest: 4 << 20,
            answer: 16 << 20,
            pages: 100_000,
            entries: 1_000_000,
        }
    }
}

/// Why an [`Access`] cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum InvalidAccess {
    /// A certificate authority that is none.
    #[error("a certificate authority of {host} is not a PEM certificate")]
    Authority {
        /// The registry.
        host: Host,
        /// What is wrong with it.
        #[source]
        source: reqwest::Error,
    },
    /// The client cannot be made.
    #[error("the client of {host} cannot be made")]
    Client {
        /// The registry.
        host: Host,
        /// What is missing.
        #[source]
        source: reqwest::Error,
    },
    /// An address that no request can be sent to.
    #[error("{0} makes no address to send requests to")]
    Address(Host),
}

impl Access {
    /// The registry at `host`: plain HTTP on this machine, TLS everywhere else.
    pub fn new(host: Host) -> Self {
        let scheme = if host.is_loopback() { Scheme::Http } else { Scheme::Https };
        Self {
            host,
            scheme,
            credential: None,
            authorities: Vec::new(),
            token_hosts: BTreeSet::new(),
            blob_hosts: BTreeSet::new(),
            proxy: Proxy::Direct,
            limits: Limits::default(),
            tags: Moves::Freely,
        }
    }

    /// Speaks TLS, or plain text to a host that is not this machine: everybody on the way can read the credential.
    #[must_use]
    pub fn scheme(mut self, scheme: Scheme) -> Self {
        self.scheme = scheme;
        self
    }

    /// Asks as somebody.
    #[must_use]
    pub fn credential(mut self, credential: Credential) -> Self {
        self.credential = Some(credential);
        self
    }

    /// Believes certificates signed by these authorities (PEM) as well.
    #[must_use]
    pub fn authority(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.authorities.push(pem.into());
        self
    }

    /// Lets this host give tokens: it gets the credential. The registry's own host may without being named.
    #[must_use]
    pub fn token_host(mut self, host: Host) -> Self {
        self.token_hosts.insert(host);
        self
    }

    /// Lets the registry lead to this host for content, even where its address is of this machine or link-local.
    #[must_use]
    pub fn blob_host(mut self, host: Host) -> Self {
        self.blob_hosts.insert(host);
        self
    }

    /// Goes through a proxy.
    #[must_use]
    pub fn proxy(mut self, proxy: Proxy) -> Self {
        self.proxy = proxy;
        self
    }

    /// Keeps every tag where it points, whatever a copy or a push asks for and even where the registry would allow it:
    /// what was promoted is not overwritten.
    #[must_use]
    pub fn tags(mut self, moves: Moves) -> Self {
        self.tags = moves;
        self
    }

    /// Takes other bounds.
    #[must_use]
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }
}
