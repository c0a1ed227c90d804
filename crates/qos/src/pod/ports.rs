//! Ports of the node that a pod takes for itself.
//!
//! Source: `k8s.io/kubernetes` v1.37 `pkg/scheduler/util/utils.go` (`GetHostPorts`) and `k8s.io/kube-scheduler`
//! v0.37 `framework/types.go` (`HostPortInfo`).

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{Container, Pod};
use crate::bounded;

/// The address that stands for all of a node.
const ANY: &str = "0.0.0.0";

/// A port of a container.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ContainerPort {
    /// The port in the container.
    #[serde(deserialize_with = "bounded::or_default")]
    pub container_port: i32,
    /// The port of the node that leads there; zero is none.
    #[serde(deserialize_with = "bounded::or_default", skip_serializing_if = "is_zero")]
    pub host_port: i32,
    /// The address of the node that leads there; empty is all of them.
    #[serde(
        rename = "hostIP",
        deserialize_with = "bounded::or_default",
        skip_serializing_if = "String::is_empty"
    )]
    pub host_ip: String,
    /// `TCP`, which is what empty stands for, `UDP` or `SCTP`.
    #[serde(deserialize_with = "bounded::or_default", skip_serializing_if = "String::is_empty")]
    pub protocol: String,
}

/// A port of a node that a pod takes, in the scheduler's terms.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct HostPort {
    pub(crate) port: i32,
    pub(crate) protocol: String,
    pub(crate) ip: String,
}

impl HostPort {
    /// Whether two pods with these ports cannot run on one node: an address is in the way of itself and of all.
    pub(crate) fn conflicts(&self, other: &Self) -> bool {
        let address = self.ip == other.ip || self.ip == ANY || other.ip == ANY;
        address && self.port == other.port && self.protocol == other.protocol
    }

    /// Whether this is the other port on all addresses.
    pub(crate) fn covers(&self, other: &Self) -> bool {
        self.ip == ANY && self.port == other.port && self.protocol == other.protocol
    }
}

impl fmt::Display for HostPort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { port, protocol, ip } = self;
        if ip == ANY { write!(f, "{port}/{protocol}") } else { write!(f, "{ip}:{port}/{protocol}") }
    }
}

impl Pod {
    /// The ports of its node that the pod takes: those of its containers and sidecars, not those of init steps.
    ///
    /// In the node's network every port is one of the node, which the API server writes down as such.
    pub(crate) fn host_ports(&self) -> Box<[HostPort]> {
        let sidecars = self.init_containers.iter().filter(|container| container.is_sidecar());
        let ports = sidecars.chain(&self.containers).flat_map(|container| &container.ports);
        let taken = ports.filter_map(|port| {
            let ContainerPort { container_port, host_port, host_ip, protocol } = port;
            let number = if self.host_network && *host_port == 0 { *container_port } else { *host_port };
            let or = |text: &str, usual: &str| if text.is_empty() { usual } else { text }.to_owned();
            (number > 0).then(|| HostPort {
                port: number,
                protocol: or(protocol, "TCP"),
                ip: or(host_ip, ANY),
            })
        });
        taken.collect()
    }
}

impl Container {
    /// In the node's network a port of a container is one of the node.
    pub(super) fn default_host_ports(&mut self) {
        for port in self.ports.iter_mut().filter(|port| port.host_port == 0) {
            port.host_port = port.container_port;
        }
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands on a reference")]
fn is_zero(number: &i32) -> bool {
    *number == 0
}
