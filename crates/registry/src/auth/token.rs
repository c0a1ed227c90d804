//! Asking a token server.

use std::time::Duration;

use http::header::CONTENT_TYPE;
use http::{HeaderValue, Method};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use tokio::time::Instant;

use super::{Realm, Scopes, basic};
use crate::access::Credential;
use crate::error::Error;
use crate::transport::retry::retrying;
use crate::transport::{Call, Payload, Transport};

/// What a token lives for when its server does not say.
const DEFAULT_LIFE: Duration = Duration::from_mins(1);
/// A token is not used in its last moments: a request that takes it takes time to arrive.
const LAST_MOMENTS: Duration = Duration::from_secs(10);
/// No token is larger; a header must carry it.
const LARGEST: usize = 64 << 10;

/// A token, and until when it is used.
#[derive(Debug)]
pub(super) struct Token {
    secret: SecretString,
    until: Instant,
}

#[derive(Deserialize)]
struct Body {
    token: Option<SecretString>,
    access_token: Option<SecretString>,
    expires_in: Option<u64>,
}

impl Token {
    pub(super) fn secret(&self) -> &SecretString {
        &self.secret
    }

    pub(super) fn is_fresh(&self, now: Instant) -> bool {
        now < self.until
    }
}

/// A new token for these scopes: by GET with the password, by an OAuth 2 form with a refresh token, by neither for
/// everybody.
pub(super) async fn fetch(
    transport: &Transport,
    realm: &Realm,
    scopes: &Scopes,
    credential: Option<&Credential>,
) -> Result<Token, Error> {
    let what = format!("token from {}", realm.host());
    let scopes = scopes.texts();
    let (call, authorization) = match credential {
        Some(Credential::Refresh(refresh)) => (oauth(realm, &scopes, refresh, what), None),
        Some(Credential::Password { user, password }) => {
            (get(realm, &scopes, Some(user), what), Some(basic(user, password)?))
        }
        Some(Credential::Bearer(_)) | None => (get(realm, &scopes, None, what), None),
    };
    retrying(&transport.limits, || async {
        // Measured from before: what the server counts from is no earlier.
        let asked = Instant::now();
        let answer = transport.fetch(&call, authorization.as_ref()).await?;
        let named = answer.malformed("what came is no token");
        let body = answer.bytes(LARGEST).await?;
        let Ok(Body { token, access_token, expires_in }) = serde_json::from_slice(&body) else {
            return Err(named);
        };
        let given = |token: &SecretString| !token.expose_secret().is_empty();
        let secret = token.filter(given).or(access_token.filter(given)).ok_or(named)?;
        let life = expires_in.map_or(DEFAULT_LIFE, Duration::from_secs).min(Duration::from_hours(24));
        Ok(Token { secret, until: asked + life.saturating_sub(LAST_MOMENTS.min(life / 4)) })
    })
    .await
}

fn get(realm: &Realm, scopes: &[String], account: Option<&String>, what: String) -> Call {
    let mut url = realm.url().clone();
    {
        let mut query = url.query_pairs_mut();
        query.extend_pairs(realm.service.iter().map(|service| ("service", service)));
        query.extend_pairs(scopes.iter().map(|scope| ("scope", scope)));
        query.extend_pairs(account.map(|account| ("account", account)));
    }
    Call::new(Method::GET, url, what, Scopes::none())
}

fn oauth(realm: &Realm, scopes: &[String], refresh: &SecretString, what: String) -> Call {
    let mut form = form_urlencoded::Serializer::new(String::new());
    form.append_pair("grant_type", "refresh_token").append_pair("client_id", "plimsoll");
    form.extend_pairs(realm.service.iter().map(|service| ("service", service)));
    if !scopes.is_empty() {
        form.append_pair("scope", &scopes.join(" "));
    }
    form.append_pair("refresh_token", refresh.expose_secret());
    Call::new(Method::POST, realm.url().clone(), what, Scopes::none())
        .header(CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"))
        .payload(Payload::Bytes(form.finish().into()))
}
