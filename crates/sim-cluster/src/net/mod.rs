//! How the server is reached: TLS, the listening socket, kubeconfig, and the gate that freezes or closes it.

mod gate;
mod kubeconfig;
mod listener;
mod service;
mod tls;

pub(crate) use gate::Gate;
pub(crate) use kubeconfig::kubeconfig;
pub(crate) use listener::Listener;
pub(crate) use service::InProcess;
pub(crate) use tls::Identity;
pub use tls::TlsError;

/// The connection was closed before the request was answered.
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error("connection closed before the request was answered")]
pub(crate) struct ConnectionLost;
