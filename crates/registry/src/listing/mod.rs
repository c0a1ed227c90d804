//! Lists that are complete, or say why not.
//!
//! Registries answer a part and call it the list: the first hundred, pages in no order, the same page for ever, a page
//! without what lies on its border. So a list here is read to its end and carries, at its end, what is known to be
//! missing. Nothing is dropped in silence: an entry that cannot be read is a cause too.

mod catalog;
mod dropped;
pub(crate) mod link;
mod tags;

use std::collections::HashSet;
use std::fmt;
use std::hash::{BuildHasher as _, RandomState};
use std::str::FromStr;

use bytes::Bytes;
use http::Method;
use http::header::LINK;
use reqwest::Url;
use tokio::time::Instant;

use crate::auth::Scopes;
use crate::error::{Error, Kind};
use crate::transport::retry::retrying;
use crate::transport::{Answer, Call, Transport, plain};

/// A list, page by page. Memory holds one page, and eight bytes for each entry seen.
pub struct Listing<'a, T> {
    transport: &'a Transport,
    what: String,
    scopes: Scopes,
    next: Option<Url>,
    /// Where it begins, if not at the first.
    behind: Option<String>,
    /// The entries of a page's body.
    read: fn(&[u8]) -> Result<Vec<String>, serde_json::Error>,
    /// The numbers of entries that may be asked for in one page, the largest first: registries refuse what is too many.
    sizes: &'static [usize],
    hasher: RandomState,
    seen: HashSet<u64>,
    visited: HashSet<u64>,
    pages: usize,
    causes: Vec<Cause>,
    item: std::marker::PhantomData<fn() -> T>,
}

impl<T> fmt::Debug for Listing<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Listing")
            .field("what", &self.what)
            .field("pages", &self.pages)
            .finish_non_exhaustive()
    }
}

/// Some entries of a list, none of which came before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page<T> {
    /// The entries, in the registry's order.
    pub items: Vec<T>,
}

/// Whether a list that was read to its end has everything.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Completeness {
    /// The registry said that this was the end, and nothing speaks against it.
    Complete,
    /// Something is missing or may be.
    Incomplete(Vec<Cause>),
}

/// Why a list may lack something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cause {
    /// A page led to one that was read before.
    Cycle,
    /// A page without anything new led on.
    Stuck,
    /// The list has more pages or entries than are read.
    Bound(usize),
    /// An entry is no name that can be asked for.
    Unreadable(String),
    /// As many entries came as registries that cut their lists give, and nothing led on.
    Cut(usize),
    /// The registry has this and did not list it.
    Unlisted(String),
    /// The registry would not list this, nor what is below it, if it were there.
    Hidden(String),
    /// The registry had not listed all of it when the time for it was over.
    Late,
    /// The registry failed on the way.
    Broken(String),
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cycle => f.write_str("the registry led back to a page that was read before"),
            Self::Stuck => f.write_str("the registry led on from a page on which nothing was new"),
            Self::Bound(most) => write!(f, "the list goes on beyond {most}"),
            Self::Unreadable(entry) => write!(f, "{entry:?} is listed and is no name"),
            Self::Cut(count) => {
                write!(f, "exactly {count} came, which is where registries cut, and nothing led on")
            }
            Self::Unlisted(name) => {
                write!(f, "{name:?} is there and was not listed; others may be left out as well")
            }
            Self::Hidden(name) => write!(f, "{name:?} and what is below it would not be listed"),
            Self::Late => f.write_str("the registry had not listed all of it when the time for it was over"),
            Self::Broken(why) => write!(f, "the registry failed on the way: {why}"),
        }
    }
}

impl fmt::Display for Completeness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Complete => f.write_str("complete"),
            Self::Incomplete(causes) => {
                let causes: Vec<String> = causes.iter().map(Cause::to_string).collect();
                write!(f, "incomplete, because {}", causes.join("; "))
            }
        }
    }
}

impl<'a, T: FromStr> Listing<'a, T> {
    fn new(
        transport: &'a Transport,
        first: Url,
        what: String,
        scopes: Scopes,
        read: fn(&[u8]) -> Result<Vec<String>, serde_json::Error>,
    ) -> Self {
        /// What registries of the 2.8 line take at most, what a few take, and their default.
        const SIZES: &[usize] = &[1000, 100];
        let mut listing = Self {
            transport,
            what,
            scopes,
            next: Some(first),
            behind: None,
            read,
            sizes: SIZES,
            hasher: RandomState::new(),
            seen: HashSet::new(),
            visited: HashSet::new(),
            pages: 0,
            causes: Vec::new(),
            item: std::marker::PhantomData,
        };
        listing.ask_for_most();
        listing
    }

    /// The next entries; nothing at the end, when [`Listing::completeness`] can be asked.
    ///
    /// # Errors
    /// When a page cannot be read: the list is then not at its end, and the next call tries that page again.
    pub async fn next_page(&mut self) -> Result<Option<Page<T>>, Error> {
        loop {
            let Some(url) = self.next.clone() else { return Ok(None) };
            let (body, next) = match self.fetch(&url).await {
                Ok(page) => page,
                // Asked for too many at once, registries of the newer lines refuse instead of giving fewer.
                Err(error) if self.pages == 0 && error.status() == Some(400) && self.ask_for_fewer() => {
                    continue;
                }
                // A list of nothing is not there in some registries.
                Err(error) => return Err(error),
            };
            let named =
                |error| Error::new(Kind::Malformed, &self.what, "what came is no list").because(error);
            let entries = (self.read)(&body).map_err(named)?;
            self.pages += 1;
            self.visited.insert(self.hasher.hash_one(url.as_str()));
            let came = entries.len();
            let items = self.sift(entries);
            self.next = self.lead(next, came, items.len());
            if !items.is_empty() || self.next.is_none() {
                return Ok(Some(Page { items }));
            }
        }
    }

    /// What is known to be missing, once the end was reached.
    pub fn completeness(&self) -> Completeness {
        if self.next.is_some() {
            return Completeness::Incomplete(vec![Cause::Bound(self.seen.len())]);
        }
        if self.causes.is_empty() {
            Completeness::Complete
        } else {
            Completeness::Incomplete(self.causes.clone())
        }
    }

    /// Reads to the end: everything, and whether it is that.
    pub async fn collect(mut self) -> Result<(Vec<T>, Completeness), Error> {
        let mut all = Vec::new();
        while let Some(page) = self.next_page().await? {
            all.extend(page.items);
        }
        Ok((all, self.completeness()))
    }

    /// Reads until the end, or as far as it comes until then, with at most so many entries: what there is, and why that
    /// is not everything. `on` is told of each page where the next one begins.
    ///
    /// # Errors
    /// When not even the first page came.
    pub(super) async fn collect_until(
        mut self,
        until: Instant,
        most: usize,
        mut on: impl FnMut(Option<String>),
    ) -> Result<(Vec<T>, Vec<Cause>), Error> {
        let mut all = Vec::new();
        loop {
            match tokio::time::timeout_at(until, self.next_page()).await {
                Ok(Ok(Some(page))) => all.extend(page.items),
                Ok(Ok(None)) => break,
                Ok(Err(error)) if self.pages == 0 => return Err(error),
                Ok(Err(error)) => {
                    self.note(Cause::Broken(error.to_string()));
                    break;
                }
                Err(_) if self.pages == 0 => {
                    return Err(Error::new(Kind::TimedOut, &self.what, "no page of it came in time"));
                }
                Err(_) => {
                    self.note(Cause::Late);
                    break;
                }
            }
            on(self.border());
            if all.len() >= most && self.next.is_some() {
                all.truncate(most);
                self.note(Cause::Bound(most));
                break;
            }
        }
        Ok((all, self.causes))
    }

    async fn fetch(&self, url: &Url) -> Result<(Bytes, Option<Url>), Error> {
        let limits = &self.transport.limits;
        let call = Call::new(Method::GET, url.clone(), &self.what, self.scopes.clone());
        retrying(limits, || async {
            let answer = self.transport.send(&call).await?;
            let next = next_page(self.transport, &answer)?;
            Ok((answer.bytes(limits.answer).await?, next))
        })
        .await
    }

    /// Those that are new and can be read.
    fn sift(&mut self, entries: Vec<String>) -> Vec<T> {
        let mut items = Vec::with_capacity(entries.len());
        for entry in entries {
            if !self.seen.insert(self.hasher.hash_one(&entry)) {
                continue;
            }
            match entry.parse() {
                Ok(item) => items.push(item),
                Err(_) => self.note(Cause::Unreadable(plain(&entry))),
            }
        }
        items
    }

    /// Where to read on, if there is anywhere to.
    fn lead(&mut self, next: Option<Url>, came: usize, new: usize) -> Option<Url> {
        /// What registries give when they ignore how many were asked for and do not lead on: Docker's 2.1.
        const CUT: usize = 100;
        let limits = &self.transport.limits;
        let most = limits.entries;
        let Some(next) = next else {
            if self.pages == 1 && came == CUT && self.sizes.first() != Some(&CUT) {
                self.note(Cause::Cut(came));
            }
            return None;
        };
        if self.visited.contains(&self.hasher.hash_one(next.as_str())) {
            self.note(Cause::Cycle);
            return None;
        }
        if new == 0 && came > 0 {
            self.note(Cause::Stuck);
            return None;
        }
        if self.seen.len() >= most || self.pages >= limits.pages {
            let bound = if self.seen.len() >= most { most } else { limits.pages };
            self.note(Cause::Bound(bound));
            return None;
        }
        Some(next)
    }

    fn note(&mut self, cause: Cause) {
        /// Enough to see what is wrong; a hostile list could have a million.
        const MOST: usize = 20;
        if self.causes.len() < MOST && !self.causes.contains(&cause) {
            self.causes.push(cause);
        }
    }

    /// Begins behind an entry.
    fn behind(mut self, entry: Option<String>) -> Self {
        self.behind = entry;
        self.ask_for_most();
        self
    }

    /// Behind which entry the next page begins, where the registry leads to it by one.
    fn border(&self) -> Option<String> {
        let (_, last) = self.next.as_ref()?.query_pairs().find(|(name, _)| name == "last")?;
        Some(last.into_owned())
    }

    /// Begins with the numbers that the registry is known to take.
    fn taking(mut self, most: Option<u32>) -> Self {
        let Some(most) = most else { return self };
        while self.sizes.first().is_some_and(|size| *size as u64 > u64::from(most)) {
            self.ask_for_fewer();
        }
        self
    }

    /// Asks for as many as may be asked for; where no number is taken, for what the registry gives.
    fn ask_for_most(&mut self) {
        let Some(url) = &mut self.next else { return };
        url.set_query(None);
        if let Some(size) = self.sizes.first() {
            url.query_pairs_mut().append_pair("n", &size.to_string());
        }
        if let Some(behind) = &self.behind {
            url.query_pairs_mut().append_pair("last", behind);
        }
    }

    fn ask_for_fewer(&mut self) -> bool {
        let [_, rest @ ..] = self.sizes else { return false };
        self.sizes = rest;
        self.ask_for_most();
        true
    }
}

/// The page that an answer leads to. It must be the registry's own: a list that goes on elsewhere is somebody else's.
pub(crate) fn next_page(transport: &Transport, answer: &Answer) -> Result<Option<Url>, Error> {
    let mut links = answer.headers().get_all(LINK).iter().filter_map(|header| header.to_str().ok());
    let Some(target) = links.find_map(link::next) else { return Ok(None) };
    let url = Transport::follow(answer.url(), target, answer.call())?;
    if !transport.is_home(&url) {
        let message = format!("its next page is at another host: {}", plain(target));
        return Err(Error::new(Kind::Forbidden, answer.call(), message));
    }
    Ok(Some(url))
}
