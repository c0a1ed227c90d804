//! One port for REST, SSE and gRPC: HTTP/1 and HTTP/2, in cleartext or over TLS, with an orderly end.

mod ending;
mod listener;
mod split;
mod tls;

pub(crate) use ending::end_streams;
pub(crate) use listener::Listener;
pub(crate) use split::Split;
