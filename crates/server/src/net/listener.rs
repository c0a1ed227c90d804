//! Accepts connections, serves them, and lets them finish.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use http::{Request, Response};
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tower::{Service, ServiceExt as _};

use super::tls;
use crate::config::Tls;
use crate::error::Error;

/// So many connections at most; who comes then waits to be accepted.
const CONNECTIONS: usize = 4096;
/// How long a client may take to say whom it wants to talk to: the TLS handshake, the head of a request.
const GREETING: Duration = Duration::from_secs(10);
/// How often an idle HTTP/2 client is asked whether it is still there, and how long it may take to answer.
const ALIVE: Duration = Duration::from_secs(20);
/// So many requests at once in one HTTP/2 connection.
const STREAMS: u32 = 256;
/// How long requests that run may take once the server is to stop.
const DRAIN: Duration = Duration::from_secs(10);
/// How long to wait when no connection can be accepted, as when the process has no file handle left.
const PAUSE: Duration = Duration::from_millis(200);

/// A port that is listened on.
pub(crate) struct Listener {
    tcp: TcpListener,
    address: SocketAddr,
    tls: Option<TlsAcceptor>,
}

impl Listener {
    /// Listens; connections wait until [`Listener::serve`].
    pub(crate) async fn bind(address: SocketAddr, tls: Option<&Tls>) -> Result<Self, Error> {
        let tls = tls.map(tls::acceptor).transpose()?;
        let tcp = TcpListener::bind(address).await.map_err(|error| Error::listen(address, &error))?;
        let address = tcp.local_addr().map_err(|error| Error::listen(address, &error))?;
        Ok(Self { tcp, address, tls })
    }

    /// What it listens on, with the port that the system chose for port 0.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// How a client on this machine reaches it.
    pub(crate) fn url(&self) -> String {
        let scheme = if self.tls.is_some() { "https" } else { "http" };
        format!("{scheme}://{}", self.address)
    }

    /// Serves every connection until `stopping`, then lets what runs finish, for a while.
    pub(crate) async fn serve<S>(self, service: S, stopping: CancellationToken)
    where
        S: Service<Request<Body>, Response = Response<Body>, Error = Infallible>
            + Clone
            + Send
            + Sync
            + 'static,
        S::Future: Send + 'static,
    {
        let Self { tcp, address: _, tls } = self;
        let graceful = GracefulShutdown::new();
        let places = Arc::new(Semaphore::new(CONNECTIONS));
        loop {
            let accepted = tokio::select! {
                () = stopping.cancelled() => break,
                accepted = accept(&tcp, &places) => accepted,
            };
            let Some((stream, place)) = accepted else { break };
            let (service, tls, watcher) = (service.clone(), tls.clone(), graceful.watcher());
            tokio::spawn(async move {
                let _place = place;
                match tls {
                    None => converse(stream, service, watcher).await,
                    Some(tls) => match tokio::time::timeout(GREETING, tls.accept(stream)).await {
                        Ok(Ok(stream)) => converse(stream, service, watcher).await,
                        Ok(Err(error)) => tracing::debug!(%error, "a TLS handshake failed"),
                        Err(_) => tracing::debug!("a TLS handshake took too long"),
                    },
                }
            });
        }
        // Who connects from now on is refused, instead of waiting for nobody.
        drop(tcp);
        if tokio::time::timeout(DRAIN, graceful.shutdown()).await.is_err() {
            tracing::warn!("requests were cut off that did not end in time");
        }
    }
}

/// The next connection; `None` when there can be none.
async fn accept(
    tcp: &TcpListener,
    places: &Arc<Semaphore>,
) -> Option<(TcpStream, tokio::sync::OwnedSemaphorePermit)> {
    let place = places.clone().acquire_owned().await.ok()?;
    loop {
        match tcp.accept().await {
            Ok((stream, _)) => {
                if let Err(error) = stream.set_nodelay(true) {
                    tracing::debug!(%error, "a connection broke before it was served");
                    continue;
                }
                return Some((stream, place));
            }
            Err(error) => {
                tracing::warn!(%error, "no connection can be accepted");
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}

async fn converse<I, S>(stream: I, service: S, watcher: Watcher)
where
    I: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    S: Service<Request<Body>, Response = Response<Body>, Error = Infallible> + Clone + Send + Sync + 'static,
    S::Future: Send + 'static,
{
    let mut builder = Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(GREETING);
    builder
        .http2()
        .timer(TokioTimer::new())
        .keep_alive_interval(ALIVE)
        .keep_alive_timeout(ALIVE)
        .max_concurrent_streams(STREAMS);
    let service = TowerToHyperService::new(service.map_request(|r: Request<Incoming>| r.map(Body::new)));
    let connection = builder.serve_connection_with_upgrades(TokioIo::new(stream), service).into_owned();
    if let Err(error) = watcher.watch(connection).await {
        // A client that goes away in the middle is no event.
        tracing::debug!(error = %plimsoll_core::error::Chain(&*error), "a connection broke");
    }
}

#[cfg(test)]
mod tests;
