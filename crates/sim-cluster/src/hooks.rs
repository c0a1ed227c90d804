//! Interference on purpose: what a test does to requests and watches.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::RwLock;
use tokio::sync::watch;

use crate::status::ApiError;
use crate::tree::Value;

/// What a request does, in the API's own words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Verb {
    /// Reads one object.
    Get,
    /// Reads a collection.
    List,
    /// Follows a collection.
    Watch,
    /// Makes an object.
    Create,
    /// Replaces an object.
    Update,
    /// Changes an object, or applies one.
    Patch,
    /// Deletes an object.
    Delete,
    /// Deletes a collection.
    DeleteCollection,
}

impl Verb {
    /// Whether the verb may change something.
    pub fn is_write(self) -> bool {
        !matches!(self, Self::Get | Self::List | Self::Watch)
    }

    /// Its name in rules of access.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Get => "get",
            Self::List => "list",
            Self::Watch => "watch",
            Self::Create => "create",
            Self::Update => "update",
            Self::Patch => "patch",
            Self::Delete => "delete",
            Self::DeleteCollection => "deletecollection",
        }
    }
}

/// The body format of a patch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PatchFormat {
    /// RFC 6902.
    Json,
    /// RFC 7386.
    Merge,
    /// Kubernetes' own.
    Strategic,
    /// Server-side apply.
    Apply,
}

/// A request as hooks and the journal see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestInfo {
    /// Counts the requests of this cluster from one.
    pub sequence: u64,
    /// The authenticated user.
    pub user: String,
    /// The `User-Agent` header.
    pub agent: String,
    /// What is done.
    pub verb: Verb,
    /// The API group, empty for the core group.
    pub group: String,
    /// The API version.
    pub version: String,
    /// The plural of the resource, such as `deployments`; the path for requests beside resources.
    pub resource: String,
    /// `status`, `scale`, `log`; empty for the object itself.
    pub subresource: String,
    /// Empty for cluster-wide resources and lists over all namespaces.
    pub namespace: String,
    /// Empty for collections and for objects still to be named.
    pub name: String,
    /// Set for patches.
    pub patch: Option<PatchFormat>,
    /// The `fieldManager` parameter.
    pub field_manager: String,
    /// Whether the request only asks what would happen.
    pub dry_run: bool,
}

impl RequestInfo {
    /// Whether the request may change something.
    pub fn is_write(&self) -> bool {
        self.verb.is_write() && !self.dry_run
    }

    /// Whether the request is about this resource, given as `deployments` or `deployments.apps`.
    pub fn is_for(&self, resource: &str) -> bool {
        match resource.split_once('.') {
            Some((plural, group)) => self.resource == plural && self.group == group,
            None => self.resource == resource,
        }
    }
}

/// What happens to a request.
///
/// ```
/// use std::time::Duration;
/// use plimsoll_sim_cluster::{ApiError, Fault, RequestInfo, Verb};
/// # use plimsoll_sim_cluster::SimCluster;
/// # fn example(cluster: &SimCluster) {
/// // Every third request is one too many; who waits a second may try again.
/// cluster.hooks().on_request(|request| match request.sequence % 3 {
///     0 => Fault::Fail(ApiError::too_many_requests(1)),
///     _ => Fault::Pass,
/// });
/// // Deployments are written, and nobody is told so.
/// cluster.hooks().on_request(|request: &RequestInfo| match request.is_write() && request.is_for("deployments.apps") {
///     true => Fault::FailAfter(ApiError::timeout()),
///     false => Fault::Pass,
/// });
/// // What is read is as it was now, whatever happens from here on.
/// let revision = cluster.revision();
/// cluster.hooks().on_request(move |_| Fault::Stale { revision });
/// # }
/// ```
#[derive(Debug, Clone, Default)]
pub enum Fault {
    /// Nothing.
    #[default]
    Pass,
    /// It is served after a while; where that is longer than it may take (its `timeout`, a minute unless it says so), it
    /// has no effect and is answered 504 at the end of that. A watch may take as long as it likes.
    Delay(Duration),
    /// A read is answered as of an earlier revision, as by a server that lags behind: a get shows the object as it was, a
    /// list is of that revision, and a watch that begins with what is there begins with what was there. What asks for a
    /// later version is told that it is too large. Writes pass.
    Stale {
        /// That of [`SimCluster::revision`](crate::SimCluster::revision) at the time.
        revision: u64,
    },
    /// It is answered with this error and has no effect.
    Fail(ApiError),
    /// It takes effect, and is answered with this error.
    FailAfter(ApiError),
    /// It has no effect, and the connection is closed without an answer.
    Drop,
    /// It takes effect, and the connection is closed without an answer.
    LoseReply,
    /// It has no effect and is never answered.
    Hang,
    /// It takes effect and is never answered.
    HangAfter,
}

/// What happens to one event of a watch.
///
/// ```
/// use std::time::Duration;
/// use plimsoll_sim_cluster::{ApiError, Order, WatchFault};
/// # use plimsoll_sim_cluster::SimCluster;
/// # fn example(cluster: &SimCluster) {
/// // Nobody hears of pods that go.
/// cluster.hooks().on_watch_event(|event| match (event.kind, event.request.is_for("pods")) {
///     ("DELETED", true) => WatchFault::Hide,
///     _ => WatchFault::Pass,
/// });
/// // Each event is told after the next one about another object, or a second later.
/// cluster.hooks().on_watch_event(|_| WatchFault::Reorder { order: Order::OfObjects, within: Duration::from_secs(1) });
/// // The history is lost in the middle of a watch.
/// cluster.hooks().on_watch_event(|_| WatchFault::Fail(ApiError::expired("too old resource version: 1 (7)")));
/// # }
/// ```
#[derive(Debug, Clone, Default)]
pub enum WatchFault {
    /// It is sent.
    #[default]
    Pass,
    /// It is never sent.
    Hide,
    /// It and what follows is sent after a while.
    Delay(Duration),
    /// It is sent after the next event that passes, and at the latest after this long. A bookmark, an error and the end
    /// of the watch come after it, for they say that nothing is left out.
    Reorder {
        /// Which events may change places.
        order: Order,
        /// How long it is held back at most.
        within: Duration,
    },
    /// The watch tells this error instead, and ends: what most servers do where a version is too old. For the answer to
    /// the request itself, see [`Fault::Fail`].
    Fail(ApiError),
    /// The watch ends before it, as when a server closes the connection in order.
    End,
    /// The watch breaks before it.
    Cut,
    /// The watch goes quiet for good, but stays open.
    Freeze,
}

/// Which events of a watch may change places.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// Those of different objects. Those of one object come in their order: all that clients may rely on.
    OfObjects,
    /// Any two, which no server does.
    OfEvents,
}

/// An event about to be sent on a watch.
#[derive(Debug)]
pub struct WatchInfo<'a> {
    /// The watch request.
    pub request: &'a RequestInfo,
    /// `ADDED`, `MODIFIED`, `DELETED`, `BOOKMARK` or `ERROR`.
    pub kind: &'a str,
    /// The object, before it is put into another form.
    pub object: &'a Value,
}

type RequestHook = Arc<dyn Fn(&RequestInfo) -> Fault + Send + Sync>;
type WatchHook = Arc<dyn Fn(&WatchInfo<'_>) -> WatchFault + Send + Sync>;

/// Names a hook, to take it away again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HookId(u64);

/// The hooks of a cluster. They are asked in the order in which they were added; the first that does not
/// let a request or event pass decides.
#[derive(Clone, Default)]
pub struct Hooks {
    inner: Arc<Inner>,
}

struct Inner {
    next: AtomicU64,
    requests: RwLock<Vec<(HookId, RequestHook)>>,
    watches: RwLock<Vec<(HookId, WatchHook)>>,
    /// Counts how often all watches were cut.
    cuts: watch::Sender<u64>,
}

impl Default for Inner {
    fn default() -> Self {
        Self {
            next: AtomicU64::new(0),
            requests: RwLock::default(),
            watches: RwLock::default(),
            cuts: watch::Sender::new(0),
        }
    }
}

impl Hooks {
    /// Asks `hook` about every request from outside.
    pub fn on_request(&self, hook: impl Fn(&RequestInfo) -> Fault + Send + Sync + 'static) -> HookId {
        let id = self.next_id();
        self.inner.requests.write().push((id, Arc::new(hook)));
        id
    }

    /// Asks `hook` about every event of every watch.
    pub fn on_watch_event(
        &self,
        hook: impl Fn(&WatchInfo<'_>) -> WatchFault + Send + Sync + 'static,
    ) -> HookId {
        let id = self.next_id();
        self.inner.watches.write().push((id, Arc::new(hook)));
        id
    }

    /// Takes a hook away.
    pub fn remove(&self, id: HookId) {
        self.inner.requests.write().retain(|(held, _)| *held != id);
        self.inner.watches.write().retain(|(held, _)| *held != id);
    }

    /// Takes all hooks away.
    pub fn clear(&self) {
        self.inner.requests.write().clear();
        self.inner.watches.write().clear();
    }

    /// Breaks all running watches now.
    pub fn cut_watches(&self) {
        self.inner.cuts.send_modify(|cuts| *cuts += 1);
    }

    pub(crate) fn fault(&self, request: &RequestInfo) -> Fault {
        let hooks = self.inner.requests.read().clone();
        hooks
            .iter()
            .map(|(_, hook)| hook(request))
            .find(|fault| !matches!(fault, Fault::Pass))
            .unwrap_or_default()
    }

    /// Whether anybody is asked about the events of watches.
    pub(crate) fn has_watch_hooks(&self) -> bool {
        !self.inner.watches.read().is_empty()
    }

    pub(crate) fn watch_fault(&self, event: &WatchInfo<'_>) -> WatchFault {
        let hooks = self.inner.watches.read().clone();
        hooks
            .iter()
            .map(|(_, hook)| hook(event))
            .find(|fault| !matches!(fault, WatchFault::Pass))
            .unwrap_or_default()
    }

    pub(crate) fn cuts(&self) -> watch::Receiver<u64> {
        self.inner.cuts.subscribe()
    }

    fn next_id(&self) -> HookId {
        HookId(self.inner.next.fetch_add(1, Ordering::Relaxed))
    }
}

impl fmt::Debug for Hooks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hooks")
            .field("requests", &self.inner.requests.read().len())
            .field("watches", &self.inner.watches.read().len())
            .finish()
    }
}
