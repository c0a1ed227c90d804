//! One HTTP exchange with a registry: who may be connected to, where an answer may lead, who gets the credential, and
//! how long any of it may take.
//!
//! Everything here is one attempt. Whether a call is worth another is decided in [`retry`], for all calls alike.

mod answer;
mod guard;
mod payload;
mod refusal;
pub(crate) mod retry;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http::header::{AUTHORIZATION, IF_NONE_MATCH, LOCATION, USER_AGENT, WWW_AUTHENTICATE};
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use parking_lot::Mutex;
use plimsoll_core::image::Host;
use reqwest::{Certificate, Client, Url};
use tokio::time::Instant;

use crate::access::{Access, InvalidAccess, Limits, Proxy, Scheme};
use crate::auth::{Asked, Auth, Scopes};
use crate::copy::Moves;
use crate::error::{Error, Kind};
use crate::profile::Profile;
pub(crate) use answer::Answer;
use guard::Guard;
pub(crate) use payload::Payload;

/// How often an answer may lead elsewhere.
const HOPS: usize = 5;
/// How long a profile is gone by: registries are replaced by newer ones under the same name.
const BELIEVED: Duration = Duration::from_mins(15);

/// What is sent.
pub(crate) struct Call {
    /// What it is about, for messages: `blob sha256:… of shop/web`.
    pub(crate) what: String,
    pub(crate) method: Method,
    pub(crate) url: Url,
    pub(crate) headers: HeaderMap,
    pub(crate) payload: Payload,
    /// What a token must allow.
    pub(crate) scopes: Scopes,
}

impl Call {
    pub(crate) fn new(method: Method, url: Url, what: impl Into<String>, scopes: Scopes) -> Self {
        Self { what: what.into(), method, url, headers: HeaderMap::new(), payload: Payload::Empty, scopes }
    }

    pub(crate) fn header(mut self, name: http::HeaderName, value: HeaderValue) -> Self {
        self.headers.append(name, value);
        self
    }

    pub(crate) fn payload(mut self, payload: Payload) -> Self {
        self.payload = payload;
        self
    }
}

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.method, self.what)
    }
}

/// The way to one registry.
#[derive(Debug)]
pub(crate) struct Transport {
    client: Client,
    guard: Arc<Guard>,
    auth: Auth,
    /// `https://registry.example.com/`.
    base: Url,
    host: Host,
    pub(crate) limits: Limits,
    /// What happens to tags that point elsewhere, whoever asks for it.
    pub(crate) tags: Moves,
    /// Held by who looks at a tag and sets it.
    pub(crate) tagging: tokio::sync::Mutex<()>,
    known: Mutex<Option<(Arc<Profile>, Instant)>>,
}

impl Transport {
    pub(crate) fn new(access: Access) -> Result<Self, InvalidAccess> {
        let Access { host, scheme, credential, authorities, token_hosts, blob_hosts, proxy, limits, tags } =
            access;
        let scheme = match scheme {
            Scheme::Https => "https",
            Scheme::Http => "http",
        };
        let base =
            Url::parse(&format!("{scheme}://{host}/")).map_err(|_| InvalidAccess::Address(host.clone()))?;
        let mut trusted: Vec<&str> =
            token_hosts.iter().chain(&blob_hosts).chain([&host]).map(Host::name).collect();
        if let Proxy::Through { url, .. } = &proxy {
            trusted.extend(url.host_str());
        }
        let guard = Arc::new(Guard::new(trusted));
        let unmade = |source| InvalidAccess::Client { host: host.clone(), source };
        let mut builder = Client::builder()
            .connect_timeout(limits.connect)
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .referer(false)
            .no_proxy()
            .dns_resolver(guard.clone());
        let mut certificates = Vec::new();
        for pem in &authorities {
            let read = Certificate::from_pem_bundle(pem)
                .map_err(|source| InvalidAccess::Authority { host: host.clone(), source })?;
            certificates.extend(read);
        }
        // A machine without roots of its own can still speak plain text.
        builder = match scheme {
            "http" => builder.tls_certs_only(certificates),
            _ => builder.tls_certs_merge(certificates),
        };
        if let Proxy::Through { url, except } = &proxy {
            let proxy = reqwest::Proxy::all(url.clone()).map_err(unmade)?;
            builder = builder.proxy(proxy.no_proxy(reqwest::NoProxy::from_string(except)));
        }
        let client = builder.build().map_err(unmade)?;
        let auth = Auth::new(host.clone(), credential, token_hosts);
        Ok(Self {
            client,
            guard,
            auth,
            base,
            host,
            limits,
            tags,
            tagging: tokio::sync::Mutex::default(),
            known: Mutex::default(),
        })
    }

    pub(crate) fn scheme(&self) -> Scheme {
        if self.base.scheme() == "https" { Scheme::Https } else { Scheme::Http }
    }

    pub(crate) fn host(&self) -> &Host {
        &self.host
    }

    /// The address of a path, which must not begin with a slash.
    pub(crate) fn url(&self, path: &str, what: &str) -> Result<Url, Error> {
        self.base
            .join(path)
            .map_err(|error| Error::new(Kind::Invalid, what, "it makes no address").because(error))
    }

    /// The address that an answer leads to. Its host need not be the registry's.
    pub(crate) fn follow(from: &Url, location: &str, what: &str) -> Result<Url, Error> {
        let malformed = |message: String| Error::new(Kind::Malformed, what, message);
        let mut url =
            from.join(location).map_err(|_| malformed(format!("it leads to {}", plain(location))))?;
        if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
            return Err(malformed(format!("it leads to {}", plain(location))));
        }
        if from.scheme() == "https" && url.scheme() == "http" {
            // Registries behind a proxy that ends TLS write the address that they know themselves by.
            if url.host_str() == from.host_str() && url.set_scheme("https").is_ok() {
                if url.port() == Some(80) {
                    let _ = url.set_port(None);
                }
            } else {
                let message = format!("it leads from TLS to plain text at {}", plain(location));
                return Err(Error::new(Kind::Forbidden, what, message));
            }
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(malformed("it leads to an address with a user in it".to_owned()));
        }
        Ok(url)
    }

    /// Sends a call, with a token where one is wanted, and follows where the answer leads. What comes back succeeded, or
    /// says to who asked for that alone that nothing changed.
    pub(crate) async fn send(&self, call: &Call) -> Result<Answer, Error> {
        let known = self.auth.header(self, &call.scopes).await?;
        let answer = self.travel(call, known.as_ref()).await?;
        if answer.status() != StatusCode::UNAUTHORIZED || !self.is_home(answer.url()) {
            return self.judged(call, answer).await;
        }
        let challenges: Vec<HeaderValue> =
            answer.headers().get_all(WWW_AUTHENTICATE).iter().cloned().collect();
        let Some(fresh) = self.auth.answer(self, &challenges, &call.scopes, known.as_ref()).await? else {
            return self.judged(call, answer).await;
        };
        drop(answer);
        let answer = self.travel(call, Some(&fresh)).await?;
        self.judged(call, answer).await
    }

    /// One request without authorization and without following, for the token server.
    pub(crate) async fn fetch(
        &self,
        call: &Call,
        authorization: Option<&HeaderValue>,
    ) -> Result<Answer, Error> {
        let answer = self.exchange(call, &call.url, &call.method, authorization).await?;
        self.judged(call, answer).await
    }

    async fn judged(&self, call: &Call, answer: Answer) -> Result<Answer, Error> {
        let is_unchanged =
            answer.status() == StatusCode::NOT_MODIFIED && call.headers.contains_key(IF_NONE_MATCH);
        if answer.status().is_success() || is_unchanged {
            return Ok(answer);
        }
        Err(refusal::of(self.named(call), answer).await)
    }

    async fn travel(&self, call: &Call, authorization: Option<&HeaderValue>) -> Result<Answer, Error> {
        let mut url = call.url.clone();
        let mut method = call.method.clone();
        for _ in 0..=HOPS {
            let authorization = authorization.filter(|_| self.is_home(&url));
            let answer = self.exchange(call, &url, &method, authorization).await?;
            let reads = matches!(method, Method::GET | Method::HEAD);
            match answer.status() {
                StatusCode::TEMPORARY_REDIRECT | StatusCode::PERMANENT_REDIRECT => {}
                StatusCode::MOVED_PERMANENTLY | StatusCode::FOUND | StatusCode::SEE_OTHER if reads => {}
                StatusCode::SEE_OTHER => method = Method::GET,
                _ => return Ok(answer),
            }
            let location = answer.text(&LOCATION).ok_or_else(|| {
                Error::new(Kind::Malformed, self.named(call), "it leads elsewhere without saying where")
            })?;
            url = Self::follow(&url, location, &self.named(call))?;
        }
        Err(Error::new(
            Kind::Malformed,
            self.named(call),
            format!("it leads elsewhere more than {HOPS} times"),
        ))
    }

    async fn exchange(
        &self,
        call: &Call,
        url: &Url,
        method: &Method,
        authorization: Option<&HeaderValue>,
    ) -> Result<Answer, Error> {
        self.guard
            .check(url)
            .map_err(|refused| Error::new(Kind::Forbidden, self.named(call), refused.to_string()))?;
        let mut headers = call.headers.clone();
        headers.insert(USER_AGENT, HeaderValue::from_static(concat!("plimsoll/", env!("CARGO_PKG_VERSION"))));
        if let Some(value) = authorization {
            headers.insert(AUTHORIZATION, value.clone());
        }
        let sent = call
            .payload
            .send(self.client.request(method.clone(), url.clone()).headers(headers), &self.limits);
        let response = sent.await.map_err(|failure| failure.named(self.named(call)))?;
        Ok(Answer::new(response, url.clone(), self.named(call), self.limits.idle))
    }

    /// Goes by a profile for a while.
    pub(crate) fn learn(&self, profile: Profile) {
        *self.known.lock() = Some((Arc::new(profile), Instant::now()));
    }

    /// How the registry behaves, if that was found not long ago.
    pub(crate) fn known(&self) -> Option<Arc<Profile>> {
        self.found().filter(|(_, age)| *age < BELIEVED).map(|(profile, _)| profile)
    }

    /// How the registry behaved when that was found last, and how long ago it was.
    pub(crate) fn found(&self) -> Option<(Arc<Profile>, Duration)> {
        let known = self.known.lock();
        let (profile, at) = known.as_ref()?;
        Some((profile.clone(), at.elapsed()))
    }

    /// What the registry asked for, if it ever asked.
    pub(crate) fn is_asked_for(&self) -> Option<Asked> {
        self.auth.asked()
    }

    /// Whether an address is the registry's own: the only place that gets its credential.
    pub(crate) fn is_home(&self, url: &Url) -> bool {
        url.origin() == self.base.origin()
    }

    fn named(&self, call: &Call) -> String {
        format!("{call} at {}", self.host)
    }
}

/// Text from outside for a message: bounded, and without control characters.
pub(crate) fn plain(text: &str) -> String {
    const LONGEST: usize = 200;
    let clean = |c: char| if c.is_control() { ' ' } else { c };
    let mut plain: String = text.chars().take(LONGEST).map(clean).collect();
    if text.chars().nth(LONGEST).is_some() {
        plain.push('…');
    }
    plain
}
