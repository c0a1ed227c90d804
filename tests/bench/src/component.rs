use anyhow::Context;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// One program of a data center's control plane.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Component {
    /// The store behind the API server.
    Etcd,
    /// kube-apiserver.
    ApiServer,
    /// kube-controller-manager.
    ControllerManager,
    /// kube-scheduler.
    Scheduler,
    /// KWOK, which plays the kubelets of the fake nodes.
    Kwok,
}

impl Component {
    /// All of them, each after those it needs. Stopped in the reverse order: an API server whose etcd went
    /// first ignores SIGTERM.
    pub const IN_START_ORDER: [Self; 5] =
        [Self::Etcd, Self::ApiServer, Self::ControllerManager, Self::Scheduler, Self::Kwok];

    /// The name of its program.
    pub fn program(self) -> &'static str {
        match self {
            Self::Etcd => "etcd",
            Self::ApiServer => "kube-apiserver",
            Self::ControllerManager => "kube-controller-manager",
            Self::Scheduler => "kube-scheduler",
            Self::Kwok => "kwok",
        }
    }

    /// Whether it talks to the API server, with a kubeconfig and under a name of its own.
    pub(crate) fn is_client(self) -> bool {
        match self {
            Self::Etcd | Self::ApiServer => false,
            Self::ControllerManager | Self::Scheduler | Self::Kwok => true,
        }
    }
}

impl FromStr for Component {
    type Err = anyhow::Error;

    fn from_str(program: &str) -> Result<Self, Self::Err> {
        let found = Self::IN_START_ORDER.into_iter().find(|component| component.program() == program);
        let all = Self::IN_START_ORDER.map(Self::program).join(", ");
        found.with_context(|| format!("no component is called {program}: they are {all}"))
    }
}

impl fmt::Display for Component {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.program())
    }
}
