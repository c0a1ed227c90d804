//! Watch: a stream of what changed after a revision, or of what is there and then what changes.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use serde_json::{Value, json};

use super::read::{in_version, parse_version};
use super::{Api, Target, VersionMatch};
use crate::select::Selection;
use crate::status::{ApiError, Cause, Subject};
use crate::store::{Change, ChangeKind, Object};

/// How often a watcher that asked for bookmarks gets one.
const BOOKMARK_EVERY: Duration = Duration::from_mins(1);
/// Watches that name no timeout end after between one and two of these.
const SHORTEST_WATCH: Duration = Duration::from_mins(30);

/// How a watch wants to be served.
#[derive(Debug, Clone, Default)]
pub(crate) struct WatchOptions {
    pub(crate) selection: Selection,
    pub(crate) resource_version: String,
    pub(crate) version_match: Option<VersionMatch>,
    /// `sendInitialEvents`; unset is not the same as false.
    pub(crate) initial_events: Option<bool>,
    pub(crate) bookmarks: bool,
    pub(crate) timeout: Option<Duration>,
}

/// One line of a watch.
#[derive(Debug, Clone)]
pub(crate) enum WatchEvent {
    /// An object as it is, or as it last was.
    Object { kind: ChangeKind, object: Object, change: Option<Arc<Change>> },
    /// Nothing happened up to this revision; `Initial` ends what was there at the start.
    Bookmark { revision: u64, ends: WatchStart },
    /// The last line of a watch that cannot go on.
    Error(ApiError),
}

/// What a bookmark tells about the beginning of a watch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum WatchStart {
    /// The initial state has been sent in full.
    Initial,
    /// An ordinary bookmark.
    Running,
}

/// A running watch.
pub(crate) struct Watcher {
    api: Arc<Api>,
    target: Target,
    selection: Selection,
    cursor: u64,
    ready: VecDeque<WatchEvent>,
    latest: tokio::sync::watch::Receiver<u64>,
    bookmark: Option<BoxFuture<'static, ()>>,
    deadline: BoxFuture<'static, ()>,
    over: bool,
}

impl Api {
    pub(crate) fn watch(
        self: &Arc<Self>,
        target: Target,
        options: WatchOptions,
    ) -> Result<Watcher, ApiError> {
        check(&options)?;
        let asked = parse_version(&options.resource_version)?;
        let latest = self.store.subscribe(&target.resource.key);
        let mut ready = VecDeque::new();
        let mut cursor = asked;
        let streams_list = options.initial_events == Some(true);
        if asked == 0 && options.initial_events != Some(false) || streams_list {
            let tx = self.store.begin();
            if asked > tx.revision() {
                return Err(ApiError::too_large_resource_version(asked, tx.revision()));
            }
            let namespace = (!target.namespace.is_empty()).then_some(target.namespace.as_str());
            for object in tx.list(&target.resource.key, namespace) {
                if options.selection.matches(&object) {
                    ready.push_back(WatchEvent::Object { kind: ChangeKind::Added, object, change: None });
                }
            }
            cursor = tx.revision();
        } else if asked == 0 {
            cursor = self.store.revision();
        }
        if streams_list && options.bookmarks {
            ready.push_back(WatchEvent::Bookmark { revision: cursor, ends: WatchStart::Initial });
        }
        let timeout = options
            .timeout
            .unwrap_or_else(|| SHORTEST_WATCH + Duration::from_millis(self.random_below(1_800_000) as u64));
        Ok(Watcher {
            deadline: self.clock.sleep(timeout),
            bookmark: options.bookmarks.then(|| self.clock.sleep(BOOKMARK_EVERY)),
            api: self.clone(),
            target,
            selection: options.selection,
            cursor,
            ready,
            latest,
            over: false,
        })
    }
}

impl Watcher {
    /// The next line; none when the watch has ended.
    pub(crate) async fn next(&mut self) -> Option<WatchEvent> {
        loop {
            if let Some(event) = self.ready.pop_front() {
                return Some(self.shown(event));
            }
            if self.over {
                return None;
            }
            self.latest.mark_unchanged();
            self.collect();
            if !self.ready.is_empty() {
                continue;
            }
            let bookmark = async {
                match &mut self.bookmark {
                    Some(due) => due.await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                changed = self.latest.changed() => self.over = changed.is_err(),
                () = &mut self.deadline => self.over = true,
                () = bookmark => {
                    let revision = self.api.store.revision();
                    self.bookmark = Some(self.api.clock.sleep(BOOKMARK_EVERY));
                    // Nothing up to here is missing: the changes were collected a moment ago, and any since
                    // then wait for the next round with a lower cursor.
                    let revision = if self.latest.has_changed().unwrap_or(false) { self.cursor } else { revision };
                    return Some(WatchEvent::Bookmark { revision, ends: WatchStart::Running });
                }
            }
        }
    }

    /// The revision up to which this watch has sent everything.
    pub(crate) fn target(&self) -> &Target {
        &self.target
    }

    fn collect(&mut self) {
        match self.api.store.changes_since(&self.target.resource.key, self.cursor) {
            Ok(changes) => {
                for change in changes {
                    self.cursor = change.revision;
                    if let Some(event) = self.seen(change) {
                        self.ready.push_back(event);
                    }
                }
            }
            Err(compacted) => {
                let message = format!("too old resource version: {} ({})", self.cursor, compacted.oldest);
                self.ready.push_back(WatchEvent::Error(ApiError::expired(message)));
                self.over = true;
            }
        }
    }

    /// How this watch, with its selectors, sees a change.
    fn seen(&self, change: Arc<Change>) -> Option<WatchEvent> {
        let selects = |object: &Value| {
            (self.target.namespace.is_empty() || crate::object::namespace(object) == self.target.namespace)
                && self.selection.matches(object)
        };
        let before = change.previous.as_deref().is_some_and(selects);
        let after = change.kind != ChangeKind::Deleted && selects(&change.object);
        let kind = match (before, after) {
            (false, true) => ChangeKind::Added,
            (true, true) => ChangeKind::Modified,
            (true, false) => ChangeKind::Deleted,
            (false, false) => return None,
        };
        let object = change.object.clone();
        Some(WatchEvent::Object { kind, object, change: Some(change) })
    }

    fn shown(&self, event: WatchEvent) -> WatchEvent {
        match event {
            WatchEvent::Object { kind, object, change } => {
                let shown = in_version(&self.target, &object);
                let change = change.filter(|_| Arc::ptr_eq(&shown, &object));
                WatchEvent::Object { kind, object: shown, change }
            }
            other => other,
        }
    }
}

/// The rules between the options of a watch.
fn check(options: &WatchOptions) -> Result<(), ApiError> {
    let mut causes = Vec::new();
    let forbidden = |field: &str, why: &str| Cause {
        reason: "FieldValueForbidden",
        field: field.to_owned(),
        message: format!("Forbidden: {why}"),
    };
    match (options.initial_events, options.version_match) {
        (Some(_), None) => causes.push(forbidden(
            "resourceVersionMatch",
            "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan",
        )),
        (None, Some(_)) => causes.push(forbidden(
            "resourceVersionMatch",
            "resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided",
        )),
        (Some(_), Some(VersionMatch::Exact)) => {
            causes.push(Cause::unsupported("resourceVersionMatch", &json!("Exact"), &["NotOlderThan"]));
        }
        _ => {}
    }
    if causes.is_empty() {
        return Ok(());
    }
    let subject = Subject { group: "meta.k8s.io", resource: "listoptions", kind: "ListOptions", name: "" };
    Err(ApiError::invalid(subject, &causes))
}
