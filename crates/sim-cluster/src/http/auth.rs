//! Bearer tokens.

use std::collections::BTreeMap;
use std::fmt;

use http::header::{AUTHORIZATION, USER_AGENT};
use http::request::Parts;

use crate::api::Caller;

/// The user behind a token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TrustedUser {
    pub(crate) name: String,
    pub(crate) groups: Vec<String>,
}

/// Who may come in, by token. Every user may do everything: roles are not modelled.
#[derive(Clone, Default)]
pub(crate) struct Tokens {
    users: BTreeMap<String, TrustedUser>,
}

impl Tokens {
    pub(crate) fn insert(&mut self, token: String, user: TrustedUser) {
        self.users.insert(token, user);
    }
}

/// Tokens are secrets, of a simulation too.
impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.users.values().map(|user| &user.name)).finish()
    }
}

/// Who makes the request; none when the token is unknown or missing. In-process clients carry their user
/// in the request's extensions.
pub(super) fn caller(tokens: &Tokens, parts: &Parts) -> Option<Caller> {
    let header = |name| parts.headers.get(name).and_then(|value: &http::HeaderValue| value.to_str().ok());
    let user = match header(AUTHORIZATION) {
        Some(value) => tokens.users.get(value.strip_prefix("Bearer ")?.trim()).cloned()?,
        None => parts.extensions.get::<TrustedUser>().cloned()?,
    };
    let mut groups = user.groups;
    groups.push("system:authenticated".to_owned());
    Some(Caller { user: user.name, groups, agent: header(USER_AGENT).unwrap_or_default().to_owned() })
}
