//! What reads bytes from outside, by itself: for the tests that look for bytes that break it, and for nobody else.

use http::HeaderValue;

use crate::auth::realm;
use crate::listing::link;

/// Where a `Link` header leads to.
pub fn next(header: &str) -> Option<&str> {
    link::next(header)
}

/// Where tokens are given by a `WWW-Authenticate` header, if it is for tokens.
pub fn tokens_at(header: &[u8]) -> Option<String> {
    realm(&[HeaderValue::from_bytes(header).ok()?])
}
