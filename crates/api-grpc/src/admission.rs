//! Who asks: before any service sees a call.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::middleware::Next;
use http::header::AUTHORIZATION;
use http::{HeaderMap, Response};
use plimsoll_core::caller::{Authenticate, Caller, bearer_token};
use plimsoll_core::error::Error;
use tonic::Status;

use crate::status::status;

/// Lets the call through with its [`Caller`] as an extension, or answers that there is none.
pub(crate) async fn admit(
    State(authenticate): State<Arc<dyn Authenticate>>,
    mut request: Request,
    next: Next,
) -> Response<Body> {
    let caller = match bearer(request.headers()) {
        Ok(bearer) => authenticate.authenticate(bearer).await,
        Err(error) => Err(error),
    };
    match caller {
        Ok(caller) => {
            request.extensions_mut().insert(caller);
            next.run(request).await
        }
        Err(error) => status(error).into_http(),
    }
}

/// Who makes `request`: [`admit`] has put it there.
pub(crate) fn caller<T>(request: &tonic::Request<T>) -> Result<Caller, Status> {
    request
        .extensions()
        .get::<Caller>()
        .cloned()
        .ok_or_else(|| status(Error::internal("a guarded service was called without a caller")))
}

fn bearer(headers: &HeaderMap) -> Result<Option<&str>, Error> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    match (values.next(), values.next()) {
        (None, _) => Ok(None),
        // What cannot be read as text is no token, and of two nobody knows which one counts.
        (Some(value), None) => bearer_token(value.to_str().unwrap_or_default()).map(Some),
        (Some(_), Some(_)) => bearer_token("").map(Some),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use plimsoll_core::error::Kind;

    #[test]
    fn a_token_is_read_from_one_header_and_nothing_else() {
        let read = |values: &[&[u8]]| {
            let header = |value: &&[u8]| (AUTHORIZATION, http::HeaderValue::from_bytes(value).unwrap());
            let headers: HeaderMap = values.iter().map(header).collect();
            bearer(&headers).map(|token| token.map(str::to_owned)).map_err(|error| error.kind)
        };
        assert_eq!(read(&[]), Ok(None));
        assert_eq!(read(&[b"Bearer abc"]), Ok(Some("abc".into())));
        for bad in [&[&b"Basic abc"[..]][..], &[b"Bearer a", b"Bearer b"], &[b"Bearer \xff"]] {
            assert_eq!(read(bad), Err(Kind::Unauthenticated), "{bad:?}");
        }
    }
}
