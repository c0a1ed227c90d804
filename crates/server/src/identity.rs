//! Who a bearer token belongs to.

use crate::config::Token;
use async_trait::async_trait;
use plimsoll_core::caller::{Authenticate, Caller};
use plimsoll_core::digest::Digest;
use plimsoll_core::error::{Error, Kind};
use subtle::ConstantTimeEq as _;

/// The longest token that is looked at, in bytes.
pub(crate) const MAX_TOKEN: usize = 512;

/// The tokens of the configuration, by the SHA-256 of each; the tokens themselves are not kept.
pub(crate) struct Tokens {
    known: Vec<(String, Caller)>,
}

impl Tokens {
    /// These callers, each by the SHA-256 of the token.
    pub(crate) fn new(known: impl IntoIterator<Item = (Digest, Caller)>) -> Self {
        Self { known: known.into_iter().map(|(digest, caller)| (digest.to_string(), caller)).collect() }
    }

    /// The callers of a configuration.
    pub(crate) fn of(tokens: Vec<Token>) -> Self {
        Self::new(tokens.into_iter().map(|Token { name, role, digest }| (digest, Caller { name, role })))
    }

    fn find(&self, token: &str) -> Option<&Caller> {
        if token.len() > MAX_TOKEN || token.trim().is_empty() {
            return None;
        }
        let digest = Digest::of_bytes(token.as_bytes()).to_string();
        let mut found = None;
        // All are compared, so that the time taken says nothing about which one came close.
        for (known, caller) in &self.known {
            if bool::from(known.as_bytes().ct_eq(digest.as_bytes())) {
                found = Some(caller);
            }
        }
        found
    }
}

#[async_trait]
impl Authenticate for Tokens {
    async fn authenticate(&self, bearer: Option<&str>) -> Result<Caller, Error> {
        let refused =
            |message: &str| Error::new(Kind::Unauthenticated, Kind::Unauthenticated.reason(), message);
        let token = bearer.ok_or_else(|| {
            refused("this needs a token; send it as `Authorization: Bearer TOKEN`, or set PLIMSOLL_TOKEN")
        })?;
        self.find(token).cloned().ok_or_else(|| {
            refused("the token is not known to this server; ask its operator for one, and set PLIMSOLL_TOKEN")
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use plimsoll_core::caller::Role;

    #[tokio::test]
    async fn only_a_token_that_is_known_to_the_letter_is_somebodys() {
        let caller = |name: &str, role| Caller { name: name.to_owned(), role };
        let digest = |token: &str| Digest::of_bytes(token.as_bytes());
        let tokens = Tokens::new([
            (digest("anns-token-0123456789"), caller("ann", Role::Developer)),
            (digest("olgas-token-012345678"), caller("olga", Role::Operator)),
            // A configuration cannot hold these; they stay nobody's even so.
            (digest(""), caller("nobody", Role::Operator)),
            (digest("  "), caller("nobody", Role::Operator)),
            (digest(&"x".repeat(MAX_TOKEN + 1)), caller("nobody", Role::Operator)),
        ]);
        let huge = "x".repeat(MAX_TOKEN + 1);
        let table: [(Option<&str>, Result<&str, &str>); 10] = [
            (Some("anns-token-0123456789"), Ok("ann")),
            (Some("olgas-token-012345678"), Ok("olga")),
            (Some("Anns-token-0123456789"), Err("is not known")),
            (Some("anns-token-012345678"), Err("is not known")),
            (Some(" anns-token-0123456789"), Err("is not known")),
            (Some(""), Err("is not known")),
            (Some("  "), Err("is not known")),
            (Some(&huge), Err("is not known")),
            (Some("sha256:"), Err("is not known")),
            (None, Err("needs a token")),
        ];
        for (bearer, expected) in table {
            match (tokens.authenticate(bearer).await, expected) {
                (Ok(caller), Ok(name)) => assert_eq!(caller.name, name),
                (Err(error), Err(part)) => {
                    assert_eq!(error.kind, Kind::Unauthenticated);
                    assert!(error.message.contains(part), "{bearer:?}: {}", error.message);
                }
                (answer, expected) => panic!("{bearer:?}: {answer:?}, expected {expected:?}"),
            }
        }
    }
}
