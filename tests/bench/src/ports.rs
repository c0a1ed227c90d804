use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};
use std::hash::{BuildHasher, RandomState};
use std::net::{Ipv4Addr, SocketAddr};
use tokio::net::TcpSocket;

/// Below the range from which Linux takes the ports of outgoing connections: while a server is stopped, no
/// client may be given its port, and no client that knocks there may connect to itself.
const RANGE: std::ops::Range<u16> = 20_000..32_000;

/// The loopback ports of one data center.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Ports {
    pub etcd_client: u16,
    pub etcd_peer: u16,
    pub api_server: u16,
    pub controller_manager: u16,
    pub scheduler: u16,
    pub kwok: u16,
}

/// Ports that nobody else can take while this lives.
///
/// Each is held by a socket that is bound and never listens. The server may bind the same port beside it,
/// because Go's listeners and this socket both set `SO_REUSEADDR`, and may leave and come back; anyone who
/// looks for a free port, without that option, is told that it is in use; and a client that knocks while the
/// server is away is refused.
pub(crate) struct Leases {
    _held: Vec<TcpSocket>,
}

impl Ports {
    /// Chooses free ports and holds them.
    pub(crate) fn lease() -> Result<(Self, Leases)> {
        let mut held = Vec::new();
        let mut next = || -> Result<u16> {
            let (port, socket) = lease_one()?;
            held.push(socket);
            Ok(port)
        };
        let ports = Self {
            etcd_client: next()?,
            etcd_peer: next()?,
            api_server: next()?,
            controller_manager: next()?,
            scheduler: next()?,
            kwok: next()?,
        };
        Ok((ports, Leases { _held: held }))
    }
}

fn lease_one() -> Result<(u16, TcpSocket)> {
    let width = u64::from(RANGE.end - RANGE.start);
    for attempt in 0..200_u32 {
        // A fresh `RandomState` is seeded differently each time, so two runs don't walk the same ports.
        let offset = u16::try_from(RandomState::new().hash_one(attempt) % width)?;
        let port = RANGE.start + offset;
        let socket = TcpSocket::new_v4().context("making a socket")?;
        // Bound without `SO_REUSEADDR` first, so that this fails where anyone else holds the port.
        socket.set_reuseaddr(false).context("preparing a socket")?;
        if socket.bind(SocketAddr::from((Ipv4Addr::LOCALHOST, port))).is_ok() {
            socket.set_reuseaddr(true).context("sharing a port with its server")?;
            return Ok((port, socket));
        }
    }
    bail!("no free port on loopback in {RANGE:?}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::{TcpListener, TcpStream};

    /// `std`'s listener sets `SO_REUSEADDR`, as Go's does.
    #[tokio::test]
    async fn a_server_comes_and_goes_on_a_leased_port_that_nobody_else_can_lease() {
        let (ports, _leases) = Ports::lease().unwrap();
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, ports.api_server));

        for _ in 0..2 {
            let server = TcpListener::bind(address).unwrap();
            TcpStream::connect(address).unwrap();
            drop(server);
            let refused = TcpStream::connect(address).unwrap_err();
            assert_eq!(refused.kind(), std::io::ErrorKind::ConnectionRefused);
            let stranger = TcpSocket::new_v4().unwrap();
            stranger.set_reuseaddr(false).unwrap();
            assert_eq!(stranger.bind(address).unwrap_err().kind(), std::io::ErrorKind::AddrInUse);
        }
    }
}
