//! The socket on loopback.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use hyper_util::service::TowerToHyperService;
use parking_lot::Mutex;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::http::Server;

/// How long a client may take for the TLS handshake.
const HANDSHAKE: Duration = Duration::from_secs(10);

/// A port that can be closed and opened again, always the same one.
#[derive(Debug)]
pub(crate) struct Listener {
    server: Arc<Server>,
    tls: Arc<rustls::ServerConfig>,
    address: SocketAddr,
    running: Mutex<Option<Running>>,
    /// Keeps the port while nobody listens; none where the system does not let two sockets bind the same.
    _held: Option<TcpSocket>,
}

#[derive(Debug)]
struct Running {
    stop: CancellationToken,
    tasks: TaskTracker,
}

impl Listener {
    /// Listens on a loopback port; 0 takes a free one.
    pub(crate) async fn bind(
        server: Arc<Server>,
        tls: Arc<rustls::ServerConfig>,
        port: u16,
    ) -> io::Result<Self> {
        let mut address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let held = cfg!(target_os = "linux").then(|| hold(address)).transpose()?;
        if let Some(held) = &held {
            address = held.local_addr()?;
        }
        let socket = TcpListener::bind(address).await?;
        let address = socket.local_addr()?;
        let listener = Self { server, tls, address, running: Mutex::new(None), _held: held };
        listener.run(socket);
        Ok(listener)
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Closes the port and every connection; completes when nothing of them is left.
    pub(crate) async fn stop(&self) {
        let running = self.running.lock().take();
        if let Some(Running { stop, tasks }) = running {
            stop.cancel();
            tasks.close();
            tasks.wait().await;
        }
    }

    /// Closes the port without waiting for what is left.
    pub(crate) fn abandon(&self) {
        if let Some(Running { stop, .. }) = self.running.lock().take() {
            stop.cancel();
        }
    }

    /// Opens the port again.
    pub(crate) async fn start(&self) -> io::Result<()> {
        if self.running.lock().is_none() {
            let socket = TcpListener::bind(self.address).await?;
            self.run(socket);
        }
        Ok(())
    }

    fn run(&self, socket: TcpListener) {
        let running = Running { stop: CancellationToken::new(), tasks: TaskTracker::new() };
        let (server, tls) = (self.server.clone(), TlsAcceptor::from(self.tls.clone()));
        let (stop, tasks) = (running.stop.clone(), running.tasks.clone());
        running.tasks.spawn(accept(socket, server, tls, stop, tasks));
        *self.running.lock() = Some(running);
    }
}

/// Binds a port and does not listen, so that the system gives it to nobody who asks for a free one, and so that whoever
/// knocks is refused. Listeners set `SO_REUSEADDR` too, and may bind it beside this.
fn hold(address: SocketAddr) -> io::Result<TcpSocket> {
    let socket = TcpSocket::new_v4()?;
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    Ok(socket)
}

async fn accept(
    socket: TcpListener,
    server: Arc<Server>,
    tls: TlsAcceptor,
    stop: CancellationToken,
    tasks: TaskTracker,
) {
    loop {
        let accepted = tokio::select! {
            () = stop.cancelled() => return,
            accepted = socket.accept() => accepted,
        };
        match accepted {
            Ok((stream, _)) => {
                let connection = connection(stream, server.clone(), tls.clone());
                let stop = stop.clone();
                tasks.spawn(async move {
                    tokio::select! {
                        () = stop.cancelled() => {}
                        () = connection => {}
                    }
                });
            }
            Err(error) => {
                tracing::debug!(%error, "accepting a connection failed");
                tokio::task::yield_now().await;
            }
        }
    }
}

async fn connection(stream: TcpStream, server: Arc<Server>, tls: TlsAcceptor) {
    // A frozen server accepts, because its kernel does, and then says nothing.
    if server.gate.pass().await.is_err() {
        return;
    }
    let _ = stream.set_nodelay(true);
    let Ok(Ok(stream)) = tokio::time::timeout(HANDSHAKE, tls.accept(stream)).await else { return };
    let service = tower::service_fn(move |request: http::Request<hyper::body::Incoming>| {
        server.clone().serve(request.map(Body::new))
    });
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder.http2().max_concurrent_streams(1024);
    let outcome =
        builder.serve_connection_with_upgrades(TokioIo::new(stream), TowerToHyperService::new(service)).await;
    if let Err(error) = outcome {
        tracing::debug!(error, "connection ended");
    }
}
