use anyhow::{Context, Result, bail};
use rustix::io::{FdFlags, fcntl_setfd};
use serde::{Deserialize, Serialize};
use std::hash::{BuildHasher, RandomState};
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use tokio::net::TcpSocket;

use crate::process::Lifetime;

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

/// Ports that nobody else can take while this lives, in this process or in another of this machine.
///
/// Each is held by a socket that is bound and never listens. The server may bind the same port beside it,
/// because Go's listeners and this socket both set `SO_REUSEADDR`, and may leave and come back; anyone who
/// looks for a free port, without that option, is told that it is in use; and a client that knocks while the
/// server is away is refused. The kernel lets go of it when the last process ends that has the socket: no
/// file is left behind that speaks of a run that died.
pub(crate) struct Leases {
    held: Vec<TcpSocket>,
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
        Ok((ports, Leases { held }))
    }
}

impl Leases {
    /// The lease of one port.
    pub(crate) fn of(socket: TcpSocket) -> Self {
        Self { held: vec![socket] }
    }

    /// Components that outlive this process keep their ports without it: they inherit the sockets, and the ports
    /// are held until the last of them has ended.
    pub(crate) fn for_components(self, lifetime: Lifetime) -> Result<Self> {
        if lifetime == Lifetime::Detached {
            for socket in &self.held {
                fcntl_setfd(socket, FdFlags::empty()).context("handing a port on")?;
            }
        }
        Ok(self)
    }
}

/// One port that nobody else can take.
pub(crate) fn lease_one() -> Result<(u16, TcpSocket)> {
    let width = u64::from(RANGE.end - RANGE.start);
    for attempt in 0..200_u32 {
        // A fresh `RandomState` is seeded differently each time, so two runs don't walk the same ports.
        let offset = u16::try_from(RandomState::new().hash_one(attempt) % width)?;
        let port = RANGE.start + offset;
        match hold(port) {
            Ok(socket) => return Ok((port, socket)),
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => {}
            Err(error) => return Err(error).with_context(|| format!("holding port {port}")),
        }
    }
    bail!("no free port on loopback in {RANGE:?}")
}

/// Holds a port; `AddrInUse` where anyone else does, or serves there.
fn hold(port: u16) -> io::Result<TcpSocket> {
    let socket = TcpSocket::new_v4()?;
    // Bound without `SO_REUSEADDR`, which would get along with others that hold it; with it from then on, so that
    // the server may bind it beside this.
    socket.set_reuseaddr(false)?;
    socket.bind(SocketAddr::from((Ipv4Addr::LOCALHOST, port)))?;
    socket.set_reuseaddr(true)?;
    Ok(socket)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::deadline;
    use std::io::{BufRead as _, BufReader, Read as _};
    use std::net::{TcpListener, TcpStream};
    use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

    const OTHER: &str = "PLIMSOLL_BENCH_OTHER_PROCESS";

    fn loopback(port: u16) -> SocketAddr {
        SocketAddr::from((Ipv4Addr::LOCALHOST, port))
    }

    /// `std`'s listener sets `SO_REUSEADDR`, as Go's does.
    #[tokio::test]
    async fn a_server_comes_and_goes_on_a_leased_port_that_nobody_else_can_lease() {
        let (ports, _leases) = Ports::lease().unwrap();
        let address = loopback(ports.api_server);

        for _ in 0..2 {
            let server = TcpListener::bind(address).unwrap();
            TcpStream::connect(address).unwrap();
            assert_eq!(hold(ports.api_server).unwrap_err().kind(), io::ErrorKind::AddrInUse);
            drop(server);
            // A process that another test starts at this moment has the server's socket until it is a program of its own.
            let refusal = async || Ok(TcpStream::connect(address).err());
            let refused = deadline::until("the server to be gone", deadline::TO_STOP, refusal).await.unwrap();
            assert_eq!(refused.kind(), io::ErrorKind::ConnectionRefused);
            assert_eq!(hold(ports.api_server).unwrap_err().kind(), io::ErrorKind::AddrInUse);
        }
    }

    /// This program again, in the part of [`the_other_process`].
    struct OtherProcess {
        child: Child,
        said: BufReader<ChildStdout>,
        /// It leaves when this is closed.
        stay: Option<ChildStdin>,
    }

    impl OtherProcess {
        fn start(task: &str) -> Self {
            let mut child = Command::new(std::env::current_exe().unwrap())
                .args(["--exact", "ports::tests::the_other_process", "--ignored", "--nocapture"])
                .env(OTHER, task)
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .spawn()
                .unwrap();
            let (said, stay) = (BufReader::new(child.stdout.take().unwrap()), child.stdin.take());
            Self { child, said, stay }
        }

        /// What it says of its task.
        fn answer(&mut self) -> String {
            let mut lines = self.said.by_ref().lines().map(Result::unwrap);
            let answer = lines.find_map(|line| Some(line.split_once("answer: ")?.1.to_owned()));
            answer.expect("the other process does its task")
        }

        fn kill(mut self) {
            self.child.kill().unwrap();
            self.child.wait().unwrap();
            drop(self.stay);
        }

        fn ask(task: &str) -> String {
            let mut other = Self::start(task);
            let answer = other.answer();
            other.kill();
            answer
        }
    }

    #[tokio::test]
    #[ignore = "a part of the next two, in a process of its own"]
    async fn the_other_process() {
        let task = std::env::var(OTHER).unwrap();
        let (answer, _held) = if let Some(port) = task.strip_prefix("hold ") {
            match hold(port.parse().unwrap()) {
                Ok(socket) => ("held".to_owned(), vec![socket]),
                Err(error) => (format!("{:?}", error.kind()), Vec::new()),
            }
        } else {
            let (ports, leases) = Ports::lease().unwrap();
            (ports.api_server.to_string(), leases.held)
        };
        println!("\nanswer: {answer}");
        std::io::stdin().read_to_end(&mut Vec::new()).unwrap();
    }

    #[tokio::test]
    async fn no_other_process_takes_the_port_of_a_server_between_its_end_and_its_return() {
        let (ports, leases) = Ports::lease().unwrap();
        let task = format!("hold {}", ports.api_server);

        drop(TcpListener::bind(loopback(ports.api_server)).unwrap());
        assert_eq!(OtherProcess::ask(&task), "AddrInUse");
        drop(TcpListener::bind(loopback(ports.api_server)).unwrap());
        drop(leases);
        assert_eq!(OtherProcess::ask(&task), "held");
    }

    #[tokio::test]
    async fn the_ports_of_a_process_that_was_killed_are_free_again() {
        let mut other = OtherProcess::start("lease");
        let port = other.answer().parse().unwrap();
        assert_eq!(hold(port).unwrap_err().kind(), io::ErrorKind::AddrInUse);
        other.kill();
        hold(port).unwrap();
    }

    #[tokio::test]
    async fn components_that_outlive_their_starter_keep_its_ports() {
        let (ports, leases) = Ports::lease().unwrap();
        let leases = leases.for_components(Lifetime::Detached).unwrap();
        let mut component = Command::new("sleep").arg("600").spawn().unwrap();
        drop(leases);

        let kept = hold(ports.api_server);
        component.kill().unwrap();
        component.wait().unwrap();
        assert_eq!(kept.unwrap_err().kind(), io::ErrorKind::AddrInUse);
        // What another test started in between has inherited them too.
        let free = deadline::until("the ports to be free", deadline::TO_START, async || {
            Ok(hold(ports.api_server).ok().map(|_| ()))
        });
        free.await.unwrap();
    }
}
