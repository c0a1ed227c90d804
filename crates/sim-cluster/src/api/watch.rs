//! Watch: a stream of what changed after a revision, or of what is there and then what changes.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use jiff::{SignedDuration, Timestamp};

use super::read::{in_version, no_such_past, parse_version, past, present};
use super::{Api, Target};
use crate::select::Selection;
use crate::status::ApiError;
use crate::store::{Change, ChangeKind, Object};
use crate::tree::Value;

/// How often a watcher that asked for bookmarks gets one.
const BOOKMARK_EVERY: Duration = Duration::from_mins(1);
/// So long before its end a watch gets the last one.
const LAST_BOOKMARK: Duration = Duration::from_secs(2);
/// Watches that name no timeout end after between one and two of these.
const SHORTEST_WATCH: Duration = Duration::from_mins(30);

/// How a watch wants to be served.
#[derive(Debug, Clone, Default)]
pub(crate) struct WatchOptions {
    pub(crate) selection: Selection,
    pub(crate) resource_version: String,
    /// `sendInitialEvents`; unset is not the same as false.
    pub(crate) initial_events: Option<bool>,
    pub(crate) bookmarks: bool,
    pub(crate) timeout: Option<Duration>,
    /// It begins as of this earlier revision, on a server that lags behind.
    pub(crate) as_of: Option<u64>,
}

/// One line of a watch.
#[derive(Debug, Clone)]
pub(crate) enum WatchEvent {
    /// An object as it is, or as it last was.
    Object { kind: ChangeKind, object: Object },
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
    ends: Timestamp,
    over: bool,
}

impl Api {
    pub(crate) fn watch(
        self: &Arc<Self>,
        target: Target,
        options: WatchOptions,
    ) -> Result<Watcher, ApiError> {
        let asked = parse_version(&options.resource_version)?;
        let latest = self.store.subscribe(&target.resource.key);
        let mut ready = VecDeque::new();
        let mut cursor = asked;
        let mut over = false;
        let streams_list = options.initial_events == Some(true);
        if asked == 0 && options.initial_events != Some(false) || streams_list {
            let tx = self.store.begin();
            let current = options.as_of.unwrap_or_else(|| tx.revision());
            if asked > current {
                // As a real server: it has begun to answer before it knows how far it is.
                ready.push_back(WatchEvent::Error(ApiError::too_large_resource_version(asked, current)));
                over = true;
            } else {
                let objects = match options.as_of {
                    None => present(&tx, &target, &options.selection),
                    Some(revision) => past(&tx, &target, &options.selection, revision)
                        .map_err(|_| no_such_past(revision))?,
                };
                let added =
                    |object: &Object| WatchEvent::Object { kind: ChangeKind::Added, object: object.clone() };
                ready.extend(objects.iter().map(added));
            }
            cursor = current;
        } else if asked == 0 {
            cursor = options.as_of.unwrap_or_else(|| self.store.revision());
        }
        if streams_list && options.bookmarks && !over {
            ready.push_back(WatchEvent::Bookmark { revision: cursor, ends: WatchStart::Initial });
        }
        let timeout = options
            .timeout
            .unwrap_or_else(|| SHORTEST_WATCH + Duration::from_millis(self.random_below(1_800_000) as u64));
        let ends =
            self.now().saturating_add(SignedDuration::try_from(timeout).unwrap_or(SignedDuration::MAX));
        let ends = ends.unwrap_or(Timestamp::MAX);
        Ok(Watcher {
            deadline: self.clock.sleep(timeout),
            bookmark: options.bookmarks.then(|| self.clock.sleep(until_bookmark(self.now(), ends))),
            ends,
            api: self.clone(),
            target,
            selection: options.selection,
            cursor,
            ready,
            latest,
            over,
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
                    let wait = until_bookmark(self.api.now(), self.ends);
                    self.bookmark = Some(self.api.clock.sleep(wait));
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
                    if let Some(event) = self.seen(&change) {
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
    fn seen(&self, change: &Change) -> Option<WatchEvent> {
        if !self.target.namespace.is_empty() && change.namespace() != self.target.namespace {
            return None;
        }
        let selects = |object: &Object| self.selection.is_everything() || self.selection.matches(object);
        let previous = change.previous();
        let before = previous.as_ref().is_some_and(selects);
        let after = change.kind != ChangeKind::Deleted && selects(&change.object());
        let kind = match (before, after) {
            (false, true) => ChangeKind::Added,
            (true, true) => ChangeKind::Modified,
            (true, false) => ChangeKind::Deleted,
            (false, false) => return None,
        };
        if kind == ChangeKind::Deleted && change.kind != ChangeKind::Deleted {
            // It left the selection: told as it last was in it, with the version at which it left.
            let mut last = Value::clone(&*previous?);
            let version = change.revision.to_string();
            crate::object::metadata(&mut last).insert("resourceVersion", version.into());
            return Some(WatchEvent::Object { kind, object: last.into() });
        }
        Some(WatchEvent::Object { kind, object: change.object() })
    }

    fn shown(&self, event: WatchEvent) -> WatchEvent {
        match event {
            WatchEvent::Object { kind, object } => {
                WatchEvent::Object { kind, object: in_version(&self.target, &object) }
            }
            other => other,
        }
    }
}

/// How long until the next bookmark: a minute, or until shortly before the watch ends.
fn until_bookmark(now: Timestamp, ends: Timestamp) -> Duration {
    let last = Duration::try_from(ends.duration_since(now)).unwrap_or_default().checked_sub(LAST_BOOKMARK);
    last.filter(|last| !last.is_zero()).map_or(BOOKMARK_EVERY, |last| last.min(BOOKMARK_EVERY))
}
