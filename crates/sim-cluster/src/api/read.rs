//! Get and list.

use std::collections::VecDeque;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::{Api, Target};
use crate::select::Selection;
use crate::status::ApiError;
use crate::store::Object;

/// How many unfinished paged lists are remembered; an older continue token is answered 410.
const SNAPSHOTS: usize = 64;

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

/// The rests of paged lists, so that all pages show one revision.
#[derive(Debug, Default)]
pub(super) struct Snapshots {
    rests: VecDeque<(String, Arc<Rest>)>,
    next: u64,
}

#[derive(Debug)]
struct Rest {
    /// All that the list showed at its beginning.
    items: Arc<Vec<Object>>,
    /// How many of them have been shown.
    shown: usize,
    revision: u64,
}

impl Snapshots {
    fn keep(&mut self, rest: Rest) -> String {
        self.next += 1;
        let start = format!("{}\u{0}", self.next);
        let token = json!({"v": "meta.k8s.io/v1", "rv": rest.revision, "start": start});
        let token = URL_SAFE_NO_PAD.encode(token.to_string());
        if self.rests.len() == SNAPSHOTS {
            self.rests.pop_front();
        }
        self.rests.push_back((token.clone(), Arc::new(rest)));
        token
    }

    fn find(&self, token: &str) -> Option<Arc<Rest>> {
        self.rests.iter().find(|(held, _)| held == token).map(|(_, rest)| rest.clone())
    }
}

impl Api {
    pub(crate) fn get(&self, target: &Target) -> Result<Object, ApiError> {
        let found = self.store.get(&target.key());
        let object = found.ok_or_else(|| ApiError::not_found(target.subject()))?;
        Ok(in_version(target, &object))
    }

    /// Refuses to read at a version that is none, or that is not reached yet.
    pub(crate) fn check_version(&self, text: &str) -> Result<(), ApiError> {
        let (asked, current) = (parse_version(text)?, self.store.revision());
        if asked > current { Err(ApiError::too_large_resource_version(asked, current)) } else { Ok(()) }
    }

    pub(crate) fn list(&self, target: &Target, options: &ListOptions) -> Result<Page, ApiError> {
        let (items, start, revision) = if options.token.is_empty() {
            let (items, revision) = self.matching(target, options)?;
            (Arc::new(items), 0, revision)
        } else {
            let rest =
                self.snapshots.lock().find(&options.token).ok_or_else(|| unusable_token(&options.token))?;
            (rest.items.clone(), rest.shown, rest.revision)
        };
        let left = items.get(start..).unwrap_or_default();
        let size = if options.limit == 0 { left.len() } else { left.len().min(options.limit) };
        let (page, rest) = left.split_at(size);
        let page: Vec<Object> = page.iter().map(|item| in_version(target, item)).collect();
        if rest.is_empty() {
            return Ok(Page { items: page, revision, token: String::new(), remaining: None });
        }
        let remaining = options.selection.is_everything().then_some(rest.len());
        let rest = Rest { items: items.clone(), shown: start + size, revision };
        let token = self.snapshots.lock().keep(rest);
        Ok(Page { items: page, revision, token, remaining })
    }

    fn matching(&self, target: &Target, options: &ListOptions) -> Result<(Vec<Object>, u64), ApiError> {
        let tx = self.store.begin();
        let current = tx.revision();
        let asked = parse_version(&options.resource_version)
            .map_err(|error| ApiError::bad_request(format!("invalid resource version: {}", error.message)))?;
        if asked > current {
            return Err(ApiError::too_large_resource_version(asked, current));
        }
        let namespace = (!target.namespace.is_empty()).then_some(target.namespace.as_str());
        let exact = options.version_match == Some(VersionMatch::Exact)
            // A page of a version is a page of just that one.
            || options.version_match.is_none() && options.limit > 0 && asked > 0;
        let (items, revision) = if exact {
            let mut items = tx.list_at(&target.resource.key, namespace, asked).map_err(|_| {
                ApiError::expired(format!("The resourceVersion for the provided list is too old: {asked}"))
            })?;
            // Looked at through handles of their own: these may be remembered for the next page.
            items.retain(|item| options.selection.matches(&item.unread()));
            (items, asked)
        } else {
            (tx.select(&target.resource.key, namespace, &options.selection), current)
        };
        Ok((items, revision))
    }
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

/// A token made here that is no longer remembered, or one that was never made here.
fn unusable_token(token: &str) -> ApiError {
    let text = URL_SAFE_NO_PAD.decode(token.trim_end_matches('=')).unwrap_or_default();
    if serde_json::from_slice::<Value>(&text).is_err() {
        return ApiError::bad_request("invalid continue token: continue key is not valid");
    }
    ApiError::expired(
        "The provided continue parameter is too old to display a consistent list result. You can start a new \
         list without the continue parameter, or use the continue token in this response to retrieve the \
         remainder of the results. Continuing with the provided token results in an inconsistent list - \
         objects that were created, modified, or deleted between the time the first chunk was returned and \
         now may show up in the list.",
    )
}
