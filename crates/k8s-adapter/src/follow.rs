//! What an API holds, and what changes in it, through every error and through a restore of its store.
//!
//! kube's own watcher goes on where it was after whatever ended a watch. That is right only as long as the history is the
//! same. While nobody heard of the data center its store may have been put back to an earlier state: of a version that
//! is not reached again yet a watch is told nothing, and of one that was given anew it misses what lies before. Neither
//! is an error. So a watch goes on only where it ended by the time that was asked for, and begins anew with a list
//! where it ended otherwise: a server that is restarted in order ends its watches without an error, too.

use std::collections::VecDeque;
use std::time::Duration;

use futures::stream::{self, BoxStream};
use futures::{Stream, StreamExt};
use kube::api::{ListParams, WatchEvent, WatchParams};
use kube::runtime::utils::Backoff;
use kube::runtime::watcher::{DefaultBackoff, Error, Event, Result};
use kube::{Api, ResourceExt as _};
use tokio::time::Instant;

use crate::document::Document;
use crate::version::newer;

/// How long one watch lasts before the server ends it and the next goes on where it was: a connection that died
/// unnoticed is noticed then at the latest.
const LASTS: Duration = Duration::from_mins(4);
/// How much earlier than that a watch may end by its time: clocks run differently.
const EARLY: Duration = Duration::from_secs(1);
/// How much later than that a watch that did not end is given up.
const LATE: Duration = Duration::from_secs(5);
/// How many objects a page of a list has.
const PAGE: u32 = 500;

/// Follows everything that has these labels; where none are named, everything.
///
/// Every list begins with [`Event::Init`] and ends with [`Event::InitDone`]; what is between is all that is there. The
/// stream never ends. After an error, and after a watch that ended early, it waits before the next list, longer each
/// time until a watch begins.
pub(crate) fn follow(
    api: Api<Document>,
    labels: Option<String>,
) -> impl Stream<Item = Result<Event<Document>>> + Send {
    let follow = Follow { api, labels, at: At::Start, backoff: DefaultBackoff::default(), pause: None };
    stream::unfold(follow, |mut follow| async move {
        loop {
            if let Some(told) = follow.step().await {
                return Some((told, follow));
            }
        }
    })
}

struct Follow {
    api: Api<Document>,
    labels: Option<String>,
    at: At,
    backoff: DefaultBackoff,
    pause: Option<Duration>,
}

enum At {
    /// Before a list.
    Start,
    /// In a list: what of it was not told yet, and where it goes on.
    Page { objects: VecDeque<Document>, next: Next },
    /// Before a watch from this version.
    Listed { version: String },
    /// In a watch, which has told everything up to this version.
    Watching {
        version: String,
        began: Instant,
        changes: BoxStream<'static, kube::Result<WatchEvent<Document>>>,
    },
}

enum Next {
    First,
    Page(String),
    Watch(String),
}

impl Follow {
    /// One step, and what it tells.
    async fn step(&mut self) -> Option<Result<Event<Document>>> {
        // Who stops waiting for this step finds everything as it was.
        match &mut self.at {
            At::Start => {
                if let Some(pause) = self.pause {
                    tokio::time::sleep(pause).await;
                    self.pause = None;
                }
                self.at = At::Page { objects: VecDeque::new(), next: Next::First };
                Some(Ok(Event::Init))
            }
            At::Page { objects, next } => {
                if let Some(object) = objects.pop_front() {
                    return Some(Ok(Event::InitApply(object)));
                }
                let token = match next {
                    Next::First => None,
                    Next::Page(token) => Some(token.clone()),
                    Next::Watch(version) => {
                        self.at = At::Listed { version: std::mem::take(version) };
                        return Some(Ok(Event::InitDone));
                    }
                };
                self.page(token).await
            }
            At::Listed { version } => {
                let version = version.clone();
                self.watch(version).await
            }
            At::Watching { version, began, changes } => {
                let (began, ends) = (*began, *began + LASTS + LATE);
                match tokio::time::timeout_at(ends, changes.next()).await {
                    Ok(Some(change)) => match told(change, version) {
                        Ok(event) => event.map(Ok),
                        Err(Broken::Failed(error)) => Some(self.fail(error)),
                        Err(Broken::WentBack) => {
                            self.start_anew();
                            None
                        }
                    },
                    Ok(None) if began.elapsed() + EARLY >= LASTS => {
                        self.at = At::Listed { version: std::mem::take(version) };
                        None
                    }
                    Ok(None) | Err(_) => {
                        self.start_anew();
                        None
                    }
                }
            }
        }
    }

    async fn page(&mut self, token: Option<String>) -> Option<Result<Event<Document>>> {
        let Self { api, labels, .. } = self;
        let params = ListParams {
            label_selector: labels.clone(),
            limit: Some(PAGE),
            continue_token: token,
            ..ListParams::default()
        };
        let list = match api.list(&params).await {
            Ok(list) => list,
            Err(error) => return Some(self.fail(Error::InitialListFailed(error))),
        };
        let given = |text: Option<String>| text.filter(|text| !text.is_empty());
        let next = given(list.metadata.continue_).map(Next::Page);
        let Some(next) = next.or_else(|| given(list.metadata.resource_version).map(Next::Watch)) else {
            return Some(self.fail(Error::NoResourceVersion));
        };
        self.at = At::Page { objects: list.items.into(), next };
        None
    }

    async fn watch(&mut self, version: String) -> Option<Result<Event<Document>>> {
        let Self { api, labels, .. } = self;
        let params = WatchParams {
            label_selector: labels.clone(),
            timeout: u32::try_from(LASTS.as_secs()).ok(),
            ..WatchParams::default()
        };
        let began = Instant::now();
        match api.watch(&params, &version).await {
            Ok(changes) => {
                self.backoff.reset();
                self.at = At::Watching { version, began, changes: changes.boxed() };
                None
            }
            Err(error) => Some(self.fail(Error::WatchStartFailed(error))),
        }
    }

    fn fail(&mut self, error: Error) -> Result<Event<Document>> {
        self.start_anew();
        Err(error)
    }

    fn start_anew(&mut self) {
        self.at = At::Start;
        self.pause = self.backoff.next();
    }
}

/// Why a watch does not go on.
enum Broken {
    WentBack,
    Failed(Error),
}

/// What a change tells, if anything; the version moves on with it.
fn told(
    change: kube::Result<WatchEvent<Document>>,
    version: &mut String,
) -> std::result::Result<Option<Event<Document>>, Broken> {
    let (event, now) = match change.map_err(|error| Broken::Failed(Error::WatchFailed(error)))? {
        WatchEvent::Added(object) | WatchEvent::Modified(object) => {
            let now = object.resource_version();
            (Some(Event::Apply(object)), now)
        }
        WatchEvent::Deleted(object) => {
            let now = object.resource_version();
            (Some(Event::Delete(object)), now)
        }
        // It says up to where nothing is missing. Of events of different objects the later may come first.
        WatchEvent::Bookmark(bookmark) => match bookmark.metadata.resource_version {
            now if newer(&now, version) => (None, Some(now)),
            _ => return Err(Broken::WentBack),
        },
        WatchEvent::Error(status) => return Err(Broken::Failed(Error::WatchError(status))),
    };
    let given = now.filter(|now| !now.is_empty());
    *version = given.ok_or(Broken::Failed(Error::NoResourceVersion))?;
    Ok(event)
}
