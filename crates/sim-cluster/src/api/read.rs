//! Get and list.

use std::collections::VecDeque;
use std::ops::RangeBounds;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

use super::{Api, Target};
use crate::object;
use crate::select::Selection;
use crate::status::ApiError;
use crate::store::{Backup, Compacted, LogError, Object, Tx, path};
use crate::tree::Value;

/// How many moments of unfinished lists are remembered. An older one is read from the history, while that reaches back.
const SNAPSHOTS: usize = 64;

/// The revision in the token of a list that goes on in the present, with whatever happened since its first page.
const PRESENT: i64 = -1;

const EXPIRED_TOKEN: &str = "The provided continue parameter is too old to display a consistent list result. You can \
     start a new list without the continue parameter, or use the continue token in this response to retrieve the \
     remainder of the results. Continuing with the provided token results in an inconsistent list - objects that \
     were created, modified, or deleted between the time the first chunk was returned and now may show up in the \
     list.";

/// `resourceVersionMatch` of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum VersionMatch {
    NotOlderThan,
    Exact,
}

/// How a list wants to be answered.
#[derive(Debug, Clone, Default)]
pub(crate) struct ListOptions {
    pub(crate) selection: Selection,
    pub(crate) limit: usize,
    pub(crate) token: String,
    pub(crate) resource_version: String,
    pub(crate) version_match: Option<VersionMatch>,
    /// The list is answered as of this earlier revision, by a server that lags behind.
    pub(crate) as_of: Option<u64>,
}

/// One page of a list.
#[derive(Debug)]
pub(crate) struct Page {
    pub(crate) items: Vec<Object>,
    pub(crate) revision: u64,
    /// The token of the next page, empty at the end.
    pub(crate) token: String,
    /// Left out by the real server when a selector hides the count.
    pub(crate) remaining: Option<usize>,
}

/// The moments that unfinished lists show, so that all pages of one are of one revision.
#[derive(Debug, Default)]
pub(super) struct Snapshots {
    moments: VecDeque<(Moment, Arc<[Object]>)>,
}

/// What is listed: of a resource, in a namespace or in all of them, at a revision.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Moment {
    resource: Arc<str>,
    namespace: String,
    selection: Selection,
    revision: u64,
}

impl Moment {
    fn of(target: &Target, selection: &Selection, revision: u64) -> Self {
        Self {
            resource: target.resource.key.clone(),
            namespace: target.namespace.clone(),
            selection: selection.clone(),
            revision,
        }
    }
}

impl Snapshots {
    fn keep(&mut self, moment: Moment, objects: &Arc<[Object]>) {
        if self.find(&moment).is_some() {
            return;
        }
        if self.moments.len() == SNAPSHOTS {
            self.moments.pop_front();
        }
        self.moments.push_back((moment, objects.clone()));
    }

    fn find(&self, moment: &Moment) -> Option<Arc<[Object]>> {
        self.moments.iter().find(|(held, _)| held == moment).map(|(_, objects)| objects.clone())
    }

    /// Forgets the moments that are of other revisions than these.
    fn retain(&mut self, revisions: impl RangeBounds<u64>) {
        self.moments.retain(|(moment, _)| revisions.contains(&moment.revision));
    }
}

/// What a token says: of which revision the next page is, and behind which object it begins.
#[derive(Debug, Serialize, Deserialize)]
struct Token {
    v: String,
    /// −1 where the list goes on in the present.
    rv: i64,
    start: String,
}

impl Token {
    /// Behind this object of a list of `target` at a revision.
    fn behind(target: &Target, revision: u64, last: &Value) -> Self {
        let rv = i64::try_from(revision).unwrap_or(PRESENT);
        Self { v: "meta.k8s.io/v1".to_owned(), rv, start: format!("/{}\u{0}", place(target, last)) }
    }

    fn read(text: &str) -> Result<Self, ApiError> {
        let bytes = URL_SAFE_NO_PAD.decode(text.trim_end_matches('=')).unwrap_or_default();
        serde_json::from_slice(&bytes)
            .map_err(|_| ApiError::bad_request("invalid continue token: continue key is not valid"))
    }

    fn write(&self) -> String {
        URL_SAFE_NO_PAD.encode(serde_json::to_string(self).unwrap_or_default())
    }

    /// The place of the last object before.
    fn last(&self) -> &str {
        self.start.trim_start_matches('/').trim_end_matches('\u{0}')
    }
}

/// Where an object stands in lists of `target`: within one namespace by its name.
fn place(target: &Target, object: &Value) -> String {
    let namespace = if target.namespace.is_empty() { object::namespace(object) } else { "" };
    path(namespace, object::name(object))
}

impl Api {
    pub(crate) fn get(&self, target: &Target) -> Result<Object, ApiError> {
        let found = self.store.get(&target.key());
        let object = found.ok_or_else(|| ApiError::not_found(target.subject()))?;
        Ok(in_version(target, &object))
    }

    /// The object as a server shows it that lags behind at an earlier revision.
    pub(crate) fn get_as_of(&self, target: &Target, revision: u64) -> Result<Object, ApiError> {
        let objects = self.store.begin().list_at(&target.resource.key, scope(target), revision);
        let objects = objects.map_err(|_| no_such_past(revision))?;
        let found = objects.into_iter().find(|object| object::name(object) == target.name);
        let object = found.ok_or_else(|| ApiError::not_found(target.subject()))?;
        Ok(in_version(target, &object))
    }

    /// Refuses to read at a version that is none, or that is not reached yet.
    pub(crate) fn check_version(&self, text: &str, as_of: Option<u64>) -> Result<(), ApiError> {
        let (asked, current) = (parse_version(text)?, as_of.unwrap_or_else(|| self.store.revision()));
        if asked > current { Err(ApiError::too_large_resource_version(asked, current)) } else { Ok(()) }
    }

    pub(crate) fn list(&self, target: &Target, options: &ListOptions) -> Result<Page, ApiError> {
        let (objects, revision, start) = if options.token.is_empty() {
            let (objects, revision) = self.objects(target, options)?;
            (objects, revision, 0)
        } else {
            let token = Token::read(&options.token)?;
            let (objects, revision) = self.objects_of(target, options, &token)?;
            let last = token.last();
            (
                objects.clone(),
                revision,
                objects.partition_point(|object| *place(target, &object.unread()) <= *last),
            )
        };
        let left = objects.get(start..).unwrap_or_default();
        let size = if options.limit == 0 { left.len() } else { left.len().min(options.limit) };
        let (page, rest) = left.split_at(size);
        let mut token = String::new();
        if let (Some(last), false) = (page.last(), rest.is_empty()) {
            token = Token::behind(target, revision, &last.unread()).write();
            self.snapshots.lock().keep(Moment::of(target, &options.selection, revision), &objects);
        }
        Ok(Page {
            items: page.iter().map(|object| in_version(target, object)).collect(),
            revision,
            remaining: (!token.is_empty() && options.selection.is_everything()).then_some(rest.len()),
            token,
        })
    }

    /// What a list begins with, and the revision that it is of.
    fn objects(&self, target: &Target, options: &ListOptions) -> Result<(Arc<[Object]>, u64), ApiError> {
        let tx = self.store.begin();
        let current = options.as_of.unwrap_or_else(|| tx.revision());
        let asked = parse_version(&options.resource_version)
            .map_err(|error| ApiError::bad_request(format!("invalid resource version: {}", error.message)))?;
        if asked > current {
            return Err(ApiError::too_large_resource_version(asked, current));
        }
        let exact = options.version_match == Some(VersionMatch::Exact)
            // A page of a version is a page of just that one.
            || options.version_match.is_none() && options.limit > 0 && asked > 0;
        if exact {
            let objects = past(&tx, target, &options.selection, asked)
                .map_err(|_| ApiError::expired("The resourceVersion for the provided list is too old."))?;
            return Ok((objects, asked));
        }
        let objects = match options.as_of {
            None => present(&tx, target, &options.selection),
            Some(revision) => {
                past(&tx, target, &options.selection, revision).map_err(|_| no_such_past(revision))?
            }
        };
        Ok((objects, current))
    }

    /// What the page of a token is a part of.
    fn objects_of(
        &self,
        target: &Target,
        options: &ListOptions,
        token: &Token,
    ) -> Result<(Arc<[Object]>, u64), ApiError> {
        let tx = self.store.begin();
        let selection = &options.selection;
        if token.rv == PRESENT {
            return Ok((present(&tx, target, selection), tx.revision()));
        }
        let asked = u64::try_from(token.rv).unwrap_or_default();
        if asked > tx.revision() {
            return Err(ApiError::too_large_resource_version(asked, tx.revision()));
        }
        if let Some(held) = self.snapshots.lock().find(&Moment::of(target, selection, asked)) {
            return Ok((held, asked));
        }
        let objects = past(&tx, target, selection, asked).map_err(|_| {
            let present = Token { v: token.v.clone(), rv: PRESENT, start: format!("{}\u{0}", token.last()) };
            ApiError::expired(EXPIRED_TOKEN).going_on_with(present.write())
        })?;
        Ok((objects, asked))
    }

    /// Forgets what lists show of the past, as after a compaction of etcd.
    pub(crate) fn compact(&self) {
        self.store.compact();
        let compacted = self.store.compacted();
        self.snapshots.lock().retain(compacted..);
    }

    /// Puts a backup in the place of what is there.
    pub(crate) fn put_back(&self, backup: &Backup) -> Result<(), LogError> {
        self.store.put_back(backup)?;
        // What comes to revisions that were there once is another state.
        self.snapshots.lock().retain(..0);
        Ok(())
    }
}

/// What is selected now.
pub(super) fn present(tx: &Tx<'_>, target: &Target, selection: &Selection) -> Arc<[Object]> {
    tx.select(&target.resource.key, scope(target), selection).into()
}

/// What was selected at an earlier revision.
pub(super) fn past(
    tx: &Tx<'_>,
    target: &Target,
    selection: &Selection,
    revision: u64,
) -> Result<Arc<[Object]>, Compacted> {
    let mut objects = tx.list_at(&target.resource.key, scope(target), revision)?;
    // Looked at through handles of their own: these may be remembered for the next page.
    objects.retain(|object| selection.matches(&object.unread()));
    Ok(objects.into())
}

/// The namespace of a list, or all of them.
fn scope(target: &Target) -> Option<&str> {
    (!target.namespace.is_empty()).then_some(target.namespace.as_str())
}

/// A hook asks for a past that nobody remembers.
pub(super) fn no_such_past(revision: u64) -> ApiError {
    ApiError::internal(format!("a hook has a request answered as of revision {revision}, which is forgotten"))
}

/// An object as the version asked for shows it; conversion between versions of a CRD is `None`, as is the
/// strategy modelled, so only `apiVersion` differs.
pub(super) fn in_version(target: &Target, object: &Object) -> Object {
    object.in_version(&target.resource.kind, &target.api_version())
}

/// A `resourceVersion` of a query; empty and `0` mean any.
pub(super) fn parse_version(text: &str) -> Result<u64, ApiError> {
    if text.is_empty() {
        return Ok(0);
    }
    text.parse().map_err(|_| {
        let why = format!("strconv.ParseUint: parsing \"{text}\": invalid syntax");
        let message = format!("resourceVersion: Invalid value: \"{text}\": {why}");
        ApiError::new(http::StatusCode::INTERNAL_SERVER_ERROR, "", message)
    })
}
