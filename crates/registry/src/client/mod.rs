//! The distribution protocol, call by call.

mod blobs;
mod download;
mod manifests;
mod referrers;
mod uploads;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http::Method;
use http::header::ACCEPT;
use plimsoll_core::image::{Host, Repository};
use reqwest::Url;

use crate::access::{Access, InvalidAccess, Scheme};
use crate::auth::Scopes;
use crate::error::{Error, Kind};
use crate::profile::Profile;
use crate::transport::retry::retrying;
use crate::transport::{Answer, Call, Transport};
pub use manifests::Stored;
pub use uploads::Mount;
pub(crate) use uploads::PAUSING_CHUNK;

/// A registry. Cheap to clone; clones share connections and tokens.
#[derive(Clone)]
pub struct Registry {
    transport: Arc<Transport>,
}

impl fmt::Debug for Registry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Registry").field(&self.host().as_str()).finish()
    }
}

impl Registry {
    /// The registry that `access` leads to. Nothing is sent yet.
    pub fn new(access: Access) -> Result<Self, InvalidAccess> {
        Ok(Self { transport: Arc::new(Transport::new(access)?) })
    }

    /// Where it is.
    pub fn host(&self) -> &Host {
        self.transport.host()
    }

    /// Asks whether it speaks the protocol and knows the caller.
    pub async fn ping(&self) -> Result<(), Error> {
        let url = self.transport.url("v2/", "registry")?;
        self.read(Call::new(Method::GET, url, "registry", Scopes::none())).await.map(drop)
    }

    /// Whether what is sent can be read on the way.
    pub fn scheme(&self) -> Scheme {
        self.transport.scheme()
    }

    /// How it behaved when that was found last, and how long ago it was.
    pub fn found(&self) -> Option<(Arc<Profile>, Duration)> {
        self.transport.found()
    }

    pub(crate) fn transport(&self) -> &Transport {
        &self.transport
    }

    /// Sends a call whose effect is the same twice, as often as it is worth it.
    async fn read(&self, call: Call) -> Result<Answer, Error> {
        retrying(&self.transport.limits, || self.transport.send(&call)).await
    }

    /// The address of something in a repository: `manifests`, `blobs` and what follows.
    pub(crate) fn url(&self, repository: &Repository, rest: &str, what: &str) -> Result<Url, Error> {
        self.transport.url(&format!("v2/{repository}/{rest}"), what)
    }
}

/// What is not there is no error to who asks whether it is.
pub(crate) fn found<T>(result: Result<T, Error>) -> Result<Option<T>, Error> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(error) if error.kind() == Kind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// A call that accepts every kind of manifest.
pub(crate) fn accepting(mut call: Call) -> Call {
    for accepted in crate::content::ACCEPTED {
        call = call.header(ACCEPT, http::HeaderValue::from_static(accepted));
    }
    call
}
