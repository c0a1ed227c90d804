//! How a registry behaves, found by asking it: a few requests that change nothing.
//!
//! Every finding is a value that can be shown; what could not be found says why. The client goes by what is known and
//! otherwise by what works everywhere: it does not ask a registry without the route for referrers, nor one that does not
//! say digests for them, nor one that does not delete to delete; and it asks for pages of the size that is given.

use std::fmt;

use http::header::{IF_NONE_MATCH, RANGE, SERVER};
use http::{HeaderName, HeaderValue, Method, StatusCode};
use plimsoll_core::image::Repository;
use serde::{Deserialize, Serialize};

use crate::auth::{Asked, Scopes};
use crate::client::{Registry, accepting, found};
use crate::content::{Manifest, Reference};
use crate::error::{Error, Kind};
use crate::transport::retry::retrying;
use crate::transport::{Call, plain};

const API_VERSION: HeaderName = HeaderName::from_static("docker-distribution-api-version");
const CONTENT_DIGEST: HeaderName = HeaderName::from_static("docker-content-digest");
/// So many repositories are looked into for something to read: emptied ones stay listed.
const MOST_TRIED: usize = 10;
/// A digest that nothing has.
const NOTHING: &str = "sha256:0000000000000000000000000000000000000000000000000000000000000000";

/// How a registry behaves.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Profile {
    /// What it says that it is.
    pub server: Found<String>,
    /// What it wants to see from who asks.
    pub authentication: Found<Authentication>,
    /// Its list of repositories.
    pub catalog: Found<Catalog>,
    /// Whether it keeps who refers to what.
    pub referrers: Found<Support>,
    /// Whether a manifest can be deleted.
    pub deletes: Found<Support>,
    /// How it gives out what it has, seen on something that it has.
    pub reads: Found<Reads>,
}

/// What asking showed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Found<T> {
    /// This.
    Known(T),
    /// Nothing, because of this.
    Unknown(String),
}

/// What a registry wants to see from who asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Authentication {
    /// Nothing for what was asked.
    None,
    /// A password.
    Basic,
    /// A token.
    Token,
}

/// A list of repositories.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Catalog {
    /// How many can be asked for at a time, of those that were tried.
    pub largest_page: Option<u32>,
    /// What it makes of a number that is none.
    pub bad_number: Refusal,
}

/// How a registry gives out what it has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Reads {
    /// Whether it says the digest of what a tag points to without sending it.
    pub digests: Support,
    /// Whether it says that a tag still points to what the caller has.
    pub entity_tags: Support,
    /// Whether a blob can be read from the middle.
    pub ranges: Support,
}

/// Whether something can be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Support {
    /// It can.
    Yes,
    /// It cannot.
    No,
}

/// What a registry makes of what no registry should take.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Refusal {
    /// It refuses it as the caller's fault.
    Refused,
    /// It fails.
    Fails,
    /// It takes it.
    Taken,
}

impl<T> Found<T> {
    /// The finding, if there is one.
    pub fn known(&self) -> Option<&T> {
        match self {
            Self::Known(found) => Some(found),
            Self::Unknown(_) => None,
        }
    }
}

impl<T: fmt::Debug> fmt::Display for Found<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Known(found) => write!(f, "{found:?}"),
            Self::Unknown(why) => write!(f, "unknown ({why})"),
        }
    }
}

impl<T> From<Result<T, Error>> for Found<T> {
    fn from(result: Result<T, Error>) -> Self {
        match result {
            Ok(found) => Self::Known(found),
            Err(error) => Self::Unknown(error.to_string()),
        }
    }
}

impl Profile {
    /// Whether the list of repositories may leave names out: Distribution 3.0 and 3.1 on an object store drop one that
    /// another begins with. They are the registries that refuse a number of entries which is none.
    pub fn may_drop_names(&self) -> bool {
        self.catalog.known().is_some_and(|catalog| catalog.bad_number == Refusal::Refused)
    }
}

impl Registry {
    /// Asks the registry how it behaves. Nothing is changed there; what the caller may not ask stays unknown. This client
    /// and its clones go by what was found for a quarter of an hour: what a registry does not do is not asked of it.
    ///
    /// # Errors
    /// When it cannot be reached or does not speak the protocol.
    pub async fn probe(&self) -> Result<Profile, Error> {
        let (server, authentication) = self.introduce().await?;
        // A repository that is there would say more; one that is not says enough, and costs no list.
        let repository: Repository = match "plimsoll/probe".parse() {
            Ok(repository) => repository,
            Err(error) => return Err(Error::new(Kind::Invalid, "probe", error.to_string())),
        };
        let profile = Profile {
            server,
            authentication: Found::Known(authentication),
            catalog: self.probe_catalog().await.into(),
            referrers: self.probe_referrers(&repository).await.into(),
            deletes: self.probe_deletes(&repository).await.into(),
            reads: self.probe_reads().await.into(),
        };
        self.transport().learn(profile.clone());
        Ok(profile)
    }

    async fn introduce(&self) -> Result<(Found<String>, Authentication), Error> {
        let url = self.transport().url("v2/", "registry")?;
        let call = Call::new(Method::GET, url, "registry", Scopes::none());
        let answer = retrying(&self.transport().limits, || self.transport().send(&call)).await?;
        let authentication = match self.transport().is_asked_for() {
            None => Authentication::None,
            Some(Asked::Password) => Authentication::Basic,
            Some(Asked::Token) => Authentication::Token,
        };
        let said = [answer.text(&SERVER), answer.text(&API_VERSION)].into_iter().flatten().map(plain);
        let said = said.collect::<Vec<_>>().join(", ");
        let server =
            if said.is_empty() { Found::Unknown("it does not say".to_owned()) } else { Found::Known(said) };
        Ok((server, authentication))
    }

    async fn probe_catalog(&self) -> Result<Catalog, Error> {
        let mut largest_page = None;
        for size in [1000_u32, 100] {
            match self.catalog_page(&size.to_string()).await {
                Ok(()) => {
                    largest_page = Some(size);
                    break;
                }
                Err(error) if error.kind() == Kind::Invalid => {}
                Err(error) => return Err(error),
            }
        }
        let bad_number = refusal(self.catalog_page("none").await)?;
        Ok(Catalog { largest_page, bad_number })
    }

    async fn catalog_page(&self, size: &str) -> Result<(), Error> {
        let mut url = self.transport().url("v2/_catalog", "repositories")?;
        url.query_pairs_mut().append_pair("n", size);
        let call = Call::new(Method::GET, url, "repositories", Scopes::catalog());
        self.transport().send(&call).await.map(drop)
    }

    async fn probe_referrers(&self, repository: &Repository) -> Result<Support, Error> {
        let call =
            self.ask(Method::GET, repository, &format!("referrers/{NOTHING}"), Scopes::pull(repository))?;
        match self.transport().send(&call).await {
            Ok(answer) => {
                let is_list =
                    answer.text(&http::header::CONTENT_TYPE).is_some_and(|kind| kind.contains("image.index"));
                Ok(if is_list { Support::Yes } else { Support::No })
            }
            // A registry with the route says which of its things it does not know.
            Err(error) if error.kind() == Kind::NotFound && !error.codes().is_empty() => Ok(Support::Yes),
            Err(error) if matches!(error.kind(), Kind::NotFound | Kind::Unsupported) => Ok(Support::No),
            Err(error) => Err(error),
        }
    }

    async fn probe_deletes(&self, repository: &Repository) -> Result<Support, Error> {
        // What is not there can be deleted without harm.
        let call = self.ask(
            Method::DELETE,
            repository,
            &format!("manifests/{NOTHING}"),
            Scopes::delete(repository),
        )?;
        match self.transport().send(&call).await {
            Ok(_) => Ok(Support::Yes),
            Err(error) if error.kind() == Kind::NotFound => Ok(Support::Yes),
            Err(error) if error.kind() == Kind::Unsupported => Ok(Support::No),
            Err(error) => Err(error),
        }
    }

    /// Reads a little of the first image that is listed.
    async fn probe_reads(&self) -> Result<Reads, Error> {
        let nothing = || Error::new(Kind::NotFound, "probe of an image", "no image was seen in the registry");
        let repositories = self.repositories()?.next_page().await?.ok_or_else(nothing)?.items;
        for repository in repositories.iter().take(MOST_TRIED) {
            let Some(tags) = found(self.tags(repository)?.next_page().await)? else { continue };
            let Some(tag) =
                tags.and_then(|page| page.items.into_iter().find(|tag| !Self::is_referrers_tag(tag)))
            else {
                continue;
            };
            let reference = Reference::Tag(tag);
            let Some(manifest) = self.manifest(repository, &reference).await? else { continue };
            return self.probe_image(repository, &reference, &manifest).await;
        }
        Err(nothing())
    }

    async fn probe_image(
        &self,
        repository: &Repository,
        tag: &Reference,
        manifest: &Manifest,
    ) -> Result<Reads, Error> {
        let rest = format!("manifests/{tag}");
        let head = accepting(self.ask(Method::HEAD, repository, &rest, Scopes::pull(repository))?);
        let answer = self.transport().send(&head).await?;
        let digests = support(answer.headers().contains_key(CONTENT_DIGEST));
        let known = HeaderValue::from_str(&format!("\"{}\"", manifest.digest()))
            .map_err(|error| Error::new(Kind::Invalid, &head, "no entity tag").because(error))?;
        let answer = self.transport().send(&head.header(IF_NONE_MATCH, known)).await?;
        let entity_tags = support(answer.status() == StatusCode::NOT_MODIFIED);
        let ranges = match manifest.links()?.blobs.iter().find(|blob| blob.size() > 1) {
            None => Support::No,
            Some(blob) => {
                let rest = format!("blobs/{}", blob.digest());
                let call = self.ask(Method::GET, repository, &rest, Scopes::pull(repository))?;
                let answer =
                    self.transport().send(&call.header(RANGE, HeaderValue::from_static("bytes=1-"))).await?;
                support(answer.status() == StatusCode::PARTIAL_CONTENT)
            }
        };
        Ok(Reads { digests, entity_tags, ranges })
    }

    fn ask(
        &self,
        method: Method,
        repository: &Repository,
        rest: &str,
        scopes: Scopes,
    ) -> Result<Call, Error> {
        let what = format!("probe of {rest}");
        let url = self.url(repository, rest, &what)?;
        Ok(Call::new(method, url, what, scopes))
    }
}

fn support(seen: bool) -> Support {
    if seen { Support::Yes } else { Support::No }
}

fn refusal(result: Result<(), Error>) -> Result<Refusal, Error> {
    match result {
        Ok(()) => Ok(Refusal::Taken),
        Err(error) if matches!(error.kind(), Kind::Invalid | Kind::NotFound) => Ok(Refusal::Refused),
        Err(error) if error.status() == Some(StatusCode::INTERNAL_SERVER_ERROR.as_u16()) => {
            Ok(Refusal::Fails)
        }
        Err(error) => Err(error),
    }
}
