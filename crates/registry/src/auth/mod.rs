//! Who asks, by the token flow of Docker's registry (<https://distribution.github.io/distribution/spec/auth/token/>)
//! or by a password.
//!
//! The registry's challenge says where tokens are given. The credential goes there only if that is the registry's own
//! host, or one that is named in its settings: a registry that was taken over could send it anywhere.

mod challenge;
mod scope;
mod token;

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::HeaderValue;
use parking_lot::Mutex;
use plimsoll_core::image::Host;
use secrecy::{ExposeSecret as _, SecretString};
use tokio::time::Instant;

use crate::access::Credential;
use crate::error::{Error, Kind};
use crate::transport::Transport;
use challenge::{Challenge, Realm};
pub(crate) use scope::Scopes;
use token::Token;

/// So many sets of scopes have a token at a time; each is small and lives for minutes.
const MOST_TOKENS: usize = 10_000;

/// Tokens of one registry, each for the scopes it was given for.
#[derive(Debug)]
pub(crate) struct Auth {
    host: Host,
    credential: Option<Credential>,
    token_hosts: BTreeSet<Host>,
    /// What the registry asked for last; before the first answer, nothing.
    asked: Mutex<Option<Challenge>>,
    tokens: Mutex<HashMap<Scopes, Cell>>,
}

/// What a registry asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Asked {
    Password,
    Token,
}

/// One token. Those who need the same one wait for whoever fetches it.
type Cell = Arc<tokio::sync::Mutex<Option<Token>>>;

impl Auth {
    pub(crate) fn new(host: Host, credential: Option<Credential>, token_hosts: BTreeSet<Host>) -> Self {
        Self { host, credential, token_hosts, asked: Mutex::default(), tokens: Mutex::default() }
    }

    /// What to send with a request before the registry asks: what it asked for the last time.
    pub(crate) async fn header(
        &self,
        transport: &Transport,
        scopes: &Scopes,
    ) -> Result<Option<HeaderValue>, Error> {
        if let Some(Credential::Bearer(token)) = &self.credential {
            return bearer(token).map(Some);
        }
        let asked = self.asked.lock().clone();
        match asked {
            None => Ok(None),
            Some(Challenge::Basic) => self.basic(),
            Some(Challenge::Bearer(realm)) => self.token(transport, &realm, scopes, None).await.map(Some),
        }
    }

    /// What the registry asked for, if it ever asked.
    pub(crate) fn asked(&self) -> Option<Asked> {
        match &*self.asked.lock() {
            None => None,
            Some(Challenge::Basic) => Some(Asked::Password),
            Some(Challenge::Bearer(_)) => Some(Asked::Token),
        }
    }

    /// What to send after a request was refused with these challenges; nothing where another attempt would change nothing.
    pub(crate) async fn answer(
        &self,
        transport: &Transport,
        challenges: &[HeaderValue],
        scopes: &Scopes,
        refused: Option<&HeaderValue>,
    ) -> Result<Option<HeaderValue>, Error> {
        if matches!(self.credential, Some(Credential::Bearer(_))) {
            return Ok(None);
        }
        let Some(challenge) = Challenge::read(challenges) else { return Ok(None) };
        *self.asked.lock() = Some(challenge.clone());
        match challenge {
            Challenge::Basic => Ok(self.basic()?.filter(|header| Some(header) != refused)),
            Challenge::Bearer(realm) => self.token(transport, &realm, scopes, refused).await.map(Some),
        }
    }

    fn basic(&self) -> Result<Option<HeaderValue>, Error> {
        match &self.credential {
            Some(Credential::Password { user, password }) => basic(user, password).map(Some),
            _ => Ok(None),
        }
    }

    /// A token for these scopes: the one at hand while it holds and was not refused, else a new one.
    async fn token(
        &self,
        transport: &Transport,
        realm: &Realm,
        scopes: &Scopes,
        refused: Option<&HeaderValue>,
    ) -> Result<HeaderValue, Error> {
        let cell = self.cell(scopes);
        let mut held = cell.lock().await;
        if let Some(token) = held.as_ref().filter(|token| token.is_fresh(Instant::now())) {
            let header = bearer(token.secret())?;
            if refused != Some(&header) {
                return Ok(header);
            }
        }
        let credential = self.credential.as_ref();
        if credential.is_some() && !self.may_know(transport, realm) {
            let message = format!(
                "it sends for tokens to {}, which is another's host; name it as a token host in the registry's settings if it may have the credential",
                realm.host()
            );
            return Err(Error::new(Kind::Forbidden, format_args!("token of {}", self.host), message));
        }
        let token = token::fetch(transport, realm, scopes, credential).await?;
        let header = bearer(token.secret())?;
        *held = Some(token);
        Ok(header)
    }

    fn cell(&self, scopes: &Scopes) -> Cell {
        let mut tokens = self.tokens.lock();
        if tokens.len() >= MOST_TOKENS && !tokens.contains_key(scopes) {
            tokens.clear();
        }
        tokens.entry(scopes.clone()).or_default().clone()
    }

    /// Whether the host that gives the tokens may have the credential.
    fn may_know(&self, transport: &Transport, realm: &Realm) -> bool {
        if transport.is_home(realm.url()) {
            return true;
        }
        let named = self.token_hosts.iter().any(|host| host.as_str() == realm.host());
        named || (realm.is_private() && realm.name() == self.host.name())
    }
}

/// Where tokens are given, if a challenge is for them.
pub(crate) fn realm(challenges: &[HeaderValue]) -> Option<String> {
    match Challenge::read(challenges)? {
        Challenge::Bearer(realm) => Some(realm.url().to_string()),
        Challenge::Basic => None,
    }
}

fn basic(user: &str, password: &SecretString) -> Result<HeaderValue, Error> {
    let plain = SecretString::from(format!("{user}:{}", password.expose_secret()));
    header(&format!("Basic {}", STANDARD.encode(plain.expose_secret())))
}

fn bearer(token: &SecretString) -> Result<HeaderValue, Error> {
    header(&format!("Bearer {}", token.expose_secret()))
}

fn header(text: &str) -> Result<HeaderValue, Error> {
    let mut value = HeaderValue::from_str(text).map_err(|_| {
        Error::new(
            Kind::Invalid,
            "authorization",
            "the credential or token has characters that no header can carry",
        )
    })?;
    value.set_sensitive(true);
    Ok(value)
}
