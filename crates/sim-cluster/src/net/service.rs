//! The server as a tower service, for clients in the same process.

use std::sync::Arc;
use std::task::{Context, Poll};

use axum::body::Body;
use futures::future::BoxFuture;
use http::{Request, Response};
use tower::Service;

use super::ConnectionLost;
use crate::http::{Server, TrustedUser};

/// Requests of one user, without a socket.
#[derive(Debug, Clone)]
pub(crate) struct InProcess {
    server: Arc<Server>,
    user: TrustedUser,
}

impl InProcess {
    pub(crate) fn new(server: Arc<Server>, user: TrustedUser) -> Self {
        Self { server, user }
    }
}

impl Service<Request<kube::client::Body>> for InProcess {
    type Response = Response<Body>;
    type Error = ConnectionLost;
    type Future = BoxFuture<'static, Result<Self::Response, Self::Error>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<kube::client::Body>) -> Self::Future {
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(self.user.clone());
        Box::pin(self.server.clone().serve(request))
    }
}
